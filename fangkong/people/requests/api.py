"""Requests of persons for machines, such as a counter of the county's citizen service."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.api import Page
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.bodies import NO_NUL, Text400
from fangkong.core.dossier import queries as dossier
from fangkong.core.permissions import Permission

from .. import queries as people
from . import actions, queries
from .models import DataRequest
from .types import DECIDE, RECEIVE

router = Router(tags=["people"])


class RequestOut(Schema):
    """A request; the person stands by id.

    ``restricts``: what a law keeps of the person is not worked with because of it. Then follow why
    and when somebody asked to end that, and when another one did. ``person_restricted``: whether
    any erasure of the person restricts, this one or another.
    """

    id: UUID
    person: UUID
    kind: str
    asker: str
    state: str
    received_at: datetime
    due_on: date
    answer: str
    kept_until: date | None
    copies: int
    restricts: bool
    person_restricted: bool
    lift_reason: str
    lift_asked_at: datetime | None
    lifted_at: datetime | None


class RequestIn(api.Body):
    person: UUID
    kind: Literal["copy", "correct", "erase"]
    asker: Literal["self", "guardian", "agent", "relative"]
    proof: Literal["card", "authority", "kinship"]
    words: Text400 = ""


class DecisionIn(api.Body):
    grant: bool
    answer: Text400 = ""


class AskLiftIn(api.Body):
    reason: str = Field(min_length=4, max_length=400, pattern=NO_NUL)


class LiftIn(api.Body):
    """True lifts the restriction, False leaves it, which also takes back what one asked oneself."""

    lift: bool


class CopyOut(Schema):
    """All that is held of a person: values by table, who saw them, what was done."""

    as_of: datetime
    held: dict[str, list[dict[str, str]]]
    seen: list[dict[str, str]]
    done: list[dict[str, str]]
    files: list[str]


@router.get("/", response=Page[RequestOut])
@decorate_view(never_cache)
def index(request: HttpRequest) -> HttpResponse:
    """The requests received in the caller's counties, newest first."""
    staff = _staff(request, RECEIVE)
    return api.page(request, queries.open_to(staff.user, staff.now), _shown, order="-created_at")


@router.post("/", response={201: RequestOut})
@decorate_view(never_cache)
def receive(request: HttpRequest, stated: RequestIn) -> tuple[int, RequestOut]:
    """Receive a request of a person."""
    staff = _staff(request, RECEIVE)
    rows = people.one_open_to(staff.user, staff.now, RECEIVE)
    person = get_object_or_404(rows, public_id=stated.person)
    said = stated.model_dump(exclude={"person"})
    asked = api.once(request, actions.receive, person=person, by=staff.user, at=staff.now, **said)
    return 201, _shown(asked)


@router.get("/{uuid:public_id}/", response=RequestOut)
@decorate_view(never_cache)
def detail(request: HttpRequest, public_id: UUID) -> RequestOut:
    """One request."""
    staff = _staff(request, RECEIVE)
    asked = _asked(staff, public_id, RECEIVE)
    api.version_of(request, asked)
    return _shown(asked)


@router.post("/{uuid:public_id}/decide/", response=RequestOut)
@decorate_view(never_cache)
def decide(request: HttpRequest, public_id: UUID, decision: DecisionIn) -> RequestOut:
    """Grant or refuse it; whoever received it does not."""
    staff = _staff(request, DECIDE)
    asked = _asked(staff, public_id, DECIDE)
    action = actions.grant if decision.grant else actions.refuse
    done = api.once(
        request,
        action,
        asked,
        request=asked,
        answer=decision.answer,
        by=staff.user,
        at=staff.now,
    )
    return _shown(done)


@router.post("/{uuid:public_id}/withdraw/", response=RequestOut)
@decorate_view(never_cache)
def withdraw(request: HttpRequest, public_id: UUID) -> RequestOut:
    """The person does not ask any more."""
    staff = _staff(request, RECEIVE)
    asked = _asked(staff, public_id, RECEIVE)
    done = api.once(request, actions.withdraw, asked, request=asked, by=staff.user, at=staff.now)
    return _shown(done)


@router.post("/{uuid:public_id}/lift/ask/", response=RequestOut)
@decorate_view(never_cache)
def ask_lift(request: HttpRequest, public_id: UUID, stated: AskLiftIn) -> RequestOut:
    """Ask to work with what a law keeps of the person; somebody else decides it."""
    staff = _staff(request, DECIDE)
    asked = _asked(staff, public_id, DECIDE)
    done = api.once(
        request,
        actions.ask_lift,
        asked,
        request=asked,
        reason=stated.reason,
        by=staff.user,
        at=staff.now,
    )
    return _shown(done)


@router.post("/{uuid:public_id}/lift/", response=RequestOut)
@decorate_view(never_cache)
@api.conditional
def lift(request: HttpRequest, public_id: UUID, decision: LiftIn) -> RequestOut:
    """Lift the restriction as somebody else asked, or leave it; whoever asked does not lift it.

    If-Match names the state in which the reason was read: another one may be asked for meanwhile.
    """
    staff = _staff(request, DECIDE)
    asked = _asked(staff, public_id, DECIDE)
    action = actions.lift if decision.lift else actions.keep_restricted
    done = api.once(request, action, asked, request=asked, by=staff.user, at=staff.now)
    return _shown(done)


@router.post("/{uuid:public_id}/give/", response=CopyOut)
@decorate_view(never_cache)
def give(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Hand a copy over as data; counted and written down."""
    staff = _staff(request, RECEIVE)
    asked = _asked(staff, public_id, RECEIVE)
    asked = api.once(
        request, actions.hand_over, request=asked, form="json", by=staff.user, at=staff.now
    )
    opened(staff, asked.person, how=How.EXPORTED)
    return dossier.dossier(asked.person, staff.now).as_json()


def _staff(request: HttpRequest, permission: Permission) -> StaffRequest:
    api.require(request, permission)
    return cast(StaffRequest, request)


def _asked(staff: StaffRequest, public_id: UUID, permission: Permission) -> DataRequest:
    rows = queries.open_to(staff.user, staff.now, permission)
    asked = get_object_or_404(rows, public_id=public_id)
    opened(staff, asked)
    return asked


def _shown(asked: DataRequest) -> RequestOut:
    return RequestOut(
        id=asked.public_id,
        person=asked.person.public_id,
        kind=asked.kind,
        asker=asked.asker,
        state=asked.state,
        received_at=asked.created_at,
        due_on=asked.due_on,
        answer=asked.answer,
        kept_until=asked.kept_until,
        copies=asked.handed_over,
        restricts=asked.restricts,
        person_restricted=asked.person.restricted_at is not None,
        lift_reason=asked.lift_reason,
        lift_asked_at=asked.lift_asked_at,
        lifted_at=asked.lifted_at,
    )
