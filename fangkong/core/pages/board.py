"""A board (columns by state) and a calendar of a month: usable by keyboard, without dragging."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fangkong.packs import queries as packs

Text = str | Promise


@dataclass(frozen=True)
class Move:
    """A state that a card may be moved to: a button that sends ``value`` as ``to``."""

    label: Text
    value: str


@dataclass(frozen=True)
class Card:
    """One record on a board. ``move_url`` takes the POST of a move; empty where none is open."""

    title: Text
    url: str
    note: Text = ""
    move_url: str = ""
    moves: Sequence[Move] = ()


@dataclass(frozen=True)
class BoardColumn:
    """All cards of one state."""

    label: Text
    cards: Sequence[Card]


@dataclass(frozen=True)
class Event:
    """Something on a day."""

    day: date
    title: Text
    url: str = ""


@dataclass(frozen=True)
class Mark:
    """What a day is by the calendar of the law: a holiday, or a weekend that is worked."""

    title: Text
    off: bool


@dataclass(frozen=True)
class Day:
    date: date
    within: bool  # the month shown, and not a day of its neighbours
    today: bool
    events: list[Event]
    mark: Mark | None = None


@dataclass(frozen=True)
class Month:
    """The calendar of a month; ``first`` is any day of it, weeks start on Monday."""

    title: Text
    first: date
    events: Sequence[Event]
    today: date
    marks: Mapping[date, Mark] = field(default_factory=dict)

    @property
    def weeks(self) -> list[list[Day]]:
        """Four to six weeks of seven days that cover the month."""
        days = calendar.Calendar(firstweekday=calendar.MONDAY)
        return [
            [self._day(day) for day in week]
            for week in days.monthdatescalendar(self.first.year, self.first.month)
        ]

    @property
    def weekdays(self) -> list[date]:
        """A Monday and the six days after it, to name the columns by."""
        monday = date(2020, 1, 6)
        return [monday + timedelta(n) for n in range(7)]

    @property
    def listed(self) -> list[Event]:
        """The events of the month by day: the same as a list."""
        within = (e for e in self.events if (e.day.year, e.day.month) == self._month)
        return sorted(within, key=lambda event: event.day)

    @property
    def marked(self) -> list[tuple[date, Mark]]:
        """The marks of the month by day."""
        within = (day for day in self.marks if (day.year, day.month) == self._month)
        return [(day, self.marks[day]) for day in sorted(within)]

    @property
    def previous(self) -> str:
        """The month before, as an address names it."""
        return (self.first.replace(day=1) - timedelta(1)).strftime("%Y-%m")

    @property
    def next(self) -> str:
        """The month after, as an address names it."""
        return (self.first.replace(day=28) + timedelta(4)).strftime("%Y-%m")

    @property
    def _month(self) -> tuple[int, int]:
        return self.first.year, self.first.month

    def _day(self, day: date) -> Day:
        events = [event for event in self.events if event.day == day]
        return Day(
            day,
            (day.year, day.month) == self._month,
            day == self.today,
            events,
            self.marks.get(day),
        )


def marks_of(area_code: str, first: date) -> dict[date, Mark]:
    """The holidays of an area and its weekends that are worked, for the month of a day.

    Named in the language of the page. The days of the neighbouring months that stand beside it are
    among them.
    """
    language = get_language() or ""
    found = {}
    for week in calendar.Calendar().monthdatescalendar(first.year, first.month):
        for day in week:
            if holiday := packs.holiday_on(area_code, day):
                found[day] = Mark(holiday.name.in_language(language), off=True)
            elif day.weekday() >= calendar.SATURDAY and packs.is_workday(area_code, day):
                found[day] = Mark(_("Working day"), off=False)
    return found
