"""Who else has to know that a sheet is taken back. Whoever depends on sheets says so here.

Rooms and parts above answer within the transaction of the taking back. What they hold of their own
they hold first, before the places of the sheet are held: always in this order, so that nobody waits
in a ring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fangkong.accounts.models import User

    from .models import Entry

Hold = Callable[["Entry"], None]
Told = Callable[["Entry", "User | None", datetime], None]


@dataclass(frozen=True)
class _Listener:
    hold: Hold
    told: Told


_listeners: list[_Listener] = []


def listen(hold: Hold, told: Told) -> None:
    """``hold`` locks what depends on a sheet, ``told`` hears that it was taken back."""
    one = _Listener(hold, told)
    if one not in _listeners:
        _listeners.append(one)


def hold(entry: Entry) -> None:
    """All that depends on a sheet is held until the transaction ends."""
    for one in _listeners:
        one.hold(entry)


def tell(entry: Entry, by: User | None, at: datetime) -> None:
    """The sheet was taken back."""
    for one in _listeners:
        one.told(entry, by, at)
