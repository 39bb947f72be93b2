"""What is right about sweeps: days, doors, and how coverage is reckoned. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

LONGEST = 92  # days of a sweep; longer is a mistyped year
FURTHEST = 92  # days until it begins
MOST_RESIDENTS = 99
TEMPERATURES = range(340, 431)
_HAN = "[\u3400-\u9fff]"


@dataclass(frozen=True)
class Coverage:
    """How far a cell is: of ``doors`` known, so many were ``seen``, and ``done`` (registered or
    empty) as of their last visit. ``people``: those told at registered doors."""

    doors: int = 0
    seen: int = 0
    done: int = 0
    people: int = 0
    ill: int = 0
    last: date | None = None

    @property
    def share(self) -> float | None:
        """Doors done of doors known, in percent; None where no door is known, which is not 100."""
        return None if not self.doors else 100 * self.done / self.doors


def together(several: Iterable[Coverage]) -> Coverage:
    """The coverage of cells taken together."""
    rows = list(several)
    days = [one.last for one in rows if one.last is not None]
    return Coverage(
        doors=sum(one.doors for one in rows),
        seen=sum(one.seen for one in rows),
        done=sum(one.done for one in rows),
        people=sum(one.people for one in rows),
        ill=sum(one.ill for one in rows),
        last=max(days, default=None),
    )


def sweep_faults(first: date, last: date, today: date) -> Iterator[tuple[str, str]]:
    """What cannot be right about the days of a sweep that is begun today: field and code."""
    if last < first:
        yield "last_date", "days_reversed"
    elif last < today:
        yield "last_date", "over_already"
    elif (first - today).days > FURTHEST:
        yield "first_date", "too_far"
    elif (last - first).days >= LONGEST:
        yield "last_date", "too_long"


def one_in_another(cells: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The names of a cell and of another one that it lies in; None where none does.

    ``cells``: path in the tree (``0001/0002/``) and name of each.
    """
    outer = ("", "")
    for path, name in sorted(dict(cells).items()):
        if outer[0] and path.startswith(outer[0]):
            return name, outer[1]
        outer = (path, name)
    return None


def door_faults(
    outcome: str, known: Iterable[str], residents: int | None
) -> Iterator[tuple[str, str]]:
    """What cannot be right about a visit of a door."""
    if outcome not in known:
        yield "outcome", "no_outcome"
    if outcome == "registered" and residents is None:
        yield "residents", "how_many"
    elif residents is not None and outcome != "registered":
        yield "residents", "only_registered"
    elif residents is not None and not 1 <= residents <= MOST_RESIDENTS:
        yield "residents", "no_household"


def new_doors(text: str) -> list[str]:
    """The doors of a list, one a line; blank lines and repetitions are left out."""
    return list(dict.fromkeys(line for raw in text.splitlines() if (line := one_spelling(raw))))


def one_spelling(door: str) -> str:
    """A door as it is kept: 团结路１２ 号 is 团结路12号. Blanks stay between Latin words."""
    plain = " ".join(unicodedata.normalize("NFKC", door).split())
    return re.sub(rf"(?<={_HAN}) | (?={_HAN})", "", plain)
