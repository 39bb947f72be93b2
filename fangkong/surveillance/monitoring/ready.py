"""The cards of a file, prepared beside the writing and entered column by column.

``prepare`` asks no database and may run in another process (core/aside.py). A card is entered so
where its person is new and no case has its print: then nothing can be known of it. All others go
the way of ``entering``; both together get their numbers in the order of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from fangkong.core import bulk, clock
from fangkong.core.bulk import Columns
from fangkong.core.record import new_public_id
from fangkong.people import actions as people

from . import entering, rules
from .counting import count
from .entering import Entry, Known
from .facts import CaseFacts, CountKey
from .models import Case

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.ready import Ready as PreparedPersons
    from fangkong.people.types import Registration
    from fangkong.places.models import Area, Facility


@dataclass(frozen=True)
class Made:
    """A case that was entered, as far as it is told of afterwards."""

    pk: int
    public_id: UUID | str
    area_id: int
    county_id: int
    condition: str


@dataclass(frozen=True)
class Stated:
    """What one card states, cleaned, its places looked up."""

    person: Registration
    facts: CaseFacts
    place: Area
    facility: Facility
    card_print: str


@dataclass(frozen=True)
class Ready:
    """Cards as the driver takes them, and what is asked of each before it is entered."""

    persons: PreparedPersons
    cases: Columns
    prints: list[str]
    areas: list[int]
    counties: list[tuple[int, str]]  # key and code
    conditions: list[str]
    cells: list[tuple[CountKey, ...]]
    cell_of: list[int]  # the cells of each card, by their place in ``cells``


_FACTS = (*(name for name in CaseFacts.__dataclass_fields__),)


def prepare(
    cards: Sequence[Stated],
    *,
    reported_at: datetime,
    by_id: int | None,
    at: datetime,
    synthetic: bool,
    batch_id: int,
) -> Ready:
    """Cards made ready; ``reported_at`` is when their file was confirmed."""
    ids = [new_public_id() for _card in cards]
    clocks, zone = cache(entering.clocks_of), clock.zone()
    cells: dict[tuple[CountKey, ...], int] = {}
    known: dict[tuple[object, ...], int] = {}
    each: dict[CountKey, CountKey] = {}  # one object of every cell: it is told by that afterwards
    cell_of, definitions, due, review = [], [], [], []
    for card in cards:
        facts, county_id = card.facts, entering.county_of(card.place).pk
        day = clock.day_of(facts.diagnosed_at)
        definition, hours, review_due_at = clocks(
            facts.condition, facts.case_class, day, reported_at
        )
        definitions.append(definition)
        due.append(facts.diagnosed_at + hours if hours else None)
        review.append(review_due_at)
        what = (county_id, facts.condition, facts.case_class, definition, facts.onset_date, day)
        if what not in known:
            counts = _Counts(
                county_id,
                facts.condition,
                facts.case_class,
                definition,
                facts.onset_date,
                facts.diagnosed_at,
                reported_at,
            )
            of_card = sorted(rules.contributions(counts, zone))
            found = tuple(each.setdefault(key, key) for key in of_card)
            known[what] = cells.setdefault(found, len(cells))
        cell_of.append(known[what])
    prints = [card.card_print for card in cards]
    counties = [entering.county_of(card.place) for card in cards]
    cases = bulk.ready(
        Case,
        len(cards),
        {
            **{name: [getattr(card.facts, name) for card in cards] for name in _FACTS},
            "created_at": at,
            "created_by_id": by_id,
            "changed_at": at,
            "changed_by_id": by_id,
            "public_id": ids,
            "definition": definitions,
            "area_id": [card.place.pk for card in cards],
            "county_id": [county.pk for county in counties],
            "facility_id": [card.facility.pk for card in cards],
            "reported_at": reported_at,
            "report_due_at": due,
            "review_due_at": review,
            "synthetic": synthetic,
            "card_print": prints,
            "batch_id": batch_id,
        },
    )
    return Ready(
        persons=people.prepare_many(rows=[card.person for card in cards], by_id=by_id, at=at),
        cases=cases,
        prints=prints,
        areas=[card.place.pk for card in cards],
        counties=[(county.pk, county.code) for county in counties],
        conditions=[card.facts.condition for card in cards],
        cells=[*cells],
        cell_of=cell_of,
    )


@dataclass
class _Counts:
    """What a card counts as (rules.Countable)."""

    county_id: int
    condition: str
    case_class: str
    definition: str
    onset_date: date | None
    diagnosed_at: datetime
    reported_at: datetime


def enter(
    ready: Ready,
    persons: Mapping[int, int],
    new: frozenset[int],
    entry: Callable[[int, int], Entry],
    *,
    reported_at: datetime,
    by: User | None,
    at: datetime,
) -> dict[int, Made | Known]:
    """A case for every card whose person is given by key, or the case that it is known as.

    ``new``: cards that made a person whom no other card here means. Of two cards of one person the
    second may tell of the illness of the first, so it is looked up when the first one's case is
    there. ``entry`` gives a card of a place as it is entered alone, for one person. Raises
    IntegrityError as ``people.ready.enter`` does.
    """
    entering.hold_counties({ready.counties[place][0] for place in persons}, reported_at)
    twice = Counter(ready.prints)
    known = bulk.among(Case, "card_print", [ready.prints[place] for place in persons])
    quick = [
        place
        for place in persons
        if place in new and ready.prints[place] not in known and twice[ready.prints[place]] == 1
    ]
    fast = frozenset(quick)
    waiting = {
        place: entry(place, person) for place, person in persons.items() if place not in fast
    }
    outcomes: dict[int, Made | Known] = {}
    first = True
    while waiting or first:
        wave = entering.one_per_person(waiting)
        met = entering.known(wave) if wave else {}
        outcomes.update(met)
        slow = {place: one for place, one in wave.items() if place not in met}
        outcomes.update(_create(ready, quick if first else [], slow, persons, reported_at, by, at))
        waiting = {place: one for place, one in waiting.items() if place not in wave}
        first = False
    return outcomes


def _create(
    ready: Ready,
    quick: Sequence[int],
    slow: Mapping[int, Entry],
    persons: Mapping[int, int],
    reported_at: datetime,
    by: User | None,
    at: datetime,
) -> dict[int, Made]:
    """The cases with their numbers, first cards and counts."""
    places = sorted([*quick, *slow])
    if not places:
        return {}
    counties = [ready.counties[place] for place in places]
    given = dict(zip(places, entering.numbers(counties, reported_at), strict=True))
    keys = dict(zip(quick, bulk.reserve(Case, len(quick)), strict=True))
    bulk.insert_ready(
        Case,
        ready.cases.of(quick),
        id=[*keys.values()],
        number=[given[place] for place in quick],
        person_id=[persons[place] for place in quick],
    )
    cases = entering.cases_of(
        [*slow.values()], [given[place] for place in slow], reported_at, by, at
    )
    bulk.insert(cases)
    changes = [
        (key, 1, keys[place]) for place in quick for key in ready.cells[ready.cell_of[place]]
    ]
    changes += [(key, 1, case.pk) for case, cells in entering.counted(cases) for key in cells]
    entering.write_first_cards([*keys.values(), *(case.pk for case in cases)])
    count(changes, at)
    public_ids = ready.cases.column("public_id")
    made: dict[int, Made] = {
        place: Made(
            keys[place],
            public_ids[place],
            ready.areas[place],
            ready.counties[place][0],
            ready.conditions[place],
        )
        for place in quick
    }
    for place, case in zip(slow, cases, strict=True):
        made[place] = Made(case.pk, case.public_id, case.area_id, case.county_id, case.condition)
    return made
