"""What the search over everything finds: each room says how its own records are found.

A room registers in its ``finders.py``, which loads with the house; the search knows none::

    @finders.finder(_("Tasks"), "checklist")
    def tasks(user, at, text):
        return [Found(task.title, task.get_absolute_url(), task.office) for task in …]

A finder narrows to what the user may see, sends few statements, and shows persons masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Model
from django.utils.functional import Promise

from fangkong.core.spelling import search_text, spelled, syllables_of

SHORTEST_LATIN = 2  # one letter would fit nearly everything
EACH = 6


@dataclass(frozen=True)
class Found:
    """One record or page: its title, where it is, and what tells it apart from its like."""

    title: str
    url: str
    note: str = ""
    record: Model | None = None  # a person, or what leads to one: whoever finds it is noted


Finder = Callable[[Any, datetime, str], Iterable[Found]]


@dataclass(frozen=True)
class Kind:
    label: str | Promise
    icon: str
    find: Finder


@dataclass(frozen=True)
class Group:
    """What one finder found."""

    label: str | Promise
    icon: str
    found: list[Found]


_kinds: list[Kind] = []


def finder(label: str | Promise, icon: str) -> Callable[[Finder], Finder]:
    """Let the search over everything ask this function: (user, at, text) -> what is found."""

    def register(find: Finder) -> Finder:
        _kinds.append(Kind(label, icon, find))
        return find

    return register


def find(user: Any, at: datetime, text: str) -> list[Group]:
    """What every room finds for this user, in the order in which rooms load; empty groups go."""
    typed = text.strip()
    if not typed or (typed.isascii() and len(typed) < SHORTEST_LATIN):
        return []
    groups = [
        Group(kind.label, kind.icon, list(islice(kind.find(user, at, typed), EACH)))
        for kind in _kinds
    ]
    return [group for group in groups if group.found]


def fits(text: str, *names: str) -> bool:
    """Whether a typed text is part of one of these names, of their pinyin or its initials.

    For a handful of names that are in memory already; tables have a column for this.
    """
    typed = spelled(text)
    return any(typed in search_text([name], syllables_of(name)) for name in names if name)
