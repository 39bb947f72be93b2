"""Persons entered twice for machines: pairs, joining, undoing, searches. Masked as everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.api import Page
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import NO_NUL
from fangkong.core.permissions import Permission

from . import actions, queries, rules, words
from .models import Merge, Pair, Run
from .types import FIND, JUDGE, Trigger

router = Router(tags=["people"])
REASON = Field(min_length=4, max_length=400, pattern=NO_NUL)


class PairOut(Schema):
    """Two records that may be one person; ``GET /people/{id}/`` tells more of each.

    ``weight``: thousandths of a bit; 1,000 more is twice the odds. ``agreed``: by comparison the
    level that was reached. ``county``: that of both, empty across counties. ``state`` is what is
    sent back with a judgement: it names both records as they were read.
    """

    id: UUID
    one: UUID
    other: UUID
    one_name: str
    other_name: str
    weight: int
    agreed: dict[str, str]
    county: str
    found_at: datetime
    judged_at: datetime | None


class PairDetailOut(PairOut):
    """With what differs, what stands against joining them, and the state to judge on."""

    state: str
    differs: list[str]
    obstacles: list[str]


class MergeIn(api.Body):
    """``keep``: the record that goes on. ``take``: fields whose values come from the other one."""

    keep: UUID
    take: list[str] = Field(default_factory=list, max_length=len(rules.FIELDS))
    state: str = Field(min_length=1, max_length=64)
    reason: str = REASON


class ApartIn(api.Body):
    state: str = Field(min_length=1, max_length=64)
    reason: str = REASON


class ReconsiderIn(api.Body):
    reason: str = REASON


class MergeOut(Schema):
    """Two records joined. ``moved``: by table and key how many rows followed.

    ``corrected``: fields that were corrected since, of which an undo must say what becomes.
    """

    id: UUID
    kept: UUID
    gone: UUID
    pair: UUID
    joined_at: datetime
    taken: list[str]
    moved: dict[str, int]
    corrected: list[str]
    undone_at: datetime | None


class UndoIn(api.Body):
    """``corrected``: for each field corrected since "keep" or "put_back"."""

    corrected: dict[str, str] = Field(default_factory=dict, max_length=len(rules.FIELDS))
    reason: str = REASON


class SearchOut(Schema):
    """A search of the register."""

    id: UUID
    trigger: str
    stage: str
    asked_at: datetime
    persons: int
    pairs: int
    new_pairs: int
    seconds: int
    weights: str


@router.get("/", response=Page[PairOut])
@decorate_view(never_cache)
def index(request: HttpRequest, apart: bool = False) -> HttpResponse:
    """The pairs that wait for the caller's judgement, the likeliest first.

    ``apart``: those that were judged to be two persons instead.
    """
    staff = _staff(request, JUDGE)
    rows = (queries.apart if apart else queries.open_to)(staff.user, staff.now)
    return api.page(request, rows, _pair_out, order="-weight")


@router.get("/merges/", response=Page[MergeOut])
@decorate_view(never_cache)
def merges(request: HttpRequest) -> HttpResponse:
    """Joined records, the newest first."""
    staff = _staff(request, JUDGE)
    rows = queries.merges_open_to(staff.user, staff.now)
    return api.page(request, rows, _merge_out, order="-created_at")


@router.get("/merges/{uuid:public_id}/", response=MergeOut)
@decorate_view(never_cache)
def merged(request: HttpRequest, public_id: UUID) -> MergeOut:
    """One joining."""
    staff = _staff(request, JUDGE)
    joined = _merge(staff, public_id)
    api.version_of(request, joined)
    return _merge_out(joined)


@router.post("/merges/{uuid:public_id}/undo/", response=MergeOut)
@decorate_view(never_cache)
def undo(request: HttpRequest, public_id: UUID, said: UndoIn) -> MergeOut:
    """Make two records of it again, as they were."""
    staff = _staff(request, JUDGE)
    joined = _merge(staff, public_id)
    done = api.once(
        request,
        actions.undo,
        joined,
        merge=joined,
        corrected=said.corrected,
        reason=said.reason,
        by=staff.user,
        at=staff.now,
    )
    return _merge_out(done)


@router.get("/runs/", response=Page[SearchOut])
def runs(request: HttpRequest) -> HttpResponse:
    """All searches of the register, the newest first."""
    staff = _staff(request, FIND)
    rows = queries.runs_open_to(staff.user, staff.now)
    return api.page(request, rows, _run_out, order="-created_at")


@router.post("/runs/", response={201: SearchOut})
def new_run(request: HttpRequest) -> tuple[int, SearchOut]:
    """Ask for a search; one that waits already is given back."""
    staff = _staff(request, FIND)
    trigger = Trigger.ON_DEMAND.value
    made = api.once(request, actions.request_run, trigger=trigger, by=staff.user, at=staff.now)
    return 201, _run_out(queries.runs_open_to(staff.user, staff.now).get(pk=made.pk))


@router.get("/runs/{uuid:public_id}/", response=SearchOut)
def run(request: HttpRequest, public_id: UUID) -> SearchOut:
    """One search: how far it is, and what it found."""
    staff = _staff(request, FIND)
    rows = queries.runs_open_to(staff.user, staff.now)
    return _run_out(get_object_or_404(rows, public_id=public_id))


@router.get("/{uuid:public_id}/", response=PairDetailOut)
@decorate_view(never_cache)
def detail(request: HttpRequest, public_id: UUID) -> PairDetailOut:
    """One pair, with the state to judge on."""
    staff = _staff(request, JUDGE)
    pair = _pair(staff, public_id)
    api.version_of(request, pair)
    return _detail_out(staff, pair)


@router.post("/{uuid:public_id}/merge/", response={201: MergeOut})
@decorate_view(never_cache)
def merge(request: HttpRequest, public_id: UUID, said: MergeIn) -> tuple[int, MergeOut]:
    """Make one record of the two. 412 where one of them has changed since ``state`` was read."""
    staff = _staff(request, JUDGE)
    pair = _pair(staff, public_id)
    done = api.once(
        request,
        actions.merge,
        pair,
        pair=pair,
        keep=said.keep,
        take=said.take,
        state=said.state,
        reason=said.reason,
        by=staff.user,
        at=staff.now,
    )
    return 201, _merge_out(done)


@router.post("/{uuid:public_id}/apart/", response=PairDetailOut)
@decorate_view(never_cache)
def keep_apart(request: HttpRequest, public_id: UUID, said: ApartIn) -> PairDetailOut:
    """They are two persons. 412 where one of them has changed since ``state`` was read."""
    staff = _staff(request, JUDGE)
    pair = _pair(staff, public_id)
    done = api.once(
        request,
        actions.keep_apart,
        pair,
        pair=pair,
        state=said.state,
        reason=said.reason,
        by=staff.user,
        at=staff.now,
    )
    return _detail_out(staff, done)


@router.post("/{uuid:public_id}/reconsider/", response=PairDetailOut)
@decorate_view(never_cache)
def reconsider(request: HttpRequest, public_id: UUID, said: ReconsiderIn) -> PairDetailOut:
    """Take back that they are two persons: the pair waits again. 409 where it does already."""
    staff = _staff(request, JUDGE)
    pair = _pair(staff, public_id)
    told: dict[str, Any] = {"reason": said.reason, "by": staff.user, "at": staff.now}
    return _detail_out(staff, api.once(request, actions.reconsider, pair, pair=pair, **told))


def _staff(request: HttpRequest, permission: Permission) -> StaffRequest:
    api.require(request, permission)
    return cast(StaffRequest, request)


def _pair(staff: StaffRequest, public_id: UUID) -> Pair:
    pair = get_object_or_404(queries.judged_too(staff.user, staff.now), public_id=public_id)
    opened(staff, pair)
    return pair


def _merge(staff: StaffRequest, public_id: UUID) -> Merge:
    rows = queries.merges_open_to(staff.user, staff.now)
    joined = get_object_or_404(rows, public_id=public_id)
    opened(staff, joined)
    return joined


def _pair_out(pair: Pair) -> PairOut:
    return PairOut(**_facts(pair))


def _facts(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.public_id,
        "one": pair.one.public_id,
        "other": pair.other.public_id,
        "one_name": pair.one.masked_name,
        "other_name": pair.other.masked_name,
        "weight": pair.weight,
        "agreed": pair.agreed,
        "county": pair.one.county.code if pair.county_id and pair.one.county else "",
        "found_at": pair.created_at,
        "judged_at": pair.judged_at,
    }


def _detail_out(staff: StaffRequest, pair: Pair) -> PairDetailOut:
    waits = queries.waits(pair)
    stands = queries.obstacles(pair.one, pair.other, staff.now) if waits else []
    return PairDetailOut(
        **_facts(pair),
        state=queries.state_of(pair),
        differs=rules.differing(queries.values_of(pair.one), queries.values_of(pair.other)),
        obstacles=[str(one.text) for one in stands],
    )


def _merge_out(joined: Merge) -> MergeOut:
    return MergeOut(
        id=joined.public_id,
        kept=joined.kept.public_id,
        gone=joined.gone.public_id,
        pair=joined.pair.public_id,
        joined_at=joined.created_at,
        taken=joined.taken,
        moved=words.counted(joined),
        corrected=queries.corrected_since(joined) if joined.undone_at is None else [],
        undone_at=joined.undone_at,
    )


def _run_out(run: Run) -> SearchOut:
    return SearchOut(
        id=run.public_id,
        trigger=run.trigger,
        stage=run.stage.value,
        asked_at=run.created_at,
        persons=run.person_count,
        pairs=run.pair_count,
        new_pairs=run.new_count,
        seconds=run.seconds,
        weights=run.weights_from,
    )
