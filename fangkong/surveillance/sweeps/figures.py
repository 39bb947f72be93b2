"""Coverage as a map of counties or cells, and as tiles by township."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.core import pages

from . import rules
from .models import Sweep

if TYPE_CHECKING:
    from fangkong.places.models import Area

# Percent, from and to included, as the legend shows them.
BANDS = ((0, 24.9), (25, 49.9), (50, 74.9), (75, 99.9), (100, 100))


def told(one: rules.Coverage) -> str:
    """12 of 20 doors (60 %); that no door is known is said, and is not 100 %."""
    if one.share is None:
        return _("no doors known")
    said = {"done": one.done, "doors": one.doors, "share": f"{one.share:.0f}"}
    return _("%(done)s of %(doors)s doors (%(share)s %%)") % said


def tone(one: rules.Coverage) -> str:
    """The colour of a share; it says nothing that the words beside it do not say."""
    if one.share is None:
        return "neutral"
    return "good" if one.share == 100 else "warn" if one.share >= 50 else "bad"


def by_county(
    sweep: Sweep, whole: rules.Coverage, others: Iterable[Area], at: datetime
) -> pages.AreaMap:
    """The county of a sweep on the map of the prefecture; the others are blank."""
    values = [
        pages.AreaValue(
            code=sweep.county.code,
            name=sweep.county.display_short,
            value=None if whole.share is None else round(whole.share, 1),
            label=told(whole),
            url=sweep.get_absolute_url(),
        )
    ]
    values += [
        pages.AreaValue(code=one.code, name=one.display_short, value=None, label="–")
        for one in others
        if one.pk != sweep.county_id
    ]
    return pages.AreaMap(
        title=_("Doors done, by county"),
        url=reverse("surveillance:sweeps:coverage_map", args=[sweep.public_id]),
        values=values,
        legend=_legend(),
        borders=settings.FANGKONG_AREA,
        unit="%",
        as_of=at,
        note=_("Of doors known in the cells of the sweep."),
    )


def running(
    found: Mapping[int, tuple[rules.Coverage, int]], counties: Iterable[Area], at: datetime
) -> pages.AreaMap:
    """The sweeps that run, by county; a county without one is blank."""
    values = []
    for one in counties:
        whole, several = found.get(one.pk, (rules.Coverage(), 0))
        share = None if whole.share is None else round(whole.share, 1)
        label = told(whole) if several else _("no sweep runs")
        values.append(
            pages.AreaValue(
                code=one.code,
                name=one.display_short,
                value=share,
                label=label,
                url=f"{reverse('surveillance:sweeps:index')}?county={one.code}" if several else "",
            )
        )
    return pages.AreaMap(
        title=_("Doors done in the sweeps that run, by county"),
        url=reverse("surveillance:sweeps:running_map"),
        values=values,
        legend=_legend(),
        borders=settings.FANGKONG_AREA,
        unit="%",
        as_of=at,
        note=_("Of doors known in the cells of the sweeps."),
    )


def _legend() -> list[pages.Band]:
    return [
        pages.Band(first, last, f"{first:.0f}–{last:.0f} %" if first < 100 else "100 %")
        for first, last in BANDS
    ]


@dataclass(frozen=True)
class Tile:
    """A cell with its coverage, in the band of its colour."""

    cell: Area
    coverage: rules.Coverage
    told: str
    tone: str
    people: int | None


def tiles(
    cells: Iterable[Area], coverage: Mapping[int, rules.Coverage], people: Mapping[int, int]
) -> list[tuple[str, list[Tile]]]:
    """The cells by what they lie in, in their order. They have no borders on file."""
    found: dict[str, list[Tile]] = {}
    for cell in cells:
        one = coverage[cell.pk]
        above = cell.parent.display_name if cell.parent is not None else ""
        tile = Tile(cell, one, told(one), tone(one), people.get(cell.pk))
        found.setdefault(above, []).append(tile)
    return list(found.items())
