"""Stocktakes for machines: open, count by the mark of the ledger, find, submit, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import Text100
from fangkong.core.permissions import Permission

from . import counting, queries, words
from .api_bodies import LabelIn, Quantity, StockReasonIn
from .models import Count
from .rules import MOST
from .types import APPROVE, KEEP, VIEW, Counted, LotFacts

router = Router(tags=["stock"])
MOST_LINES = 500


class StocktakeOut(Schema):
    id: UUID
    number: str
    place: UUID
    blind: bool
    state: str
    begun_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    decision: str
    entry: UUID | None
    synthetic: bool


class CountLineOut(Schema):
    """`book`: what the book held when the line was counted (or now); null where hidden."""

    id: UUID
    item: UUID
    lot: UUID
    found: bool
    quantity: int | None
    counted_at: datetime | None
    times: int
    reason: str
    book: int | None
    difference: int | None


class CountWithLinesOut(StocktakeOut):
    """`mark`: how far the ledger of the place has come; send it back with what was counted."""

    mark: int
    lines: list[CountLineOut]


class CountIn(api.Body):
    """`items`: which to count; all where none are named."""

    place: UUID
    items: list[UUID] = Field(default_factory=list, max_length=MOST_LINES)
    blind: bool = False


class CountedIn(api.Body):
    """`times`: as it was read; a lot that somebody else counted since is refused at its line."""

    line: UUID
    quantity: Annotated[int, Field(ge=0, le=MOST, strict=True)] | None = None
    reason: Text100 | None = None
    times: Annotated[int, Field(ge=0, le=99, strict=True)] | None = None


class CountedLinesIn(api.Body):
    mark: Annotated[int, Field(ge=0, le=2**62, strict=True)]
    lines: list[CountedIn] = Field(min_length=1, max_length=MOST_LINES)


class FoundLotIn(api.Body):
    item: UUID
    quantity: Quantity
    lot: LabelIn = LabelIn()
    reason: Text100 = ""


@router.get("/", response=api.Page[StocktakeOut])
def counts(request: HttpRequest) -> HttpResponse:
    """The stocktakes of your places, the last begun first."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    rows = queries.counts_open_to(staff.user, staff.now)
    return api.page(request, rows, _count, order="-created_at")


@router.post("/", response={201: CountWithLinesOut})
def open_count(request: HttpRequest, body: CountIn) -> Status[dict[str, Any]]:
    """Begin to count a place."""
    staff = cast(StaffRequest, request)
    api.require(request, KEEP)
    place = queries.place_open_to(staff.user, staff.now, body.place, KEEP)
    if place is None:
        raise Http404
    known = {one.public_id: one for one in queries.items().filter(public_id__in=body.items)}
    with api.told_by_field():
        for n, key in enumerate(body.items):
            if key not in known:
                raise words.unknown(f"items/{n}")
    said: dict[str, Any] = {"place": place, "items": list(known.values()), "blind": body.blind}
    made = api.once(request, counting.open_count, **said, by=staff.user, at=staff.now)
    return Status(201, _with_lines(made))


@router.get("/{uuid:public_id}/", response=CountWithLinesOut)
def count(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One stocktake with its lines."""
    found = _found(request, public_id, VIEW)
    api.version_of(request, found)
    return _with_lines(found)


@router.post("/{uuid:public_id}/lines/", response=CountWithLinesOut)
def enter(request: HttpRequest, public_id: UUID, body: CountedLinesIn) -> dict[str, Any]:
    """What was counted; a lot that moved since the mark is refused at its line."""
    found = _found(request, public_id, KEEP)
    lines = {one.line.public_id: one.line for one in queries.lines_of(found)}
    told = []
    with api.told_by_field():
        for n, one in enumerate(body.lines):
            if (line := lines.pop(one.line, None)) is None:  # unknown, or named twice
                raise words.unknown(f"lines/{n}/line")
            said = Counted(line=line, quantity=one.quantity, reason=one.reason, times=one.times)
            told.append(said)
        return _done(request, found, counting.enter, told=told, mark=body.mark)


@router.post("/{uuid:public_id}/found/", response=CountWithLinesOut)
def find(request: HttpRequest, public_id: UUID, body: FoundLotIn) -> dict[str, Any]:
    """A lot lies there that the sheet does not name."""
    found = _found(request, public_id, KEEP)
    item = queries.items().filter(public_id=body.item).first()
    if item is None:
        raise words.unknown("item")
    label = LotFacts(**body.lot.model_dump())
    said: dict[str, Any] = {"item": item, "quantity": body.quantity, "reason": body.reason}
    with api.told_by_field("/lot/{}".format):
        return _done(request, found, counting.find, label=label, **said)


@router.post("/{uuid:public_id}/submit/", response=CountWithLinesOut)
def submit(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """All is counted."""
    return _done(request, _found(request, public_id, KEEP), counting.submit)


@router.post("/{uuid:public_id}/approve/", response=CountWithLinesOut)
@api.conditional
def approve(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Book the differences; not by whoever counted."""
    return _done(request, _found(request, public_id, APPROVE), counting.approve)


@router.post("/{uuid:public_id}/give-back/", response=CountWithLinesOut)
def give_back(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """Let it be counted again."""
    found = _found(request, public_id, APPROVE)
    return _done(request, found, counting.give_back, reason=body.reason)


@router.post("/{uuid:public_id}/cancel/", response=CountWithLinesOut)
def cancel(request: HttpRequest, public_id: UUID, body: StockReasonIn) -> dict[str, Any]:
    """Give it up; the book stays as it is."""
    found = _found(request, public_id, KEEP)
    return _done(request, found, counting.cancel, reason=body.reason)


def _found(request: HttpRequest, public_id: UUID, permission: Permission) -> Count:
    staff = cast(StaffRequest, request)
    api.require(request, permission)
    rows = queries.counts_open_to(staff.user, staff.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _done(
    request: HttpRequest, found: Count, action: Callable[..., object], **said: Any
) -> dict[str, Any]:
    staff = cast(StaffRequest, request)
    api.once(request, action, found, count=found, by=staff.user, at=staff.now, **said)
    return _with_lines(
        get_object_or_404(queries.counts_open_to(staff.user, staff.now), pk=found.pk)
    )


def _count(one: Count) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "number": one.number,
        "place": one.place.public_id,
        "blind": one.blind,
        "state": one.state,
        "begun_at": one.created_at,
        "submitted_at": one.submitted_at,
        "decided_at": one.decided_at,
        "decision": one.decision,
        "entry": None if one.entry is None else one.entry.public_id,
        "synthetic": one.synthetic,
    }


def _with_lines(one: Count) -> dict[str, Any]:
    return {
        **_count(one),
        "mark": queries.mark_of(one.place),
        "lines": [_line(told) for told in queries.lines_of(one)],
    }


def _line(told: queries.Told) -> dict[str, Any]:
    line = told.line
    return {
        "id": line.public_id,
        "item": line.lot.item.public_id,
        "lot": line.lot.public_id,
        "found": line.found,
        "quantity": line.quantity,
        "counted_at": line.counted_at,
        "times": line.times,
        "reason": line.reason,
        "book": told.book,
        "difference": told.difference,
    }
