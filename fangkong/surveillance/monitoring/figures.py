"""The counts as a curve and a map, from what the page of counts was asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock, pages
from fangkong.core.pages.forms import dress

from . import queries, words
from .forms import CountsForm
from .types import Basis, DayCount

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

USUAL_DAYS = 30
MOST_DAYS = 730


@dataclass(frozen=True)
class Asked:
    """What the page shows: the choices, made sensible, and the counts themselves."""

    form: CountsForm
    condition: str
    county: str
    basis: str
    first: date
    last: date
    as_of: datetime | None
    at: datetime
    counts: list[DayCount]
    classes: dict[str, str]  # code to words, in the order of the pack
    areas: list[Area]
    others: list[Area]  # of the home area, without figures: not asked for or not open
    definitions: list[str]

    @property
    def query(self) -> str:
        """The choices as they stand in an address."""
        chosen = QueryDict(mutable=True)
        chosen.update(
            {
                "condition": self.condition,
                "county": self.county,
                "basis": self.basis,
                "first": self.first.isoformat(),
                "last": self.last.isoformat(),
            }
        )
        if self.as_of:
            chosen["as_of"] = self.as_of.astimezone(clock.zone()).strftime("%Y-%m-%dT%H:%M")
        return chosen.urlencode()

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def total(self) -> int:
        return sum(count.n for count in self.counts)


def asked(user: User, at: datetime, query: Mapping[str, object]) -> Asked:
    """The counts for the choices of a page; missing and wrong ones become the usual."""
    today = clock.day_of(at)
    form = CountsForm(query or None, user=user, at=at)
    chosen = dict(form.cleaned_data) if form.is_valid() else {}
    known = [code for code, _name in form.condition_choices]
    usual = "covid-19" if "covid-19" in known else known[0]
    condition = str(chosen.get("condition") or usual)
    last = chosen.get("last") or today
    first = chosen.get("first") or last - timedelta(days=USUAL_DAYS - 1)
    first = max(min(first, last), last - timedelta(days=MOST_DAYS - 1))
    county = str(chosen.get("county") or "")
    basis = str(chosen.get("basis") or Basis.REPORTED.value)
    as_of = chosen.get("as_of")
    pack = queries.pack_on(min(last, today))
    counts = queries.daily_counts(
        user,
        at,
        condition=condition,
        county_ids=[form.counties[county].pk] if county else None,
        first=first,
        last=last,
        basis=basis,
        as_of=as_of,
        classes=queries.reportable_classes(pack),
    )
    areas = [form.counties[county]] if county else list(form.counties.values())
    form = CountsForm(
        initial={
            "condition": condition,
            "county": county,
            "basis": basis,
            "first": first,
            "last": last,
            "as_of": as_of,
        },
        user=user,
        at=at,
    )
    dress(form)
    return Asked(
        form=form,
        condition=condition,
        county=county,
        basis=basis,
        first=first,
        last=last,
        as_of=as_of,
        at=at,
        counts=counts,
        classes={
            row.code: words.named(pack.id, "case_classes", row.code)
            for row in pack.case_classes
            if row.reportable
        },
        areas=areas,
        others=[one for one in queries.home_counties(today) if one not in areas],
        definitions=queries.definitions_used(
            user, at, condition=condition, first=first, last=last, basis=basis
        ),
    )


def curve(shown: Asked) -> pages.Chart:
    """Cases by day, stacked by class; classes without any case are left out."""
    by_class: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for count in shown.counts:
        by_class[count.case_class][count.day] += count.n
    days = shown.days
    series = [
        pages.Series(name, [by_class[code][day] for day in days])
        for code, name in shown.classes.items()
        if code in by_class
    ]
    return pages.Chart(
        title=_("Cases by %(basis)s") % {"basis": Basis(shown.basis).label},
        url=f"{reverse('surveillance:monitoring:counts_chart')}?{shown.query}",
        x=[day.isoformat() for day in days],
        series=series or [pages.Series(_("Cases"), [0 for _day in days])],
        kind="stacked",
        unit=_("cases"),
        x_label=_("Day"),
        as_of=shown.as_of or shown.at,
    )


def by_county(shown: Asked) -> pages.AreaMap:
    """Cases of the period by county; each leads to its list of cases."""
    sums: dict[int, int] = defaultdict(int)
    for count in shown.counts:
        sums[count.county_id] += count.n
    cases = reverse("surveillance:monitoring:index")
    values = [
        pages.AreaValue(
            code=area.code,
            name=area.display_short,
            value=sums[area.pk],
            label=ngettext("%(n)d case", "%(n)d cases", sums[area.pk]) % {"n": sums[area.pk]},
            url=f"{cases}?county={area.code}&condition={shown.condition}",
        )
        for area in shown.areas
    ]
    values += [
        pages.AreaValue(code=area.code, name=area.display_short, value=None, label="–")
        for area in shown.others
    ]
    return pages.AreaMap(
        title=_("Cases by county"),
        url=f"{reverse('surveillance:monitoring:counts_map')}?{shown.query}",
        values=sorted(values, key=lambda value: (-(value.value or 0), value.code)),
        legend=bands(max(sums.values(), default=0)),
        borders=settings.FANGKONG_AREA,
        unit=_("cases"),
        as_of=shown.as_of or shown.at,
    )


def bands(most: int) -> list[pages.Band]:
    """The classes of the legend: none, and up to four of about the same width."""
    found = [pages.Band(0, 0, _("none"))]
    width = max(1, ceil(most / 4))
    start = 1
    while start <= most and len(found) < 5:
        end = start + width - 1
        text = f"{start}" if start == end else f"{start}–{end}"
        found.append(pages.Band(start, end, text))
        start = end + 1
    return found
