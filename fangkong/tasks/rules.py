"""When a task is late, where it climbs to, and what may follow what. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from fangkong.core.spelling import shown

Due = Literal["ok", "soon", "late"]

# A task is "soon" in the last quarter of its time, but never earlier than 12 hours before its end.
SOON_SHARE = 4
SOON_AT_MOST = timedelta(hours=12)
# Between two steps of the ladder the level just told gets a day to see to it.
PAUSE = timedelta(hours=24)
SHORTEST_PROOF = 4  # Chinese characters; another word counts as two

NEXT: dict[str, frozenset[str]] = {
    "open": frozenset({"accepted", "done", "cancelled"}),
    "accepted": frozenset({"open", "done", "cancelled"}),
    "done": frozenset(),
    "cancelled": frozenset(),
}
UNFINISHED = ("open", "accepted")

Step = TypeVar("Step")


def may_follow(state: str, after: str) -> bool:
    """Whether a task may go from one state to another; done and cancelled are final."""
    return after in NEXT[state]


def due_state(
    given_at: datetime, due_at: datetime, at: datetime, done_at: datetime | None = None
) -> Due:
    """How a task stands against its clock at a moment, or stood when it was done.

    Due to the minute counts as in time: late begins after ``due_at``.
    """
    moment = done_at or at
    if moment > due_at:
        return "late"
    soon = min((due_at - given_at) / SOON_SHARE, SOON_AT_MOST)
    return "soon" if done_at is None and due_at - moment <= soon else "ok"


def ladder(chain: Sequence[Step], home: Step) -> list[Step]:
    """The areas above the owner's that a late task climbs to, nearest first.

    ``chain`` runs from the owner's own area upward. The ladder ends with the deployment's home
    area; an owner at the home area, or outside it, has nobody above here.
    """
    if home not in chain:
        return []
    return list(chain[1 : chain.index(home) + 1])


def next_climb(
    steps: int, level: int, due_at: datetime, climbed_at: datetime | None
) -> datetime | None:
    """When an unfinished task climbs next; None when it stands at the top of its ladder.

    The first step comes when the task is overdue, each further one a day after the last.
    """
    if level >= steps:
        return None
    return due_at if climbed_at is None else climbed_at + PAUSE


def is_proof(text: str) -> bool:
    """Whether a proof says something: two words at least, or four Chinese characters."""
    seen = shown(text)
    han = sum("\u4e00" <= sign <= "\u9fff" for sign in seen)
    words = re.findall(r"[^\W\u4e00-\u9fff]+", seen)
    return han + 2 * len(words) >= SHORTEST_PROOF
