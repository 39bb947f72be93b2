"""Figures of a day as pages and files say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from fangkong.supplies.stock import words as amounts

from . import rules
from .types import DayState

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item

    from .models import DailyLine
    from .queries import Total
    from .rules import Sums

COLUMNS = (*rules.PARTS, "closing")
IN_ALL = ("opening", "received", "used", "lost", "found", "on_the_way", "closing")
TONES = {
    DayState.FILED: "good",
    DayState.NIL: "info",
    DayState.LATE: "warn",
    DayState.MISSING: "bad",
    DayState.WAITS: "neutral",
    DayState.RUNNING: "neutral",
}


def heads() -> dict[str, str]:
    """The names of the columns."""
    return {
        "opening": _("In the morning"),
        "received": _("From outside"),
        "arrived": _("From other counties"),
        "used": _("Used"),
        "sent": _("To other counties"),
        "lost": _("Lost"),
        "found": _("Found when counted"),
        "on_the_way": _("Between counties"),
        "closing": _("In the evening"),
    }


def cells(one: Sums | DailyLine | Total, names: Iterable[str]) -> list[tuple[str, str, str]]:
    """Name of the column, its head, and the number; a dash for nothing."""
    said = heads()
    return [
        (name, said[name], amounts.number(n) if (n := getattr(one, name)) else "–")
        for name in names
    ]


def ordered(lines: Iterable[Sums], items: Mapping[int, Item]) -> list[tuple[Item, Sums]]:
    """Figures beside their items, by class and name."""
    known = [(items[one.item], one) for one in lines]
    return sorted(known, key=lambda pair: (pair[0].kind, pair[0].name_zh, pair[0].pk))


def rows(lines: Iterable[Sums], items: Mapping[int, Item]) -> list[dict[str, Any]]:
    """Figures with their items, by class and name."""
    return [{"item": item, "cells": cells(one, COLUMNS)} for item, one in ordered(lines, items)]


def filed(lines: Iterable[DailyLine]) -> list[dict[str, Any]]:
    """The lines of a report."""
    return [{"item": one.item, "cells": cells(one, COLUMNS)} for one in lines]
