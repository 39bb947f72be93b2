"""The supplies of the demonstration: the gifts of early February as printed, and invented use.

Real are what the commerce bureau handed over on 2 and 3 February 2020, and the hospital that had
13 coveralls and 60 respirators left. All else is made up and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.supplies.stock import (
    actions,
    closing,
    counting,
    queries,
    releasing,
    rules,
    scanning,
    shipping,
)
from fangkong.supplies.stock.types import (
    Arriving,
    Counted,
    Leaving,
    LotFacts,
    PaperKind,
    Papers,
    Way,
)

from . import sources

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility
    from fangkong.supplies.models import Entry, Item, Place

DAY = timedelta(days=1)
COUNTIES = ("513301", "513322", "513326", "513338")  # whose hospitals keep a store here
BUREAU = "州商务合作局"
# Days before the demonstration's, number of the gift, then code, quantity and unit as printed.
GIFTS: Sequence[tuple[date, str, Sequence[tuple[str, str, str]]]] = (
    (
        date(2020, 2, 2),
        "第一批",
        (("medical-mask", "4200", "只"), ("ethanol-75", "200000", "毫升")),
    ),
    (
        date(2020, 2, 3),
        "第二批",
        (
            ("coverall", "200", "套"),
            ("medical-mask", "3000", "只"),
            ("ethanol-75", "10", "桶(10升)"),
            ("bleach", "15", "桶(10升)"),
        ),
    ),
)
APPEAL = (("coverall", "13", "套"), ("medical-respirator", "60", "个"))
PRINTED = "来源：康巴传媒网 2020-02-04 转载报道"
SAID = "来源：医院求援视频，2020-02-07 报道引用"
MADE_UP = "演示用，虚构"
# What a county hospital has, and uses a day: all invented.
SHELVES = (("surgical-mask", 1800, 140), ("coverall", 60, 4), ("bleach", 60_000, 2500))


def kept(*, depot: Facility, hospital: Facility, keeper: User, hq: User, at: datetime) -> int:
    """Stores with their goods until a moment; gives how many sheets were booked."""
    today = clock.day_of(at)
    actions.take_catalogue(items=queries.items_of_pack(today), by=hq, at=at - 12 * DAY)
    items = {one.code: one for one in queries.items()}
    store = _open(depot, at - 12 * DAY)
    given = 0
    for day, number, rows in GIFTS:
        if day < today:
            sources.gift(
                store=store,
                items=items,
                rows=rows,
                party=f"{BUREAU}（捐赠，{number}）",
                note=PRINTED,
                keeper=keeper,
                hq=hq,
                at=clock.start_of(day) + timedelta(hours=15),
            )
            given += 1
    ward = _open(hospital, at - 12 * DAY)
    booked = [_bring(ward, items, APPEAL, "", SAID, at - DAY / 2, keeper)]
    booked += _spoiled(store, items, at, keeper)
    counties = [_county(code, n, items, at, keeper) for n, code in enumerate(COUNTIES)]
    booked += [one for sheets in counties for one in sheets]
    daofu = counties[COUNTIES.index("513326")][0].place
    _counted(daofu, at, keeper)
    _shipped(store, daofu, items["surgical-mask"], at, keeper)
    _called_for(daofu, store, items["surgical-mask"], at, keeper)
    _coded(items, daofu, at, keeper)
    given += sources.promised(store=store, daofu=daofu, items=items, keeper=keeper, hq=hq, at=at)
    return len(booked) + given


def _coded(items: dict[str, Item], place: Place, at: datetime, by: User) -> None:
    """Codes of invented packages, from the numbers that GS1 uses in its examples.

    Two machines with serials of their own came in by scan.
    """
    for gtin, code, unit in (
        ("09506000134376", "surgical-mask", ""),
        ("09506000134383", "coverall", ""),
    ):
        scanning.teach(gtin=gtin, item=items[code], unit=unit, by=by, at=at - DAY)
    machine = scanning.teach(gtin="09506000134390", item=items["ventilator"], by=by, at=at - DAY)
    line = Arriving(
        item=machine.item,
        quantity=2,
        lot=LotFacts(number="YS-V1"),
        code=machine,
        serials=["YS20200001", "YS20200002"],
    )
    papers = Papers(other="省卫健委调拨（演示）", note=MADE_UP, synthetic=True)
    actions.receive(place=place, lines=[line], papers=papers, by=by, at=at - DAY / 3)


def _called_for(place: Place, store: Place, item: Item, at: datetime, by: User) -> None:
    """Goods that left on a call: one to a team, whose papers are late, one to another store.

    The month before is closed, and the keeper asks to open it again.
    """
    late = at - 4 * DAY
    called = partial(
        releasing.release,
        source=place,
        item=item,
        called_by="县指挥部（演示）",
        synthetic=True,
        by=by,
    )
    owed = called(quantity=100, to="鲜水镇卫生院（演示）", at=late)
    number = "道疾控申1号（演示）"
    releasing.file_paper(
        release=owed, kind=PaperKind.REQUEST, reference=number, by=by, at=at - 3 * DAY
    )
    called(quantity=40, target=store, at=at - DAY / 10)
    month = rules.next_month(None, clock.day_of(late))
    closed = closing.close_month(place=place, month=month, by=by, at=at - DAY)
    closing.ask_to_open(closing=closed, reason="补记一张月末入库单（演示）", by=by, at=at - DAY / 2)


def _open(facility: Facility, at: datetime) -> Place:
    return actions.open_place(facility=facility, by=None, at=at)


def _bring(
    place: Place,
    items: dict[str, Item],
    rows: Sequence[tuple[str, str, str]],
    other: str,
    note: str,
    at: datetime,
    by: User,
    *,
    synthetic: bool = False,
) -> Entry:
    lines = [
        Arriving(
            item=items[code],
            quantity=rules.in_smallest(quantity, unit, items[code].unit, items[code].packs),
        )
        for code, quantity, unit in rows
    ]
    papers = Papers(other=other, note=note, synthetic=synthetic)
    return actions.receive(place=place, lines=lines, papers=papers, by=by, at=at)


def _county(code: str, n: int, items: dict[str, Item], at: datetime, by: User) -> list[Entry]:
    """A county hospital: its shelves, what it used day by day. All invented."""
    day = clock.day_of(at)
    area = places.area(code, day)
    assert area is not None
    found = places.facilities_in(area.pk, [FacilityKind.HOSPITAL.value])
    facility = next(
        one for one in found if "县人民医院" in one.name_zh or "市人民医院" in one.name_zh
    )
    place = _open(facility, at - 11 * DAY)
    made_up = Papers(other="原有库存（演示）", note=MADE_UP, synthetic=True)
    lines = [
        Arriving(
            item=items[item],
            quantity=quantity + n * quantity // 5,
            lot=LotFacts(
                number=f"YS{code[-2:]}{item[:2].upper()}",
                expires_on=day + (20 + 90 * n) * DAY,
            ),
        )
        for item, quantity, _a_day in SHELVES
    ]
    booked = [actions.receive(place=place, lines=lines, papers=made_up, by=by, at=at - 11 * DAY)]
    for ago in range(8, 0, -1):
        used = [
            Leaving(item=items[item], quantity=a_day + (ago * 7 + n * 3) % (a_day // 2 + 1))
            for item, _quantity, a_day in SHELVES
        ]
        papers = Papers(note=MADE_UP, synthetic=True)
        booked.append(
            actions.issue(source=place, lines=used, papers=papers, by=by, at=at - ago * DAY)
        )
    return booked


def _counted(place: Place, at: datetime, by: User) -> None:
    """A stocktake that is under way: one lot counted, and less than the book. All invented."""
    count = counting.open_count(place=place, synthetic=True, by=by, at=at - DAY / 4)
    one = next(one for one in queries.lines_of(count) if one.book)
    assert one.book is not None
    told = [Counted(line=one.line, quantity=one.book - 2, reason=f"包装破损（{MADE_UP}）")]
    mark = queries.mark_of(place)
    counting.enter(count=count, told=told, mark=mark, by=by, at=at - DAY / 5)


def _shipped(store: Place, target: Place, item: Item, at: datetime, by: User) -> None:
    """A shipment that is on the way. Invented."""
    way = Way(carrier="州邮政（演示）", plate="川V·演示1", expected_at=at + DAY / 2, note=MADE_UP)
    lines = [Leaving(item=item, quantity=600)]
    said = {"source": store, "target": target, "lines": lines, "way": way, "synthetic": True}
    made = shipping.prepare(**said, by=by, at=at - DAY / 6)  # type: ignore[arg-type]
    shipping.dispatch(shipment=made, by=by, at=at - DAY / 8)


def _spoiled(store: Place, items: dict[str, Item], at: datetime, by: User) -> list[Entry]:
    """A lot that is nearly over, and one that is held back. Both invented."""
    day = clock.day_of(at)
    papers = Papers(other="原有库存（演示）", note=MADE_UP, synthetic=True)
    lines = [
        Arriving(
            item=items["surgical-mask"],
            quantity=3000,
            lot=LotFacts(number="YS-A", expires_on=day + 9 * DAY, standard="YY 0469-2011"),
        ),
        Arriving(item=items["goggles"], quantity=120, lot=LotFacts(number="YS-B")),
    ]
    entry = actions.receive(place=store, lines=lines, papers=papers, by=by, at=at - 10 * DAY)
    lot = queries.lot_like(items["goggles"], LotFacts(number="YS-B"))
    assert lot is not None
    actions.hold(lot=lot, reason="外包装无标准号，待核（演示）", by=by, at=at - DAY)
    return [entry]
