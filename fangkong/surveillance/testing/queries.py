"""What is known of specimens, always as far as the asking user may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Model, Q, QuerySet

from fangkong.core import clock
from fangkong.core.notices import types as notices
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.rules import SAME_ILLNESS

from . import rules
from .models import (
    KEPT_DAYS,
    CustodyStep,
    Pool,
    PoolResult,
    PoolStep,
    Result,
    Specimen,
)
from .rules import Board
from .types import FOLLOW, RELEASE, REQUEST, TEST, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scoped
    from fangkong.packs.types import Pack
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring.models import Case


_CAME_TO_NOTHING = (State.CANCELLED, State.LOST, State.REFUSED)


@dataclass(frozen=True)
class Scanned:
    """A tube and when a step of it was entered."""

    tube: Specimen | Pool
    entered_at: datetime


# --- Specimens ------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens a user may see: those of the own places, and those for the own laboratory."""
    return _whole(_either(_sent(user, FOLLOW, at), _addressed(user, at)))


def numbers(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of specimens are about."""
    rows = open_to(user, at).filter(public_id__in=ids)
    return dict(rows.values_list("public_id", "number"))


def numbers_of_pools(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of pools are about."""
    rows = pools_open_to(user, at).filter(public_id__in=ids)
    return dict(rows.values_list("public_id", "number"))


notices.call_by_name("surveillance:testing:detail", numbers)
notices.call_by_name("surveillance:testing:pool", numbers_of_pools)


def open_to_send(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens that a user may collect, ship, lose and cancel."""
    return _whole(_sent(user, REQUEST, at))


def waiting_for_labels(user: User, at: datetime) -> QuerySet[Specimen]:
    """What a user is about to collect, the oldest request in front."""
    return open_to_send(user, at).filter(state=State.REQUESTED).order_by("created_at", "pk")


def open_to_test(user: User, at: datetime) -> QuerySet[Specimen]:
    """The specimens on their way to the laboratory of a user, or with it."""
    return _whole(_addressed(user, at))


def open_to_receive(user: User, at: datetime) -> QuerySet[Specimen]:
    """The tubes that a laboratory may receive by their number: also one that nobody sent off.

    Whoever scans a number has the tube; no list shows the ones that are still to come.
    """
    return _whole(_mine_to_test(user, at) & (_in_hand(at) | Q(state=State.REQUESTED)))


def pools_to_receive(user: User, at: datetime) -> QuerySet[Pool]:
    """The same of pools."""
    return _whole_pools(_mine_to_test(user, at) & (_in_hand(at) | Q(state=State.REQUESTED)))


def open_to_lose(user: User, at: datetime) -> QuerySet[Specimen]:
    """Who has a tube in hand, or waits for it, may say that it is lost."""
    sent = _sent(user, REQUEST, at) & ~Q(state__in=rules.BACKLOG)
    return _whole(_either(sent, _addressed(user, at)))


def by_number(rows: QuerySet[Specimen], text: str) -> Specimen | None:
    """The specimen of a scanned or typed number among those."""
    return rows.filter(number=rules.plain_number(text)).first()


def found(user: User, at: datetime, text: str, most: int) -> tuple[list[Specimen], list[Pool]]:
    """The specimens and pools whose number begins with a text; none for what begins no number.

    A tube that brought its own number may be either.
    """
    number = rules.beginning(text)
    if not number:
        return [], []

    def fits(rows: QuerySet[Any]) -> list[Any]:
        # A range and not LIKE, as for the parts of names: an index is read in its order.
        within = rows.filter(number__gte=number, number__lt=number + "\uffff")
        return list(within.order_by("number")[:most])

    return fits(open_to(user, at)), fits(pools_open_to(user, at))


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
        "person", "county", "facility", "laboratory", "pool", "repeats"
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
    return _mine_to_test(user, at) & _in_hand(at)


def _mine_to_test(user: Scoped, at: datetime) -> Q:
    scope = user.scope(TEST, at)
    return scope.q(
        county="laboratory__area__county_id", area="laboratory__area_id", facility="laboratory_id"
    )


def _in_hand(at: datetime) -> Q:
    """On the way to a laboratory, with it, or done with lately."""
    since = at - timedelta(days=rules.POSITIVITY_DAYS)
    return Q(state__in=rules.OF_THE_LABORATORY) | Q(state__in=rules.DONE_WITH, state_at__gte=since)


# --- Pools ----------------------------------------------------------------------------------------


def pools_open_to(user: User, at: datetime) -> QuerySet[Pool]:
    """The pools a user may see: those of the own places, and those for the own laboratory."""
    return _whole_pools(_either(_sent_pools(user, FOLLOW, at), _addressed(user, at)))


def pools_to_send(user: User, at: datetime) -> QuerySet[Pool]:
    """The pools that a user may fill, close, ship, lose and cancel."""
    return _whole_pools(_sent_pools(user, REQUEST, at))


def pools_to_test(user: User, at: datetime) -> QuerySet[Pool]:
    """The pools on their way to the laboratory of a user, or with it."""
    return _whole_pools(_addressed(user, at))


def pools_to_lose(user: User, at: datetime) -> QuerySet[Pool]:
    """Who has a pool in hand, or waits for it, may say that it is lost."""
    sent = _sent_pools(user, REQUEST, at) & ~Q(state__in=rules.BACKLOG)
    return _whole_pools(_either(sent, _addressed(user, at)))


def pool_by_number(rows: QuerySet[Pool], text: str) -> Pool | None:
    """The pool of a scanned or typed number among those."""
    return rows.filter(number=rules.plain_number(text)).first()


def pool_steps_of(pool: Pool) -> list[PoolStep]:
    """The way of a pool, the first step in front."""
    return list(pool.steps.select_related("facility", "by").order_by("sequence"))


def pool_results_of(pool: Pool) -> list[PoolResult]:
    """The results of a pool, the newest in front."""
    return list(pool.results.select_related("laboratory", "by").order_by("-sequence"))


def members_of(pool: Pool, *, lock: bool = False) -> list[Specimen]:
    """The specimens in a pool, in the order in which they came into it."""
    rows = Specimen.objects.filter(pool=pool).order_by("collected_at", "pk")
    if lock:
        return list(rows.order_by("pk").select_for_update(of=("self",)))
    return list(rows.select_related("person", "county", "facility", "laboratory"))


def count_of(pool: Pool) -> int:
    """How many persons are in a pool; a list has counted them along."""
    counted = getattr(pool, "filled", None)
    return Specimen.objects.filter(pool=pool).count() if counted is None else int(counted)


def repeats_of(members: Iterable[Specimen]) -> dict[int, Specimen]:
    """The newest specimen that was asked for anew of each member, by the member's key."""
    return {key: several[-1] for key, several in answering(list(members)).items()}


def answering(members: Sequence[Specimen], *, lock: bool = False) -> dict[int, list[Specimen]]:
    """The specimens that were asked for anew of members, the oldest in front, by the member's key.

    One swab answers for all pools that hold its person, so one that was asked for after another
    pool answers for a held member too, where it was not taken before the hold.
    """
    rows = Specimen.objects.filter(
        repeats__isnull=False,
        person_id__in={one.person_id for one in members},
        condition__in={one.condition for one in members},
    ).order_by("pk")
    found: dict[int, list[Specimen]] = {}
    for one in rows.select_for_update(of=("self",)) if lock else rows:
        for member in members:
            if one.repeats_id == member.pk or _answers(one, member):
                found.setdefault(member.pk, []).append(one)
    return found


def _answers(repeat: Specimen, member: Specimen) -> bool:
    if (repeat.person_id, repeat.condition) != (member.person_id, member.condition):
        return False
    if member.state != State.HELD or repeat.state in _CAME_TO_NOTHING:
        return False
    return repeat.collected_at is None or repeat.collected_at >= member.state_at


def held_with(repeat: Specimen) -> QuerySet[Specimen]:
    """The members by which the person of a specimen taken anew is held, whatever the pool."""
    same = {"person_id": repeat.person_id, "condition": repeat.condition}
    return Specimen.objects.filter(**same, state=State.HELD).order_by("pk")


def tested_singly(person_id: int, condition: str, at: datetime) -> bool:
    """Whether a person may not share a tube: held, or known to be infected of late.

    A suspicion is none: the screening of a town is how it is followed up.
    """
    known = Specimen.objects.filter(person_id=person_id, condition=condition)
    positive = Q(outcome=ResultOutcome.POSITIVE, reported_at__gte=at - SAME_ILLNESS)
    if known.filter(Q(state=State.HELD) | positive).exists():
        return True
    case = monitoring.case_of_illness(person_id, condition, at)
    return case is not None and case.case_class not in (rules.DISCARDED, rules.SUSPECTED)


def last_pool_of(user: User, at: datetime) -> Pool | None:
    """The pool that a user opened last: the next one is most likely for the same."""
    return pools_to_send(user, at).filter(created_by=user.pk).order_by("-pk").first()


def held_of(person: Model, user: User, at: datetime) -> list[Specimen]:
    """The specimens by which a person is held, as far as the user may see them."""
    return list(open_to(user, at).filter(person_id=person.pk, state=State.HELD).order_by("pk"))


def to_release(user: User, at: datetime) -> QuerySet[Specimen]:
    """The members of pools that a user may let go."""
    scope = user.scope(RELEASE, at)
    own = scope.q(county="county_id", area="area_id", facility="facility_id")
    return _whole(own).filter(state=State.HELD)


def positivity(
    laboratory: Facility, condition: str, groups: Iterable[str], at: datetime
) -> tuple[int, int]:
    """Positive persons and persons tested among those screened at a laboratory of late.

    Screened are the groups that may share a tube; whoever was held counts by the single test.
    """
    since = clock.start_of(clock.day_of(at) - timedelta(days=rules.POSITIVITY_DAYS - 1))
    told = Specimen.objects.filter(
        Q(test_group__in=list(groups)) | Q(repeats__isnull=False),
        laboratory=laboratory,
        condition=condition,
        person__isnull=False,
        reported_at__gte=since,
    ).exclude(outcome__in=["", ResultOutcome.INVALID])
    found = told.aggregate(
        tested=Count("pk"), positive=Count("pk", filter=Q(outcome=ResultOutcome.POSITIVE))
    )
    return found["positive"], found["tested"]


def _whole_pools(within: Q) -> QuerySet[Pool]:
    rows = Pool.objects.filter(within).select_related("county", "facility", "laboratory")
    return rows.annotate(filled=Count("members"))


def _sent_pools(user: Scoped, permission: Permission, at: datetime) -> Q:
    scope = user.scope(permission, at)
    return scope.q(county="county_id", area="area_id", facility="facility_id")


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
    return places.facilities_of(user.scope(TEST, at)).filter(pk=laboratory.pk).exists()


def board(user: User, at: datetime, laboratory: Facility) -> Board:
    """What waits at a laboratory, by age, and how much was positive, as far as the user may see.

    Tubes and persons are counted apart: a pool is one tube of many. Days are those of the report;
    invalid results count as no test, and whoever is held as not tested yet.
    """
    rows = open_to(user, at).filter(laboratory=laboratory).select_related(None).order_by()
    pools = pools_open_to(user, at).filter(laboratory=laboratory).select_related(None).order_by()
    waits = {"state__in": rules.BACKLOG | rules.ON_THE_WAY, "collected_at__isnull": False}
    columns = ("state", "collected_at", "due_at")
    singles = rows.filter(**waits, pool=None).values_list(*columns)
    pooled = pools.filter(**waits).values_list(*columns, "filled")
    waiting = [(*one, 1) for one in singles] + list(pooled)
    today = clock.day_of(at)
    first = today - timedelta(days=rules.POSITIVITY_DAYS - 1)
    told = rows.filter(reported_at__gte=clock.start_of(first)).exclude(
        outcome__in=["", ResultOutcome.INVALID]
    )
    days = {first + timedelta(days=n): [0, 0] for n in range(rules.POSITIVITY_DAYS)}
    for reported_at, outcome in told.values_list("reported_at", "outcome"):
        counted = days.get(clock.day_of(reported_at)) if reported_at else None
        if counted is not None:
            counted[0] += 1
            counted[1] += outcome == ResultOutcome.POSITIVE
    tubes = pools.filter(reported_at__gte=clock.start_of(first)).values_list("outcome", flat=True)
    outcomes = list(tubes)
    return rules.board(
        [
            rules.Waiting(state, collected, due, persons)
            for state, collected, due, persons in waiting
            if collected and due
        ],
        [(day, tested, positive) for day, (tested, positive) in days.items()],
        at,
        pools=(len(outcomes), sum(one != ResultOutcome.NEGATIVE for one in outcomes)),
    )


def scanned_by(user: User, at: datetime, state: str, limit: int = 10) -> list[Scanned]:
    """The tubes that a user took this step with today, the last in front; pools as one tube."""
    begun = clock.start_of(clock.day_of(at))
    mine = {"by": user, "state": state, "entered_at__range": (begun, begun + timedelta(days=1))}
    singles = CustodyStep.objects.filter(**mine, specimen__pool=None).select_related("specimen")
    pools = PoolStep.objects.filter(**mine).select_related("pool")
    found = [
        *(Scanned(one.specimen, one.entered_at) for one in singles.order_by("-pk")[:limit]),
        *(Scanned(one.pool, one.entered_at) for one in pools.order_by("-pk")[:limit]),
    ]
    return sorted(found, key=lambda one: one.entered_at, reverse=True)[:limit]


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
    return places.facilities_of(user.scope(REQUEST, at)).order_by("name_zh", "pk")


def laboratories(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities that may have a laboratory; a specimen may go to any of the home area."""
    rows = places.facilities_open_to(user, at, REQUEST)
    return rows.filter(kind__in=LABORATORIES).order_by("name_zh", "pk")


def area_in(text: str, at: datetime) -> Area | None:
    """The area that an address names."""
    return monitoring.area_in(text, at)


def found_to_test(user: User, at: datetime, text: str) -> list[Person]:
    """The persons open to a user whom a document, a phone or a name means; at most ten."""
    return list(people.search(user, at, text)[:10])


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
    specimens, pools = Specimen.objects.filter(number=number), Pool.objects.filter(number=number)
    return specimens.exists() or pools.exists()


def result_of_sender(laboratory_id: int, sender_number: str) -> Result | PoolResult | None:
    """The newest result that a laboratory sent under a number of its own."""
    said = {"laboratory_id": laboratory_id, "sender_number": sender_number}
    single = Result.objects.filter(**said).select_related("specimen").order_by("-pk").first()
    if single is not None:
        return single
    return PoolResult.objects.filter(**said).select_related("pool").order_by("-pk").first()


def sent_before(tube: Specimen | Pool, sender_number: str, *, corrects: bool) -> bool:
    """Whether the laboratory used its number before: for another tube, or for this one's report.

    A tube whose result was invalid is tested again under the same number, and so is a correction.
    """
    found = result_of_sender(tube.laboratory_id, sender_number)
    if found is None:
        return False
    of = found.specimen if isinstance(found, Result) else found.pool
    if (type(of), of.pk) != (type(tube), tube.pk):
        return True
    return not corrects and found.reported_at is not None


# --- For what laboratories send -------------------------------------------------------------------


def tube_for(laboratory: Facility, number: str) -> Specimen | Pool | None:
    """The tube of one or of many with this number that is meant for this laboratory."""
    plain = rules.plain_number(number)
    whole = ("person", "facility", "laboratory", "county", "area")
    single = Specimen.objects.filter(laboratory=laboratory, number=plain, pool=None)
    if (found := single.select_related(*whole).first()) is not None:
        return found
    pools = Pool.objects.filter(laboratory=laboratory, number=plain)
    return pools.select_related(*whole[1:]).first()


def laboratories_of(user: User, at: datetime) -> QuerySet[Facility]:
    """The laboratories in whose name a user enters results."""
    rows = places.facilities_of(user.scope(TEST, at)).filter(kind__in=LABORATORIES)
    return rows.select_related("area", "area__county").order_by("name_zh", "pk")
