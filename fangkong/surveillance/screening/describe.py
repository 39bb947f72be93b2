"""Contacts and observations in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock
from fangkong.surveillance.monitoring import words as monitoring

from . import rules, words
from .models import Exposure, Observation, Visit

if TYPE_CHECKING:
    from fangkong.people.models import Person

MET_TONES = {"well": "good", "ill": "bad", "not_found": "warn"}
DAY_TONES = {"visited": "good", "missed": "bad", "due": "warn", "to_come": "neutral"}
ENDING_TONES = {"term": "good", "case": "bad", "moved": "info", "death": "bad", "error": "neutral"}
ENDING_TONES["ruled_out"] = "good"


def condition(row: Observation | Exposure) -> str:
    """The name of the disease on the day of the entry."""
    return monitoring.condition(row.pack, row.condition, clock.day_of(row.created_at))


def contact_class(row: Observation | Exposure) -> str:
    """The class that counts, or the tier of an arrival; in words also where it is none."""
    if isinstance(row, Observation) and row.tier and not row.contact_class:
        return words.named(row.pack, "tiers", row.tier)
    return words.named(row.pack, "classes", row.contact_class) or _("no contact by the rules")


def kind(exposure: Exposure) -> str:
    return words.named(exposure.pack, "kinds", exposure.kind)


def in_words(row: Observation | Exposure, field: str) -> str | None:
    """The codes for the person they are about; None for what speaks for itself."""
    if field in ("contact_class", "judged_class"):
        return words.named(row.pack, "classes", getattr(row, field))
    if field == "tier":
        return words.named(row.pack, "tiers", getattr(row, field))
    if field == "kind" and isinstance(row, Exposure):
        return kind(row)
    return condition(row) if field == "condition" else None


def person_cell(person: Person) -> SafeString:
    return format_html(
        '<span class="fk-masked" title="{}">{}</span>', _("masked"), person.masked_name
    )


def class_badge(row: Observation | Exposure) -> SafeString:
    tones = {"close-contact": "bad", "contact-of-contact": "warn"}
    if isinstance(row, Exposure) or not row.tier:
        tones[""] = "neutral"
    return badge(tones.get(row.contact_class, "info"), contact_class(row))


def window(exposure: Exposure) -> str:
    """On which days of the case an exposure counts."""
    first, last = exposure.window_first, exposure.window_last
    if first is None:
        return ""
    if last is None:
        return _("from %(first)s on") % {"first": first}
    return _("%(first)s to %(last)s") % {"first": first, "last": last}


def why(exposure: Exposure) -> str:
    """Why this is the class: the days that count, and the clause."""
    said = words.clause(exposure.pack, exposure.clause)
    days = window(exposure)
    if not days:
        return said
    return _("Days of the case that count: %(days)s. %(clause)s") % {"days": days, "clause": said}


def days_cell(row: Observation | Exposure) -> str:
    """2020-02-05 – 2020-02-18, or the one day."""
    first, last = row.first_date, row.last_date
    return str(first) if first == last else f"{first} – {last}"


def state(observation: Observation, at: datetime) -> str:
    """Where an observation stands, in words."""
    if observation.ending:
        return str(observation.get_ending_display())
    today = clock.day_of(at)
    if observation.last_date < today:
        return _("to be released")
    left = (observation.last_date - today).days
    return ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}


def state_badge(observation: Observation, at: datetime) -> SafeString:
    over = observation.last_date < clock.day_of(at)
    tone = ENDING_TONES.get(observation.ending) or ("warn" if over else "info")
    return badge(tone, state(observation, at))


def met_badge(visit: Visit) -> SafeString:
    return badge(MET_TONES.get(visit.met, "neutral"), visit.get_met_display())


def place(observation: Observation, day: date) -> str:
    """Where the person is to be on a day."""
    found = rules.phase_on(observation.phases, day)
    return "" if found is None else words.place(found["place"])


def badge(tone: str, said: str) -> SafeString:
    return SafeString(f'<span class="fk-badge" data-tone="{tone}">{escape(said)}</span>')


@dataclass(frozen=True)
class Day:
    """A day of an observation in words; ``test``: the rules ask for one on it."""

    day: date
    badge: SafeString
    place: str
    test: bool


def days(observation: Observation, visited: set[date], at: datetime) -> list[Day]:
    """The days of an observation; of one that ended those up to its end."""
    said = {
        "visited": _("visited"),
        "missed": _("missed"),
        "due": _("due today"),
        "to_come": _("to come"),
    }
    last = observation.last_date
    if observation.ended_date is not None:
        last = max(observation.first_date, min(last, observation.ended_date))
    found = []
    for day, stands in rules.days(observation.first_date, last, visited, clock.day_of(at)):
        phase = rules.phase_on(observation.phases, day)
        test = phase is not None and day.isoformat() in phase["tests"]
        drawn = badge(DAY_TONES[stands], said[stands])
        found.append(Day(day, drawn, place(observation, day), test))
    return found


def phases(observation: Observation) -> list[tuple[str, str, str, int, str]]:
    """The stretches of the term: place, first and last day, visits a day, days of tests."""
    return [
        (
            words.place(part["place"]),
            part["first"],
            part["last"],
            part["visits"],
            ", ".join(part["tests"]),
        )
        for part in observation.phases
    ]
