"""Figures of bulletins as plain values. No Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

# By what the cases are split.
COUNTY, SEX, AGE, SOURCE, SEVERITY = "county", "sex", "age", "source", "severity"
# What a facility has said of a day.
CARDS, NIL, MISSING, OVERDUE = "cards", "nil", "missing", "overdue"


@dataclass(frozen=True)
class Figures:
    """The figures of a bulletin: whole cases; ages in completed years.

    ``splits``: of the total, by what, then by code (a county's code, a sex, a band of ages, an
    origin, a severity; "" is not stated). ``apart``: by class, cases that the definition does not
    count, such as suspected ones. ``cured`` and ``observed`` are None where nobody says.
    """

    total: int = 0
    new: int = 0
    removed: int = 0
    died: int = 0
    cured: int | None = None
    observed: int | None = None
    youngest: int | None = None
    oldest: int | None = None
    new_by_county: dict[str, int] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)
    splits: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def in_treatment(self) -> int | None:
        """Who is neither cured nor dead; None where nobody says who is cured."""
        return None if self.cured is None else self.total - self.cured - self.died

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Figures:
        """The figures as a row keeps them."""
        return cls(**{one.name: kept[one.name] for one in fields(cls) if one.name in kept})


@dataclass(frozen=True)
class Counted:
    """One case as it counted at a moment; ``age``: in completed years at the diagnosis."""

    case: int
    county: str
    sex: str
    age: int | None
    source: str
    severity: str
    died_on: date | None
