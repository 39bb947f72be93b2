"""What quality passes between its parts: facts, findings and tallies. No Django."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

# What of a report card is judged (报告卡质量的六个方面), in the order in which it is shown.
TIMELINESS, VERIFICATION = "timeliness", "verification"
COMPLETENESS, ACCURACY, IDENTITY, ALERT = "completeness", "accuracy", "identity", "alert"
DIMENSIONS = (TIMELINESS, VERIFICATION, COMPLETENESS, ACCURACY, IDENTITY, ALERT)


class Finding(NamedTuple):
    """What is wrong with a card, or to be looked at: a line of the pack or one of ``rules.OWN``."""

    dimension: str
    code: str


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What the quality of a card is judged by: what it says, what it leaves out, and its moments.

    ``months``: the age in full months on the day of diagnosis, None where it is not known.
    ``filled``: the fields of ``packs.types.CARD_FIELDS`` that say something.
    """

    condition: str
    case_class: str
    diagnosed: date
    months: int | None
    filled: frozenset[str]
    occupation: str = ""
    relation: str = ""
    onset: date | None = None
    died: bool = False
    reported_at: datetime
    report_due_at: datetime | None = None
    review_due_at: datetime | None = None
    reviewed_at: datetime | None = None
    returned: bool = False


class Audit(NamedTuple):
    """What a card was held against, and what was found."""

    findings: tuple[Finding, ...]
    judged: frozenset[str]  # the dimensions that concern this card


@dataclass
class Tally:
    """How many cards there were, and in each dimension how many it concerns and are at fault."""

    cards: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    faulty: Counter[str] = field(default_factory=Counter)
    codes: Counter[Finding] = field(default_factory=Counter)

    def add(self, audit: Audit) -> None:
        """Count one card."""
        self.cards += 1
        self.judged.update(audit.judged)
        self.faulty.update({finding.dimension for finding in audit.findings})
        self.codes.update(audit.findings)

    def right(self, dimension: str) -> int:
        """The cards that it concerns and that are not at fault."""
        return self.judged[dimension] - self.faulty[dimension]

    def rate(self, dimension: str) -> int | None:
        """The share of these in hundredths of a percent, rounded down; None of no card."""
        judged = self.judged[dimension]
        return 10_000 * self.right(dimension) // judged if judged else None
