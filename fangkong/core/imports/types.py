"""What a room says about a kind of file that it imports, and what becomes of runs and rows.

A part declares its kind beside its actions::

    CARDS = imports.declare(Kind(name="surveillance.monitoring.cards", fields=[…], open=…, …))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from django.db import models
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit.types import name_verbs
from fangkong.core.pages import Form
from fangkong.core.permissions import Permission, Scoped

from . import columns
from .reasons import Reason as Reason

if TYPE_CHECKING:
    from .models import ImportRun

Words = str | Promise
Values = Mapping[str, str]  # field -> text, as the file has it
Again = Callable[[], Sequence[Values]]  # the rows themselves, where they are wanted after all

name_verbs(
    {
        "core.imports.upload": _("File uploaded"),
        "core.imports.match": _("Columns matched"),
        "core.imports.confirm": _("Import confirmed"),
        "core.imports.cancel": _("Import cancelled"),
        "core.imports.finish": _("Import finished"),
        "core.imports.forget": _("File destroyed"),
    }
)


class State(models.TextChoices):
    MATCHING = "matching", _("columns to be matched")
    CHECKING = "checking", _("being checked")
    READY = "ready", _("checked")
    RUNNING = "running", _("being imported")
    DONE = "done", _("imported")
    CANCELLED = "cancelled", _("cancelled")


class Outcome(models.TextChoices):
    """What became of one row of a file."""

    UNCHECKED = "unchecked", _("not checked yet")
    OK = "ok", _("ready")
    ERROR = "error", _("to be corrected")
    KNOWN = "known", _("already known")
    IMPORTED = "imported", _("imported")


class Claim(Protocol):
    """Whom a number in a row means. Rows of one file that claim the same ``key`` must agree."""

    @property
    def key(self) -> str: ...

    def contradicts(self, other: Any) -> bool:
        """Whether the two cannot both be right."""
        ...

    def joined(self, other: Any) -> Any:
        """The claim with what only the other one says."""
        ...


@dataclass(frozen=True)
class Judged:
    """What is to be said of a row. ``print``: a digest that the same row again has as well."""

    outcome: Outcome
    reasons: Sequence[Reason] = ()
    print: str = ""
    claim: Claim | None = None


class Desk(Protocol):
    """Where the rows of one run are judged and entered; opened once for a check or an import."""

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        """OK, ERROR (with every reason) or KNOWN for each row; nothing is written."""
        ...

    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        """IMPORTED, KNOWN or ERROR for each row, within the caller's transaction.

        Leaves a line in the audit trail for every record that it writes.
        """
        ...


class PreparingDesk(ABC):
    """A desk for files of a hundred thousand rows, which does in two steps what ``Desk`` does.

    What needs no database comes first, and may be done by another process (core/aside.py): it
    changes nothing at the desk, and its answers are plain values.
    """

    @abstractmethod
    def look(self, rows: Sequence[Values]) -> Any:
        """What can be said of rows without asking a database."""

    @abstractmethod
    def claims(self, looked: Any) -> Sequence[Claim | None]:
        """What the rows that were looked at claim, for a check that goes on after a kill."""

    @abstractmethod
    def check_looked(self, looked: Any, again: Again) -> list[Judged]:
        """``check``, of rows that were looked at."""

    @abstractmethod
    def prepare(self, rows: Sequence[Values], at: datetime) -> Any:
        """Rows made ready to be entered, without asking a database."""

    @abstractmethod
    def enter_prepared(self, prepared: Any, again: Again, at: datetime) -> list[Judged]:
        """``enter``, of rows that were prepared.

        Raises IntegrityError where another process has entered the same meanwhile: the caller
        rolls back, and enters the rows without preparation.
        """

    @abstractmethod
    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        """As ``Desk.enter``."""

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        """As ``Desk.check``."""
        return self.check_looked(self.look(rows), lambda: rows)


@dataclass(frozen=True)
class Field:
    """A column that is read. ``headings``: the names it is known by, Chinese then English first."""

    name: str
    label: Words
    headings: Sequence[str]
    required: bool = False
    in_template: bool = True
    is_moment: bool = False  # a day or a moment: the serial of a spreadsheet is told as one


@dataclass(frozen=True)
class Place:
    """Where a file belongs: whoever may import for this place sees the run."""

    county_id: int | None = None
    area_id: int | None = None
    facility_id: int | None = None
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of file. ``urls`` is what its pages' names begin with, ``args`` what their addresses
    take first (see ``views``)."""

    name: str
    title: Words
    permission: Permission
    urls: str
    args: Sequence[str] = ()
    fields: Sequence[Field]
    open: Callable[[ImportRun, Any, datetime], Desk]  # run, user, moment
    form: Callable[..., Form]  # the fields beside the file: form(data, files, user=…, at=…)
    chosen: Callable[[Mapping[str, Any]], tuple[Place, dict[str, object]]]  # from cleaned data
    in_words: Callable[[Iterable[Mapping[str, Any]]], list[str]]
    file_name: str  # of the template, without its ending
    previewed: Sequence[str] = ()  # fields whose cells help to find a row again
    promise: Words = ""  # what confirming does, said before it is done
    results: Callable[[ImportRun], str] = lambda run: ""  # where the imported records are listed
    portion: int = 0  # rows in one transaction where they are dear; else those of the kit
    imported: Callable[[ImportRun], None] = lambda run: None  # after the last row

    def names(self) -> dict[str, Sequence[str]]:
        """The headings of every field."""
        return {one.name: one.headings for one in self.fields} | {REASONS: REASON_HEADINGS}

    def known(self) -> dict[str, str]:
        """Every bare heading with its field."""
        return columns.known_names(self.names())

    def required(self) -> list[str]:
        return [one.name for one in self.fields if one.required]

    def url(self, name: str, *args: object) -> str:
        """The address of one of its pages: imports, import_detail, …"""
        return reverse(self.urls + name, args=[*self.args, *args])

    def label(self, name: str) -> str:
        """A field in words."""
        return next((str(one.label) for one in self.fields if one.name == name), name)

    def within(self, user: Scoped, at: datetime) -> models.Q:
        """The condition that keeps the runs that a user may see."""
        scope = user.scope(self.permission, at)
        return scope.q(county="county_id", area="area_id", facility="facility_id")


# The last column of an error file; not read when it comes back.
REASONS = "reasons"
REASON_HEADINGS = ("不能导入的原因", "Reasons", "原因")

_kinds: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    """Make a kind known under its name."""
    if kind.name in _kinds:
        raise ValueError(f"kind of import {kind.name} is declared twice")
    _kinds[kind.name] = kind
    return kind


def kind_named(name: str) -> Kind:
    """The kind of a run; KeyError where its room is not installed any more."""
    return _kinds[name]
