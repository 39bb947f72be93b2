"""What machines are told of files, whatever their kind; the rooms' routers hold the addresses."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Schema
from ninja.files import UploadedFile

from fangkong.core import api
from fangkong.core.bodies import Text60

from . import actions, columns, queries
from .types import Kind, Outcome, Place
from .views import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .models import ImportRun

SHOWN = 100  # rows that have to be corrected


class ColumnOut(Schema):
    """A column of a file and the field that it is read as; "" is passed over."""

    heading: str
    field: str


class RowOut(Schema):
    line: int
    outcome: str
    reasons: list[str]


class ImportOut(Schema):
    """`missing`: required fields without a column; while there are any, no row is checked."""

    id: UUID
    file_name: str
    state: str
    columns: list[ColumnOut]
    missing: list[str]
    total: int
    ok: int
    errors: int
    known: int
    imported: int
    rows: list[RowOut]


class MatchIn(api.Body):
    """A field for each column, "" for one that is passed over."""

    fields: list[Text60] = Field(max_length=1000)


def upload(
    request: HttpRequest,
    kind: Kind,
    file: UploadedFile,
    place: Place,
    options: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Take a file in and check its rows; nothing is entered yet."""
    content = actions.FileContent(file.read())
    content.table(kind)  # read before the transaction begins
    run = api.once(
        request,
        actions.upload,
        kind=kind.name,
        content=content,
        file_name=file.name or "",
        place=place,
        options=dict(options or {}),
        by=_staff(request).user,
        at=_staff(request).now,
    )
    return told(run, kind)


def status(request: HttpRequest, kind: Kind, public_id: UUID) -> dict[str, Any]:
    """How far an import is, with the first rows that have to be corrected."""
    run = run_of(request, kind, public_id)
    api.version_of(request, run)
    return told(run, kind)


def match(request: HttpRequest, kind: Kind, public_id: UUID, body: MatchIn) -> dict[str, Any]:
    """Say which field each column is; the rows are then checked."""
    run, staff = run_of(request, kind, public_id), _staff(request)
    said = {"run": run, "fields": body.fields, "by": staff.user, "at": staff.now}
    return told(api.once(request, actions.match, run, **said), kind)


def confirm(request: HttpRequest, kind: Kind, public_id: UUID) -> dict[str, Any]:
    """Have the good rows entered."""
    run, staff = run_of(request, kind, public_id), _staff(request)
    return told(api.once(request, actions.confirm, run, run=run, by=staff.user, at=staff.now), kind)


def run_of(request: HttpRequest, kind: Kind, public_id: UUID) -> ImportRun:
    """A run that the caller may see; 404 for any other."""
    staff = _staff(request)
    api.require(request, kind.permission)
    return get_object_or_404(queries.open_to(staff.user, kind, staff.now), public_id=public_id)


def told(run: ImportRun, kind: Kind) -> dict[str, Any]:
    """A run in the shape of ``ImportOut``."""
    rows = islice(queries.rows_of(run, [Outcome.ERROR, Outcome.KNOWN]), SHOWN)
    return {
        "id": run.public_id,
        "file_name": run.file_name,
        "state": run.state,
        "columns": [
            {"heading": heading, "field": field}
            for heading, field in zip(run.headings, run.fields, strict=True)
        ],
        "missing": columns.missing(run.fields, kind.required()),
        "total": run.total,
        "ok": run.ok,
        "errors": run.errors,
        "known": run.known,
        "imported": run.imported,
        "rows": [
            {"line": row.line, "outcome": row.outcome, "reasons": words_of(kind, row)}
            for row in rows
        ],
    }


def _staff(request: HttpRequest) -> Any:
    return cast(Any, request)
