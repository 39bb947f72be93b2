"""Burn rate, norms, projected need and days of cover. No database, no clock.

Quantities are smallest units of an item; days are counted from today, which is day 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Literal

Strategy = Literal["conventional", "contingency", "crisis"]
STRATEGIES: tuple[Strategy, ...] = ("conventional", "contingency", "crisis")
MOST_DAYS = 92  # that a need or a look ahead may span
LATE_DAYS = 366  # how far ahead a need may begin
RUNS_OUT = 3.0  # days of cover below which a place is in want


# --- Burn rate ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What one day did to an item at a place; ``used`` is part of ``went``."""

    came: int = 0
    went: int = 0
    used: int = 0


@dataclass(frozen=True)
class Burn:
    """What was used a day. ``a_day`` is None where nothing tells: there was never any stock."""

    a_day: float | None
    used: int
    days: int  # with stock
    window: int


def burn(held: int, changes: Sequence[Change]) -> Burn:
    """Use a day, over the days on which there was anything to use.

    ``held``: what is there on the evening of the last day. ``changes``: day by day, the oldest
    first. A day counts where there was stock in the morning, some came in, or some was used; days
    of stock-out, and those before the first goods came, say nothing of the need and are left out.
    So a ward that had masks on 5 of 14 days and used 50 used 10 a day, not 3.6. On the day on
    which it ran out it may have needed more than it used: that is not mended here.

    Source: adjusted consumption, as logistics of medicines has it (consumption divided by the days
    in stock: MSH, Managing Access to Medicines and Health Technologies, chapter 20; OpenLMIS counts
    its adjusted consumption so too). From memory.
    """
    used = days = 0
    evening = held
    for one in reversed(changes):
        morning = evening - one.came + one.went
        if morning > 0 or one.came > 0 or one.used > 0:
            days += 1
        used += one.used
        evening = morning
    used = max(0, used)  # more was taken back than was used within these days
    return Burn(used / days if days else None, used, days, len(changes))


def burnt(held: int, changes: Mapping[int, Sequence[int]], window: int) -> Burn:
    """``burn`` of a window of which most days did nothing, many times as quick.

    ``changes``: day of the window, counted from 0, the oldest, to what came, went and was used.
    """
    used = days = 0
    level, after = held, window  # the evening of the day before ``after``
    for day in sorted(changes, reverse=True):
        came, went, of_it = changes[day]
        days += after - 1 - day if level > 0 else 0  # nothing moved: the morning as the evening
        morning = level - came + went
        days += 1 if morning > 0 or came > 0 or of_it > 0 else 0
        used += of_it
        level, after = morning, day
    days += after if level > 0 else 0
    used = max(0, used)
    return Burn(used / days if days else None, used, days, window)


# --- Norms ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Norm:
    """How much of an item one of a role uses a day, by strategy."""

    item: str
    who: str
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True)
class Cared:
    """A role with the staff that one of it takes: hours a day by role, and their shifts."""

    who: str
    staff: Sequence[tuple[str, Decimal]] = ()
    shift_hours: Decimal = Decimal(8)


def rates(
    roles: Iterable[Cared], norms: Iterable[Norm], who: str, strategy: str
) -> dict[str, Fraction]:
    """What one head of a role uses a day, by item, with all of the staff that it takes.

    An inpatient who takes 16 hours of ward staff a day takes two of them at shifts of 8 hours,
    and uses what two of them use beside what the patient uses.
    """
    known = {one.who: one for one in roles}
    parts = {who: Fraction(1)}
    for other, hours in known[who].staff:
        shift = Fraction(known[other].shift_hours)
        parts[other] = parts.get(other, Fraction(0)) + Fraction(hours) / shift
    found: dict[str, Fraction] = {}
    for norm in norms:
        if norm.who in parts:
            amount = Fraction(norm.amounts[strategy]) * parts[norm.who]
            if amount:
                found[norm.item] = found.get(norm.item, Fraction(0)) + amount
    return found


# --- Need -----------------------------------------------------------------------------------------


def spread(quantity: int, days: int) -> list[int]:
    """A quantity over so many days, as evenly as whole pieces go; the sum stays."""
    return [quantity * (n + 1) // days - quantity * n // days for n in range(days)]


def within(first: date, last: date, values: Sequence[float], today: date, days: int) -> list[float]:
    """Values of the days from a first to a last, as seen from today on for so many days."""
    found = [0.0] * days
    for n, value in enumerate(values[: (last - first).days + 1]):
        place = (first - today).days + n
        if 0 <= place < days:
            found[place] += value
    return found


def added(many: Iterable[Sequence[float]], days: int) -> list[float]:
    """Day by day, the sum."""
    found = [0.0] * days
    for one in many:
        for n, value in enumerate(one[:days]):
            found[n] += value
    return found


def projected(
    burn_a_day: float | None, reported: Sequence[float], foreseen: Sequence[float], days: int
) -> list[float]:
    """What is needed a day: the largest of the present pace, what is reported, what is foreseen.

    They are not added: whoever reports the staff of a ward counts the same masks that the ward
    uses today. The present pace goes on where nobody says more.
    """
    pace = burn_a_day or 0.0
    found = []
    for n in range(days):
        told = reported[n] if n < len(reported) else 0.0
        seen = foreseen[n] if n < len(foreseen) else 0.0
        found.append(max(pace, told, seen))
    return found


def basis(burn_a_day: float | None, reported: Sequence[float], foreseen: Sequence[float]) -> str:
    """What most of the projected need rests on: "burn", "reported" or "foreseen"."""
    days = max(len(reported), len(foreseen))
    sums = {
        "burn": (burn_a_day or 0.0) * days,
        "reported": sum(reported),
        "foreseen": sum(foreseen),
    }
    return max(sums, key=lambda one: sums[one])


Quantiles = Mapping[float, Sequence[float]]


class BadForecast(ValueError):
    """A forecast that cannot be; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def checked(heads: Quantiles) -> Quantiles:
    """A forecast of heads a day: quantile → one number for each day, from today on.

    BadForecast: ``empty``, ``level`` (not between 0 and 1), ``lengths``, ``negative``, ``crossing``
    (a higher quantile lies below a lower one), ``long``.
    """
    if not heads or not all(len(values) for values in heads.values()):
        raise BadForecast("empty")
    if not all(0 < level < 1 for level in heads):
        raise BadForecast("level")
    if len({len(values) for values in heads.values()}) > 1:
        raise BadForecast("lengths")
    if any(len(values) > MOST_DAYS for values in heads.values()):
        raise BadForecast("long")
    if not all(0 <= value <= 10_000_000 for values in heads.values() for value in values):
        raise BadForecast("negative")
    rising = [heads[level] for level in sorted(heads)]
    for lower, upper in pairwise(rising):
        if any(a > b for a, b in zip(lower, upper, strict=True)):
            raise BadForecast("crossing")
    return heads


def foreseen(heads: Quantiles, rate: Fraction) -> dict[float, list[float]]:
    """The need of an item a day by quantile, from heads a day by quantile.

    A need rises with the heads, so its quantile of a day is that of the heads. Of sums over several
    days this holds where high days come together; sums of quantiles are then the widest that the
    sum of independent days could be, never too narrow above the middle.
    """
    return {
        level: [float(Fraction(value) * rate) for value in values]
        for level, values in sorted(checked(heads).items())
    }


# --- Days of cover --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """So much, good until a day (counted from today, included; None: always)."""

    quantity: int
    until: int | None = None


@dataclass(frozen=True)
class Outlook:
    """Day by day what is left in the evening and what was lacking. ``cover``: see ``cover``."""

    evenings: list[float]
    lacking: list[float]
    spoiled: float
    cover: float | None


def outlook(
    lots: Iterable[Held], coming: Iterable[tuple[int, int]], need: Sequence[float]
) -> Outlook:
    """How the stock goes if what expires first is used first.

    ``coming``: day and quantity of what is on its way; it counts from the morning of its day and
    keeps. ``need``: of each day. What is not used by its last good day is spoiled.
    """
    there: list[list[float]] = [
        [float(n), float("inf") if until is None else float(until)]
        for n, until in sorted(
            ((one.quantity, one.until) for one in lots if one.quantity > 0),
            key=lambda one: (one[1] is None, one[1] or 0),
        )
    ]
    arrivals: dict[int, float] = {}
    for day, quantity in coming:
        arrivals[max(0, day)] = arrivals.get(max(0, day), 0.0) + quantity
    evenings, lacking = [], []
    spoiled, cover = 0.0, None
    for day, wanted in enumerate(need):
        if day in arrivals:
            there.append([arrivals[day], float("inf")])
        while there and there[0][1] < day:
            spoiled += there.pop(0)[0]
        left = wanted
        while left > 1e-9 and there:
            part = min(left, there[0][0])
            there[0][0] -= part
            left -= part
            if there[0][0] <= 1e-9:
                there.pop(0)
        if left > 1e-9 and cover is None:
            cover = day + (wanted - left) / wanted
        lacking.append(max(0.0, left if left > 1e-9 else 0.0))
        evenings.append(sum(one[0] for one in there))
    if cover is None and any(value > 0 for value in need):
        cover = float(len(need))
    return Outlook(evenings, lacking, spoiled, cover)


def cover(
    lots: Iterable[Held], coming: Sequence[tuple[int, int]], need: Sequence[float]
) -> float | None:
    """For how many days from this morning on the need is met without a gap.

    At most the days that ``need`` has: then it lasts at least so long. None where nothing is
    needed. What arrives after the goods ran out does not mend the gap.
    """
    if not any(need):  # most goods lie still
        return None
    there = [one for one in lots if one.quantity > 0]
    last = len(need) - 1
    if not coming and all(one.until is None or one.until >= last for one in there):
        return _plainly(sum(one.quantity for one in there), need)  # they keep as far as one looks
    return outlook(there, coming, need).cover


def steady(lots: Sequence[Held], a_day: float, days: int) -> float | None:
    """``cover`` of a need that is the same every day, with nothing on its way: one division."""
    if not a_day:
        return None
    if any(one.until is not None and one.until < days - 1 for one in lots):
        return cover(lots, [], [a_day] * days)
    return min(float(days), sum(one.quantity for one in lots) / a_day)


def _plainly(left: float, need: Sequence[float]) -> float | None:
    """``cover`` of goods that keep, with nothing on its way."""
    for day, wanted in enumerate(need):
        if wanted > left + 1e-9:
            return day + left / wanted
        left = max(0.0, left - wanted)
    return float(len(need))


# --- Reserves -------------------------------------------------------------------------------------


def tone(days: float | None, reserve: int) -> str:
    """How a cover stands: "bad" in want, "warn" below the reserve, "good", or "" without a need."""
    if days is None:
        return ""
    if days < RUNS_OUT:
        return "bad"
    return "warn" if days < reserve else "good"


def to_reserve(stock: int, need: Sequence[float], reserve: int) -> int:
    """How many pieces are missing to hold the need of so many days, rounded up."""
    wanted = sum(need[:reserve])
    if len(need) < reserve and need:
        wanted += need[-1] * (reserve - len(need))
    return max(0, -int(-(wanted - stock) // 1))
