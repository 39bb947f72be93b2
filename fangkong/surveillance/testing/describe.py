"""A specimen in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from .models import Finding, Pool, Specimen, Tube


def condition(specimen: Tube) -> str:
    """The name of the disease on the day of the request."""
    return monitoring.condition(
        specimen.pack, specimen.condition, clock.day_of(specimen.created_at)
    )


def specimen_type(specimen: Tube) -> str:
    return words.named(specimen.pack, "specimens", specimen.specimen_type)


def group(specimen: Tube) -> str:
    return words.named(specimen.pack, "groups", specimen.test_group)


def in_words(specimen: Specimen, field: str) -> str | None:
    """The codes of a specimen for the person it is about; None for what speaks for itself."""
    told = {"condition": condition, "specimen_type": specimen_type, "test_group": group}
    return told[field](specimen) if field in told else None


def biosafety(specimen: Tube) -> str:
    """How the tube is handled and packed."""
    found = rules.specimen_type_of(_pack(specimen), specimen.specimen_type)
    return "" if found is None else found.biosafety


def clause(specimen: Tube) -> str:
    """The clause that set the promise, in words; empty before the collection."""
    pack = _pack(specimen)
    clauses = () if pack is None else pack.clauses
    found = next((one for one in clauses if one.code == specimen.clause), None)
    return "" if found is None else found.text.in_language(get_language() or "")


def _pack(specimen: Tube) -> Pack | None:
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
    "held": "bad",
    "released": "neutral",
}
OUTCOME_TONES = {"negative": "good", "positive": "bad", "grey": "warn", "invalid": "neutral"}


def state_badge(specimen: Tube) -> SafeString:
    """Where the tube stands, as a cell shows it."""
    return _badge(TONES[specimen.state], specimen.get_state_display())


def outcome_badge(specimen: Tube | Finding) -> SafeString:
    """The result as a cell shows it; nothing where there is none."""
    return badge_of(specimen.outcome, specimen.get_outcome_display())


def badge_of(outcome: str, said: str) -> SafeString:
    """The same of an outcome and its words."""
    return _badge(OUTCOME_TONES[outcome], said) if outcome else SafeString("")


def clock_badge(specimen: Tube, at: datetime) -> SafeString:
    """The promise: running or overdue, or how it was kept; nothing once no result will come."""
    if specimen.state in ("refused", "lost", "cancelled", "held", "released"):
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


def rule(pool: Pool) -> str:
    """The kind of pool in words: 10 in one."""
    return words.named(pool.pack, "pools", pool.rule)


def filled(pool: Pool, members: int) -> str:
    """How many persons are in it: 4 of 10."""
    return _("%(count)d of %(size)d") % {"count": members, "size": pool.size}


def ct(result: Finding) -> str:
    """The Ct values as people write them: ORF1ab 21.50, N 22.01."""
    return ct_of(result.ct)


def ct_of(values: Mapping[str, int]) -> str:
    return listed(f"{target} {value / 100:.2f}" for target, value in values.items())


@dataclass(frozen=True)
class Told:
    """A result in words."""

    result: Finding
    method: str
    ct: str
    badge: SafeString


def findings(tube: Tube, results: Sequence[Finding]) -> list[Told]:
    """The results of a tube, the newest in front as given."""
    return [
        Told(one, words.named(tube.pack, "methods", one.method), ct(one), outcome_badge(one))
        for one in results
    ]
