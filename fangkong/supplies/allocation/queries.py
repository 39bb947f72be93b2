"""Questions about plans of allocation, and what a problem is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet, Sum

from fangkong.core import clock
from fangkong.packs import queries as packs
from fangkong.places import queries as areas
from fangkong.supplies.demand import pipeline
from fangkong.supplies.demand import queries as demand
from fangkong.supplies.demand.models import Need
from fangkong.supplies.demand.types import Coming
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Balance, Item, Lot, Place, Transfer
from fangkong.supplies.stock.types import LONGEST, PlaceKind

from .models import Plan, Share, Shipment
from .offices import (
    APPROVE,
    OVERSEE,
    PREPARE,
    VIEW,
    Offered,
    PlanFacts,
    PlanState,
    Receiver,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

# What rooms above may use: this part's ``types`` know no Django.
__all__ = ["APPROVE", "OVERSEE", "PREPARE", "VIEW", "Offered", "PlanFacts", "Receiver"]

JOB = "supplies.allocation.solve"
AT_ONCE = 5_000  # lines of place, item and day; about a second of reckoning
LOOK = 30  # days of demand that a plan is made from, at least
_TIERS = {"hospital": 2, "laboratory": 3, "isolation_site": 2, "county_cdc": 2}


# Of the plan of each line: megabytes that would be read as often as there are lines.
_LARGE = ("plan__problem", "plan__told", "plan__needs")


# --- Plans ----------------------------------------------------------------------------------------


def plans_open_to(user: User, at: datetime) -> QuerySet[Plan]:
    """All plans, for whoever oversees the whole area; nothing for others."""
    rows = Plan.objects.select_related("store__facility", "created_by", "approved_by", "last")
    # What was known is megabytes for a large plan, and read only where a line is changed.
    rows = rows.defer("problem", "last__problem", "last__told")
    return rows if user.scope(OVERSEE, at).everywhere else rows.none()


def plans_listed(user: User, at: datetime) -> QuerySet[Plan]:
    """``plans_open_to`` for a list page, without what is said of their items."""
    return plans_open_to(user, at).defer("problem", "told", "needs")


def plan_locked(key: int) -> Plan:
    """A plan that is about to be changed."""
    rows = Plan.objects.select_for_update(of=("self",))
    return rows.select_related("store__facility", "created_by").get(pk=key)


def shares_of(plan: Plan) -> QuerySet[Share]:
    """The lines of a plan, by item and place."""
    rows = Share.objects.filter(plan=plan)
    whole = ("place__facility", "place__county", "item", "instead_of", "adjusted_by", "plan")
    return (
        rows.select_related(*whole)
        .defer(*_LARGE)
        .order_by("item__kind", "item__code", "place__mark", "pk")
    )


def share_of(plan: Plan, key: int) -> Share | None:
    """One line of a plan."""
    return shares_of(plan).filter(pk=key).first()


def given_to(user: User, at: datetime) -> QuerySet[Share]:
    """What approved plans gave to the user's places, the last in front."""
    mine = stock.places_open_to(user, at, VIEW).order_by().values("pk")
    rows = Share.objects.filter(place__in=mine, plan__state=PlanState.APPROVED)
    return rows.select_related("plan", "place__facility", "item", "instead_of").defer(*_LARGE)


def shipments_of(plan: Plan) -> list[tuple[Shipment, Transfer | None]]:
    """The sheets by which its goods left, each with its way; older ones had none."""
    rows = Shipment.objects.filter(plan=plan).select_related("place__facility", "entry")
    found = list(rows.order_by("pk"))
    ways = stock.shipments_by_sheet(one.entry for one in found)
    return [(one, ways.get(one.entry_id)) for one in found]


def changed_by(plan: Plan, user: User) -> bool:
    """Did somebody change a line of a plan?"""
    return Share.objects.filter(plan=plan, adjusted_by=user).exists()


def worst_by_county(plan: Plan) -> dict[str, float]:
    """The lowest cover of each county's lines, by its code."""
    return dict(_by_county(plan).filter(cover_after__isnull=False).annotate(n=Min("cover_after")))


def short_by_county(plan: Plan) -> dict[str, float]:
    """How many lines of each county got less than was wanted, by its code."""
    short = Count("pk", filter=Q(quantity__lt=F("wanted")))
    return {code: float(n) for code, n in _by_county(plan).annotate(n=short)}


def _by_county(plan: Plan) -> QuerySet[Share, Any]:
    rows = Share.objects.filter(plan=plan, instead_of=None, place__county__isnull=False)
    return rows.order_by().values_list("place__county__code")


def items_of(plan: Plan) -> list[Item]:
    """The items that a plan shares out."""
    return list(stock.items().filter(pk__in=Share.objects.filter(plan=plan).values("item")))


def counties_of(plan: Plan) -> list[Area]:
    """The counties of its places."""
    keys = Share.objects.filter(plan=plan).values_list("place__county", flat=True).distinct()
    found = set(keys)
    return [one for one in areas.counties_of_home(clock.day_of(plan.created_at)) if one.pk in found]


def last_approved(store: Place) -> Plan | None:
    """The plan of a store that was approved last."""
    rows = Plan.objects.filter(store=store, state=PlanState.APPROVED)
    return rows.order_by("-approved_at", "-pk").first()


def waiting(store: Place) -> QuerySet[Plan]:
    """The plans of a store that are not decided."""
    return Plan.objects.filter(
        store=store, state__in=[PlanState.READY, PlanState.SOLVING]
    ).order_by("pk")


def plans_in(store: Place, year: int) -> int:
    """How many plans a store had in a year; the caller has the store's lock."""
    return Plan.objects.filter(store=store, number__startswith=plan_mark(store, year)).count()


def plan_mark(store: Place, year: int) -> str:
    """What the numbers of a store's plans begin with."""
    return f"{store.mark}-DP-{year}-"


def amounts(plan: Plan | None) -> dict[tuple[int, int, int | None], int]:
    """What a plan gave, by place, item and what it stands in for."""
    if plan is None:
        return {}
    rows = Share.objects.filter(plan=plan).values_list(
        "place_id", "item_id", "instead_of_id", "quantity"
    )
    return {(place, item, other): quantity for place, item, other, quantity in rows}


def needs_of(plan: Plan) -> list[Need]:
    """The needs that a plan took into account, as they stand now."""
    return list(Need.objects.filter(public_id__in=plan.needs).order_by("pk"))


def needs_met(plan: Plan, places: Iterable[Place]) -> list[Need]:
    """Of them, those of houses to which the plan sends anything at all; the others stay open."""
    houses = {one.facility_id for one in places}
    rows = Need.objects.filter(public_id__in=plan.needs, place__facility__in=houses)
    return list(rows.order_by("pk"))


def keys_to_lock(store: Place, places: Iterable[Place]) -> list[int]:
    """All places whose balances an approval changes, so that they are locked in one order."""
    return [store.pk, *stock.keys_of_ways(store), *(one.pk for one in places)]


def expected_at(plan: Plan, place: Place, at: datetime) -> datetime | None:
    """The end of the day on which goods that leave now arrive; None where it is too far to tell."""
    told = next(one for one in plan.problem["places"] if one["id"] == place.mark)
    day = max(plan.first_day, clock.day_of(at)) + timedelta(days=told["lead_days"])
    moment = clock.start_of(day + timedelta(days=1)) - timedelta(minutes=1)
    return moment if moment <= at + LONGEST else None


# --- What can be planned --------------------------------------------------------------------------


def stores() -> QuerySet[Place]:
    """The stores from which goods can be shared out."""
    return stock.targets_to_choose().filter(kind=PlaceKind.STORE)


def receivers(store: Place, at: datetime) -> list[Receiver]:
    """Every other store, with what usually holds for it."""
    found = []
    for one in stores().exclude(pk=store.pk):
        kind = "" if one.facility is None else one.facility.kind
        lead = 0 if one.county_id == store.county_id else 1
        found.append(Receiver(place=one, exposure=_TIERS.get(kind, 1), lead_days=lead))
    return found


def in_store(store: Place, day: date) -> dict[int, int]:
    """How much of each item (by key) may leave a store on a day."""
    rows = Balance.objects.filter(
        place=store, quantity__gt=0, lot__held_back_at__isnull=True
    ).exclude(lot__expires_on__lt=day)
    return dict(rows.order_by().values_list("item_id").annotate(n=Sum("quantity")))


def to_the_store(store: Place, at: datetime, days: int) -> list[Coming]:
    """What is on its way to the store itself."""
    today = clock.day_of(at)
    return pipeline.coming([store.pk], today, today + timedelta(days=days))


def lots_by_id(ids: Iterable[str]) -> dict[str, Lot]:
    """Lots by public id."""
    rows = Lot.objects.filter(public_id__in=[UUID(one) for one in ids]).select_related("item")
    return {str(one.public_id): one for one in rows}


# --- The problem ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gathered:
    """A problem, the needs it rests on, and lots whose earmark nobody here can read."""

    problem: dict[str, Any]
    needs: list[str]
    unread: list[str]


def gather(store: Place, facts: PlanFacts, at: datetime) -> Gathered:
    """What is known now, as ``fangkong allocate`` reads it: items by code, places by mark.

    A store speaks for its whole facility: what its wards hold, use and asked for is added up.
    """
    items = {one.item.pk: one for one in facts.items}
    places = {one.place.pk: one for one in facts.places}
    facilities = {one.place.facility_id: one for one in facts.places}
    days = max(facts.days + max((one.lead_days for one in facts.places), default=0), LOOK)
    all_of = [one for one in stock.targets_to_choose() if one.facility_id in facilities]
    told: dict[int, dict[int, list[demand.Cover]]] = {}
    for cover in demand.look(all_of, at, days=min(days, 92)):
        if cover.item.pk in items:
            receiver = facilities[cover.place.facility_id]
            told.setdefault(receiver.place.pk, {}).setdefault(cover.item.pk, []).append(cover)
    asked, needs = _asked(all_of, facilities, items, facts, at)
    lots, unread = _lots(store, facts, at)
    made = {
        "mode": facts.mode,
        "first_day": facts.first_day.isoformat(),
        "days": facts.days,
        "items": [
            {
                "id": one.item.code,
                "lots": lots.get(key, []),
                "keep_back": one.keep_back,
                "pack": one.pack,
            }
            if lots.get(key)
            else {"id": one.item.code, "stock": 0, "pack": one.pack}
            for key, one in items.items()
        ],
        "places": [
            _place(one, told.get(key, {}), asked.get(key, {}), facts) for key, one in places.items()
        ],
    }
    if facts.substitutes:
        made["substitutions"] = _substitutes([one.item for one in facts.items], facts.first_day)
    return Gathered(made, needs, unread)


def _place(
    one: Receiver,
    covers: Mapping[int, Sequence[demand.Cover]],
    asked: Mapping[str, int],
    facts: PlanFacts,
) -> dict[str, Any]:
    county = one.place.county
    made: dict[str, Any] = {
        "id": one.place.mark,
        "groups": [] if county is None else [county.code],
        "exposure": one.exposure,
        "risk": one.risk,
        "lead_days": one.lead_days,
        "floor_days": one.floor_days,
        "stock": {},
        "need": {},
        "monthly_consumption": {},
        "incoming": [],
        # By need what was asked for stands in the need, day by day.
        "request": {} if facts.mode == "by_need" else dict(asked),
    }
    for several in covers.values():
        code = several[0].item.code
        made["stock"][code] = sum(each.stock for each in several)
        burnt = sum(each.burn.a_day or 0.0 for each in several)
        if burnt:
            made["monthly_consumption"][code] = round(burnt * 30)
        need = [sum(each.need[n] for each in several) for n in range(several[0].horizon)]
        skipped = (facts.first_day - several[0].today).days
        if any(need):
            made["need"][code] = whole(need[skipped:] or need[-1:])
        made["incoming"] += [
            {"item": code, "quantity": each.quantity, "on": each.day.isoformat()}
            for one_cover in several
            for each in one_cover.counted
        ]
    return made


def whole(need: Sequence[float]) -> list[int]:
    """A need of parts of pieces a day in whole ones: never less so far than is needed so far."""
    found, before, so_far = [], 0, 0.0
    for value in need:
        so_far += value
        now = ceil(so_far - 1e-6)
        found.append(now - before)
        before = now
    return found


def _asked(
    places: Sequence[Place],
    facilities: Mapping[int | None, Receiver],
    items: Mapping[int, object],
    facts: PlanFacts,
    at: datetime,
) -> tuple[dict[int, dict[str, int]], list[str]]:
    """What is asked for and not answered, by receiver and item; and which needs say so."""
    today = clock.day_of(at)
    last = max(facts.first_day, today) + timedelta(days=facts.days + 60)
    needs = demand.still_open([one.pk for one in places], today, last)
    lines = demand.lines_of(needs)
    norms = demand.norms_on(today)
    by_code = {one.code: one.pk for one in stock.items()}
    codes = {key: code for code, key in by_code.items()}
    of_place = {one.pk: facilities[one.facility_id].place.pk for one in places}
    found: dict[int, dict[str, float]] = {}
    for need in needs:
        for line in lines.get(need.pk, []):
            for key, a_day in demand.a_day_of(line, need.days, by_code, norms, "conventional"):
                if key in items:
                    sums = found.setdefault(of_place[need.place_id], {})
                    sums[codes[key]] = sums.get(codes[key], 0.0) + sum(a_day)
    rounded = {
        place: {code: ceil(value - 1e-6) for code, value in sums.items()}
        for place, sums in found.items()
    }
    answered = [
        str(need.public_id)
        for need in needs
        if all(
            key in items
            for line in lines.get(need.pk, [])
            for key, _days in demand.a_day_of(line, need.days, by_code, norms, "conventional")
        )
    ]
    return rounded, answered


def _lots(
    store: Place, facts: PlanFacts, at: datetime
) -> tuple[dict[int, list[dict[str, Any]]], list[str]]:
    """The lots of the store. An earmark that names a place or county of the plan is kept; goods
    with another one are left where they are, and told."""
    names: dict[str, list[str]] = {}
    for one in facts.places:
        area, facility = one.place.county, one.place.facility
        said = [] if facility is None else [facility.name_zh, facility.name_en]
        said += [] if area is None else [area.name_zh, area.short_zh, area.name_en, area.code]
        for name in said:
            if name:
                names.setdefault(name.casefold(), []).append(one.place.mark)
    rows = Balance.objects.filter(
        place=store,
        item__in=[one.item.pk for one in facts.items],
        quantity__gt=0,
        lot__held_back_at__isnull=True,
    ).exclude(lot__expires_on__lt=facts.first_day)
    found: dict[int, list[dict[str, Any]]] = {}
    unread = []
    for row in rows.select_related("lot").order_by("lot"):
        lot: dict[str, Any] = {"id": str(row.lot.public_id), "quantity": row.quantity}
        if row.lot.expires_on is not None:
            lot["expires"] = row.lot.expires_on.isoformat()
        if row.lot.earmark:
            places = names.get(row.lot.earmark.strip().casefold())
            if not places:
                unread.append(f"{row.lot.number or row.lot.public_id}: {row.lot.earmark}")
                continue
            lot["only_for"] = sorted(set(places))
        found.setdefault(row.item_id, []).append(lot)
    return found, unread


def _substitutes(items: Sequence[Item], day: date) -> list[dict[str, Any]]:
    """What the rule pack lets stand in; what is unfit for splashes or aerosols, not in class 3."""
    home = areas.home(day)
    pack = packs.in_force(home.code if home is not None else "", day)
    codes = {one.code for one in items}
    return [
        {
            "item": one.instead_of,
            "by": one.item,
            "up_to_exposure": 1 if "splash" in one.not_for else 2 if one.not_for else 9,
        }
        for one in pack.supplies.substitutes
        if one.covers(day) and {one.item, one.instead_of} <= codes
    ]
