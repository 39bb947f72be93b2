"""Enter the one case of one card: as ``entering.py`` does for a thousand, in two messages.

The first holds the county and asks what is known; it carries the new person along. The second
enters case, card, changes and counts, which on PostgreSQL are one statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import connection

from fangkong.core import bulk, clock, messages
from fangkong.core.messages import Reader, Statement

from . import rules
from .counting import CELL, CELL_ORDER, adding_from, count, taking
from .entering import JUDGED, Entry, Known, case_of, clocks_of, known_among, write_first_cards
from .facts import CountKey
from .models import Case, CountChange, ReportCard
from .types import CardKind, CaseFacts

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.actions import Arrival
    from fangkong.places.models import Area, Facility


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card whose person is still arriving."""

    arrival: Arrival
    place: Area
    facility: Facility
    facts: CaseFacts
    card_print: str
    new_illness: bool
    synthetic: bool

    def entry(self, person_id: int) -> Entry:
        """The same, now that the person has a key."""
        return Entry(
            person_id=person_id,
            place=self.place,
            facility=self.facility,
            facts=self.facts,
            card_print=self.card_print,
            new_illness=self.new_illness,
            synthetic=self.synthetic,
        )


def enter_one(card: Card, *, reported_at: datetime, by: User | None, at: datetime) -> Case | Known:
    """A case for the card, or the case that it is known as already.

    The county is held before anything is looked up, so that two processes cannot enter the same
    card at once. A number taken for a card that turns out to be known goes back with the refusal.
    """
    arrival, county = card.arrival, card.entry(0).county
    year = clock.day_of(reported_at).year
    new = arrival.new
    before = arrival.statements
    hold, ask = taking(county.pk, year, 1), _known(card.card_print, arrival.person.pk)
    *answers, ((last,),), found = messages.send(*before, hold, ask)
    person = arrival.settle(answers)
    if new and not arrival.new_person:  # somebody else was quicker: this one has a past after all
        (found,) = messages.send(_known(card.card_print, person.pk))
    entry = card.entry(person.pk)
    known = known_among({0: entry}, map(_cases().read, found))
    if known:
        return known[0]
    number = rules.number(county.code, year, last)
    case = case_of(entry, number, clocks_of, reported_at, by, at)
    cells = sorted(rules.contributions(case, clock.zone()))
    if connection.vendor == "postgresql":
        (((case.pk,),),) = messages.send(_whole(case, cells, at))
        case._state.adding, case._state.db = False, connection.alias
    else:
        bulk.insert([case])
        write_first_cards([case.pk])
        count([(key, 1, case.pk) for key in cells], at)
    case.person, case.county = person, county
    case.area, case.facility = entry.place, entry.facility
    return case


_COUNTED = f"SELECT {CELL}, 1 FROM cells ORDER BY {CELL_ORDER}"  # noqa: S608  # our own columns


@lru_cache(maxsize=1)
def _cases() -> Reader[Case]:
    return Reader(Case, "c")


def _known(card_print: str, person_id: int | None) -> Statement:
    """Asks for the cases of the same card and, where the person is not new, of the same person."""
    sql = f"SELECT {_cases().columns} FROM {Case._meta.db_table} c WHERE c.card_print = %s"  # noqa: S608  # our own names
    if person_id is None:
        return Statement(f"{sql} ORDER BY c.id", [card_print], "same_card")
    return Statement(
        f"{sql} OR c.person_id = %s ORDER BY c.id", [card_print, person_id], "same_card"
    )


def _whole(case: Case, cells: list[CountKey], at: datetime) -> Statement:
    """Case, first card, changes and counts in one statement, which gives the key of the case.

    A cell is the case's own but for basis and day: so few values (50) the driver takes apart once.
    """
    made = messages.insert(case)
    judged = ", ".join(JUDGED)
    card = Statement(
        f"INSERT INTO {ReportCard._meta.db_table} ({judged},"  # noqa: S608  # our own tables
        " case_id, area_id, sequence, kind, reason, reported_at, by_id)"
        f" SELECT {judged}, id, area_id, 1, %s::text, '', reported_at, created_by_id FROM made",
        [CardKind.INITIAL.value],
    )
    days = ", ".join(["(%s, %s::date)"] * len(cells))
    said = Statement(
        "SELECT made.id AS case_id, made.county_id, made.condition, v.basis, v.day,"  # noqa: S608  # marks alone
        f" made.case_class, made.definition FROM made, (VALUES {days}) AS v (basis, day)",
        [value for key in cells for value in (key.basis, key.day)],
    )
    changes = Statement(
        f"INSERT INTO {CountChange._meta.db_table} ({CELL}, delta, case_id, at)"  # noqa: S608  # as above
        f" SELECT {CELL}, 1, case_id, %s::timestamptz FROM cells",
        [at],
    )
    parts = [
        ("made", Statement(f"{made.sql} RETURNING *", made.values)),
        ("card", card),
        ("cells", said),
        ("changes", changes),
        ("counts", adding_from(_COUNTED)),
    ]
    return messages.together(parts, "SELECT id FROM made", "case")
