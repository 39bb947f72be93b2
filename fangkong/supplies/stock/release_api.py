"""Emergency release for machines: let goods leave, file papers, see what is owed."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import NO_NUL, Text60, Text100
from fangkong.core.files import receiving
from fangkong.core.permissions import Permission

from . import queries, releasing, words
from .api_bodies import Quantity
from .models import Release
from .types import KEEP, OWED_BY_CALLER, PAPERS, VIEW, PaperKind

router = Router(tags=["stock"])
Office = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]


class WhichPaper(Enum):
    """What is owed for a release."""

    REQUEST = "request"
    APPROVAL = "approval"
    SIGNATURE = "signature"


class OwedPaperOut(Schema):
    """`owed_by`: the office that called, or who gets the goods. `filed_at`: null while owed."""

    kind: str
    owed_by: str
    due_at: datetime
    reference: str
    filed_at: datetime | None


class ReleaseOut(Schema):
    """`due_at`: of the next paper. `settled_at`: since when nothing is owed. `state`: owed,
    complete (all papers are there) or taken_back (the goods came back; what lacks is not owed)."""

    id: UUID
    entry: UUID
    number: str
    place: UUID
    shipment: UUID | None
    to: str
    called_by: str
    due_at: datetime
    settled_at: datetime | None
    state: Literal["owed", "complete", "taken_back"]


class ReleaseWithPapersOut(ReleaseOut):
    papers: list[OwedPaperOut]


class ReleaseIn(api.Body):
    """`target`: a place of the house that gets the goods; else `to` says in words who does."""

    source: UUID
    item: UUID
    quantity: Quantity
    called_by: Office
    target: UUID | None = None
    to: Text100 = ""


class PaperIn(api.Body):
    """`files`: ids of uploads for `supplies.stock.papers`; a number or a file is needed."""

    kind: WhichPaper
    reference: Text60 = ""
    files: list[UUID] = Field(default_factory=list, max_length=PAPERS.most)


@router.get("/", response=api.Page[ReleaseOut])
def releases(request: HttpRequest) -> HttpResponse:
    """What left your places on a call, the last first."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    rows = queries.releases_open_to(staff.user, staff.now)
    return api.page(request, rows, _release, order="-created_at")


@router.post("/", response={201: ReleaseWithPapersOut})
def release(request: HttpRequest, body: ReleaseIn) -> Status[dict[str, Any]]:
    """Goods leave at once by earliest expiry; the papers of the rule pack are owed."""
    staff = cast(StaffRequest, request)
    api.require(request, KEEP)
    source = queries.place_open_to(staff.user, staff.now, body.source, KEEP)
    if source is None:
        raise Http404
    with api.told_by_field():
        item = queries.items().filter(public_id=body.item).first()
        if item is None:
            raise words.unknown("item")
        target = None
        if body.target is not None:
            target = queries.targets_to_choose().filter(public_id=body.target).first()
            if target is None:
                raise words.unknown("target")
        said: dict[str, Any] = {"source": source, "item": item, "quantity": body.quantity}
        said |= {"target": target, "to": body.to, "called_by": body.called_by}
        made = api.once(request, releasing.release, **said, by=staff.user, at=staff.now)
    return Status(201, _with_papers(made))


@router.get("/{uuid:public_id}/", response=ReleaseWithPapersOut)
def released(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One release with the papers that are there."""
    found = _found(request, public_id, VIEW)
    api.version_of(request, found)
    return _with_papers(found)


@router.post("/{uuid:public_id}/papers/", response=ReleaseWithPapersOut)
def file_paper(request: HttpRequest, public_id: UUID, body: PaperIn) -> dict[str, Any]:
    """A paper has come."""
    staff = cast(StaffRequest, request)
    found = _found(request, public_id, KEEP)
    said: dict[str, Any] = {"kind": PaperKind(body.kind.value), "reference": body.reference}
    said["files"] = receiving.found(request, PAPERS, body.files)
    said |= {"release": found, "by": staff.user, "at": staff.now}
    with api.told_by_field():
        return _with_papers(api.once(request, releasing.file_paper, found, **said))


def _found(request: HttpRequest, public_id: UUID, permission: Permission) -> Release:
    staff = cast(StaffRequest, request)
    api.require(request, permission)
    rows = queries.releases_open_to(staff.user, staff.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _release(one: Release) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "entry": one.entry.public_id,
        "number": one.entry.number,
        "place": one.place.public_id,
        "shipment": None if one.shipment is None else one.shipment.public_id,
        "to": one.to,
        "called_by": one.called_by,
        "due_at": one.due_at,
        "settled_at": one.settled_at,
        "state": _state(one),
    }


def _state(one: Release) -> str:
    if one.settled_at is None:
        return "owed"
    return "taken_back" if one.lacks_papers else "complete"


def _with_papers(one: Release) -> dict[str, Any]:
    owed = queries.papers_of(one)
    one.lacks_papers = any(paper.filed_at is None for paper in owed)
    papers = [
        {
            "kind": paper.kind,
            "owed_by": one.called_by if paper.kind in OWED_BY_CALLER else one.to,
            "due_at": paper.due_at,
            "reference": paper.reference,
            "filed_at": paper.filed_at,
        }
        for paper in owed
    ]
    return {**_release(one), "papers": papers}
