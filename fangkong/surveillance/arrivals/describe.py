"""Arrivals and checkpoints in the words of the page."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock
from fangkong.surveillance.monitoring import words as monitoring
from fangkong.surveillance.screening import words as screening

from . import queries, words
from .models import Answer, Arrival, Checkpoint, RiskArea

if TYPE_CHECKING:
    from fangkong.packs.types import Question
    from fangkong.people.models import Person

STATE_TONES = {"waiting": "warn", "received": "good", "missing": "bad"}
HIDDEN = "···"


def person_cell(person: Person) -> SafeString:
    return format_html(
        '<span class="fk-masked" title="{}">{}</span>', _("masked"), person.masked_name
    )


def tier(arrival: Arrival) -> str:
    """The tier of an arrival in words."""
    return words.tier(arrival.pack, arrival.tier)


def badge(tone: str, said: str) -> SafeString:
    return format_html('<span class="fk-badge" data-tone="{}">{}</span>', tone, said)


def tier_badge(arrival: Arrival) -> SafeString:
    """The tier, in the colour of what it asks for."""
    places = {part["place"] for part in arrival.phases}
    tone = "neutral"
    if arrival.not_yet or "central" in places:
        tone = "bad"
    elif places:
        tone = "warn"
    elif arrival.tier:
        tone = "info"
    return badge(tone, tier(arrival))


def state(arrival: Arrival) -> str:
    """Where an arrival stands, in words."""
    return _("withdrawn") if arrival.withdrawn_at else str(arrival.get_state_display())


def state_badge(arrival: Arrival, at: datetime) -> SafeString:
    tone = "neutral" if arrival.withdrawn_at else STATE_TONES[arrival.state]
    return badge(tone, state(arrival))


def checkpoint(arrival: Arrival) -> str:
    return "" if arrival.checkpoint is None else arrival.checkpoint.facility.display_name


def condition(row: Arrival | RiskArea) -> str:
    """The name of the disease on the day of the rules."""
    if isinstance(row, Arrival):
        return monitoring.condition(row.pack, row.condition, row.as_of)
    return monitoring.condition(queries.pack_on(row.valid_from).id, row.condition, row.valid_from)


def in_words(row: Arrival, field: str) -> str | None:
    """The codes for the person they are about; None for what speaks for itself."""
    if field == "tier":
        return tier(row)
    if field == "stays":
        return "; ".join(f"{one['name']} {one['last']}" for one in row.stays)
    return condition(row) if field == "condition" else None


def management(arrival: Arrival) -> list[str]:
    """What the person is asked to do, stretch by stretch, in the words that one tells them."""
    return [
        _("%(first)s to %(last)s: %(place)s, seen %(times)s")
        % {
            "first": part["first"],
            "last": part["last"],
            "place": screening.place(part["place"]),
            "times": ngettext("%(n)s time a day", "%(n)s times a day", part["visits"])
            % {"n": part["visits"]},
        }
        for part in arrival.phases
    ]


def tests(arrival: Arrival) -> list[str]:
    """Until when the tests after the entry are due, and on which days of the watch."""
    due = [datetime.fromisoformat(one).astimezone(clock.zone()) for one in arrival.tests_due]
    said = [_("a test by %(moment)s") % {"moment": f"{one:%Y-%m-%d %H:%M}"} for one in due]
    days = [day for part in arrival.phases for day in part["tests"]]
    if days:
        said.append(_("tests on %(days)s") % {"days": ", ".join(days)})
    return said


def answers(rows: list[Answer], day: date) -> list[tuple[str, str]]:
    """The questions with their answers; what is personal beyond the need stays hidden."""
    asked: dict[str, Question] = {row.code: row for row in queries.questions_on(day)}
    return [
        (words.question(asked[one.question]), shown(asked[one.question], one.value))
        for one in rows
        if one.question in asked and one.value
    ]


def in_full(rows: list[Answer], day: date) -> list[tuple[str, str]]:
    """The questions with their answers as they were given."""
    asked: dict[str, Question] = {row.code: row for row in queries.questions_on(day)}
    return [
        (words.question(asked[one.question]), words.answer(asked[one.question], one.value))
        for one in rows
        if one.question in asked
    ]


def shown(row: Question, value: str, *, plain: bool | None = None) -> str:
    """An answer for the eyes of those who stand at the gate."""
    open_ = queries.is_plain(row.code) if plain is None else plain
    return words.answer(row, value) if open_ else HIDDEN


def hours(post: Checkpoint) -> str:
    """When a checkpoint works."""
    if post.opens is None:
        return _("day and night")
    return f"{post.opens}:00–{post.closes}:00"


def days(row: RiskArea) -> str:
    """From when to when an area is announced."""
    return f"{row.valid_from} – {row.valid_to or _('further notice')}"
