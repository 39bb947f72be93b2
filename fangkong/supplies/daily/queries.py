"""Questions about daily reports: what a day did, what was reported, who has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery

from fangkong.core import clock
from fangkong.core.permissions import Permission
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce
from fangkong.places import queries as places
from fangkong.supplies.stock import queries as stock
from fangkong.tasks import queries as tasks

from . import rules
from .models import DailyLine, DailyReport
from .types import CHANGED_TASK, MISSING_TASK, VIEW, DayState

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area
    from fangkong.supplies.stock.models import Item

DAY = timedelta(days=1)
LATEST = 31  # days back for which a report can still be filed or corrected
LOOKED_BACK = 7  # days back for which reports are asked for, and compared with the ledger


# --- What a day did -------------------------------------------------------------------------------


def figures(county: Area, day: date) -> list[rules.Sums]:
    """What the ledger says of a county and a day, by item; one statement."""
    return rules.sums(*stock.over_the_border(county.pk, day))


def sees_own_stores(user: User, at: datetime) -> bool:
    """Whether a user is told of the prefecture's own stores: whoever sees all counties is."""
    return user.scope(VIEW, at).everywhere


def own_figures(user: User, at: datetime, day: date) -> list[rules.Sums]:
    """The same of the prefecture's own stores, which lie in no county and so are in no report.

    Only for whoever sees all counties.
    """
    if not sees_own_stores(user, at):
        return []
    return rules.sums(*stock.over_the_border(None, day))


def items_of(lines: Iterable[rules.Sums]) -> dict[int, Item]:
    """The items of figures, by key."""
    return stock.items().in_bulk([one.item for one in lines])


# --- Reports --------------------------------------------------------------------------------------


def reports_open_to(
    user: User, at: datetime, permission: Permission = VIEW
) -> QuerySet[DailyReport]:
    """The reports of the user's counties, every version."""
    within = user.scope(permission, at).q(county="county_id")
    return DailyReport.objects.filter(within).select_related("county", "created_by")


def counties_open_to(user: User, at: datetime, permission: Permission = VIEW) -> list[Area]:
    """The counties whose reports the user may read (or, with FILE, file), by code."""
    scope = user.scope(permission, at)
    every = places.counties_of_home(clock.day_of(at))
    return [one for one in every if scope.holds(county_id=one.pk)]


def county_open_to(
    user: User, at: datetime, public_id: UUID, permission: Permission = VIEW
) -> Area | None:
    """One of them."""
    every = counties_open_to(user, at, permission)
    return next((one for one in every if one.public_id == public_id), None)


def in_force(rows: QuerySet[DailyReport]) -> QuerySet[DailyReport]:
    """Of each county and day the last version."""
    same = DailyReport.objects.filter(county=OuterRef("county"), day=OuterRef("day"))
    last = same.order_by("-version").values("version")[:1]
    return rows.filter(version=Subquery(last))


def last_of(county: Area, day: date) -> DailyReport | None:
    """The report of a county for a day that counts, or None."""
    rows = DailyReport.objects.filter(county=county, day=day).select_related("county")
    return rows.order_by("-version").first()


def versions_of(report: DailyReport) -> list[DailyReport]:
    """All reports of its county and day, the last in front."""
    rows = DailyReport.objects.filter(county=report.county_id, day=report.day)
    return list(rows.select_related("created_by").order_by("-version"))


def lines_of(reports: Sequence[DailyReport]) -> dict[int, list[DailyLine]]:
    """The lines of reports (by key), by class and name of their item; one statement."""
    rows = DailyLine.objects.filter(report__in=[one.pk for one in reports]).select_related("item")
    found: dict[int, list[DailyLine]] = {one.pk: [] for one in reports}
    for row in rows.order_by("item__kind", "item__name_zh", "item"):
        found[row.report_id].append(row)
    return found


def said(report: DailyReport) -> list[rules.Sums]:
    """The figures of a report as they were filed."""
    rows = DailyLine.objects.filter(report=report).order_by("item")
    return [
        rules.Sums(item=row.item_id, **{name: getattr(row, name) for name in rules.PARTS})
        for row in rows
    ]


def changed(report: DailyReport, county: Area) -> bool:
    """Does the ledger say otherwise by now: was something booked late, or taken back?"""
    return rules.digest(said(report)) != rules.digest(figures(county, report.day))


def to_compare(first: date) -> list[DailyReport]:
    """The reports in force from a day on, for whoever compares them with the ledger."""
    rows = DailyReport.objects.filter(day__gte=first).select_related("county")
    return list(in_force(rows).order_by("county__code", "day"))


def asked_to_correct(report: DailyReport) -> bool:
    """Is somebody asked to correct it and has not yet?"""
    return tasks.awaited(report, CHANGED_TASK.code)


# --- When it is due, and the board ----------------------------------------------------------------


def due_at(day: date) -> datetime | None:
    """By when the pack in force wants the report of a day; None where it wants none."""
    home = places.home(day)
    try:
        pack = packs.in_force(home.code if home is not None else "", day)
    except NoPackInForce:
        return None
    hours = pack.supplies.report_within(day)
    return None if hours is None else clock.start_of(day + DAY) + timedelta(hours=hours)


@dataclass(frozen=True)
class Cell:
    """A county and a day on the board."""

    day: date
    state: DayState
    report: DailyReport | None


@dataclass(frozen=True)
class Row:
    """A county on the board, the last day in front."""

    county: Area
    cells: list[Cell]


def board(user: User, at: datetime, last: date, days: int) -> list[Row]:
    """How the reports of the user's counties stand, day by day; one statement for all reports."""
    span = [last - n * DAY for n in range(days)]
    counties = counties_open_to(user, at)
    rows = DailyReport.objects.filter(
        county__in=[one.pk for one in counties], day__gte=span[-1], day__lte=last
    )
    first: dict[tuple[int, date], DailyReport] = {}
    found: dict[tuple[int, date], DailyReport] = {}
    for one in rows.order_by("version"):
        first.setdefault((one.county_id, one.day), one)
        found[one.county_id, one.day] = one  # the last version stands
    due = {day: due_at(day) for day in span}
    return [
        Row(
            county,
            [
                _cell(day, found.get((county.pk, day)), first.get((county.pk, day)), due[day], at)
                for day in span
            ],
        )
        for county in counties
    ]


def _cell(
    day: date,
    report: DailyReport | None,
    first: DailyReport | None,
    due: datetime | None,
    now: datetime,
) -> Cell:
    state = rules.state(
        ended=day < clock.day_of(now),
        filed=report is not None,
        nil=report is not None and report.nil,
        late=first is not None and first.late,
        due_at=due,
        now=now,
    )
    return Cell(day, DayState(state), report)


def may_be_reported(day: date, at: datetime) -> bool:
    """Is a day not too long ago to be filed or corrected?"""
    return day >= clock.day_of(at) - timedelta(days=LATEST)


def missing_of(county: Area, at: datetime) -> list[date]:
    """The days of the last ``LOOKED_BACK`` whose report is overdue, the earliest first."""
    today = clock.day_of(at)
    days = [today - n * DAY for n in range(LOOKED_BACK, 0, -1)]
    rows = DailyReport.objects.filter(county=county, day__in=days)
    filed = set(rows.values_list("day", flat=True))
    found = []
    for day in days:
        due = None if day in filed else due_at(day)
        if due is not None and at > due:
            found.append(day)
    return found


def asked_to_file(county: Area) -> bool:
    """Is the county asked for its reports and has not filed them yet?"""
    return tasks.awaited(county, MISSING_TASK.code)


@dataclass(frozen=True)
class Total:
    """An item over all counties of a day, in smallest units."""

    item: Item
    opening: int
    received: int
    used: int
    lost: int
    found: int
    closing: int
    on_the_way: int


def totals(reports: Sequence[DailyReport], lines: Mapping[int, list[DailyLine]]) -> list[Total]:
    """The reports of a day added up, by item.

    ``on_the_way``: what counties sent to each other less what arrived; goods on the way are with
    the county that sent them, so it is nothing where all have reported.
    """
    by_item: dict[int, list[DailyLine]] = {}
    for report in reports:
        for line in lines[report.pk]:
            by_item.setdefault(line.item_id, []).append(line)
    found = [
        Total(
            item=rows[0].item,
            opening=sum(row.opening for row in rows),
            received=sum(row.received for row in rows),
            used=sum(row.used for row in rows),
            lost=sum(row.lost for row in rows),
            found=sum(row.found for row in rows),
            closing=sum(row.closing for row in rows),
            on_the_way=sum(row.sent - row.arrived for row in rows),
        )
        for rows in by_item.values()
    ]
    return sorted(found, key=lambda one: (one.item.kind, one.item.name_zh, one.item.pk))


def reports_of_day(user: User, at: datetime, day: date) -> list[DailyReport]:
    """The reports of a day that count, of the user's counties, by code."""
    rows = in_force(reports_open_to(user, at).filter(day=day))
    return list(rows.order_by(F("county__code")))
