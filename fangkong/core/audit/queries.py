"""Read the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TypeVar

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import QuerySet

from fangkong.core import clock

from .models import AuditLine, Finding, Review, RowChange, Seal, Sight
from .types import How

M = TypeVar("M", bound=models.Model)


def history_of(record: models.Model, *along: models.Model, limit: int = 50) -> list[AuditLine]:
    """The newest lines about one record, newest first, with who did them.

    ``along``: what the record came with, such as the message that held a result.
    """
    about = models.Q()
    for one in (record, *along):
        about |= models.Q(subject_type=one._meta.label_lower, subject_id=one.pk)
    return list(AuditLine.objects.filter(about).select_related("by").order_by("-id")[:limit])


def lines() -> QuerySet[AuditLine]:
    """The whole trail with who did what, for those who may read it (the auditor's page)."""
    return AuditLine.objects.select_related("by")


def sights(how: How) -> QuerySet[Sight]:
    """Whose records were seen in one way, by whom and when; rooms add up what is theirs."""
    return Sight.objects.filter(how=how)


def persons_of(record: models.Model) -> list[tuple[str, int]]:
    """Table and key of the persons whose record this is: itself, or those its keys lead to.

    The model of persons says ``is_person = True``.
    """
    return [
        (table, key)
        for table, attribute in person_keys(type(record))
        if (key := getattr(record, attribute)) is not None
    ]


@cache
def person_keys(model: type[models.Model]) -> tuple[tuple[str, str], ...]:
    """For a model: the tables of persons that it leads to, and the attribute with the key."""
    if getattr(model, "is_person", False):
        return ((model._meta.label_lower, "pk"),)
    return tuple(
        (field.related_model._meta.label_lower, field.attname)
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and getattr(field.related_model, "is_person", False)
    )


def row_changes_of(record: models.Model, limit: int = 50) -> list[RowChange]:
    """What the database saw of one row, newest first, with who did it."""
    return list(
        RowChange.objects.filter(table_name=record._meta.db_table, row_id=record.pk)
        .select_related("by")
        .order_by("-id")[:limit]
    )


def by_username(rows: QuerySet[M], username: str) -> QuerySet[M]:
    """Lines or views of one member of staff: by key, so that the order of an index is kept."""
    staff = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: username})
    return rows.filter(by_id=models.Subquery(staff.values("pk")[:1]))


def all_sights() -> QuerySet[Sight]:
    """Every view of a person's record, with who looked."""
    return Sight.objects.select_related("by")


def sights_of(person: models.Model) -> QuerySet[Sight]:
    """Every view of one person's record, oldest first, with who looked."""
    return (
        Sight.objects.filter(subject_type=person._meta.label_lower, subject_id=person.pk)
        .select_related("by")
        .order_by("pk")
    )


def lines_of(records: Iterable[models.Model]) -> list[AuditLine]:
    """What was done with these records, oldest first, with who did it."""
    fits = models.Q(pk__in=[])
    by_kind: dict[str, list[int]] = {}
    for record in records:
        by_kind.setdefault(record._meta.label_lower, []).append(record.pk)
    for kind, keys in by_kind.items():
        fits |= models.Q(subject_type=kind, subject_id__in=keys)
    return list(AuditLine.objects.filter(fits).select_related("by").order_by("pk"))


def lines_about(action: str) -> QuerySet[AuditLine]:
    """Every line of one verb, oldest first."""
    return AuditLine.objects.filter(action=action).order_by("pk")


def youngest(until: datetime) -> datetime | None:
    """The latest moment of a line up to this one; None where there is none."""
    lines = AuditLine.objects.filter(at__lte=until)
    return lines.order_by("-at", "-pk").values_list("at", flat=True).first()


def oldest(since: datetime, until: datetime) -> datetime | None:
    """The earliest moment of a line after ``since`` and up to ``until``; None without one."""
    lines = AuditLine.objects.filter(at__gt=since, at__lte=until)
    return lines.order_by("at", "pk").values_list("at", flat=True).first()


def findings() -> QuerySet[Finding]:
    """Every finding of the detector, with whom it is about."""
    return Finding.objects.select_related("by", "settled_by")


def reviews() -> QuerySet[Review]:
    """The weeks signed off, newest first."""
    return Review.objects.select_related("by").order_by("-week")


WEEK = timedelta(days=7)
LOOKED_BACK = 26  # weeks


def overdue_weeks(today: date) -> list[date]:
    """Mondays of weeks that nobody has signed off within the week after, newest first."""
    first = AuditLine.objects.order_by("at", "pk").values_list("at", flat=True).first()
    if first is None:
        return []
    begun = clock.day_of(first)
    monday = today - timedelta(days=today.weekday())
    weeks = [monday - n * WEEK for n in range(2, LOOKED_BACK + 2)]
    signed = set(Review.objects.filter(week__in=weeks).values_list("week", flat=True))
    return [week for week in weeks if week not in signed and week + WEEK > begun]


def newest_seal() -> Seal | None:
    """The head of the chain."""
    return Seal.objects.order_by("-number").first()


def sealed_until() -> dict[type[models.Model], int]:
    """Up to which id the lines and the views are sealed."""
    rows = Seal.objects.values_list("table_name").annotate(last=models.Max("last_id"))
    last = dict(rows.order_by())
    return {model: last.get(model._meta.db_table, 0) for model in (AuditLine, Sight)}


def oldest_unsealed_line() -> datetime | None:
    """Since when a line of the trail waits for its seal."""
    table = AuditLine._meta.db_table
    sealed = Seal.objects.filter(table_name=table).aggregate(last=models.Max("last_id"))["last"]
    waiting = AuditLine.objects.filter(pk__gt=sealed or 0).order_by("pk").values_list("at")
    found = waiting.first()
    return found[0] if found else None


@dataclass(frozen=True)
class Viewer:
    """How many persons somebody saw in a span, and how many of them in full."""

    username: str
    name: str
    persons: int
    revealed: int


@dataclass(frozen=True)
class Week:
    """What happened in a span of time, in numbers; pairs tell the span and the one before it."""

    actions: list[tuple[str, int]]
    sights: dict[str, tuple[int, int]]
    strangers: tuple[int, int]


def viewers(first: datetime, last: datetime, most: int = 8) -> list[Viewer]:
    """Who saw the most persons in a span, the most first."""
    rows = (
        Sight.objects.filter(at__gte=first, at__lt=last)
        .values_list("by")
        .annotate(
            persons=models.Count("subject_id", distinct=True),
            revealed=models.Count("subject_id", distinct=True, filter=models.Q(how=How.REVEALED)),
        )
        .order_by("-persons", "by")[:most]
    )
    users = get_user_model()._base_manager.in_bulk([key for key, _persons, _revealed in rows])
    return [
        Viewer(users[key].get_username(), str(users[key].display_name), persons, revealed)
        for key, persons, revealed in rows
    ]


def summary(before: datetime, first: datetime, last: datetime) -> Week:
    """Numbers of a span beside the one from ``before`` on, each table read once.

    The most frequent actions, views by way, and row changes by unknown writers.
    """
    lines = AuditLine.objects.filter(at__gte=first, at__lt=last)
    by_action = lines.values_list("action").annotate(n=models.Count("pk")).order_by("-n", "action")
    beside = {
        "now": models.Count("pk", filter=models.Q(at__gte=first)),
        "earlier": models.Count("pk", filter=models.Q(at__lt=first)),
    }
    seen = Sight.objects.filter(at__gte=before, at__lt=last)
    # As the index says it, which holds these alone.
    strangers = RowChange.objects.filter(at__gte=before, at__lt=last, role__gt="")
    told = strangers.aggregate(**beside)
    return Week(
        actions=list(by_action[:12]),
        sights={how: (n, m) for how, n, m in seen.values_list("how").annotate(**beside)},
        strangers=(told["now"], told["earlier"]),
    )
