"""Questions about what is offered, promised and given, and what became of gifts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    DateField,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from fangkong.core import clock
from fangkong.core.permissions import Permission
from fangkong.packs import queries as packs
from fangkong.places import queries as areas
from fangkong.supplies.demand.types import Coming
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Item, Move, Place
from fangkong.supplies.stock.types import KEEP, PlaceKind
from fangkong.tasks import queries as tasks

from . import rules
from .models import Delivery, Disclosure, Supply, SupplyLine
from .types import (
    DECIDE,
    DISCLOSE_TASK,
    GIVEN,
    LATE_TASK,
    OFFER,
    UNDONE_TASK,
    VIEW,
    Fund,
    SupplyState,
    Verdict,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.supplies.stock.models import Entry

BURN_DAYS = 14  # over which use a day is counted
OPEN = (SupplyState.OFFERED, SupplyState.PROMISED)
_NOTHING = Value(0, BigIntegerField())


# --- What comes from outside ----------------------------------------------------------------------


def open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Supply]:
    """The supplies for stores of the user's counties and facilities."""
    within = user.scope(permission, at).q(
        county="place__county_id",
        area="place__facility__area_id",
        facility="place__facility_id",
    )
    return Supply.objects.filter(within).select_related("place__facility", "place__county")


def to_decide(user: User, at: datetime) -> QuerySet[Supply]:
    """Those that the user may accept or decline."""
    return open_to(user, at, DECIDE)


def to_change(user: User, at: datetime) -> QuerySet[Supply]:
    """Those that the user may put off or close."""
    return open_to(user, at, OFFER)


def to_receive(user: User, at: datetime) -> QuerySet[Supply]:
    """Those that the user may check at the door and book in: whoever keeps the store."""
    return open_to(user, at, KEEP)


def listed(user: User, at: datetime) -> QuerySet[Supply]:
    """``open_to`` for a list page, with the lines; ``day``: as promised, or far away."""
    far = Value(date.max, DateField())
    rows = open_to(user, at).annotate(day=Coalesce("arrives_on", far))
    return rows.prefetch_related("lines__item")


def narrowed(rows: QuerySet[Supply], text: str, chosen: Mapping[str, Any]) -> QuerySet[Supply]:
    """Those from whom a text tells; of a channel and in a state.

    Not by code: filters stand in addresses, and whoever reads a code there reads the gift's trace.
    """
    if text:
        rows = rows.filter(party__icontains=text)
    return rows.filter(**{name: chosen[name] for name in ("channel", "state") if name in chosen})


def named(rows: QuerySet[Supply], text: str) -> QuerySet[Supply]:
    """Those from whom a text tells, or with this code; for what is typed into no address."""
    return rows.filter(Q(party__icontains=text) | Q(code=rules.read_code(text)))


def locked(supply: Supply) -> Supply:
    """The supply as it stands now, locked until the transaction ends."""
    rows = Supply.objects.select_for_update(of=("self",))
    return rows.select_related("place__facility", "place__county").get(pk=supply.pk)


def hold_of_entry(entry: Entry) -> None:
    """The supplies that a sheet booked in are held until the transaction ends."""
    of_entry(entry)


def of_entry(entry: Entry) -> list[Supply]:
    """The supplies that a sheet booked in, as they stand now, locked."""
    keys = Delivery.objects.filter(entry=entry).order_by().values("line__supply")
    rows = Supply.objects.select_for_update(of=("self",)).filter(pk__in=keys)
    return list(rows.select_related("place__facility", "place__county").order_by("pk"))


def places_to_choose(user: User, at: datetime, permission: Permission = OFFER) -> QuerySet[Place]:
    """The open stores for which the user may enter supplies."""
    return stock.places_to_choose(user, at, permission)


def prints_entered(prints: Iterable[str]) -> frozenset[str]:
    """Of the prints of rows of files, those that are entered already."""
    rows = Supply.objects.filter(row_print__in=sorted(set(prints)))
    return frozenset(rows.values_list("row_print", flat=True))


def other_names(day: date) -> dict[str, str]:
    """By which other names the pack in force knows items, each with the item's code."""
    whole = areas.home(day)
    pack = packs.in_force(whole.code if whole is not None else "", day)
    return {name: row.code for row in pack.supplies.items if row.covers(day) for name in row.also}


def held_of(item: Item, place: Place) -> int:
    """How much of an item a place holds by its books, whatever the lot."""
    rows = item.balances.filter(place=place).order_by()
    return int(rows.aggregate(n=Sum("quantity"))["n"] or 0)


def code_taken(code: str) -> bool:
    """Is a code drawn already?"""
    return Supply.objects.filter(code=code).exists()


def _counted(verdicts: Iterable[str] | None = None) -> Coalesce:
    """The sum of a line's deliveries that were not taken back."""
    rows = Delivery.objects.filter(line=OuterRef("pk"), entry__reversal__isnull=True)
    if verdicts is not None:
        rows = rows.filter(verdict__in=list(verdicts))
    total = rows.order_by().values("line").annotate(n=Sum("quantity")).values("n")
    return Coalesce(Subquery(total, output_field=BigIntegerField()), _NOTHING)


def lines(rows: QuerySet[SupplyLine] | None = None) -> QuerySet[SupplyLine]:
    """Lines with ``checked``, what came to the door, and ``booked``, what of it was booked in."""
    whole = SupplyLine.objects.all() if rows is None else rows
    added: dict[str, Any] = {
        "checked": _counted(),
        "booked": _counted([Verdict.FITS, Verdict.OTHER]),
    }
    return whole.annotate(**added).select_related("item", "supply__place__facility")


def lines_of(supply: Supply) -> list[SupplyLine]:
    """The lines of a supply in their order."""
    return list(lines(SupplyLine.objects.filter(supply=supply)).order_by("n"))


def missing(line: Any) -> int:
    """How much of a line from ``lines`` has not come to the door."""
    return max(0, int(line.quantity) - int(line.checked))


def lacks(supply: Supply) -> bool:
    """Is anything of a supply still missing, goods or money?"""
    money = bool(supply.money) and supply.money_came_at is None
    return money or any(missing(line) for line in lines_of(supply))


def deliveries_of(supply: Supply) -> QuerySet[Delivery]:
    """What the door made of a supply, the first in front."""
    rows = Delivery.objects.filter(line__supply=supply).order_by("pk")
    return rows.select_related("line__item", "entry", "entry__reversal", "lot__item", "created_by")


def booked_of(supply: Supply) -> list[tuple[Item, int]]:
    """What of a supply was booked in, as what it was booked: a cloth mask is no respirator."""
    found: dict[int, int] = {}
    items: dict[int, Item] = {}
    for one in deliveries_of(supply):
        if one.lot is not None and not taken_back(one):
            items[one.lot.item_id] = one.lot.item
            found[one.lot.item_id] = found.get(one.lot.item_id, 0) + one.quantity
    return [(items[key], quantity) for key, quantity in found.items()]


def taken_back(one: Delivery) -> bool:
    """Was the sheet that booked it taken back? Of ``deliveries_of``."""
    return one.entry is not None and hasattr(one.entry, "reversal")


# --- Pipeline -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """So much of an item is promised to a place for a day; None where no day was named."""

    place: int
    item: int
    day: date | None
    quantity: int
    what: str


def expected(places: Iterable[int], items: Iterable[int] | None = None) -> list[Expected]:
    """What is promised to places (by key) and has not come: orders and promised deliveries.

    What is only offered is not in it.
    """
    rows = lines().filter(supply__state=SupplyState.PROMISED, supply__place__in=sorted(set(places)))
    if items is not None:
        rows = rows.filter(item__in=sorted(set(items)))
    rows = rows.order_by(F("supply__arrives_on").asc(nulls_last=True), "pk")
    return [
        Expected(
            line.supply.place_id,
            line.item_id,
            line.supply.arrives_on,
            left,
            line.supply.display_name,
        )
        for line in rows
        if (left := missing(line))
    ]


def coming(places: Sequence[int], first: date, last: date) -> list[Coming]:
    """What is promised to places for days until a last one, for the days of cover.

    What is late comes with its old day. What names no day comes nowhere: nobody can count on it.
    """
    return [
        Coming(place=one.place, item=one.item, day=one.day, quantity=one.quantity, what=one.what)
        for one in expected(places)
        if one.day is not None and one.day <= last
    ]


def promised(places: Collection[int]) -> list[tuple[int, int, date | None]]:
    """``expected`` for the board of the stock: item, quantity, and the day or None."""
    return [(one.item, one.quantity, one.day) for one in expected(places)]


def late(at: datetime) -> QuerySet[Supply]:
    """Supplies that were promised for a day before this one and have not wholly come."""
    rows = Supply.objects.filter(state=SupplyState.PROMISED, arrives_on__lt=clock.day_of(at))
    return rows.select_related("place__facility__area").order_by("pk")


# --- Offers side by side --------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """A line beside the others of its item; ``unit_price``: fen for a smallest unit."""

    line: SupplyLine
    left: int
    unit_price: float | None
    conformity: str
    relief: rules.Relief


def offers(user: User, at: datetime, item: Item) -> list[Offer]:
    """The open offers and promises of an item, the earliest arrival first.

    Each with what it relieves at its place: by what is there and what left it a day lately.
    """
    today = clock.day_of(at)
    mine = open_to(user, at).filter(state__in=OPEN).values("pk")
    found = list(
        lines(SupplyLine.objects.filter(item=item, supply__in=mine)).order_by(
            F("supply__arrives_on").asc(nulls_last=True), "pk"
        )
    )
    keys = {line.supply.place_id for line in found}
    used = leaving_a_day(item, keys, today - timedelta(days=BURN_DAYS - 1), today)
    here = good_at(item, keys, today)
    told = []
    for line in found:
        key, left = line.supply.place_id, missing(line)
        told.append(
            Offer(
                line=line,
                left=left,
                unit_price=None if line.price is None else line.price / line.quantity,
                conformity=rules.conformity(line.standard, item.standard),
                relief=rules.relief(
                    here=here.get(key, 0),
                    a_day=used.get(key, 0),
                    quantity=left,
                    arrives_on=line.supply.arrives_on,
                    today=today,
                ),
            )
        )
    return told


def leaving_a_day(item: Item, places: Iterable[int], first: date, last: date) -> dict[int, float]:
    """How much of an item left each place a day: used up there, or sent on to another facility.

    What is on the way to another facility has left. What came back, or was taken back, did not.
    Both days are included.
    """
    keys = sorted(set(places))
    within = {
        "item": item,
        "entry__moved_at__gte": clock.start_of(first),
        "entry__moved_at__lt": clock.start_of(last + timedelta(days=1)),
    }
    away = Q(target__kind__in=[PlaceKind.USED, PlaceKind.TRANSIT]) | (
        Q(target__facility__isnull=False) & ~Q(target__facility=F("source__facility"))
    )
    back = Q(source__kind=PlaceKind.USED) | (
        Q(source__facility__isnull=False) & ~Q(source__facility=F("target__facility"))
    )
    from_the_way = Q(source__kind=PlaceKind.TRANSIT, source__facility=F("target__facility"))
    gone = _by_place(Move.objects.filter(away, **within, source__in=keys), "source")
    # What another facility sent is a delivery, unless it takes a sheet of this place back.
    returned = _by_place(
        Move.objects.filter(
            (back & Q(entry__reverses__isnull=False)) | from_the_way, **within, target__in=keys
        ),
        "target",
    )
    days = (last - first).days + 1
    return {key: max(0, gone.get(key, 0) - returned.get(key, 0)) / days for key in keys}


def _by_place(rows: QuerySet[Move], end: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(end).annotate(n=Sum("quantity")))


def good_at(item: Item, places: Iterable[int], day: date) -> dict[int, int]:
    """What places (by key) hold of an item that may be used on a day."""
    rows = item.balances.filter(place__in=sorted(set(places)), quantity__gt=0)
    rows = rows.filter(lot__held_back_at__isnull=True).exclude(lot__expires_on__lt=day)
    return dict(rows.order_by().values_list("place_id").annotate(n=Sum("quantity")))


def items_offered(user: User, at: datetime) -> QuerySet[Item]:
    """The items of which something is offered or promised."""
    mine = open_to(user, at).filter(state__in=OPEN).values("pk")
    rows = SupplyLine.objects.filter(supply__in=mine)
    return stock.items().filter(pk__in=rows.values("item"))


# --- What became of gifts -------------------------------------------------------------------------


def fates(*, until: datetime, of: Supply | None = None) -> dict[tuple[int, int], rules.Fate]:
    """What became of gifts until a moment: (supply, item) → fate, keys of facilities in it.

    One statement over the ledger: the lots of a gift are its own, so it tells each apart.
    """
    gifts = Delivery.objects.filter(lot__isnull=False, line__supply__channel__in=sorted(GIVEN))
    if of is not None:
        gifts = gifts.filter(line__supply=of)
    lots = dict(gifts.values_list("lot_id", "line__supply_id"))
    ends = ("source__kind", "source__facility_id", "target__kind", "target__facility_id")
    rows = Move.objects.filter(lot__in=gifts.values("lot"), entry__created_at__lte=until)
    sums = rows.order_by().values_list("lot_id", "item_id", *ends).annotate(n=Sum("quantity"))
    return rules.fates(
        rules.Flow(lots[lot], item, _end(come, giver), _end(go, taker), n)
        for lot, item, come, giver, go, taker, n in sums
    )


def _end(kind: str, facility: int | None) -> int | str:
    """What is found when counting, or comes beyond what was sent, makes up for what was lost."""
    outside = {
        PlaceKind.SOURCE: "source",
        PlaceKind.USED: "used",
        PlaceKind.LOST: "lost",
        PlaceKind.FOUND: "lost",
    }
    return facility if facility is not None else outside[PlaceKind(kind)]


def supplies_by_key(keys: Iterable[int]) -> dict[int, Supply]:
    """Supplies, by key."""
    rows = Supply.objects.filter(pk__in=sorted(set(keys)))
    return {one.pk: one for one in rows.select_related("place__facility")}


def items_by_key(keys: Iterable[int]) -> dict[int, Item]:
    """Items of the catalogue, by key."""
    return {one.pk: one for one in stock.items().filter(pk__in=sorted(set(keys)))}


def facilities_by_key(keys: Iterable[int]) -> dict[int, Facility]:
    """Facilities, by key."""
    return areas.facilities_by_key(sorted(set(keys)))


def money_given(until: datetime) -> list[Supply]:
    """Money that had come by a moment and was not taken back by then, the first in front."""
    rows = Supply.objects.filter(money__gt=0)
    rows = rows.filter(Q(money_came_at__lte=until) | Q(money_back_at__gt=until))
    found = [
        (came, one.pk, one)
        for one in rows.select_related("place__facility")
        if (came := rules.stood(one.money_came_at, one.money_past, until)) is not None
    ]
    return [one for _came, _pk, one in sorted(found, key=lambda row: row[:2])]


@dataclass(frozen=True)
class Bought:
    """Of a line that given money pays, what came until a moment; ``price``: its part, in fen."""

    line: SupplyLine
    quantity: int
    price: int


def money_spent(until: datetime) -> list[Bought]:
    """What was bought with given money and has come until a moment; 0 where it was taken back.

    What was ordered and never came was not bought: the public is told of goods, not of intentions.
    """
    booked = Delivery.objects.filter(
        line__supply__fund=Fund.GIFTS,
        line__price__isnull=False,
        entry__isnull=False,
        created_at__lte=until,
    ).order_by()
    stands = booked.exclude(entry__reversal__created_at__lte=until)
    sums = dict(stands.values_list("line").annotate(n=Sum("quantity")))
    lines = SupplyLine.objects.filter(pk__in=booked.values("line")).order_by("pk")
    found = []
    for line in lines.select_related("supply", "item"):
        came = sums.get(line.pk, 0)
        part = min(line.price or 0, (line.price or 0) * came // line.quantity)
        found.append(Bought(line, came, part))
    return found


def gift_by_code(code: str) -> Supply | None:
    """The gift with a code, whoever asks: whoever has it was given it."""
    read = rules.read_code(code)
    rows = Supply.objects.filter(code=read, channel__in=sorted(GIVEN))
    return rows.select_related("place__facility").first()


# --- Reports to the public ------------------------------------------------------------------------


def reports() -> QuerySet[Disclosure]:
    """Every published report, for everybody; the figures are read where one is opened."""
    rows = Disclosure.objects.select_related("corrects", "corrected_by")
    figures = [
        f"{whose}{name}"
        for whose in ("", "corrects__", "corrected_by__")
        for name in ("contents", "totals")
    ]
    return rows.defer(*figures)


def last_report() -> Disclosure | None:
    """The one until which everything has been told."""
    return Disclosure.objects.order_by("-as_of", "-pk").first()


def report_before(report: Disclosure) -> Disclosure | None:
    """The one until which everything had been told when a report began."""
    rows = Disclosure.objects.filter(as_of__lt=report.as_of)
    return rows.order_by("-as_of", "-pk").first()


def last_report_locked() -> Disclosure | None:
    """The last one; others who publish wait until the transaction ends.

    Reports are few and never change, so whoever publishes holds the last of them.
    """
    rows = Disclosure.objects.select_for_update(of=("self",), no_key=True)
    return rows.order_by("-as_of", "-pk").first()


def next_report_number() -> int:
    """The number of the next report; the caller holds the last one."""
    return (Disclosure.objects.aggregate(n=Max("number"))["n"] or 0) + 1


def correction_of(report: Disclosure) -> Disclosure | None:
    """The report that corrects this one."""
    return Disclosure.objects.filter(corrects=report).first()


def asked_to_publish(home: Area) -> bool:
    """Is somebody asked to publish and has not yet?"""
    return tasks.awaited(home, DISCLOSE_TASK.code)


def asked_about_undone(supply: Supply) -> bool:
    """Is somebody asked about a closed supply whose receipt was taken back?"""
    return tasks.awaited(supply, UNDONE_TASK.code)


def asked_for(supply: Supply) -> bool:
    """Is somebody asked about a supply that is late?"""
    return tasks.awaited(supply, LATE_TASK.code)


def report_of(public_id: UUID) -> Disclosure | None:
    return reports().filter(public_id=public_id).first()


def within(day: date) -> int | None:
    """Within how many days the pack in force asks to tell the public; None for no such rule."""
    home = areas.home(day)
    pack = packs.in_force(home.code if home is not None else "", day)
    return pack.supplies.disclose_within(day)


def first_untold(at: datetime, last: Disclosure | None) -> date:
    """The day of the first line about a gift after the last report, or that report's own day.

    Asked where something is untold.
    """
    gifts = Delivery.objects.filter(lot__isnull=False, line__supply__channel__in=sorted(GIVEN))
    moves = Move.objects.filter(lot__in=gifts.values("lot"), entry__created_at__lte=at)
    money = Supply.objects.filter(money__gt=0)
    if last is not None:
        moves = moves.filter(entry__created_at__gt=last.as_of)
    found = [moves.order_by("pk").values_list("entry__created_at", flat=True).first()]
    for name in ("money_came_at", "money_back_at"):
        rows = money.filter(**{f"{name}__lte": at})
        if last is not None:
            rows = rows.filter(**{f"{name}__gt": last.as_of})
        found.append(rows.order_by(name).values_list(name, flat=True).first())
    days = [clock.day_of(one) for one in found if one is not None]
    return min(days, default=clock.day_of(at if last is None else last.as_of))


def home(at: datetime) -> Area | None:
    """The area that the deployment serves."""
    return areas.home(clock.day_of(at))


def names_of_counties(at: datetime) -> dict[str, int]:
    """The counties of the home area by their Chinese names, whole and short, with their keys."""
    found: dict[str, int] = {}
    for one in areas.counties_of_home(clock.day_of(at)):
        found |= {name: one.pk for name in (one.name_zh, one.short_zh) if name}
    return found
