"""Charts of cover: place by place, and how the stock of one place goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.core import pages
from fangkong.supplies.stock.models import Item

from . import rules
from .queries import Cover

MOST_BARS = 40


def by_place(item: Item, found: Sequence[Cover], at: datetime) -> pages.Chart:
    """Days of cover of an item, place by place; with what is on its way, and without."""
    shown = [one for one in found if one.days is not None][:MOST_BARS]
    return pages.Chart(
        title=_("Days of cover by place"),
        url=reverse("supplies:demand:item_chart", args=[item.public_id]),
        x=[one.place.display_name for one in shown],
        series=[
            pages.Series(_("what is there"), [_tenth(one.alone) for one in shown]),
            pages.Series(_("with what is on its way"), [_tenth(one.days) for one in shown]),
        ],
        unit=_("days"),
        x_label=_("Place"),
        as_of=at,
        note=_("Those that run out first stand in front."),
    )


def ahead(one: Cover, url: str, at: datetime) -> pages.Chart:
    """How the stock goes day by day, and what is lacking."""
    likely = rules.outlook(one.lots, one.arrivals, one.need)
    series = [
        pages.Series(_("in stock in the evening"), _whole(likely.evenings), kind="line"),
        pages.Series(_("needed"), _whole(one.need)),
        pages.Series(_("lacking"), _whole(likely.lacking)),
    ]
    if one.high is not one.need:
        high = rules.outlook(one.lots, one.arrivals, one.high)
        series.insert(
            1, pages.Series(_("in stock, by the high forecast"), _whole(high.evenings), kind="line")
        )
    return pages.Chart(
        title=_("How the stock goes"),
        url=url,
        x=[(one.today + timedelta(days=n)).isoformat() for n in range(one.horizon)],
        series=series,
        unit=one.item.get_unit_display(),
        x_label=_("Day"),
        as_of=at,
        note=_("What expires first is used first; what is on its way counts from its day on."),
    )


def _tenth(value: float | None) -> float | None:
    return None if value is None else int(value * 10) / 10


def _whole(values: Sequence[float]) -> list[pages.charts.Number]:
    return [round(value, 1) for value in values]
