"""One person on the way into the register, so that what follows can go in the same message.

Most who are reported are new: one question finds that nobody is meant, and one statement enters the
person with document and phone. Everybody else goes the way of a list (``ledger.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, transaction

from fangkong.core import messages
from fangkong.core.audit import actions as audit
from fangkong.core.messages import Row, Statement
from fangkong.core.refusals import Refused

from .ledger import Ledger
from .models import IdentityDocument, Person, Phone
from .types import Registration

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import AuditLine


_STAMPS = ("created_at", "created_by_id", "changed_at", "changed_by_id")


@dataclass
class Arrival:
    """Who a registration means. ``statements`` (one or none) enter the person; then ``settle``.

    ``person`` has no key before that where the person is new.
    """

    stated: Registration
    by: User | None
    at: datetime
    person: Person
    statements: list[Statement] = field(default_factory=list)
    new_person: bool = False  # nobody known before was meant
    lines: list[AuditLine] = field(default_factory=list)  # for the caller to record

    @property
    def new(self) -> bool:
        """Whether the person is still to be entered."""
        return bool(self.statements)

    def settle(self, rows: Sequence[Sequence[Row]]) -> Person:
        """The person, given what ``statements`` answered."""
        if self.statements:
            if rows[0]:
                (self.person.pk,) = rows[0][0]
                self.person._state.adding, self.person._state.db = False, connection.alias
                self.lines = [_line("people.register", self)]
            else:  # another process has entered the document since it was asked for
                other = slowly(self.stated, self.by, self.at)
                self.person, self.lines = other.person, other.lines
                self.new_person = other.new_person
            self.statements = []
        return self.person


def arrive(stated: Registration, by: User | None, at: datetime) -> Arrival:
    """Find out whom a registration (in plain form) means; refusals as in ``actions.register``."""
    ledger = Ledger.open([stated]).place([stated], by, at)
    (outcome,) = ledger.outcomes
    if isinstance(outcome, Refused):
        raise outcome
    arrival = Arrival(stated, by, at, outcome)
    if not connection.features.has_select_for_update:  # SQLite has one writer at a time
        return _noted(arrival, ledger.save())
    if outcome in ledger.new and len(ledger.documents) < 2:
        arrival.statements = [_family(outcome, ledger.documents, ledger.phones)]
        arrival.new_person = True
    elif outcome in ledger.new or ledger.filled:
        return slowly(stated, by, at)
    return arrival


def slowly(stated: Registration, by: User | None, at: datetime) -> Arrival:
    """Entered at once; twice tried, for another process may enter the same document first."""
    ledger = entered([stated], by, at)
    (outcome,) = ledger.outcomes
    if isinstance(outcome, Refused):
        raise outcome
    return _noted(Arrival(stated, by, at, outcome), ledger)


def _noted(arrival: Arrival, ledger: Ledger) -> Arrival:
    """With what is to be told of a person who has been saved."""
    if arrival.person in ledger.new:
        arrival.lines, arrival.new_person = [_line("people.register", arrival)], True
    elif filled := ledger.filled.get(arrival.person.pk):
        arrival.lines = [_line("people.complete", arrival, fields=sorted(filled))]
    return arrival


def entered(rows: Sequence[Registration], by: User | None, at: datetime) -> Ledger:
    """The rows entered; twice tried, for another process may enter the same document first."""
    if not connection.features.has_select_for_update:  # SQLite has one writer at a time
        return Ledger.open(rows).enter(rows, by, at)
    try:
        with transaction.atomic():
            return Ledger.open(rows).enter(rows, by, at)
    except IntegrityError:
        with transaction.atomic():
            return Ledger.open(rows).enter(rows, by, at)


def _line(action: str, arrival: Arrival, **detail: object) -> AuditLine:
    return audit.new_line(
        action, arrival.person, by=arrival.by, at=arrival.at, detail=detail or None
    )


def _family(
    person: Person, documents: Sequence[IdentityDocument], phones: Sequence[Phone]
) -> Statement:
    """A new person with a document and phones, in one statement that gives the key.

    The document goes first: where it is somebody's by now, nothing at all is entered and no key
    given. Its key to the person is checked at the end of the transaction.

    Who enters it and when is said once: the driver keeps how it took a text apart up to 50 values.
    """
    parts: list[tuple[str, Statement]] = []
    if documents:
        table = Person._meta.db_table
        key = f"(SELECT nextval(pg_get_serial_sequence('{table}', 'id')) AS id) k"
        document = messages.insert(documents[0], key, person_id="k.id")
        taken = f"{document.sql} ON CONFLICT DO NOTHING RETURNING person_id, {', '.join(_STAMPS)}"
        parts.append(("taken", Statement(taken, document.values)))
        entry = messages.insert(person, "taken", id="taken.person_id", **_stamped("taken"))
    else:
        entry = messages.insert(person)
    made = f"{entry.sql} RETURNING id, {', '.join(_STAMPS)}"
    parts.append(("person", Statement(made, entry.values)))
    own = _stamped("person")
    parts += [
        (f"phone_{place}", messages.insert(phone, "person", person_id="person.id", **own))
        for place, phone in enumerate(phones)
    ]
    return messages.together(parts, "SELECT id FROM person", "person")


def _stamped(alias: str) -> dict[str, str]:
    """The stamps of a row, taken from one made in the same statement."""
    return {name: f"{alias}.{name}" for name in _STAMPS}
