"""What is known of arrivals, checkpoints and announced areas, as far as the user may see."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.walls.reach import everything
from fangkong.packs import queries as packs
from fangkong.packs.types import (
    AnnouncedArea,
    NoPackInForce,
    OriginTier,
    Pack,
    Placed,
    Question,
    Stay,
)
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.screening import queries as screening

from . import rules
from .models import KEPT_DAYS, Answer, Arrival, Asked, Checkpoint, Passage, RiskArea
from .types import (
    ADDRESS,
    ANNOUNCE,
    HEALTH_CODE,
    LEFT,
    MANAGE,
    NAME,
    NUMBER,
    ORIGIN,
    PHONE,
    RECEIVE,
    REGISTER,
    REVEAL,
    SYMPTOMS,
    TEST,
    VIEW,
    WORKPLACE,
    State,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import AuditLine
    from fangkong.core.permissions import Permission, Scope, Scoped
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility

GATE_DAYS = 3  # days for which those who registered somebody bound elsewhere see the arrival
FOUND_AT_MOST = 6
HANDLE_HOLDS = 30 * 60  # seconds from the look-up to the form
FIGURE_DAYS = 14
_ORIGINS = Path(__file__).parent / "data" / "origins.csv"

# --- Checkpoints ----------------------------------------------------------------------------------


def checkpoints_open_to(user: User, at: datetime) -> QuerySet[Checkpoint]:
    """The checkpoints in the user's counties, and the own one."""
    return _checkpoints(user, VIEW, at)


def checkpoints_to_manage(user: User, at: datetime) -> QuerySet[Checkpoint]:
    """The checkpoints that a user may change and close."""
    return _checkpoints(user, MANAGE, at)


def checkpoints_to_work_at(user: User, at: datetime) -> list[Checkpoint]:
    """The open checkpoints at which a user may register, by name."""
    rows = _checkpoints(user, REGISTER, at).filter(closed_at__isnull=True)
    return list(rows.order_by("facility__name_zh", "pk"))


def _checkpoints(user: User, permission: Permission, at: datetime) -> QuerySet[Checkpoint]:
    scope = user.scope(permission, at)
    within = scope.q(county="county_id", area="facility__area_id", facility="facility_id")
    return Checkpoint.objects.filter(within).select_related("facility__area__county", "county")


def places_for_checkpoints(user: User, at: datetime) -> list[Facility]:
    """The places of the kind checkpoint, in a county of the user's, that hold none yet."""
    held = Checkpoint.objects.filter(closed_at__isnull=True)
    taken = set(held.values_list("facility_id", flat=True))
    return [one for one in places_of_checkpoints(user, at) if one.pk not in taken]


def places_of_checkpoints(user: User, at: datetime) -> list[Facility]:
    """The places of the kind checkpoint in a county of the user's."""
    rows = places.facilities_of(user.scope(MANAGE, at)).filter(
        kind=FacilityKind.CHECKPOINT,
        area__county__isnull=False,
    )
    day = clock.day_of(at)
    return [one for one in rows.order_by("name_zh", "pk") if one.open_on(day)]


@dataclass(frozen=True)
class Post:
    """The day of a checkpoint: who was registered, who passed, and what was asked twice."""

    registered: int
    passed: int
    asked: int
    again: int


def posts(
    checkpoints: Collection[Checkpoint], days: Collection[date]
) -> dict[tuple[int, date], Post]:
    """The figures of checkpoints on days, by key and day, in three statements; the caller may see
    the checkpoints."""
    keys = {"checkpoint_id__in": [one.pk for one in checkpoints]}
    counties = [one.county_id for one in checkpoints]  # by which the indexes lead
    asked = Asked.objects.filter(**keys, county_id__in=counties, day__in=days).order_by()
    put = {
        (row["checkpoint_id"], row["day"]): (row["asked"], row["again"])
        for row in asked.values("checkpoint_id", "day").annotate(
            asked=Count("pk"), again=Count("pk", filter=Q(again=True))
        )
    }
    with everything():  # numbers only, also of those who are bound for another county
        rows = Arrival.objects.filter(
            _arrived(min(days), max(days)),
            **keys,
            gate_county_id__in=counties,
            withdrawn_at__isnull=True,
        ).order_by()
        registered = _by_day(rows, "arrived_date")
        passed = _by_day(Passage.objects.filter(**keys, day__in=days).order_by(), "day")
    return {
        (one.pk, day): Post(
            registered.get((one.pk, day), 0),
            passed.get((one.pk, day), 0),
            *put.get((one.pk, day), (0, 0)),
        )
        for one in checkpoints
        for day in days
    }


def _arrived(first: date, last: date) -> Q:
    """Those of some days, by the moment, which the indexes know."""
    begin, end = clock.start_of(first), clock.start_of(last + rules.DAY)
    return Q(arrived_at__gte=begin, arrived_at__lt=end)


def _by_day(rows: QuerySet[Any], day: str) -> dict[tuple[int, date], int]:
    counted = rows.values_list("checkpoint_id", day).annotate(n=Count("pk"))
    return {(key, on): n for key, on, n in counted}


# --- Announced areas ------------------------------------------------------------------------------


def risk_areas() -> QuerySet[RiskArea]:
    """What was announced; that is no secret."""
    return RiskArea.objects.order_by("-valid_from", "code", "pk")


def risk_areas_to_change(user: User, at: datetime) -> QuerySet[RiskArea]:
    """What a user may end."""
    return risk_areas() if user.scope(ANNOUNCE, at).everywhere else RiskArea.objects.none()


def announced(condition: str, day: date) -> list[AnnouncedArea]:
    """The areas that stand announced on a day."""
    return [
        AnnouncedArea(
            area=one.code, tier=one.tier, valid_from=one.valid_from, valid_to=one.valid_to
        )
        for one in announced_on(day).filter(condition=condition).order_by("pk")
    ]


def announced_on(day: date) -> QuerySet[RiskArea]:
    """What stands announced on a day."""
    return RiskArea.objects.filter(stands_on(day))


def stands_on(day: date) -> Q:
    """The condition that keeps what stands announced on a day."""
    return Q(valid_from__lte=day) & (Q(valid_to__isnull=True) | Q(valid_to__gte=day))


def tiers_announced() -> dict[str, str]:
    """The tiers for which areas were ever announced, with the pack that names each."""
    rows = RiskArea.objects.order_by("tier", "valid_from").values_list("tier", "valid_from")
    return {tier: pack_on(day).id for tier, day in rows.distinct()}


# --- Rules ----------------------------------------------------------------------------------------


def pack_on(day: date) -> Pack:
    """The rule pack of the home area on a day; NoPackInForce where there is none."""
    return monitoring.pack_on(day)


def tiers_on(day: date) -> list[OriginTier]:
    """The tiers that are a rule of the home area, or of a part of it, on a day."""
    try:
        pack = pack_on(day)
    except NoPackInForce:
        return []
    home = rules.plain_code(settings.FANGKONG_AREA)

    def here(row: OriginTier) -> bool:
        return not row.where or any(
            home.startswith(where) or where.startswith(home) for where in row.where
        )

    return [row for row in pack.screening.tiers if row.covers(day) and here(row)]


def tier_codes() -> frozenset[str]:
    """The codes of all tiers that any pack of the home area ever had."""
    here = packs.jurisdictions(settings.FANGKONG_AREA)
    return frozenset(
        row.code
        for pack in packs.all_packs()
        if pack.jurisdiction in here
        for row in pack.screening.tiers
    )


def condition_on(day: date) -> str:
    """The disease for which arrivals are placed in tiers on a day; "" where there is none."""
    return next((row.condition for row in tiers_on(day)), "")


def place(
    condition: str,
    area: Area,
    *,
    stays: Iterable[Mapping[str, str]],
    signs: Iterable[str],
    arrived: date,
    on: date,
) -> Placed | None:
    """The tier and days of an arrival by the rules and announcements of a day."""
    return packs.tier(
        pack_on(on),
        condition,
        area.code,
        stays=[Stay(area=one["area"], last=date.fromisoformat(one["last"])) for one in stays],
        arrived=arrived,
        on=on,
        signs=signs,
        announced=announced(condition, on),
    )


def within_rules(code: str, condition: str, day: date) -> list[str]:
    """The areas with a rule of their own that lie within a stated origin, by name."""
    areas = {area for row in tiers_on(day) if row.condition == condition for area in row.areas}
    areas |= {one.area for one in announced(condition, day)}
    return [origins().named(one) for one in rules.too_vague(code, areas)]


def questions_on(day: date) -> tuple[Question, ...]:
    """What the rules of a day ask an arrival."""
    try:
        return packs.questions(pack_on(day), "arrival", day)
    except NoPackInForce:
        return ()


@cache
def origins() -> rules.Origins:
    """The names of China's areas, which the build writes down (tools/origins.py); read once."""
    if not _ORIGINS.is_file():
        raise FileNotFoundError("the names of areas are not built yet: run `make borders`")
    with _ORIGINS.open(encoding="utf-8", newline="") as file:
        return rules.Origins([(row["code"], row["name"]) for row in csv.DictReader(file)])


def origins_near(day: date) -> list[str]:
    """Names to choose from while one types: what is announced, what the rules name, provinces."""
    named = [one.name for one in risk_areas().filter(valid_from__lte=day)[:50]]
    named += [
        origins().named(area) for row in tiers_on(day) for area in row.areas if area != rules.ABROAD
    ]
    return list(dict.fromkeys([*named, "境外", *origins().provinces()]))


def county_of(user: User, at: datetime) -> Area | None:
    """The county in which a user registers without a checkpoint; None where it is not one."""
    scope = user.scope(REGISTER, at)
    counties: set[int | None] = set(scope.county_ids)
    every = places.areas()
    counties |= {places.facility(key).area.county_id for key in scope.facility_ids}
    counties |= {every[key].county_id for key in scope.area_ids if key in every}
    found = {key for key in counties if key is not None}
    return every.get(next(iter(found))) if len(found) == 1 else None


def area_of_home(text: str, at: datetime) -> Area | None:
    """The area of a home county that an address names."""
    found = monitoring.area_in(text, at) if text else None
    home = {county.pk for county in places.counties_of_home(clock.day_of(at))}
    return found if found is not None and found.county_id in home else None


# --- Who it is, and what is known of them ---------------------------------------------------------


def find(user: User, at: datetime, text: str) -> list[Person]:
    """The persons whom a text means: a whole number or phone means anybody, a name those of the
    user's own counties or units.

    Who stands at a checkpoint shows the number; whoever knows it finds them wherever they live.
    """
    if (exact := people.by_whole_number(text)) is not None:
        with everything():
            return list(people.with_numbers(exact)[:FOUND_AT_MOST])
    return list(people.with_numbers(people.search(user, at, text, REGISTER))[:FOUND_AT_MOST])


def handle_for(person: Person | None, visit: UUID, user: User) -> str:
    """What leads from the look-up to the form: a signed word that holds for half an hour."""
    key = "" if person is None else str(person.public_id)
    return signing.dumps([key, str(visit), user.pk], salt="surveillance.arrivals", compress=True)


def by_handle(handle: str, user: User) -> tuple[Person | None, UUID] | None:
    """The person and form that a handle means, with numbers; None where it is not this user's."""
    try:
        key, visit, owner = signing.loads(
            handle, salt="surveillance.arrivals", max_age=HANDLE_HOLDS
        )
    except signing.BadSignature:
        return None
    if owner != user.pk:
        return None
    if not key:
        return None, UUID(visit)
    with everything():
        person = people.with_numbers(people.of_key(UUID(key))).first()
    return None if person is None else (person, UUID(visit))


@dataclass(frozen=True)
class Known:
    """What is known of a question: ``value`` as kept, and whether it may be shown as it is."""

    value: str
    plain: bool = False


_PLAIN = frozenset({ORIGIN, LEFT, SYMPTOMS, HEALTH_CODE, TEST})


def is_plain(question: str) -> bool:
    """May an answer be shown as it is to whoever registers arrivals?"""
    return question in _PLAIN


def known(person: Person, day: date, at: datetime) -> dict[str, Known]:
    """The answers of a person that are known and still stand on a day, whichever room has them.

    Asked past the walls, as the person stands there; ``value`` may be personal.
    """
    found: dict[str, Known] = {}
    with everything():
        documents = people.documents_held(person)
        phones = people.phones_held(person)
        rows = Answer.objects.filter(
            person_id=person.pk, answered_at__lte=at, arrival__withdrawn_at__isnull=True
        )
        for one in rows.order_by("answered_at", "pk"):
            if rules.stands(one.valid_until, day) and one.value:
                found[one.question] = Known(one.value, one.question in _PLAIN)
            else:
                found.pop(one.question, None)
    found[NAME] = Known(person.masked_name, plain=True)
    if documents:
        found[NUMBER] = Known(documents[0], plain=True)
    if phones:
        found[PHONE] = Known(phones[0], plain=True)
    if person.workplace:
        found.setdefault(WORKPLACE, Known(person.workplace))
    home = {county.pk for county in places.counties_of_home(day)}
    if person.area is not None and person.area.county_id in home and person.full_address:
        found.setdefault(ADDRESS, Known(person.full_address))
    return found


def destination_of(person: Person, day: date, at: datetime) -> Area | None:
    """Where a person goes by what is known: as answered last, else where they live."""
    with everything():
        rows = Arrival.objects.filter(
            person_id=person.pk,
            arrived_date__lte=day,
            withdrawn_at__isnull=True,
            answers__question=ADDRESS,
            answers__answered_at__lte=at,
        )
        last = rows.select_related("area__county").order_by("-arrived_date", "-pk").first()
    if last is not None:
        return last.area
    home = {county.pk for county in places.counties_of_home(day)}
    area = person.area
    return area if area is not None and area.county_id in home else None


def stay_known(person: Person, day: date) -> list[dict[str, str]]:
    """The stays of a journey that was told within the last days and still stands."""
    with everything():
        told = Answer.objects.filter(
            person_id=person.pk, question__in=[ORIGIN, LEFT], valid_until__gte=day
        )
        rows = Arrival.objects.filter(
            pk__in=told.values("arrival_id"), withdrawn_at__isnull=True, arrived_date__lte=day
        )
        last = rows.order_by("-arrived_date", "-pk").first()
    return [] if last is None else list(last.stays)


def entered_by_form(visit: UUID | None, said: Mapping[str, str], by: User | None) -> Person | None:
    """Who was entered by the same form before: it was sent again, perhaps at this very moment.

    A form is one user's; theirs wait for each other from here to the end of the transaction.
    """
    if visit is None or by is None:
        return None
    get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)
    rows = Asked.objects.filter(visit=visit).select_related("person").order_by("-pk")
    before = {row.person_id: row.person for row in rows}
    name, phone, number = (said.get(code, "") for code in (NAME, PHONE, NUMBER))
    return people.meant_again(before.values(), name, phone, number)


def hold(person: Person) -> None:
    """Hold a person to the end of the transaction: of two gates at once one waits."""
    type(person).objects.select_for_update().get(pk=person.pk)


def standing(person_id: int, condition: str, day: date) -> Arrival | None:
    """The arrival of a person and day that stands, locked for whoever adds to it."""
    rows = Arrival.objects.filter(
        person_id=person_id, condition=condition, arrived_date=day, withdrawn_at__isnull=True
    )
    return rows.select_for_update().first()


# --- Arrivals -------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Arrival]:
    """The arrivals to the user's counties and units, and for some days those met there."""
    return _arrivals(user, VIEW, at)


def open_to_receive(user: User, at: datetime) -> QuerySet[Arrival]:
    """The arrivals that a user may take over, judge anew and withdraw."""
    scope = user.scope(RECEIVE, at)
    return _whole(Arrival.objects.filter(scope.q(county="county_id", area="area_id")))


def _arrivals(user: User, permission: Permission, at: datetime) -> QuerySet[Arrival]:
    scope = user.scope(permission, at)
    here = scope.q(county="county_id", area="area_id", facility="unit_id")
    if scope.everywhere:
        return _whole(Arrival.objects.all())
    since = clock.day_of(at) - timedelta(days=GATE_DAYS)
    gate = scope.q(county="gate_county_id", facility="gate_id")
    own = Q(created_by_id=user.pk) if scope else Q(pk__in=[])
    met = Q(pk__in=_met(scope, since))
    lately = (gate | met | own) & Q(arrived_date__gte=since)
    lately |= gate & Q(state=State.MISSING)  # they are asked to look for the person
    return _whole(Arrival.objects.filter(here | lately))


def _met(scope: Scope, since: date) -> QuerySet[Passage, int]:
    """Ids of the arrivals that the checkpoints of a scope saw, be it as the second ones."""
    there = scope.q(county="checkpoint__county_id", facility="checkpoint__facility_id")
    return Passage.objects.filter(there, day__gte=since).values_list("arrival_id", flat=True)


def _whole(rows: QuerySet[Arrival]) -> QuerySet[Arrival]:
    return rows.select_related("person", "area", "county", "unit", "checkpoint__facility")


def found(user: User, at: datetime, text: str) -> QuerySet[Arrival]:
    """The standing arrivals whose person a text means, the latest in front."""
    persons = people.search(user, at, text, VIEW)
    rows = open_to(user, at).filter(
        person_id__in=persons.order_by().values("pk"), withdrawn_at__isnull=True
    )
    return rows.order_by("-arrived_at", "-pk")


def with_watch(rows: QuerySet[Arrival], user: User, at: datetime) -> QuerySet[Arrival]:
    """The same with ``watch_key``: the public id of the observation, as far as it is open."""
    watch = screening.open_to(user, at).filter(pk=OuterRef("observation_id"))
    return rows.annotate(watch_key=Subquery(watch.values("public_id")[:1]))


def watch_of(arrival: Arrival, user: User, at: datetime) -> object | None:
    """The observation of an arrival, where the user may see it."""
    if arrival.observation_id is None:
        return None
    return screening.open_to(user, at).filter(pk=arrival.observation_id).first()


def watched_by(arrival: Arrival) -> Area | None:
    """The county that watches the person of an arrival; the caller may see the arrival."""
    with everything():  # the county only
        rows = Arrival.objects.filter(pk=arrival.pk)
        key = rows.values_list("observation__county_id", flat=True).first()
    return None if key is None else places.areas()[key]


def answers_of(arrival: Arrival) -> list[Answer]:
    """What was answered, the first question in front."""
    return list(arrival.answers.order_by("answered_at", "pk"))


def was_told_later(arrival: Arrival, question: str, moment: datetime) -> bool:
    """Was a question answered after a moment?"""
    return arrival.answers.filter(question=question, answered_at__gt=moment).exists()


def open_to_reveal(user: User, at: datetime) -> QuerySet[Arrival]:
    """The arrivals whose answers a user may see in full, with a reason."""
    return open_to(user, at).filter(pk__in=_arrivals(user, REVEAL, at).values("pk"))


def in_full(line: AuditLine, at: datetime) -> list[Answer]:
    """The answers that somebody gave a reason for; ``line`` is what ``actions.reveal`` gave back.

    RevealOver some minutes after the reason was given.
    """
    held = line.at <= at <= line.at + people.REVEAL_HOLDS
    if line.action != "surveillance.arrivals.reveal" or not held:
        raise people.RevealOver(
            _("The reason was given too long ago. Open the arrival and give it again.")
        )
    rows = Answer.objects.filter(arrival_id=line.subject_id).exclude(value="")
    return list(rows.order_by("answered_at", "pk"))


def passages_of(arrival: Arrival) -> list[Passage]:
    """Where an arrival was seen, the first in front; the caller may see the arrival."""
    rows = arrival.passages.select_related("checkpoint__facility")
    with everything():  # the checkpoints of other counties too
        return list(rows.order_by("passed_at", "pk"))


def registered_by(user: User, at: datetime) -> list[Arrival]:
    """Whom a user registered or met again today, the last in front; some of them."""
    day = clock.day_of(at)
    met = Passage.objects.filter(created_by_id=user.pk, day=day).values("arrival_id")
    rows = open_to(user, at).filter(
        Q(created_by_id=user.pk) | Q(pk__in=met), _arrived(day, day), withdrawn_at__isnull=True
    )
    return list(rows.order_by("-pk")[:5])


def waiting(rows: QuerySet[Arrival]) -> QuerySet[Arrival]:
    """Those that nobody has taken over."""
    return rows.filter(state=State.WAITING, withdrawn_at__isnull=True)


def waiting_count(user: User, at: datetime) -> int:
    """How many arrivals wait for a user to take them over."""
    return waiting(open_to_receive(user, at)).count()


def waiting_since(day: date) -> dict[Area, int]:
    """For each county how many arrivals up to a day nobody has taken over; for the job."""
    rows = waiting(Arrival.objects.filter(arrived_date__lte=day)).select_related("county")
    found: dict[Area, int] = {}
    for one in rows.order_by("county__code", "pk"):
        found[one.county] = found.get(one.county, 0) + 1
    return found


def known_to_gates(facilities: frozenset[int], user: Scoped, at: datetime) -> QuerySet[Arrival]:
    """Ids of the persons whom a checkpoint registered lately, or a unit is to look after."""
    own = facilities & user.scope(VIEW, at).facility_ids
    since = clock.day_of(at) - timedelta(days=GATE_DAYS)
    met = Passage.objects.filter(checkpoint__facility_id__in=own, day__gte=since)
    gate = Q(gate_id__in=own) | Q(pk__in=met.values("arrival_id"))
    lately = gate & Q(arrived_date__gte=since)
    rows = Arrival.objects.filter(lately | Q(unit_id__in=own), withdrawn_at__isnull=True)
    return rows.values("person_id")  # type: ignore[return-value]


def persons_kept(persons: list[int], at: datetime) -> set[int]:
    """Those of the persons whose arrival is still kept."""
    since = at - timedelta(days=KEPT_DAYS)
    rows = Arrival.objects.filter(person_id__in=persons, changed_at__gte=since)
    return set(rows.values_list("person_id", flat=True))


def arrived_twice(kept: int, gone: int) -> list[Arrival]:
    """The standing arrivals of one person that another has on the same day."""
    rows = Arrival.objects.filter(withdrawn_at__isnull=True).order_by("pk")
    days = rows.filter(person_id=kept).values_list("condition", "arrived_date")
    same = Q(pk__in=[])
    for condition, day in days:
        same |= Q(condition=condition, arrived_date=day)
    return list(rows.filter(same, person_id=gone))


def unit_for(area: Area, day: date) -> Facility | None:
    """The unit that looks after who arrives in an area, as with contacts."""
    return screening.unit_for(area, day)


# --- Figures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """How many arrived on a day in a tier ("" is none)."""

    day: date
    tier: str
    pack: str
    count: int


@dataclass(frozen=True)
class Figures:
    """Arrivals of some days, each of ``cells`` once: ``by_county`` and ``by_checkpoint`` the same
    rows otherwise; ``asked`` questions were put, ``again`` of them although known."""

    first: date
    last: date
    cells: list[Cell]
    by_county: list[tuple[str, str, int, int, int]]
    by_checkpoint: list[tuple[str, int]]
    asked: int
    again: int
    as_of: datetime

    @property
    def total(self) -> int:
        """All arrivals."""
        return sum(cell.count for cell in self.cells)


def figures(user: User, at: datetime, *, days: int = FIGURE_DAYS) -> Figures:
    """Arrivals of the last days to the user's places or registered there; a few statements.

    Also those at a checkpoint that are open to it no more: only sums leave, and a sum that lacks
    the earlier days would show a rise where there is none.
    """
    last = clock.day_of(at)
    first = last - timedelta(days=days - 1)
    with everything():
        return _figures(user, first, last, at)


def _figures(user: User, first: date, last: date, at: datetime) -> Figures:
    scope = user.scope(VIEW, at)
    here = scope.q(county="county_id", area="area_id", facility="unit_id")
    gate = scope.q(county="gate_county_id", facility="gate_id")
    within = Q() if scope.everywhere else here | gate
    plain = Arrival.objects.filter(
        within, _arrived(first, last), withdrawn_at__isnull=True
    ).order_by()
    cells = plain.values("arrived_date", "tier").annotate(n=Count("pk"), pack=Max("pack"))
    counties = plain.values("county_id", "county__code").annotate(
        n=Count("pk"),
        open=Count("pk", filter=Q(state=State.WAITING)),
        watched=Count("pk", filter=Q(observation__isnull=False)),
    )
    gates = plain.exclude(checkpoint=None).values("checkpoint__facility_id")
    gates = gates.annotate(n=Count("pk")).order_by("-n", "checkpoint__facility_id")
    every = places.areas()
    asked = Asked.objects.filter(
        scope.q(county="county_id", facility="gate_id"), day__gte=first, day__lte=last
    ).aggregate(asked=Count("pk"), again=Count("pk", filter=Q(again=True)))
    counted = list(gates)
    names = places.facilities_by_key({row["checkpoint__facility_id"] for row in counted})
    named = [(names[row["checkpoint__facility_id"]].display_name, row["n"]) for row in counted]
    return Figures(
        first=first,
        last=last,
        cells=[
            Cell(row["arrived_date"], row["tier"], row["pack"], row["n"])
            for row in cells.order_by("arrived_date", "tier")
        ],
        by_county=[
            (
                row["county__code"],
                every[row["county_id"]].display_short,
                row["n"],
                row["open"],
                row["watched"],
            )
            for row in counties.order_by("county__code")
        ],
        by_checkpoint=named,
        as_of=at,
        **asked,
    )


def asked_of(person_ids: Collection[int], user: User, at: datetime) -> QuerySet[Asked]:
    """The questions put to persons, where the user's offices asked them."""
    scope = user.scope(VIEW, at)
    within = scope.q(county="county_id", facility="gate_id")
    return Asked.objects.filter(within, person_id__in=person_ids)
