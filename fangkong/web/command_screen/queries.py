"""What the command screen shows: map and curve of one condition, signals and tasks of all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from fangkong.core import clock, pages
from fangkong.core.pages.charts import Mark
from fangkong.packs import queries as packs
from fangkong.packs.types import Pack, UnknownCode
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.types import Basis, DayCount, Totals
from fangkong.surveillance.warning import queries as warning
from fangkong.tasks import queries as tasks
from fangkong.tasks.rules import UNFINISHED

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.surveillance.warning.models import Signal
    from fangkong.surveillance.warning.types import Metrics
    from fangkong.tasks.models import Task

DAYS = 28
NEW_CORONAVIRUS = "covid-19"  # what an installation without any case yet looks at
SHOWN = 8


@dataclass(frozen=True)
class Situation:
    """The figures of one look at the screen."""

    condition: str
    conditions: list[tuple[str, str]]
    totals: Totals
    counts: list[DayCount]
    first: date
    last: date
    at: datetime
    signals: list[Signal]
    answered: list[Signal]
    metrics: Metrics
    tasks: list[Task]
    late: int
    counties: list[tuple[str, str, int, str]]

    @property
    def name(self) -> str:
        """The condition's name in the language of the page."""
        return dict(self.conditions).get(self.condition, self.condition)

    @property
    def in_period(self) -> int:
        """Cases of the period shown."""
        return sum(count.n for count in self.counts)


def situation(user: User, at: datetime, condition: str) -> Situation:
    """The situation as this user may see it; an unknown ``condition`` gives way to the gravest."""
    last = clock.day_of(at)
    first = last - timedelta(days=DAYS - 1)
    pack = packs.in_force(settings.FANGKONG_AREA, last)
    language = get_language() or ""
    occurring = monitoring.conditions_seen(user, at)
    known = sorted((packs.name(pack, c, last).in_language(language), c) for c in occurring)
    if condition not in occurring:
        condition = _gravest(pack, occurring, last)
    open_signals = warning.open_signals(user, at, SHOWN)
    work = tasks.open_to(user, at).filter(state__in=UNFINISHED).order_by("due_at", "pk")
    return Situation(
        condition=condition,
        conditions=[(code, name) for name, code in known],
        totals=monitoring.totals(user, at, condition=condition),
        counts=monitoring.daily_counts(
            user, at, condition=condition, first=first, last=last, basis=Basis.DIAGNOSED
        ),
        first=first,
        last=last,
        at=at,
        signals=list(open_signals),
        answered=list(warning.answered_today(user, at)[:SHOWN]),
        metrics=warning.response_metrics(user, at, DAYS),
        tasks=list(work[:SHOWN]),
        late=tasks.counts(user, at).late,
        counties=[
            (area.code, area.display_short, area.pk, area.get_absolute_url())
            for area in places.counties_of_home(last)
        ],
    )


def _gravest(pack: Pack, conditions: list[str], day: date) -> str:
    """The condition to look at first: one managed as class A before B before C."""

    def rank(code: str) -> tuple[str, str]:
        try:
            return packs.managed_as(pack, code, day), code
        except UnknownCode:
            return "other", code

    return min(conditions, key=rank, default=NEW_CORONAVIRUS)


def area_map(now: Situation) -> pages.AreaMap:
    """Cases of the period by county."""
    sums: dict[int, int] = defaultdict(int)
    for count in now.counts:
        sums[count.county_id] += count.n
    cases = reverse("surveillance:monitoring:index")
    values = [
        pages.AreaValue(
            code,
            name,
            sums[pk],
            ngettext("%(n)d case", "%(n)d cases", sums[pk]) % {"n": sums[pk]},
            f"{cases}?county={code}&condition={now.condition}",
        )
        for code, name, pk, _url in now.counties
    ]
    return pages.AreaMap(
        title=_("Cases by county, last %(days)d days") % {"days": DAYS},
        url=f"{reverse('command_map')}?condition={now.condition}",
        values=sorted(values, key=lambda value: (-(value.value or 0), value.code)),
        legend=_bands(max(sums.values(), default=0)),
        borders=settings.FANGKONG_AREA,
        unit=_("cases"),
        as_of=now.at,
    )


def _bands(most: int) -> list[pages.Band]:
    """Classes that stay readable from one case to thousands: 0, then four growing steps."""
    step = max(1, -(-most // 50))
    edges = [1, 2 * step + 1, 5 * step + 1, 20 * step + 1]
    bands = [pages.Band(0, 0, "0")]
    for start, after in zip(edges, [*edges[1:], None], strict=True):
        end = None if after is None else after - 1
        label = f"≥ {start}" if end is None else str(start) if end == start else f"{start}–{end}"
        bands.append(pages.Band(start, end, label))
    return bands


def curve(now: Situation) -> pages.Chart:
    """Cases by day of diagnosis, stacked by certainty; the days of open signals are marked."""
    days = [now.first + timedelta(days=i) for i in range((now.last - now.first).days + 1)]
    by_class: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for count in now.counts:
        by_class[count.case_class][count.day] += count.n
    pack = packs.in_force(settings.FANGKONG_AREA, now.last)
    language = get_language() or ""
    series = [
        pages.Series(row.name.in_language(language), [by_class[row.code][day] for day in days])
        for row in pack.case_classes
        if row.code in by_class
    ]
    shown = [s for s in now.signals if s.condition == now.condition]
    return pages.Chart(
        title=_("Cases by day of diagnosis"),
        url=f"{reverse('command_curve')}?condition={now.condition}",
        x=[day.isoformat() for day in days],
        series=series,
        kind="stacked",
        unit=_("cases"),
        x_label=_("Day"),
        as_of=now.at,
        marks=[Mark(s.day.isoformat(), s.area.display_short) for s in shown if s.day in days],
    )
