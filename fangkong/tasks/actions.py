"""Give, accept, finish, cancel and redirect tasks; late ones climb."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.accounts import queries as accounts
from fangkong.core.audit import actions as audit
from fangkong.core.files import actions as stored
from fangkong.core.free_text import refuse_numbers
from fangkong.core.notices import actions as notices
from fangkong.core.notices import types as notices_types
from fangkong.core.record import Record, stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.core.webhooks import actions as webhooks

from . import queries, rules, types
from .models import Task
from .types import TASK_ASSIGNED

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.files.models import StoredFile
    from fangkong.places.models import Area, Facility

log = logging.getLogger(__name__)
LONGEST = timedelta(days=366)


class UnknownKind(Refused):
    """No room has declared this kind of task."""

    status = 422


class DueInThePast(Refused):
    """A new task cannot be due before it is given."""

    status = 422


class DueTooLate(Refused):
    """A task due in years is no task; mostly a digit of the year is wrong."""

    status = 422


class NotWithin(Refused):
    """The giver's own area does not hold the owner's."""

    status = 403


class NotTheOwner(Refused):
    """Only the office that owns the task finishes it."""

    status = 403


class Closed(Refused):
    """The task is done or cancelled already."""


class AlreadyAccepted(Refused):
    """Somebody else of the office works on it."""


class TextMissing(Refused):
    """A task without words asks for nothing."""

    status = 422


class ProofMissing(Refused):
    """A task is finished with words that say what was done."""

    status = 422


class ReasonMissing(Refused):
    """Who takes a task away says why."""

    status = 422


@transaction.atomic
def assign(
    *,
    kind: str,
    params: types.Params,
    area: Area,
    role: str,
    due_at: datetime,
    by: User | None,
    at: datetime,
    priority: int = Task.Priority.NORMAL,
    note: str = "",
    facility: Facility | None = None,
    source: Record | None = None,
) -> Task:
    """Give a task to an office: a role in an area, or at a facility of it.

    ``by`` None is the system itself. ``source`` is the record that the task serves. Rooms above
    have decided that ``by`` may ask for it; a person who gives one by hand uses ``give``.
    """
    if not types.known(kind):
        raise UnknownKind(_("No such kind of task."))
    _check_due(due_at, at)
    refuse_numbers(note=note)
    task = Task(
        **stamps(by, at),
        kind=kind,
        params=_plain(params),
        note=shown(note),
        priority=priority,
        area=area,
        county_id=area.county_id,
        facility=facility,
        owner_role=role,
        due_at=due_at,
        source_type="" if source is None else source._meta.label_lower,
        source_id=None if source is None else source.public_id,
    )
    task.escalates_at = _next_climb(task)
    task.save(force_insert=True)
    audit.record(
        "tasks.assign",
        task,
        by=by,
        at=at,
        detail={"kind": kind, "area": area.code, "role": role, "due_at": due_at.isoformat()},
    )
    webhooks.announce(TASK_ASSIGNED, task, at=at)
    _tell_office(task, types.ASSIGNED, by, at)
    return task


@transaction.atomic
def give(
    *,
    text: str,
    area: Area,
    role: str,
    due_at: datetime,
    by: User,
    at: datetime,
    priority: int = Task.Priority.NORMAL,
    note: str = "",
) -> Task:
    """Give a task in own words, to an office within the giver's area."""
    if not by.scope(types.ASSIGN, at).holds(county_id=area.county_id, area_id=area.pk):
        raise NotWithin(_("You may give tasks only within your own area. Choose another area."))
    said = shown(text)
    if not said:
        raise TextMissing(_("Write what is to be done."))
    refuse_numbers(text=text)
    return assign(
        kind=types.MANUAL.code,
        params={"text": said},
        area=area,
        role=role,
        due_at=due_at,
        priority=priority,
        note=note,
        by=by,
        at=at,
    )


@transaction.atomic
def accept(*, task: Task, by: User, at: datetime) -> Task:
    """Say that one sees to it. The office keeps the task; colleagues see who works on it."""
    task = _locked(task, "accepted")
    _refuse_others(task, by, at)
    task.state = Task.State.ACCEPTED
    task.owner = by
    _save(task, by, at, "state", "owner")
    audit.record("tasks.accept", task, by=by, at=at)
    return task


@transaction.atomic
def accept_for(*, source: Record, kind: str, by: User, at: datetime) -> list[Task]:
    """Accept the open tasks of a kind that serve a record, as far as ``by`` owns them."""
    waiting = queries.for_source(source).filter(kind=kind, state=Task.State.OPEN)
    owned = [task for task in waiting if queries.owns(by, task, at)]
    return [accept(task=task, by=by, at=at) for task in owned]


@transaction.atomic
def finish(
    *, task: Task, proof: str, by: User, at: datetime, files: Sequence[StoredFile] = ()
) -> Task:
    """Report a task as done, with words and files that prove it. Only its owner may."""
    task = _locked(task, "done")
    _refuse_others(task, by, at)
    stored.attach(files=files, use=types.PROOF, to=task, by=by, at=at)
    return _finish(task, proof, by, at)


@transaction.atomic
def finish_for(
    *, source: Record, kind: str, proof: str, by: User | None, at: datetime
) -> list[Task]:
    """Finish the tasks of a kind that serve a record, because the record itself is settled.

    For rooms above, whose own action has decided that ``by`` may settle it.
    """
    waiting = queries.for_source(source).filter(kind=kind, state__in=rules.UNFINISHED)
    return [_finish(task, proof, by, at) for task in waiting.select_for_update(of=("self",))]


@transaction.atomic
def cancel_for(
    *, source: Record, kind: str, reason: str, by: User | None, at: datetime
) -> list[Task]:
    """Take back the tasks of a kind that serve a record, because it no longer needs them."""
    waiting = queries.for_source(source).filter(kind=kind, state__in=rules.UNFINISHED)
    return [_cancel(task, reason, by, at) for task in waiting.select_for_update(of=("self",))]


@transaction.atomic
def cancel(*, task: Task, reason: str, by: User, at: datetime) -> Task:
    """Take a task back: the headquarters may, and who gave it by hand."""
    task = _locked(task, "cancelled")
    _refuse_redirect(task, by, at)
    return _cancel(task, reason, by, at)


@transaction.atomic
def reassign(
    *,
    task: Task,
    area: Area,
    role: str,
    reason: str,
    by: User,
    at: datetime,
    due_at: datetime | None = None,
) -> Task:
    """Give an unfinished task to another office; its clock goes on unless a new end is set."""
    task = _locked(task, "cancelled")  # whatever can still be cancelled can be given away
    _refuse_redirect(task, by, at)
    why = shown(reason)[:400]
    if not why:
        raise ReasonMissing(_("Say why the task goes to another office."))
    if due_at is not None:
        _check_due(due_at, at)
    before = {"area": task.area.code, "role": task.owner_role}
    task.area, task.county_id, task.facility = area, area.county_id, None
    task.owner_role, task.owner, task.state = role, None, Task.State.OPEN
    task.due_at = due_at or task.due_at
    if due_at is not None:
        task.escalation_level, task.escalated_at, task.escalated_to = 0, None, None
    task.escalates_at = _next_climb(task)
    task.touch(by, at)
    task.save()
    audit.record(
        "tasks.reassign",
        task,
        by=by,
        at=at,
        reason=why,
        detail={"from": before, "to": {"area": area.code, "role": role}},
    )
    _tell_office(task, types.ASSIGNED, by, at)
    return task


def escalate_overdue(at: datetime, by: User | None = None) -> types.Escalation:
    """Let every overdue task climb one step, each in its own transaction.

    One that fails is logged and counted, and the others go on.
    """
    climbed = failed = 0
    for pk in queries.climbing(at).values_list("pk", flat=True):
        try:
            climbed += _climb(pk, by, at)
        except Exception:  # one bad task must not keep the others from climbing
            log.exception("escalation failed", extra={"task": pk})
            failed += 1
    return types.Escalation(climbed, failed)


@transaction.atomic
def _climb(pk: int, by: User | None, at: datetime) -> bool:
    """One step up, if it is still due when the row is locked."""
    task = Task.objects.select_for_update().filter(pk=pk).first()
    if task is None or not task.unfinished or task.escalates_at is None or task.escalates_at > at:
        return False
    rungs = _ladder(task)
    if task.escalation_level >= len(rungs):  # the area tree has changed meanwhile
        task.escalates_at = None
        task.save(update_fields=["escalates_at"])
        return False
    target = rungs[task.escalation_level]
    task.escalation_level += 1
    task.escalated_at, task.escalated_to = at, target
    task.escalates_at = _next_climb(task)
    _save(task, by, at, "escalation_level", "escalated_at", "escalated_to", "escalates_at")
    detail = {"level": task.escalation_level, "to": target.code}
    audit.record("tasks.escalate", task, by=by, at=at, detail=detail)
    _tell_office(task, types.LATE, by, at)
    above = accounts.holding(Role.HEADQUARTERS, at, area=target)
    notices.notify(users=above, kind=types.CLIMBED, subject=task, at=at)
    return True


def _tell_office(task: Task, kind: notices_types.Kind, by: User | None, at: datetime) -> None:
    """Tell whoever holds the office; whoever gave the task knows it."""
    office = accounts.holding(task.owner_role, at, area=task.area, facility=task.facility)
    readers = [user for user in office if by is None or user.pk != by.pk]
    urgent = task.priority == Task.Priority.URGENT
    notices.notify(users=readers, kind=kind, subject=task, at=at, urgent=urgent)


def _check_due(due_at: datetime, at: datetime) -> None:
    if due_at <= at:
        raise DueInThePast(_("The task must be due later than now. Choose another time."))
    if due_at - at > LONGEST:
        raise DueTooLate(_("The task must be due within a year. Check the date."))


def _finish(task: Task, proof: str, by: User | None, at: datetime) -> Task:
    proof = shown(proof)
    if not rules.is_proof(proof):
        raise ProofMissing(_("Say in a few words what was done and what shows it."))
    refuse_numbers(proof=proof)
    task.state = Task.State.DONE
    task.proof, task.done_at, task.done_by, task.escalates_at = proof, at, by, None
    task.owner = task.owner or by
    _save(task, by, at, "state", "proof", "done_at", "done_by", "escalates_at", "owner")
    late = rules.due_state(task.created_at, task.due_at, at, at) == "late"
    audit.record("tasks.finish", task, by=by, at=at, detail={"late": late})
    return task


def _cancel(task: Task, reason: str, by: User | None, at: datetime) -> Task:
    why = shown(reason)[:400]
    if not why:
        raise ReasonMissing(_("Say why the task is no longer needed."))
    refuse_numbers(reason=reason)
    task.state = Task.State.CANCELLED
    task.cancel_reason, task.escalates_at = why, None
    _save(task, by, at, "state", "cancel_reason", "escalates_at")
    audit.record("tasks.cancel", task, by=by, at=at)
    return task


def _locked(task: Task, after: str) -> Task:
    task = Task.objects.select_for_update().get(pk=task.pk)
    if rules.may_follow(task.state, after):
        return task
    if task.state == Task.State.ACCEPTED:
        raise AlreadyAccepted(_("A colleague already works on this task."))
    raise Closed(_("This task is already closed. Nothing was changed."))


def _refuse_others(task: Task, by: User, at: datetime) -> None:
    if not queries.owns(by, task, at):
        raise NotTheOwner(_("Only the office that owns the task may do this."))


def _refuse_redirect(task: Task, by: User, at: datetime) -> None:
    if not queries.may_redirect(by, task, at):
        raise NotTheOwner(_("Only the headquarters, or who gave the task, may take it back."))


def _save(task: Task, by: User | None, at: datetime, *fields: str) -> None:
    task.touch(by, at)
    task.save(update_fields=[*fields, "changed_by", "changed_at"])


def _ladder(task: Task) -> list[Area]:
    """The areas above the owner's, up to the home area."""
    chain: list[Area] = []
    area: Area | None = task.area
    while area is not None:
        chain.append(area)
        area = area.parent
    home = next((area for area in chain if area.code == settings.FANGKONG_AREA), None)
    return [] if home is None else rules.ladder(chain, home)


def _next_climb(task: Task) -> datetime | None:
    steps = len(_ladder(task))
    return rules.next_climb(steps, task.escalation_level, task.due_at, task.escalated_at)


def _plain(params: types.Params) -> dict[str, object]:
    """Params as JSON data."""
    return {
        name: dict(value) if isinstance(value, Mapping) else value for name, value in params.items()
    }
