"""Runs and their rows, as far as the asking user may see."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice

from django.db.models import Q, QuerySet

from fangkong.core.permissions import Scoped

from .models import ColumnChoice, ImportChunk, ImportRun, Row
from .types import Kind, Outcome

_SUMS = {
    Outcome.OK: "ok",
    Outcome.ERROR: "errors",
    Outcome.KNOWN: "known",
    Outcome.IMPORTED: "imported",
}


def open_to(user: Scoped, kind: Kind, at: datetime) -> QuerySet[ImportRun]:
    """The runs of a kind at the places for which a user may import."""
    return ImportRun.objects.filter(kind.within(user, at), kind=kind.name)


def rows_of(run: ImportRun, outcomes: Collection[str] = ()) -> Iterator[Row]:
    """The rows of a file in its order, only those with the given outcomes where any are named."""
    chunks = ImportChunk.objects.filter(run=run).order_by("number")
    if outcomes and Outcome.UNCHECKED not in outcomes:
        some = Q()
        for outcome in outcomes:
            some |= Q(**{f"{_SUMS[Outcome(outcome)]}__gt": 0})
        chunks = chunks.filter(some)
    for chunk in chunks.iterator(chunk_size=5):
        yield from (row for row in chunk.rows() if not outcomes or row.outcome in outcomes)


def first_rows(run: ImportRun, outcome: str, limit: int) -> list[Row]:
    """The first rows with an outcome."""
    return list(islice(rows_of(run, [outcome]), limit))


def remembered(user_id: int, kind: Kind, headings_print: str) -> dict[str, str]:
    """How this user has matched the same headings before: bare heading to field."""
    found = ColumnChoice.objects.filter(user_id=user_id, kind=kind.name, headings=headings_print)
    choice = found.first()
    return dict(choice.fields) if choice else {}
