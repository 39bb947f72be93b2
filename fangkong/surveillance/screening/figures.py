"""Who is watched, by county on the map, by township and by unit, each with who was missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.core import clock, pages
from fangkong.places import queries as places

from . import queries

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

LEVEL = "township"


@dataclass(frozen=True)
class Line:
    """A township or a unit with its figures; ``query`` narrows the list of observations to it."""

    county: Area
    name: str
    load: queries.Load
    query: str


@dataclass(frozen=True)
class Followed:
    """What a user sees of who is watched at a moment."""

    at: datetime
    counties: list[Area]
    others: list[Area]
    by_county: dict[int, queries.Load]
    townships: list[Line]
    units: list[Line]


def followed(user: User, at: datetime) -> Followed:
    """The figures of everything that a user may see."""
    loads = queries.loads(user, at)
    seen = queries.counties_seen(user, at)
    keys = {one.pk for one in seen}
    every = places.areas()
    home = places.counties_of_home(clock.day_of(at))
    county = {one.pk: one for one in home}
    by_county: dict[int, queries.Load] = {}
    townships: dict[tuple[int, int | None], queries.Load] = {}
    units: dict[tuple[int, int | None], queries.Load] = {}
    for one in loads:
        day = clock.day_of(at)
        township = places.lineage(every[one.area_id], day, every).get(LEVEL)
        for sums, key in (
            (by_county, one.county_id),
            (townships, (one.county_id, township)),
            (units, (one.county_id, one.unit_id)),
        ):
            sums[key] = sums[key].joined(one) if key in sums else one  # type: ignore[index]
    known = queries.units_of(loads)

    def line(county_id: int, name: str, load: queries.Load, **more: str) -> Line:
        where = county.get(county_id) or every[county_id]
        return Line(where, name, load, urlencode({"county": where.code, **more}))

    return Followed(
        at=at,
        counties=seen,
        others=[one for one in home if one.pk not in keys],
        by_county=by_county,
        townships=[
            line(key, _("township not known"), load)
            if area_id is None
            else line(key, every[area_id].display_name, load, area=every[area_id].code)
            for (key, area_id), load in _in_order(townships)
        ],
        units=[
            line(key, _("no unit"), load)
            if unit_id is None or unit_id not in known
            else line(key, known[unit_id].display_name, load, unit=str(known[unit_id].public_id))
            for (key, unit_id), load in _in_order(units)
        ],
    )


def _in_order(
    sums: dict[tuple[int, int | None], queries.Load],
) -> list[tuple[tuple[int, int | None], queries.Load]]:
    """Where most was missed in front, then where most is left to do."""

    def rank(one: tuple[tuple[int, int | None], queries.Load]) -> tuple[int, ...]:
        (county, place), load = one
        return -load.missed, -load.to_visit, -load.watched, county, place or 0

    return sorted(sums.items(), key=rank)


def by_county(found: Followed) -> pages.AreaMap:
    """Who was missed yesterday, by county; each leads to them, or to all who are watched there."""
    index = reverse("surveillance:screening:index")
    values = []
    for one in found.counties:
        load = found.by_county.get(one.pk)
        watched, missed = (load.watched, load.missed) if load else (0, 0)
        state = "missed" if missed else "open"
        values.append(
            pages.AreaValue(
                code=one.code,
                name=one.display_short,
                value=missed,
                label=_("%(missed)d missed of %(watched)d under observation")
                % {"missed": missed, "watched": watched},
                url=f"{index}?{urlencode({'county': one.code, 'state': state})}",
            )
        )
    values += [
        pages.AreaValue(code=one.code, name=one.display_short, value=None, label="–")
        for one in found.others
    ]
    most = max((one.value or 0 for one in values), default=0)
    return pages.AreaMap(
        title=_("Missed yesterday, by county"),
        url=reverse("surveillance:screening:follow_up_map"),
        values=sorted(values, key=lambda one: (-(one.value or 0), one.code)),
        legend=bands(int(most)),
        borders=settings.FANGKONG_AREA,
        unit=_("persons"),
        as_of=found.at,
    )


def bands(most: int) -> list[pages.Band]:
    """The classes of the legend: none, and up to four of about the same width."""
    found = [pages.Band(0, 0, _("none"))]
    width = max(1, ceil(most / 4))
    for start in range(1, most + 1, width):
        end = start + width - 1
        found.append(pages.Band(start, end, f"{start}" if start == end else f"{start}–{end}"))
    return found
