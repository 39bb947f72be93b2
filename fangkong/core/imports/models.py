"""Files that were sent: each a run, its rows in chunks, and how its columns were matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record
from fangkong.core.walls.types import Wall

from . import packing
from .types import Kind, Outcome, State, kind_named


class ImportRun(Record):
    """One file, from its upload to the last of its rows.

    The place is kept as plain ids: core lies below the rooms that know places. ``options`` is what
    the kind wants to remember of the upload, ids and switches only.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="area_id", facility="facility_id", by="created_by_id"
    )

    kind = models.CharField(max_length=60)
    file_name = models.CharField(_("file"), max_length=200)
    sha256 = models.CharField(max_length=64)
    encoding = models.CharField(_("encoding"), max_length=20)
    # [{"heading": …, "field": … or ""}] in file order; "filled": so many rows have got their value
    # from a merged cell
    columns = models.JSONField(default=list)
    unread_sheets = models.JSONField(default=list)  # names of other sheets of the workbook
    options = models.JSONField(default=dict)
    county_id = models.BigIntegerField(null=True)
    area_id = models.BigIntegerField(null=True)
    facility_id = models.BigIntegerField(null=True)
    place_name = models.CharField(_("for"), max_length=150, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.CHECKING
    )
    total = models.PositiveIntegerField(_("rows"), default=0)
    ok = models.PositiveIntegerField(_("ready"), default=0)
    errors = models.PositiveIntegerField(_("to be corrected"), default=0)
    known = models.PositiveIntegerField(_("already known"), default=0)
    imported = models.PositiveIntegerField(_("imported"), default=0)
    synthetic = models.BooleanField(default=False)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    forgotten_at = models.DateTimeField(_("destroyed"), null=True)  # what its rows said

    class Meta:
        indexes = [models.Index(fields=["kind", "created_at", "id"], name="import_run_by_time")]

    def __str__(self) -> str:
        return f"import {self.public_id}"

    def get_absolute_url(self) -> str:
        return self.kind_of.url("import_detail", self.public_id)

    @property
    def kind_of(self) -> Kind:
        return kind_named(self.kind)

    @property
    def fields(self) -> list[str]:
        """The field of each column, "" for those that are not read."""
        return [column["field"] for column in self.columns]

    @property
    def headings(self) -> list[str]:
        return [column["heading"] for column in self.columns]


@dataclass
class Row:
    """One line of a file. The values are gone as soon as it is imported."""

    line: int
    values: list[str]
    outcome: str = Outcome.UNCHECKED.value
    reasons: list[dict[str, Any]] = field(default_factory=list)
    print: str = ""


class ImportChunk(models.Model):
    """Up to a thousand rows of a file, sealed; checked and entered in one transaction each."""

    pii: ClassVar[dict[str, Personal]] = {
        "body": Personal("health", "erase", _("rows of the file")),
        "verdicts": Personal("health", "erase", _("what is wrong with the rows")),
    }
    wall: ClassVar[Wall] = Wall(through="run")
    retention: ClassVar[Retention] = Retention(
        _("emptied when the import is done"), by_room="fangkong.core.imports"
    )
    about: ClassVar[About] = About(
        nobody=_("sealed rows that no name finds; those entered are in the register")
    )

    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    number = models.PositiveIntegerField()
    total = models.PositiveIntegerField()
    checked = models.BooleanField(default=False)
    entered = models.BooleanField(default=False)
    ok = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    imported = models.PositiveIntegerField(default=0)
    body = models.BinaryField(default=b"")  # [[line, [cell, …]], …]
    verdicts = models.BinaryField(
        default=b""
    )  # [[outcome, [reason, …], print], …] in the same order

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="import_chunk_once")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.number}"

    def place(self, column: str) -> str:
        """What a column of this chunk is sealed to: it opens nowhere else."""
        return f"core_importchunk:{self.run_id}:{self.number}:{column}"

    def rows(self) -> list[Row]:
        """The rows with what was said of them."""
        said = packing.unpack(self.verdicts, self.place("verdicts"))
        body = packing.unpack(self.body, self.place("body"))
        rows = [Row(line, cells) for line, cells in body]
        for row, (outcome, reasons, print_) in zip(rows, said, strict=False):
            row.outcome, row.reasons, row.print = outcome, reasons, print_
        return rows

    def put(self, rows: Sequence[Row]) -> None:
        """Set what is said of the rows, with the sums; the caller saves."""
        said = [[row.outcome, row.reasons, row.print] for row in rows]
        self.verdicts = packing.pack(said, self.place("verdicts"))
        found = [row.outcome for row in rows]
        self.ok, self.errors = found.count(Outcome.OK), found.count(Outcome.ERROR)
        self.known, self.imported = found.count(Outcome.KNOWN), found.count(Outcome.IMPORTED)

    def empty(self, rows: Sequence[Row]) -> None:
        """Keep the values only of rows that are to be corrected; the caller saves."""
        left = [(row.line, row.values if row.outcome == Outcome.ERROR else []) for row in rows]
        self.body = packing.pack(left, self.place("body"))


class ColumnChoice(models.Model):
    """How a user has matched the columns of files with these headings, for the next such file."""

    pii: ClassVar[dict[str, Personal]] = {}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    headings = models.CharField(max_length=64)  # columns.print_of
    fields = models.JSONField(default=dict)  # bare heading -> field or ""
    chosen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "headings"], name="column_choice_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.headings[:8]}"
