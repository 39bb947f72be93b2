"""Daily reports for machines: what the ledger says of a day, what was reported, file, correct.

Quantities are whole numbers of the item's smallest unit; what was taken back of a day counts below
zero.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from pydantic import StringConstraints

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.bodies import NO_NUL, Text200
from fangkong.core.permissions import NotYours
from fangkong.supplies.stock.rules import EARLIEST, LATEST

from . import actions, queries, rules
from .models import DailyReport
from .types import FILE, VIEW

router = Router(tags=["daily stock reports"])

Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]
Digest = Annotated[str, StringConstraints(min_length=32, max_length=32, pattern=NO_NUL)]


class DailyLineOut(Schema):
    item: UUID
    code: str
    opening: int
    received: int
    arrived: int
    used: int
    sent: int
    lost: int
    found: int
    closing: int


class DayFiguresOut(Schema):
    """`digest` names the figures: send it back to file them. `report`: what was reported."""

    county: str
    day: date
    nil: bool
    digest: str
    due_at: datetime | None
    report: UUID | None
    lines: list[DailyLineOut]


class OwnFiguresOut(Schema):
    day: date
    nil: bool
    lines: list[DailyLineOut]


class DailyReportOut(Schema):
    """`version`: the highest of a county and a day counts."""

    id: UUID
    county: str
    day: date
    version: int
    nil: bool
    late: bool
    due_at: datetime | None
    filed_at: datetime
    remark: str
    why: str
    synthetic: bool


class DailyReportWithLinesOut(DailyReportOut):
    """`changed`: the ledger says otherwise by now. `last`: the report counts."""

    changed: bool
    last: bool
    lines: list[DailyLineOut]


class DailyReportIn(api.Body):
    county: UUID
    day: Day
    digest: Digest
    remark: Text200 = ""


class DailyCorrectionIn(api.Body):
    digest: Digest
    reason: Text200
    remark: Text200 = ""


@router.get("/counties/{uuid:public_id}/figures/", response=DayFiguresOut)
def figures(request: HttpRequest, public_id: UUID, day: Day) -> HttpResponse:
    """What the ledger says of one of your counties and a day."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = queries.county_open_to(staff.user, staff.now, public_id)
    if found is None:
        raise Http404
    lines = queries.figures(found, day)
    items = queries.items_of(lines)
    last = queries.last_of(found, day)
    answer = {
        "county": found.code,
        "day": day,
        "nil": rules.nil(lines),
        "digest": rules.digest(lines),
        "due_at": queries.due_at(day),
        "report": None if last is None else last.public_id,
        "lines": [_line(one, items[one.item]) for one in lines],
    }
    return api.whole(request, answer)


@router.get("/own/figures/", response=OwnFiguresOut)
def own_figures(request: HttpRequest, day: Day) -> HttpResponse:
    """What the ledger says of the prefecture's own stores, which lie in no county and report to
    nobody; for whoever sees all counties."""
    staff = _staff(request)
    api.require(request, VIEW)
    if not queries.sees_own_stores(staff.user, staff.now):
        raise NotYours(str(VIEW.label))
    lines = queries.own_figures(staff.user, staff.now, day)
    items = queries.items_of(lines)
    told = [_line(one, items[one.item]) for one in lines]
    return api.whole(request, {"day": day, "nil": rules.nil(lines), "lines": told})


@router.get("/reports/", response=api.Page[DailyReportOut])
def reports(request: HttpRequest, day: Day | None = None) -> HttpResponse:
    """The reports of your counties, every version, the last filed first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.reports_open_to(staff.user, staff.now)
    if day is not None:
        rows = rows.filter(day=day)
    return api.page(request, rows, _report, order="-created_at")


@router.get("/reports/{uuid:public_id}/", response=DailyReportWithLinesOut)
def report(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One report with its lines."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.reports_open_to(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    return _with_lines(found)


@router.post("/reports/", response={201: DailyReportWithLinesOut})
def file(request: HttpRequest, body: DailyReportIn) -> Status[dict[str, Any]]:
    """Report a day that is over; where nothing moved, this is the nil report."""
    staff = _staff(request)
    api.require(request, FILE)
    county = queries.county_open_to(staff.user, staff.now, body.county, FILE)
    if county is None:
        raise Http404
    with api.told_by_field():
        made = api.once(
            request,
            actions.file,
            county=county,
            day=body.day,
            read=body.digest,
            remark=body.remark,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _with_lines(made))


@router.post("/reports/{uuid:public_id}/correct/", response={201: DailyReportWithLinesOut})
def correct(
    request: HttpRequest, public_id: UUID, body: DailyCorrectionIn
) -> Status[dict[str, Any]]:
    """Report a day anew, as the ledger says now; the earlier report stays."""
    staff = _staff(request)
    api.require(request, FILE)
    rows = queries.reports_open_to(staff.user, staff.now, FILE)
    found = get_object_or_404(rows, public_id=public_id)
    with api.told_by_field():
        made = api.once(
            request,
            actions.correct,
            found,
            report=found,
            read=body.digest,
            reason=body.reason,
            remark=body.remark,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _with_lines(made))


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _line(one: Any, item: Any) -> dict[str, Any]:
    numbers = {name: getattr(one, name) for name in (*rules.PARTS, "closing")}
    return {"item": item.public_id, "code": item.code, **numbers}


def _report(one: DailyReport) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "county": one.county.code,
        "day": one.day,
        "version": one.version,
        "nil": one.nil,
        "late": one.late,
        "due_at": one.due_at,
        "filed_at": one.created_at,
        "remark": one.remark,
        "why": one.why,
        "synthetic": one.synthetic,
    }


def _with_lines(one: DailyReport) -> dict[str, Any]:
    last = queries.last_of(one.county, one.day)
    lines = queries.lines_of([one])[one.pk]
    return {
        **_report(one),
        "last": last is not None and last.pk == one.pk,
        "changed": queries.changed(one, one.county),
        "lines": [_line(line, line.item) for line in lines],
    }
