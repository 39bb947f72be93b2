"""Signals and runs for machines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.privacy import left
from fangkong.places import queries as places

from . import actions, queries, rules
from .models import DetectionRun, Signal
from .types import ANSWER, RUN, VIEW, Outcome, Trigger

router = Router(tags=["surveillance: warning"])


class SignalOut(Schema):
    """A signal. ``observed`` counts the 7 days to ``day``; a folded one is beyond the budget."""

    id: UUID
    county: str
    condition: str
    condition_name: str
    reason: str
    day: date
    observed: int
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None
    rank: float
    methods: list[str]
    single_case: bool
    folded: bool
    state: str
    raised_at: datetime
    listed_at: datetime | None
    due_at: datetime | None
    verifying_at: datetime | None
    answered_at: datetime | None
    late: bool
    outcome: str
    note: str


class AlarmOut(Schema):
    """What one method said of one day."""

    day: date
    method: str
    observed: float
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None


class SignalDetailOut(SignalOut):
    alarms: list[AlarmOut]


class AnswerIn(api.Body):
    outcome: Outcome
    note: str = Field(max_length=2000, pattern=r"^[^\x00]*$")


class RunOut(Schema):
    """A run; ``signal_count`` counts the new signals of the caller's own counties."""

    id: UUID
    day: date
    trigger: str
    state: str
    pack: str
    series_count: int
    signal_count: int
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RunIn(api.Body):
    day: date


@router.get("/signals/", response=api.Page[SignalOut])
def signals(
    request: HttpRequest, state: Literal["open", "answered", "any"] = "open", county: str = ""
) -> HttpResponse:
    """Signals of the caller's counties, the most unusual first."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.open_to(staff.user, staff.now)
    if state != "any":
        rows = rows.filter(state__in=rules.OPEN if state == "open" else ["answered"])
    if county:
        api.among("county", county, places.county_codes())
        rows = rows.filter(area__code=county)
    return api.page(request, rows, _out, order="-rank")


@router.get("/signals/{public_id}/", response=SignalDetailOut)
def signal(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One signal with the alarms of each method."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    found = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    alarms = [AlarmOut.from_orm(alarm) for alarm in found.alarms.order_by("day", "method")]
    return {**_out(found).model_dump(), "alarms": alarms}


@router.post("/signals/{public_id}/verify/", response=SignalOut)
def verify(request: HttpRequest, public_id: UUID) -> SignalOut:
    """Begin the verification."""
    staff = cast(StaffRequest, request)
    found = _to_answer(request, public_id)
    return _out(api.once(request, actions.verify, found, signal=found, by=staff.user, at=staff.now))


@router.post("/signals/{public_id}/answer/", response=SignalOut)
def answer(request: HttpRequest, public_id: UUID, body: AnswerIn) -> SignalOut:
    """Answer the signal."""
    staff = cast(StaffRequest, request)
    found = _to_answer(request, public_id)
    answered = api.once(
        request,
        actions.answer,
        found,
        signal=found,
        outcome=body.outcome.value,
        note=body.note,
        by=staff.user,
        at=staff.now,
    )
    return _out(answered)


@router.get("/runs/", response=api.Page[RunOut])
def runs(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.runs_open_to(staff.user, staff.now)
    return api.page(request, rows, _run_out, order="-created_at")


@router.post("/runs/", response=RunOut)
def new_run(request: HttpRequest, body: RunIn) -> RunOut:
    """Ask for a run over a day; one that waits already is answered instead."""
    api.require(request, RUN)
    staff = cast(StaffRequest, request)
    run = api.once(
        request,
        actions.request_run,
        day=body.day,
        trigger=Trigger.ON_DEMAND.value,
        by=staff.user,
        at=staff.now,
    )
    found = get_object_or_404(queries.runs_open_to(staff.user, staff.now), pk=run.pk)
    return _run_out(found)


def _to_answer(request: HttpRequest, public_id: UUID) -> Signal:
    api.require(request, ANSWER)
    staff = cast(StaffRequest, request)
    return get_object_or_404(queries.open_to_answer(staff.user, staff.now), public_id=public_id)


def _out(signal: Signal) -> SignalOut:
    return SignalOut(
        id=signal.public_id,
        county=signal.area.code,
        condition=signal.condition,
        condition_name=signal.condition_name,
        reason=signal.reason,
        day=signal.day,
        observed=signal.observed,
        expected=signal.expected,
        threshold=signal.threshold,
        score=signal.score,
        p=signal.p,
        rank=signal.rank,
        methods=signal.methods,
        single_case=signal.single_case,
        folded=signal.folded,
        state=signal.state,
        raised_at=signal.created_at,
        listed_at=signal.listed_at,
        due_at=signal.due_at,
        verifying_at=signal.verifying_at,
        answered_at=signal.answered_at,
        late=signal.late,
        outcome=signal.outcome,
        note=left(signal.note),
    )


def _run_out(run: DetectionRun) -> RunOut:
    return RunOut(
        id=run.public_id,
        day=run.day,
        trigger=run.trigger,
        state=run.stage.value,
        pack=run.pack,
        series_count=run.series_count,
        signal_count=getattr(run, "raised", 0),
        asked_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
