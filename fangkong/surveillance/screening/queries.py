"""What is known of contacts and those who are watched, always as far as the user may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, Model, OuterRef, Q, QuerySet, Subquery

from fangkong.core import clock
from fangkong.core.messages import Statement
from fangkong.core.walls.reach import everything
from fangkong.packs import queries as packs
from fangkong.packs.types import (
    ExposedTo,
    ExposureKind,
    Judgement,
    NoPackInForce,
    Pack,
    Term,
    UnknownCode,
)
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.testing import queries as testing
from fangkong.tasks import queries as tasks
from fangkong.tasks.rules import UNFINISHED

from . import rules
from .models import KEPT_DAYS, Exposure, Observation, Visit
from .types import FOLLOW, TRACE, VIEW, VISIT, Ending, Met

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scoped
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring.models import Case

MOST_IN_A_CHAIN = 2000
MOST_TODAY = 200  # more than a team can visit

# --- Observations ---------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Observation]:
    """The observations a user may see: those of the own county, and of the own unit."""
    return _whole(Observation.objects.filter(_within(user, VIEW, at)))


def open_to_visit(user: User, at: datetime) -> QuerySet[Observation]:
    """The observations whose persons a user may visit."""
    return _whole(Observation.objects.filter(_within(user, VISIT, at)))


def open_to_manage(user: User, at: datetime) -> QuerySet[Observation]:
    """The observations that a user may release, end, hand over and give to a unit."""
    scope = user.scope(TRACE, at)
    return _whole(Observation.objects.filter(scope.q(county="county_id", area="area_id")))


def _within(user: Scoped, permission: Permission, at: datetime) -> Q:
    scope = user.scope(permission, at)
    return scope.q(county="county_id", area="area_id", facility="unit_id")


def _whole(rows: QuerySet[Observation]) -> QuerySet[Observation]:
    return rows.select_related("person", "area", "county", "unit")


def standing(rows: QuerySet[Observation]) -> QuerySet[Observation]:
    """Those that have not ended."""
    return rows.filter(ending="")


def on_day(rows: QuerySet[Observation], day: date) -> QuerySet[Observation]:
    """The open ones whose days hold a day."""
    return standing(rows).filter(first_date__lte=day, last_date__gte=day)


def to_visit(rows: QuerySet[Observation], at: datetime) -> QuerySet[Observation]:
    """Who is still to be visited: nobody looked today, or not this afternoon where two are due."""
    today, half = clock.day_of(at), rules.part_of(at.astimezone(clock.zone()).hour)
    visits = Visit.objects.filter(observation=OuterRef("pk"), day=today)
    left = Q(~Exists(visits))
    if half == "afternoon":
        left = left | Q(Q(visits_a_day__gte=2), ~Exists(visits.filter(part=half)))
    return on_day(rows, today).filter(left)


def missed(rows: QuerySet[Observation], at: datetime) -> QuerySet[Observation]:
    """Whom nobody visited yesterday, although it was a day of theirs."""
    return unvisited(rows, clock.day_of(at) - rules.DAY)


def unvisited(rows: QuerySet[Observation], day: date) -> QuerySet[Observation]:
    """The open ones that have no visit on a day of theirs."""
    visits = Visit.objects.filter(observation=OuterRef("pk"), day=day)
    return on_day(rows, day).filter(~Exists(visits))


def to_release(rows: QuerySet[Observation], at: datetime) -> QuerySet[Observation]:
    """Whose term is over: the last day has passed, or was visited today."""
    today = clock.day_of(at)
    visits = Visit.objects.filter(observation=OuterRef("pk"), day=OuterRef("last_date"))
    over = Q(last_date__lt=today) | (Q(last_date=today) & Exists(visits.values("pk")))
    return standing(rows).filter(over)


def watched_at(conditions: Collection[str], county_ids: Collection[int], day: date) -> int | None:
    """How many stand under observation at 24:00 of a day, as entered by then; for a figure of whole
    counties. None where nobody was ever watched for these diseases."""
    end = clock.start_of(day + rules.DAY)
    with everything():
        rows = Observation.objects.filter(
            condition__in=list(conditions), county_id__in=list(county_ids)
        )
        if not rows.exists():
            return None
        begun = rows.filter(created_at__lt=end, first_date__lte=day).exclude(ending=Ending.ERROR)
        return begun.filter(Q(ended_date__isnull=True) | Q(ended_date__gt=day)).count()


def in_facility(rows: QuerySet[Observation], at: datetime) -> QuerySet[Observation]:
    """Who is to be in a facility today; a place for them is wanted."""
    today = clock.day_of(at)
    return standing(rows).filter(central_first__lte=today, central_last__gte=today)


def in_state(rows: QuerySet[Observation], state: str, at: datetime) -> QuerySet[Observation]:
    """Those that stand so: open, to_visit, missed, to_release, in_facility, ended; all for ""."""
    if state == "ended":
        return rows.exclude(ending="")
    if state == "open":
        return standing(rows)
    narrow = {
        "to_visit": to_visit,
        "missed": missed,
        "to_release": to_release,
        "in_facility": in_facility,
    }.get(state)
    return rows if narrow is None else narrow(rows, at)


@dataclass(frozen=True)
class Today:
    """How a unit stands: to visit now, missed yesterday, to release, wanted in a facility."""

    watched: int
    to_visit: int
    missed: int
    to_release: int
    in_facility: int


def today(user: User, at: datetime) -> Today:
    """The figures of the user's day, in one statement."""
    rows = standing(Observation.objects.filter(_within(user, VIEW, at)))

    def those(narrow: QuerySet[Observation]) -> Count:
        return Count("pk", filter=Q(pk__in=narrow.values("pk")))

    every = Observation.objects.all()
    found = rows.aggregate(
        watched=Count("pk"),
        to_visit=those(to_visit(every, at)),
        missed=those(missed(every, at)),
        to_release=those(to_release(every, at)),
        in_facility=those(in_facility(every, at)),
    )
    return Today(**found)


@dataclass(frozen=True)
class Load:
    """Who is watched in an area by a unit, and how their day stands."""

    county_id: int
    area_id: int
    unit_id: int | None
    watched: int
    to_visit: int
    missed: int
    to_release: int

    def joined(self, other: Load) -> Load:
        """Both together, under the keys of this one."""
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in LOADS})


LOADS = ("watched", "to_visit", "missed", "to_release")


def loads(user: User, at: datetime) -> list[Load]:
    """The open observations that a user may see, by area and unit; in one statement."""
    rows = standing(Observation.objects.filter(_within(user, VIEW, at)))

    def those(narrow: QuerySet[Observation]) -> Count:
        return Count("pk", filter=Q(pk__in=narrow.values("pk")))

    every = Observation.objects.all()
    counted = (
        rows.order_by()
        .values("county_id", "area_id", "unit_id")
        .annotate(
            watched=Count("pk"),
            to_visit=those(to_visit(every, at)),
            missed=those(missed(every, at)),
            to_release=those(to_release(every, at)),
        )
    )
    found = [Load(**row) for row in counted]
    return sorted(found, key=lambda one: (one.county_id, one.area_id, one.unit_id or 0))


def townships_of(county: Area, day: date) -> list[Area]:
    """The townships of a county on a day, by code."""
    return list(places.children(county, day))


def within(rows: QuerySet[Observation], above: Area) -> QuerySet[Observation]:
    """The observations in an area or in what lies in it."""
    path = above.path or "-"
    below = [key for key, one in places.areas().items() if (one.path or "").startswith(path)]
    return rows.filter(area_id__in=below)


def units_of(loads: Iterable[Load]) -> dict[int, Facility]:
    """The units that visit, by key, in one statement."""
    counties = {one.county_id for one in loads if one.unit_id is not None}
    return {one.pk: one for one in places.facilities_in_counties(sorted(counties), UNITS)}


def counties_seen(user: User, at: datetime) -> list[Area]:
    """The home counties of which a user sees who is watched, by code; of a unit its own."""
    scope = user.scope(VIEW, at)
    counties = places.counties_of_home(clock.day_of(at))
    if scope.everywhere:
        return counties
    ids: set[int | None] = set(scope.county_ids)
    for key in sorted(scope.facility_ids):
        ids.add(places.facility(key).area.county_id)
    return [one for one in counties if one.pk in ids]


def rounds(user: User, at: datetime) -> list[Observation]:
    """Whom a user still has to visit, door by door; no more than one page of the day holds.

    Addresses are sealed, so that the order within an area is made here and not by the database.
    """
    rows = to_visit(open_to_visit(user, at), at).order_by("area__path", "pk")[:MOST_TODAY]
    return sorted(rows, key=door)


def door(one: Observation) -> tuple[str, str, str, int]:
    """Where somebody is in the order of the rounds; the first two are those of one household.

    Who has no address stands alone.
    """
    home = one.person.full_address or f"\U0010ffff{one.pk:020d}"
    return one.area.path or "", home, one.person.name_pinyin, one.pk


def visits_of(observation: Observation) -> list[Visit]:
    """The visits of one observation, the newest in front."""
    rows = observation.visits.select_related("created_by", "changed_by", "unit")
    return list(rows.order_by("-day", "-done_at", "-pk"))


def last_found_ill(observation: Observation) -> bool:
    """Whether the person had symptoms when a visit last found them."""
    found = observation.visits.exclude(met=Met.NOT_FOUND).order_by("-day", "-done_at", "-pk")
    newest = found.first()
    return newest is not None and newest.met == Met.ILL


def visit_of(observation: Observation, public_id: UUID) -> Visit | None:
    """One visit of an observation that the caller may see."""
    return observation.visits.filter(public_id=public_id).first()


def visited_days(keys: Collection[int]) -> dict[int, set[date]]:
    """The days with a visit of each of these observations; one statement."""
    found: dict[int, set[date]] = {key: set() for key in keys}
    rows = Visit.objects.filter(observation_id__in=keys).values_list("observation_id", "day")
    for key, day in rows.distinct():
        found[key].add(day)
    return found


def open_of_person(person_id: int, condition: str) -> Observation | None:
    """The one open observation of a person and condition, locked for whoever changes it."""
    rows = Observation.objects.filter(person_id=person_id, condition=condition, ending="")
    return rows.select_for_update().first()


def of_person(person: Model, user: User, at: datetime) -> QuerySet[Observation]:
    """The observations of one person that a user may see, the newest first."""
    return open_to(user, at).filter(person_id=person.pk).order_by("-first_date", "-pk")


def found(user: User, at: datetime, text: str) -> QuerySet[Observation]:
    """The observations whose person a text means, the latest in front."""
    persons = people.search(user, at, text)
    rows = open_to(user, at).filter(person_id__in=persons.order_by().values("pk"))
    return rows.order_by("-first_date", "-pk")


def watched_persons(
    facilities: frozenset[int], user: Scoped, at: datetime
) -> QuerySet[Observation]:
    """Ids of the persons whom these units visit or lately visited."""
    own = facilities & user.scope(VIEW, at).facility_ids
    return Observation.objects.filter(unit_id__in=own).values("person_id")  # type: ignore[return-value]


def persons_kept(persons: list[int], at: datetime) -> set[int]:
    """Those of the persons who are watched, or whose contact or observation is still kept."""
    since = at - timedelta(days=KEPT_DAYS)
    kept = Q(person_id__in=persons) & Q(changed_at__gte=since)
    watched = Observation.objects.filter(kept | Q(person_id__in=persons, ending=""))
    met = Exposure.objects.filter(kept)
    return set(watched.values_list("person_id", flat=True)) | set(
        met.values_list("person_id", flat=True)
    )


# --- Contacts -------------------------------------------------------------------------------------


def contacts_open_to(user: User, at: datetime) -> QuerySet[Exposure]:
    """The contacts of the own county, and those of its cases who live elsewhere."""
    return _contacts(user, FOLLOW, at)


def contacts_to_judge(user: User, at: datetime) -> QuerySet[Exposure]:
    """The contacts that a user may judge otherwise and withdraw."""
    return _contacts(user, TRACE, at)


def _contacts(user: User, permission: Permission, at: datetime) -> QuerySet[Exposure]:
    scope = user.scope(permission, at)
    within = scope.q(county="county_id", area="area_id")
    if scope.county_ids and not scope.everywhere:
        within |= Q(case_county_id__in=scope.county_ids)
    return Exposure.objects.filter(within).select_related("person", "county")


def with_shown(rows: QuerySet[Exposure], user: User, at: datetime) -> QuerySet[Exposure]:
    """The same with ``case_key``, ``watch_key`` and ``through_key``: public ids as far as open."""
    case = monitoring.open_to(user, at).filter(pk=OuterRef("case_id"))
    watch = open_to(user, at).filter(pk=OuterRef("observation_id"))
    through = contacts_open_to(user, at).filter(pk=OuterRef("through_id"))
    return rows.annotate(
        case_key=Subquery(case.values("public_id")[:1]),
        watch_key=Subquery(watch.values("public_id")[:1]),
        through_key=Subquery(through.values("public_id")[:1]),
    )


def contacts_of(case: Case, user: User, at: datetime) -> QuerySet[Exposure]:
    """The contacts of one case, the last entered in front; withdrawn ones too."""
    return contacts_open_to(user, at).filter(case_id=case.pk).order_by("-created_at", "-pk")


def between(case: Case, user: User, at: datetime) -> list[Exposure]:
    """The standing contacts of a case who were with it themselves."""
    rows = contacts_of(case, user, at).filter(withdrawn_at__isnull=True, through__isnull=True)
    return list(rows.exclude(contact_class=""))


def seconds(case: Case, day: date) -> bool:
    """Do the rules of a day know contacts of contacts of this disease?"""
    return bool(kinds(whole(case.condition, day), day, "contact"))


def exposures_of(observation: Observation, user: User, at: datetime) -> list[Exposure]:
    """The exposures an observation rests on, as far as the user may see them."""
    rows = contacts_open_to(user, at).filter(observation_id=observation.pk)
    return list(rows.order_by("first_date", "pk"))


def standing_exposures(observation: Observation) -> list[Exposure]:
    """The exposures that an observation rests on: not withdrawn, of a case that is one."""
    rows = observation.exposures.filter(withdrawn_at__isnull=True)
    return list(rows.exclude(case__case_class=rules.DISCARDED).order_by("pk"))


def term_of(exposure: Exposure, on: date, begun: date) -> Term | None:
    """The term that an exposure sets, with days left; None where nobody is watched for it."""
    if not exposure.contact_class:
        return None
    try:
        found = packs.term(
            packs.pack(exposure.pack),
            exposure.condition,
            exposure.contact_class,
            last_exposure=exposure.counted_date or exposure.last_date,
            on=on,
            begun=begun,
        )
    except UnknownCode:
        return None
    return found if found is not None and found.days else None


def as_term(
    exposure: Exposure,
    term: Term,
    before: Sequence[Mapping[str, Any]] = (),
    entry: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A term as an observation keeps it. ``before``: the stretches so far; ``entry``: those of an
    arrival, which stand beside."""
    phases = rules.prolonged(before, rules.phases_of(term))
    return {
        "contact_class": exposure.contact_class,
        "pack": exposure.pack,
        "clause": term.rule.clause.code,
        "since": term.since,
        **as_phases(rules.stricter(phases, entry) if entry else phases),
    }


def as_phases(phases: list[dict[str, Any]]) -> dict[str, Any]:
    """Stretches as an observation keeps them, with what follows from them."""
    central = rules.central_days(phases)
    return {
        "last_date": date.fromisoformat(max(part["last"] for part in phases)),
        "phases": phases,
        "visits_a_day": rules.visits_a_day(phases),
        "central_first": central[0],
        "central_last": central[1],
    }


def reckoned(running: Observation) -> dict[str, Any] | None:
    """The longest term of all that an observation rests on; None where that is nothing any more."""
    best: tuple[Exposure, Term] | None = None
    for one in standing_exposures(running):
        term = term_of(one, clock.day_of(one.created_at), running.first_date)
        if term is not None and (best is None or packs.longer(best[1], term) is term):
            best = one, term
    if best is not None:
        return as_term(*best, running.phases, running.entry_phases)
    if running.entry_phases:  # an arrival stays one
        return {"contact_class": "", **as_phases(running.entry_phases)}
    return None


def days_with(case: Case, person_id: int, kind: str) -> list[tuple[date, date]]:
    """The days on which a person was already entered as exposed in this way to a case."""
    rows = Exposure.objects.filter(
        case_id=case.pk, person_id=person_id, kind=kind, withdrawn_at__isnull=True
    )
    return list(rows.values_list("first_date", "last_date"))


def days_with_many(
    case_ids: Collection[int], person_ids: Collection[int]
) -> dict[tuple[int, int, str], list[tuple[date, date]]]:
    """``days_with`` of many: by case, person and kind, in one statement."""
    found: dict[tuple[int, int, str], list[tuple[date, date]]] = {}
    rows = Exposure.objects.filter(
        case_id__in=case_ids, person_id__in=person_ids, withdrawn_at__isnull=True
    )
    for case, person, kind, first, last in rows.values_list(
        "case_id", "person_id", "kind", "first_date", "last_date"
    ):
        found.setdefault((case, person, kind), []).append((first, last))
    return found


def rows_entered(prints: Collection[str]) -> dict[str, bool]:
    """The prints of rows of files that are entered already, and whether each was withdrawn."""
    rows = Exposure.objects.filter(row_print__in=prints)
    return {one: gone is not None for one, gone in rows.values_list("row_print", "withdrawn_at")}


def watched_of(person_ids: Collection[int]) -> set[tuple[int, str]]:
    """Which of these persons are watched, and for which disease; held to the end of the
    transaction."""
    rows = Observation.objects.filter(person_id__in=person_ids, ending="").order_by("pk")
    return set(rows.select_for_update().values_list("person_id", "condition"))


def observations_of(
    exposures: Iterable[Exposure], user: User, at: datetime
) -> dict[int, Observation]:
    """The observations of contacts that a user may see, by key: of those elsewhere none."""
    keys = {one.observation_id for one in exposures if one.observation_id}
    return {one.pk: one for one in open_to(user, at).filter(pk__in=keys)}


def cases_of(exposures: Iterable[Exposure], user: User, at: datetime) -> dict[int, Case]:
    """The cases of contacts that a user may open, by key: of those elsewhere none."""
    keys = {one.case_id for one in exposures}
    return {one.pk: one for one in monitoring.open_to(user, at).filter(pk__in=keys)}


def cases_to_trace(user: User, at: datetime) -> QuerySet[Case]:
    """The cases whose contacts a user may enter: those of the own county."""
    scope = user.scope(TRACE, at)
    return monitoring.open_to(user, at).filter(scope.q(county="county_id", area="area_id"))


def cases_of_file(
    user: User, at: datetime, county_id: int | None, numbers: Collection[str]
) -> dict[str, Case]:
    """The cases of a county with these numbers whose contacts a user may enter."""
    rows = cases_to_trace(user, at).filter(county_id=county_id, number__in=numbers)
    return {one.number: one for one in rows.select_related("area", "county")}


def exposed_to(case_ids: Collection[int]) -> set[int]:
    """The persons who are entered as contacts of these cases."""
    rows = Exposure.objects.filter(case_id__in=case_ids, withdrawn_at__isnull=True)
    return set(rows.values_list("person_id", flat=True))


def counties_to_trace(user: User, at: datetime) -> list[Area]:
    """The home counties for whose cases a user may enter contacts, by code."""
    scope = user.scope(TRACE, at)
    counties = places.counties_of_home(clock.day_of(at))
    return [one for one in counties if scope.everywhere or one.pk in scope.county_ids]


def case_shown(user: User, at: datetime, public_id: UUID) -> Case | None:
    """A case whose contacts a user may see."""
    if not user.scope(FOLLOW, at):
        return None
    return monitoring.open_to(user, at).filter(public_id=public_id).first()


# --- Two records of one person --------------------------------------------------------------------


def exposed_twice(kept: int, gone: int) -> list[Exposure]:
    """The standing contacts of one person that stand with the other alike."""
    rows = Exposure.objects.filter(withdrawn_at__isnull=True).order_by("pk")
    same = rows.filter(
        person_id=kept,
        case_id=OuterRef("case_id"),
        kind=OuterRef("kind"),
        first_date=OuterRef("first_date"),
    )
    return list(rows.filter(Exists(same), person_id=gone))


def exposed_to_themselves(kept: int, gone: int) -> list[Exposure]:
    """The standing contacts of each of two persons of a case of the other."""
    rows = Exposure.objects.filter(withdrawn_at__isnull=True).order_by("pk")
    one = Q(person_id=gone, case__person_id=kept)
    return list(rows.filter(one | Q(person_id=kept, case__person_id=gone)))


def watched_twice(kept: int, gone: int) -> list[Observation]:
    """The open observations of one person for a disease that the other is watched for too."""
    rows = Observation.objects.filter(ending="").order_by("pk")
    same = rows.filter(person_id=kept, condition=OuterRef("condition"))
    return list(rows.filter(Exists(same), person_id=gone))


# --- Persons, rules and places --------------------------------------------------------------------


def persons_to_enter(user: User, at: datetime, text: str) -> list[Person]:
    """The persons open to the user whom a number, phone or name means; some of them."""
    return list(people.with_numbers(people.search(user, at, text))[:6])


def person_to_enter(user: User, at: datetime, public_id: UUID) -> Person | None:
    """One of the persons whom the user may see."""
    return people.open_to(user, at).filter(public_id=public_id).first()


def pack_on(day: date) -> Pack:
    """The rule pack of the home area on a day; NoPackInForce where there is none."""
    return monitoring.pack_on(day)


def kinds(condition: str, day: date, to: ExposedTo = "case") -> tuple[ExposureKind, ...]:
    """The kinds of exposure that the rules of a day know; none where they judge no contacts."""
    try:
        return packs.exposure_kinds(pack_on(day), condition, day, to=to)
    except (NoPackInForce, UnknownCode):
        return ()


def whole(condition: str, day: date) -> str:
    """The disease that a form of it belongs to; the code itself where no pack knows it."""
    try:
        return packs.condition(pack_on(day), condition).code
    except (NoPackInForce, UnknownCode):
        return condition


def first_specimen(case: Case) -> date:
    """The day from which a case without symptoms counts: its first positive specimen, else the
    day of its diagnosis."""
    return testing.first_positive(case.person_id, case.condition) or clock.day_of(case.diagnosed_at)


def judgement(
    pack: Pack,
    condition: str,
    case: Case,
    kind: str,
    days: tuple[date, date],
    through: Exposure | None,
    on: date,
    specimen_of: Callable[[Case], date] = first_specimen,
) -> Judgement | None:
    """What the rules of a day make of an exposure: the class, why, and the days that count. None
    where they judge none of this kind. ``days``: the first and the last together."""
    first, last = days
    if through is None:
        specimen = None if case.onset_date else specimen_of(case)
        return packs.contact_class(
            pack,
            condition,
            kind,
            first=first,
            last=last,
            on=on,
            onset=case.onset_date,
            specimen=specimen,
        )
    watched = through.observation
    return packs.class_of_contact(
        pack,
        condition,
        kind,
        first=first,
        last=last,
        on=on,
        contact_since=through.first_date,
        isolated=None if watched is None else watched.first_date,
    )


def as_judged(pack: Pack, judged: Judgement) -> dict[str, Any]:
    """A judgement as an exposure keeps it."""
    found = judged.contact_class
    return {
        "judged_class": "" if found is None else found.code,
        "pack": pack.id,
        "clause": judged.clause.code,
        "window_first": judged.first,
        "window_last": judged.last,
        "counted_date": judged.counted,
    }


def to_judge_anew(case: Case) -> list[tuple[Exposure, dict[str, Any]]]:
    """The standing contacts of a case that its present onset makes otherwise, each with what they
    are now; by the rules of the day on which they were entered."""
    if case.case_class == rules.DISCARDED:
        return []
    rows = Exposure.objects.filter(case_id=case.pk, withdrawn_at__isnull=True, through=None)
    found = []
    for one in rows.select_related("person", "observation").order_by("pk"):
        try:
            pack = packs.pack(one.pack)
        except UnknownCode:
            continue
        days, on = (one.first_date, one.last_date), clock.day_of(one.created_at)
        judged = judgement(pack, one.condition, case, one.kind, days, None, on)
        if judged is None:
            continue
        said = as_judged(pack, judged)
        if any(getattr(one, name) != value for name, value in said.items()):
            found.append((one, said))
    return found


@dataclass(frozen=True)
class Otherwise:
    """What the present card of a case makes otherwise than it stands.

    ``judged``: contacts by its onset, each with what they are now. ``freed``: open observations
    that rest on it although it was ruled out. ``again``: contacts to be watched again, one for each
    person, because their case stands again, or because the case that they became was ruled out.
    """

    judged: list[tuple[Exposure, dict[str, Any]]]
    freed: list[Observation]
    again: list[Exposure]

    def __bool__(self) -> bool:
        return bool(self.judged or self.freed or self.again)


def otherwise(case: Case, day: date) -> Otherwise:
    """What the present card of a case makes otherwise; for sums, and for who acts on it: contacts
    of other counties are in it."""
    with everything():
        return Otherwise(to_judge_anew(case), _freed(case), _again(case, day))


def _freed(case: Case) -> list[Observation]:
    if case.case_class != rules.DISCARDED:
        return []
    rows = standing(Observation.objects.filter(exposures__case_id=case.pk)).distinct()
    found = []
    for one in rows.filter(exposures__withdrawn_at__isnull=True).order_by("pk"):
        said = reckoned(one)
        now = None if said is None else (said["last_date"], said["contact_class"])
        if now != (one.last_date, one.contact_class):
            found.append(one)
    return found


def _again(case: Case, day: date) -> list[Exposure]:
    own = Q(observation__ending=Ending.CASE, observation__case_id=case.pk)
    its = Q(observation__ending=Ending.RULED_OUT, case_id=case.pk)
    rows = Exposure.objects.filter(own if case.case_class == rules.DISCARDED else its)
    rows = rows.filter(withdrawn_at__isnull=True).exclude(contact_class="")
    rows = rows.exclude(case__case_class=rules.DISCARDED).select_related("person", "area")
    found: dict[int, tuple[date, Exposure]] = {}
    for one in rows.order_by("pk"):
        term = term_of(one, day, day)
        if term is None or term.last is None or term.last < day:
            continue
        if one.person_id not in found or found[one.person_id][0] < term.last:
            found[one.person_id] = term.last, one
    watched = set(
        standing(Observation.objects.filter(person_id__in=list(found))).values_list(
            "person_id", "condition"
        )
    )
    return [
        one
        for _last, one in found.values()
        if (one.person_id, one.condition) not in watched
        and case_since(one.person_id, one.condition, one.first_date, day) is None
    ]


def asked_already(case: Case, kind: str) -> bool:
    """Whether a task of a kind about the contacts of a case waits."""
    return tasks.for_source(case).filter(kind=kind, state__in=UNFINISHED).exists()


def cases_revised_since(moment: datetime) -> list[Case]:
    """The cases with contacts, and those that a contact became, that were changed since then."""
    rows = Exposure.objects.filter(withdrawn_at__isnull=True, case__changed_at__gte=moment)
    became = Observation.objects.filter(ending=Ending.CASE, case__changed_at__gte=moment)
    keys = {*rows.values_list("case_id", flat=True), *became.values_list("case_id", flat=True)}
    return monitoring.with_keys(sorted(keys))


def cases_with_keys(keys: Collection[int]) -> list[Case]:
    """The cases of these keys, whoever asks: tasks alone are made of them."""
    return monitoring.with_keys(keys)


def begin_of(case: Case) -> date:
    """The day by which a case stands in a chain: its onset, else its diagnosis."""
    return case.onset_date or clock.day_of(case.diagnosed_at)


UNITS = (FacilityKind.HEALTH_CENTRE, FacilityKind.COUNTY_CDC)


def unit_for(area: Area, day: date) -> Facility | None:
    """The unit that visits in an area: the health centre of its township, else the county CDC."""
    keys = {int(key) for key in (area.path or "").split("/")[:-1]} | {area.pk}
    found = units_in(area.county_id, day)
    near = [one for one in found if one.kind == FacilityKind.HEALTH_CENTRE and one.area_id in keys]
    county = [one for one in found if one.kind == FacilityKind.COUNTY_CDC]
    return next(iter([*near, *county]), None)


def units_in(county_id: int | None, day: date) -> list[Facility]:
    """The units of a county that may visit, by name."""
    if county_id is None:
        return []
    return [one for one in places.facilities_in(county_id, UNITS) if one.open_on(day)]


def home_of(person: Person, case: Case, day: date) -> Area:
    """Where somebody is followed: where they live if that is a home county, else with the case."""
    home = {county.pk for county in places.counties_of_home(day)}
    area = person.area
    return area if area is not None and area.county_id in home else case.area


def areas_to_hand_to(day: date) -> list[Area]:
    """The home counties, by code."""
    return places.counties_of_home(day)


# --- Who became a case ----------------------------------------------------------------------------


def cases_after(persons: Collection[int], condition: str, day: date) -> dict[int, list[Case]]:
    """The cases of a disease of these persons, the first in front; suspected ones are none yet."""
    return {
        key: [
            case
            for case in found
            if rules.counts_as_case(case.case_class) and whole(case.condition, day) == condition
        ]
        for key, found in monitoring.cases_by_person(persons).items()
    }


def case_since(person_id: int, condition: str, first: date, day: date) -> Case | None:
    """The case that a person became who was first exposed on a day, as known on ``day``."""
    found = cases_after([person_id], condition, day).get(person_id, [])
    key = rules.case_of_exposure(first, [(case.pk, begin_of(case)) for case in found])
    return next((case for case in found if case.pk == key), None)


def watched_as(person_id: int, condition: str, at: datetime) -> str:
    """The class of contact as which a person is under observation for a disease; "" for nobody."""
    rows = standing(Observation.objects.filter(person_id=person_id))
    rows = rows.filter(condition=whole(condition, clock.day_of(at)))
    return rows.values_list("contact_class", flat=True).first() or ""


def is_watched(person_id: int) -> Statement:
    """Asks whether a person is under observation; to be sent along with other statements."""
    return Statement(
        f"SELECT id FROM {Observation._meta.db_table}"  # noqa: S608  # our own name, values bound
        " WHERE person_id = %s AND ending = '' ORDER BY id LIMIT 1",
        [person_id],
        "watched",
    )


def has_contacts(case_id: int) -> Statement:
    """Asks whether anybody is a contact of a case, or became it; to be sent along as well."""
    exposures, watches = Exposure._meta.db_table, Observation._meta.db_table
    return Statement(
        f"SELECT 1 WHERE EXISTS (SELECT 1 FROM {exposures}"  # noqa: S608  # our own names
        " WHERE case_id = %s AND withdrawn_at IS NULL)"
        f" OR EXISTS (SELECT 1 FROM {watches} WHERE case_id = %s AND ending = %s)",
        [case_id, case_id, Ending.CASE.value],
        "contacts",
    )


def to_convert(day: date, person_id: int | None = None) -> list[tuple[Observation, Case]]:
    """The open observations of those who became a case meanwhile, each with the case.

    ``person_id``: of that person alone.
    """
    rows = standing(Observation.objects.all())
    days = Exposure.objects.filter(withdrawn_at__isnull=True, observation__ending="")
    if person_id is not None:
        rows, days = rows.filter(person_id=person_id), days.filter(person_id=person_id)
    waiting = list(rows.order_by("pk"))
    first = dict(days.order_by("-first_date").values_list("observation_id", "first_date"))
    found = []
    for condition in sorted({one.condition for one in waiting}):
        among = [one for one in waiting if one.condition == condition]
        cases = cases_after({one.person_id for one in among}, condition, day)
        for one in among:
            known = {case.pk: case for case in cases.get(one.person_id, ())}
            begins = [(key, begin_of(case)) for key, case in known.items()]
            key = rules.case_of_exposure(first.get(one.pk, one.since), begins)
            if key is not None:
                found.append((one, known[key]))
    return found


def incubation(condition: str, day: date) -> int | None:
    """The longest incubation in days that the rules of a day know."""
    try:
        found = packs.longest_incubation(pack_on(day), condition, day)
    except (NoPackInForce, UnknownCode):
        return None
    return None if found is None else found.days


# --- Chains ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Joined:
    """The cases that hang together by exposures, as far as a user may see.

    ``cases``: those that the user may open, by key. ``links``: who was exposed to whom, between
    keys of cases. ``elsewhere``: keys of cases in a link that the user may not open.
    ``contacts``: how many persons were exposed to each case. ``begun``: the day by which each case
    stands in the order, the earliest in front.
    """

    cases: dict[int, Case]
    links: list[rules.Link[int]]
    elsewhere: set[int]
    contacts: dict[int, int]
    begun: dict[int, date]
    whole: bool = True


def joined(case: Case, user: User, at: datetime) -> Joined:
    """All cases that a case hangs together with, by exposures that the user may see.

    From case to case in both directions, a few statements for each generation. Of a case elsewhere
    only its being there is asked, past the wall: who it is stays hidden.
    """
    day = clock.day_of(at)
    condition = whole(case.condition, day)
    met = contacts_open_to(user, at).filter(condition=condition, withdrawn_at__isnull=True)
    cases: dict[int, Case] = {case.pk: case}
    exposures: dict[int, Exposure] = {}
    hidden: dict[int, tuple[int, date]] = {}
    fresh = {case.pk}
    complete = True
    while fresh:
        persons = {cases[key].person_id for key in fresh}
        rows = met.filter(
            Q(case_id__in=_few(fresh)) | Q(person_id__in=_few(persons))
        ).select_related(None)
        found = {one.pk: one for one in rows if one.pk not in exposures}
        exposures |= found
        sources = {one.case_id for one in found.values()}
        targets = {one.person_id for one in found.values()}
        near = monitoring.open_to(user, at).filter(
            Q(pk__in=_few(sources)) | Q(person_id__in=_few(targets))
        )
        fresh = set()
        for one in near:
            same = whole(one.condition, day) == condition
            if one.pk in cases or not same or one.case_class == rules.DISCARDED:
                continue
            cases[one.pk] = one
            fresh.add(one.pk)
        hidden |= _elsewhere(sources, targets, cases, condition, day)
        if len(cases) > MOST_IN_A_CHAIN:
            complete, fresh = False, set()
    by_person: dict[int, list[tuple[int, date]]] = {}
    for one in cases.values():
        by_person.setdefault(one.person_id, []).append((one.pk, begin_of(one)))
    for key, (person, begun) in hidden.items():
        by_person.setdefault(person, []).append((key, begun))
    links = []
    contacts: dict[int, set[int]] = {}
    for exposure in exposures.values():
        contacts.setdefault(exposure.case_id, set()).add(exposure.person_id)
        target = rules.case_of_exposure(
            exposure.first_date, sorted(by_person.get(exposure.person_id, []), key=lambda x: x[1])
        )
        if target is not None:
            links.append(
                rules.Link(
                    exposure.case_id,
                    target,
                    exposure.first_date,
                    exposure.last_date,
                    exposure.is_source,
                    exposure.pk,
                )
            )
    known = {key for link in links for key in (link.source, link.target)}
    begins = {key: begin_of(one) for key, one in cases.items()}
    begins |= {key: begun for key, (_person, begun) in hidden.items() if key in known}
    return Joined(
        begun=dict(sorted(begins.items(), key=lambda one: (one[1], one[0]))),
        cases=cases,
        links=links,
        elsewhere={key for key in hidden if key in known},
        contacts={key: len(found) for key, found in contacts.items()},
        whole=complete,
    )


def chain(case: Case, user: User, at: datetime) -> tuple[Joined, rules.Chain[int], int | None]:
    """What a case hangs together with, the likeliest chain of it, and the incubation it goes by."""
    found = joined(case, user, at)
    longest = incubation(case.condition, clock.day_of(at))
    return found, rules.chain(found.begun, found.links, longest), longest


def _few(keys: Collection[int]) -> list[int]:
    """Keys for a condition; no more than a chain may hold."""
    return sorted(keys)[: MOST_IN_A_CHAIN * 4]


def _elsewhere(
    sources: Collection[int],
    persons: Collection[int],
    cases: Collection[int],
    condition: str,
    day: date,
) -> dict[int, tuple[int, date]]:
    """Cases that the user may not open, to which a link leads: key to person and first day.

    Only keys and days leave here, to place them in the order of the chain; the page shows neither.
    """
    with everything():
        found = [one for rows in monitoring.cases_by_person(persons).values() for one in rows]
        found += monitoring.with_keys(set(sources) - set(cases))
    return {
        one.pk: (one.person_id, begin_of(one))
        for one in found
        if one.pk not in cases
        and one.case_class != rules.DISCARDED
        and whole(one.condition, day) == condition
    }
