"""Files of report cards: upload, check every row, import the good ones, forget the values.

A large file is checked and imported by the queue. Each step takes up where it stopped: rows change
their outcome in the transaction that does their work, so a killed job repeats and loses nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.queue import actions as queue
from fangkong.core.queue.types import Progress
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.people import actions as people

from . import columns, queries, reading, words
from .cards import Card, Desk
from .entering import Entry, card_print, enter, registration, said_of
from .facts import Reason
from .models import Case, ImportBatch, ImportRow
from .types import BatchState, Outcome, counts_changed

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility

AT_ONCE = 2_000  # rows that are checked within the request
CHUNK = 1_000
KEPT_FOR = timedelta(days=7)

CHECK = "surveillance.monitoring.check"
IMPORT_JOB = "surveillance.monitoring.import"


class BadFile(Refused):
    """The file cannot be read as a table of report cards."""

    status = 422


class NotReady(Refused):
    """The import is not at the step that this needs."""


class NothingToImport(Refused):
    """No row of the file can be imported."""


class FileContent:
    """The bytes of an uploaded file; says only its digest where it is shown or compared."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sha256 = hashlib.sha256(data).hexdigest()

    def __str__(self) -> str:
        return self.sha256


@transaction.atomic
def upload(
    *,
    content: FileContent,
    file_name: str,
    facility: Facility,
    synthetic: bool = False,
    by: User,
    at: datetime,
) -> ImportBatch:
    """Take a file in and check its rows; nothing is reported yet.

    A file of up to ``AT_ONCE`` rows is checked at once, a larger one by the queue. BadFile where it
    cannot be read. ``facility`` reports the rows that name none.
    """
    try:
        sheet = reading.read(content.data)
    except reading.NotReadable as fault:
        raise BadFile(words.problem(fault)) from None
    fields = columns.fields(sheet.headings)
    batch = ImportBatch.objects.create(
        **stamps(by, at),
        file_name=file_name[-200:],
        sha256=content.sha256,
        encoding=sheet.encoding,
        columns=[
            {"heading": heading, "field": field}
            for heading, field in zip(sheet.headings, fields, strict=True)
        ],
        facility=facility,
        total=len(sheet.rows),
        synthetic=synthetic,
    )
    rows = [ImportRow(batch=batch, line=line, values=cells) for line, cells in sheet.rows]
    ImportRow.objects.bulk_create(rows, batch_size=CHUNK)
    audit.record(
        "surveillance.monitoring.upload",
        batch,
        by=by,
        at=at,
        detail={"rows": batch.total, "encoding": batch.encoding, "sha256": batch.sha256},
    )
    if batch.total > AT_ONCE:
        queue.enqueue(CHECK, batch.pk, by=by, at=at)
    else:
        check(batch=batch, by=by, at=at)
        batch.refresh_from_db()
    return batch


def check(*, batch: ImportBatch, by: User, at: datetime, progress: Progress | None = None) -> None:
    """Judge every unchecked row; the last chunk makes the batch ready."""
    desk = _Desk(batch, by, at)
    seen = _prints_before(batch, desk)
    left = ImportRow.objects.filter(batch=batch, outcome=Outcome.UNCHECKED).order_by("line")
    while rows := list(left[:CHUNK]):
        with transaction.atomic():
            _check_rows(rows, desk, batch, seen)
        if progress:
            progress(batch.total - left.count(), batch.total)
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        if batch.state == BatchState.CHECKING:
            batch.state = BatchState.READY
            _count_outcomes(batch)
            batch.save()


@transaction.atomic
def confirm_import(*, batch: ImportBatch, by: User, at: datetime) -> ImportBatch:
    """Report the good rows: from now on their cards count as received; the queue enters them."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.state != BatchState.READY:
        raise NotReady(_("This import is not waiting to be confirmed. Reload the page."))
    if not batch.ok:
        raise NothingToImport(
            _("No row of this file can be imported. Correct the file and send it again.")
        )
    batch.state, batch.confirmed_at = BatchState.RUNNING, at
    batch.touch(by, at)
    batch.save()
    audit.record(
        "surveillance.monitoring.confirm_import", batch, by=by, at=at, detail={"rows": batch.ok}
    )
    queue.enqueue(IMPORT_JOB, batch.pk, by=by, at=at)
    return batch


@transaction.atomic
def cancel_import(*, batch: ImportBatch, by: User | None, at: datetime) -> ImportBatch:
    """Give an import up before it is confirmed; the values of its rows are emptied."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.state not in (BatchState.CHECKING, BatchState.READY):
        raise NotReady(_("Only an import that was not confirmed yet can be cancelled."))
    batch.state, batch.ended_at = BatchState.CANCELLED, at
    batch.touch(by, at)
    batch.save()
    ImportRow.objects.filter(batch=batch).delete()
    audit.record("surveillance.monitoring.cancel_import", batch, by=by, at=at)
    return batch


def import_rows(
    *, batch: ImportBatch, at: datetime, progress: Progress | None = None
) -> ImportBatch:
    """Enter the good rows of a confirmed import, ``CHUNK`` rows per transaction."""
    if batch.state != BatchState.RUNNING:
        return batch  # done by an earlier try
    by = batch.changed_by
    assert by is not None and batch.confirmed_at is not None  # set by confirm_import
    desk = _Desk(batch, by, batch.confirmed_at)
    left = ImportRow.objects.filter(batch=batch, outcome=Outcome.OK).order_by("line")
    while True:
        with transaction.atomic():
            rows = list(left.select_for_update()[:CHUNK])
            if not rows:
                break
            _import_chunk(rows, desk, batch, by, at)
        if progress:
            progress(batch.ok - left.count(), batch.ok)
    return _finish(batch, by, at)


@transaction.atomic
def forget(*, at: datetime) -> int:
    """Empty what is left of the rows of old imports, and drop imports nobody confirmed."""
    until = at - KEPT_FOR
    unconfirmed = ImportBatch.objects.filter(
        state__in=[BatchState.CHECKING, BatchState.READY], created_at__lt=until
    )
    for batch in unconfirmed:
        cancel_import(batch=batch, by=None, at=at)
    old = ImportRow.objects.filter(batch__state=BatchState.DONE, batch__ended_at__lt=until)
    return old.exclude(values=[]).update(values=[], reasons=[])


# --- Checking ------------------------------------------------------------------------------------


class _Desk:
    """What all rows of one file share: the reader of cards, and places as records."""

    def __init__(self, batch: ImportBatch, by: User, at: datetime) -> None:
        self.gazetteer = queries.Gazetteer(by, at)
        self.gazetteer.facilities.setdefault(batch.facility_id, batch.facility)
        self.fields = [column["field"] for column in batch.columns]
        self.reader = Desk(
            pack_on=queries.pack_on,
            places=self.gazetteer,
            facility_id=batch.facility_id,
            now=at,
            zone=clock.zone(),
        )

    def read(self, row: ImportRow) -> tuple[Card | None, list[Reason]]:
        values = {f: v for f, v in zip(self.fields, row.values, strict=False) if f}
        card, faults = self.reader.read(values)
        if len(row.values) > len(self.fields):
            return None, [*faults, Reason("too_many_cells")]
        return card, faults

    def area(self, card: Card) -> Area | None:
        return self.gazetteer.area_named(card.person.area_id)

    def facility(self, card: Card) -> Facility:
        return self.gazetteer.facilities[card.facility_id]

    def place(self, card: Card) -> Area:
        return self.gazetteer.responsible(self.area(card), self.facility(card))


def _prints_before(batch: ImportBatch, desk: _Desk) -> dict[str, int]:
    """The cards of the rows that an interrupted check has passed: print to line."""
    rows = ImportRow.objects.filter(batch=batch, outcome=Outcome.OK).order_by("line")
    seen = {}
    for row in rows.iterator(chunk_size=CHUNK):
        card, _faults = desk.read(row)
        if card is not None:
            seen[card_print(card.person, card.case)] = row.line
    return seen


def _check_rows(
    rows: Sequence[ImportRow], desk: _Desk, batch: ImportBatch, seen: dict[str, int]
) -> None:
    prints: dict[int, str] = {}
    cards: dict[int, Card] = {}
    for row in rows:
        card, faults = desk.read(row)
        if card is not None and desk.place(card).county_id is None:
            faults, card = [Reason("no_county")], None
        if card is None:
            _decide(row, Outcome.ERROR, faults)
        else:
            cards[row.pk], prints[row.pk] = card, card_print(card.person, card.case)
    known = {case.card_print: case for case in Case.objects.filter(card_print__in=prints.values())}
    for row in rows:
        if row.pk not in cards:
            continue
        print_ = prints[row.pk]
        if print_ in known:
            _decide(row, Outcome.KNOWN, [said_of(known[print_], cards[row.pk].case)])
        elif print_ in seen:
            _decide(row, Outcome.KNOWN, [Reason("twice_in_file", {"line": seen[print_]})])
        else:
            seen[print_] = row.line
            _decide(row, Outcome.OK, [])
    _save(rows)


def _decide(row: ImportRow, outcome: Outcome, reasons: Sequence[Reason]) -> None:
    row.outcome = outcome
    row.reasons = [reason.plain() for reason in reasons]


def _save(rows: Sequence[ImportRow]) -> None:
    """Write the outcomes: those without a reason in one statement each, the others by row."""
    plain: dict[str, list[int]] = {}
    for row in rows:
        if not row.reasons:
            plain.setdefault(row.outcome, []).append(row.pk)
    for outcome, keys in plain.items():
        changed: dict[str, object] = {"outcome": outcome}
        if outcome == Outcome.IMPORTED:
            changed["values"] = []
        ImportRow.objects.filter(pk__in=keys).update(**changed)
    ImportRow.objects.bulk_update(
        [row for row in rows if row.reasons], ["outcome", "reasons", "values"], batch_size=200
    )


# --- Importing -----------------------------------------------------------------------------------


def _import_chunk(
    rows: Sequence[ImportRow], desk: _Desk, batch: ImportBatch, by: User, at: datetime
) -> None:
    """Enter one chunk: persons, cases, outcomes and one audit line, all or nothing."""
    assert batch.confirmed_at is not None
    entries = _entries(rows, desk, batch, by, at)
    made = enter(list(entries.values()), reported_at=batch.confirmed_at, by=by, at=at)
    by_key = {row.pk: row for row in rows}
    counted: list[Case] = []
    for key, result in zip(entries, made, strict=True):
        row = by_key[key]
        if isinstance(result, Case):
            counted.append(result)
            _decide(row, Outcome.IMPORTED, [])
        else:
            _decide(row, Outcome.KNOWN if result.same else Outcome.ERROR, result.reasons)
        if row.outcome != Outcome.ERROR:
            row.values = []
    _save(rows)
    audit.record(
        "surveillance.monitoring.import",
        batch,
        by=by,
        at=at,
        detail=dict(Counter(str(row.outcome) for row in rows)),
    )
    if counted:
        counts_changed(
            {case.county_id for case in counted}, {case.condition for case in counted}, at, by
        )


def _entries(
    rows: Sequence[ImportRow], desk: _Desk, batch: ImportBatch, by: User, at: datetime
) -> dict[int, Entry]:
    """The good rows ready to be entered, by key, their persons registered; others become errors."""
    cards: dict[int, Card] = {}
    refused: dict[int, list[Reason]] = {}
    for row in rows:
        card, faults = desk.read(row)
        if card is None:
            refused[row.pk] = faults
        else:
            cards[row.pk] = card
    wanted = [registration(c.person, desk.area(c), batch.synthetic, at) for c in cards.values()]
    entries = {}
    for (key, card), person in zip(
        cards.items(), people.register_many(rows=wanted, by=by, at=at), strict=True
    ):
        if isinstance(person, Refused):
            refused[key] = [Reason("said", {"text": str(person)})]
            continue
        entries[key] = Entry(
            person_id=person.pk,
            place=desk.place(card),
            facility=desk.facility(card),
            facts=card.case,
            card_print=card_print(card.person, card.case),
            synthetic=batch.synthetic,
            batch=batch,
        )
    for row in rows:
        if row.pk in refused:
            _decide(row, Outcome.ERROR, refused[row.pk])
    return entries


def _count_outcomes(batch: ImportBatch) -> None:
    rows = ImportRow.objects.filter(batch=batch)
    found = Counter(rows.values_list("outcome", flat=True))
    batch.ok = found[Outcome.OK]
    batch.errors = found[Outcome.ERROR]
    batch.known = found[Outcome.KNOWN]
    batch.imported = found[Outcome.IMPORTED]


@transaction.atomic
def _finish(batch: ImportBatch, by: User, at: datetime) -> ImportBatch:
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.state == BatchState.RUNNING:
        batch.state, batch.ended_at = BatchState.DONE, at
        _count_outcomes(batch)
        batch.touch(by, at)
        batch.save()
    return batch
