"""Enter cases, one or a thousand, in the same few statements: known ones are found, not doubled."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _

from fangkong.core import bulk, clock
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.people import rules as people
from fangkong.people.types import Document, PhoneNumber, Registration

from . import queries, rules
from .counting import count, take_numbers
from .facts import Reason
from .models import Case, ReportCard
from .types import CardKind, CaseFacts, CountKey, PersonFacts

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility

CHUNK = 200

# What a card may say differently from the case it is already known as.
COMPARED = ("case_class", "severity", "course", "onset_date", "died_on")
JUDGED = (
    "condition",
    "definition",
    "case_class",
    "severity",
    "course",
    "onset_date",
    "diagnosed_at",
    "died_on",
    "relation",
    "origin",
    "doctor",
)


class NoCounty(Refused):
    """Neither the address nor the facility lies in a county."""

    status = 422


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A card ready to become a case."""

    person_id: int
    place: Area
    facility: Facility
    facts: CaseFacts
    card_print: str
    new_illness: bool = False
    synthetic: bool = False
    batch_id: int | None = None  # the import that it came with

    @property
    def county(self) -> Area:
        """The county that counts the case; NoCounty where the place lies in none."""
        return county_of(self.place)


def county_of(place: Area) -> Area:
    """The county that counts a case at a place; NoCounty where it lies in none."""
    if place.county is None:
        raise NoCounty(
            _("It is not clear which county is responsible. Give an address within a county.")
        )
    return place.county


@dataclass(frozen=True)
class Known:
    """The case that a card belongs to already, and what to say about it.

    ``same``: it is the same card again; otherwise another card about the same illness.
    """

    case: Case
    reasons: tuple[Reason, ...]
    same: bool


def registration(
    person: PersonFacts, area: Area | None, synthetic: bool, at: datetime
) -> Registration:
    """The patient of a card as the register of persons takes it."""
    documents = (Document(person.id_kind, person.id_number),) if person.id_number else ()
    aged = person.age_years is not None or person.age_months is not None
    return Registration(
        name=person.name,
        sex=person.sex,
        birth_date=person.birth_date,
        age_years=person.age_years,
        age_months=person.age_months,
        age_on=clock.day_of(at) if aged else None,
        occupation=person.occupation,
        workplace=person.workplace,
        guardian_name=person.guardian,
        area=area,
        address_detail=person.address,
        documents=documents,
        phones=(PhoneNumber(person.phone),) if person.phone else (),
        synthetic=synthetic,
    )


def card_print(person: PersonFacts, case: CaseFacts, *, another: bool = False) -> str:
    """A keyed digest of who fell ill with what and was diagnosed when: the same card has the same.

    Keyed, so that nobody can find out by trying numbers who is meant. With the name, although a
    number alone tells who it is: a second patient under the number of the first is no card twice.
    Without a number also by the address: two people of one name and age are not rare. ``another``:
    the sender says that such a card is not the one that is there.
    """
    who = [people.bare_name(person.name), person.id_kind, person.id_number]
    if not person.id_number:
        born = person.birth_date or f"{person.age_years}/{person.age_months}"
        lives = "".join(person.address.split())
        who = [
            who[0],
            person.sex,
            str(born),
            person.phone,
            lives,
            *(["another"] if another else []),
        ]
    when = case.diagnosed_at.astimezone(clock.zone()).isoformat(timespec="minutes")
    text = "\x1f".join([*who, case.condition, when])
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def enter(
    entries: Sequence[Entry], *, reported_at: datetime, by: User | None, at: datetime
) -> list[Case | Known]:
    """A case for every entry, or the case that it is known as already, in the given order.

    Counties are held before anything is looked up, so that two processes cannot enter the same
    card at once. Call it inside a transaction.
    """
    hold_counties({entry.county.pk for entry in entries}, reported_at)
    outcomes: dict[int, Case | Known] = {}
    waiting = dict(enumerate(entries))
    while waiting:
        wave = one_per_person(waiting)
        outcomes.update(_enter_wave(wave, reported_at, by, at))
        waiting = {place: entry for place, entry in waiting.items() if place not in wave}
    return [outcomes[place] for place in range(len(entries))]


def hold_counties(county_ids: Iterable[int], reported_at: datetime) -> None:
    """Nobody else enters a case there until the transaction ends."""
    if not connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
        return
    year = clock.day_of(reported_at).year
    for county_id in sorted(county_ids):
        take_numbers(county_id, year, 0)


def one_per_person(waiting: dict[int, Entry]) -> dict[int, Entry]:
    """Two cards about one person wait for each other: the second is looked up after the first."""
    first: dict[int, int] = {}
    for place, entry in waiting.items():
        first.setdefault(entry.person_id, place)
    return {place: waiting[place] for place in first.values()}


def _enter_wave(
    wave: dict[int, Entry], reported_at: datetime, by: User | None, at: datetime
) -> dict[int, Case | Known]:
    found = known(wave)
    fresh = {place: entry for place, entry in wave.items() if place not in found}
    cases = _create(list(fresh.values()), reported_at, by, at)
    return {**found, **dict(zip(fresh, cases, strict=True))}


def known(wave: dict[int, Entry]) -> dict[int, Known]:
    """The entries whose card or illness has its case already; two statements."""
    keys = bulk.keys_where(
        Case,
        card_print=[entry.card_print for entry in wave.values()],
        person_id=[entry.person_id for entry in wave.values()],
    )
    return known_among(wave, Case.objects.filter(pk__in=keys).order_by("pk"))


def known_among(wave: dict[int, Entry], earlier: Iterable[Case]) -> dict[int, Known]:
    """Which entries belong to one of these cases, of the same cards and persons, by their keys."""
    by_print: dict[str, Case] = {}
    by_person: defaultdict[int, list[Case]] = defaultdict(list)
    for case in earlier:
        by_print[case.card_print] = case
        by_person[case.person_id].append(case)
    found = {}
    for place, entry in wave.items():
        same = by_print.get(entry.card_print)
        if same is not None:
            found[place] = Known(same, (said_of(same, entry.facts),), same=True)
        elif not entry.new_illness:
            illness = same_illness(by_person[entry.person_id], entry.facts)
            if illness is not None:
                found[place] = Known(illness, (other_dates(illness),), same=False)
    return found


def other_dates(illness: Case) -> Reason:
    """Why a card about a case that is there with another diagnosis is no new case."""
    return Reason("other_dates", {"number": illness.number})


def said_of(case: Case, facts: CaseFacts) -> Reason:
    """What a card that is known already says differently from its case, if anything."""
    other = [
        field
        for field in COMPARED
        if getattr(facts, field) and getattr(facts, field) != getattr(case, field)
    ]
    if other:
        return Reason("known_differently", {"number": case.number, "fields": other})
    return Reason("known", {"number": case.number})


def same_illness(cases: Sequence[Case], facts: CaseFacts) -> Case | None:
    """The one of these cases of a person that a card is about, whatever its dates."""
    pack = queries.pack_on(clock.day_of(facts.diagnosed_at))
    return rules.same_illness(pack, cases, facts.condition, facts.diagnosed_at)


def _create(
    entries: Sequence[Entry], reported_at: datetime, by: User | None, at: datetime
) -> list[Case]:
    """The cases with their numbers, first cards and counts."""
    if not entries:
        return []
    wanted = [(entry.county.pk, entry.county.code) for entry in entries]
    cases = cases_of(entries, numbers(wanted, reported_at), reported_at, by, at)
    bulk.insert(cases)
    write_first_cards([case.pk for case in cases])
    count([(key, 1, case.pk) for case, keys in counted(cases) for key in keys], at)
    return cases


def cases_of(
    entries: Sequence[Entry],
    given: Sequence[str],
    reported_at: datetime,
    by: User | None,
    at: datetime,
) -> list[Case]:
    """The cases of entries with the numbers given to them; not saved."""
    clocks = cache(clocks_of)  # most cards of a file share disease, class and day
    return [
        case_of(entry, number, clocks, reported_at, by, at)
        for entry, number in zip(entries, given, strict=True)
    ]


def counted(cases: Sequence[Case]) -> Iterator[tuple[Case, list[CountKey]]]:
    """Each case with the cells that it counts in."""
    zone = clock.zone()
    cells: dict[tuple[object, ...], list[CountKey]] = {}
    for case in cases:
        what = (
            *(case.county_id, case.condition, case.case_class, case.definition),
            *(case.onset_date, clock.day_of(case.diagnosed_at)),
        )
        if what not in cells:
            cells[what] = sorted(rules.contributions(case, zone))
        yield case, cells[what]


def numbers(counties: Sequence[tuple[int, str]], reported_at: datetime) -> list[str]:
    """A number for each of a list of counties (key and code), dense for each in this order."""
    year = clock.day_of(reported_at).year
    wanted = Counter(key for key, _code in counties)
    taken = {key: iter(take_numbers(key, year, wanted[key])) for key in sorted(wanted)}
    return [rules.number(code, year, next(taken[key])) for key, code in counties]


def write_first_cards(case_ids: Sequence[int]) -> None:
    """The first card (初次报告) of new cases says what the case says: one statement."""
    card, case = ReportCard._meta.db_table, Case._meta.db_table
    judged, sqlite = ", ".join(JUDGED), connection.vendor == "sqlite"
    among = "IN (SELECT value FROM json_each(%s))" if sqlite else "= ANY(%s)"
    bulk.send(
        f"INSERT INTO {card} ({judged},"  # noqa: S608  # our own tables, values bound
        " case_id, area_id, sequence, kind, reason, reported_at, by_id)"
        f" SELECT {judged}, id, area_id, 1, %s, '', reported_at, created_by_id"
        f" FROM {case} WHERE id {among} ORDER BY id",
        [CardKind.INITIAL.value, json.dumps([*case_ids]) if sqlite else list(case_ids)],
    )


def clocks_of(
    condition: str, case_class: str, diagnosed: date, reported_at: datetime
) -> tuple[str, timedelta | None, datetime | None]:
    """Whose definitions hold, how long after the diagnosis the report is due, and the review."""
    pack = queries.pack_on(diagnosed)
    start = clock.start_of(diagnosed)
    facts = CaseFacts(condition=condition, case_class=case_class, diagnosed_at=start)
    due = rules.report_due(pack, facts)
    review = rules.review_due(pack, condition, case_class, reported_at)
    return pack.id, due - start if due else None, review


def case_of(
    entry: Entry,
    number: str,
    clocks: Callable[[str, str, date, datetime], tuple[str, timedelta | None, datetime | None]],
    reported_at: datetime,
    by: User | None,
    at: datetime,
) -> Case:
    facts = entry.facts
    definition, hours, review_due_at = clocks(
        facts.condition, facts.case_class, clock.day_of(facts.diagnosed_at), reported_at
    )
    return bulk.fresh(
        Case,
        **stamps(by, at),
        **vars(facts),
        number=number,
        definition=definition,
        person_id=entry.person_id,
        area_id=entry.place.pk,
        county_id=entry.county.pk,
        facility_id=entry.facility.pk,
        reported_at=reported_at,
        report_due_at=facts.diagnosed_at + hours if hours else None,
        review_due_at=review_due_at,
        synthetic=entry.synthetic,
        card_print=entry.card_print,
        batch_id=entry.batch_id,
    )


def card_of(
    case: Case, sequence: int, kind: str, reason: str, by: User | None, at: datetime
) -> ReportCard:
    """The card that says what the case now says; not yet saved."""
    judged = {name: getattr(case, name) for name in JUDGED}
    return ReportCard(
        **judged,
        case_id=case.pk,
        area_id=case.area_id,
        sequence=sequence,
        kind=kind,
        reason=reason,
        reported_at=at,
        by_id=None if by is None else by.pk,
    )
