"""Stores with invented goods, and a ledger of any length behind what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.ground import rows
from benchmarks.ground.databases import Bare, load

if TYPE_CHECKING:
    from fangkong.supplies.models import Item, Lot, Place

LEDGER = 31  # keeps the ids of entries apart from those of other tables


@dataclass(frozen=True)
class Goods:
    """The stores, one lot of each item, and the ends of the ledger outside the stores."""

    places: list[Place]
    source: Place
    used: Place
    items: list[Item]
    lots: list[Lot]


@dataclass(frozen=True, slots=True)
class Step:
    """A quantity of the ``nth`` item comes into a store, or is used up in it."""

    place: Place
    nth: int
    comes: bool
    at: datetime
    quantity: int


def make(items: int, stores: int, at: datetime) -> Goods:
    """Areas, staff, stores at health centres of one county, items with a lot each."""
    from django.core.management import call_command

    from fangkong.core.record import stamps
    from fangkong.places.models import Area, Facility
    from fangkong.supplies.models import Item, Lot, Place

    call_command("places", verbosity=0)
    rows.make_staff()
    stamped = stamps(None, at)
    county = Area.objects.filter(code=rows.COUNTY).latest("valid_from")
    houses = [
        Facility(**stamped, area=county, name_zh=f"第{n}卫生院", kind="health_centre")
        for n in range(stores)
    ]
    Facility.objects.bulk_create(houses)
    places = [
        Place(**stamped, kind="store", facility=house, county=county, mark=f"{rows.COUNTY}-{n:02d}")
        for n, house in enumerate(houses)
    ]
    source, used = (Place(**stamped, kind=kind) for kind in ("source", "used"))
    Place.objects.bulk_create([*places, source, used])
    things = [
        Item(
            **stamped,
            code=f"item-{n:03d}",
            name_zh=f"物资{n}号",
            kind="protection",
            unit="piece",
            search_text=f"物资{n}号",
        )
        for n in range(items)
    ]
    Item.objects.bulk_create(things)
    lots = [
        Lot(**stamped, item=one, number=f"L{n}", expires_on=date(2021, 1 + n % 12, 1 + n % 28))
        for n, one in enumerate(things)
    ]
    Lot.objects.bulk_create(lots)
    return Goods(places, source, used, things, lots)


def write(goods: Goods, steps: Callable[[], Iterator[Step]]) -> None:
    """The ledger of these steps, one entry each, and the balances that they come to.

    ``steps`` is run through three times, so that no list of them need stand in memory.
    """
    from django.db import transaction

    from fangkong.supplies.models import Balance, Entry, Move, Numbering

    def entries() -> Iterator[tuple[Any, ...]]:
        for n, one in enumerate(steps(), start=1):
            told = rows.moment(one.at)
            kind = "receipt" if one.comes else "issue"
            number = f"{one.place.mark}-2019-{n:07d}"
            beside = ("", "", "", False)
            yield n, rows.key(LEDGER, n), told, told, number, kind, one.place.pk, told, *beside

    def moves() -> Iterator[tuple[Any, ...]]:
        for n, one in enumerate(steps(), start=1):
            here = one.place.pk
            ends = (goods.source.pk, here) if one.comes else (here, goods.used.pk)
            lot, item = goods.lots[one.nth].pk, goods.items[one.nth].pk
            yield n, n, lot, item, *ends, one.quantity

    held: dict[tuple[int, int], int] = {}
    for one in steps():
        key = one.place.pk, one.nth
        held[key] = held.get(key, 0) + (one.quantity if one.comes else -one.quantity)
    with transaction.atomic(), Bare(Entry, Move, Balance):
        columns = ["id", "public_id", "created_at", "changed_at", "number", "kind", "place_id"]
        load(Entry, [*columns, "moved_at", "other", "note", "loss", "synthetic"], entries())
        columns = ["id", "entry_id", "lot_id", "item_id", "source_id", "target_id", "quantity"]
        load(Move, columns, moves())
        load(
            Balance,
            ["place_id", "lot_id", "item_id", "quantity"],
            (
                (place, goods.lots[nth].pk, goods.items[nth].pk, n)
                for (place, nth), n in held.items()
            ),
        )
    Numbering.objects.all().delete()
