"""What screening does by the clock and when a card comes; whom the nightly destruction leaves."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, messages
from fangkong.core.queue.actions import enqueue, schedule, work
from fangkong.core.queue.types import Progress
from fangkong.core.retention.queries import hold
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.types import on_case_told
from fangkong.surveillance.testing.types import ask_who_is_watched

from . import actions, queries, rules
from .imports import CONTACTS

__all__ = ["CONTACTS"]  # the queue of imports must know the kind

REVISED_WITHIN = timedelta(hours=2)  # a worker that slept so long misses none


def told(case: Case, at: datetime, revised: bool) -> None:
    """A card came: its person is watched no more in the same transaction, its contacts are looked
    at by the queue. Both are asked with the last message of the command, and mostly nothing is."""
    person_id = case.person_id

    def convert_person(rows: list[messages.Row]) -> None:
        if rows:
            _convert(at, person_id)

    def look_at_contacts(rows: list[messages.Row]) -> None:
        if rows:
            enqueue("surveillance.screening.revised", case.pk, by=None, at=at)

    if rules.counts_as_case(case.case_class):
        messages.at_end(queries.is_watched(person_id), convert_person)
    if revised:
        messages.at_end(queries.has_contacts(case.pk), look_at_contacts)


@schedule("surveillance.screening.convert", "* * * * *")
def convert(at: datetime) -> None:
    """Who became a case by a card of a file, or by two records joined, within a minute."""
    _convert(at)


def _convert(at: datetime, person_id: int | None = None) -> None:
    """Each by itself: an observation that ended meanwhile stops no other."""
    for observation, case in queries.to_convert(clock.day_of(at), person_id):
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


@work("surveillance.screening.revised", title=_("Look at the contacts of a revised case"))
def revised(case_id: int, at: datetime, progress: Progress) -> None:
    """At once after a revision a county reads which contacts are otherwise."""
    for case in queries.cases_with_keys([case_id]):
        actions.tell_otherwise(case=case, at=at)


@schedule("surveillance.screening.onsets", "7,22,37,52 * * * *")
def onsets(at: datetime) -> None:
    """Four times an hour the same for what came otherwise, as by a file."""
    for case in queries.cases_revised_since(at - REVISED_WITHIN):
        actions.tell_otherwise(case=case, at=at)


def connect() -> None:
    """Listen to cards, and say who is a contact; done once when this module is found."""
    on_case_told(told)
    ask_who_is_watched(queries.watched_as)


connect()
