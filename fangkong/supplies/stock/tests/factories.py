"""The prefecture's store in Kangding, the hospital of Daofu with a ward, and who keeps them."""

from __future__ import annotations

from datetime import date, timedelta

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.places.tests.factories import area, facility
from fangkong.supplies.stock import actions, queries
from fangkong.supplies.stock.models import Entry, Item, Lot, Place
from fangkong.supplies.stock.types import Arriving, ItemFacts, Leaving, LotFacts, Papers, PlaceKind

__all__ = ["AT", "DAY", "World"]

DAY = timedelta(days=1)
TODAY = date(2020, 2, 5)
NEXT_YEAR = date(2021, 2, 5)
NONE = Papers()


class World:
    """Two counties. ``keeper`` keeps the prefecture's store, ``matron`` Daofu's hospital."""

    def __init__(self) -> None:
        self.home = area("513300", None, level="prefecture", name_zh="甘孜藏族自治州")
        self.kangding = area("513301", self.home, level="county", name_zh="康定市", short_zh="康定")
        self.daofu = area("513326", self.home, level="county", name_zh="道孚县", short_zh="道孚")
        self.depot = facility(self.kangding, "州应急物资储备库", kind="emergency_store")
        self.hospital = facility(self.daofu, "道孚县人民医院", kind="hospital")
        self.keeper = staff(Role.STORE_KEEPER, facility=self.depot)
        self.matron = staff(Role.HOSPITAL, facility=self.hospital)
        self.headquarters = staff(Role.HEADQUARTERS, area=self.home)
        self.store = self.place(self.depot)
        self.there = self.place(self.hospital)
        self.ward = self.place(self.hospital, kind=PlaceKind.WARD, name="发热门诊")
        self.mask = self.item("mask", "医用外科口罩", packs={"箱(2000只)": 2000})
        self.suit = self.item("coverall", "医用一次性防护服", unit="set")

    def place(self, where: object, **said: object) -> Place:
        return actions.open_place(facility=where, by=None, at=AT, **said)

    def item(self, code: str, name: str, **said: object) -> Item:
        facts = {"code": code, "name_zh": name, "kind": "protection", "unit": "piece", **said}
        return actions.add_item(facts=ItemFacts(**facts), by=None, at=AT)

    def bring(
        self,
        quantity: int,
        *,
        place: Place | None = None,
        item: Item | None = None,
        at: object = AT,
        papers: Papers = NONE,
        **label: object,
    ) -> Entry:
        """So much comes in, of a lot with this label."""
        line = Arriving(item=item or self.mask, quantity=quantity, lot=LotFacts(**label))
        said = {"place": place or self.store, "lines": [line], "papers": papers}
        return actions.receive(**said, by=self.keeper, at=at)

    def send(
        self,
        quantity: int,
        *,
        source: Place | None = None,
        target: Place | None = None,
        item: Item | None = None,
        lot: Lot | None = None,
        at: object = AT,
        papers: Papers = NONE,
    ) -> Entry:
        """So much leaves, by earliest expiry or of a lot."""
        line = Leaving(item=item or self.mask, quantity=quantity, lot=lot)
        said = {"source": source or self.store, "target": target, "lines": [line]}
        return actions.issue(**said, papers=papers, by=self.keeper, at=at)

    def lot(self, number: str) -> Lot:
        return Lot.objects.get(number=number)

    def held(self, place: Place | None = None, lot: Lot | None = None) -> int | dict[str, int]:
        """What a place holds: of a lot, or of all by number."""
        where = place or self.store
        if lot is not None:
            return queries.balance_of(where, lot)
        rows = where.balances.filter(quantity__gt=0).select_related("lot")
        return {row.lot.number: row.quantity for row in rows}
