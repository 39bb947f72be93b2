"""Ask for goods, report a need, replace, withdraw or answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField

from . import queries, rules
from .models import Need, NeedLine
from .types import NeedState, Span, Wanted

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.supplies.stock.models import Place

MOST_LINES = 60
MOST_QUANTITY = 10**10  # as an allocation takes it
MOST_HEADS = 100_000


class NotOpen(Refused):
    """The need was withdrawn, replaced or answered before."""


class Closed(Refused):
    """The place is closed; nothing is sent there any more."""


@transaction.atomic
def ask(
    *,
    place: Place,
    lines: Sequence[Wanted],
    span: Span,
    replaces: Need | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Need:
    """A place asks for goods by hand (申领), or asks otherwise than before (``replaces``)."""
    old = None
    if replaces is not None:
        old = _open(replaces)
        if old.place_id != place.pk:
            raise WrongField(_("Another place asked that. Withdraw it there instead."), "place")
    return _write("ask", place, lines, span, old, "", "", synthetic, by, at)


@transaction.atomic
def report_need(
    *,
    place: Place,
    lines: Sequence[Wanted],
    span: Span,
    room: str,
    ref: str,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Need:
    """A room above says what it will need (需求上报): its beds, its teams, its mass testing.

    ``room``: the one that reports, such as "isolation". ``ref``: what it calls this need; an open
    one under the same reference is replaced, so that a report that is sent again counts once.
    """
    if not room or not ref:
        raise ValueError("a report names its room and its own reference")
    old = queries.open_by_ref(room, ref)
    if old is not None and old.place_id == place.pk and _same(old, lines, span):
        return old
    return _write("report", place, lines, span, old, room, ref, synthetic, by, at)


@transaction.atomic
def withdraw(*, need: Need, reason: str, by: User | None, at: datetime) -> Need:
    """It is not needed after all (撤回)."""
    why = stated_reason(reason, _("Say why it is not needed any more."))
    need = _open(need)
    _end(need, NeedState.WITHDRAWN, why, by, at)
    audit.record("supplies.demand.withdraw", need, by=by, at=at, reason=why)
    return need


@transaction.atomic
def answer(*, needs: Sequence[Need], plan: str, by: User | None, at: datetime) -> int:
    """A plan that was approved took these needs into account; those that ended are left alone."""
    answered = 0
    for one in sorted(needs, key=lambda need: need.pk):
        need = queries.need_locked(one.pk)
        if need.state == NeedState.OPEN:
            _end(need, NeedState.ANSWERED, plan, by, at)
            audit.record("supplies.demand.answer", need, by=by, at=at, detail={"plan": plan})
            answered += 1
    return answered


def _open(need: Need) -> Need:
    need = queries.need_locked(need.pk)
    if need.state != NeedState.OPEN:
        raise NotOpen(_("This need is not open any more. Ask anew."))
    return need


def _end(need: Need, state: NeedState, why: str, by: User | None, at: datetime) -> None:
    need.state, need.ended_at, need.ended_why = state, at, why
    need.touch(by, at)
    need.save()


def _write(
    verb: str,
    place: Place,
    lines: Sequence[Wanted],
    span: Span,
    old: Need | None,
    room: str,
    ref: str,
    synthetic: bool,
    by: User | None,
    at: datetime,
) -> Need:
    if place.closed_at is not None:
        raise Closed(_("%(place)s is closed. Choose another place.") % {"place": place})
    span = _clean(span, at)
    _refuse_lines(lines, queries.norms_on(clock.day_of(at)))
    if old is not None:
        _end(old, NeedState.REPLACED, span.reason, by, at)
        audit.record("supplies.demand.replace", old, by=by, at=at, reason=span.reason)
    made = Need(
        **stamps(by, at), place=place, **vars(span), room=room, ref=ref, replaces=old,
        synthetic=synthetic,
    )  # fmt: skip
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as problem:  # the same report came twice at one moment
        raise NotOpen(_("Somebody changes this need at the same moment. Send it again.")) from (
            problem
        )
    NeedLine.objects.bulk_create(NeedLine(need=made, **vars(one)) for one in lines)
    detail = {"lines": len(lines), "days": made.days}
    audit.record(f"supplies.demand.{verb}", made, by=by, at=at, detail=detail)
    return made


def _clean(span: Span, at: datetime) -> Span:
    why = stated_reason(span.reason, _("Say what it is needed for."))
    today = clock.day_of(at)
    if span.last_day < span.first_day:
        raise WrongField(_("The last day lies before the first."), "last_day")
    if span.last_day < today:
        raise WrongField(_("These days are over. Ask for days from today on."), "last_day")
    if (span.last_day - span.first_day).days + 1 > rules.MOST_DAYS:
        raise WrongField(
            _("A need spans at most %(most)d days. Make several of it.")
            % {"most": rules.MOST_DAYS},
            "last_day",
        )
    if span.first_day > today + timedelta(days=rules.LATE_DAYS):
        raise WrongField(_("This is more than a year ahead. Check the day."), "first_day")
    return replace(span, reason=why)


def _refuse_lines(lines: Sequence[Wanted], norms: queries.Norms) -> None:
    if not lines:
        raise WrongField(_("Enter at least one line."), "lines")
    if len(lines) > MOST_LINES:
        raise WrongField(
            _("At most %(most)d lines in one need. Make several of it.") % {"most": MOST_LINES},
            "lines",
        )
    seen: set[tuple[int | None, str]] = set()
    for n, one in enumerate(lines):
        _refuse_line(n, one, norms)
        key = (None if one.item is None else one.item.pk), one.who
        if key in seen:
            raise WrongField(
                _("This stands in an earlier line already. Put both together."), f"lines/{n}/item"
            )
        seen.add(key)


def _refuse_line(n: int, one: Wanted, norms: queries.Norms) -> None:
    if one.who:
        if one.who not in norms.roles:
            raise WrongField(_("The rule pack knows no such role."), f"lines/{n}/who")
        if one.heads is None or not 1 <= one.heads <= MOST_HEADS:
            raise WrongField(
                _("Say how many there are, from 1 to %(most)d.") % {"most": MOST_HEADS},
                f"lines/{n}/heads",
            )
        if one.quantity is not None:
            raise WrongField(
                _("Say either how much, or for how many heads."), f"lines/{n}/quantity"
            )
        if one.item is not None and one.item.code not in norms.rates(one.who, "conventional"):
            raise WrongField(
                _("The rule pack says nothing of how much of this a head uses. Ask by quantity."),
                f"lines/{n}/item",
            )
        return
    if one.item is None:
        raise WrongField(_("Choose an item, or a role with its heads."), f"lines/{n}/item")
    if one.heads is not None:
        raise WrongField(_("Heads need a role of the rule pack."), f"lines/{n}/who")
    if one.quantity is None or not 1 <= one.quantity <= MOST_QUANTITY:
        raise WrongField(_("The quantity must be more than nothing."), f"lines/{n}/quantity")


def _same(old: Need, lines: Sequence[Wanted], span: Span) -> bool:
    """A report that says what the open one says already."""
    before = {
        (one.item_id, one.quantity, one.who, one.heads)
        for one in queries.lines_of([old]).get(old.pk, [])
    }
    now = {
        (None if one.item is None else one.item.pk, one.quantity, one.who, one.heads)
        for one in lines
    }
    return before == now and (old.first_day, old.last_day) == (span.first_day, span.last_day)
