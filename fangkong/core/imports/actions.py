"""Files: upload, match the columns, check every row, import the good ones, destroy the values.

A large file is checked and imported by the queue. Each step takes up where it stopped: a chunk of
rows changes its outcome in the transaction that does its work, so a killed job repeats and loses
nothing.
"""

from __future__ import annotations

import gc
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from fangkong.core import bulk
from fangkong.core.aside import Aside, Silent, helping
from fangkong.core.audit import actions as audit
from fangkong.core.queue import actions as queue
from fangkong.core.queue.types import Progress
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused

from . import columns, limited, packing, queries, words
from .models import ColumnChoice, ImportChunk, ImportRun, Row
from .reading import NO_RESULT, Caps, NotReadable
from .types import (
    REASONS,
    Claim,
    Desk,
    Kind,
    Outcome,
    Place,
    PreparingDesk,
    Reason,
    State,
    kind_named,
)

log = logging.getLogger("fangkong.imports")

AT_ONCE = 200  # rows that are checked while the file is taken in, and nobody else writes
CHUNK = 1_000  # rows that are checked or entered in one transaction
KEPT_FOR = timedelta(days=7)

CHECK = "core.imports.check"
ENTER = "core.imports.enter"


class BadFile(Refused):
    """The file cannot be read as a table."""

    status = 422


class NotReady(Refused):
    """The import is not at the step that this needs."""


class NothingToImport(Refused):
    """No row of the file can be imported."""


class WrongColumns(Refused):
    """The columns are not matched so that a row can be read."""

    status = 422


class FileContent:
    """The bytes of an uploaded file; says only its digest where it is shown or compared."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sha256 = hashlib.sha256(data).hexdigest()
        self._table: limited.Table | None = None

    def __str__(self) -> str:
        return self.sha256

    def table(self, kind: Kind) -> limited.Table:
        """What the file holds, read by a process of its own; BadFile where it cannot be."""
        if self._table is None:
            known = kind.known()
            enough = min(3, max(2, len(kind.required())))
            try:
                self._table = limited.read(self.data, known, enough, caps(), _portion(kind))
            except NotReadable as fault:
                raise BadFile(words.problem(fault)) from None
        return self._table


def _portion(kind: Kind) -> int:
    """How many rows of a kind are one transaction."""
    return kind.portion or CHUNK


def caps() -> Caps:
    """What a file may have at most in this deployment."""
    return Caps(**getattr(settings, "FANGKONG_IMPORT_CAPS", {}))


@transaction.atomic
def upload(
    *,
    kind: str,
    content: FileContent,
    file_name: str,
    place: Place,
    options: Mapping[str, object] | None = None,
    synthetic: bool = False,
    by: AbstractBaseUser,
    at: datetime,
) -> ImportRun:
    """Take a file in and check its rows; nothing is entered yet.

    A file whose columns are not all known, or only without the group above them, waits until they
    are matched by hand. One of up to
    ``AT_ONCE`` rows is checked at once, a larger one by the queue. BadFile where it cannot be read.
    """
    what = kind_named(kind)
    table = content.table(what)
    fields, is_sure = _fields_of(table.headings, what, by)
    run = ImportRun.objects.create(
        **stamps(by, at),
        kind=kind,
        file_name=file_name[-200:],
        sha256=content.sha256,
        encoding=table.encoding,
        columns=_columns(table.headings, fields, table.filled),
        unread_sheets=table.unread_sheets,
        options=dict(options or {}),
        county_id=place.county_id,
        area_id=place.area_id,
        facility_id=place.facility_id,
        place_name=place.name[:150],
        state=State.CHECKING if is_sure and not _column_faults(what, fields) else State.MATCHING,
        total=table.total,
        synthetic=synthetic,
    )
    chunks = [
        ImportChunk(run=run, number=n, total=piece.total) for n, piece in enumerate(table.pieces)
    ]
    for chunk, piece in zip(chunks, table.pieces, strict=True):
        chunk.body = packing.kept(piece.body, chunk.place("body"))
    ImportChunk.objects.bulk_create(chunks, batch_size=20)
    detail = {"rows": run.total, "encoding": run.encoding, "sha256": run.sha256}
    audit.record("core.imports.upload", run, by=by, at=at, detail=detail)
    if run.state == State.CHECKING:
        _begin_check(run, by, at)
    return run


@transaction.atomic
def match(
    *, run: ImportRun, fields: Sequence[str], by: AbstractBaseUser, at: datetime
) -> ImportRun:
    """Say which column is which field, and check the rows by it; remembered for such headings.

    WrongColumns where a required field has no column or a field has two.
    """
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state not in (State.MATCHING, State.READY):
        raise NotReady(_("The columns of this import are settled. Reload the page."))
    kind = run.kind_of
    known = {one.name for one in kind.fields} | {REASONS, ""}
    if len(fields) != len(run.columns) or not set(fields) <= known:
        raise WrongColumns(_("Choose a field for each column of this file."))
    if faults := _column_faults(kind, fields):
        raise WrongColumns(" ".join(words.reasons(kind, faults)))
    headings = run.headings
    filled = {n: column.get("filled", 0) for n, column in enumerate(run.columns)}
    run.columns, run.state = _columns(headings, fields, filled), State.CHECKING
    run.touch(by, at)
    run.save()
    ColumnChoice.objects.update_or_create(
        user_id=by.pk,
        kind=kind.name,
        headings=_print_of(headings, columns.matched(headings, kind.known())),
        defaults={
            "fields": {columns.bare(h): f for h, f in zip(headings, fields, strict=True)},
            "chosen_at": at,
        },
    )
    ImportChunk.objects.filter(run=run).update(checked=False, verdicts=b"", ok=0, errors=0, known=0)
    audit.record("core.imports.match", run, by=by, at=at)
    _begin_check(run, by, at)
    return run


def check(
    *, run: ImportRun, by: AbstractBaseUser, at: datetime, progress: Progress | None = None
) -> None:
    """Judge every unchecked row; the last chunk makes the run ready."""
    desk = run.kind_of.open(run, by, at)
    seen = _Seen()
    todo = {"checked": False}
    with _preparing(run, desk, partial(_looked, desk), todo, every=2) as ahead:
        for number in range(_chunks(run)):
            helped = ahead.take(number)
            with _no_search_for_cycles(), transaction.atomic():
                if not _still(run, State.CHECKING):
                    return
                chunk = ImportChunk.objects.select_for_update().get(run=run, number=number)
                if chunk.checked:  # by a try that was interrupted
                    _recall(seen, chunk, run.fields, desk)
                    continue
                rows = _check_rows(helped or ahead.open(chunk), chunk, run.fields, desk, seen)
                chunk.put(rows)
                chunk.checked = True
                chunk.save()
            if progress:
                progress(min(run.total, (number + 1) * _portion(run.kind_of)), run.total)
            if run.kind_of.portion:  # rows that are dear one by one, so that the file is no race
                bulk.give_way()
    _end_check(run)


@transaction.atomic
def confirm(*, run: ImportRun, by: AbstractBaseUser, at: datetime) -> ImportRun:
    """Have the good rows entered by the queue; they count as received now."""
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state != State.READY:
        raise NotReady(_("This import is not waiting to be confirmed. Reload the page."))
    if not run.ok:
        raise NothingToImport(
            _("No row of this file can be imported. Correct the file and send it again.")
        )
    run.state, run.confirmed_at = State.RUNNING, at
    run.touch(by, at)
    run.save()
    audit.record("core.imports.confirm", run, by=by, at=at, detail={"rows": run.ok})
    queue.enqueue(ENTER, run.pk, by=by, at=at)
    return run


@transaction.atomic
def cancel(*, run: ImportRun, by: AbstractBaseUser | None, at: datetime) -> ImportRun:
    """Give an import up, or stop one that runs: what is entered stays, the rest is destroyed."""
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state in (State.DONE, State.CANCELLED):
        raise NotReady(_("This import has ended already. Reload the page."))
    run.state, run.ended_at, run.forgotten_at = State.CANCELLED, at, at
    run.imported = _sums(run)["imported"]
    run.touch(by, at)
    run.save()
    ImportChunk.objects.filter(run=run).delete()
    audit.record("core.imports.cancel", run, by=by, at=at, detail={"imported": run.imported})
    return run


def enter(*, run: ImportRun, at: datetime, progress: Progress | None = None) -> ImportRun:
    """Enter the good rows of a confirmed import, a chunk per transaction."""
    if run.state != State.RUNNING:
        return run  # done by an earlier try
    by = run.changed_by
    assert by is not None and run.confirmed_at is not None  # set by confirm
    desk = run.kind_of.open(run, by, run.confirmed_at)
    work, todo = partial(_made_ready, desk, at), {"entered": False}
    with bulk.roomy(), _preparing(run, desk, work, todo, every=1) as ahead:
        for number in range(_chunks(run)):
            try:
                going = _enter_chunk(run, number, desk, at, ahead)
            except IntegrityError:  # another process has entered the same person or card meanwhile
                going = _enter_chunk(run, number, desk, at, None)
            if not going:
                return ImportRun.objects.get(pk=run.pk)
            if progress:
                progress(min(run.total, (number + 1) * _portion(run.kind_of)), run.total)
            if run.kind_of.portion:  # rows that are dear one by one, so that the file is no race
                bulk.give_way()
    return _finish(run, by, at)


def _enter_chunk(
    run: ImportRun, number: int, desk: Desk, at: datetime, ahead: _Preparing | None
) -> bool:
    """Enter a chunk together with its progress; False where the run was cancelled."""
    helped = ahead.take(number) if ahead else None
    with _no_search_for_cycles(), transaction.atomic():
        if not _still(run, State.RUNNING):
            return False
        chunk = ImportChunk.objects.select_for_update().get(run=run, number=number)
        if chunk.entered:
            return True
        opened = (helped or ahead.open(chunk)) if ahead else None
        rows = _enter_rows(opened, chunk, run.fields, desk, at)
        chunk.put(rows)
        chunk.empty(rows)
        chunk.entered = True
        chunk.save()
    return True


@transaction.atomic
def forget(*, at: datetime) -> int:
    """Destroy what is left of the rows of old imports, and drop imports nobody confirmed."""
    until = at - KEPT_FOR
    unconfirmed = [State.MATCHING, State.CHECKING, State.READY]
    for run in ImportRun.objects.filter(state__in=unconfirmed, created_at__lt=until):
        cancel(run=run, by=None, at=at)
    old = ImportRun.objects.filter(state=State.DONE, ended_at__lt=until, forgotten_at__isnull=True)
    for run in old:
        ImportChunk.objects.filter(run=run).delete()
        run.forgotten_at = at
        run.save(update_fields=["forgotten_at"])
        audit.record("core.imports.forget", run, by=None, at=at)
    return len(old)


# --- Columns -------------------------------------------------------------------------------------


def _fields_of(headings: Sequence[str], kind: Kind, by: AbstractBaseUser) -> tuple[list[str], bool]:
    """What each column is, as this user has said of the same headings before, or by its name; and
    whether that is more than a guess.

    The reasons that an error file adds make no other file of it: it comes back matched.
    """
    named = columns.matched(headings, kind.known())
    said = queries.remembered(by.pk, kind, _print_of(headings, named))
    if not said:
        return named, not columns.guessed(headings, kind.known())
    return [
        name if name == REASONS else said.get(columns.bare(heading), "")
        for heading, name in zip(headings, named, strict=True)
    ], True


def _print_of(headings: Sequence[str], fields: Sequence[str]) -> str:
    own = [one for one, field in zip(headings, fields, strict=True) if field != REASONS]
    return columns.print_of(own)


def _column_faults(kind: Kind, fields: Sequence[str]) -> list[Reason]:
    faults = []
    if missing := columns.missing(fields, kind.required()):
        faults.append(Reason("missing_columns", {"fields": missing}))
    if twice := columns.twice(name for name in fields if name != REASONS):
        faults.append(Reason("column_twice", {"fields": twice}))
    return faults


def _columns(
    headings: Sequence[str], fields: Sequence[str], filled: Mapping[int, int]
) -> list[dict[str, Any]]:
    return [
        {"heading": heading, "field": field} | ({"filled": filled[n]} if filled.get(n) else {})
        for n, (heading, field) in enumerate(zip(headings, fields, strict=True))
    ]


# --- Rows ----------------------------------------------------------------------------------------


def _begin_check(run: ImportRun, by: AbstractBaseUser, at: datetime) -> None:
    if run.total > AT_ONCE:
        queue.enqueue(CHECK, run.pk, by=by, at=at)
    else:
        check(run=run, by=by, at=at)
        run.refresh_from_db()


@transaction.atomic
def _end_check(run: ImportRun) -> None:
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state == State.CHECKING:
        run.state = State.READY
        _add_up(run)
        run.save()


@transaction.atomic
def _finish(run: ImportRun, by: AbstractBaseUser, at: datetime) -> ImportRun:
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state == State.RUNNING:
        run.state, run.ended_at = State.DONE, at
        _add_up(run)
        run.touch(by, at)
        run.save()
        told = {"imported": run.imported, "known": run.known, "errors": run.errors}
        audit.record("core.imports.finish", run, by=by, at=at, detail=told)
        run.kind_of.imported(run)
    return run


@dataclass(frozen=True)
class _Opened:
    """A chunk's rows with what could be said of them without a database.

    From a helper the rows come without their values: those are read again where they are wanted.
    """

    rows: list[Row]
    too_long: list[int]  # rows with more cells than the file has columns, by their place
    no_result: dict[int, list[str]]  # fields whose cell holds a formula without its result
    said: Any


Work = Callable[[list[dict[str, str]]], Any]


@dataclass
class _Preparing:
    """Opens chunks and prepares their rows, some of them ahead in a helper: every second while both
    do the same, all but the first where this process has the database to wait for."""

    run: ImportRun
    work: Work
    todo: Mapping[str, bool]  # what tells a chunk that is still to be done
    every: int
    helper: _Helper | None
    asked: int = -1  # the chunk that the helper was given last

    def take(self, number: int) -> _Opened | None:
        """What the helper has made of a chunk, if it was asked for it; and it goes on with another.

        Before the chunk's transaction begins: a helper that hangs must hold up no other writer.
        """
        if self.helper is None:
            return None
        found = None
        try:
            if self.asked == number:
                found = self.helper.answer()
            if self.asked <= number:
                self._ask(self.helper, number + (self.every if found else 1))
        except Silent:  # gone, or could not do it; what is wrong with the rows is seen here
            log.warning("imports: the helper gave up, run=%s", self.run.pk)
            self.helper.end()
            self.helper = None
        return found

    def open(self, chunk: ImportChunk) -> _Opened:
        return _open(self.work, self.run.fields, chunk)

    def _ask(self, helper: _Helper, number: int) -> None:
        """Not held: whether that chunk is still to be done is asked again in its turn."""
        chunks = ImportChunk.objects.filter(run=self.run, number=number, **self.todo)
        if (found := chunks.values_list("body", "verdicts").first()) is not None:
            helper.ask((number, bytes(found[0]), bytes(found[1])))
            self.asked = number


_Helper = Aside[tuple[int, bytes, bytes], _Opened]


@contextmanager
def _preparing(
    run: ImportRun, desk: Desk, work: Work, todo: Mapping[str, bool], every: int
) -> Iterator[_Preparing]:
    """Small files are done alone, in a request too: no fork there."""
    fields = run.fields

    def aside(question: tuple[int, bytes, bytes]) -> _Opened:
        number, body, verdicts = question
        opened = _open(
            work, fields, ImportChunk(run=run, number=number, body=body, verdicts=verdicts)
        )
        for row in opened.rows:
            row.values = []
        return opened

    wanted = isinstance(desk, PreparingDesk) and run.total > AT_ONCE
    with helping(aside, wanted=wanted) as helper:
        yield _Preparing(run, work, todo, every, helper)


def _open(work: Work, fields: Sequence[str], chunk: ImportChunk) -> _Opened:
    rows = chunk.rows()
    too_long = [n for n, row in enumerate(rows) if len(row.values) > len(fields)]
    no_result = {n: found for n, row in enumerate(rows) if (found := _no_result(row, fields))}
    wanted = [row for row in rows if row.outcome in (Outcome.OK, Outcome.UNCHECKED)]
    return _Opened(rows, too_long, no_result, work(_values(wanted, fields)))


def _no_result(row: Row, fields: Sequence[str]) -> list[str]:
    if NO_RESULT not in row.values:
        return []
    cells = zip(fields, row.values, strict=False)
    return [name for name, cell in cells if cell == NO_RESULT and name not in ("", REASONS)]


def _looked(desk: Desk, values: list[dict[str, str]]) -> Any:
    return desk.look(values) if isinstance(desk, PreparingDesk) else values


def _made_ready(desk: Desk, at: datetime, values: list[dict[str, str]]) -> Any:
    return desk.prepare(values, at) if isinstance(desk, PreparingDesk) else values


@dataclass
class _Seen:
    """The good rows before, by what must not come twice in a file and by what must agree."""

    lines: dict[str, int] = field(default_factory=dict)  # by their print
    claims: dict[str, tuple[Claim, int]] = field(default_factory=dict)

    def against(self, claim: Claim | None) -> int | None:
        """The line of the row before that claims something else."""
        if claim is None or claim.key not in self.claims:
            return None
        other, line = self.claims[claim.key]
        return line if other.contradicts(claim) else None

    def note(self, line: int, print_: str, claim: Claim | None) -> None:
        self.lines[print_] = line
        if claim is not None:
            other, first = self.claims.get(claim.key, (claim, line))
            self.claims[claim.key] = (other.joined(claim), first)


def _recall(seen: _Seen, chunk: ImportChunk, fields: Sequence[str], desk: Desk) -> None:
    """Take in the rows of a chunk that an earlier try has checked."""
    good = [row for row in chunk.rows() if row.outcome == Outcome.OK]
    claims: Sequence[Claim | None] = [None] * len(good)
    if isinstance(desk, PreparingDesk):
        claims = desk.claims(desk.look(_values(good, fields)))
    for row, claim in zip(good, claims, strict=True):
        seen.note(row.line, row.print, claim)


def _check_rows(
    opened: _Opened,
    chunk: ImportChunk,
    fields: Sequence[str],
    desk: Desk,
    seen: _Seen,
) -> list[Row]:
    if isinstance(desk, PreparingDesk):
        found = desk.check_looked(opened.said, lambda: _values(chunk.rows(), fields))
    else:
        found = desk.check(opened.said)
    for n, (row, judged) in enumerate(zip(opened.rows, found, strict=True)):
        row.outcome, row.print = judged.outcome.value, judged.print
        reasons = list(judged.reasons)
        if n in opened.too_long:
            row.outcome = Outcome.ERROR.value
            reasons.append(Reason("too_many_cells"))
        elif without := opened.no_result.get(n):
            row.outcome = Outcome.ERROR.value
            reasons = [one for one in reasons if one.field not in without]  # as missing
            reasons = [Reason("no_result", {"field": name}) for name in without] + reasons
        elif judged.outcome == Outcome.OK:
            if (line := seen.against(judged.claim)) is not None:
                row.outcome = Outcome.ERROR.value
                reasons.append(Reason("other_in_file", {"line": line}))
            elif (line := seen.lines.get(judged.print)) is not None:
                row.outcome = Outcome.KNOWN.value
                reasons.append(Reason("twice_in_file", {"line": line}))
            else:
                seen.note(row.line, judged.print, judged.claim)
        row.reasons = [reason.plain() for reason in reasons]
    return opened.rows


def _enter_rows(
    opened: _Opened | None, chunk: ImportChunk, fields: Sequence[str], desk: Desk, at: datetime
) -> list[Row]:
    """The rows with what became of them; those to be corrected with their values."""

    def again() -> list[dict[str, str]]:
        return _values([row for row in chunk.rows() if row.outcome == Outcome.OK], fields)

    if opened is not None and isinstance(desk, PreparingDesk):
        rows, judged = opened.rows, desk.enter_prepared(opened.said, again, at)
    else:
        rows, judged = chunk.rows(), desk.enter(again(), at)
    good = [row for row in rows if row.outcome == Outcome.OK]
    for row, one in zip(good, judged, strict=True):
        row.outcome = one.outcome.value
        row.reasons = [reason.plain() for reason in one.reasons]
    if any(row.outcome == Outcome.ERROR and not row.values for row in rows):
        for row, whole in zip(rows, chunk.rows(), strict=True):
            row.values = whole.values
    return rows


def _values(rows: Sequence[Row], fields: Sequence[str]) -> list[dict[str, str]]:
    """Field to text, for the fields that a row says something about."""
    read = [(n, name) for n, name in enumerate(fields) if name and name != REASONS]
    return [
        {
            name: row.values[n]
            for n, name in read
            if n < len(row.values) and row.values[n] not in ("", NO_RESULT)
        }
        for row in rows
    ]


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A chunk makes a hundred thousand objects and no cycles among them, but Python would look for
    some again and again, which took a tenth of the time. Between chunks it may."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _chunks(run: ImportRun) -> int:
    return ImportChunk.objects.filter(run=run).count()


def _still(run: ImportRun, state: State) -> bool:
    """Whether the run is at this step, held to the end of the transaction against a cancel."""
    return ImportRun.objects.select_for_update().filter(pk=run.pk, state=state).exists()


def _sums(run: ImportRun) -> dict[str, int]:
    names = ("ok", "errors", "known", "imported")
    found = ImportChunk.objects.filter(run=run).aggregate(**{n: Sum(n) for n in names})
    return {name: found[name] or 0 for name in names}


def _add_up(run: ImportRun) -> None:
    for name, n in _sums(run).items():
        setattr(run, name, n)
