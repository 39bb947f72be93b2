"""Standards on labels, what an offer relieves, what became of gifts. No database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import floor

# Without the signs that are read as another: 0 and O, 1 and I and L, and U, heard as V.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 10  # 49 bits: nobody guesses another's in a lifetime of asking

_EDITION = re.compile(r"[-–—](\d{4})$")


def code_of(numbers: Iterable[int]) -> str:
    """A code from numbers drawn by chance, each below ``len(LETTERS)``."""
    return "".join(LETTERS[n] for n in numbers)


def read_code(text: str) -> str:
    """A code as people type it: in small letters, with spaces and hyphens."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def shown_code(code: str) -> str:
    """A code in two halves, easier to read aloud: 7KQF2-M9DTA."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


# --- Standards ------------------------------------------------------------------------------------


def _plain(standard: str) -> str:
    return "".join(standard.upper().replace("／", "/").split())


def conformity(label: str, wanted: str) -> str:
    """How the standard on a label stands to the one of the catalogue.

    ``fits``; ``edition``: another year of the same; ``other``; ``unnamed`` where the label says
    none; ``free`` where the catalogue asks for none.
    """
    if not _plain(wanted):
        return "free"
    if not _plain(label):
        return "unnamed"
    said, asked = _plain(label), _plain(wanted)
    if said == asked:
        return "fits"
    same = _EDITION.sub("", said) == _EDITION.sub("", asked)
    return "edition" if same else "other"


# --- What an offer relieves -----------------------------------------------------------------------


@dataclass(frozen=True)
class Relief:
    """What goods do for a place. ``runs_out``: the last day that its stock covers, None for never.

    ``days``: for how long what comes lasts. ``gap``: days without goods until it is there.
    """

    runs_out: date | None
    days: float | None
    gap: int


def relief(
    *, here: int, a_day: float, quantity: int, arrives_on: date | None, today: date
) -> Relief:
    """``here`` and ``quantity`` in smallest units, ``a_day`` how many are used a day.

    A day that the stock covers only in part counts as one without. Nothing runs out where nothing
    is used.
    """
    if a_day <= 0:
        return Relief(None, None, 0)
    covered = min(floor(here / a_day), 36_500)
    runs_out = today + timedelta(days=covered - 1)
    arrives = max(arrives_on or today, today)
    gap = max(0, (arrives - today).days - covered)
    return Relief(runs_out, quantity / a_day, gap)


# --- What became of gifts -------------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """So much of a gift from one place to another, summed up.

    ``source`` and ``target``: the key of a facility, or ``source``, ``used``, ``lost`` for what
    stands outside.
    """

    gift: int
    item: int
    source: int | str
    target: int | str
    quantity: int


@dataclass
class Fate:
    """What became of an item of a gift, in smallest units, each less what was taken back.

    ``given`` to each facility by others, ``left`` at each now. ``lost``: less what was found, so
    below zero where more was counted than ever came.
    """

    came: int = 0
    used: int = 0
    lost: int = 0
    given: dict[int, int] = field(default_factory=dict)
    left: dict[int, int] = field(default_factory=dict)

    @property
    def moved(self) -> bool:
        """Did anything happen to it?"""
        return bool(self.came or self.used or self.lost or any(self.given.values()))

    @property
    def held(self) -> int:
        return sum(self.left.values())

    def since(self, told: Fate) -> Fate:
        """What happened after it was ``told``; what is left is what is left now."""
        given = {
            key: self.given.get(key, 0) - told.given.get(key, 0)
            for key in sorted({*self.given, *told.given})
        }
        return Fate(
            came=self.came - told.came,
            used=self.used - told.used,
            lost=self.lost - told.lost,
            given={key: n for key, n in given.items() if n},
            left=dict(self.left),
        )


def fates(flows: Iterable[Flow]) -> dict[tuple[int, int], Fate]:
    """What became of each item of each gift: (gift, item) → fate.

    Goods that go from one facility to another are given to the other, less what comes back; within
    a facility nothing is given. What came is what is left, used and lost.
    """
    found: dict[tuple[int, int], Fate] = {}
    for one in flows:
        fate = found.setdefault((one.gift, one.item), Fate())
        for end, sign in ((one.source, -1), (one.target, 1)):
            _add(fate, end, sign * one.quantity)
        giver, taker = one.source, one.target
        if isinstance(giver, int) and isinstance(taker, int) and giver != taker:
            fate.given[taker] = fate.given.get(taker, 0) + one.quantity
            fate.given[giver] = fate.given.get(giver, 0) - one.quantity
    for fate in found.values():
        fate.left = {key: n for key, n in sorted(fate.left.items()) if n}
        fate.given = {key: n for key, n in sorted(fate.given.items()) if n}
    return found


def _add(fate: Fate, end: int | str, n: int) -> None:
    if isinstance(end, int):
        fate.left[end] = fate.left.get(end, 0) + n
    elif end == "source":
        fate.came -= n
    elif end == "used":
        fate.used += n
    elif end == "lost":
        fate.lost += n


def net_given(given: Mapping[int, int]) -> dict[int, int]:
    """To whom it went in the end: facilities that gave away more than they got are left out."""
    return {key: n for key, n in given.items() if n > 0}


def overdue(*, first_untold: date, today: date, within: int) -> bool:
    """Must the public be told by now? ``first_untold``: the day of the first line not yet told.

    ``within``: days; lines of the first day must be told before as many days have passed.
    """
    return (today - first_untold).days >= within


def stood(
    came_at: datetime | None, past: Iterable[tuple[str, str]], until: datetime
) -> datetime | None:
    """When money came that stood in the books at a moment; None where none did.

    ``came_at``: as it stands now. ``past``: ISO moments between which it had counted as come before
    that was taken back; at its end it counts no more.
    """
    if came_at is not None and came_at <= until:
        return came_at
    for first, last in past:
        came = datetime.fromisoformat(first)
        if came <= until < datetime.fromisoformat(last):
            return came
    return None


# --- Money ----------------------------------------------------------------------------------------


class NotMoney(ValueError):
    """Not an amount in yuan with at most two decimals."""


_YUAN = re.compile(r"\d{1,12}(\.\d{1,2})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3}){1,3}(\.\d{1,2})?", re.ASCII)


def fen(text: str) -> int:
    """An amount in yuan as people write it, in fen: 1,365,921.5 → 136592150; NotMoney."""
    plain = text.strip()
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _YUAN.fullmatch(plain):
        raise NotMoney(text)
    whole, _dot, part = plain.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def yuan(amount: int) -> str:
    """Fen as yuan, without decimals where there are none: 600000, 12.50."""
    whole, part = divmod(abs(amount), 100)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}.{part:02d}" if part else f"{sign}{whole:,}"
