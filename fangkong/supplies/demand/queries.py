"""Questions about needs, use and cover: read only, in the scope of a user."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from fangkong.core import clock
from fangkong.core.permissions import Permission
from fangkong.packs import queries as packs
from fangkong.places import queries as areas
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Balance, Item, Move, Place
from fangkong.supplies.stock.types import PlaceKind

from . import pipeline, rules
from .models import Need, NeedLine
from .types import ASK, VIEW, Coming, Forecast, NeedState

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import SuppliesPlan, SupplyNorm, SupplyReserve, SupplyRole

WINDOW = 28  # days over which use is counted
COUNTING = (NeedState.OPEN, NeedState.ANSWERED)  # what was answered is still needed


# --- The rule pack --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Norms:
    """What the rule pack in force says of use and reserves on a day."""

    day: date
    plan: SuppliesPlan

    @cached_property
    def roles(self) -> dict[str, SupplyRole]:
        """The roles by code."""
        return {one.code: one for one in self.plan.roles if one.covers(self.day)}

    @cached_property
    def norms(self) -> list[SupplyNorm]:
        return [one for one in self.plan.norms if one.covers(self.day)]

    def rates(self, who: str, strategy: str) -> Mapping[str, Fraction]:
        """What one head of a role uses a day, by the item's code; nothing for an unknown role."""
        if who not in self.roles:
            return {}
        key = who, strategy
        if key not in self._rates:
            self._rates[key] = rules.rates(self._cared, self._norms, who, strategy)
        return self._rates[key]

    @cached_property
    def _rates(self) -> dict[tuple[str, str], dict[str, Fraction]]:
        return {}

    @cached_property
    def _cared(self) -> list[rules.Cared]:
        return [rules.Cared(one.code, one.staff, one.shift_hours) for one in self.roles.values()]

    @cached_property
    def _norms(self) -> list[rules.Norm]:
        return [
            rules.Norm(
                one.item,
                one.who,
                {
                    "conventional": one.conventional,
                    "contingency": one.contingency,
                    "crisis": one.crisis,
                },
            )
            for one in self.norms
        ]

    def reserve(self, kind: str) -> int:
        """For how many days facilities of a kind keep goods; 0 where nothing is said."""
        return max((one.days for one in self.reserves(kind)), default=0)

    def reserves(self, kind: str) -> list[SupplyReserve]:
        """The lines of the pack that say so."""
        rows = self.plan.reserves
        return [one for one in rows if kind in one.facilities and one.counts_in(self.day)]


def norms_on(day: date) -> Norms:
    """The norms of the home area on a day."""
    whole = areas.home(day)
    pack = packs.in_force(whole.code if whole is not None else "", day)
    return Norms(day, pack.supplies)


# --- Needs ----------------------------------------------------------------------------------------


def needs_open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Need]:
    """The needs of the user's places."""
    mine = stock.places_open_to(user, at, permission).order_by().values("pk")
    rows = Need.objects.filter(place__in=mine)
    return rows.select_related("place__facility", "place__county", "replaces", "created_by")


def need_open_to(
    user: User, at: datetime, public_id: UUID, permission: Permission = VIEW
) -> Need | None:
    """One of them."""
    return needs_open_to(user, at, permission).filter(public_id=public_id).first()


def lines_of(needs: Iterable[Need]) -> dict[int, list[NeedLine]]:
    """The lines of needs, by the key of the need."""
    found: dict[int, list[NeedLine]] = {}
    rows = NeedLine.objects.filter(need__in=list(needs)).select_related("item").order_by("pk")
    for one in rows:
        found.setdefault(one.need_id, []).append(one)
    return found


def replaced_by(need: Need) -> Need | None:
    """The need that took the place of this one."""
    return Need.objects.filter(replaces=need).first()


def open_by_ref(room: str, ref: str) -> Need | None:
    """The open need that a room reported under a reference, locked until the transaction ends."""
    rows = Need.objects.filter(room=room, ref=ref, state=NeedState.OPEN)
    return rows.select_for_update(of=("self",)).first()


def need_locked(key: int) -> Need:
    """A need that is about to be changed."""
    return Need.objects.select_for_update(of=("self",)).select_related("place").get(pk=key)


def place_to_ask(user: User, at: datetime, public_id: UUID) -> Place | None:
    """The open place of the user's for which goods may be asked."""
    return stock.places_to_choose(user, at, ASK).filter(public_id=public_id).first()


def counting(places: Collection[int], first: date, last: date) -> list[Need]:
    """What counts as needed at places within some days."""
    rows = Need.objects.filter(
        place__in=places, state__in=COUNTING, first_day__lte=last, last_day__gte=first
    )
    return list(rows.order_by("pk"))


def still_open(places: Collection[int], first: date, last: date) -> list[Need]:
    """Of them, those that nothing has answered."""
    return [one for one in counting(places, first, last) if one.state == NeedState.OPEN]


# --- On the way ---------------------------------------------------------------------------------


def sent(places: Sequence[int], first: date, last: date) -> list[Coming]:
    """What left another store for these places: sure, also where it is late.

    What was sent without a day comes nowhere: nobody can count on it.
    """
    return [
        Coming(one.place, one.item, day, one.quantity, one.number, sure=True)
        for one in stock.on_the_way_to(places)
        if one.expected_at is not None and (day := clock.day_of(one.expected_at)) <= last
    ]


# --- Cover ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cover:
    """How an item stands at a place.

    ``stock``: what may be used today. ``need``: a day, from today on. ``high``: the same by the
    highest quantile that was foreseen, else as ``need``. ``basis``: what the need of the first days
    rests on, "burn", "reported" or "foreseen". ``days``: days of cover, at most ``horizon``.
    """

    place: Place
    item: Item
    stock: int
    lots: Sequence[rules.Held]
    burn: rules.Burn
    reported: Sequence[float]
    need: Sequence[float]
    high: Sequence[float]
    coming: Sequence[Coming]
    today: date
    reserve: int
    basis: str
    days: float | None
    days_high: float | None
    alone: float | None  # without what is on its way

    @property
    def horizon(self) -> int:
        return len(self.need)

    @property
    def lasts(self) -> bool:
        """The goods last to the end of what was looked at."""
        return self.days is not None and self.days >= self.horizon

    @property
    def tone(self) -> str:
        return rules.tone(self.days, min(self.reserve, self.horizon))

    @property
    def a_day(self) -> float:
        """The mean need of the next seven days."""
        week = self.need[:7]
        return sum(week) / len(week) if week else 0.0

    @property
    def missing(self) -> int:
        """How many pieces are missing to the reserve of the rule pack."""
        return rules.to_reserve(self.stock, self.need, self.reserve)

    @property
    def counted(self) -> list[Coming]:
        """What is on its way and counts. A promise whose day is over counts no more: ask anew."""
        return [one for one in self.coming if one.counts_on(self.today)]

    @property
    def arrivals(self) -> list[tuple[int, int]]:
        return [((one.day - self.today).days, one.quantity) for one in self.counted]


@dataclass
class _Seen:
    """What was found of an item at a place."""

    lots: list[rules.Held] = field(default_factory=list)
    all: int = 0  # held, good or not: what the ledger's curve ends with
    changes: dict[int, list[int]] = field(default_factory=dict)  # by day of the window
    reported: list[list[float]] = field(default_factory=list)
    foreseen: dict[float, list[list[float]]] = field(default_factory=dict)
    coming: list[Coming] = field(default_factory=list)


def covers(
    user: User,
    at: datetime,
    *,
    days: int = 30,
    strategy: str = "conventional",
    places: Iterable[Place] | None = None,
    item: Item | None = None,
    kind: str = "",
    forecasts: Mapping[int, Sequence[Forecast]] | None = None,
    still: int | None = None,
    permission: Permission = VIEW,
) -> list[Cover]:
    """How the user's places stand with everything that they hold, use, await or asked for.

    ``forecasts``: by key of the place. ``kind``: of goods, "" for all. ``still``: how many are told
    that nobody uses, needs or awaits; None for all. Ten statements at most, however many places and
    items. Those that run out first stand in front, then by place and item.
    """
    mine = stock.places_to_choose(user, at, permission)
    if places is not None:
        mine = mine.filter(pk__in=[one.pk for one in places])
    return look(
        list(mine),
        at,
        days=days,
        strategy=strategy,
        item=item,
        kind=kind,
        forecasts=forecasts,
        still=still,
    )


def look(
    places: Sequence[Place],
    at: datetime,
    *,
    days: int = 30,
    strategy: str = "conventional",
    item: Item | None = None,
    kind: str = "",
    forecasts: Mapping[int, Sequence[Forecast]] | None = None,
    still: int | None = None,
) -> list[Cover]:
    """``covers`` of places that were found in a user's scope before."""
    today = clock.day_of(at)
    goods = {
        one.pk: one
        for one in stock.items()
        if (item is None or one.pk == item.pk) and kind in ("", one.kind)
    }
    ground = _Ground({one.pk: one for one in places}, goods, norms_on(today), strategy, today, days)
    ground.note_moves()
    ground.note_needs()
    ground.note_coming()
    for place, told in (forecasts or {}).items():
        ground.note_forecasts(place, told)
    if still is None:
        ground.note_balances()
    else:
        ground.note_some_still(still)
    return sorted(ground.covers(), key=_worst_first)


def cover(place: Place, item: Item, at: datetime, *, days: int = 30) -> Cover:
    """How one item stands at one place that was found in a user's scope; also where none is."""
    found = look([place], at, days=days, item=item)
    if found:
        return found[0]
    today = clock.day_of(at)
    ground = _Ground({place.pk: place}, {item.pk: item}, norms_on(today), "", today, days)
    ground.at(place.pk, item.pk)
    return ground.covers()[0]


def _worst_first(one: Cover) -> tuple[float, str, str, str]:
    return (
        float("inf") if one.days is None else one.days,
        one.place.mark,
        one.item.kind,
        one.item.code,
    )


def a_day_of(
    line: NeedLine, days: int, by_code: Mapping[str, int], norms: Norms, strategy: str
) -> list[tuple[int, list[float]]]:
    """What a line asks for, by key of the item, day by day of its need."""
    if line.quantity is not None:
        known = line.item_id in by_code.values()
        whole = [float(n) for n in rules.spread(line.quantity, days)]
        return [(line.item_id or 0, whole)] if known else []
    found = []
    for code, rate in norms.rates(line.who, strategy).items():
        key = by_code.get(code)
        if key is not None and line.item_id in (None, key):
            found.append((key, [float(rate * (line.heads or 0))] * days))
    return found


_HELD = ("place_id", "item_id", "quantity", "lot__expires_on", "lot__held_back_at")


class _Ground:
    """Gathers what is known of each item at each place."""

    def __init__(
        self,
        places: Mapping[int, Place],
        goods: Mapping[int, Item],
        norms: Norms,
        strategy: str,
        today: date,
        days: int,
    ) -> None:
        self.places, self.goods, self.norms = places, goods, norms
        self.strategy, self.today, self.days = strategy, today, days
        self.by_code = {one.code: one.pk for one in goods.values()}
        self.last = today + timedelta(days=days - 1)
        self.first = today - timedelta(days=WINDOW - 1)
        self.nothing = [0.0] * days
        self.reserves: dict[str, int] = {}
        self.seen: dict[tuple[int, int], _Seen] = {}

    def at(self, place: int, item: int) -> _Seen:
        one = self.seen.get((place, item))
        if one is None:
            one = self.seen[place, item] = _Seen()
        return one

    def note_balances(self, items: Collection[int] | None = None) -> None:
        """What is there, and what of it may be used; of all goods, or of these."""
        rows = Balance.objects.filter(
            place__in=list(self.places),
            item__in=list(self.goods if items is None else items),
            quantity__gt=0,
        )
        for held in rows.order_by().values_list(*_HELD):
            self._note_held(*held)

    def _note_held(
        self,
        place: int,
        item: int,
        quantity: int,
        expires: date | None,
        held_back: datetime | None,
    ) -> None:
        one = self.at(place, item)
        one.all += quantity
        if held_back is None and (expires is None or expires >= self.today):
            until = None if expires is None else (expires - self.today).days
            one.lots.append(rules.Held(quantity, until))

    def note_some_still(self, most: int) -> None:
        """Of goods of which nothing moved, is needed or awaited anywhere, the first that lie there.

        They have no days of cover, so a board that shows few of them needs no more.
        """
        moved = {item for _place, item in self.seen}
        self.note_balances(moved)
        rows = Balance.objects.filter(
            place__in=list(self.places),
            item__in=[key for key in self.goods if key not in moved],
            quantity__gt=0,
        )
        first = rows.order_by("place__mark", "item__kind", "item__code")
        keys = list(first.values_list("place_id", "item_id").distinct()[:most])
        if not keys:
            return
        of_them = rows.filter(
            place__in={place for place, _item in keys}, item__in={item for _place, item in keys}
        ).order_by()
        known = set(keys)
        for place, item, quantity, expires, held_back in of_them.values_list(*_HELD):
            if (place, item) in known:
                self._note_held(place, item, quantity, expires, held_back)

    def note_moves(self) -> None:
        """What came, went and was used on each day of the window."""
        rows = Move.objects.filter(
            Q(source__in=list(self.places)) | Q(target__in=list(self.places)),
            item__in=list(self.goods),
            entry__moved_at__gte=clock.start_of(self.first),
        )
        values = rows.order_by().values_list(
            "item_id", "source_id", "source__kind", "target_id", "target__kind", "quantity",
            self._day(0, WINDOW - 1),
        )  # fmt: skip
        for item, source, source_kind, target, target_kind, quantity, day in values.iterator():
            if source in self.places:
                change = self.at(source, item).changes.setdefault(day, [0, 0, 0])
                change[1] += quantity
                change[2] += quantity if target_kind == PlaceKind.USED else 0
            if target in self.places:
                change = self.at(target, item).changes.setdefault(day, [0, 0, 0])
                change[0] += quantity
                change[2] -= quantity if source_kind == PlaceKind.USED else 0

    def _day(self, first: int, last: int) -> Case | Value:
        """On which day of the window a line moved, as a number that the database finds by halving:
        twenty thousand moments need not be read as such."""
        if first == last:
            return Value(first)
        half = (first + last + 1) // 2
        start = clock.start_of(self.first + timedelta(days=half))
        later = When(entry__moved_at__gte=start, then=self._day(half, last))
        return Case(later, default=self._day(first, half - 1), output_field=IntegerField())

    def note_needs(self) -> None:
        """What was reported or asked for."""
        needs = counting(list(self.places), self.today, self.last)
        lines = lines_of(needs)
        for need in needs:
            for line in lines.get(need.pk, []):
                told = a_day_of(line, need.days, self.by_code, self.norms, self.strategy)
                for item, a_day in told:
                    self.at(need.place_id, item).reported.append(
                        rules.within(need.first_day, need.last_day, a_day, self.today, self.days)
                    )

    def note_coming(self) -> None:
        """What is on its way."""
        for one in pipeline.coming(list(self.places), self.today, self.last):
            if one.item in self.goods and one.place in self.places:
                self.at(one.place, one.item).coming.append(one)

    def note_forecasts(self, place: int, forecasts: Sequence[Forecast]) -> None:
        """What heads that are foreseen will need."""
        if place not in self.places:
            return
        for one in forecasts:
            for code, rate in self.norms.rates(one.who, self.strategy).items():
                if code in self.by_code:
                    cell = self.at(place, self.by_code[code])
                    for level, values in rules.foreseen(one.heads, rate).items():
                        cell.foreseen.setdefault(level, []).append(values)

    def covers(self) -> list[Cover]:
        """What that comes to."""
        return [
            self._cover(self.places[place], self.goods[item], one)
            for (place, item), one in self.seen.items()
        ]

    def _cover(self, place: Place, item: Item, one: _Seen) -> Cover:
        days, nothing = self.days, self.nothing
        burn = self._burn(one)
        reported = rules.added(one.reported, days) if one.reported else nothing
        middle = _level(one.foreseen, 0.5, days) if one.foreseen else nothing
        told = bool(one.reported or one.foreseen)
        if told:
            need = rules.projected(burn.a_day, reported, middle, days)
        else:  # most goods are just used
            need = [burn.a_day or 0.0] * days
        high = need
        if one.foreseen:
            upper = _level(one.foreseen, 1.0, days)
            high = rules.projected(burn.a_day, reported, upper, days)
        arrivals = [
            ((each.day - self.today).days, each.quantity)
            for each in one.coming
            if each.counts_on(self.today)
        ]
        lasts = (
            rules.cover(one.lots, arrivals, need)
            if told or arrivals
            else rules.steady(one.lots, burn.a_day or 0.0, days)
        )
        return Cover(
            place=place,
            item=item,
            stock=sum(each.quantity for each in one.lots),
            lots=one.lots,
            burn=burn,
            reported=reported,
            need=need,
            high=high,
            coming=one.coming,
            today=self.today,
            reserve=self._reserve("" if place.facility is None else place.facility.kind),
            basis=rules.basis(burn.a_day, reported, middle) if told else "burn",
            days=lasts,
            days_high=lasts if high is need else rules.cover(one.lots, arrivals, high),
            alone=rules.cover(one.lots, [], need) if arrivals else lasts,
        )

    def _reserve(self, kind: str) -> int:
        if kind not in self.reserves:
            self.reserves[kind] = self.norms.reserve(kind)
        return self.reserves[kind]

    def _burn(self, one: _Seen) -> rules.Burn:
        if not one.changes:  # most goods lie still
            still = [rules.Change()] if one.all else []
            found = rules.burn(one.all, still)
            return replace(found, days=len(still) * WINDOW, window=WINDOW)
        return rules.burnt(one.all, one.changes, WINDOW)


def _level(foreseen: Mapping[float, list[list[float]]], wanted: float, days: int) -> list[float]:
    """The need by the quantile that is nearest to one; where a forecast ends, its last day."""
    level = min(foreseen, key=lambda one: (abs(one - wanted), one))
    longer = [[*values, *[values[-1]] * (days - len(values))] for values in foreseen[level]]
    return rules.added(longer, days)
