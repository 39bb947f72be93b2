"""How a report card is judged in six dimensions. Pure functions.

The lines of the pack in force on the day of diagnosis say what must be filled in, what contradicts
itself and what somebody should look at (``packs.types.CardCheck``); whether a card came and was
reviewed in time follows from the clocks that the case carries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from fangkong.packs.types import CardCheck
from fangkong.people import rules as people

from . import facts
from .facts import Audit, CardFacts, Finding

LATE_REPORT = Finding(facts.TIMELINESS, "reported-late")
LATE_REVIEW = Finding(facts.VERIFICATION, "reviewed-late")
NO_REVIEW = Finding(facts.VERIFICATION, "not-reviewed")
RETURNED = Finding(facts.VERIFICATION, "returned")
OWN = (LATE_REPORT, LATE_REVIEW, NO_REVIEW, RETURNED)

_ALWAYS = frozenset({facts.COMPLETENESS, facts.ACCURACY})


class Auditor:
    """Judges cards by the lines of one pack; lines are sorted out by disease and class once."""

    def __init__(
        self, checks: Sequence[CardCheck], discarded: frozenset[str] = frozenset()
    ) -> None:
        self.checks = checks
        self.discarded = discarded  # classes that are no cases: nobody judges their cards
        self.of: dict[tuple[str, str], list[CardCheck]] = {}

    def audit(self, card: CardFacts, *, now: datetime, today: date) -> Audit:
        """What is wrong with a card at a moment (``today`` is its day), in the order of lines."""
        key = (card.condition, card.case_class)
        checks = self.of.get(key)
        if checks is None:
            checks = self.of[key] = [one for one in self.checks if _concerns(one, *key)]
        judged = set(_ALWAYS) if self.checks else set()
        found = list(_by_the_clock(card, now, judged))
        for check in checks:
            if not _fits(check, card, today):
                continue
            judged.add(check.dimension)
            if not check.filled or not card.filled.issuperset(check.filled):
                found.append(Finding(check.dimension, check.code))
        return Audit(tuple(found), frozenset(judged))


def _concerns(check: CardCheck, condition: str, case_class: str) -> bool:
    return (not check.only or condition in check.only) and (
        not check.classes or case_class in check.classes
    )


def _fits(check: CardCheck, card: CardFacts, today: date) -> bool:
    """Whether a line about this disease and class concerns a card; an unknown age fits no age."""
    if check.occupations and card.occupation not in check.occupations:
        return False
    if check.relations and card.relation not in check.relations:
        return False
    if check.months_from is not None or check.months_below is not None:
        months = card.months
        if months is None or months < (check.months_from or 0):
            return False
        if check.months_below is not None and months >= check.months_below:
            return False
    if check.died and not card.died:
        return False
    if check.delay_days is not None and (
        card.onset is None or (card.diagnosed - card.onset).days < check.delay_days
    ):
        return False
    if check.open_days is not None and (today - card.diagnosed).days < check.open_days:
        return False
    return check.covers(card.diagnosed)


def _by_the_clock(card: CardFacts, now: datetime, judged: set[str]) -> list[Finding]:
    """Whether the card came in time and was reviewed in time; notes what it concerns."""
    found = []
    if card.report_due_at is not None:
        judged.add(facts.TIMELINESS)
        if card.reported_at > card.report_due_at:
            found.append(LATE_REPORT)
    if card.review_due_at is not None and (card.reviewed_at or now) > card.review_due_at:
        found.append(LATE_REVIEW if card.reviewed_at else NO_REVIEW)
    if card.returned:
        found.append(RETURNED)
    decided = card.reviewed_at is not None or now > (card.review_due_at or now)
    if (card.review_due_at is not None and decided) or card.returned:
        judged.add(facts.VERIFICATION)
    return found


def top(codes: dict[Finding, int], most: int) -> list[tuple[Finding, int]]:
    """The findings that are met most often, then by dimension and code."""
    return sorted(codes.items(), key=lambda item: (-item[1], item[0]))[:most]


def months_on(birth: date, day: date) -> int | None:
    """Full months of age on a day; None before birth."""
    return None if day < birth else people.full_months(birth, day)


def by_dimension(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """The findings of a card by what they judge, in the order of the dimensions."""
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        found[finding.dimension].append(finding)
    return {one: found[one] for one in facts.DIMENSIONS if one in found}
