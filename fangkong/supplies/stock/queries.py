"""Questions about the catalogue, what is where, and the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    DateField,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from fangkong.core import clock, messages
from fangkong.core.known import Figure, Kind, telling
from fangkong.core.permissions import Permission
from fangkong.packs import queries as packs
from fangkong.places import queries as places
from fangkong.tasks import queries as tasks

from . import rules
from .models import (
    Balance,
    Count,
    CountLine,
    Entry,
    Item,
    ItemCode,
    Lot,
    MonthClosing,
    Move,
    Place,
    Release,
    ReleasePaper,
    Serial,
    SerialMove,
    Transfer,
    TransferLine,
    TransferWish,
)
from .types import (
    ARRIVAL_TASK,
    HELD,
    HOLD,
    KEEP,
    OF_THE_RESERVE,
    ON_THE_WAY,
    RUNNING_COUNTS,
    VIEW,
    Along,
    EntryKind,
    ItemFacts,
    LotFacts,
    Package,
    PlaceKind,
    ShipmentState,
    Standing,
    promised_to,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility

M = TypeVar("M", Place, Balance, Lot)

SOON = 60  # days within which a lot is shown as expiring
FEW = 3  # places of most sheets: the statements that lock so many are kept prepared
_NOTHING = Value(0, BigIntegerField())


# --- Places ---------------------------------------------------------------------------------------


def places_open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Place]:
    """The stores and wards of the user's counties and facilities."""
    within = user.scope(permission, at).q(
        county="county_id", area="facility__area_id", facility="facility_id"
    )
    rows = Place.objects.filter(within, kind__in=sorted(HELD))
    return rows.select_related("facility__area", "county")


def stores_open_to(user: User, at: datetime) -> QuerySet[Place]:
    """Those of them that goods lie in: not the ways between stores."""
    return places_open_to(user, at).exclude(kind=PlaceKind.TRANSIT)


def places_to_choose(user: User, at: datetime, permission: Permission = KEEP) -> QuerySet[Place]:
    """The open ones of them, by county and facility."""
    rows = places_open_to(user, at, permission).filter(closed_at__isnull=True)
    return rows.exclude(kind=PlaceKind.TRANSIT).order_by(
        "county__code", "facility_id", "kind", "name"
    )


def targets_to_choose() -> QuerySet[Place]:
    """Where goods can be sent: every open store and ward, also of other counties."""
    rows = Place.objects.filter(kind__in=[PlaceKind.STORE, PlaceKind.WARD], closed_at__isnull=True)
    return rows.select_related("facility__area", "county").order_by(
        "county__code", "facility_id", "kind", "name"
    )


def facilities_to_open(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities in which the user may open a place."""
    return places.facilities_of(user.scope(KEEP, at))


def places_locked(keys: Iterable[int]) -> dict[int, Place]:
    """The held ones of these places, locked by key until the transaction ends.

    In SQL, as whatever each sheet asks: Django takes as long to write such a statement as the
    database to answer it.
    """
    reader, wanted, held = _reader(Place, "p"), sorted(set(keys)), sorted(map(str, HELD))
    sql = f"SELECT {reader.columns} FROM {Place._meta.db_table} p"  # noqa: S608  # our own names
    sql += f" WHERE p.id IN ({_marks(wanted)}) AND p.kind IN ({_marks(held)}) ORDER BY p.id"
    if connection.features.has_select_for_no_key_update:  # SQLite: whoever writes is alone anyway
        assert connection.in_atomic_block
        sql += " FOR NO KEY UPDATE"
    name = "places_locked" if len(wanted) <= FEW else ""
    (rows,) = messages.send(messages.Statement(sql, [*wanted, *held], name))
    return {place.pk: place for place in map(reader.read, rows)}


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values)) or "NULL"


def places_in(area_id: int) -> int:
    """How many places of stock an area has, closed ones too."""
    return Place.objects.filter(facility__area_id=area_id).count()


def place_like(facility: Facility, kind: str, name: str) -> Place | None:
    """A place of this kind and name."""
    return Place.objects.filter(facility=facility, kind=kind, name=name).first()


def outside(kind: PlaceKind) -> Place | None:
    """The place of a kind that nobody holds."""
    reader = _reader(Place, "p")
    sql = f"SELECT {reader.columns} FROM {Place._meta.db_table} p"  # noqa: S608  # our own names
    sql += " WHERE p.kind = %s AND p.facility_id IS NULL"
    (rows,) = messages.send(messages.Statement(sql, [str(kind)], "place_outside"))
    return reader.read(rows[0]) if rows else None


@cache
def _reader(model: type[M], alias: str) -> messages.Reader[M]:
    return messages.Reader(model, alias)


def holds_anything(place: Place) -> bool:
    """Does a place hold goods?"""
    return Balance.objects.filter(place=place, quantity__gt=0).exists()


# --- Catalogue ------------------------------------------------------------------------------------


def items() -> QuerySet[Item]:
    """The whole catalogue, which is no secret inside the house."""
    return Item.objects.order_by("kind", "name_zh", "pk")


def items_of_pack(day: date) -> list[ItemFacts]:
    """The catalogue of the rule pack that is in force for the home area on a day."""
    whole = places.home(day)
    pack = packs.in_force(whole.code if whole is not None else "", day)
    return [
        ItemFacts(
            code=row.code,
            name_zh=row.name.zh,
            name_en=row.name.en,
            kind=row.kind,
            unit=row.unit,
            packs=dict(row.packs),
            standard=row.standard_on(day),
            shelf_days=row.shelf_days,
        )
        for row in pack.supplies.items
        if row.covers(day)
    ]


def item_by_code(code: str) -> Item | None:
    """The item with a code."""
    return Item.objects.filter(code=code).first()


def item_locked(key: int) -> Item:
    """An item that is about to be changed."""
    return Item.objects.select_for_update().get(pk=key)


def known_codes() -> frozenset[str]:
    """The codes of all items."""
    return frozenset(Item.objects.values_list("code", flat=True))


def board(user: User, at: datetime, of: UUID | None = None) -> QuerySet[Item]:
    """Every item (or ``of`` one) with what the user's stores and wards hold of it.

    ``here``: all that is held. ``spoiled``: of it, expired. ``kept_back``: of it, in lots that are
    held back. ``soon``: of it, good today but not for ``SOON`` more days. ``first``: the earliest
    last good day of what is still good. ``coming``: what is promised to the user's places or on the
    way to them; ``arrives``: the first day that was named for any of it. ``standing``: see
    ``Standing``. ``fit``: what may be used in the stores of the reserve among them, None without
    any: what a hospital or a county keeps for itself is not measured against the prefecture's
    reserve, and does not hide that it is short.

    The figures are as of this call: one statement over the balances gives them all.
    """
    kinds = dict(stores_open_to(user, at).order_by().values_list("pk", "facility__kind"))
    keys = list(kinds)
    reserve = [key for key, kind in kinds.items() if kind in OF_THE_RESERVE]
    coming, least = _coming_to(keys), dict[int, int]()
    if reserve:
        least.update(Item.objects.filter(least__gt=0).values_list("pk", "least"))
    here = {row["item"]: row for row in _sums(keys, reserve, clock.day_of(at), of)}
    stands = {pk: _standing(here.get(pk), least.get(pk, 0)) for pk in {*here, *coming, *least}}

    number, day = BigIntegerField[Any, Any](), DateField[Any, Any]()

    def figure(name: str, kind: Kind = number, otherwise: int | None = 0) -> Figure:
        return Figure({pk: row[name] for pk, row in here.items()}, kind, otherwise)

    rows = Item.objects.all() if of is None else Item.objects.filter(public_id=of)
    figures = {
        **{name: figure(name) for name in ("here", "spoiled", "kept_back", "soon")},
        "first": figure("first", day, None),
        "coming": Figure({pk: n for pk, (n, _day) in coming.items()}, number, 0),
        "arrives": Figure({pk: first for pk, (_n, first) in coming.items()}, day),
        "standing": Figure(stands, IntegerField(), Standing.NOTHING),
        "fit": figure("fit") if reserve else Figure({}, number),
    }
    return telling(rows, figures)


def _sums(
    keys: Sequence[int], reserve: Sequence[int], day: date, of: UUID | None
) -> list[dict[str, Any]]:
    """What places hold of each item, and how it stands."""
    held, spoiled = Q(lot__held_back_at__isnull=False), Q(lot__expires_on__lt=day)
    lasting = ~held & Q(lot__expires_on__gte=day)
    near = lasting & Q(lot__expires_on__lte=day + timedelta(days=SOON))
    fit = ~held & (Q(lot__expires_on__isnull=True) | Q(lot__expires_on__gte=day))
    rows = Balance.objects.filter(place__in=keys, quantity__gt=0)
    if of is not None:
        rows = rows.filter(item__public_id=of)
    figures: dict[str, Any] = {
        "here": Sum("quantity"),
        "spoiled": _of(spoiled),
        "kept_back": _of(held),
        "soon": _of(near),
        "good": _of(fit),
        "fit": _of(fit & Q(place__in=reserve)),
        "first": Min("lot__expires_on", filter=lasting),
    }
    found: Iterable[Any] = rows.order_by().values("item").annotate(**figures)
    return list(found)


def _of(which: Q) -> Coalesce:
    return Coalesce(Sum("quantity", filter=which), _NOTHING)


def _standing(row: Mapping[str, Any] | None, least: int) -> Standing:
    """How an item stands; of a reserve, what has expired or is held back helps nobody."""
    if row is None:
        return Standing.LOW if least else Standing.COMING
    if row["fit"] < least:
        return Standing.LOW
    if row["good"] < row["here"]:
        return Standing.BAD
    return Standing.SOON if row["soon"] else Standing.HERE


def _coming_to(keys: Sequence[int]) -> dict[int, tuple[int, date | None]]:
    """By item: how much is promised or on the way to places, and the first day named for it."""
    rows = [*promised_to(keys)]
    for one in on_the_way_to(keys):
        day = clock.day_of(one.expected_at) if one.expected_at else None
        rows.append((one.item, one.quantity, day))
    found: dict[int, tuple[int, date | None]] = {}
    for item, quantity, day in rows:
        before, first = found.get(item, (0, None))
        days = [each for each in (first, day) if each is not None]
        found[item] = (before + quantity, min(days, default=None))
    return {item: told for item, told in found.items() if told[0] > 0}


# --- Lots and balances ----------------------------------------------------------------------------


def lot_like(item: Item, facts: LotFacts) -> Lot | None:
    """The lot with this label.

    Asked for each line of what comes in, so in words of our own: Django takes longer to write them
    than a database to answer.
    """
    reader = _reader(Lot, "l")
    label = {"item_id": item.pk, **vars(facts)}
    told = [
        (field.column, field.get_db_prep_value(label[field.attname], connection))
        for field in reader.fields
        if field.attname in label
    ]
    wanted = " AND ".join(f"l.{name} {'IS NULL' if v is None else '= %s'}" for name, v in told)
    sql = f"SELECT {reader.columns} FROM {Lot._meta.db_table} l WHERE {wanted}"  # noqa: S608  # our own names
    values = [value for _name, value in told if value is not None]
    (rows,) = messages.send(messages.Statement(sql, values, "lot_like"))
    return reader.read(rows[0]) if rows else None


def lot_now(key: int) -> Lot:
    """A lot as it stands at this moment."""
    lot, item = _reader(Lot, "l"), _reader(Item, "i")
    sql = f"SELECT {lot.columns}, {item.columns}"  # our own names
    sql += f" FROM {Lot._meta.db_table} l JOIN {Item._meta.db_table} i ON i.id = l.item_id"
    (rows,) = messages.send(messages.Statement(f"{sql} WHERE l.id = %s", [key], "lot_now"))
    if not rows:
        raise Lot.DoesNotExist
    found: Lot = lot.read(rows[0])
    found.item = item.read(rows[0], len(lot.fields))
    return found


def lot_locked(key: int) -> Lot:
    """A lot that is about to be changed."""
    return Lot.objects.select_related("item").select_for_update(of=("self",)).get(pk=key)


def lots_open_to(user: User, at: datetime) -> QuerySet[Lot]:
    """The lots that the user's places hold or once held."""
    mine = places_open_to(user, at).values("pk")
    met = Balance.objects.filter(lot=OuterRef("pk"), place__in=mine)
    return Lot.objects.filter(pk__in=met.values("lot")).select_related("item")


def balances_at(place: Place, item: Item) -> list[Balance]:
    """What a place holds of an item, lot by lot; the caller has the lock of the place."""
    balance, lot = _reader(Balance, "b"), _reader(Lot, "l")
    sql = f"SELECT {balance.columns}, {lot.columns}"  # our own names
    sql += f" FROM {Balance._meta.db_table} b JOIN {Lot._meta.db_table} l ON l.id = b.lot_id"
    sql += " WHERE b.place_id = %s AND b.item_id = %s AND b.quantity > 0 ORDER BY b.lot_id"
    (rows,) = messages.send(messages.Statement(sql, [place.pk, item.pk], "balances_at"))
    found = []
    for row in rows:
        one = balance.read(row)
        one.place, one.item, one.lot = place, item, lot.read(row, len(balance.fields))
        one.lot.item = item
        found.append(one)
    return found


def balances_open_to(user: User, at: datetime) -> QuerySet[Balance]:
    """What the user's places hold, earliest expiry first, then by place."""
    mine = places_open_to(user, at).values("pk")
    rows = Balance.objects.filter(quantity__gt=0, place__in=mine)
    return rows.select_related("item", "lot", "place__facility", "place__county").order_by(
        F("lot__expires_on").asc(nulls_last=True), "place", "lot"
    )


def holders(lot: Lot) -> QuerySet[Balance]:
    """Who holds a lot, whatever county: a recall has to reach all of them."""
    rows = Balance.objects.filter(lot=lot, quantity__gt=0)
    return rows.select_related("place__facility", "place__county").order_by(
        "place__county__code", "place"
    )


def keys_of_holders(lot: Lot) -> set[int]:
    """The keys of the places that hold a lot."""
    return set(Balance.objects.filter(lot=lot, quantity__gt=0).values_list("place", flat=True))


def may_let_go(lot: Lot, user: User | None, at: datetime) -> bool:
    """Who held a lot back lets it go, or who may do so everywhere.

    A lot is changed by nothing else than holding it back and letting it go.
    """
    if user is None or lot.changed_by_id in (None, user.pk):
        return True
    return user.scope(HOLD, at).everywhere


def balances(user: User, at: datetime) -> list[tuple[UUID, UUID, int]]:
    """All that the user's places hold, as place, item and quantity: three statements, one answer.

    The sums are taken over keys; names and public ids are looked up once for a place or item.
    """
    mine = dict(places_open_to(user, at).order_by().values_list("pk", "public_id"))
    goods = dict(Item.objects.values_list("pk", "public_id"))
    rows = Balance.objects.filter(place__in=mine, quantity__gt=0).order_by()
    sums = rows.values_list("place_id", "item_id").annotate(n=Sum("quantity"))
    return [(mine[place], goods[item], n) for place, item, n in sums]


def whole_balances(user: User, at: datetime) -> QuerySet[Balance]:
    """``balances_open_to`` for a list page; ``until`` is the last good day, or far away."""
    far = Value(date.max, DateField())
    return balances_open_to(user, at).annotate(until=Coalesce("lot__expires_on", far)).order_by()


def balance_of(place: Place, lot: Lot) -> int:
    """How much of a lot a place holds."""
    found = Balance.objects.filter(place=place, lot=lot).values_list("quantity", flat=True)
    return found.first() or 0


# --- The ledger -----------------------------------------------------------------------------------


def entries_open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Entry]:
    """Entries made at the user's places, and those that brought goods there."""
    mine = places_open_to(user, at, permission).values("pk")
    came = Move.objects.filter(target__in=mine).values("entry")
    rows = Entry.objects.filter(Q(place__in=mine) | Q(pk__in=came))
    return rows.select_related("place__facility", "created_by", "reverses")


def entries_among(user: User, at: datetime, keys: Iterable[int]) -> frozenset[int]:
    """Which of these sheets the user may read."""
    rows = entries_open_to(user, at).filter(pk__in=list(keys))
    return frozenset(rows.values_list("pk", flat=True))


def entries_to_reverse(user: User, at: datetime) -> QuerySet[Entry]:
    """The entries that the user may take back: those made at places that the user keeps."""
    mine = places_open_to(user, at, KEEP).values("pk")
    return Entry.objects.filter(place__in=mine).select_related("place__facility")


def moves_of(entry: Entry) -> QuerySet[Move]:
    """The lines of an entry in their order."""
    whole = ("lot__item", "item", "source__facility", "target__facility")
    return Move.objects.filter(entry=entry).select_related(*whole).order_by("pk")


def reversal_of(entry: Entry) -> Entry | None:
    """The entry that took this one back."""
    return Entry.objects.filter(reverses=entry).first()


def moves_open_to(user: User, at: datetime) -> QuerySet[Move]:
    """The ledger of the user's places, the last line first."""
    mine = places_open_to(user, at).values("pk")
    whole = ("entry", "lot", "item", "source__facility", "target__facility")
    return Move.objects.filter(Q(source__in=mine) | Q(target__in=mine)).select_related(*whole)


@dataclass(frozen=True)
class Day:
    """What a day did to an item at some places, and what was there in the evening."""

    day: date
    came: int
    went: int
    held: int


def curve(item: Item, of: Iterable[int], first: date, last: date) -> list[Day]:
    """The stock of an item at places, evening by evening, from a first to a last day.

    By when the goods moved as told. Moves between the places are neither in nor out. Counted back
    from what is there now, so that an old ledger costs no more than a young one.
    """
    keys = sorted(set(of))
    inner = Q(source__in=keys, target__in=keys)
    rows = Move.objects.filter(item=item, entry__moved_at__gte=clock.start_of(first))
    rows = rows.exclude(inner).filter(Q(source__in=keys) | Q(target__in=keys))
    signed = Case(When(target__in=keys, then=F("quantity")), default=-F("quantity"))
    came: dict[date, int] = {}
    went: dict[date, int] = {}
    now = Balance.objects.filter(item=item, place__in=keys).aggregate(n=Sum("quantity"))["n"]
    held = now or 0  # before the first day, when all that came and went since is taken off
    for moved_at, quantity in rows.values_list("entry__moved_at", signed).iterator():
        held -= quantity
        day = clock.day_of(moved_at)
        of_day = came if quantity > 0 else went
        of_day[day] = of_day.get(day, 0) + abs(quantity)
    found = []
    for day in _days(first, last):
        held += came.get(day, 0) - went.get(day, 0)
        found.append(Day(day, came.get(day, 0), went.get(day, 0), held))
    return found


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


def used_a_day(item: Item, of: Iterable[int], first: date, last: date) -> dict[int, float]:
    """How much of an item each place used up a day (by its key), both days included.

    What was taken back was not used. Two statements, however many places.
    """
    keys = sorted(set(of))
    within = {
        "item": item,
        "entry__moved_at__gte": clock.start_of(first),
        "entry__moved_at__lt": clock.start_of(last + timedelta(days=1)),
    }
    used = Move.objects.filter(**within, source__in=keys, target__kind=PlaceKind.USED)
    back = Move.objects.filter(**within, target__in=keys, source__kind=PlaceKind.USED)
    gone = _totals(used, "source")
    returned = _totals(back, "target")
    days = (last - first).days + 1
    return {key: max(0, gone.get(key, 0) - returned.get(key, 0)) / days for key in keys}


def _totals(rows: QuerySet[Move], place: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(place).annotate(n=Sum("quantity")))


def over_the_border(
    county_id: int | None, day: date
) -> tuple[list[tuple[int, int]], list[rules.Flow]]:
    """What a county holds now by item, and what came and left since a day began; one statement.

    By when goods moved as told. Goods on the way are with the county that sent them. None: the
    stores of the prefecture itself, which lie in no county.
    """
    own = Balance.objects.filter(_within("place", county_id), quantity__gt=0)
    held = own.order_by().values_list("item_id")
    blank, no = Value(""), Value(False)  # Value takes what it stands for
    now = held.annotate(a=blank, b=blank, c=no, n=Sum("quantity"))
    came, left = _within("target", county_id), _within("source", county_id)
    rows = Move.objects.filter(entry__moved_at__gte=clock.start_of(day))
    rows = rows.filter((came & ~left) | (left & ~came))
    ended = Q(entry__moved_at__gte=clock.start_of(day + timedelta(days=1)))
    flows = rows.order_by().values_list(
        "item_id",
        _side("source", county_id),
        _side("target", county_id),
        Case(When(ended, then=Value(True)), default=no),
    )
    found = now.union(flows.annotate(n=Sum("quantity")), all=True)
    stock: list[tuple[int, int]] = []
    moved: list[rules.Flow] = []
    for item, source, target, later, quantity in found:
        if source:
            moved.append(rules.Flow(item, source, target, bool(later), int(quantity)))
        else:
            stock.append((item, int(quantity)))
    return stock, moved


def _within(name: str, county_id: int | None) -> Q:
    if county_id is None:
        return Q(**{f"{name}__county__isnull": True, f"{name}__kind__in": sorted(HELD)})
    return Q(**{f"{name}__county": county_id})


def _side(name: str, county_id: int | None) -> Case:
    return Case(
        When(_within(name, county_id), then=Value(rules.HERE)),
        When(**{f"{name}__kind__in": sorted(HELD)}, then=Value(rules.ELSEWHERE)),
        default=F(f"{name}__kind"),
    )


# --- Shipments ------------------------------------------------------------------------------------


def targets_in_house(user: User, at: datetime) -> QuerySet[Place]:
    """The open stores and wards of the facilities whose places the user keeps."""
    mine = places_to_choose(user, at).order_by().values("facility")
    return targets_to_choose().filter(facility__in=mine)


def shipments_open_to(user: User, at: datetime) -> QuerySet[Transfer]:
    """Shipments from and to the user's places."""
    mine = places_open_to(user, at).values("pk")
    return _shipments().filter(Q(source__in=mine) | Q(target__in=mine))


def shipments_sent_by(user: User, at: datetime) -> QuerySet[Transfer]:
    """Shipments from places that the user keeps."""
    return _shipments().filter(source__in=places_open_to(user, at, KEEP).values("pk"))


def shipments_coming_to(user: User, at: datetime) -> QuerySet[Transfer]:
    """Shipments to places that the user keeps."""
    return _shipments().filter(target__in=places_open_to(user, at, KEEP).values("pk"))


def _shipments() -> QuerySet[Transfer]:
    whole = ("source__facility__area", "source__county", "target__facility__area", "target__county")
    return Transfer.objects.select_related(*whole, "transit__facility")


def sees_shipment(user: User, public_id: UUID, at: datetime) -> bool:
    """Whether a user may see a shipment, and with it the proof of its arrival."""
    return shipments_open_to(user, at).filter(public_id=public_id).exists()


def shipment_locked(key: int) -> Transfer:
    """A shipment that is about to be changed; its places are locked before."""
    return _shipments().select_for_update(of=("self",)).get(pk=key)


def shipments_of(place: Place, year: int) -> int:
    """How many shipments a place prepared in a year."""
    days = {"created_at__gte": clock.start_of(date(year, 1, 1))}
    days["created_at__lt"] = clock.start_of(date(year + 1, 1, 1))
    return Transfer.objects.filter(source=place, **days).count()


def wishes_of(shipment: Transfer) -> QuerySet[TransferWish]:
    """What is to be sent."""
    rows = TransferWish.objects.filter(shipment=shipment)
    return rows.select_related("item", "lot").order_by("pk")


def shipment_lines(shipment: Transfer) -> list[TransferLine]:
    """What was sent, lot by lot, and what became of it."""
    rows = TransferLine.objects.filter(shipment=shipment).select_related("lot__item")
    return list(rows.order_by("pk"))


def on_the_way(place: Place) -> bool:
    """Are goods on the way to a place, or from it and may come back?"""
    from_it = Q(source=place, state__in=sorted(ON_THE_WAY))
    return Transfer.objects.filter(from_it | Q(target=place, state=ShipmentState.SENT)).exists()


WITHOUT_DAY = timedelta(days=3)  # after which goods that nobody expects at a day are late


def late_shipments(at: datetime) -> QuerySet[Transfer]:
    """What should have arrived by now, and of which nobody has said what came."""
    late = Q(expected_at__lt=at) | Q(expected_at__isnull=True, sent_at__lt=at - WITHOUT_DAY)
    return _shipments().filter(late, state=ShipmentState.SENT).order_by("pk")


def asked_for_arrival(shipment: Transfer) -> bool:
    """Is somebody asked what came of a shipment?"""
    return tasks.awaited(shipment, ARRIVAL_TASK.code)


def keys_of_ways(store: Place) -> list[int]:
    """The keys of the ways that begin at a store."""
    rows = Place.objects.filter(facility=store.facility_id, kind=PlaceKind.TRANSIT)
    return list(rows.values_list("pk", flat=True))


def sheet_of(shipment: Transfer) -> Entry:
    """The sheet by which a shipment left; it bears the shipment's number, which is given once."""
    # Found by its moment, which has an index. Without statistics SQLite would take that of the
    # place and walk its whole ledger; so the place is not asked for.
    assert shipment.sent_at is not None
    return Entry.objects.get(
        moved_at=shipment.sent_at, kind=EntryKind.DISPATCH, note=shipment.number
    )


def shipments_by_sheet(entries: Iterable[Entry]) -> dict[int, Transfer]:
    """The shipments that left by sheets, by key of the sheet."""
    sheets = {one.note: one.pk for one in entries if one.kind == EntryKind.DISPATCH}
    rows = Transfer.objects.filter(number__in=sorted(sheets))
    return {sheets[one.number]: one for one in rows}


@dataclass(frozen=True)
class Underway:
    """So much of an item is on the way to a place (their keys) by a shipment."""

    place: int
    item: int
    expected_at: datetime | None
    quantity: int
    number: str


def on_the_way_to(places: Iterable[int]) -> list[Underway]:
    """What has been sent to places and has not arrived; not what is missing of what arrived."""
    left = F("sent") - F("received") - F("broken") - F("returned") - F("lost")
    rows = TransferLine.objects.filter(
        shipment__state=ShipmentState.SENT, shipment__target__in=list(places)
    )
    keys = ("shipment__target_id", "lot__item_id", "shipment__expected_at", "shipment__number")
    sums = rows.order_by().values_list(*keys).annotate(n=Sum(left))
    return [Underway(place, item, expected, n, number) for place, item, expected, number, n in sums]


# --- Scanned codes --------------------------------------------------------------------------------


def codes() -> QuerySet[ItemCode]:
    """All GTINs that were taught, which like the catalogue are no secret inside the house."""
    return ItemCode.objects.select_related("item").order_by("item__name_zh", "gtin")


def code_of(gtin: str) -> ItemCode | None:
    """What a GTIN means, where it was taught."""
    return codes().filter(gtin=gtin).first()


def codes_of(gtins: Iterable[str]) -> dict[str, ItemCode]:
    """What these GTINs mean; one statement."""
    return {one.gtin: one for one in codes().filter(gtin__in=set(gtins))}


def code_locked(key: int) -> ItemCode:
    """A code that is about to be corrected."""
    return codes().select_for_update(of=("self",)).order_by().get(pk=key)


def serials_in(code: ItemCode, serials: Iterable[str]) -> list[str]:
    """Which of these serials came in before and were not taken back."""
    rows = Serial.objects.filter(code=code, serial__in=set(serials), taken_back_at__isnull=True)
    return list(rows.order_by("serial").values_list("serial", flat=True))


# --- Packages with a serial -----------------------------------------------------------------------


def _followed(rows: QuerySet[Serial]) -> QuerySet[Any]:
    """Serials with ``place_now`` and ``entry_now``: keys of where they were seen last, and by what.

    A sheet that was taken back is as if it had never been.
    """
    seen = SerialMove.objects.filter(serial=OuterRef("pk"), entry__reversal__isnull=True)
    last = seen.order_by("-pk")
    key = BigIntegerField()
    return rows.annotate(
        place_now=Coalesce(
            Subquery(last.values("target_id")[:1]), F("entry__place_id"), output_field=key
        ),
        entry_now=Coalesce(Subquery(last.values("entry_id")[:1]), F("entry_id"), output_field=key),
    ).select_related("code__item", "lot__item", "entry")


def serials_now(code: ItemCode | None, serials: Iterable[str]) -> list[Serial]:
    """Which of these packages came in and were not taken back, with where they are now."""
    wanted = set(serials)
    if code is None or not wanted:
        return []
    rows = Serial.objects.filter(code=code, serial__in=wanted, taken_back_at__isnull=True)
    return list(_followed(rows).order_by("serial"))


def packages_now(packages: Iterable[Package]) -> dict[tuple[int, str], Serial]:
    """These packages with where they are now, by key of their code and serial; one statement a
    code."""
    asked: dict[int, tuple[ItemCode, list[str]]] = {}
    for one in packages:
        asked.setdefault(one.code.pk, (one.code, []))[1].append(one.serial)
    return {
        (key, each.serial): each
        for key, (code, serials) in asked.items()
        for each in serials_now(code, serials)
    }


def packages_on(entry: Entry) -> list[Serial]:
    """The packages with a serial that a sheet booked in or moved.

    A receipt moves none that was there before; so each is asked by the index of its own.
    """
    if entry.kind == EntryKind.RECEIPT:
        rows = Serial.objects.filter(entry=entry)
    else:
        rows = Serial.objects.filter(moves__entry=entry)
    return list(rows.select_related("code", "lot__item").order_by("lot", "serial"))


def packages_underway(shipment: Transfer, lots: Iterable[Lot]) -> list[Serial]:
    """The packages of some lots that left with a shipment and were not seen since."""
    sheet = sheet_of(shipment)
    rows = Serial.objects.filter(moves__entry=sheet, lot__in=list(lots))
    return list(_followed(rows).filter(entry_now=sheet.pk))


def packages_along(shipment: Transfer) -> list[tuple[Serial, Along]]:
    """The packages that left with a shipment, and what became of each."""
    if shipment.transit_id is None:
        return []
    whole = ("serial__code", "serial__lot__item")
    moves = SerialMove.objects.filter(entry=sheet_of(shipment)).select_related(*whole)
    sent = {one.serial_id: one for one in moves.order_by("serial__lot", "serial__serial")}
    first: dict[int, SerialMove] = {}
    later = SerialMove.objects.filter(serial__in=sent, entry__reversal__isnull=True)
    for one in later.select_related("source").order_by("pk"):
        if one.pk > sent[one.serial_id].pk:
            first.setdefault(one.serial_id, one)
    underway = Along.UNDERWAY if shipment.state == ShipmentState.SENT else Along.UNSEEN
    return [
        (move.serial, _became(shipment, first[key]) if key in first else underway)
        for key, move in sent.items()
    ]


def _became(shipment: Transfer, then: SerialMove) -> Along:
    """What the first move of a package after a shipment tells: off the way, to one of its ends, or
    else that it was at the end from which it moved on."""
    if then.source_id == shipment.transit_id:
        return Along.RETURNED if then.target_id == shipment.source_id else Along.ARRIVED
    if then.source.facility_id == shipment.source.facility_id:
        return Along.RETURNED
    if then.source.facility_id == shipment.target.facility_id:
        return Along.ARRIVED
    return Along.UNSEEN


def serials_among(user: User, at: datetime, keys: Iterable[int]) -> frozenset[int]:
    """Which of these packages the user may see."""
    rows = serials_open_to(user, at).filter(pk__in=list(keys))
    return frozenset(rows.values_list("pk", flat=True))


def lots_of_serials(code: ItemCode, serials: Iterable[str]) -> list[Lot]:
    """The lots with which these packages came in."""
    rows = Serial.objects.filter(
        code=code, serial__in=set(serials), taken_back_at__isnull=True
    ).values("lot")
    return list(Lot.objects.filter(pk__in=rows).order_by("pk"))


def serials_open_to(user: User, at: datetime) -> QuerySet[Serial]:
    """The packages of lots that the user's places hold or once held, the last received first."""
    lots = lots_open_to(user, at).values("pk")
    return _followed(Serial.objects.filter(lot__in=lots))


def serial_like(user: User, at: datetime, code: ItemCode, serial: str) -> Serial | None:
    """The package with this serial that the user may see, as it came in last."""
    rows = serials_open_to(user, at).filter(code=code, serial=serial)
    return rows.order_by(F("taken_back_at").asc(nulls_first=True), "-pk").first()


def last_seen_at(one: Any) -> int:
    """The key of the place of a serial from ``serials_now`` or ``serials_open_to``."""
    return int(one.place_now)


def names_of_places(user: User, at: datetime) -> dict[int, str]:
    """How the user may read places, by key: their own, and what stands outside the house."""
    mine = places_open_to(user, at).values("pk")
    rows = Place.objects.filter(Q(pk__in=mine) | Q(facility__isnull=True))
    return {one.pk: one.display_name for one in rows.select_related("facility")}


@dataclass(frozen=True)
class Whereabouts:
    """Where a package was seen last, by which sheet.

    ``sure``: nothing of its lot left that place unscanned since, or what did was scanned elsewhere.
    Else this one may have been among it.
    """

    place: Place
    entry: Entry
    sure: bool


Asked = dict[tuple[int, int, int], Whereabouts]  # by the keys of place, sheet and lot


def whereabouts(one: Any, asked: Asked | None = None) -> Whereabouts:
    """Of a serial from ``serials_now`` or ``serials_open_to``.

    ``asked``: what was found of others while the caller holds the books; packages of a lot that
    were seen last by one sheet share it.
    """
    key = (one.place_now, one.entry_now, one.lot_id)
    if asked is not None and key in asked:
        return asked[key]
    place = Place.objects.select_related("facility", "county").get(pk=one.place_now)
    entry = Entry.objects.get(pk=one.entry_now)
    found = Whereabouts(place, entry, not place.held or _must_be_there(place, one.lot, entry))
    if asked is not None:
        asked[key] = found
    return found


_STANDS = Q(entry__reversal__isnull=True, entry__reverses__isnull=True)


def _must_be_there(place: Place, lot: Lot, since: Entry) -> bool:
    """Must the packages of a lot that were seen at a place by a sheet still be there?"""
    after = Q(source=place, entry__gt=since.pk) & _STANDS
    left = _quantity(Move.objects.filter(after, lot=lot))
    if not left:
        return True
    if _booked_otherwise(lot):
        return False
    scanned = _in_packages(SerialMove.objects.filter(after, serial__lot=lot))
    return left <= scanned or _all_are_there(place, lot)


def _booked_otherwise(lot: Lot) -> bool:
    """Were packages of a lot booked in before their code was corrected, and not taken back? Then
    quantities tell nothing of packages."""
    rows = Serial.objects.filter(lot=lot, taken_back_at__isnull=True)
    return rows.exclude(holds=F("code__holds")).exists()


def _all_are_there(place: Place, lot: Lot) -> bool:
    """Does a place hold all packages of a lot that were seen there last, and whatever else of it
    came there?"""
    here = Serial.objects.filter(lot=lot, taken_back_at__isnull=True)
    last = _followed(here).filter(place_now=place.pk)
    seen = sum(last.values_list("holds", flat=True))
    moved = SerialMove.objects.filter(_STANDS, target=place, serial__lot=lot)
    received = here.filter(entry__place=place).aggregate(n=Sum("holds"))["n"] or 0
    came = _quantity(Move.objects.filter(_STANDS, target=place, lot=lot))
    others: int = max(0, came - _in_packages(moved) - received)
    return balance_of(place, lot) >= int(seen) + others


def _quantity(rows: QuerySet[Move]) -> int:
    return rows.aggregate(n=Sum("quantity"))["n"] or 0


def _in_packages(rows: QuerySet[SerialMove]) -> int:
    return rows.aggregate(n=Sum("serial__holds"))["n"] or 0


@dataclass(frozen=True)
class Seen:
    """A package was seen as it came in or moved; ``back``: the sheet was taken back."""

    entry: Entry
    source: Place
    target: Place
    back: bool


def seen_of(one: Serial) -> list[Seen]:
    """Every move of a package that was scanned, the receipt in front; two statements."""
    whole = ("entry__reversal", "source__facility", "target__facility")
    moves = SerialMove.objects.filter(serial=one).select_related(*whole).order_by("pk")
    came = Move.objects.filter(entry=one.entry_id, lot=one.lot_id).select_related(*whole)[:1]
    both: list[Move | SerialMove] = [*came, *moves]
    return [
        Seen(each.entry, each.source, each.target, hasattr(each.entry, "reversal")) for each in both
    ]


def lots_numbered(item: Item, numbers: Iterable[str]) -> set[str]:
    """Which of these lot numbers an item has."""
    rows = Lot.objects.filter(item=item, number__in=set(numbers))
    return set(rows.values_list("number", flat=True))


def balances_numbered(place: Place, item: Item, number: str, last: date | None) -> list[Balance]:
    """What a place holds of the lots of a number, and of a last good day where one is told."""
    rows = Balance.objects.filter(place=place, item=item, quantity__gt=0, lot__number=number)
    if last is not None:
        rows = rows.filter(lot__expires_on=last)
    return list(rows.select_related("lot", "item").order_by("lot"))


def balance_with(place: Place, lot: Lot) -> Balance | None:
    """What a place holds of a lot, with both."""
    rows = Balance.objects.filter(place=place, lot=lot, quantity__gt=0)
    return rows.select_related("lot", "item").first()


def lots_before(place: Place, lot: Lot, day: date) -> list[Balance]:
    """The lots at a place that should leave before a lot: good, not earmarked, earlier expiry."""
    rows = Balance.objects.filter(
        place=place,
        item=lot.item_id,
        quantity__gt=0,
        lot__earmark="",
        lot__held_back_at__isnull=True,
        lot__expires_on__gte=day,
    )
    if lot.expires_on is not None:
        rows = rows.filter(lot__expires_on__lt=lot.expires_on)
    return list(rows.exclude(lot=lot).select_related("lot", "item").order_by("lot__expires_on"))


# --- Emergency release ----------------------------------------------------------------------------


def releases_open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Release]:
    """What left the user's places on a call. ``lacks_papers``: one at least was not filed."""
    mine = places_open_to(user, at, permission).values("pk")
    lacking = ReleasePaper.objects.filter(release=OuterRef("pk"), filed_at__isnull=True)
    added: dict[str, Any] = {"lacks_papers": Exists(lacking)}
    rows = Release.objects.filter(place__in=mine).annotate(**added)
    return rows.select_related("entry", "place__facility", "place__county", "shipment")


def sees_release(user: User, public_id: UUID, at: datetime) -> bool:
    """Whether a user may see a release, and with it its papers."""
    return releases_open_to(user, at).filter(public_id=public_id).exists()


def release_locked(key: int) -> Release:
    """A release that is about to be changed."""
    rows = Release.objects.select_related("entry", "place__facility__area", "place__county")
    return rows.select_for_update(of=("self",)).get(pk=key)


def release_of(entry: Entry) -> Release | None:
    """The release that a sheet belongs to, locked."""
    return Release.objects.select_for_update().filter(entry=entry).first()


def release_on(shipment: Transfer) -> Release | None:
    """The release whose goods a shipment carries, locked."""
    return Release.objects.select_for_update().filter(shipment=shipment).first()


def papers_of(release: Release) -> list[ReleasePaper]:
    """The papers that a release is owed, filed or not."""
    return list(ReleasePaper.objects.filter(release=release).order_by("due_at", "pk"))


def papers_owed(at: datetime) -> dict[str, int]:
    """The papers that the pack in force asks for after an emergency release, with their days."""
    day = clock.day_of(at)
    whole = places.home(day)
    pack = packs.in_force(whole.code if whole is not None else "", day)
    return pack.supplies.papers_owed(day) or dict(rules.PAPERS_OWED)


def owed_until(place: Place, last: date) -> list[Release]:
    """The releases of a place until a day that are owed papers, the oldest first."""
    end = clock.start_of(last + timedelta(days=1))
    rows = Release.objects.filter(place=place, settled_at__isnull=True, created_at__lt=end)
    return list(rows.select_related("entry").order_by("created_at"))


def owes_papers(place: Place) -> bool:
    """Are papers owed for goods that left a place on a call?"""
    return Release.objects.filter(place=place, settled_at__isnull=True).exists()


def offices_called_before(user: User, at: datetime, limit: int = 20) -> list[str]:
    """Which offices called the user's places for goods, the last first, each once."""
    rows = releases_open_to(user, at, KEEP).order_by("-pk").values_list("called_by", flat=True)
    return list(dict.fromkeys(rows[:200]))[:limit]


# --- Months ---------------------------------------------------------------------------------------


def closings_open_to(
    user: User, at: datetime, permission: Permission = VIEW
) -> QuerySet[MonthClosing]:
    """The closed months of the user's places."""
    mine = places_open_to(user, at, permission).values("pk")
    rows = MonthClosing.objects.filter(place__in=mine)
    return rows.select_related("place__facility__area", "place__county", "asked_by", "opened_by")


def closings_of(place: Place) -> list[MonthClosing]:
    """What was closed at a place, and opened again, the last first."""
    rows = MonthClosing.objects.filter(place=place).select_related("created_by")
    return list(rows.order_by("-month", "-pk")[:24])


def closing_locked(key: int) -> MonthClosing:
    """A closing that is about to be changed; its place is locked before."""
    rows = MonthClosing.objects.select_related("place__facility__area", "place__county")
    return rows.select_for_update(of=("self",)).get(pk=key)


def closed_before(place: Place, month: date) -> bool:
    """Did a place close a month before this one, and was it not opened again?"""
    rows = MonthClosing.objects.filter(place=place, month__lt=month, opened_at__isnull=True)
    return rows.exists()


# --- Stocktake ------------------------------------------------------------------------------------


def counts_open_to(user: User, at: datetime, permission: Permission = VIEW) -> QuerySet[Count]:
    """The stocktakes of the user's places."""
    mine = places_open_to(user, at, permission).values("pk")
    whole = ("place__facility__area", "place__county", "entry", "submitted_by", "created_by")
    return Count.objects.filter(place__in=mine).select_related(*whole)


def count_locked(key: int) -> Count:
    """A stocktake that is about to be changed; its place is locked before."""
    whole = Count.objects.select_related("place__facility__area", "place__county")
    return whole.select_for_update(of=("self",)).get(pk=key)


def running_count(place: Place) -> Count | None:
    """The stocktake of a place that is not decided yet."""
    return Count.objects.filter(place=place, state__in=sorted(RUNNING_COUNTS)).first()


def counts_of(place: Place, year: int) -> int:
    """How many stocktakes a place had in a year, given up ones too."""
    days = {"created_at__gte": clock.start_of(date(year, 1, 1))}
    days["created_at__lt"] = clock.start_of(date(year + 1, 1, 1))
    return Count.objects.filter(place=place, **days).count()


def lots_to_count(place: Place, items: Collection[Item]) -> list[Lot]:
    """The lots that the book has at a place: of some items, or of all where none are named."""
    rows = Balance.objects.filter(place=place, quantity__gt=0)
    if items:
        rows = rows.filter(item__in=items)
    return [row.lot for row in rows.select_related("lot__item").order_by("lot")]


@dataclass(frozen=True)
class Told:
    """A line of a stocktake with its book: ``book`` and ``difference`` None where hidden."""

    line: CountLine
    book: int | None
    difference: int | None


def count_lines(count: Count, keys: Iterable[int]) -> dict[int, CountLine]:
    """Lines of a stocktake as they stand, by key; the caller has the stocktake's lock."""
    rows = CountLine.objects.filter(count=count, pk__in=list(keys))
    return {one.pk: one for one in rows.select_related("lot__item", "counted_by")}


def lines_of(count: Count) -> list[Told]:
    """The lines of a stocktake by item and expiry, with what the book held; three statements."""
    rows = CountLine.objects.filter(count=count).select_related("lot__item", "counted_by")
    first = F("lot__expires_on").asc(nulls_last=True)
    lines = list(rows.order_by("lot__item__kind", "lot__item__name_zh", first, "pk"))
    held, moved = _book(count, lines)
    return [_told(count, line, held, moved) for line in lines]


def _book(
    count: Count, lines: Sequence[CountLine]
) -> tuple[dict[int, int], dict[int, list[rules.Moved]]]:
    """What the place holds of each lot, and what moved since the first line was counted."""
    lots = [line.lot_id for line in lines]
    rows = Balance.objects.filter(place=count.place_id, lot__in=lots)
    held = dict(rows.values_list("lot_id", "quantity"))
    moved: dict[int, list[rules.Moved]] = {}
    if moments := [line.counted_at for line in lines if line.counted_at is not None]:
        here = Q(source=count.place_id) | Q(target=count.place_id)
        since = Move.objects.filter(here, lot__in=lots, entry__moved_at__gt=min(moments))
        signed = Case(When(target=count.place_id, then=F("quantity")), default=-F("quantity"))
        for lot, moment, change in since.values_list("lot_id", "entry__moved_at", signed):
            moved.setdefault(lot, []).append(rules.Moved(moment, change))
    return held, moved


def _told(
    count: Count, line: CountLine, held: dict[int, int], moved: dict[int, list[rules.Moved]]
) -> Told:
    if line.book is not None and line.quantity is not None:
        return Told(line, line.book, line.quantity - line.book)
    now = held.get(line.lot_id, 0)
    if line.quantity is None or line.counted_at is None:
        return Told(line, None if count.blind else now, None)
    book = rules.book_at(now, moved.get(line.lot_id, []), line.counted_at)
    return Told(line, book, line.quantity - book)


def mark_of(place: Place) -> int:
    """How far the ledger of a place has come: nothing moved there while this stays the same."""
    here = Q(source=place) | Q(target=place)
    return Move.objects.filter(here).order_by("-pk").values_list("pk", flat=True).first() or 0


def moved_after(place: Place, mark: int, lots: Iterable[int]) -> frozenset[int]:
    """Which lots came to or left a place after a mark of its ledger."""
    here = Q(source=place) | Q(target=place)
    rows = Move.objects.filter(here, pk__gt=mark, lot__in=list(lots))
    return frozenset(rows.values_list("lot_id", flat=True))


# --- Is the cache true ----------------------------------------------------------------------------


def anything_booked() -> bool:
    """Has the ledger a line?"""
    return Move.objects.exists()


@dataclass(frozen=True)
class Difference:
    """A balance that is not the sum of its moves, or a moment at which it was below zero."""

    place: int
    lot: int
    kept: int
    summed: int
    lowest: int


def differences() -> list[Difference]:
    """Where balances and ledger disagree, or a balance was ever below zero; one statement.

    The whole ledger is added up in the order of its keys (``ledger.post`` says why that is the
    order in which balances changed).
    """
    moves, kept, held = Move._meta.db_table, Balance._meta.db_table, Place._meta.db_table
    marks = ", ".join(["%s"] * len(HELD))
    sql = f"""
        WITH signed AS (
            SELECT id, target_id AS place, lot_id AS lot, quantity AS n FROM {moves}
            UNION ALL SELECT id, source_id, lot_id, -quantity FROM {moves}
        ), running AS (
            SELECT signed.place, signed.lot, signed.n,
                SUM(signed.n) OVER (
                    PARTITION BY signed.place, signed.lot ORDER BY signed.id
                ) AS so_far
            FROM signed JOIN {held} p ON p.id = signed.place WHERE p.kind IN ({marks})
        ), summed AS (
            SELECT place, lot, SUM(n) AS total, MIN(so_far) AS lowest
            FROM running GROUP BY place, lot
        )
        SELECT COALESCE(s.place, b.place_id), COALESCE(s.lot, b.lot_id),
            COALESCE(b.quantity, 0), COALESCE(s.total, 0), COALESCE(s.lowest, 0)
        FROM summed s FULL OUTER JOIN {kept} b ON b.place_id = s.place AND b.lot_id = s.lot
        WHERE COALESCE(b.quantity, 0) <> COALESCE(s.total, 0) OR COALESCE(s.lowest, 0) < 0
        ORDER BY 1, 2
    """  # noqa: S608  # our own names
    with connection.cursor() as cursor:
        cursor.execute(sql, sorted(HELD))
        return [Difference(*(int(value) for value in row)) for row in cursor.fetchall()]


def holding(row: Balance) -> rules.Holding:
    """A balance as the rules take it."""
    return rules.Holding(
        lot=row.lot_id,
        quantity=row.quantity,
        expires_on=row.lot.expires_on,
        held_back=row.lot.held_back_at is not None,
        earmarked=bool(row.lot.earmark),
    )


def place_open_to(
    user: User, at: datetime, public_id: UUID, permission: Permission = VIEW
) -> Place | None:
    """One place of the user's."""
    return places_open_to(user, at, permission).filter(public_id=public_id).first()
