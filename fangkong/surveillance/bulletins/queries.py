"""What is known of bulletins and of who has reported, always as far as the user may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from fangkong.core import clock
from fangkong.core.walls.reach import everything
from fangkong.packs import rules as packs
from fangkong.packs.types import CountDefinition, Pack, Severity
from fangkong.people import rules as people
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring import rules as cases
from fangkong.surveillance.monitoring.types import Origin
from fangkong.surveillance.screening import queries as screening
from fangkong.tasks import queries as tasks

from . import rules, words
from .models import Bulletin, DailyReporting, NilReport
from .types import MISSING_TASK, NIL, PREPARE, VIEW, BulletinState, Counted, Figures, Standing

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scope
    from fangkong.places.models import Area, Facility

DAY = timedelta(days=1)
LOOK_BACK = 7  # days: a series that told of none of them has ended
NIL_FROM = 17  # the hour of a day from which it may be said that it had no case
# Who sees patients reports each day; a checkpoint or a store has none to report.
REPORTING = (
    FacilityKind.HOSPITAL,
    FacilityKind.TIBETAN_HOSPITAL,
    FacilityKind.MATERNAL_CHILD,
    FacilityKind.HEALTH_CENTRE,
)

# --- Bulletins ------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Bulletin]:
    """What was issued, for everybody who sees bulletins; drafts, for who prepares for the place."""
    if not user.scope(VIEW, at):
        return Bulletin.objects.none()
    later = Bulletin.objects.filter(corrects=OuterRef("pk"), state=BulletinState.ISSUED)
    rows = Bulletin.objects.select_related("area", "stated_by", "issued_by", "corrects")
    rows = rows.annotate(is_corrected=Exists(later))
    # Not by "or" of two conditions: who prepares everywhere has an empty one, which is forgotten.
    own = Bulletin.objects.filter(_prepared_by(user, at)).values("pk")
    return rows.filter(Q(state=BulletinState.ISSUED) | Q(pk__in=own))


def open_to_prepare(user: User, at: datetime) -> QuerySet[Bulletin]:
    """The bulletins of the places for which the user prepares."""
    return Bulletin.objects.select_related("area", "stated_by", "issued_by", "corrects").filter(
        _prepared_by(user, at)
    )


def _prepared_by(user: User, at: datetime) -> Q:
    scope = user.scope(PREPARE, at)
    return scope.q(county="area_id", area="area_id") if scope else Q(pk__in=[])


def places_to_tell_of(user: User, at: datetime, permission: Permission = PREPARE) -> list[Area]:
    """The prefecture and its counties, as far as the user prepares bulletins for them."""
    day = clock.day_of(at)
    scope = user.scope(permission, at)
    found = [one for one in places.counties_of_home(day) if scope.holds(county_id=one.pk)]
    home = places.home(day)
    return [home, *found] if home is not None and scope.everywhere else found


def issued(area_id: int, condition: str) -> QuerySet[Bulletin]:
    """What was issued of a series, the newest day and its newest correction in front: for
    publicity, and for whoever follows a figure."""
    rows = Bulletin.objects.filter(area_id=area_id, condition=condition, state=BulletinState.ISSUED)
    return rows.order_by("-day", "-number")


def current(area_id: int, condition: str, day: date) -> Bulletin | None:
    """The issued bulletin of a day that nothing corrects."""
    return issued(area_id, condition).filter(day=day).first()


def places_told_of(rows: QuerySet[Bulletin]) -> list[Area]:
    """The places of some bulletins, the prefecture in front."""
    keys = rows.order_by().values_list("area_id", flat=True).distinct()
    every = places.areas()
    return sorted((every[pk] for pk in keys if pk in every), key=lambda one: one.code)


def area_codes(day: date) -> frozenset[str]:
    """The places of which a bulletin may tell: the prefecture and its counties, by code."""
    home = places.home(day)
    own = [] if home is None else [home.code]
    return frozenset([*own, *(one.code for one in places.counties_of_home(day))])


def conditions_told_of(rows: QuerySet[Bulletin]) -> list[str]:
    """The diseases of some bulletins."""
    return sorted(rows.order_by().values_list("condition", flat=True).distinct())


def counted(bulletin: Bulletin) -> Figures:
    """What the house counted for a bulletin."""
    return Figures.of(bulletin.counted)


def draft(area_id: int, condition: str, day: date) -> Bulletin | None:
    """The draft for a day, where there is one."""
    rows = Bulletin.objects.filter(area_id=area_id, condition=condition, day=day)
    return rows.filter(state=BulletinState.DRAFT).first()


def drafts_of(day: date) -> list[Bulletin]:
    """The drafts of a day, whoever's place they tell of."""
    rows = Bulletin.objects.filter(day=day, state=BulletinState.DRAFT).select_related("area")
    return list(rows.order_by("pk"))


def before(area_id: int, condition: str, day: date) -> Bulletin | None:
    """What was issued last for an earlier day, as it was corrected."""
    return issued(area_id, condition).filter(day__lt=day).first()


def correction_of(bulletin: Bulletin) -> Bulletin | None:
    """The issued bulletin that corrects this one."""
    return bulletin.corrected_by.filter(state=BulletinState.ISSUED).first()


def series_due(day: date) -> list[tuple[Area, str]]:
    """The series of which a bulletin of a day is expected and not begun: place and disease.

    It is expected of those that told of one of the days before, and of the prefecture where daily
    reporting is ordered.
    """
    every = places.areas()
    told = Bulletin.objects.filter(
        day__lt=day, day__gte=day - LOOK_BACK * DAY, state=BulletinState.ISSUED
    )
    found = {(area, condition) for area, condition in told.values_list("area_id", "condition")}
    if (home := places.home(day)) is not None:
        found |= {(home.pk, one.condition) for one in orders_on(day)}
    return [
        (every[area], condition)
        for area, condition in sorted(found)
        if area in every
        # Not again where somebody dropped one.
        and not Bulletin.objects.filter(area_id=area, condition=condition, day=day).exists()
    ]


def is_demo() -> bool:
    """Whether the house shows made-up persons."""
    return bool(settings.FANGKONG_DEMO)


def faults_of(bulletin: Bulletin) -> list[rules.Fault]:
    """What stands against issuing a draft as it is."""
    last = before(bulletin.area_id, bulletin.condition, bulletin.day)
    remark = bulletin.remark_zh and bulletin.remark_en  # it stands in both texts
    gap = "" if last is None or last.day == bulletin.day - DAY else last.day.isoformat()
    previous = None if last is None else last.figures
    return rules.faults(bulletin.figures, previous, remark=remark, gap=gap)


def stated_by(bulletin: Bulletin) -> set[int]:
    """Who prepared the draft or counted it anew, and who stated anything of it since."""
    found = set() if bulletin.stated_by_id is None else {bulletin.stated_by_id}
    for entry in reversed(bulletin.changes):
        if entry.get("recount"):
            break
        found.add(entry["by_id"])
    return found


def texts_of(bulletin: Bulletin) -> dict[str, str]:
    """The text of a bulletin in both languages, as its figures are now."""
    _pack, definition = counting(bulletin.condition, bulletin.day)
    area = bulletin.area
    return words.both_texts(
        bulletin.figures,
        place={"zh": area.name_zh, "en": area.name_en or area.name_zh},
        pack=bulletin.pack,
        condition=bulletin.condition,
        day=bulletin.day,
        classes=definition.case_classes,
        remarks={"zh": bulletin.remark_zh, "en": bulletin.remark_en},
    )


def end_of(day: date) -> datetime:
    """24:00 of a day in the house's zone."""
    return clock.start_of(day + DAY)


def counting(condition: str, day: date) -> tuple[Pack, CountDefinition]:
    """By which pack and definition bulletins count a disease on a day; UnknownCode without one,
    NoPackInForce on a day without rules."""
    pack = monitoring.pack_on(day)
    return pack, packs.count_definition(pack, condition, "bulletin", day)


def counties_of(area: Area, day: date) -> list[Area]:
    """The counties whose cases a place counts: all of the prefecture, or itself."""
    home = places.home(day)
    return places.counties_of_home(day) if home is not None and area.pk == home.pk else [area]


def figures_of(area: Area, condition: str, day: date) -> Figures:
    """The figures of a place and disease as known at 24:00 of a day, counted from the ledger."""
    pack, definition = counting(condition, day)
    codes = cases.with_subtypes(pack, condition)
    counties = counties_of(area, day)
    others = monitoring.reportable_classes(pack) - set(definition.case_classes)
    with everything():  # only sums leave here
        now = _counted(codes, definition.case_classes, counties, end_of(day))
        apart = {
            code: len(_standing_at(codes, [code], counties, end_of(day))) for code in sorted(others)
        }
        earlier = _standing_at(codes, definition.case_classes, counties, end_of(day - DAY))
    return rules.count(
        now,
        earlier,
        day=day,
        counties=[one.code for one in counties],
        sources=[Origin.LOCAL.value, Origin.IMPORT.value],
        severities=[row.code for row in pack.severity if _applies(row, condition, day)],
        apart=apart,
        observed=screening.watched_at(codes, [one.pk for one in counties], day),
    )


def _applies(row: Severity, condition: str, day: date) -> bool:
    return row.covers(day) and (not row.only or condition in row.only)


def _standing_at(
    conditions: Collection[str],
    classes: Collection[str],
    counties: Collection[Area],
    moment: datetime,
) -> dict[int, int]:
    """Case to county, of all cases that counted just before a moment."""
    changes = monitoring.changes_until(conditions, classes, [one.pk for one in counties], moment)
    sums = changes.values_list("case_id", "county_id").annotate(n=Sum("delta"))
    return {case: county for case, county, n in sums if n > 0}


def _counted(
    conditions: Collection[str],
    classes: Collection[str],
    counties: Collection[Area],
    moment: datetime,
) -> list[Counted]:
    standing = _standing_at(conditions, classes, counties, moment)
    code_of = {one.pk: one.code for one in counties}
    found = []
    for told in monitoring.told_until(standing, moment):
        age = people.age_on(
            clock.day_of(told.diagnosed_at),
            birth_date=told.birth_date,
            years=told.age_years,
            months=told.age_months,
            stated_on=told.age_on,
        )
        found.append(
            Counted(
                case=told.case_id,
                county=code_of[standing[told.case_id]],
                sex=told.sex,
                age=None if age is None else age.years,
                source="" if told.origin == Origin.UNKNOWN else told.origin,
                severity=told.severity,
                died_on=told.died_on,
            )
        )
    return found


# --- Daily reporting ------------------------------------------------------------------------------


def orders() -> QuerySet[DailyReporting]:
    """The orders of daily reporting, the newest in front; they are no secret to staff."""
    return DailyReporting.objects.order_by("-first_day", "-pk")


def orders_on(day: date) -> QuerySet[DailyReporting]:
    """The orders that hold on a day."""
    rows = orders().filter(first_day__lte=day)
    return rows.filter(Q(last_day__isnull=True) | Q(last_day__gte=day))


def order_for(condition: str, day: date) -> DailyReporting | None:
    """The order that holds for a disease on a day."""
    return orders_on(day).filter(condition=condition).first()


def ordered_on(day: date) -> list[str]:
    """The diseases whose daily reports are asked for on a day."""
    return sorted(set(orders_on(day).values_list("condition", flat=True)))


def nil_from(day: date) -> datetime:
    """From when on it may be said that a day had no case: not at its dawn."""
    return datetime.combine(day, time(NIL_FROM), clock.zone())


def day_to_report(order: DailyReporting | None, at: datetime) -> date:
    """The day whose report is due next: yesterday until its hour, then today."""
    today = clock.day_of(at)
    if order is None or at > due_at(order, today - DAY) or today == order.first_day:
        return today
    return today - DAY


def due_at(order: DailyReporting, day: date) -> datetime:
    """Until when the report of a day is due."""
    next_day = day + DAY
    return datetime.combine(next_day, time(order.due_hour), clock.zone())


def reporting_facilities(county_ids: Collection[int], day: date) -> list[Facility]:
    """The facilities of counties that report each day, those open on that day; by county, name."""
    found = places.facilities_in_counties(county_ids, REPORTING)
    return [
        one
        for one in found
        if (one.opened_on is None or one.opened_on <= day)
        and (one.closed_on is None or one.closed_on >= day)
    ]


def facilities_to_report_for(user: User, at: datetime, day: date) -> list[Facility]:
    """The facilities for which a user may say that they had no case."""
    counties = [one.pk for one in places.counties_of_home(day)]
    return _held(user.scope(NIL, at), reporting_facilities(counties, day))


def _held(scope: Scope, facilities: Iterable[Facility]) -> list[Facility]:
    return [
        one
        for one in facilities
        if scope.holds(county_id=one.area.county_id, area_id=one.area_id, facility_id=one.pk)
    ]


def facility_to_report_for(user: User, at: datetime, day: date, public_id: UUID) -> Facility | None:
    """One of them."""
    found = facilities_to_report_for(user, at, day)
    return next((one for one in found if one.public_id == public_id), None)


def cards_by_facility(condition: str, day: date, facilities: Collection[int]) -> dict[int, int]:
    """How many cases of a disease each facility reported on a day, whatever became of them."""
    codes = cases.with_subtypes(monitoring.pack_on(day), condition)
    with everything():
        return monitoring.reported_by_facility(codes, day, facilities)


def nil_reports(condition: str, day: date) -> dict[int, NilReport]:
    """The nil reports of a day by facility."""
    with everything():
        rows = NilReport.objects.filter(order__condition=condition, day=day)
        return {one.facility_id: one for one in rows.select_related("created_by")}


@dataclass(frozen=True)
class Line:
    """What one facility has said of a day. Cards are counted, not named."""

    facility: Facility
    standing: Standing
    cards: int
    nil: NilReport | None
    may_report: bool

    @property
    def overtaken(self) -> bool:
        """A nil report that a card contradicts."""
        return self.nil is not None and self.cards > 0


@dataclass(frozen=True)
class CountyLine:
    """A county on a day: its facilities, and how many have reported."""

    county: Area
    lines: list[Line]

    @property
    def whole(self) -> int:
        return len(self.lines)

    @property
    def reported(self) -> int:
        return sum(one.standing in (Standing.CARDS, Standing.NIL) for one in self.lines)

    @property
    def nil(self) -> int:
        return sum(one.standing == Standing.NIL for one in self.lines)

    @property
    def cards(self) -> int:
        return sum(one.cards for one in self.lines)

    @property
    def share(self) -> float | None:
        return rules.share(self.reported, self.whole)


@dataclass(frozen=True)
class Daily:
    """Who has reported a disease on a day; ``due_at``: when it is due."""

    order: DailyReporting
    day: date
    due_at: datetime
    counties: list[CountyLine]

    @property
    def whole(self) -> int:
        return sum(one.whole for one in self.counties)

    @property
    def reported(self) -> int:
        return sum(one.reported for one in self.counties)

    @property
    def nil(self) -> int:
        return sum(one.nil for one in self.counties)

    @property
    def missing(self) -> int:
        return self.whole - self.reported

    @property
    def share(self) -> float | None:
        return rules.share(self.reported, self.whole)


def daily(user: User, at: datetime, order: DailyReporting, day: date) -> Daily:
    """Who has reported in the counties that the user sees; a facility's staff see their own."""
    counties = places.counties_of_home(day)
    facilities = reporting_facilities([one.pk for one in counties], day)
    mine = {one.pk for one in _held(user.scope(NIL, at), facilities)}
    return _daily(order, day, at, counties, _held(user.scope(VIEW, at), facilities), mine)


def daily_of(order: DailyReporting, day: date, at: datetime, area: Area) -> Daily:
    """The same of a whole place, for its bulletin and for the tasks of the counties."""
    counties = counties_of(area, day)
    facilities = reporting_facilities([one.pk for one in counties], day)
    return _daily(order, day, at, counties, facilities, set())


def _daily(
    order: DailyReporting,
    day: date,
    at: datetime,
    counties: list[Area],
    facilities: list[Facility],
    mine: Collection[int],
) -> Daily:
    cards = cards_by_facility(order.condition, day, [one.pk for one in facilities])
    nils = nil_reports(order.condition, day)
    until = due_at(order, day)
    lines: dict[int, list[Line]] = defaultdict(list)
    for one in facilities:
        nil, n = nils.get(one.pk), cards.get(one.pk, 0)
        said = Standing(rules.standing(n, nil is not None, overdue=at > until))
        may = one.pk in mine and n == 0 and nil is None and at >= nil_from(day)
        lines[one.area.county_id or 0].append(Line(one, said, n, nil, may))
    kept = [CountyLine(one, lines[one.pk]) for one in counties if one.pk in lines]
    return Daily(order, day, until, kept)


def due_now(at: datetime) -> Iterator[tuple[DailyReporting, Area, date]]:
    """Of each order whose hour has come today: every county not told yet, and yesterday."""
    for order, day in overdue_orders(at):
        waiting = tasks.for_source(order).filter(kind=MISSING_TASK.code, created_at__lte=at)
        told = {one.area_id for one in waiting if one.params.get("day") == day.isoformat()}
        for area in places.counties_of_home(day):
            if area.pk not in told:
                yield order, area, day


def overdue_orders(at: datetime) -> list[tuple[DailyReporting, date]]:
    """The orders whose hour for yesterday has come."""
    now = at.astimezone(clock.zone())
    day = now.date() - DAY
    return [(one, day) for one in orders_on(day).filter(due_hour__lte=now.hour)]


def waiting_to_issue(user: User, at: datetime) -> int:
    """The drafts that somebody else prepared, for the badge of the menu."""
    rows = open_to_prepare(user, at).filter(state=BulletinState.DRAFT).exclude(stated_by_id=user.pk)
    return rows.count()


def reported_shares(daily: Daily) -> Mapping[str, int]:
    """How many had reported, as a bulletin keeps it."""
    return {"facilities": daily.whole, "reported": daily.reported, "nil": daily.nil}
