"""Prepare a plan, change a line with a reason, approve it so that the goods leave, or drop it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import stated_reason
from fangkong.core.queue import actions as queue
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.supplies.demand import actions as demand
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import queries as stocks
from fangkong.supplies.stock import shipping
from fangkong.supplies.stock.types import Leaving, Way

from . import picks, queries, reading, sentences, words
from .models import Plan, Share, Shipment
from .offices import PlanFacts, PlanState
from .types import Problem

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.supplies.stock.models import Place

FAR = timedelta(days=60)
OLD = 2  # days after its first departure in which a plan may still be approved
MOST_LINES_OF_A_SHEET = stock.MOST_LINES
_BETWEEN = "\x1e"  # sentences of an item, as code and facts


class CannotBePlanned(Refused):
    """What was asked is no problem that can be shared out."""

    status = 422


class NotReady(Refused):
    """The plan is being reckoned, or was decided before."""


class SamePerson(Refused):
    """Whoever prepared or changed a plan does not approve it."""


class StockChanged(Refused):
    """The store no longer holds what the plan gives; nothing left it."""


class AboveTheLimit(Refused):
    """A line cannot have so much: stock, reserve, earmarks and packs are hard limits."""

    status = 422
    field = "quantity"


@transaction.atomic
def prepare(
    *, store: Place, facts: PlanFacts, synthetic: bool = False, by: User | None, at: datetime
) -> Plan:
    """Lay out who might get what; small plans are reckoned at once, large ones by a job."""
    _refuse(facts, at)
    stocks.places_locked([store.pk])
    gathered = queries.gather(store, facts, at)
    problem = _checked(gathered.problem)
    year = clock.day_of(at).year
    number = queries.plans_in(store, year) + 1
    plan = Plan(
        **stamps(by, at),
        number=f"{queries.plan_mark(store, year)}{number:03d}",
        store=store,
        mode=facts.mode,
        first_day=facts.first_day,
        days=facts.days,
        problem=gathered.problem,
        told={"unread": gathered.unread},
        needs=gathered.needs,
        last=queries.last_approved(store),
        synthetic=synthetic,
    )
    plan.save(force_insert=True)
    detail = {"number": plan.number, "items": len(facts.items), "places": len(facts.places)}
    audit.record("supplies.allocation.prepare", plan, by=by, at=at, detail=detail)
    if _cells(problem) <= queries.AT_ONCE:
        _solve(plan, problem)
    else:
        queue.enqueue(queries.JOB, plan.pk, by=by, at=at)
    return plan


@transaction.atomic
def solve(*, key: int) -> None:
    """Reckon a plan that waits for it; safe to call twice."""
    plan = queries.plan_locked(key)
    if plan.state == PlanState.SOLVING:
        _solve(plan, _checked(plan.problem))


def _cells(problem: Problem) -> int:
    """About how many lines of place, item and day a problem has."""
    lines = sum(
        len({*place.need, *place.request, *place.monthly_consumption}) for place in problem.places
    )
    return lines * problem.days


def _solve(plan: Plan, problem: Problem) -> None:
    from . import comparing, rules  # NumPy is loaded where a problem is solved

    answer = rules.allocate(problem, lambda code, facts: _BETWEEN + json.dumps([code, facts]))
    flat = comparing.pro_rata(problem, answer)
    flat_covers = comparing.covers(problem, flat)
    places = {one.mark: one for one in queries.stores()}
    items = {one.code: one for one in stocks.items()}
    Share.objects.bulk_create(
        Share(
            plan=plan,
            place=places[one.place],
            item=items[one.item],
            instead_of=None if one.instead_of is None else items[one.instead_of],
            wanted=one.wanted,
            proposed=one.quantity,
            quantity=one.quantity,
            pro_rata=0 if one.instead_of else flat.get((one.place, one.item), 0),
            cover_before=one.cover_before,
            cover_after=one.cover_after,
            code=json.loads(one.reason.removeprefix(_BETWEEN))[0],
            bound_by=one.bound_by,
            facts=one.facts,
            lots=[[lot.lot, lot.quantity] for lot in one.lots],
        )
        for one in answer.shares
    )
    plan.told = {
        **plan.told,
        "worst": answer.worst_cover,
        "worst_flat": min(flat_covers.values(), default=None),
        "items": [
            {
                "item": one.item,
                "stock": one.stock,
                "usable": one.usable,
                "kept_back": one.kept_back,
                "sent": one.sent,
                "left": one.left,
                "why": [json.loads(part) for part in one.reason.split(_BETWEEN) if part.strip()],
            }
            for one in answer.items
        ],
    }
    plan.state = PlanState.READY
    plan.save(update_fields=["told", "state"])


@transaction.atomic
def adjust(
    *, plan: Plan, share: Share, quantity: int, reason: str, by: User | None, at: datetime
) -> Plan:
    """Give a line more or less than was reckoned, with a reason, within the hard limits."""
    why = stated_reason(reason, _("Say why the line is changed."))
    plan = _ready(plan)
    lines = list(queries.shares_of(plan).filter(item=share.item_id))
    share = next(one for one in lines if one.pk == share.pk)
    if quantity == share.quantity:
        raise WrongField(_("The line has this quantity already."), "quantity")
    told = next(one for one in plan.problem["items"] if one["id"] == share.item.code)
    pack = told.get("pack", 1)
    if quantity < 0 or quantity % pack:
        raise WrongField(_("Only whole packs of %(pack)s leave.") % {"pack": pack}, "quantity")
    try:
        found = picks.assign(
            _lots(told),
            told.get("keep_back", 0),
            _lines(lines, plan, {share.pk: quantity}),
            str(share.pk),
        )
    except picks.NotThere as problem:
        raise AboveTheLimit(
            _(
                "At most %(most)s can come here: the rest is given to others, stays as reserve, is"
                " earmarked or expires on the way. Take from another line first."
            )
            % {"most": problem.most // pack * pack}
        ) from problem
    before = share.quantity
    share.quantity, share.lots = quantity, [list(one) for one in found[str(share.pk)]]
    share.adjusted_why, share.adjusted_at, share.adjusted_by = why, at, by
    share.cover_after = _cover(plan, lines).get((share.place.mark, share.item.code))
    share.save()
    plan.touch(by, at)
    plan.save(update_fields=["changed_by", "changed_at"])
    detail = {"line": share.pk, "before": before, "now": quantity}
    audit.record("supplies.allocation.adjust", plan, by=by, at=at, reason=why, detail=detail)
    return plan


@transaction.atomic
def approve(*, plan: Plan, by: User, at: datetime) -> Plan:
    """The goods leave as the plan says, all of them or none; from now on it never changes."""
    plan = _ready(plan)
    lines = list(queries.shares_of(plan))
    if by.pk == plan.created_by_id or any(by.pk == one.adjusted_by_id for one in lines):
        raise SamePerson(
            _("Whoever prepared or changed a plan does not approve it. Ask somebody else.")
        )
    if (clock.day_of(at) - plan.first_day).days > OLD:
        raise NotReady(_("The days of this plan have begun without it. Plan anew."))
    lots = queries.lots_by_id(lot for one in lines for lot, _n in one.lots)
    receivers = _by_place(lines)
    stocks.places_locked(queries.keys_to_lock(plan.store, receivers))
    for place, several in receivers.items():
        leaving = [
            Leaving(item=one.item, quantity=quantity, lot=lots[lot])
            for one in several
            for lot, quantity in one.lots
        ]
        for start in range(0, len(leaving), MOST_LINES_OF_A_SHEET):
            part = leaving[start : start + MOST_LINES_OF_A_SHEET]
            _ship(plan, place, part, by, at)
    plan.state, plan.approved_at, plan.approved_by = PlanState.APPROVED, at, by
    plan.touch(by, at)
    plan.save()
    overtaken = []
    for other in queries.waiting(plan.store).exclude(pk=plan.pk):
        other.state = PlanState.OVERTAKEN  # it was reckoned with goods that are gone
        other.touch(by, at)
        other.save()
        overtaken.append(other.number)
    needs = queries.needs_met(plan, receivers)
    answered = demand.answer(needs=needs, plan=plan.number, by=by, at=at)
    detail = {
        "number": plan.number,
        "lines": sum(1 for one in lines if one.quantity),
        "needs": answered,
        "overtaken": ", ".join(overtaken),
    }
    audit.record("supplies.allocation.approve", plan, by=by, at=at, detail=detail)
    return plan


def _ship(plan: Plan, place: Place, leaving: list[Leaving], by: User, at: datetime) -> None:
    """The goods are on the way until the place says what arrived."""
    way = Way(
        expected_at=queries.expected_at(plan, place, at),
        note=_("Plan %(number)s") % {"number": plan.number},
    )
    said: dict[str, Any] = {"source": plan.store, "target": place, "lines": leaving, "way": way}
    try:
        made = shipping.prepare(**said, synthetic=plan.synthetic, by=by, at=at)
        sent = shipping.dispatch(shipment=made, by=by, at=at)
    except (stock.NotEnough, stock.HeldBack, stock.Expired, stock.Closed) as problem:
        raise StockChanged(
            _("The stock changed since the plan was prepared; nothing left. Plan anew. (%(why)s)")
            % {"why": problem}
        ) from problem
    Shipment.objects.create(plan=plan, place=place, entry=stocks.sheet_of(sent))


@transaction.atomic
def drop(*, plan: Plan, reason: str, by: User | None, at: datetime) -> Plan:
    """The plan is not followed."""
    why = stated_reason(reason, _("Say why the plan is dropped."))
    plan = queries.plan_locked(plan.pk)
    if plan.state not in (PlanState.READY, PlanState.SOLVING):
        raise NotReady(_("This plan was decided already. Plan anew."))
    plan.state, plan.dropped_why = PlanState.DROPPED, why
    plan.touch(by, at)
    plan.save()
    audit.record("supplies.allocation.drop", plan, by=by, at=at, reason=why)
    return plan


# --- What they share ------------------------------------------------------------------------------


def _refuse(facts: PlanFacts, at: datetime) -> None:
    today = clock.day_of(at)
    if not today <= facts.first_day <= today + FAR:
        raise WrongField(_("Plan from today on, at most 60 days ahead."), "first_day")
    if not facts.items:
        raise WrongField(_("Choose at least one item."), "items")
    if not facts.places:
        raise WrongField(_("Choose at least one place."), "places")
    for one in facts.items:
        if one.pack != 1 and one.pack not in one.item.packs.values():
            raise WrongField(_("%(item)s has no pack of this size.") % {"item": one.item}, "items")


def _checked(data: object) -> Problem:
    try:
        return reading.checked(data)
    except reading.WrongProblem as wrong:
        fault = wrong.faults[0]
        if fault.code == "no_lines":
            raise CannotBePlanned(
                _(
                    "Nobody among these places needs, asked for or used any of these items. Choose"
                    " others, or another way of sharing."
                )
            ) from wrong
        text = sentences.translate(words.FAULTS[fault.code]) % dict(fault.facts)
        raise CannotBePlanned(f"{fault.place}: {text}") from wrong


def _ready(plan: Plan) -> Plan:
    plan = queries.plan_locked(plan.pk)
    if plan.state == PlanState.SOLVING:
        raise NotReady(_("The plan is still being reckoned. Wait a moment."))
    if plan.state != PlanState.READY:
        raise NotReady(_("This plan was decided already. Plan anew."))
    return plan


def _lots(told: Mapping[str, Any]) -> list[picks.LotThere]:
    return [
        picks.LotThere(
            id=one["id"],
            quantity=one["quantity"],
            expires=date.fromisoformat(one["expires"]) if "expires" in one else None,
            only_for=frozenset(one["only_for"]) if "only_for" in one else None,
        )
        for one in told.get("lots", [])
    ]


def _lines(shares: list[Share], plan: Plan, new: Mapping[int, int]) -> list[picks.Line]:
    """Lines as they stand, some with a new quantity."""
    lead = {one["id"]: one["lead_days"] for one in plan.problem["places"]}
    return [
        picks.Line(
            key=str(one.pk),
            place=one.place.mark,
            quantity=new.get(one.pk, one.quantity),
            arrives=plan.first_day + timedelta(days=lead[one.place.mark]),
            had=[(lot, n) for lot, n in one.lots],
        )
        for one in shares
    ]


def _cover(plan: Plan, lines: list[Share]) -> dict[tuple[str, str], float]:
    from . import comparing  # NumPy is loaded where it is needed

    amounts = {
        (one.place.mark, one.item.code): one.quantity for one in lines if one.instead_of_id is None
    }
    return comparing.covers(_checked(plan.problem), amounts)


def _by_place(lines: list[Share]) -> dict[Place, list[Share]]:
    """The lines that get something, by place, in the order of the marks."""
    found: dict[Place, list[Share]] = {}
    for one in sorted(lines, key=lambda each: (each.place.mark, each.pk)):
        if one.quantity:
            found.setdefault(one.place, []).append(one)
    return found
