"""What a report card says, and the blocks that figures come in: plain data without Django."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

from fangkong.core.imports.reasons import Reason as Reason
from fangkong.packs.types import Distance
from fangkong.places.rules import ANYWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


IN_PREFECTURE: frozenset[Distance] = frozenset({"county", "prefecture"})


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """The patient as the card says; ``area_id`` is None for an address outside the home area."""

    name: str
    sex: str = "9"  # 1 male, 2 female, 9 not stated (GB/T 2261.1)
    birth_date: date | None = None
    age_years: int | None = None
    age_months: int | None = None  # of a child under two
    id_kind: str = ""
    id_number: str = ""
    phone: str = ""
    occupation: str = ""
    workplace: str = ""
    guardian: str = ""
    area_id: int | None = None
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseFacts:
    """The judged part of a card: everything that a revised report may change."""

    condition: str
    case_class: str
    diagnosed_at: datetime
    severity: str = ""
    course: str = ""
    onset_date: date | None = None
    died_on: date | None = None
    relation: str = ""
    origin: str = "unknown"
    origin_place: str = ""
    doctor: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Dwelling:
    """Where the address of a card lies, seen from the facility that reports.

    ``distances``: how far off that may be, as far as is known; ``home``: those within the home
    area, where the address must be known. ``county``: whether its county is. ``names``: the area
    that the address names, by language; ``near``: names of those it may mean instead.
    """

    distances: frozenset[Distance] = ANYWHERE
    home: frozenset[Distance] = IN_PREFECTURE
    county: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    written: str = ""
    near: tuple[str, ...] = ()


class CountKey(NamedTuple):
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
class PlacedCase:
    """A case with what its card says of where the patient lives, works or learns.

    ``village_id``: the village of the address, None where only the township is known. ``workplace``
    is as written on the card, with a class of a school behind it.
    """

    case_id: int
    county_id: int
    condition: str
    case_class: str
    day: date
    village_id: int | None
    occupation: str
    workplace: str


@dataclass(frozen=True)
class SeriesBlock:
    """Many daily series at once, for detection.

    ``labels[i]`` is (county id, condition) of row i; ``counts`` has shape (series, days), whole
    cases; ``first`` is the day of column 0 and ``last`` that of the last one. ``since``: the day of
    the register's first case; the zeros of days before it say nothing. None in an empty register.
    """

    labels: list[tuple[int, str]]
    counts: NDArray[np.int64]
    first: date
    last: date
    since: date | None

    @property
    def unknown_days(self) -> int:
        """How many columns lie before the register began to count."""
        days = len(self.counts[0]) if len(self.labels) else 0
        return days if self.since is None else min(max((self.since - self.first).days, 0), days)


@dataclass(frozen=True)
class Totals:
    """Cases as of a moment in a user's scope; ``by_county``: county id to (all, new today).

    ``waiting`` and ``overdue`` are reviews that are still to be done, the second past their time.
    """

    total: int = 0
    today: int = 0
    waiting: int = 0
    overdue: int = 0
    by_county: dict[int, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class CountsReport:
    """Cells whose kept number or sum of changes is not what the cases say: (cell, found, true)."""

    cells: int
    kept: list[tuple[CountKey, int, int]]
    changes: list[tuple[CountKey, int, int]]

    @property
    def right(self) -> bool:
        return not self.kept and not self.changes
