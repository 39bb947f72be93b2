"""Requests of persons, in the scope of a user; and what stands against an erasure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models import Model as AnyModel

from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.dossier import queries as dossier
from fangkong.core.permissions import Permission, Scoped
from fangkong.core.retention import queries as retention
from fangkong.core.walls.reach import everything
from fangkong.packs import queries as packs

from ..models import Person
from . import rules
from .models import DataRequest
from .types import RECEIVE, Kind, State

if TYPE_CHECKING:
    from fangkong.packs.types import Clause

CORRECTIONS = ("people.correct", "people.add_document", "people.add_phone")
# What ``DataRequest.restricts`` says of one row. No join: whatever is asked beside it with "or"
# must not depend on the person.
_RESTRICTS = Q(kind=Kind.ERASE, state=State.PARTLY, lifted_at__isnull=True) & Q(
    Exists(Person.objects.filter(pk=OuterRef("person_id"), restricted_at__isnull=False))
)
# What ``DataRequest.lift_waits`` says of one row.
LIFT_WAITS = Q(lift_asked_at__isnull=False) & _RESTRICTS


def open_to(user: Scoped, at: datetime, permission: Permission = RECEIVE) -> QuerySet[DataRequest]:
    """The requests received in the user's counties."""
    within = user.scope(permission, at).q(county="county_id")
    return DataRequest.objects.filter(within).select_related(
        "person__county", "county", "created_by", "decided_by", "lift_asked_by", "lifted_by"
    )


def counts(rows: QuerySet[DataRequest]) -> list[tuple[str, int]]:
    """How many requests of each kind there were."""
    found = dict(rows.order_by().values_list("kind").annotate(n=Count("pk")))
    return [(str(kind.label), found.get(kind.value, 0)) for kind in Kind]


def answer_days(at: datetime) -> int | None:
    """Within how many days the rules in force want an answer."""
    term = packs.privacy_term_in_force(settings.FANGKONG_AREA, clock.day_of(at), "answer-request")
    return None if term is None else term.days


@dataclass(frozen=True)
class Erasure:
    """What would be erased of a person and what stays, with the duty that keeps it longest."""

    goes: tuple[tuple[type[AnyModel], tuple[int, ...], frozenset[str]], ...]  # rows, fields kept
    kept_until: date | None
    clause: Clause | None
    clause_code: str

    @property
    def rows(self) -> int:
        """How many rows would be emptied, wholly or in part."""
        return sum(len(ids) for _model, ids, _kept in self.goes)


def erasure(person: Person, at: datetime) -> Erasure:
    """What may be erased of a person now."""
    found = [
        (model, rows)
        for model, rows in dossier.rows_about(person)
        # Not the request itself, nor what the database rewrites as soon as the name goes.
        if retention.personal(model) and model is not DataRequest and not dossier.is_index(model)
    ]
    duties = retention.duties(type(person), person.pk, at)
    personal = {model._meta.label: set(retention.personal(model)) for model, _rows in found}
    stays = rules.what_stays(personal, [duty.keeps for duty in duties])
    longest = duties[0] if duties else None
    code = longest.clause if longest else ""
    return Erasure(
        goes=tuple(
            (model, tuple(row.pk for row in rows), stays[model._meta.label])
            for model, rows in found
            if personal[model._meta.label] - stays[model._meta.label]
        ),
        kept_until=longest.until if longest else None,
        clause=packs.clause_in_force(settings.FANGKONG_AREA, clock.day_of(at), code)
        if code
        else None,
        clause_code=code,
    )


def joined_to(person: Person) -> list[UUID]:
    """The records of the same person that were joined to this one, by public id."""
    joined = Person.objects.filter(merged_into=person).order_by("pk")
    return list(joined.values_list("public_id", flat=True))


def with_joined(person: Person) -> Q:
    """Which rows of the register are this person: the record, and those joined to it."""
    return Q(pk=person.pk) | Q(merged_into=person)


def standing_apart(person: Person | None, records: Collection[UUID]) -> list[Person]:
    """Those of these records that are not joined to the person, as in a backup from before that."""
    rows = Person.objects.select_for_update().filter(public_id__in=records)
    return [one for one in rows.order_by("pk") if person is None or one.merged_into_id != person.pk]


def was_corrected(request: DataRequest) -> bool:
    """Whether the person's data were corrected since the request was received."""
    return any(
        line.action in CORRECTIONS and line.at >= request.created_at
        for line in audit.history_of(request.person, limit=200)
    )


def restricting(person: Person) -> QuerySet[DataRequest]:
    """The erasures because of which what a law keeps of a person is not worked with."""
    return DataRequest.objects.filter(person=person).filter(_RESTRICTS)


def another_restricts(request: DataRequest) -> bool:
    """Whether another erasure of the person restricts too, wherever it was received.

    Whoever lifts one must know that it does not suffice; nothing else is told of the other.
    """
    with everything():
        return restricting(request.person).exclude(pk=request.pk).exists()


def waiting_count(user: Scoped, at: datetime) -> int:
    """How many requests wait for a decision, or for one on lifting a restriction."""
    return open_to(user, at).filter(Q(state=State.WAITING) | LIFT_WAITS).count()


def law_of(request: DataRequest, at: datetime) -> Clause | None:
    """The clause because of which something of the person is kept."""
    if not request.clause:
        return None
    return packs.clause_in_force(settings.FANGKONG_AREA, clock.day_of(at), request.clause)
