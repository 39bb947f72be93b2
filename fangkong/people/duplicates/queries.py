"""Pairs that may be one person, and joined records, in the scope of a user."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.apps import apps
from django.db.models import Field, ForeignKey, Model, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from fangkong.core.commands.states import mark, version
from fangkong.core.privacy import PSEUDONYM
from fangkong.core.purposes import types as purposes
from fangkong.core.queue import queries as queue
from fangkong.core.walls.reach import everything

from .. import queries as persons
from ..models import IdentityDocument, Person, Phone
from ..types import VIEW, DocumentKind
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
    return standing(user, at).filter(judged_at__isnull=True)


def apart(user: Scoped, at: datetime) -> QuerySet[Pair]:
    """The pairs that somebody judged to be two persons, as far as a user reaches both."""
    return standing(user, at).filter(judged_at__isnull=False)


def standing(user: Scoped, at: datetime) -> QuerySet[Pair]:
    """The pairs of records that stand by themselves, judged or not."""
    return judged_too(user, at).filter(**_STANDING)


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


def judges(user: Scoped, at: datetime, person: Person) -> bool:
    """Whether it is a user's work to judge whether a person was entered twice."""
    return user.scope(JUDGE, at).holds(county_id=person.county_id)


def has_pair_elsewhere(user: Scoped, at: datetime, person: Person) -> bool:
    """Whether a person waits in a pair that is for the prefecture; nothing is told of the other."""
    about = Q(one=person) | Q(other=person)
    own = set(open_to(user, at).filter(about).values_list("pk", flat=True))
    with everything():
        waiting = Pair.objects.filter(about, judged_at__isnull=True).filter(**_STANDING)
        return waiting.exclude(pk__in=own).exists()


def with_numbers(rows: QuerySet[Pair]) -> QuerySet[Pair]:
    """The same pairs with the documents and phones of both, for two records side by side."""
    return rows.prefetch_related(
        *(
            Prefetch(f"{side}__{name}", model.objects.order_by("pk"))
            for side in ("one", "other")
            for name, model in (("documents", IdentityDocument), ("phones", Phone))
        )
    )


def waits(pair: Pair) -> bool:
    """Whether a pair still is to be judged."""
    return pair.judged_at is None and not any(
        one.merged_into_id or one.restricted_at for one in (pair.one, pair.other)
    )


def stands_apart(pair: Pair) -> bool:
    """Whether it was judged to be two persons, and that can be taken back."""
    standing = not any(one.merged_into_id or one.restricted_at for one in (pair.one, pair.other))
    return pair.judged_at is not None and standing


def standing_merge(pair: Pair) -> Merge | None:
    """The joining of a pair's records, where it was not undone."""
    return Merge.objects.filter(NOT_UNDONE, pair=pair).first()


def county_words(row: Pair | Merge) -> str:
    """The county of a pair or merge; both where they are two."""
    two = (row.one, row.other) if isinstance(row, Pair) else (row.kept, row.gone)
    names = dict.fromkeys(one.county.display_short for one in two if one.county)
    return " / ".join(names)


def says(person: Person, field: str) -> bool:
    """Whether a record says anything of a field of ``rules.FIELDS``."""
    return rules.known(values_of(person), field)


def state_of(pair: Pair) -> str:
    """What both records were when somebody looked at them.

    Not the pair: a search that weighs it anew while somebody reads changes nothing of the persons.
    """
    return mark("\n".join(version(one) for one in (pair.one, pair.other)))


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


def counties_of(keys: Collection[int]) -> dict[int, int | None]:
    """The county of each of these persons who still may be compared."""
    found: dict[int, int | None] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), 5_000):
        rows = Person.objects.filter(pk__in=ordered[start : start + 5_000])
        rows = rows.filter(merged_into__isnull=True, restricted_at__isnull=True)
        found.update(rows.values_list("pk", "county_id"))
    return found


def apart_by_joining() -> set[tuple[int, int]]:
    """Pairs of records of whom others, joined to them by now, were judged to be two persons."""
    judged = Pair.objects.filter(judged_at__isnull=False).filter(
        Q(one__merged_into__isnull=False) | Q(other__merged_into__isnull=False)
    )
    return {
        rules.in_order(one_to or one, other_to or other)
        for one, one_to, other, other_to in judged.values_list(
            "one_id", "one__merged_into_id", "other_id", "other__merged_into_id"
        )
    }


def pairs_with_a_signpost() -> set[int]:
    """Pairs one of whose records was joined to another: they come back if that is undone."""
    merged = Q(one__merged_into__isnull=False) | Q(other__merged_into__isnull=False)
    return set(Pair.objects.filter(merged | Q(merges__isnull=False)).values_list("pk", flat=True))


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


def late_rows(follower: Follower) -> list[tuple[int, int]]:
    """Rows of a record that was joined to another one, but for those that stay with it: key, and
    key of the person.

    All that there was had moved, so they came since. Their own moments tell nothing: a request that
    began before the joining writes that moment.
    """
    field = follower.field
    rows = model_of(follower)._base_manager.filter(**{f"{field}__merged_into__isnull": False})
    found = rows.order_by("pk").values_list("pk", f"{field}_id", f"{field}__merged_into_id")
    late: list[tuple[int, int]] = []
    stays: dict[int, set[int]] = {}
    for key, gone, kept in found:
        if gone not in stays:
            stays[gone] = set(follower.stays(kept, gone)) if follower.stays else set()
        if key not in stays[gone]:
            late.append((key, gone))
    return late


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


def row_counts(person: Person) -> list[tuple[str, int]]:
    """How many rows of each table would follow a person; the caller reaches the person."""
    found = []
    with everything():
        for follower in followers():
            if model_of(follower) is Person:
                continue
            rows = model_of(follower)._base_manager.filter(**{f"{follower.field}_id": person.pk})
            if count := rows.count():
                found.append((called(follower.table), count))
    return found


def called(table: str) -> str:
    """A table as people call it."""
    return str(purposes.called(apps.get_model(table)))


# --- Joined records -------------------------------------------------------------------------------


def merges_open_to(user: Scoped, at: datetime) -> QuerySet[Merge]:
    """The joined records that a user may undo: those whose persons, or pair, the user reaches."""
    scope = user.scope(JUDGE, at)
    within = scope.q(county="county_id") & scope.q(county="kept__county_id")
    within &= scope.q(county="gone__county_id")
    return Merge.objects.filter(within).select_related(
        *("kept__area", "kept__county", "gone__area", "gone__county", "pair"),
        *("created_by", "undone_by"),
    )


def merges_of(user: Scoped, at: datetime, person: Person) -> list[Merge]:
    """What was joined to a person and not undone, as far as a user may undo it, newest first."""
    return list(merges_open_to(user, at).filter(NOT_UNDONE, kept=person).order_by("-pk")[:10])


def corrected_since(merge: Merge) -> list[str]:
    """The fields of the kept record that are no longer as the merge left them."""
    if not merge.kept_after:
        return []
    return rules.changed_since(unpacked(merge.kept_after), values_of(merge.kept))


def packed(values: Mapping[str, object]) -> str:
    """Values of a record as a text, to be sealed."""
    plain = {
        column: value.isoformat() if isinstance(value, date) else value
        for column, value in values.items()
    }
    return json.dumps(plain, ensure_ascii=False)


def unpacked(text: str) -> dict[str, Any]:
    """The values of ``packed``, as the columns hold them."""
    return {
        column: None if value is None else _field(column).to_python(value)
        for column, value in json.loads(text).items()
    }


def _field(column: str) -> Field[Any, Any]:
    return cast("Field[Any, Any]", Person._meta.get_field(column.removesuffix("_id")))


def later_merge(merge: Merge) -> Merge | None:
    """A merge of the same records that stands, made after this one: it is undone first."""
    with everything():
        later = Merge.objects.filter(NOT_UNDONE, pk__gt=merge.pk)
        touched = Q(kept=merge.kept_id) | Q(gone=merge.kept_id)
        return later.filter(touched).order_by("-pk").first()


def signpost(user: Scoped, at: datetime, public_id: UUID) -> Person | None:
    """A record that was joined to another one, for whoever may see persons where it was, or may
    open the one that is kept, as a hospital by its cases, which went along.
    """
    with everything():
        rows = Person.objects.filter(merged_into__isnull=False, public_id=public_id)
        sign = rows.select_related("merged_into").first()
    if sign is None or sign.merged_into is None:
        return None
    scope = user.scope(VIEW, at)
    here = scope.holds(county_id=sign.county_id, area_id=sign.area_id)
    opens = here or persons.one_open_to(user, at).filter(pk=sign.merged_into.pk).exists()
    return sign if opens else None


def merge_of_signpost(user: Scoped, at: datetime, sign: Person) -> Merge | None:
    """The joining by which a record became a signpost, as far as the user may undo it."""
    return merges_open_to(user, at).filter(NOT_UNDONE, gone=sign).first()


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


def signposts_kept(ids: list[int]) -> set[int]:
    """Those of these persons who lead to a record that still says who they are."""
    kept = Person.objects.filter(pk__in=ids, merged_into__isnull=False)
    kept = kept.exclude(merged_into__name__startswith=PSEUDONYM)
    return set(kept.values_list("pk", flat=True))
