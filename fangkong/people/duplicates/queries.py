"""Pairs that may be one person, and joined records, in the scope of a user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db.models import ForeignKey, Model, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from fangkong.core.commands.states import mark, version
from fangkong.core.privacy import PSEUDONYM
from fangkong.core.queue import queries as queue
from fangkong.core.walls.reach import everything

from ..models import IdentityDocument, Person, Phone
from ..types import DocumentKind
from . import rules
from .models import NOT_UNDONE, Merge, Pair, Run
from .types import FIND, JUDGE, Follower, Obstacle, followers

if TYPE_CHECKING:
    from fangkong.core.permissions import Scoped

JOB = "people.duplicates.find"
_STANDING = {
    f"{side}__{name}": value
    for side in ("one", "other")
    for name, value in (("merged_into__isnull", True), ("restricted_at__isnull", True))
}


# --- Pairs ----------------------------------------------------------------------------------------


def open_to(user: Scoped, at: datetime) -> QuerySet[Pair]:
    """The pairs that wait for a user's judgement: whoever reaches both persons.

    A pair across counties is for the prefecture. Nobody who was joined, or erased as far as a law
    lets it, stands in one.
    """
    return judged_too(user, at).filter(judged_at__isnull=True, **_STANDING)


def judged_too(user: Scoped, at: datetime) -> QuerySet[Pair]:
    """As ``open_to``, with pairs that were judged or joined: for the page of one pair."""
    scope = user.scope(JUDGE, at)
    # As the pair had it when it was found, which is what the wall knows, and as it is now.
    within = scope.q(county="county_id")
    within &= scope.q(county="one__county_id") & scope.q(county="other__county_id")
    return Pair.objects.filter(within).select_related(
        "one__area", "one__county", "other__area", "other__county", "judged_by", "run"
    )


def waiting_count(user: Scoped, at: datetime, most: int = 100) -> int:
    """How many pairs wait for a user, counted up to ``most``."""
    return len(open_to(user, at).order_by().values_list("pk")[:most])


def pairs_of(user: Scoped, at: datetime, person: Person) -> list[Pair]:
    """The pairs of a person that wait for a user, the likeliest first."""
    pairs = open_to(user, at).filter(Q(one=person) | Q(other=person))
    return list(pairs.order_by("-weight", "pk")[:5])


def has_pair_elsewhere(user: Scoped, at: datetime, person: Person) -> bool:
    """Whether a person waits in a pair that is for the prefecture; nothing is told of the other."""
    with everything():
        waiting = Pair.objects.filter(Q(one=person) | Q(other=person), judged_at__isnull=True)
        every = set(waiting.filter(**_STANDING).values_list("pk", flat=True))
    return bool(every - {pair.pk for pair in pairs_of(user, at, person)})


def state_of(pair: Pair) -> str:
    """What both records and the pair were when somebody looked at them."""
    return mark("\n".join(version(one) for one in (pair, pair.one, pair.other)))


def values_of(person: Person) -> dict[str, object]:
    """What a record says, by column, as ``rules`` compares it."""
    return {column: getattr(person, column) for of in rules.FIELDS.values() for column in of}


def numbers_of(keys: Sequence[int]) -> str:
    """The digest of the numbers of two persons, from their blind indexes."""
    documents = IdentityDocument.objects.filter(person_id__in=keys)
    phones = Phone.objects.filter(person_id__in=keys)
    return rules.numbers_digest(
        [
            *(f"{pk}:{kind}:{index}" for pk, kind, index in documents.exclude(
                kind=DocumentKind.NONE
            ).values_list("person_id", "kind", "number_index")),
            *(f"{pk}:{index}" for pk, index in phones.values_list("person_id", "number_index")),
        ]
    )  # fmt: skip


# --- What stands against a merge ------------------------------------------------------------------


def obstacles(kept: Person, gone: Person, at: datetime) -> list[Obstacle]:
    """Why two records cannot be joined as they are; the caller reaches both."""
    with everything():
        found = [*_own_obstacles(kept, gone)]
        for follower in followers():
            if follower.stands is not None:
                found += follower.stands(kept.pk, gone.pk, at)
    return found


def _own_obstacles(kept: Person, gone: Person) -> Iterator[Obstacle]:
    if kept.restricted_at or gone.restricted_at:
        yield Obstacle(
            _(
                "One of the two asked to be erased, and their data are only kept because a law says"
                " so: nothing is joined to them. If a new duty needs it, the restriction is lifted"
                " first."
            )
        )
    if kept.name.startswith(PSEUDONYM) or gone.name.startswith(PSEUDONYM):
        yield Obstacle(_("The data of one of the two were destroyed: nothing is left to join."))
    if kept.synthetic != gone.synthetic:
        yield Obstacle(_("One of the two is invented for the demonstration, the other is not."))
    numbers = IdentityDocument.objects.filter(
        person__in=[kept, gone], kind=DocumentKind.RESIDENT_ID
    )
    if len(set(numbers.values_list("number_index", flat=True))) > 1:
        yield Obstacle(
            _(
                "Each has a resident identity number of their own, and nobody has two: judge them"
                " two persons, unless one number is wrong; then have that one corrected first."
            )
        )


# --- What follows ---------------------------------------------------------------------------------


def model_of(follower: Follower) -> type[Model]:
    """The table of a key that follows."""
    return apps.get_model(follower.table)


def rows_to_move(follower: Follower, kept: Person, gone: Person) -> list[int]:
    """The rows of the record that goes which follow to the one that is kept."""
    rows = model_of(follower)._base_manager.filter(**{f"{follower.field}_id": gone.pk})
    stays = set(follower.stays(kept.pk, gone.pk)) if follower.stays else set()
    return [pk for pk in rows.order_by("pk").values_list("pk", flat=True) if pk not in stays]


def keys_to_persons() -> list[str]:
    """Every key to a person in the house, as "room.Table.field"."""
    return sorted(
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is Person
    )


def documents_that_stay(kept: int, gone: int) -> list[int]:
    """That somebody has no document is worth a note only where none is known (``ledger``)."""
    if not IdentityDocument.objects.filter(person_id=kept).exists():
        return []
    none = IdentityDocument.objects.filter(person_id=gone, kind=DocumentKind.NONE)
    return list(none.values_list("pk", flat=True))


def phones_that_stay(kept: int, gone: int) -> list[int]:
    """A number that is known of both stays where it is."""
    known = Phone.objects.filter(person_id=kept).exclude(number_index="")
    same = Phone.objects.filter(person_id=gone, number_index__in=known.values("number_index"))
    return list(same.values_list("pk", flat=True))


@dataclass(frozen=True)
class RowCount:
    """How many rows of one table are about a person."""

    label: str
    count: int


def row_counts(person: Person) -> list[RowCount]:
    """How many rows of each table would follow a person; the caller reaches the person."""
    from fangkong.core.purposes.types import called

    found = []
    with everything():
        for follower in followers():
            model = model_of(follower)
            if model is Person:
                continue
            rows = model._base_manager.filter(**{f"{follower.field}_id": person.pk})
            if count := rows.count():
                found.append(RowCount(str(called(model)), count))
    return found


# --- Joined records -------------------------------------------------------------------------------


def merges_open_to(user: Scoped, at: datetime) -> QuerySet[Merge]:
    """The joined records that a user may undo: those whose persons, or pair, the user reaches."""
    scope = user.scope(JUDGE, at)
    within = scope.q(county="county_id") & scope.q(county="kept__county_id")
    within &= scope.q(county="gone__county_id")
    return Merge.objects.filter(within).select_related(
        "kept__area", "kept__county", "gone__area", "gone__county", "created_by", "undone_by"
    )


def merges_of(user: Scoped, at: datetime, person: Person) -> list[Merge]:
    """What was joined to a person and not undone, as far as a user may undo it, newest first."""
    return list(merges_open_to(user, at).filter(NOT_UNDONE, kept=person).order_by("-pk")[:10])


def later_merge(merge: Merge) -> Merge | None:
    """A merge of the same records that stands, made after this one: it is undone first."""
    with everything():
        later = Merge.objects.filter(NOT_UNDONE, pk__gt=merge.pk)
        touched = Q(kept=merge.kept_id) | Q(gone=merge.kept_id)
        return later.filter(touched).order_by("-pk").first()


def signpost(user: Scoped, at: datetime, public_id: UUID) -> Person | None:
    """A record that was joined to another one, as far as the user may see persons where it was."""
    from ..types import VIEW

    within = user.scope(VIEW, at).q(county="county_id", area="area_id")
    rows = Person.objects.filter(within, merged_into__isnull=False, public_id=public_id)
    return rows.select_related("merged_into").first()


# --- Runs -----------------------------------------------------------------------------------------


def runs_open_to(user: Scoped, at: datetime) -> QuerySet[Run, Any]:
    """Every search, for those who may ask for one; ``job_state`` is the state of its newest job."""
    if not user.scope(FIND, at).everywhere:
        return Run.objects.none()
    newest = queue.jobs().filter(name=JOB, subject_id=OuterRef("pk")).order_by("-id")
    return Run.objects.select_related("created_by").annotate(
        job_state=Subquery(newest.values("state")[:1])
    )


def last_run() -> Run | None:
    """The newest search that is done."""
    return Run.objects.filter(ended_at__isnull=False).order_by("-ended_at").first()


def waiting_run() -> Run | None:
    """A search that has not begun."""
    return Run.objects.filter(started_at__isnull=True).order_by("pk").first()


def in_words(row: Model, field: str) -> str | None:
    """A person's copy tells that records were joined, not how the house keeps what was before."""
    hidden = {"kept_before", "kept_after", "gone_before", "moved", "agreed", "weight"}
    return "" if field in hidden else None


def signposts_kept(ids: list[int]) -> set[int]:
    """Those of these persons who lead to a record that still says who they are."""
    kept = Person.objects.filter(pk__in=ids, merged_into__isnull=False)
    kept = kept.exclude(merged_into__name__startswith=PSEUDONYM)
    return set(kept.values_list("pk", flat=True))
