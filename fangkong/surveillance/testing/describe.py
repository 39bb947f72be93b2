"""A specimen in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.pages import cells
from fangkong.core.privacy import left
from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import Pack, UnknownCode
from fangkong.surveillance.monitoring import words as monitoring

from . import rules, words
from .models import Result, Specimen


def condition(specimen: Specimen) -> str:
    """The name of the disease on the day of the request."""
    return monitoring.condition(
        specimen.pack, specimen.condition, clock.day_of(specimen.created_at)
    )


def specimen_type(specimen: Specimen) -> str:
    return words.named(specimen.pack, "specimens", specimen.specimen_type)


def group(specimen: Specimen) -> str:
    return words.named(specimen.pack, "groups", specimen.test_group)


def in_words(specimen: Specimen, field: str) -> str | None:
    """The codes of a specimen for the person it is about; None for what speaks for itself."""
    told = {"condition": condition, "specimen_type": specimen_type, "test_group": group}
    return told[field](specimen) if field in told else None


def biosafety(specimen: Specimen) -> str:
    """How the tube is handled and packed."""
    found = rules.specimen_type_of(_pack(specimen), specimen.specimen_type)
    return "" if found is None else found.biosafety


def clause(specimen: Specimen) -> str:
    """The clause that set the promise, in words; empty before the collection."""
    pack = _pack(specimen)
    clauses = () if pack is None else pack.clauses
    found = next((one for one in clauses if one.code == specimen.clause), None)
    return "" if found is None else found.text.in_language(get_language() or "")


def _pack(specimen: Specimen) -> Pack | None:
    try:
        return packs.pack(specimen.pack)
    except UnknownCode:
        return None


TONES = {
    "requested": "neutral",
    "collected": "info",
    "shipped": "info",
    "received": "info",
    "tested": "warn",
    "reported": "good",
    "refused": "bad",
    "lost": "bad",
    "cancelled": "neutral",
}
OUTCOME_TONES = {"negative": "good", "positive": "bad", "grey": "warn", "invalid": "neutral"}


def state_badge(specimen: Specimen) -> SafeString:
    """Where the tube stands, as a cell shows it."""
    return _badge(TONES[specimen.state], specimen.get_state_display())


def outcome_badge(specimen: Specimen | Result) -> SafeString:
    """The result as a cell shows it; nothing where there is none."""
    if not specimen.outcome:
        return SafeString("")
    return _badge(OUTCOME_TONES[specimen.outcome], specimen.get_outcome_display())


def clock_badge(specimen: Specimen, at: datetime) -> SafeString:
    """The promise: running or overdue, or how it was kept; nothing once no result will come."""
    if specimen.state in ("refused", "lost", "cancelled"):
        return SafeString("")
    return cells.clock_html(specimen.due_at, at, specimen.reported_at)


def subject(specimen: Specimen) -> str:
    """Who or what was tested: a masked name, or the surface."""
    return left(specimen.site) if specimen.person is None else specimen.person.masked_name


def subject_cell(specimen: Specimen) -> SafeString:
    if specimen.person is None:
        return SafeString(escape(left(specimen.site)))
    return format_html(
        '<span class="fk-masked" title="{}">{}</span>', _("masked"), specimen.person.masked_name
    )


def _badge(tone: str, said: str) -> SafeString:
    return SafeString(f'<span class="fk-badge" data-tone="{tone}">{escape(said)}</span>')


def method(result: Result) -> str:
    """The method in words, by the pack of the specimen."""
    return words.named(result.specimen.pack, "methods", result.method)


def ct(result: Result) -> str:
    """The Ct values as people write them: ORF1ab 21.50, N 22.01."""
    return listed(f"{target} {value / 100:.2f}" for target, value in result.ct.items())


@dataclass(frozen=True)
class Finding:
    """A result in words."""

    result: Result
    method: str
    ct: str
    badge: SafeString


def findings(results: list[Result]) -> list[Finding]:
    """The results, the newest in front as given."""
    return [Finding(one, method(one), ct(one), outcome_badge(one)) for one in results]
