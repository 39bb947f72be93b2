"""New persons of a long list, prepared beside the writing and entered column by column.

``prepare`` asks no database and may run in another process (core/aside.py). A row is entered so
where it can mean nobody else: nobody known has its document, or its name and birth date, and no
other row of the list. All others go the way of the ledger, which knows how rows meet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db import connection

from fangkong.core import bulk, clock
from fangkong.core.bulk import Columns
from fangkong.core.record import new_public_id
from fangkong.core.refusals import Refused
from fangkong.core.sealing import SealedTextField
from fangkong.core.sealing.fields import index_of

from . import rules
from .arriving import entered
from .intake import checked
from .models import IdentityDocument, Person, Phone
from .types import Document, DocumentKind, PhoneNumber, Registration

if TYPE_CHECKING:
    from fangkong.accounts.models import User

_AS_STATED = (
    *("sex", "birth_date", "age_years", "age_months", "age_on", "occupation", "workplace"),
    *("guardian_name", "ethnicity", "synthetic"),
)


@dataclass(frozen=True)
class Ready:
    """Rows as the driver takes them, and by what each may mean somebody else."""

    indexes: list[tuple[str, ...]]  # blind indexes of its documents
    births: list[tuple[str, str] | None]  # its name and birth date, where it may be found by them
    alone: list[bool]  # no other row of the list has one of these
    persons: Columns
    documents: Columns
    document_of: list[int]  # the row of each document
    phones: Columns
    phone_of: list[int]


@dataclass(frozen=True)
class Entered:
    """The person of each row by key, or why it was refused.

    ``new``: rows that made a person whom no other row of the list means, so that nothing whatever
    is known of that person. A person made by two rows is in none of them.
    """

    outcomes: list[int | Refused]
    new: frozenset[int]


def prepare(rows: Sequence[Registration], by_id: int | None, at: datetime) -> Ready:
    """Rows in plain form (``intake.checked``) made ready."""
    ids = [new_public_id() for _row in rows]
    stamps = {"created_at": at, "created_by_id": by_id, "changed_at": at, "changed_by_id": by_id}
    spelled = [rules.spelled(row.name) for row in rows]
    address = _sealed(Person, "address_detail")
    persons = bulk.ready(
        Person,
        len(rows),
        {
            **stamps,
            **{name: [getattr(row, name) for row in rows] for name in _AS_STATED},
            "public_id": ids,
            "name": [row.name for row in rows],
            "name_pinyin": [pinyin[:200] for pinyin, _initials in spelled],
            "name_initials": [initials[:60] for _pinyin, initials in spelled],
            "area_id": [row.area.pk if row.area else None for row in rows],
            "county_id": [row.area.county_id if row.area else None for row in rows],
            "address_detail": address.sealed_column(ids, [row.address_detail for row in rows]),
        },
    )
    held = [(n, one) for n, row in enumerate(rows) for one in _documents(row, ids[n])]
    called = [(n, one) for n, row in enumerate(rows) for one in _phones(row)]
    index = _indexes(IdentityDocument, [one for _n, one in held])
    indexes = [
        tuple(index[one.number] for one in row.documents if one.kind != DocumentKind.NONE)
        for row in rows
    ]
    births = [_birth(row) for row in rows]
    return Ready(
        indexes=indexes,
        births=births,
        alone=_alone(indexes, births),
        persons=persons,
        documents=_numbers(IdentityDocument, [one for _n, one in held], index, "issued_by", stamps),
        document_of=[n for n, _one in held],
        phones=_numbers(
            Phone,
            [one for _n, one in called],
            _indexes(Phone, [one for _n, one in called]),
            "note",
            stamps,
        ),
        phone_of=[n for n, _one in called],
    )


def enter(
    ready: Ready,
    stated: Callable[[Sequence[int]], Sequence[Registration]],
    *,
    by: User | None,
    at: datetime,
) -> Entered:
    """Enter prepared rows; ``stated`` says again what some rows state.

    Raises IntegrityError, at the latest when the transaction ends, where another process has
    entered a document meanwhile: the caller then does all of it again without ``ready``.
    """
    outcomes: dict[int, int | Refused] = {}
    plain, met = _sorted_out(ready)
    new = set(plain)
    if met:
        today = clock.day_of(at)
        ledger = entered([checked(row, today) for row in stated(met)], by, at)
        made = {id(person) for person in ledger.new}
        meant = Counter(id(one) for one in ledger.outcomes)
        for place, one in zip(met, ledger.outcomes, strict=True):
            outcomes[place] = one if isinstance(one, Refused) else one.pk
            if id(one) in made and meant[id(one)] == 1:
                new.add(place)
    keys = dict(zip(plain, bulk.reserve(Person, len(plain)), strict=True))
    outcomes.update(keys)
    bulk.insert_ready(Person, ready.persons.of(plain), id=[*keys.values()])
    for model, rows, of in (
        (IdentityDocument, ready.documents, ready.document_of),
        (Phone, ready.phones, ready.phone_of),
    ):
        wanted = [n for n, place in enumerate(of) if place in keys]
        bulk.insert_ready(
            model,
            rows.of(wanted),
            person_id=[keys[of[n]] for n in wanted],
        )
    return Entered([outcomes[place] for place in range(len(ready.alone))], frozenset(new))


def _sorted_out(ready: Ready) -> tuple[list[int], list[int]]:
    """The rows that can mean nobody else, and those that may."""
    held = bulk.among(
        IdentityDocument, "number_index", [one for indexes in ready.indexes for one in indexes]
    )
    named = _named([birth for birth in ready.births if birth])
    plain: list[int] = []
    met: list[int] = []
    for place, (indexes, birth, alone) in enumerate(
        zip(ready.indexes, ready.births, ready.alone, strict=True)
    ):
        free = alone and birth not in named and not any(one in held for one in indexes)
        (plain if free else met).append(place)
    return plain, met


def _named(births: Sequence[tuple[str, str]]) -> set[tuple[str, str] | None]:
    """Those of the names with birth dates that somebody has."""
    if not births:
        return set()
    table = Person._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT p.name, p.birth_date FROM json_each(%s) w"  # noqa: S608  # our own name
                f" CROSS JOIN {table} p ON p.name = w.value ->> 0 AND p.birth_date = w.value ->> 1",
                [json.dumps(births)],
            )
        else:
            # LIMIT: each is looked up in the index, however many persons there are.
            cursor.execute(
                "SELECT p.name, p.birth_date::text"  # noqa: S608  # our own name
                " FROM unnest(%s::text[], %s::date[]) w (name, birth_date),"
                f" LATERAL (SELECT name, birth_date FROM {table} p"
                " WHERE p.name = w.name AND p.birth_date = w.birth_date LIMIT 1) p",
                [[name for name, _day in births], [day for _name, day in births]],
            )
        return {(str(name), str(day)) for name, day in cursor.fetchall()}


def _birth(row: Registration) -> tuple[str, str] | None:
    """Without both nobody is found by name, see rules.likeness."""
    if row.birth_date is None or not rules.is_stated(row.sex):
        return None
    return row.name, row.birth_date.isoformat()


def _indexes(
    model: type[IdentityDocument | Phone], stated: Sequence[Document | PhoneNumber]
) -> dict[str, str]:
    """What each number is found by."""
    numbers = [one.number for one in stated]
    return dict(zip(numbers, index_of(model, "number_index", numbers), strict=True))


def _alone(
    indexes: Sequence[tuple[str, ...]], births: Sequence[tuple[str, str] | None]
) -> list[bool]:
    told = Counter(one for row in indexes for one in row)
    born = Counter(births)
    return [
        (birth is None or born[birth] == 1) and all(told[one] == 1 for one in row)
        for row, birth in zip(indexes, births, strict=True)
    ]


def _documents(row: Registration, person: UUID) -> list[Document]:
    """A row's documents, each once; that it has none counts only where it names no other."""
    found: dict[tuple[str, str], Document] = {}
    for one in row.documents:
        if one.kind != DocumentKind.NONE:
            found.setdefault((one.kind, one.number), one)
        elif not found:
            number = IdentityDocument.temporary_number(person)
            found[one.kind, number] = Document(one.kind, number, one.issued_by)
    return [*found.values()]


def _phones(row: Registration) -> list[PhoneNumber]:
    found: dict[str, PhoneNumber] = {}
    for one in row.phones:
        found.setdefault(one.number, one)
    return [*found.values()]


def _numbers(
    model: type[IdentityDocument | Phone],
    stated: Sequence[Document | PhoneNumber],
    index: Mapping[str, str],
    beside: str,
    stamps: Mapping[str, object],
) -> Columns:
    """Documents or phones; ``beside``: what is said of each beside its kind and number."""
    ids, field = [new_public_id() for _one in stated], _sealed(model, "number")
    numbers = [one.number for one in stated]
    return bulk.ready(
        model,
        len(stated),
        {
            **stamps,
            **{name: [getattr(one, name) for one in stated] for name in ("kind", beside)},
            "public_id": ids,
            "number": field.sealed_column(ids, numbers),
            "number_index": [index[number] for number in numbers],
        },
    )


def _sealed(model: type[Person | IdentityDocument | Phone], name: str) -> SealedTextField:
    return cast(SealedTextField, model._meta.get_field(name))
