"""A case and its cards in the words of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.pages.export import plain

from . import rules, words
from .models import Case, Judged, ReportCard
from .types import Course, Origin

TONES = {"confirmed": "bad", "probable": "warn", "suspected": "info", "asymptomatic": "warn"}
TONES |= {"carrier": "warn"}

_SHOWN = (
    "condition",
    "case_class",
    "severity",
    "course",
    "onset_date",
    "diagnosed_at",
    "died_on",
    "relation",
    "origin",
    "doctor",
)


@dataclass(frozen=True)
class CardStory:
    """A card and what it changed: (field, before, after) in words."""

    card: ReportCard
    changes: list[tuple[str, str, str]]


def condition(case: Judged) -> str:
    """The name of the disease on the day of diagnosis."""
    return words.condition(case.definition, case.condition, clock.day_of(case.diagnosed_at))


def case_class(case: Judged) -> str:
    """The case class in words."""
    return words.named(case.definition, "case_classes", case.case_class)


def told(case: Judged, field: str) -> str:
    """One judged field in words; empty where nothing is said."""
    value = getattr(case, field)
    if field == "condition":
        return condition(case)
    if field == "case_class":
        return case_class(case)
    if field == "severity":
        return words.named(case.definition, "severity", value) if value else ""
    if field == "relation":
        return words.named(case.definition, "residence_relations", value) if value else ""
    if field == "course":
        return str(Course(value).label) if value else ""
    if field == "origin":
        return str(Origin(value).label)
    return plain(value)


def stories(cards: Sequence[ReportCard]) -> list[CardStory]:
    """The cards, newest first as given, each with what it says differently from the one before."""
    found = []
    for card, before in zip(cards, [*cards[1:], None], strict=True):
        other = [f for f in _SHOWN if before and getattr(card, f) != getattr(before, f)]
        changes = [(words.field(f), told(before, f), told(card, f)) for f in other if before]
        found.append(CardStory(card, changes))
    return found


def clock_of(case: Case) -> str:
    """How the report stood to its clock, in words: for files."""
    state = rules.clock_state(case.report_due_at, case.reported_at, case.reported_at)
    return {"on_time": _("reported in time"), "late": _("reported late")}.get(state, "")


def facts(case: Case) -> list[tuple[str, Any]]:
    """The judged facts of a case as label and words, without empty ones."""
    rows = [(words.field(field), told(case, field)) for field in _SHOWN]
    return [(label, text) for label, text in rows if text]


def in_words(case: Judged, field: str) -> str | None:
    """The codes of a card for the person it is about; None for what speaks for itself."""
    return told(case, field) if field in _SHOWN and getattr(case, field) else None
