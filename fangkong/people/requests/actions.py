"""Receive what a person asks about their data; decide it; hand copies out; erase, also again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.privacy import PSEUDONYM
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.retention import actions as retention
from fangkong.core.spelling import shown

from ..models import Person
from . import erasures, queries, rules
from .models import DataRequest
from .types import Kind, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User

SHORTEST = 4


class ProofDoesNotFit(Refused):
    """What was seen does not prove that this one may ask."""

    status = 422
    field = "proof"


class AlreadyAsked(Refused):
    """The same request of the person waits already."""


class AlreadyDecided(Refused):
    """Somebody has decided meanwhile."""


class OwnRequest(Refused):
    """Whoever received a request does not decide it."""

    status = 403


class AnswerMissing(Refused):
    """A refusal, and what stays by law, needs an answer in words."""

    status = 422
    field = "answer"


class ReasonMissing(Refused):
    """What a law keeps is worked with only for a reason that can be read later."""

    status = 422
    field = "reason"


class NotCorrected(Refused):
    """A correction is granted when it was made."""

    status = 409


class NotGranted(Refused):
    """A copy is handed over only at a granted request for one."""


class NothingToLift(Refused):
    """Only an erasure that a law cut short restricts anything."""


class LiftNotAsked(Refused):
    """Nobody has asked to lift the restriction, or it was decided meanwhile."""


class Gone(Refused):
    """The person has been erased: nothing is left to ask about."""


class Joined(Refused):
    """The record was joined to another one, of which it is asked instead."""


@transaction.atomic
def receive(
    *, person: Person, kind: str, asker: str, proof: str, words: str = "", by: User, at: datetime
) -> DataRequest:
    """Note what a person asks, and how it was made sure that it is they."""
    person = Person.objects.select_for_update().get(pk=person.pk)
    if person.name.startswith(PSEUDONYM):
        raise Gone(_("The data of this person have been erased. There is nothing left to ask for."))
    _refuse_joined(person)
    if not rules.proof_fits(asker, proof):
        raise ProofDoesNotFit(
            _("This proof is not enough for who asks. See the document that fits, then go on.")
        )
    refuse_numbers(words=words)
    waiting = DataRequest.objects.filter(person=person, kind=kind, state=State.WAITING)
    if waiting.exists():
        raise AlreadyAsked(_("The same request of this person waits for a decision already."))
    request = DataRequest.objects.create(
        person=person,
        county_id=person.county_id,
        kind=Kind(kind),
        asker=asker,
        proof=proof,
        words=shown(words),
        due_on=rules.due_on(clock.day_of(at), queries.answer_days(at)),
        **stamps(by, at),
    )
    audit.record("people.requests.receive", request, by=by, at=at, detail={"kind": kind})
    return request


@transaction.atomic
def grant(*, request: DataRequest, answer: str = "", by: User, at: datetime) -> DataRequest:
    """Grant it. An erasure is done at once, as far as no law keeps the data."""
    request = _to_decide(request, by)
    refuse_numbers(answer=answer)
    state = State.GRANTED
    if request.kind == Kind.CORRECT and not queries.was_corrected(request):
        raise NotCorrected(
            _("Nothing of this person was corrected since the request. Correct it first.")
        )
    _refuse_joined(request.person)
    if request.kind == Kind.ERASE:
        found = queries.erasure(request.person, at)
        if found.kept_until is not None:
            state = State.PARTLY
            request.kept_until, request.clause = found.kept_until, found.clause_code
        _erase(request, found, by, at)
    done = _decided(request, state, answer, "people.requests.grant", by, at)
    if request.kind == Kind.ERASE:
        # Last, for no rollback takes the line back: on the disk before the erasure is committed.
        erasures.note(
            person=request.person.public_id,
            request=request.public_id,
            asker=request.asker,
            proof=request.proof,
            at=at,
            joined=queries.joined_to(request.person),
        )
    return done


@transaction.atomic
def refuse(*, request: DataRequest, answer: str, by: User, at: datetime) -> DataRequest:
    """Refuse it, with the reason that the person is told."""
    request = _to_decide(request, by)
    if len(shown(answer)) < SHORTEST:
        raise AnswerMissing(_("Write why, as the person is told it."))
    return _decided(request, State.REFUSED, answer, "people.requests.refuse", by, at)


@transaction.atomic
def withdraw(*, request: DataRequest, by: User, at: datetime) -> DataRequest:
    """The person does not ask any more."""
    request = _waiting(request)
    request.state = State.WITHDRAWN
    return _kept(request, "people.requests.withdraw", by, at)


@transaction.atomic
def hand_over(*, request: DataRequest, form: str, by: User, at: datetime) -> DataRequest:
    """Count a copy that goes to the person; ``core.dossier`` then gives what is in it.

    Whoever gives it notes the view each time, also where a command that was sent again counts none.
    """
    request = _locked(request)
    if not request.gives_copies:
        raise NotGranted(_("A copy is handed over when somebody else has granted the request."))
    request.handed_over += 1
    detail = {"form": form, "copy": request.handed_over}
    return _kept(request, "people.requests.hand_over", by, at, detail=detail)


@transaction.atomic
def ask_lift(*, request: DataRequest, reason: str, by: User, at: datetime) -> DataRequest:
    """Ask to work with a restricted person's data again, because a new duty has arisen.

    As with the erasure itself, somebody else decides (``lift``, ``keep_restricted``).
    """
    why = shown(reason)
    if len(why) < SHORTEST:
        raise ReasonMissing(_("Say which new duty makes it necessary."))
    refuse_numbers(reason=reason)
    request = _restricting(request)
    if request.lift_waits:
        raise AlreadyAsked(_("Somebody has asked for it already; it waits for a decision."))
    request.lift_reason = why
    request.lift_asked_at, request.lift_asked_by = at, by
    return _kept(request, "people.requests.ask_lift", by, at, reason=why)


@transaction.atomic
def lift(*, request: DataRequest, by: User, at: datetime) -> DataRequest:
    """Let the person's data be worked with again, as somebody else asked.

    Where another erasure of the same person restricts them too, that one is lifted by itself.
    """
    request = _asked_to_lift(request)
    if request.lift_asked_by_id == by.pk:
        raise OwnRequest(_("You asked for this yourself. Somebody else decides it."))
    request.lifted_at, request.lifted_by = at, by
    request = _kept(request, "people.requests.lift", by, at, reason=request.lift_reason)
    person = request.person
    if not queries.restricting(person).exists():
        person.restricted_at = None
        person.touch(by, at)
        person.save()
    return request


@transaction.atomic
def keep_restricted(*, request: DataRequest, by: User, at: datetime) -> DataRequest:
    """Leave the person's data as they are; also whoever asked may think better of it."""
    request = _asked_to_lift(request)
    request.lift_reason, request.lift_asked_at, request.lift_asked_by = "", None, None
    return _kept(request, "people.requests.keep_restricted", by, at)


@transaction.atomic
def erase_again(*, at: datetime) -> int:
    """After a restore: whoever was erased since the backup is erased once more.

    The request stands again as decided, so that what a law keeps can be worked with again by two.
    """
    done = 0
    for one in erasures.noted():
        if _known_as_decided(one.request):
            continue
        person = Person.objects.select_for_update().filter(public_id=one.person).first()
        apart = queries.standing_apart(person, one.joined)
        if person is None:
            if not apart:
                continue
            person = apart.pop(0)  # the kept record is younger than the backup
        found = queries.erasure(person, at)
        _decided_before(one, person, found, at)
        _empty(person, found, None, at, "erased on request before the restore")
        for other in apart:
            _empty(other, queries.erasure(other, at), None, at, "as the record it was joined to")
        detail = {"request": str(one.request), "first_at": one.at.isoformat()}
        audit.record("people.requests.erase", person, by=None, at=at, detail=detail)
        done += 1
    return done


def _known_as_decided(request: UUID) -> bool:
    """Whether the backup is younger than the decision: then it stands in it, whatever it was.

    What was entered of the person since must not go, nor who was refused after a failed grant.
    """
    decided = DataRequest.objects.filter(public_id=request).exclude(state=State.WAITING)
    return decided.exists()


def _decided_before(
    one: erasures.Erased, person: Person, found: queries.Erasure, at: datetime
) -> None:
    """The request as it was decided before the restore; by whom, its own paper tells."""
    request = DataRequest.objects.filter(public_id=one.request).first() or DataRequest(
        public_id=one.request,
        person=person,
        county_id=person.county_id,
        kind=Kind.ERASE,
        asker=one.asker,
        proof=one.proof,
        due_on=clock.day_of(one.at),
        **stamps(None, one.at),
    )
    request.state = State.GRANTED if found.kept_until is None else State.PARTLY
    request.kept_until, request.clause = found.kept_until, found.clause_code
    request.decided_at, request.decided_by = one.at, None
    request.touch(None, at)
    request.save()


def _erase(request: DataRequest, found: queries.Erasure, by: User, at: datetime) -> None:
    _empty(request.person, found, by, at, "")
    audit.record("people.requests.erase", request, by=by, at=at, detail={"rows": found.rows})


def _empty(
    person: Person, found: queries.Erasure, by: User | None, at: datetime, reason: str
) -> None:
    for model, ids, kept in found.goes:
        retention.destroy(model=model, ids=ids, by=by, at=at, reason=reason, keep=kept)
    if found.kept_until is not None:
        # What a law keeps is kept and not worked with (PIPL 47, last paragraph).
        Person.objects.filter(queries.with_joined(person)).update(restricted_at=at)
        person.restricted_at = at  # whoever decided is told so at once


def _refuse_joined(person: Person) -> None:
    """What is asked of a record that was joined to another one is asked of that one."""
    if person.merged_into_id is not None:
        raise Joined(
            _("This record was joined to another one. Open that one: its address leads there.")
        )


def _locked(request: DataRequest) -> DataRequest:
    return DataRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)


def _waiting(request: DataRequest) -> DataRequest:
    request = _locked(request)
    if request.state != State.WAITING:
        raise AlreadyDecided(_("This request has been decided already. Reload the page."))
    return request


def _restricting(request: DataRequest) -> DataRequest:
    """The request and its person, locked; NothingToLift where it restricts nothing."""
    request = _locked(request)
    request.person = Person.objects.select_for_update().get(pk=request.person_id)
    if not request.restricts:
        raise NothingToLift(_("Nothing of this person is restricted because of this request."))
    return request


def _asked_to_lift(request: DataRequest) -> DataRequest:
    request = _restricting(request)
    if not request.lift_waits:
        raise LiftNotAsked(_("Nobody asks to lift the restriction by now. Reload the page."))
    return request


def _to_decide(request: DataRequest, by: User) -> DataRequest:
    request = _waiting(request)
    if request.created_by_id == by.pk:
        raise OwnRequest(_("You received this request yourself. Somebody else decides it."))
    return request


def _decided(
    request: DataRequest, state: State, answer: str, action: str, by: User, at: datetime
) -> DataRequest:
    refuse_numbers(answer=answer)
    request.state, request.answer = state, shown(answer)
    request.decided_at, request.decided_by = at, by
    detail = {"kind": request.kind, "state": str(state)}
    return _kept(request, action, by, at, detail=detail)


def _kept(
    request: DataRequest,
    action: str,
    by: User,
    at: datetime,
    *,
    reason: str = "",
    detail: audit.Detail | None = None,
) -> DataRequest:
    """The changed request, saved and noted."""
    request.touch(by, at)
    request.save()
    audit.record(action, request, by=by, at=at, reason=reason, detail=detail)
    return request
