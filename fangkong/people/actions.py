"""Enter, complete and correct persons, and show their full data to those who give a reason.

Cleaning what was stated is in ``intake.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, messages
from fangkong.core.audit import actions as audit
from fangkong.core.audit.types import How
from fangkong.core.commands.actions import one
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown

from . import queries, ready, rules
from .arriving import Arrival, arrive, entered
from .clashes import Held, claims, clash, held
from .intake import (
    UNREADABLE,
    AnotherPerson,
    DocumentDisagrees,
    checked,
    checked_document,
    checked_phone,
)
from .models import IdentityDocument, Person, Phone
from .types import Document, PhoneKind, PhoneNumber, Registration, Revealable, Sex

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import AuditLine
    from fangkong.places.models import Area

__all__ = [
    "AnotherPerson",
    "Arrival",
    "DocumentDisagrees",
    "Held",
    "JoinedMeanwhile",
    "NotThere",
    "ReasonMissing",
    "Restricted",
    "TooManyRevealed",
    "WrongField",
    "add_document",
    "add_phone",
    "claims",
    "coming",
    "correct",
    "enter_prepared",
    "held",
    "note_revealed",
    "plain_many",
    "prepare_many",
    "register",
    "register_many",
    "remove_number",
    "reveal",
]

CHUNK = 1_000
REASON_LENGTH = range(4, 401)
REVEALS_PER_HOUR = 60
_AS_STATED = ("occupation", "workplace", "guardian_name", "ethnicity", "address_detail")
CORRECTABLE = frozenset({"name", "sex", "birth_date", "area", *_AS_STATED})


class TooManyRevealed(Refused):
    """Within an hour somebody has had the full data of as many persons as one can work with."""

    status = 429


class Restricted(Refused):
    """The data are kept because a law says so, and not worked with (PIPL 47)."""


class JoinedMeanwhile(Refused):
    """The record was joined to another one: what is to be added belongs there."""


class NotThere(Refused):
    """Somebody has removed the document or phone meanwhile."""


class ReasonMissing(WrongField):
    """Full data are shown, and numbers removed, only for a stated reason."""


@one
def register(
    *,
    name: str,
    sex: str = Sex.UNKNOWN.value,
    birth_date: date | None = None,
    age_years: int | None = None,
    age_months: int | None = None,
    age_on: date | None = None,
    occupation: str = "",
    workplace: str = "",
    guardian_name: str = "",
    ethnicity: str = "",
    area: Area | None = None,
    address_detail: str = "",
    documents: Sequence[Document] = (),
    phones: Sequence[PhoneNumber] = (),
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Person:
    """The person of these facts: one already known, with gaps filled, or a new one.

    Known by the same document, or else by name, birth date, sex and county (``rules.likeness``).
    What is known already is never changed here; see ``correct``. WrongField where a value cannot be
    right, AnotherPerson where a document belongs to somebody of another name.
    """
    stated = Registration(
        name=name,
        sex=sex,
        birth_date=birth_date,
        age_years=age_years,
        age_months=age_months,
        age_on=age_on,
        occupation=occupation,
        workplace=workplace,
        guardian_name=guardian_name,
        ethnicity=ethnicity,
        area=area,
        address_detail=address_detail,
        documents=tuple(documents),
        phones=tuple(phones),
        synthetic=synthetic,
    )
    arrival = coming(stated, by=by, at=at)
    person = arrival.settle(messages.send(*arrival.statements))
    audit.record_at_end(*arrival.lines)
    return person


def coming(stated: Registration, *, by: User | None, at: datetime) -> Arrival:
    """``register`` in two halves, for an action that has more to say in the same message.

    The caller sends ``statements``, gives the answers to ``settle`` and records ``lines``; all of
    it in the transaction of this call.
    """
    return arrive(checked(stated, clock.day_of(at)), by, at)


@transaction.atomic
def register_many(
    *, rows: Sequence[Registration], by: User | None, at: datetime
) -> list[Person | Refused]:
    """``register`` for a long list: per row, in order, the person or why the row was refused.

    A refused row does not stop the others. Rows of one list that mean the same person give the
    same person. Writes no audit line: the caller records the whole list as one, with its number of
    rows.
    """
    outcomes: list[Person | Refused] = []
    for start in range(0, len(rows), CHUNK):
        outcomes += _entered_or_refused(rows[start : start + CHUNK], by, at)
    return outcomes


def _entered_or_refused(
    rows: Sequence[Registration], by: User | None, at: datetime
) -> list[Person | Refused]:
    plain = plain_many(rows=rows, at=at)
    good = [row for row in plain if not isinstance(row, Refused)]
    found = iter(entered(good, by, at).outcomes)
    return [row if isinstance(row, Refused) else next(found) for row in plain]


def plain_many(*, rows: Sequence[Registration], at: datetime) -> list[Registration | Refused]:
    """Each row in plain form, or why it is refused whoever it means. Asks no database."""
    today = clock.day_of(at)
    outcomes: list[Registration | Refused] = []
    for row in rows:
        try:
            outcomes.append(checked(row, today))
        except Refused as problem:
            outcomes.append(problem)
    return outcomes


def prepare_many(*, rows: Sequence[Registration], by_id: int | None, at: datetime) -> ready.Ready:
    """Rows in plain form, ready for ``enter_prepared``. Asks no database."""
    return ready.prepare(rows, by_id, at)


@transaction.atomic(savepoint=False)
def enter_prepared(
    *,
    prepared: ready.Ready,
    stated: Callable[[Sequence[int]], Sequence[Registration]],
    by: User | None,
    at: datetime,
) -> ready.Entered:
    """``register_many`` for rows that were prepared; ``stated`` says again what some of them state.

    Raises IntegrityError where another process has entered one of the documents meanwhile, now or
    when the transaction ends: roll back, and use ``register_many``.
    """
    return ready.enter(prepared, stated, by=by, at=at)


@transaction.atomic
def correct(
    *, person: Person, changes: Mapping[str, object], by: User | None, at: datetime
) -> Person:
    """Set fields of ``CORRECTABLE`` to other values, after the same checks as at registration.

    DocumentDisagrees where sex or birth date would contradict the citizen's number. Nothing is
    written where nothing differs.
    """
    if unknown := sorted(set(changes) - CORRECTABLE):
        raise WrongField(_("These fields cannot be corrected: %s.") % ", ".join(unknown))
    person = _to_change(person)
    wanted = {field: changes.get(field, getattr(person, field)) for field in CORRECTABLE}
    documents = tuple(
        Document(document.kind, document.full_number) for document in person.documents.all()
    )
    stated = checked(
        Registration(documents=documents, **wanted),  # type: ignore[arg-type]  # checked() does
        clock.day_of(at),
        held=(person.name, person.guardian_name),
    )
    new = {field: getattr(stated, field) for field in changes}
    changed = audit.changes(person, new)
    if not changed:
        return person
    _set(person, {field: new[field] for field in changed})
    person.touch(by, at)
    person.save()
    audit.record("people.correct", person, by=by, at=at, detail={"changes": changed})
    return person


def _to_change(person: Person) -> Person:
    """The person, locked; Restricted where nothing may be added to what a law keeps, and
    JoinedMeanwhile where the record has become another one's.
    """
    person = Person.objects.select_for_update().get(pk=person.pk)
    if person.merged_into_id:
        raise JoinedMeanwhile(
            _("This record was joined to another one. Open that one, and enter it there.")
        )
    if person.restricted_at:
        raise Restricted(
            _(
                "This person asked to be erased: nothing is added or changed any more. If a new"
                " duty needs it, the restriction is lifted at the person's request first."
            )
        )
    return person


def _set(person: Person, new: Mapping[str, object]) -> None:
    for field, value in new.items():
        if field == "name":
            person.rename(str(value))
        elif field == "area":
            person.move_to(value)  # type: ignore[arg-type]  # an Area or None, by checked()
        else:
            setattr(person, field, value)


@transaction.atomic
def add_document(
    *, person: Person, kind: str, number: str, issued_by: str = "", by: User | None, at: datetime
) -> IdentityDocument:
    """Add a document, or give back the same one where it is known.

    AnotherPerson where it belongs to somebody else, DocumentDisagrees where a citizen's number
    contradicts the person's sex or birth date.
    """
    document = checked_document(Document(kind, number, issued_by), clock.day_of(at))
    person = _to_change(person)
    for known in IdentityDocument.with_numbers([document.number]).select_related("person"):
        if known.kind == document.kind:
            if known.person_id != person.pk:
                raise clash(known.person, by, at)
            return known
    held = [Document(d.kind, d.full_number) for d in person.documents.all()]
    stated = Registration(
        name=person.name,
        sex=person.sex,
        birth_date=person.birth_date,
        documents=(*held, document),
    )
    full = checked(stated, clock.day_of(at), held=(person.name,))
    added = IdentityDocument.new(person, document, by, at)
    added.save()
    _set(person, {"sex": full.sex, "birth_date": full.birth_date})
    person.touch(by, at)
    person.save()
    audit.record("people.add_document", person, by=by, at=at, detail={"kind": kind})
    return added


@transaction.atomic
def add_phone(
    *,
    person: Person,
    number: str,
    kind: str = PhoneKind.OWN.value,
    note: str = "",
    by: User | None,
    at: datetime,
) -> Phone:
    """Add a phone, or give back the same one where it is known."""
    phone = checked_phone(PhoneNumber(number, kind, note))
    person = _to_change(person)
    known = person.phones.filter(pk__in=Phone.with_number(phone.number)).first()
    if known is not None:
        return known
    added = Phone.new(person, phone, by, at)
    added.save()
    audit.record("people.add_phone", person, by=by, at=at, detail={"kind": kind})
    return added


@transaction.atomic
def remove_number(
    *, person: Person, number: UUID, reason: str, by: User | None, at: datetime
) -> Person:
    """Take a document or phone that is not this person's from the record; it is destroyed.

    ``number``: the public id of the one or the other. What was told by it, such as sex and birth
    date, stays and is corrected apart. The trail keeps the kind and the reason, never the number.
    """
    why = _reason(reason, _("Say in 4 to 400 characters why this is not the person's."))
    person = _to_change(person)
    found = queries.number_of(person, number)
    if found is None:
        raise NotThere(_("Somebody has removed this number already. Nothing was changed."))
    found.delete()
    person.touch(by, at)
    person.save()
    verb = "remove_document" if isinstance(found, IdentityDocument) else "remove_phone"
    detail = {"kind": found.kind}
    audit.record(f"people.{verb}", person, by=by, at=at, reason=why, detail=detail)
    return person


def _reason(text: str, ask: str | Promise) -> str:
    """A reason as the trail keeps it."""
    why = shown(text)
    if len(why) not in REASON_LENGTH:
        raise ReasonMissing(ask, "reason")
    if not rules.is_plain_text(why):
        raise ReasonMissing(UNREADABLE, "reason")
    if rules.looks_personal(why):
        raise ReasonMissing(
            _("Leave identity and phone numbers out of the reason: it stays in the audit trail."),
            "reason",
        )
    return why


@transaction.atomic
def reveal(
    *, person: Person, reason: str, fields: Sequence[str], by: User, at: datetime
) -> AuditLine:
    """Note who sees which full values and why; ``queries.in_full`` then gives the values.

    They are not the result themselves: results are kept with the command that asked for them, and
    nobody's full data may lie there. ReasonMissing for a reason under four characters; fields are
    those of ``Revealable``. TooManyRevealed beyond ``REVEALS_PER_HOUR`` persons.
    """
    if not fields or not set(fields) <= set(Revealable.values):
        raise WrongField(_("Choose which data you need."), "fields")
    why = note_revealed(person=person, reason=reason, place="people.reveal", by=by, at=at)
    detail = {"fields": sorted(set(fields))}
    return audit.record("people.reveal", person, by=by, at=at, reason=why, detail=detail)


@transaction.atomic
def note_revealed(*, person: Person, reason: str, place: str, by: User, at: datetime) -> str:
    """Note that somebody is shown full data of a person at ``place``; gives the reason as kept.

    For what other rooms hold of a person: they record their own line beside it. Refuses as
    ``reveal`` does; all full data of a person, wherever shown, count as one within the hour.
    """
    why = _reason(reason, _("Say in 4 to 400 characters why you need the full data."))
    if person.restricted_at:
        raise Restricted(
            _(
                "This person asked to be erased; what a law still keeps is not shown any more. If"
                " a new duty needs it, the restriction is lifted at the person's request first."
            )
        )
    get_user_model().objects.select_for_update().get(pk=by.pk)  # two windows at the same moment
    others = queries.revealed_within_the_hour(by, at, but=person)
    if len(others) >= REVEALS_PER_HOUR:
        one_less = others[len(others) - REVEALS_PER_HOUR] + queries.HOUR
        raise TooManyRevealed(
            _(
                "Within an hour you have had the full data of %d other persons shown, which is as"
                " many as one may. Wait a while; who needs more asks for a list as a file."
            )
            % REVEALS_PER_HOUR,
            wait=one_less - at,
        )
    audit.seen(person, by=by, at=at, how=How.REVEALED, place=place, reason=why)
    return why
