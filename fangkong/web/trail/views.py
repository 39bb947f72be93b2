"""The audit trail as its reader sees it: who did what to which record, and what changed."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import F, OuterRef
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries
from fangkong.core.audit.models import AuditLine
from fangkong.core.audit.types import SEE_TRAIL, Result, place_words, words
from fangkong.core.permissions import allowed
from fangkong.places import queries as places

from . import describe
from .forms import TrailFilter


def _who(line: AuditLine) -> str:
    return f"{line.by.display_name} ({line.by.get_username()})" if line.by is not None else "–"


def _record(line: AuditLine) -> str | Promise:
    """The kind of record; of a refusal the page that refused."""
    if line.result == Result.REFUSED:
        return place_words(str(line.detail.get("page", "")))
    return describe.kind(line.subject_type)


def _record_url(line: AuditLine) -> str:
    if line.result == Result.REFUSED:
        return ""
    return reverse("trail_record", args=[line.subject_type, line.subject_id])


def _area(line: AuditLine) -> str:
    return cast(str, cast(Any, line).area_name)


def _program(line: AuditLine) -> str:
    return cast(str, cast(Any, line).program)


TRAIL = pages.Listing[AuditLine](
    name="trail",
    title=_("Audit trail"),
    columns=[
        pages.Column("at", _("When"), lambda line: line.at, order="at"),
        pages.Column("who", _("Member of staff"), _who),
        pages.Column("what", _("What"), lambda line: words(line.action)),
        pages.Column("record", _("Record"), _record, url=_record_url),
        pages.Column("area", _("Area"), _area),
        pages.Column("result", _("Result"), lambda line: line.get_result_display()),
        pages.Column("reason", _("Reason"), lambda line: line.reason),
        pages.Column("verb", _("Action"), lambda line: line.action, optional=True),
        pages.Column("id", _("Record id"), lambda line: line.subject_public_id, optional=True),
        pages.Column("ip", _("Network address"), lambda line: line.ip, optional=True),
        pages.Column("program", _("By the program"), _program, optional=True),
        pages.Column("request", _("Request"), lambda line: line.request_id, optional=True),
    ],
    order="-at",
    filters=TrailFilter,
    empty=_("Nothing has been done yet."),
    page_size=100,
)


@allowed(SEE_TRAIL)
def index(request: StaffRequest) -> HttpResponseBase:
    """The newest lines first."""
    rows = queries.lines().annotate(
        area_name=places.name_for(OuterRef("area_key")), program=F("token__label")
    )
    return pages.listing(request, TRAIL, rows, template="web/trail/index.html")


@allowed(SEE_TRAIL)
def record(request: StaffRequest, kind: str, key: int) -> HttpResponse:
    """What was done to one record, and what the database saw of its row."""
    story = describe.story(kind, key)
    return render(request, "web/trail/record.html", {"story": story, "history": story.lines})
