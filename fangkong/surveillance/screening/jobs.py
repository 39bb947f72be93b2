"""What screening does by the clock, and whom the nightly destruction leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from fangkong.core import clock
from fangkong.core.queue.actions import schedule
from fangkong.core.retention.queries import hold

from . import actions, queries
from .imports import CONTACTS

__all__ = ["CONTACTS"]  # the queue of imports must know the kind

REVISED_WITHIN = timedelta(hours=2)  # a worker that slept so long misses none


@schedule("surveillance.screening.convert", "* * * * *")
def convert(at: datetime) -> None:
    """Who became a case is watched no more; within a minute of the card.

    Each by itself: an observation that ended meanwhile stops no other.
    """
    for observation, case in queries.to_convert(clock.day_of(at)):
        with suppress(actions.Ended):
            actions.convert(observation=observation, case=case, by=None, at=at)


@schedule("surveillance.screening.alarm", "30 6 * * *")
def alarm(at: datetime) -> None:
    """At half past six units and counties read whom they missed."""
    actions.alarm(at=at)


@hold("people.Person")
def watched(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever was exposed or watched is kept as long as that."""
    return queries.persons_kept(ids, at)


@schedule("surveillance.screening.onsets", "7,22,37,52 * * * *")
def onsets(at: datetime) -> None:
    """Four times an hour: after a revision a county reads which contacts are otherwise."""
    for case in queries.cases_revised_since(at - REVISED_WITHIN):
        actions.tell_otherwise(case=case, at=at)
