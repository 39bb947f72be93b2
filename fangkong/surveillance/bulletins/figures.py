"""Bulletins and daily reporting as tables, a curve and a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock, pages
from fangkong.surveillance.monitoring import queries as monitoring

from . import queries, rules, words
from .forms import DailyFilter
from .models import Bulletin, DailyReporting
from .types import Figures, Split

if TYPE_CHECKING:
    from fangkong.accounts.models import User

CURVE_DAYS = 60


@dataclass(frozen=True)
class Part:
    """One part of a split: what is told, and what was counted where that is another figure."""

    name: str
    told: int | None
    counted: int | None

    @property
    def differs(self) -> bool:
        return self.told != self.counted


@dataclass(frozen=True)
class Table:
    """A split with its sum; ``whole``: what it must sum to."""

    title: str
    parts: list[Part]
    whole: int

    @property
    def sum(self) -> int:
        return sum(one.told or 0 for one in self.parts)

    @property
    def fits(self) -> bool:
        return self.sum == self.whole


@dataclass(frozen=True)
class CountyRow:
    """A county in a bulletin: new and in all."""

    name: str
    new: Part
    total: Part


def singles(bulletin: Bulletin) -> list[tuple[str, Part]]:
    """The figures without a split, in the order of the page."""
    told, counted = rules.flat(bulletin.figures), rules.flat(queries.counted(bulletin))
    return [
        (key, Part(str(name), told[key], counted.get(key))) for key, name in words.SINGLE.items()
    ]


def counties(bulletin: Bulletin) -> list[CountyRow]:
    """The counties with any case first, those with most in front."""
    told, counted = bulletin.figures, queries.counted(bulletin)
    sums, own = told.splits[Split.COUNTY], counted.splits.get(Split.COUNTY, {})
    rows = [
        CountyRow(
            words.county(code),
            Part("", told.new_by_county.get(code, 0), counted.new_by_county.get(code, 0)),
            Part("", n, own.get(code, 0)),
        )
        for code, n in sums.items()
    ]
    return sorted(rows, key=lambda row: (-(row.total.told or 0), -(row.new.told or 0)))


def tables(bulletin: Bulletin) -> list[Table]:
    """The other splits; parts that are 0 in both are left out."""
    told, counted = bulletin.figures, queries.counted(bulletin)
    found = []
    for split in (Split.SEX, Split.AGE, Split.SOURCE, Split.SEVERITY):
        own = counted.splits.get(split, {})
        parts = [
            Part(words.named(split, code, bulletin.pack), n, own.get(code, 0))
            for code, n in told.splits.get(split, {}).items()
            if n or own.get(code, 0)
        ]
        found.append(Table(str(split.label), parts, told.total))
    return found


def apart(bulletin: Bulletin) -> list[Part]:
    """The classes that count apart."""
    own = queries.counted(bulletin).apart
    return [
        Part(words.named("apart", code, bulletin.pack), n, own.get(code, 0))
        for code, n in bulletin.figures.apart.items()
    ]


def stated_otherwise(bulletin: Bulletin) -> list[dict[str, object]]:
    """Who stated what otherwise, and why, the newest in front."""
    found = []
    for entry in reversed(bulletin.changes):
        figures = [
            (words.figure(key, bulletin.pack), "–" if a is None else a, "–" if b is None else b)
            for key, a, b in entry["figures"]
        ]
        found.append(
            {"reason": "", **entry, "at": datetime.fromisoformat(entry["at"]), "figures": figures}
        )
    return found


def curve(user: User, at: datetime, bulletin: Bulletin) -> pages.Chart:
    """Total and new of the series until this bulletin, one point for each day that was told."""
    first = bulletin.day - timedelta(days=CURVE_DAYS - 1)
    rows = queries.issued(bulletin.area_id, bulletin.condition)
    told: dict[date, Figures] = {}
    for one in rows.filter(day__gte=first, day__lte=bulletin.day):
        told.setdefault(one.day, one.figures)
    told[bulletin.day] = bulletin.figures
    days = sorted(told)
    return pages.Chart(
        title=_("As the bulletins told it"),
        url=reverse("surveillance:bulletins:chart", args=[bulletin.public_id]),
        x=[day.isoformat() for day in days],
        series=[
            pages.Series(str(words.SINGLE["new"]), [told[day].new for day in days]),
            pages.Series(
                str(words.SINGLE["total"]), [told[day].total for day in days], kind="line"
            ),
        ],
        unit=_("cases"),
        x_label=_("Day"),
        as_of=bulletin.as_of,
    )


# --- Daily reporting ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What the page of daily reporting shows; ``daily`` None where nothing is ordered for a day."""

    form: DailyFilter
    orders: list[DailyReporting]
    condition: str
    day: date
    daily: queries.Daily | None

    @property
    def query(self) -> str:
        chosen = QueryDict(mutable=True)
        chosen.update({"condition": self.condition, "day": self.day.isoformat()})
        return chosen.urlencode()


def asked(user: User, at: datetime, query: Mapping[str, object]) -> Asked:
    """The choices of the page made sensible: the newest order, today while it is open."""
    today = clock.day_of(at)
    orders = list(queries.orders())
    form = DailyFilter(query or None, orders=orders, day=today)
    chosen = dict(form.cleaned_data) if form.is_valid() else {}
    condition = str(chosen.get("condition") or (orders[0].condition if orders else ""))
    usual = queries.day_to_report(queries.order_for(condition, today), at)
    day = min(chosen.get("day") or usual, today)
    order = queries.order_for(condition, day)
    form = DailyFilter(initial={"condition": condition, "day": day}, orders=orders, day=today)
    pages.forms.dress(form)
    daily = None if order is None else queries.daily(user, at, order, day)
    return Asked(form, orders, condition, day, daily)


def reported_map(shown: Asked, at: datetime) -> pages.AreaMap:
    """The share of facilities that have reported, by county."""
    told = shown.daily.counties if shown.daily else []
    open_to = {one.county.pk for one in told}
    values = [
        pages.AreaValue(code=one.code, name=one.display_short, value=None, label="–")
        for one in monitoring.home_counties(shown.day)
        if one.pk not in open_to
    ]
    for one in told:
        percent = None if one.share is None else round(one.share * 100)
        said = {"n": one.reported, "whole": one.whole}
        values.append(
            pages.AreaValue(
                code=one.county.code,
                name=one.county.display_short,
                value=percent,
                label=_("%(n)d of %(whole)d") % said,
                url=f"#county-{one.county.code}",
            )
        )
    return pages.AreaMap(
        title=_("Who has reported, by county"),
        url=f"{reverse('surveillance:bulletins:daily_map')}?{shown.query}",
        values=values,
        legend=[
            pages.Band(0, 0, _("none")),
            pages.Band(1, 99, _("some")),
            pages.Band(100, 100, _("all")),
        ],
        borders=settings.FANGKONG_AREA,
        unit="%",
        as_of=at,
    )


def missing_words(daily: queries.Daily) -> str:
    """How many have said nothing, in words."""
    text = ngettext("%(n)d facility is missing", "%(n)d facilities are missing", daily.missing)
    return text % {"n": daily.missing}
