"""Tasks for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import Text2000
from fangkong.core.files import queries as files
from fangkong.core.files import receiving
from fangkong.core.files.api import FileOut, out
from fangkong.core.privacy import left

from . import actions, queries, rules
from .models import Task
from .types import PROOF, VIEW, WORK

router = Router(tags=["tasks"])


class TaskOut(Schema):
    """A task; ``due_state`` is ok, soon or late at the moment of asking."""

    id: UUID
    kind: str
    title: str
    note: str
    priority: int
    area: str
    role: str
    state: str
    due_at: datetime
    due_state: str
    given_at: datetime
    done_at: datetime | None
    proof: str
    escalation_level: int
    source_type: str
    source_id: UUID | None


class ProvenTaskOut(TaskOut):
    files: list[FileOut]


class ProofIn(api.Body):
    """``files`` are ids of uploads for ``tasks.proof`` (``/api/v1/core/files/tasks.proof/``)."""

    proof: Text2000
    files: list[UUID] = Field(default=[], max_length=PROOF.most)


@router.get("/", response=api.Page[TaskOut])
def index(
    request: HttpRequest,
    whose: Literal["mine", "all"] = "mine",
    state: api.Narrowed[Literal["open", "accepted", "done", "cancelled"]] = None,
) -> HttpResponse:
    """Unfinished tasks, or those of one state: one's own, or all that one may see; by due time."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    source = queries.of_user if whose == "mine" else queries.open_to
    states = [state] if state else list(rules.UNFINISHED)
    rows = source(staff.user, staff.now).filter(state__in=states)
    return api.page(request, rows, lambda task: _out(task, staff.now), order="due_at")


@router.get("/{public_id}/", response=ProvenTaskOut)
def detail(request: HttpRequest, public_id: UUID) -> ProvenTaskOut:
    """One task with the files that prove it."""
    task = _task(request, public_id)
    api.version_of(request, task)
    return _proven(task, cast(StaffRequest, request).now)


@router.post("/{public_id}/accept/", response=TaskOut)
def accept(request: HttpRequest, public_id: UUID) -> TaskOut:
    """Say that one sees to it."""
    staff = cast(StaffRequest, request)
    api.require(request, WORK)
    task = _task(request, public_id)
    accepted = api.once(request, actions.accept, task, task=task, by=staff.user, at=staff.now)
    return _out(accepted, staff.now)


@router.post("/{public_id}/finish/", response=ProvenTaskOut)
def finish(request: HttpRequest, public_id: UUID, body: ProofIn) -> ProvenTaskOut:
    """Report the task as done, with proof."""
    staff = cast(StaffRequest, request)
    api.require(request, WORK)
    task = _task(request, public_id)
    done = api.once(
        request,
        actions.finish,
        task,
        task=task,
        proof=body.proof,
        files=receiving.found(request, PROOF, body.files),
        by=staff.user,
        at=staff.now,
    )
    return _proven(done, staff.now)


def _task(request: HttpRequest, public_id: UUID) -> Task:
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    return get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)


def _proven(task: Task, at: datetime) -> ProvenTaskOut:
    kept = [out(file) for file in files.of(PROOF, task)]
    return ProvenTaskOut(**_out(task, at).model_dump(), files=kept)


def _out(task: Task, at: datetime) -> TaskOut:
    return TaskOut(
        id=task.public_id,
        kind=task.kind,
        title=task.title,
        note=task.note,
        priority=task.priority,
        area=task.area.code,
        role=task.owner_role,
        state=task.state,
        due_at=task.due_at,
        due_state=task.due_state(at),
        given_at=task.created_at,
        done_at=task.done_at,
        proof=left(task.proof),
        escalation_level=task.escalation_level,
        source_type=task.source_type,
        source_id=task.source_id,
    )
