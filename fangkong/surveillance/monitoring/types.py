"""What others may use of monitoring: permissions, choices, and the blocks that figures come in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
from django.db import models
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from fangkong.core import permissions
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from fangkong.accounts.models import User

VIEW = permissions.declare(
    "surveillance.monitoring.view",
    _("See case reports and counts"),
    # A laboratory does not: it will see its own specimens, not the register of cases.
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
)
REPORT = permissions.declare(
    "surveillance.monitoring.report",
    _("Report cases and revise reports"),
    roles=[Role.HOSPITAL, Role.COUNTY_CDC, Role.HEADQUARTERS],
)
REVIEW = permissions.declare(
    "surveillance.monitoring.review", _("Review case reports"), roles=[Role.COUNTY_CDC]
)
IMPORT = permissions.declare(
    "surveillance.monitoring.import",
    _("Import files of report cards"),
    roles=[Role.HOSPITAL, Role.COUNTY_CDC, Role.HEADQUARTERS],
)


class Course(models.TextChoices):
    ACUTE = "acute", _("acute")
    CHRONIC = "chronic", _("chronic")


class Origin(models.TextChoices):
    """Where the infection was acquired (输入病例, 本地病例)."""

    UNKNOWN = "unknown", _("not known yet")
    LOCAL = "local", _("acquired locally")
    IMPORT = "import", _("imported")


class ReviewState(models.TextChoices):
    WAITING = "waiting", _("waiting for review")
    ACCEPTED = "accepted", _("accepted")
    RETURNED = "returned", _("returned")


class CardKind(models.TextChoices):
    INITIAL = "initial", _("initial report")
    REVISED = "revised", _("revised report")


class Basis(models.TextChoices):
    """Which day of a case a figure counts by."""

    ONSET = "onset", _("day of onset")
    DIAGNOSED = "diagnosed", _("day of diagnosis")
    REPORTED = "reported", _("day of report")


class BatchState(models.TextChoices):
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


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """The patient as the card says; what ``people`` needs to find or register the person."""

    name: str
    sex: str = ""
    birth_date: date | None = None
    age_years: int | None = None
    id_kind: str = "resident_id"
    id_number: str = ""
    phone: str = ""
    occupation: str = ""
    workplace: str = ""
    area_id: int | None = None
    address: str = ""
    guardian: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """The judged part of a card: everything a revised report may change."""

    condition: str
    case_class: str
    diagnosed_at: datetime
    severity: str = ""
    course: str = ""
    onset_date: date | None = None
    died_on: date | None = None
    relation: str = ""
    origin: str = Origin.UNKNOWN.value
    origin_place: str = ""
    doctor: str = ""
    remark: str = ""


@dataclass(frozen=True, order=True)
class CountKey:
    """One cell of the daily counts."""

    county_id: int
    condition: str
    basis: str
    day: date
    case_class: str
    definition: str


@dataclass(frozen=True)
class DayCount:
    """How many cases of one class one county has on one day."""

    county_id: int
    day: date
    case_class: str
    n: int


@dataclass(frozen=True)
class SeriesBlock:
    """Many daily series at once, for detection.

    ``labels[i]`` is (county id, condition) of row i; ``counts`` has shape (series, days), whole
    cases; ``first`` is the day of column 0 and ``last`` that of the last one.
    """

    labels: list[tuple[int, str]]
    counts: NDArray[np.int64]
    first: date
    last: date


@dataclass(frozen=True)
class Totals:
    """Reportable cases in the user's scope as of a moment; by county id: (all, new today)."""

    total: int = 0
    today: int = 0
    overdue: int = 0
    by_county: dict[int, tuple[int, int]] = field(default_factory=dict)


CountsListener = Callable[
    [Collection[int], Collection[str], datetime, "User | None"], None
]
_listeners: list[CountsListener] = []


def on_counts_changed(listener: CountsListener) -> None:
    """Have ``listener(county_ids, conditions, at, by)`` called whenever counts have changed.

    It runs inside the transaction of the report: keep it short and only queue work there.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def counts_changed(
    county_ids: Collection[int],
    conditions: Collection[str],
    at: datetime,
    by: User | None,
) -> None:
    """Tell every listener; called by the actions of this part."""
    for listener in _listeners:
        listener(county_ids, conditions, at, by)
