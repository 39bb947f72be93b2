"""Entering rows into the register: whom each row means, and what it adds.

One row or five hundred go the same way, with the same number of statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import connection

from fangkong.core import bulk, messages
from fangkong.core.messages import Statement
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.sealing.fields import index_of

from . import rules
from .clashes import clash
from .models import IdentityDocument, Person, Phone
from .types import Document, DocumentKind, Registration

if TYPE_CHECKING:
    from fangkong.accounts.models import User

_GAPS = ("birth_date", "occupation", "workplace", "guardian_name", "ethnicity", "address_detail")
_WRITTEN = [
    "sex",
    *_GAPS,
    "age_years",
    "age_months",
    "age_on",
    "area",
    "county",
    "changed_at",
    "changed_by",
]
Key = tuple[str, str]


@dataclass
class Entry:
    """A person with the numbers known of them, also those that the rows have just added."""

    person: Person
    documents: set[Key] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)

    def facts(self) -> rules.Facts:
        person = self.person
        return rules.Facts(
            person.name, person.sex, person.birth_date, person.county_id, _real(self.documents)
        )


@dataclass
class Ledger:
    """The persons whom the rows may mean, and what the rows add to them."""

    by_document: dict[Key, Entry] = field(default_factory=dict)
    # By name and birth date, without which nobody is found by name (rules.likeness).
    alike: dict[tuple[str, date], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    outcomes: list[Person | Refused] = field(default_factory=list)
    new: list[Person] = field(default_factory=list)
    changed: dict[int, Person] = field(default_factory=dict)
    filled: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    documents: list[IdentityDocument] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)

    @classmethod
    def open(cls, rows: Sequence[Registration]) -> Ledger:
        """With everybody whom the rows may mean by document or name, locked until all is saved."""
        numbers = {d.number for row in rows for d in row.documents if d.number}
        # Without a birth date nobody is found by name, see rules.likeness.
        alike = [row for row in rows if row.birth_date and rules.is_stated(row.sex)]
        pairs = {(row.name, row.birth_date) for row in alike if row.birth_date}
        keys = _meant(numbers, pairs) if len(rows) == 1 else _meant_by_many(numbers, pairs)
        if not keys:
            return cls()
        known = (
            Person.objects.select_for_update()
            .filter(merged_into__isnull=True, pk__in=keys)
            .order_by("pk")
        )
        entries = {person.pk: Entry(person) for person in known}
        for document in IdentityDocument.objects.filter(person_id__in=[*entries]):
            entries[document.person_id].documents.add((document.kind, document.full_number))
        for phone in Phone.objects.filter(person_id__in=[*entries]):
            entries[phone.person_id].phones.add(phone.full_number)
        ledger = cls()
        for entry in entries.values():
            ledger._note(entry)
        return ledger

    def _note(self, entry: Entry) -> None:
        self._note_birth(entry)
        for key in _real(entry.documents):
            self.by_document[key] = entry

    def _note_birth(self, entry: Entry) -> None:
        if entry.person.birth_date is not None:
            self.alike[entry.person.name, entry.person.birth_date].append(entry)

    def enter(self, rows: Sequence[Registration], by: User | None, at: datetime) -> Ledger:
        """Enter each row in order, then save all that is new."""
        self.place(rows, by, at)
        self.save()
        return self

    def place(self, rows: Sequence[Registration], by: User | None, at: datetime) -> Ledger:
        """Find out for each row in order whom it means and what it adds; nothing is saved."""
        for row in rows:
            try:
                self.outcomes.append(self._enter_one(row, by, at))
            except Refused as problem:
                self.outcomes.append(problem)
        return self

    def _enter_one(self, row: Registration, by: User | None, at: datetime) -> Person:
        entry = self._meant_by(row, by, at)
        if entry is None:
            entry = self._add(row, by, at)
        else:
            self._fill(entry, row, by, at)
        return entry.person

    def _meant_by(self, row: Registration, by: User | None, at: datetime) -> Entry | None:
        """The known person of a row; AnotherPerson where its document is somebody else's.

        Where several persons are alike without a document, nobody is meant: better one person
        twice, to be joined later, than two persons in one.
        """
        facts = rules.Facts(
            row.name,
            row.sex,
            row.birth_date,
            row.area.county_id if row.area else None,
            frozenset(_keys(row)),
        )
        holders = [self.by_document[key] for key in _keys(row) if key in self.by_document]
        for holder in holders:
            if holder is not holders[0] or rules.contradict(holder.facts(), facts):
                raise clash(holder.person, by, at)
        if holders:
            return holders[0]
        if row.birth_date is None:
            return None
        alike = [
            entry
            for entry in self.alike.get((row.name, row.birth_date), [])
            if rules.likeness(entry.facts(), facts) >= rules.LIKELY
        ]
        return alike[0] if len(alike) == 1 else None

    def _add(self, row: Registration, by: User | None, at: datetime) -> Entry:
        person = bulk.fresh(
            Person,
            sex=row.sex,
            birth_date=row.birth_date,
            age_years=row.age_years,
            age_months=row.age_months,
            age_on=row.age_on,
            occupation=row.occupation,
            workplace=row.workplace,
            guardian_name=row.guardian_name,
            ethnicity=row.ethnicity,
            address_detail=row.address_detail,
            synthetic=row.synthetic,
            **stamps(by, at),
        )
        person.rename(row.name)
        person.move_to(row.area)
        self.new.append(person)
        entry = Entry(person)
        self._add_numbers(entry, row, by, at)
        self._note(entry)
        return entry

    def _fill(self, entry: Entry, row: Registration, by: User | None, at: datetime) -> None:
        """Set what is not known yet; leave what is."""
        person, filled = entry.person, set()
        for name in _GAPS:
            if not getattr(person, name) and getattr(row, name):
                setattr(person, name, getattr(row, name))
                filled.add(name)
        if "birth_date" in filled:
            self._note_birth(entry)
        if not rules.is_stated(person.sex) and rules.is_stated(row.sex):
            person.sex = row.sex
            filled.add("sex")
        if person.birth_date is None and person.age_on is None and row.age_on is not None:
            person.age_years, person.age_months = row.age_years, row.age_months
            person.age_on = row.age_on
            filled.add("age_on")
        if person.area_id is None and row.area is not None:
            person.move_to(row.area)
            filled.add("area")
        filled |= self._add_numbers(entry, row, by, at)
        if filled and person.pk is not None:
            person.touch(by, at)
            self.changed[person.pk] = person
            self.filled[person.pk] |= filled

    def _add_numbers(
        self, entry: Entry, row: Registration, by: User | None, at: datetime
    ) -> set[str]:
        added = set()
        for document in row.documents:
            if (document.kind, document.number) not in entry.documents and _wanted(entry, document):
                self.documents.append(IdentityDocument.new(entry.person, document, by, at))
                entry.documents.add((document.kind, document.number))
                self.by_document.update(dict.fromkeys(_real(entry.documents), entry))
                added.add("documents")
        for phone in row.phones:
            if phone.number not in entry.phones:
                self.phones.append(Phone.new(entry.person, phone, by, at))
                entry.phones.add(phone.number)
                added.add("phones")
        return added

    def save(self) -> Ledger:
        """Write down what is new."""
        Person.objects.bulk_update(self.changed.values(), _WRITTEN, batch_size=100)
        bulk.insert_each(self.new, self.documents, self.phones)
        return self


def _meant(numbers: Iterable[str], pairs: set[tuple[str, date]]) -> set[int]:
    """The persons with one of these document numbers, or of these names and birth dates."""
    parts = [part for part in (_holding(numbers), _named(pairs)) if part is not None]
    if not parts:
        return set()
    both = Statement(
        " UNION ".join(part.sql for part in parts),
        [v for part in parts for v in part.values],
        "meant",
    )
    (rows,) = messages.send(both)
    return {key for (key,) in rows}


def _meant_by_many(numbers: Iterable[str], pairs: set[tuple[str, date]]) -> set[int]:
    """The same for a list, whose numbers go to the database as columns."""
    indexes = index_of(IdentityDocument, "number_index", numbers)
    held = bulk.keys_where(IdentityDocument, number_index=indexes)
    holders = IdentityDocument.objects.filter(pk__in=held).values_list("person_id", flat=True)
    named = _named(pairs)
    return {
        *holders,
        *(key for rows in messages.send(*([named] if named else [])) for (key,) in rows),
    }


def _holding(numbers: Iterable[str]) -> Statement | None:
    indexes = index_of(IdentityDocument, "number_index", numbers)
    if not indexes:
        return None
    return Statement(
        f"SELECT person_id FROM {IdentityDocument._meta.db_table}"  # noqa: S608  # our own name, values bound
        f" WHERE number_index IN ({', '.join(['%s'] * len(indexes))})",
        indexes,
    )


def _named(pairs: set[tuple[str, date]]) -> Statement | None:
    """Asks for the persons with one of these names and birth dates.

    By pairs: names and days apart would look up every name with every day, which in a register of
    many takes longer than all the rest.
    """
    if not pairs:
        return None
    marks = ", ".join(
        ["(%s, %s)" if connection.vendor == "sqlite" else "(%s, %s::date)"] * len(pairs)
    )
    values = [part for name, day in sorted(pairs) for part in (name, day.isoformat())]
    return Statement(
        f"SELECT id FROM {Person._meta.db_table}"  # noqa: S608  # our own name, values bound
        f" WHERE (name, birth_date) IN (VALUES {marks})",
        values,
    )


def _keys(row: Registration) -> list[Key]:
    return [(d.kind, d.number) for d in row.documents if d.kind != DocumentKind.NONE]


def _real(documents: Iterable[Key]) -> frozenset[Key]:
    """The documents without the temporary keys of those who have none."""
    return frozenset(key for key in documents if key[0] != DocumentKind.NONE)


def _wanted(entry: Entry, document: Document) -> bool:
    """That a person has no document is worth a note only while none is known."""
    return document.kind != DocumentKind.NONE or not entry.documents
