"""Members of a pool that was not negative: held, taken anew one by one, and let go.

A pool diagnoses nobody. What holds a person is that it says nothing of any one of its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.packs import queries as packs
from fangkong.tasks import actions as tasks
from fangkong.tasks import queries as given
from fangkong.tasks.rules import UNFINISHED
from fangkong.tasks.types import words as both

from . import queries, rules, steps
from .models import CustodyStep, Pool, Specimen
from .types import RECOLLECT_TASK, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User

RECOLLECTED_WITHIN = timedelta(hours=12)  # where the rules have no promise for it


class NotHeld(Refused):
    """Nobody is held by this specimen."""


def held(repeat: Specimen) -> bool:
    """Whether a specimen tells if somebody is let go."""
    return repeat.repeats_id is not None and queries.held_with(repeat).exists()


def hold(members: Sequence[Specimen], pool: Pool, *, by: User | None, at: datetime) -> None:
    """Hold members of a pool, ask for a specimen of each, and tell the county to take them.

    Call it in the transaction that stores the result of the pool, under the pool's lock.
    """
    if not members:
        return
    steps.step_of_members(members, State.HELD, at, by, at)
    for one in members:
        one.outcome, one.reported_at = "", None
        one.save()
    for one in members:
        repeat = _again(one, by, at)
        detail = {"pool": pool.number, "repeat": repeat.number}
        audit.record("surveillance.testing.hold", one, by=by, at=at, detail=detail)
    _ask(pool, by, at)


def let_go(
    members: Sequence[Specimen], pool: Pool, *, reported_at: datetime, by: User | None, at: datetime
) -> int:
    """The pool was negative after all: whoever was not taken anew is held no longer; how many.

    Whose specimen is on its way already stays held until its own result.
    """
    waiting = _repeats(members)
    free = [
        one
        for one in members
        if all(each.state == State.REQUESTED for each in waiting.get(one.pk, ()))
    ]
    for one in free:
        one.outcome, one.reported_at = ResultOutcome.NEGATIVE, reported_at
    steps.step_of_members(free, State.REPORTED, at, by, at)
    for one in free:
        one.save()
    why = _in_house(gettext_lazy("The pool was negative after all."))
    _withdraw([each for one in free for each in waiting.get(one.pk, ())], why, by, at)
    _asked_no_more(pool, by, at)
    return len(free)


def settle(repeat: Specimen, outcome: str, *, by: User | None, at: datetime) -> None:
    """The single test has a result: negative or positive ends the hold, the grey zone does not.

    It ends the hold by every pool, where the swab was taken after that hold began.
    """
    member = _member(repeat)
    if member is None:
        return
    if outcome in (ResultOutcome.NEGATIVE, ResultOutcome.POSITIVE):
        why = _in_house(gettext_lazy("Tested singly: %(number)s.")) % {"number": repeat.number}
        for one in _answered(repeat):
            _release(one, why, by, at)
    elif outcome == ResultOutcome.GREY:
        if member.state == State.RELEASED:
            steps.step_of_members([member], State.HELD, at, by, at)
            member.save()
        _again_of(repeat, by, at)


def renew(repeat: Specimen, *, by: User | None, at: datetime) -> None:
    """The tube of somebody who is held is lost or cannot be tested: ask for the next one."""
    if repeat.repeats_id is not None:
        _again_of(repeat, by, at)


def taken(repeat: Specimen, *, by: User | None, at: datetime) -> None:
    """A specimen was taken anew: when it was the last of its pool, the county's task is done."""
    if repeat.repeats_id is None:
        return
    member = Specimen.objects.select_related("pool").get(pk=repeat.repeats_id)
    inside = [member, *queries.held_with(repeat).select_related("pool")]
    for pool in {one.pool_id: one.pool for one in inside if one.pool is not None}.values():
        _asked_no_more(pool, by, at)


@transaction.atomic
def release(*, specimen: Specimen, reason: str, by: User, at: datetime) -> Specimen:
    """End the hold of one member without a single test: died, left, was tested elsewhere."""
    why = steps.reason(reason, _("Say why this person need not be tested singly."))
    member = steps.locked(specimen)
    if member.state != State.HELD or member.pool is None:
        raise NotHeld(_("Nobody is held by this specimen any more. Nothing was changed."))
    repeats = _repeats([member]).get(member.pk, [])
    _release(member, why, by, at)
    _withdraw([one for one in repeats if one.state == State.REQUESTED], why, by, at)
    _asked_no_more(member.pool, by, at)
    audit.record("surveillance.testing.release", member, by=by, at=at, reason=why)
    return member


def _member(repeat: Specimen) -> Specimen | None:
    """The member that a specimen is taken for anew, under its lock."""
    if repeat.repeats_id is None:
        return None
    return steps.locked(Specimen(pk=repeat.repeats_id))


def _answered(repeat: Specimen) -> list[Specimen]:
    """The members, under their locks, whose hold a specimen ends: it was taken after each began."""
    return [
        member
        for each in queries.held_with(repeat).values_list("pk", flat=True)
        if (member := steps.locked(Specimen(pk=each))).state == State.HELD
        and (
            member.pk == repeat.repeats_id
            or (repeat.collected_at is not None and repeat.collected_at >= member.state_at)
        )
    ]


def _again_of(repeat: Specimen, by: User | None, at: datetime) -> None:
    """Whoever is still held is taken anew: one specimen, whichever pools hold them."""
    for each in queries.held_with(repeat).values_list("pk", flat=True):
        member = steps.locked(Specimen(pk=each))
        _again(member, by, at)
        _ask_unless_asked(member, by, at)


def _release(member: Specimen, why: str, by: User | None, at: datetime) -> None:
    steps.step_of_members([member], State.RELEASED, at, by, at, why)
    member.save()


def _repeats(members: Sequence[Specimen]) -> dict[int, list[Specimen]]:
    """The specimens taken anew of members, without those that came to nothing."""
    ended = (State.CANCELLED, State.LOST, State.REFUSED)
    found = queries.answering(members, lock=True)
    return {
        key: [one for one in several if one.state not in ended] for key, several in found.items()
    }


def _withdraw(repeats: Sequence[Specimen], why: str, by: User | None, at: datetime) -> None:
    """Nobody needs these for a hold any more: cancelled, where they were asked for because of one.

    What another pool still waits for goes on for that one; what was asked for before goes on too.
    """
    for one in repeats:
        still = queries.held_with(one).first()
        if still is not None:
            one.repeats = still
        elif one.test_group == rules.MEMBER or not _asked_before(one):
            steps.step(one, State.CANCELLED, at, by, at, why)
        else:
            one.repeats = None
        one.touch(by, at)
        one.save()


def _asked_before(repeat: Specimen) -> bool:
    """Whether a specimen was asked for before the hold that it came to serve."""
    held_at = CustodyStep.objects.filter(specimen=repeat.repeats_id or 0, state=State.HELD)
    first = held_at.order_by("sequence").values_list("entered_at", flat=True).first()
    return first is not None and repeat.created_at < first


def _again(member: Specimen, by: User | None, at: datetime) -> Specimen:
    """A single specimen of a member, asked for; one that waits already serves for it."""
    if (waiting := _serving(member, by, at)) is not None:
        return waiting
    pack = steps.rules_on(at, "done_at")
    single = rules.group(pack, rules.MEMBER, clock.day_of(at))
    repeat = Specimen(
        **stamps(by, at),
        number=steps.next_number(member.facility, at),
        condition=member.condition,
        test_group=member.test_group if single is None else single.code,
        specimen_type=member.specimen_type,
        person_id=member.person_id,
        home_county_id=member.home_county_id,
        facility_id=member.facility_id,
        area_id=member.area_id,
        county_id=member.county_id,
        laboratory_id=member.laboratory_id,
        repeats=member,
        state_at=at,
        pack=pack.id,
        synthetic=member.synthetic,
    )
    try:
        with transaction.atomic():
            repeat.save(force_insert=True)
    except IntegrityError:  # another pool of the same person was told at the same moment
        if (waiting := _serving(member, by, at)) is None:
            raise
        return waiting
    steps.step(repeat, State.REQUESTED, at, by, at)
    return repeat


def _serving(member: Specimen, by: User | None, at: datetime) -> Specimen | None:
    """The request that waits for the same swab, from now on for this hold too."""
    assert member.person_id is not None  # only persons are pooled
    waiting = queries.waiting_request(
        member.person_id, member.facility_id, member.condition, member.specimen_type
    )
    if waiting is None:
        return None
    before = Specimen.objects.filter(pk=waiting.repeats_id or 0, state=State.HELD)
    if not before.exists():
        waiting.repeats = member
        waiting.touch(by, at)
        waiting.save()
    return waiting


def _ask(pool: Pool, by: User | None, at: datetime) -> None:
    """A task of the county where the pool was filled: its members are there, and it may act."""
    pack, day = steps.rules_on(at, "done_at"), clock.day_of(at)
    single = rules.group(pack, rules.MEMBER, day)
    within = RECOLLECTED_WITHIN if single is None else timedelta(hours=single.hours)
    name = packs.name(pack, pool.condition, day)
    tasks.assign(
        kind=RECOLLECT_TASK.code,
        params={"condition": both(name.zh, name.en), "number": pool.number},
        area=pool.county or pool.area,
        role=Role.COUNTY_CDC,
        due_at=at + within,
        priority=3,
        note=_in_house(gettext_lazy("All members are held until each has been tested singly.")),
        source=pool,
        by=by,
        at=at,
    )


def _ask_unless_asked(member: Specimen, by: User | None, at: datetime) -> None:
    if member.pool is None:
        return
    asked = given.for_source(member.pool).filter(kind=RECOLLECT_TASK.code)
    if not asked.filter(state__in=UNFINISHED).exists():
        _ask(member.pool, by, at)


def _asked_no_more(pool: Pool, by: User | None, at: datetime) -> None:
    """Whether anybody of a pool still has to be taken anew; else the county's task is closed."""
    held_ones = Specimen.objects.filter(pool=pool, state=State.HELD)
    asked = Specimen.objects.filter(repeats__isnull=False, state=State.REQUESTED)
    persons = held_ones.values("person_id")
    if asked.filter(condition=pool.condition, person_id__in=persons).exists():
        return
    proof = _in_house(gettext_lazy("Nobody of this pool is left to be taken anew."))
    tasks.finish_for(source=pool, kind=RECOLLECT_TASK.code, proof=proof, by=by, at=at)


def _in_house(text: str | Promise) -> str:
    """What is kept as text is read by others than whoever acted: in the language of the house."""
    with translation.override(settings.LANGUAGE_CODE):
        return str(text)
