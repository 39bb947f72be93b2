"""``fangkong places import FILE``: areas or facilities of another place from a file, whole or not.

Where one row is wrong nothing is written; every wrong row is told with its reasons.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from fangkong.core import clock
from fangkong.core.imports import columns
from fangkong.core.imports.actions import FileContent
from fangkong.core.imports.types import Judged, Kind, Outcome, Values
from fangkong.core.refusals import Refused
from fangkong.places.imports import KINDS

TOLD = 20  # wrong rows that are told one by one


class Command(BaseCommand):
    help = "Import areas or facilities from a CSV or XLSX file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", choices=sorted(KINDS), default="areas")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        kind = KINDS[options["kind"]]
        try:
            data = options["file"].read_bytes()
        except OSError as problem:
            raise CommandError(f"{options['file']} cannot be read: {problem.strerror}") from None
        lines, rows, unread = _rows(kind, data)
        with transaction.atomic():
            told = _entered(kind, lines, rows, dry=options["dry_run"])
        self.stdout.write(f"places: {told}")
        if unread:
            self.stdout.write(f"places: not read, no such field: {', '.join(unread)}")


def _rows(kind: Kind, data: bytes) -> tuple[list[int], list[Values], list[str]]:
    """Line numbers, rows by field, and the headings that are no field."""
    try:
        table = FileContent(data).table(kind)
    except Refused as problem:
        raise CommandError(str(problem)) from None
    fields = columns.matched(table.headings, kind.known())
    if missing := columns.missing(fields, kind.required()):
        wanted = {one.name: one.headings for one in kind.fields}
        hints = "; ".join(" / ".join(wanted[name]) for name in missing)
        raise CommandError(f"a column is missing. Name its heading one of: {hints}")
    if twice := columns.twice(fields):
        raise CommandError(f"two columns are the same field: {', '.join(twice)}. Rename one.")
    if columns.guessed(table.headings, kind.known()):
        raise CommandError(
            "the headings stand in several lines. Write each in one cell of one line."
        )
    lines: list[int] = []
    rows: list[Values] = []
    for piece in table.pieces:
        for line, cells in json.loads(zlib.decompress(piece.body)):
            lines.append(line)
            rows.append({f: c for f, c in zip(fields, cells, strict=False) if f and c})
    unread = [heading for heading, f in zip(table.headings, fields, strict=True) if not f]
    return lines, rows, [heading[:40] for heading in unread if heading.strip()]


def _entered(kind: Kind, lines: list[int], rows: list[Values], *, dry: bool) -> str:
    at = clock.now()
    desk = kind.open(None, None, at)  # type: ignore[arg-type]  # no run: nobody signed in
    judged = desk.check(rows)
    _refuse(kind, list(zip(lines, judged, strict=True)))
    good = [(n, r) for n, r, j in zip(lines, rows, judged, strict=True) if j.outcome == Outcome.OK]
    known = len(rows) - len(good)
    if dry:
        return f"{len(good)} would be written, {known} are known already. Nothing was written."
    written = desk.enter([row for _, row in good], at)
    _refuse(kind, list(zip([line for line, _ in good], written, strict=True)))
    return f"{len(good)} written, {known} known already"


def _refuse(kind: Kind, judged: list[tuple[int, Judged]]) -> None:
    wrong = [(line, one) for line, one in judged if one.outcome == Outcome.ERROR]
    if not wrong:
        return
    told = [f"line {line}: {_said(kind, one)}" for line, one in wrong[:TOLD]]
    if len(wrong) > TOLD:
        told.append(f"and {len(wrong) - TOLD} more rows.")
    raise CommandError("nothing was written. " + " ".join(told))


def _said(kind: Kind, judged: Judged) -> str:
    return " ".join(kind.in_words([reason.plain() for reason in judged.reasons]))
