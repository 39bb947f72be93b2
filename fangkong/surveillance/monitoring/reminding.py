"""Overdue reviews reach the desk: a task of the county CDC that climbs, and ends by the review."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.roles import Role
from fangkong.tasks import actions as tasks
from fangkong.tasks import queries as given
from fangkong.tasks.types import words as both

from . import queries
from .types import LATE_REVIEW_TASK, LATE_REVIEWS_TASK, ReviewState

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.record import Record
    from fangkong.places.models import Area
    from fangkong.tasks.models import Task
    from fangkong.tasks.types import Params

    from .models import Case

EACH_AT_MOST = 20  # cards of one disease and class of a county that are tasks of their own


def is_late(case: Case, at: datetime) -> bool:
    """Whether the review of a case is overdue."""
    due_at = case.review_due_at
    return case.review_state == ReviewState.WAITING and due_at is not None and due_at < at


@transaction.atomic
def remind(*, county: Area, at: datetime) -> list[Task]:
    """Tell the county CDC of overdue reviews, each card once; gives the new tasks.

    Where the pack says ``each``, a card is a task of its own, up to ``EACH_AT_MOST``. All others
    are one task of the county, given anew only when it is closed and further cards became overdue.
    A task that is not done within the pack's hours climbs, as all tasks do.
    """
    made: list[Task] = []
    others = []
    for kind in queries.late_reviews(county, at):
        rest = _remind_of_each(county, kind, made, at) if kind.late.each else kind
        if rest is not None:
            others.append(rest)
    if not others or given.awaited(county, LATE_REVIEWS_TASK.code):
        return made
    told_at = given.last_given(LATE_REVIEWS_TASK.code, [county]).get(county.public_id)
    if told_at is not None and told_at > max(one.last for one in others):
        return made
    since = min(one.first for one in others).astimezone(clock.zone())
    params: Params = {"count": sum(one.count for one in others), "since": f"{since:%Y-%m-%d %H:%M}"}
    hours = min(one.late.hours for one in others)
    made.append(_give(LATE_REVIEWS_TASK.code, county, county, params, hours, 2, at))
    return made


def _remind_of_each(
    county: Area, kind: queries.LateReview, made: list[Task], at: datetime
) -> queries.LateReview | None:
    """A task for each card of a kind that was not told yet; gives what is too much for that."""
    cards = list(queries.cards_past_review(county, kind, at)[: EACH_AT_MOST + 1])
    told = given.last_given(LATE_REVIEW_TASK.code, cards)
    name = queries.names_of(kind.condition, clock.day_of(at))
    for case in cards[:EACH_AT_MOST]:
        told_at = told.get(case.public_id)
        if told_at is None or (case.review_due_at is not None and told_at < case.review_due_at):
            params: Params = {"number": case.number, "condition": both(name.zh, name.en)}
            hours = kind.late.hours
            made.append(_give(LATE_REVIEW_TASK.code, case, county, params, hours, 3, at))
    if len(cards) <= EACH_AT_MOST:
        return None
    first = cards[EACH_AT_MOST].review_due_at or kind.first
    return replace(kind, count=kind.count - EACH_AT_MOST, first=first)


def _give(
    kind: str,
    source: Record,
    county: Area,
    params: Params,
    hours: int,
    priority: int,
    at: datetime,
) -> Task:
    return tasks.assign(
        kind=kind,
        params=params,
        area=county,
        role=Role.COUNTY_CDC,
        due_at=at + timedelta(hours=hours),
        priority=priority,
        source=source,
        by=None,
        at=at,
    )


def done(case: Case, proof: str, by: User | None, at: datetime) -> None:
    """What reminded of a review is done; that of the county where this was its last."""
    tasks.finish_for(source=case, kind=LATE_REVIEW_TASK.code, proof=proof, by=by, at=at)
    if not queries.county_is_late(case.county_id, at):
        county = queries.area_of(case.county_id)
        tasks.finish_for(source=county, kind=LATE_REVIEWS_TASK.code, proof=proof, by=by, at=at)


@transaction.atomic
def settle(*, at: datetime) -> int:
    """End reminders whose reviews are overdue no more although no review said so; their number.

    Such as those of two cards that were reviewed at the same moment.
    """
    proof, ended = _("No review is overdue any more."), []
    waiting = given.unfinished_of(LATE_REVIEW_TASK.code).values_list("source_id", flat=True)
    for case in queries.cases_not_late([key for key in waiting if key], at):
        kind = LATE_REVIEW_TASK.code
        ended += tasks.finish_for(source=case, kind=kind, proof=proof, by=None, at=at)
    for county_id in given.unfinished_of(LATE_REVIEWS_TASK.code).values_list("area_id", flat=True):
        if not queries.county_is_late(county_id, at):
            county, kind = queries.area_of(county_id), LATE_REVIEWS_TASK.code
            ended += tasks.finish_for(source=county, kind=kind, proof=proof, by=None, at=at)
    return len(ended)
