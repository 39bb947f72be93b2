"""What is known of sweeps, doors and coverage, as far as the user may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    SmallIntegerField,
    Subquery,
    Sum,
    When,
)

from fangkong.core import clock
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.types import Level
from fangkong.surveillance.screening import queries as screening

from . import rules
from .models import KEPT_DAYS, DoorVisit, Finding, Household, Sweep, SweepCell
from .types import DONE, MANAGE, VIEW, Outcome

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scoped
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility

MOST_DOORS = 500  # of one cell that a page shows

# --- Sweeps ---------------------------------------------------------------------------------------


def open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Sweep]:
    """The sweeps of the user's counties, and those that cover a cell of theirs."""
    scope = user.scope(permission, at)
    rows = Sweep.objects.select_related("county")
    if scope.everywhere:
        return rows
    within = scope.q(county="county_id")
    if scope.area_ids:
        within |= Q(pk__in=_covering(scope.area_ids))
    if scope.facility_ids:
        doors = Household.objects.filter(unit_id__in=scope.facility_ids)
        within |= Q(pk__in=_covering(doors.values("cell_id")))
    return rows.filter(within)


def _covering(cells: Any) -> Any:
    """Ids of the sweeps that cover one of these cells."""
    return SweepCell.objects.filter(cell_id__in=cells).values("sweep_id")


def open_to_manage(user: User, at: datetime) -> QuerySet[Sweep]:
    """The sweeps that a user may end."""
    scope = user.scope(MANAGE, at)
    return Sweep.objects.select_related("county").filter(scope.q(county="county_id"))


def runs_on(sweep: Sweep, day: date) -> bool:
    """Does a sweep take visits on a day?"""
    return sweep.ended_at is None and sweep.first_date <= day <= sweep.last_date


def cells_of(sweep: Sweep, user: User, at: datetime, permission: Permission = VIEW) -> list[Area]:
    """The cells of a sweep that a user may see, by their place in the tree."""
    rows = places.areas_open_to(user, at, permission).filter(pk__in=sweep.cells.values("cell_id"))
    rows = rows.order_by("path")
    scope = user.scope(permission, at)
    if scope.everywhere:
        return list(rows)
    within = scope.q(county="county_id", area="pk")
    if scope.facility_ids:
        doors = Household.objects.filter(unit_id__in=scope.facility_ids)
        within |= Q(pk__in=doors.values("cell_id"))
    return list(rows.filter(within))


def cells_to_choose(user: User, at: datetime) -> list[Area]:
    """The grid cells of today, and villages, in the counties in which a user may begin a sweep."""
    scope = user.scope(MANAGE, at)
    rows = places.areas_open_to(user, at, MANAGE).filter(
        places.in_force(clock.day_of(at)),
        scope.q(county="county_id"),
        level__in=[Level.GRID, Level.VILLAGE],
        county__in=places.counties_of_home(clock.day_of(at)),
    )
    return list(rows.order_by("path"))


def cell_open_to(
    sweep: Sweep, user: User, at: datetime, public_id: UUID, permission: Permission = VIEW
) -> Area | None:
    """One cell of a sweep."""
    rows = cells_of(sweep, user, at, permission)
    return next((one for one in rows if one.public_id == public_id), None)


def unit_for(cell: Area, day: date) -> Facility | None:
    """The unit whose staff may visit in a cell too."""
    return screening.unit_for(cell, day)


# --- Doors ----------------------------------------------------------------------------------------


def households_open_to(
    user: User, at: datetime, permission: Permission = VIEW
) -> QuerySet[Household]:
    """The standing doors that a user may see."""
    scope = user.scope(permission, at)
    within = scope.q(county="county_id", area="cell_id", facility="unit_id")
    return Household.objects.filter(within, removed_at__isnull=True).select_related(
        "cell", "county"
    )


@dataclass(frozen=True)
class Door:
    """A door with its last visit of a sweep, or None."""

    household: Household
    visit: DoorVisit | None

    @property
    def done(self) -> bool:
        """Is it known who lives there?"""
        return self.visit is not None and self.visit.outcome in DONE


def doors(sweep: Sweep, cell: Area, user: User, at: datetime) -> list[Door]:
    """The doors of a cell, those that are left in front; two statements."""
    newest = DoorVisit.objects.filter(sweep=sweep, household_id=OuterRef("pk"))
    outcome = Subquery(newest.order_by("-day", "-pk").values("outcome")[:1])
    left_first = Case(
        When(last_outcome__isnull=True, then=0),
        When(last_outcome__in=sorted(DONE), then=2),
        default=1,
        output_field=SmallIntegerField(),
    )
    homes = households_open_to(user, at).filter(cell_id=cell.pk).annotate(last_outcome=outcome)
    rows = list(homes.order_by(left_first, "pk")[:MOST_DOORS])
    last: dict[int, DoorVisit] = {}
    visits = DoorVisit.objects.filter(sweep=sweep, household__in=rows).order_by("day", "pk")
    for one in visits:
        last[one.household_id] = one
    found = [Door(one, last.get(one.pk)) for one in rows]
    return sorted(found, key=lambda one: (one.done, one.visit is not None, one.household.pk))


def household_of(
    sweep: Sweep, user: User, at: datetime, public_id: UUID, permission: Permission = VIEW
) -> Household | None:
    """A standing door of a cell of a sweep."""
    rows = households_open_to(user, at, permission)
    return rows.filter(public_id=public_id, cell_id__in=sweep.cells.values("cell_id")).first()


def visit_on(sweep: Sweep, household: Household, day: date) -> DoorVisit | None:
    """What was entered of a door and day."""
    return DoorVisit.objects.filter(sweep=sweep, household=household, day=day).first()


def visits_of(sweep: Sweep, household: Household) -> list[DoorVisit]:
    """The visits of a door in a sweep, the last in front."""
    rows = DoorVisit.objects.filter(sweep=sweep, household=household)
    return list(rows.select_related("created_by").order_by("-day", "-pk"))


def coverage(sweep: Sweep, cells: Iterable[Area]) -> dict[int, rules.Coverage]:
    """How far each of these cells is, by its key; three statements, however many cells.

    The denominator is what is registered as a door of the cell, never a guess. Of a sweep that is
    over these are the doors of its last moment: what is added for the next one changes nothing.
    """
    keys = [cell.pk for cell in cells]
    standing = Household.objects.filter(_stood(over_at(sweep)), cell_id__in=keys)
    known = dict(standing.values_list("cell_id").annotate(n=Count("pk")).order_by())
    newest = (
        DoorVisit.objects.filter(sweep=sweep, household_id=OuterRef("household_id"))
        .order_by("-day", "-pk")
        .values("pk")[:1]
    )
    last = DoorVisit.objects.filter(
        sweep=sweep, household__in=standing.order_by().values("pk")
    ).filter(pk=Subquery(newest))
    seen = {
        row["cell"]: row
        for row in last.values(cell=F("household__cell_id"))
        .annotate(
            seen=Count("pk"),
            done=Count("pk", filter=Q(outcome__in=sorted(DONE))),
            people=Sum("residents", filter=Q(outcome=Outcome.REGISTERED)),
            last=Max("day"),
        )
        .order_by()
    }
    found = Finding.objects.filter(sweep=sweep, cell_id__in=keys)
    ill = dict(found.values_list("cell_id").annotate(n=Count("person", distinct=True)).order_by())
    return {
        key: rules.Coverage(
            doors=known.get(key, 0),
            seen=seen[key]["seen"] if key in seen else 0,
            done=seen[key]["done"] if key in seen else 0,
            people=(seen[key]["people"] or 0) if key in seen else 0,
            ill=ill.get(key, 0),
            last=seen[key]["last"] if key in seen else None,
        )
        for key in keys
    }


def by_county(user: User, at: datetime) -> dict[int, tuple[rules.Coverage, int]]:
    """How far the sweeps that run today are, taken together by county, and how many they are.

    Three statements, however many sweeps. A door that two of them go to counts once: as of the one
    begun last.
    """
    day = clock.day_of(at)
    running = open_to(user, at).filter(
        ended_at__isnull=True, first_date__lte=day, last_date__gte=day
    )
    several: dict[int, set[int]] = {}
    sweep_of: dict[int, tuple[int, int]] = {}  # by cell: the sweep begun last, and its county
    of_cells = SweepCell.objects.filter(sweep__in=running.order_by().values("pk"))
    rows = of_cells.values_list("cell_id", "sweep_id", "sweep__county_id")
    for cell, sweep, county in rows.order_by("sweep_id", "pk"):
        assert county is not None  # a sweep is one county's
        sweep_of[cell] = (sweep, county)
        several.setdefault(county, set()).add(sweep)
    standing = Household.objects.filter(cell_id__in=sweep_of, removed_at__isnull=True).order_by()
    known = dict(standing.values_list("cell_id").annotate(n=Count("pk")))
    newest = DoorVisit.objects.filter(
        sweep=OuterRef("sweep"), household_id=OuterRef("household_id")
    ).order_by("-day", "-pk")
    last = DoorVisit.objects.filter(
        sweep__in={sweep for sweep, _county in sweep_of.values()},
        household__in=standing.values("pk"),
        pk=Subquery(newest.values("pk")[:1]),
    )
    told = last.values_list("sweep_id", "household__cell_id").annotate(
        seen=Count("pk"), done=Count("pk", filter=Q(outcome__in=sorted(DONE)))
    )
    seen = {(sweep, cell): (n, done) for sweep, cell, n, done in told.order_by()}
    parts: dict[int, list[rules.Coverage]] = {county: [] for county in several}
    for cell, (sweep, county) in sweep_of.items():
        n, done = seen.get((sweep, cell), (0, 0))
        parts[county].append(rules.Coverage(doors=known.get(cell, 0), seen=n, done=done))
    return {county: (rules.together(parts[county]), len(several[county])) for county in several}


def over_at(sweep: Sweep) -> datetime:
    """The moment from which a sweep takes no visits."""
    # Of a sweep begun before its days were looked at the year may be any.
    last = clock.next_day(clock.start_of(min(sweep.last_date, date(9998, 12, 31))))
    return last if sweep.ended_at is None else min(sweep.ended_at, last)


def _stood(until: datetime) -> Q:
    """The doors that were known, and not taken away, before a moment."""
    there = Q(removed_at__isnull=True) | Q(removed_at__gte=until)
    return Q(created_at__lt=until) & there


def people_of(cells: Iterable[Area], day: date) -> dict[int, int]:
    """How many live in each cell where a figure is known."""
    return {key: row.count for key, row in places.populations(cells, day).items()}


# --- Who was found --------------------------------------------------------------------------------


def findings_open_to(user: User, at: datetime) -> QuerySet[Finding]:
    """The findings of the user's counties, cells and units."""
    scope = user.scope(VIEW, at)
    within = scope.q(county="county_id", area="cell_id", facility="unit_id")
    rows = Finding.objects.filter(within)
    return rows.select_related("person", "cell", "county", "sweep", "household")


def found_persons(facilities: frozenset[int], user: Scoped, at: datetime) -> QuerySet[Finding]:
    """Ids of the persons found in the cells of these units."""
    own = facilities & user.scope(VIEW, at).facility_ids
    return Finding.objects.filter(unit_id__in=own).values("person_id")  # type: ignore[return-value]


def found_behind(household: Household, name: str, phone: str) -> Person | None:
    """Who of this name (and phone, where one is said) was found behind a door before."""
    rows = Finding.objects.filter(household=household).select_related("person").order_by("-pk")
    return people.meant_again((one.person for one in rows), name, phone)


def persons_kept(persons: list[int], at: datetime) -> set[int]:
    """Those of the persons whose finding is still kept."""
    since = at - timedelta(days=KEPT_DAYS)
    rows = Finding.objects.filter(person_id__in=persons, changed_at__gte=since)
    return set(rows.values_list("person_id", flat=True))


def found_twice(kept: int, gone: int) -> list[Finding]:
    """The findings of one person that another has on the same day of the same sweep."""
    rows = Finding.objects.order_by("pk")
    same = Q(pk__in=[])
    for sweep, day in rows.filter(person_id=kept).values_list("sweep_id", "day"):
        same |= Q(sweep_id=sweep, day=day)
    return list(rows.filter(same, person_id=gone))
