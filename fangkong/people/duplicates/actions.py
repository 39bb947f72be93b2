"""Search the register for persons entered twice; join two records, undo it, or keep them apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.emergency import actions as emergency
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.bulk import looked_over
from fangkong.core.free_text import refuse_numbers
from fangkong.core.queue import actions as queue
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, filled
from fangkong.core.sentences import listed
from fangkong.core.spelling import shown
from fangkong.core.walls.reach import everything

from ..intake import checked
from ..models import Person
from ..types import Document, DocumentKind, Registration
from . import finding, queries, rules
from .finding import Found, Progress
from .linkage import Options
from .models import NOT_UNDONE, Merge, Pair, Run
from .types import Obstacle, Trigger, followers

if TYPE_CHECKING:
    from fangkong.accounts.models import User

REASON_LENGTH = range(4, 401)
CHUNK = 5_000  # keys in one statement
_STAMPS = ("changed_at", "changed_by_id")
_OPENED = "accounts.EmergencyAccess.person_key"  # a public id, not a key: no follower moves it


class ReasonMissing(Refused):
    """Joining, undoing and judging change what is held of a person: each has a reason."""

    status = 422
    field = "reason"


class NotOfThePair(Refused):
    """Neither of the two records was named as the one to keep."""

    status = 422
    field = "keep"


class UnknownField(Refused):
    """Something is to be taken, or put back, that is no field of a person."""

    status = 422


class CannotJoin(Refused):
    """Rows of both cannot stand with one person; ``obstacles`` says all of it."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(" ".join(str(one.text) for one in obstacles))
        self.obstacles = list(obstacles)


class PairChanged(Refused):
    """One of the records is no longer as the page showed it."""

    status = 412


class AlreadyJoined(Refused):
    """One of the two records has been joined already."""


class AlreadyJudged(Refused):
    """Somebody has judged the pair."""


class NotJudged(Refused):
    """Nobody said of the pair that it is two persons, or it was taken back."""


class AlreadyUndone(Refused):
    """The merge was undone before."""


class LaterMerge(Refused):
    """The kept record was joined once more since: that one is undone first. ``merge`` is it."""

    def __init__(self, merge: Merge) -> None:
        super().__init__(
            _(
                "These records were joined with another one since. Undo the newest joining first,"
                " then this one."
            )
        )
        self.merge = merge


class ValuesGone(Refused):
    """What both were is kept no longer."""


class CorrectedSince(Refused):
    """A field was corrected after the merge: whoever undoes it says what becomes of it."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(
            _(
                "The record was corrected after the joining. Say for each corrected field whether"
                " the correction stays or goes."
            )
        )
        self.fields = list(fields)


class NotInstalled(Refused):
    """What compares the register is not installed here."""


# --- Searching ------------------------------------------------------------------------------------


@transaction.atomic
def request_run(*, trigger: str, by: User | None, at: datetime) -> Run:
    """Ask for a search of the register. One that waits already serves."""
    if not finding.available():
        raise NotInstalled(
            _(
                "What compares the register is not installed here. The administrator installs it"
                " with: pip install fangkong[linkage]"
            )
        )
    if (run := queries.waiting_run()) is not None:
        return run
    run = Run.objects.create(trigger=Trigger(trigger), **stamps(by, at))
    audit.record("people.duplicates.request", run, by=by, at=at, detail={"trigger": run.trigger})
    queue.enqueue(queries.JOB, run.pk, by=by, at=at)
    return run


def find(
    *,
    run: Run,
    by: User | None,
    at: datetime,
    progress: Progress | None = None,
    options: Options | None = None,
) -> Run:
    """Carry out one search: compare in the other process, then keep what it found at once.

    Safe to run twice: what a search that was killed has compared is compared again, and nothing of
    it was kept.
    """
    begun = monotonic()
    asked = options or Options()
    Run.objects.filter(pk=run.pk, started_at__isnull=True).update(started_at=at)
    found = finding.search(asked, progress or _silent)
    return _keep(run, found, asked, round(monotonic() - begun), by, at)


@transaction.atomic
def _keep(
    run: Run, found: Found, options: Options, seconds: int, by: User | None, at: datetime
) -> Run:
    """The pairs of a search: new ones enter, those found no more go, those judged stay judged."""
    run = Run.objects.select_for_update().get(pk=run.pk)
    if run.ended_at is not None:
        return run
    bring_along(by=by, at=at)
    counties = queries.counties_of({key for pair in found.pairs for key in pair})
    apart = queries.apart_by_joining()
    pairs = {
        key: said
        for key, said in found.pairs.items()
        if key[0] in counties and key[1] in counties and key not in apart
    }
    known = {(pair.one_id, pair.other_id): pair for pair in Pair.objects.select_for_update()}
    fresh = [
        _new_pair(key, said, counties, run, by, at)
        for key, said in pairs.items()
        if key not in known
    ]
    Pair.objects.bulk_create(fresh, batch_size=500)
    for key, pair in known.items():
        if key in pairs:
            _found_again(pair, pairs[key], counties, run, by, at)
    with_merged = queries.pairs_with_a_signpost()
    gone = [
        pair.pk
        for key, pair in known.items()
        if key not in pairs
        and pair.judged_at is None
        and pair.pk not in with_merged
        # Whoever was entered while the register was read was compared with nobody.
        and key[1] <= found.last
    ]
    for start in range(0, len(gone), CHUNK):
        Pair.objects.filter(pk__in=gone[start : start + CHUNK]).delete()
    run.weights, run.weights_from = found.weights, found.weights_from
    run.bound, run.person_count = round(options.bound * 1_000), found.persons
    run.pair_count, run.new_count, run.seconds = len(pairs), len(fresh), seconds
    run.ended_at = max(at, run.started_at or at)
    run.touch(by, at)
    run.save()
    looked_over(Pair)  # the list would take a third of a second instead of some milliseconds
    detail = {"persons": found.persons, "pairs": len(pairs), "new": len(fresh)}
    audit.record("people.duplicates.find", run, by=by, at=at, detail=detail)
    return run


def _new_pair(
    key: tuple[int, int],
    said: tuple[int, dict[str, str]],
    counties: Mapping[int, int | None],
    run: Run,
    by: User | None,
    at: datetime,
) -> Pair:
    one, other = key
    return Pair(
        one_id=one,
        other_id=other,
        run=run,
        county_id=rules.shared(counties[one], counties[other]),
        weight=said[0],
        agreed=said[1],
        **stamps(by, at),
    )


def _found_again(
    pair: Pair,
    said: tuple[int, dict[str, str]],
    counties: Mapping[int, int | None],
    run: Run,
    by: User | None,
    at: datetime,
) -> None:
    """Note what is new of a pair. One judged "two persons" waits again only where a number of one
    of them is another by now. A weight that hardly moved is no news, and leaves no row."""
    weight, agreed = said
    county = rules.shared(counties[pair.one_id], counties[pair.other_id])
    if pair.judged_at is not None:
        if pair.numbers_digest == queries.numbers_of([pair.one_id, pair.other_id]):
            return
        pair.judged_at, pair.judged_by = None, None
        pair.numbers_digest = ""
    elif not rules.is_news(pair.weight, weight) and (pair.agreed, pair.county_id) == (
        agreed,
        county,
    ):
        return
    pair.weight, pair.agreed, pair.county_id, pair.run = weight, agreed, county, run
    pair.touch(by, at)
    pair.save()


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


# --- Joining --------------------------------------------------------------------------------------


@transaction.atomic
def merge(
    *,
    pair: Pair,
    keep: UUID,
    take: Collection[str],
    state: str,
    reason: str,
    by: User,
    at: datetime,
) -> Merge:
    """Make one record of two: ``keep`` goes on, the other leads to it from now on.

    ``take`` names the fields (``rules.FIELDS``) whose values come from the other record. ``state``
    is ``queries.state_of`` as the page showed it. CannotJoin where something stands against it;
    DocumentDisagrees where what was chosen contradicts an identity number.
    """
    why = _reason(reason)
    if unknown := sorted(set(take) - set(rules.FIELDS)):
        raise UnknownField(filled(_("There is no such field: %(names)s."), names=listed(unknown)))
    pair = _to_judge(pair, state)
    kept, gone = _in_roles(pair, keep)
    if found := queries.obstacles(kept, gone, at):
        raise CannotJoin(found)
    before, other = queries.values_of(kept), queries.values_of(gone)
    merged = Merge(
        kept=kept,
        gone=gone,
        pair=pair,
        county_id=pair.county_id,
        taken=[field for field in rules.FIELDS if field in set(take)],
        kept_before=queries.packed({**before, **_stamps_of(kept)}),
        gone_before=queries.packed({**other, **_stamps_of(gone)}),
        **stamps(by, at),
    )
    with everything():
        merged.moved = _move(kept, gone)
    _set(kept, _fitting(kept, rules.joined(before, other, take), clock.day_of(at)))
    kept.touch(by, at)
    kept.save()
    gone.merged_into = kept
    gone.touch(by, at)
    gone.save()
    merged.kept_after = queries.packed({**queries.values_of(kept), **_stamps_of(kept)})
    merged.save()
    detail = {"taken": merged.taken, "moved": {key: len(ids) for key, ids in merged.moved.items()}}
    _note("merge", kept, by, at, why, {**detail, "other": str(gone.public_id)})
    _note("give_way", gone, by, at, why, {"to": str(kept.public_id)})
    return merged


def _move(kept: Person, gone: Person) -> dict[str, list[int]]:
    """Give the rows of the record that goes the key of the one that is kept."""
    moved: dict[str, list[int]] = {}
    for follower in followers():
        if keys := queries.rows_to_move(follower, kept, gone):
            _point(queries.model_of(follower), follower.field, keys, kept.pk)
            moved[follower.key] = keys
    if keys := emergency.follow(person=gone.public_id, to=kept.public_id):
        moved[_OPENED] = keys
    return moved


def _point(model: type[Model], field: str, keys: Collection[int], person: int) -> None:
    try:
        with transaction.atomic():
            model._base_manager.filter(pk__in=keys).update(**{f"{field}_id": person})
    except IntegrityError:
        raise CannotJoin(
            [
                Obstacle(
                    _(
                        "Something of both records cannot stand with one person. Look at what each"
                        " of them has, and put that right first."
                    )
                )
            ]
        ) from None


@transaction.atomic
def bring_along(*, by: User | None, at: datetime) -> int:
    """Rows that reached a record after it was joined, by whoever had found it just before, follow.

    Gives how many. What cannot stand with the other record stays where it is, for the next joining
    to ask.
    """
    count = 0
    for follower in followers():
        for key, gone in queries.late_rows(follower):
            merged = Merge.objects.select_for_update().filter(NOT_UNDONE, gone=gone).first()
            if merged is None:
                continue
            try:
                kept = merged.gone.merged_into_id or merged.kept_id
                _point(queries.model_of(follower), follower.field, [key], kept)
            except CannotJoin:
                continue
            merged.moved.setdefault(follower.key, []).append(key)
            merged.save(update_fields=["moved"])
            detail = {"key": follower.key, "row": key}
            audit.record("people.duplicates.bring_along", merged, by=by, at=at, detail=detail)
            count += 1
    return count


def _fitting(kept: Person, values: Mapping[str, object], today: date) -> dict[str, object]:
    """The chosen values, checked against the identity numbers of both as at a correction."""
    held = [Document(d.kind, d.full_number) for d in kept.documents.all()]
    stated = checked(
        Registration(
            name=str(values["name"]),
            sex=str(values["sex"]),
            birth_date=values["birth_date"],  # type: ignore[arg-type]  # a date or None
            documents=tuple(one for one in held if one.kind == DocumentKind.RESIDENT_ID),
        ),
        today,
        held=(str(values["name"]),),
    )
    told: dict[str, object] = {"sex": stated.sex, "birth_date": stated.birth_date}
    if stated.birth_date is not None:  # it tells the age
        told |= {"age_years": None, "age_months": None, "age_on": None}
    return {**values, **told}


# --- Undoing --------------------------------------------------------------------------------------


@transaction.atomic
def undo(
    *,
    merge: Merge,
    corrected: Mapping[str, str],
    reason: str,
    by: User,
    at: datetime,
) -> Merge:
    """Make two records again, as they were: fields that still are as the merge left them, and every
    row that moved. Rows that came since stay with the record that was kept.

    ``corrected`` says for each field that was corrected since "keep" or "put_back".
    """
    why = _reason(reason)
    merge = Merge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    if merge.undone_at is not None:
        raise AlreadyUndone(_("Somebody has undone this already. Reload the page."))
    kept, gone = _locked(merge.kept_id, merge.gone_id)
    if later := queries.later_merge(merge):
        raise LaterMerge(later)
    if not (merge.kept_before and merge.kept_after and merge.gone_before):
        raise ValuesGone(
            _("What both records were is kept no longer. Nothing can be put back any more.")
        )
    before, after, other = map(
        queries.unpacked, (merge.kept_before, merge.kept_after, merge.gone_before)
    )
    now = queries.values_of(kept)
    changed = rules.changed_since(after, now)
    put_back = [field for field in changed if corrected.get(field) == "put_back"]
    if [field for field in changed if corrected.get(field) not in ("keep", "put_back")]:
        raise CorrectedSince(changed)
    untouched = not changed and _stamps_of(kept) == {name: after[name] for name in _STAMPS}
    _set(kept, rules.undone(before, after, now, put_back))
    _stamp(kept, before if untouched else None, by, at)
    kept.save()
    untouched = _stamps_of(gone) == {
        "changed_at": merge.created_at,
        "changed_by_id": merge.created_by_id,
    }
    _set(gone, {column: other[column] for of in rules.FIELDS.values() for column in of})
    _stamp(gone, other if untouched else None, by, at)
    gone.merged_into = None
    gone.save()
    with everything():
        _move_back(merge)
    merge.undone_at, merge.undone_by = at, by
    merge.touch(by, at)
    merge.save()
    stays = sorted(set(changed) - set(put_back))
    _note("undo", kept, by, at, why, {"other": str(gone.public_id), "kept": stays})
    _note("come_back", gone, by, at, why, {"from": str(kept.public_id)})
    return merge


def _move_back(merge: Merge) -> None:
    """Every row that moved and still is where it went gets its old key again."""
    for follower in followers():
        keys = merge.moved.get(follower.key, [])
        rows = queries.model_of(follower)._base_manager.filter(
            pk__in=keys, **{f"{follower.field}_id": merge.kept_id}
        )
        if there := list(rows.values_list("pk", flat=True)):
            _point(queries.model_of(follower), follower.field, there, merge.gone_id)
    emergency.follow(
        person=merge.kept.public_id, to=merge.gone.public_id, only=merge.moved.get(_OPENED, [])
    )


def _stamp(person: Person, before: Mapping[str, Any] | None, by: User, at: datetime) -> None:
    """Who changed a record last: as before where nothing else has happened to it since."""
    if before is None:
        person.touch(by, at)
    else:
        person.changed_at, person.changed_by_id = before["changed_at"], before["changed_by_id"]


# --- Two persons ----------------------------------------------------------------------------------


@transaction.atomic
def keep_apart(*, pair: Pair, state: str, reason: str, by: User, at: datetime) -> Pair:
    """Say that a pair is two persons: it does not come back, unless a number of one changes."""
    why = _reason(reason)
    pair = _to_judge(pair, state)
    pair.judged_at, pair.judged_by = at, by
    pair.numbers_digest = queries.numbers_of([pair.one_id, pair.other_id])
    pair.touch(by, at)
    pair.save()
    for person, other in ((pair.one, pair.other), (pair.other, pair.one)):
        _note("keep_apart", person, by, at, why, {"other": str(other.public_id)})
    return pair


@transaction.atomic
def reconsider(*, pair: Pair, reason: str, by: User, at: datetime) -> Pair:
    """Take back that a pair is two persons: it waits again, with its likeness as it was found."""
    why = _reason(reason)
    one, other = _locked(pair.one_id, pair.other_id)
    pair = Pair.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    pair.one, pair.other = one, other
    if one.merged_into_id or other.merged_into_id:
        raise AlreadyJoined(_("One of the two has been joined to another record. Reload the page."))
    if pair.judged_at is None:
        raise NotJudged(_("This pair waits to be judged already. Reload the page."))
    pair.judged_at, pair.judged_by, pair.numbers_digest = None, None, ""
    pair.touch(by, at)
    pair.save()
    for person, twin in ((one, other), (other, one)):
        _note("reconsider", person, by, at, why, {"other": str(twin.public_id)})
    return pair


# --- What all of them need ------------------------------------------------------------------------


def _to_judge(pair: Pair, state: str) -> Pair:
    """The pair and both persons, locked, where they still wait as they were seen."""
    one, other = _locked(pair.one_id, pair.other_id)
    pair = Pair.objects.select_for_update(of=("self",)).get(pk=pair.pk)
    pair.one, pair.other = one, other
    if one.merged_into_id or other.merged_into_id:
        raise AlreadyJoined(_("One of the two has been joined to another record. Reload the page."))
    if pair.judged_at is not None:
        raise AlreadyJudged(_("Somebody has judged this pair already. Reload the page."))
    if state != queries.state_of(pair):
        raise PairChanged(
            _("One of the two records was changed since you opened the page. Look at it again.")
        )
    return pair


def _locked(one: int, other: int) -> tuple[Person, Person]:
    """Both persons, locked in the order of their keys: whoever enters something of them waits."""
    with everything():
        rows = Person.objects.select_for_update(of=("self",)).filter(pk__in=[one, other])
        found = {person.pk: person for person in rows.order_by("pk")}
    return found[one], found[other]


def _in_roles(pair: Pair, keep: UUID) -> tuple[Person, Person]:
    if keep == pair.one.public_id:
        return pair.one, pair.other
    if keep == pair.other.public_id:
        return pair.other, pair.one
    raise NotOfThePair(_("Choose which of the two records is kept."))


def _note(
    verb: str, person: Person, by: User, at: datetime, reason: str, detail: Mapping[str, object]
) -> None:
    """A line in the trail of one of the two: each of them tells what became of it."""
    audit.record(f"people.duplicates.{verb}", person, by=by, at=at, reason=reason, detail=detail)


def _reason(text: str) -> str:
    why = shown(text)
    if len(why) not in REASON_LENGTH:
        raise ReasonMissing(_("Say in 4 to 400 characters how you know."))
    refuse_numbers(reason=why)
    return why


def _set(person: Person, values: Mapping[str, object]) -> None:
    for column, value in values.items():
        setattr(person, column, value)


def _stamps_of(person: Person) -> dict[str, object]:
    return {name: getattr(person, name) for name in _STAMPS}
