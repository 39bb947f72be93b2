"""What the API of specimens and that of pools both take and tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import NO_NUL, Text40, Text400
from fangkong.core.refusals import WrongField

from . import queries, steps
from .types import Channel, ResultFacts, ResultOutcome

if TYPE_CHECKING:
    from fangkong.people.models import Person
    from fangkong.places.models import Facility

    from .models import Finding, Step


def code(of: str) -> Any:
    """A code from the lists of the rules in force, which ``choices`` tells."""
    told = f"One of `{of}` of `GET …/testing/choices/`."
    return Field(max_length=60, pattern=NO_NUL, description=told)


def text(limit: int, say: str = "") -> Any:
    return Field("", max_length=limit, pattern=NO_NUL, description=say)


class StepOut(Schema):
    sequence: int
    state: str
    done_at: datetime
    entered_at: datetime
    facility: UUID
    reason: str


class ResultOut(Schema):
    """A result; `ct` holds hundredths of a cycle by target. The one in front counts."""

    sequence: int
    method: str
    outcome: str
    ct: dict[str, int]
    laboratory: UUID
    tested_at: datetime
    reported_at: datetime | None
    channel: str
    sender_number: str
    reason: str


class StepIn(api.Body):
    """A step; `done_at` is the moment of the act, now without it."""

    done_at: api.Moment | None = None


class ShipIn(StepIn):
    laboratory: UUID | None = Field(None, description="Another one than the request named.")


class EndIn(StepIn):
    reason: Text400


class ResultIn(api.Body):
    method: str = code("methods")
    outcome: ResultOutcome
    ct: dict[Text40, int] = Field(
        default_factory=dict, max_length=20, description="Hundredths of a cycle by target."
    )
    tested_at: api.Moment | None = None
    sender_number: str = text(80, "The laboratory's own number of the result, known once.")


class CorrectIn(ResultIn):
    replaces: int = Field(
        ge=1, le=32767, description="The sequence of the result that is corrected."
    )
    reason: Text400


class WithdrawIn(api.Body):
    replaces: int = Field(
        ge=1, le=32767, description="The sequence of the result that is taken back: the newest."
    )
    reason: Text400


def staff_of(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def person_of(staff: StaffRequest, public_id: UUID | None) -> Person | None:
    if public_id is None:
        return None
    known = queries.persons_to_test(staff.user, staff.now)
    return get_object_or_404(known, public_id=public_id)


def laboratory_of(staff: StaffRequest, public_id: UUID) -> Facility:
    return get_object_or_404(queries.laboratories(staff.user, staff.now), public_id=public_id)


def facts_of(body: ResultIn) -> ResultFacts:
    return ResultFacts(
        method=body.method,
        outcome=body.outcome.value,
        ct=body.ct,
        tested_at=body.tested_at,
        channel=Channel.API.value,
        sender_number=body.sender_number,
    )


@contextmanager
def told_by_field(**moved: str) -> Iterator[None]:
    """What is refused, each fault with its place in the body; ``moved``: called otherwise there."""
    try:
        yield
    except steps.NotAcceptable as problem:
        problem.errors = [
            {"in": "body", "where": f"/{field}", "text": text} for field, text in problem.faults
        ]
        raise
    except WrongField as problem:
        where = f"/{moved.get(problem.field, problem.field)}"
        problem.errors = [{"in": "body", "where": where, "text": str(problem)}]
        raise


def steps_out(rows: Sequence[Step]) -> list[dict[str, Any]]:
    """The way of a tube."""
    return [
        {
            "sequence": step.sequence,
            "state": step.state,
            "done_at": step.done_at,
            "entered_at": step.entered_at,
            "facility": step.facility.public_id,
            "reason": step.reason,
        }
        for step in rows
    ]


def results_out(rows: Sequence[Finding]) -> list[dict[str, Any]]:
    """The results of a tube."""
    return [
        {
            "sequence": one.sequence,
            "method": one.method,
            "outcome": one.outcome,
            "ct": one.ct,
            "laboratory": one.laboratory.public_id,
            "tested_at": one.tested_at,
            "reported_at": one.reported_at,
            "channel": one.channel,
            "sender_number": one.sender_number,
            "reason": one.reason,
        }
        for one in rows
    ]


def utc(moment: datetime | None) -> datetime | None:
    """As the database gives it back, so that a repeat is told the same."""
    return None if moment is None else moment.astimezone(UTC)
