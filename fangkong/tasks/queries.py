"""Read tasks, in the scope of a user."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import get_language

from fangkong.core import clock
from fangkong.core.notices import types as notices
from fangkong.core.record import Record
from fangkong.core.roles import Role
from fangkong.packs import queries as packs

from . import rules, types
from .models import Task

if TYPE_CHECKING:
    from fangkong.accounts.models import User


def open_to(user: User, at: datetime) -> QuerySet[Task]:
    """The tasks that a user may see: those of own offices, and those of areas overseen."""
    overseen = user.scope(types.OVERSEE, at)
    if overseen.everywhere:
        return _listed()
    places = overseen.q(county="county_id", area="area_id", facility="facility_id")
    return _listed().filter(places | _of_offices(user, at) | Q(created_by=user.pk))


def titles(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of tasks are about."""
    return {task.public_id: task.title for task in open_to(user, at).filter(public_id__in=ids)}


notices.call_by_name("tasks:detail", titles)


def sees(user: User, public_id: UUID, at: datetime) -> bool:
    """Whether a user may see a task, and with it the files that prove it."""
    return open_to(user, at).filter(public_id=public_id).exists()


def mine(user: User, at: datetime) -> QuerySet[Task]:
    """Unfinished tasks that this user must see to: late first, then by due time.

    These are the tasks of the user's own offices and, for the headquarters, those that climbed to
    them. Late before due is the same as the order of due times; the urgent go first among equals.
    """
    unfinished = of_user(user, at).filter(state__in=rules.UNFINISHED)
    return unfinished.order_by("due_at", "-priority", "pk")


def of_user(user: User, at: datetime) -> QuerySet[Task]:
    """Tasks in any state that are this user's by office, or climbed to this user."""
    return _listed().filter(_of_offices(user, at) | _climbed_to(user, at))


def day_off(task: Task) -> types.DayOff | None:
    """Whether the end that somebody chose falls on a day off, and where it could go.

    Only for tasks given by hand: the clocks of the law run on holidays too.
    """
    day = clock.day_of(task.due_at)
    if task.kind != types.MANUAL.code or packs.is_workday(task.area.code, day):
        return None
    holiday = packs.holiday_on(task.area.code, day)
    later = packs.next_working_day(task.area.code, day) - day
    local = task.due_at.astimezone(clock.zone())
    return types.DayOff(
        name=holiday.name.in_language(get_language() or "") if holiday else "",
        instead=local + timedelta(days=later.days),
    )


def counts(user: User, at: datetime) -> types.Counts:
    """How many tasks this user must see to, in one statement."""
    late = Q(due_at__lt=at)
    found = (
        mine(user, at)
        .order_by()
        .aggregate(
            open=Count("pk", filter=Q(state=Task.State.OPEN)),
            accepted=Count("pk", filter=Q(state=Task.State.ACCEPTED)),
            late=Count("pk", filter=late),
            escalated=Count("pk", filter=Q(escalation_level__gt=0)),
        )
    )
    return types.Counts(**found)


def for_source(source: Record) -> QuerySet[Task]:
    """The tasks that serve a record, newest first."""
    return (
        _listed()
        .filter(source_type=source._meta.label_lower, source_id=source.public_id)
        .order_by("-pk")
    )


def awaited(source: Record, kind: str) -> bool:
    """Is a task of this kind that serves a record still to be done?"""
    return for_source(source).filter(kind=kind, state__in=rules.UNFINISHED).exists()


def unfinished_of(kind: str) -> QuerySet[Task]:
    """The unfinished tasks of a kind, whoever owns them: for the room whose records they serve."""
    return Task.objects.filter(kind=kind, state__in=rules.UNFINISHED).order_by("pk")


def last_given(kind: str, sources: Collection[Record]) -> dict[UUID, datetime]:
    """When a task of this kind that serves each of these records (of one type) was given last.

    By the public ids of the records; whatever became of the task.
    """
    if not sources:
        return {}
    label = next(iter(sources))._meta.label_lower
    ids = [source.public_id for source in sources]
    rows = Task.objects.filter(kind=kind, source_type=label, source_id__in=ids).order_by()
    return dict(rows.values_list("source_id").annotate(last=Max("created_at")))


def climbing(at: datetime) -> QuerySet[Task]:
    """Unfinished tasks that climb a step now, the longest overdue first."""
    return Task.objects.filter(escalates_at__lte=at, state__in=rules.UNFINISHED).order_by(
        "escalates_at", "pk"
    )


def owns(user: User, task: Task, at: datetime) -> bool:
    """Whether this user holds the office that owns the task, and may work on tasks at all."""
    if not user.scope(types.WORK, at):
        return False
    held = user.scope(types.own(task.owner_role), at)
    return held.holds(county_id=task.county_id, area_id=task.area_id, facility_id=task.facility_id)


def may_redirect(user: User, task: Task, at: datetime) -> bool:
    """Whether this user may reassign or cancel the task."""
    by_hand = task.kind == types.MANUAL.code and task.created_by_id == user.pk
    scope = user.scope(types.REDIRECT, at)
    return by_hand or scope.holds(county_id=task.county_id, area_id=task.area_id)


def _listed() -> QuerySet[Task]:
    return Task.objects.select_related("area", "facility", "owner", "escalated_to")


def _of_offices(user: User, at: datetime) -> Q:
    """Tasks whose owner is an office that this user holds."""
    found = Q(pk__in=[])
    for role in sorted(user.roles(at)):
        scope = user.scope(types.own(role), at)
        places = scope.q(county="county_id", area="area_id", facility="facility_id")
        found |= Q(owner_role=role) & places
    return found


def _climbed_to(user: User, at: datetime) -> Q:
    """Late tasks that climbed to an area whose headquarters this user is."""
    scope = user.scope(types.own(Role.HEADQUARTERS), at)
    within = scope.q(county="escalated_to_id", area="escalated_to_id")
    return Q(escalated_to__isnull=False) & within
