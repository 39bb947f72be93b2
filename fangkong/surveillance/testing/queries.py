"""What is known of specimens, always as far as the asking user may see."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet

from fangkong.core import clock
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import queries as monitoring

from . import rules
from .models import KEPT_DAYS, CustodyStep, Result, Specimen
from .rules import Board
from .types import FOLLOW, REQUEST, TEST, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scoped
    from fangkong.packs.types import Pack
    from fangkong.people.models import Person
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

# --- Specimens ------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens a user may see: those of the own places, and those for the own laboratory."""
    return _whole(_either(_sent(user, FOLLOW, at), _addressed(user, at)))


def open_to_send(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens that a user may collect, ship, lose and cancel."""
    return _whole(_sent(user, REQUEST, at))


def open_to_test(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens on their way to the laboratory of a user, or with it."""
    return _whole(_addressed(user, at))


def open_to_lose(user: User, at: datetime) -> QuerySet[Specimen]:
    """Who has a tube in hand, or waits for it, may say that it is lost."""
    sent = _sent(user, REQUEST, at) & ~Q(state__in=rules.BACKLOG)
    return _whole(_either(sent, _addressed(user, at)))


def by_number(rows: QuerySet[Specimen], text: str) -> Specimen | None:
    """The specimen of a scanned or typed number among those."""
    return rows.filter(number=rules.plain_number(text)).first()


def steps_of(specimen: Specimen) -> list[CustodyStep]:
    """The way of a specimen, the first step in front."""
    return list(specimen.steps.select_related("facility", "by").order_by("sequence"))


def results_of(specimen: Specimen) -> list[Result]:
    """The results of a specimen, the newest in front."""
    return list(specimen.results.select_related("laboratory", "by").order_by("-sequence"))


def of_person(person: Model, user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens of one person that a user may see, the newest first."""
    return open_to(user, at).filter(person_id=person.pk).order_by("-created_at", "-pk")


def of_case(case: Model, user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens of one case that a user may see, the newest first."""
    return open_to(user, at).filter(case_id=case.pk).order_by("-created_at", "-pk")


def case_shown(user: User, at: datetime, specimen: Specimen) -> Case | None:
    """The case that a specimen was taken for, where the user may see cases."""
    return monitoring.open_to(user, at).filter(pk=specimen.case_id or 0).first()


def tested_persons(facilities: frozenset[int], user: Scoped, at: datetime) -> QuerySet[Any, Any]:
    """Ids of the persons whom these facilities had tested, or whose specimens come to them."""
    own = facilities & user.scope(FOLLOW, at).facility_ids
    bench = facilities & user.scope(TEST, at).facility_ids
    asked = Q(facility_id__in=own)
    asked |= Q(laboratory_id__in=bench) & _in_hand(at)
    return Specimen.objects.filter(asked, person_id__isnull=False).values("person_id")


def persons_kept(persons: list[int], at: datetime) -> set[int]:
    """Those of the persons who have a specimen that is still kept."""
    since = at - timedelta(days=KEPT_DAYS)
    kept = Specimen.objects.filter(person_id__in=persons, changed_at__gte=since)
    return set(kept.values_list("person_id", flat=True))


def _whole(within: Q) -> QuerySet[Specimen]:
    return Specimen.objects.filter(within).select_related(
        "person", "county", "facility", "laboratory"
    )


def _either(one: Q, other: Q) -> Q:
    """An empty Q lets everything through; ``|`` would forget it beside another one."""
    return one | other if one and other else Q()


def _sent(user: Scoped, permission: Permission, at: datetime) -> Q:
    """Those of the own places; the county where a person lives follows, and does nothing."""
    scope = user.scope(permission, at)
    own = scope.q(county="county_id", area="area_id", facility="facility_id")
    if permission == FOLLOW and scope.county_ids and not scope.everywhere:
        own |= Q(home_county_id__in=scope.county_ids)
    return own


def _addressed(user: Scoped, at: datetime) -> Q:
    scope = user.scope(TEST, at)
    own = scope.q(
        county="laboratory__area__county_id", area="laboratory__area_id", facility="laboratory_id"
    )
    return own & _in_hand(at)


def _in_hand(at: datetime) -> Q:
    """On the way to a laboratory, with it, or done with lately."""
    since = at - timedelta(days=rules.POSITIVITY_DAYS)
    return Q(state__in=rules.OF_THE_LABORATORY) | Q(state__in=rules.DONE_WITH, state_at__gte=since)


# --- The board of a laboratory --------------------------------------------------------------------


def by_promise(rows: QuerySet[Specimen], which: str, at: datetime) -> QuerySet[Specimen]:
    """Those whose promise is ``overdue`` at a moment, or was kept too ``late``; all for ""."""
    if which == "overdue":
        return rows.filter(state__in=rules.BACKLOG | rules.ON_THE_WAY, due_at__lt=at)
    if which == "late":
        return rows.filter(reported_at__gt=F("due_at"))
    return rows


def boards(user: User, at: datetime) -> QuerySet[Facility]:
    """The laboratories whose board a user may see: the own, and those that tubes are sent to."""
    seen = open_to(user, at).order_by().values("laboratory_id")
    scope = user.scope(TEST, at)
    own = scope.q(county="area__county_id", area="area_id", facility="pk")
    rows = places.facilities_open_to(user, at).filter(_either(own, Q(pk__in=seen)))
    return rows.order_by("name_zh", "pk")


def sees_whole_board(user: User, at: datetime, laboratory: Facility) -> bool:
    """Whether a user sees all tubes of a laboratory: who works there, and who sees all counties."""
    seen = user.scope(FOLLOW, at)
    counties = {county.pk for county in places.counties_of_home(clock.day_of(at))}
    if seen.everywhere or (counties and counties <= set(seen.county_ids)):
        return True
    scope = user.scope(TEST, at)
    own = scope.q(county="area__county_id", area="area_id", facility="pk")
    return places.facilities_open_to(user, at).filter(own, pk=laboratory.pk).exists()


def board(user: User, at: datetime, laboratory: Facility) -> Board:
    """What waits at a laboratory, by age, and how much was positive, as far as the user may see.

    Two statements. Days are those of the report; invalid results count as no test.
    """
    rows = open_to(user, at).filter(laboratory=laboratory).select_related(None).order_by()
    waiting = rows.filter(state__in=rules.BACKLOG | rules.ON_THE_WAY, collected_at__isnull=False)
    today = clock.day_of(at)
    first = today - timedelta(days=rules.POSITIVITY_DAYS - 1)
    told = rows.filter(reported_at__gte=clock.start_of(first)).exclude(
        outcome=ResultOutcome.INVALID
    )
    days = {first + timedelta(days=n): [0, 0] for n in range(rules.POSITIVITY_DAYS)}
    for reported_at, outcome in told.values_list("reported_at", "outcome"):
        counted = days.get(clock.day_of(reported_at)) if reported_at else None
        if counted is not None:
            counted[0] += 1
            counted[1] += outcome == ResultOutcome.POSITIVE
    return rules.board(
        [
            (state, collected, due)
            for state, collected, due in waiting.values_list("state", "collected_at", "due_at")
            if collected and due
        ],
        [(day, tested, positive) for day, (tested, positive) in days.items()],
        at,
    )


def scanned_by(user: User, at: datetime, state: str, limit: int = 10) -> list[CustodyStep]:
    """The tubes that a user took this step with today, the last in front."""
    today = clock.start_of(clock.day_of(at))
    mine = CustodyStep.objects.filter(by=user, state=state, entered_at__gte=today)
    return list(mine.select_related("specimen").order_by("-entered_at", "-pk")[:limit])


# --- Places and rules -----------------------------------------------------------------------------

LABORATORIES = (
    FacilityKind.LABORATORY,
    FacilityKind.PREFECTURE_CDC,
    FacilityKind.COUNTY_CDC,
    FacilityKind.HOSPITAL,
    FacilityKind.TIBETAN_HOSPITAL,
)


def pack_on(day: date) -> Pack:
    """The rule pack of the home area on a day; NoPackInForce where there is none."""
    return monitoring.pack_on(day)


def facilities_to_request_for(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities for which a user may request tests, by name."""
    scope = user.scope(REQUEST, at)
    within = scope.q(county="area__county_id", area="area_id", facility="pk")
    return places.facilities_open_to(user, at).filter(within).order_by("name_zh", "pk")


def laboratories(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities that may have a laboratory; a specimen may go to any of the home area."""
    return (
        places.facilities_open_to(user, at).filter(kind__in=LABORATORIES).order_by("name_zh", "pk")
    )


def persons_to_test(user: User, at: datetime) -> QuerySet[Person]:
    """The persons for whom a user may request a test: those that the user sees."""
    return people.open_to(user, at)


def case_to_test(user: User, at: datetime, public_id: UUID) -> Case | None:
    """A case that a user sees, to request a test for it."""
    return monitoring.open_to(user, at).filter(public_id=public_id).first()


def case_of(specimen: Specimen, tested_at: datetime) -> Case | None:
    """The case that a specimen was taken for, else the newest of its person's illness."""
    if specimen.case is not None or specimen.person_id is None:
        return specimen.case
    return monitoring.case_of_illness(specimen.person_id, specimen.condition, tested_at)


def waiting_request(
    person_id: int, facility_id: int, condition: str, specimen_type: str
) -> Specimen | None:
    """A request of a facility for the same person, disease and specimen, not collected yet."""
    return Specimen.objects.filter(
        person_id=person_id,
        facility_id=facility_id,
        condition=condition,
        specimen_type=specimen_type,
        state=State.REQUESTED,
    ).first()


def asked_of_both(one: int, other: int) -> list[tuple[Specimen, Specimen]]:
    """Requests that wait for both of two persons, of the same facility, disease and specimen."""
    waiting = Specimen.objects.filter(state=State.REQUESTED).order_by("pk")
    first = {_asked(specimen): specimen for specimen in waiting.filter(person_id=one)}
    return [
        (first[_asked(specimen)], specimen)
        for specimen in waiting.filter(person_id=other)
        if _asked(specimen) in first
    ]


def _asked(specimen: Specimen) -> tuple[int, str, str]:
    return specimen.facility_id, specimen.condition, specimen.specimen_type


def first_positive(person_id: int, condition: str) -> date | None:
    """The day on which the first specimen of a person was taken that proved positive."""
    taken = (
        Specimen.objects.filter(
            person_id=person_id, condition=condition, outcome=ResultOutcome.POSITIVE
        )
        .order_by("collected_at")
        .values_list("collected_at", flat=True)
        .first()
    )
    return None if taken is None else clock.day_of(taken)


def number_stands(number: str) -> bool:
    """Whether a tube has this number already."""
    return Specimen.objects.filter(number=number).exists()


def result_of_sender(laboratory_id: int, sender_number: str) -> Result | None:
    """The result that a laboratory sent under a number of its own."""
    return Result.objects.filter(laboratory_id=laboratory_id, sender_number=sender_number).first()
