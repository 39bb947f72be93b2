"""A case and its cards in the words of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.pages import cells
from fangkong.core.pages.export import plain

from . import rules, words
from .models import Case, Judged, ReportCard
from .types import Course, Origin, ReviewState

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


def class_badge(case: Case) -> SafeString:
    """The case class as a cell shows it."""
    tone, said = TONES.get(case.case_class, "neutral"), escape(case_class(case))
    return SafeString(f'<span class="fk-badge" data-tone="{tone}">{said}</span>')


def patient(case: Case) -> SafeString:
    """The masked patient as a cell shows them."""
    before, after = _around_patient(case.synthetic, get_language())
    return SafeString(f"{before}{escape(case.person.masked_name)}{after}")


@cache
def _around_patient(synthetic: bool, language: str | None) -> tuple[str, str]:
    """The same in every row of a page; ``language`` is the one of now."""
    before = f'<span class="fk-masked" title="{escape(_("masked"))}">'
    if not synthetic:
        return before, "</span>"
    title, mark = escape(_("Made up for the demonstration")), escape(_("made up"))
    return before, f'</span> <span class="fk-mark-synthetic" title="{title}">{mark}</span>'


def report_badge(case: Case, at: datetime) -> SafeString:
    """How the report stood to its clock, also while the card still waits for its review."""
    return cells.clock_html(case.report_due_at, at, case.reported_at)


def review_badge(case: Case, at: datetime) -> SafeString:
    """The clock of the review: running, or how it ended; a returned card says that instead."""
    if case.review_state == ReviewState.RETURNED:
        label = case.get_review_state_display()
        return format_html('<span class="fk-badge" data-tone="warn">{}</span>', label)
    return cells.clock_html(case.review_due_at, at, case.reviewed_at)


def review_of(case: Case) -> str:
    """Where the review stands, in words: for files."""
    return str(case.get_review_state_display())


def facts(case: Case) -> list[tuple[str, Any]]:
    """The judged facts of a case as label and words, without empty ones."""
    rows = [(words.field(field), told(case, field)) for field in _SHOWN]
    return [(label, text) for label, text in rows if text]


def in_words(case: Judged, field: str) -> str | None:
    """The codes of a card for the person it is about; None for what speaks for itself."""
    return told(case, field) if field in _SHOWN and getattr(case, field) else None
