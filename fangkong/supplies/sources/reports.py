"""What the public is told of gifts, as plain data that a report keeps and never changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import queries, rules

if TYPE_CHECKING:
    from fangkong.places.models import Facility
    from fangkong.supplies.stock.models import Item

    from .models import Disclosure, Supply, SupplyLine

Contents = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What is told, and ``totals``: all that has been told with it."""

    contents: Contents
    totals: Contents

    @property
    def anything(self) -> bool:
        """Did anything happen since the report before?"""
        gifts = self.contents["gifts"]
        moved = any(_moved(one) for gift in gifts for one in gift["goods"])
        return moved or any(one["money"] for one in gifts) or bool(self.contents["money"]["spent"])

    @property
    def digest(self) -> str:
        """Names what would be published, so that nobody publishes what they did not read."""
        text = json.dumps(self.contents, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def told(after: Disclosure | None, until: datetime) -> Told:
    """What happened to gifts after a report (None: ever) until a moment.

    ``gifts``: of each what came, to whom it was given, what was used and lost, and what is left;
    quantities in smallest units, money in fen. Gifts of which nothing moved and nothing is left are
    not in it.
    """
    before = _read(after.totals if after is not None else _NOTHING)
    totals = _totals(until, before.wholly)
    fates = {
        key: fate.since(before.fates.get(key, rules.Fate())) for key, fate in totals.fates.items()
    }
    named = _Names(fates)
    money = {key: n for key, n in totals.money.items() if key not in before.money}
    # What was told and has been taken back since.
    money |= {key: -n for key, n in before.money.items() if key not in totals.money}
    supplies = queries.supplies_by_key({gift for gift, _item in fates} | set(money))
    of_gift: dict[int, list[dict[str, Any]]] = {}
    for (gift, item), fate in sorted(fates.items()):
        if fate.moved or fate.left:
            of_gift.setdefault(gift, []).append(named.goods(item, fate))
    gifts = []
    for key in sorted(supplies):
        goods = of_gift.get(key, [])
        if goods or key in money:
            gifts.append({**_giver(supplies[key]), "money": money.get(key, 0), "goods": goods})
    spent = [
        _bought(line, part.quantity, part.price)
        for line, now in totals.bought
        if (part := before.untold(line.pk, now)).quantity
    ]
    contents = {
        "gifts": gifts,
        "sums": _sums(gifts),
        "money": {"came": sum(money.values()), "spent": spent},
        "synthetic": any(one.synthetic for one in supplies.values()),
    }
    return Told(contents, totals.plain())


@dataclass(frozen=True)
class _Part:
    """So much of a line that given money pays, and its price in fen."""

    quantity: int
    price: int


@dataclass(frozen=True)
class _Totals:
    """All that happened until a moment; ``money``: fen by gift, ``spent``: parts by key of a line.

    ``wholly``: lines of which reports of an older kind told all at once.
    """

    fates: dict[tuple[int, int], rules.Fate]
    money: dict[int, int]
    spent: dict[int, _Part]
    wholly: frozenset[int] = frozenset()
    bought: Sequence[tuple[SupplyLine, _Part]] = ()

    def untold(self, line: int, now: _Part) -> _Part:
        """What is to be told of a line; below nothing where goods were taken back."""
        if line in self.wholly:
            return _Part(0, 0)
        told = self.spent.get(line, _Part(0, 0))
        return _Part(now.quantity - told.quantity, now.price - told.price)

    def plain(self) -> Contents:
        """As JSON keeps it."""
        return {
            "goods": [
                [gift, item, fate.came, fate.used, fate.lost, sorted(fate.given.items())]
                for (gift, item), fate in sorted(self.fates.items())
            ],
            "money": sorted(self.money.items()),
            "spent": [[key, one.quantity, one.price] for key, one in sorted(self.spent.items())]
            + sorted(self.wholly),
        }


_NOTHING: Contents = {"goods": [], "money": [], "spent": []}


def _totals(until: datetime, wholly: frozenset[int]) -> _Totals:
    bought = [
        (one.line, _Part(one.quantity, one.price))
        for one in queries.money_spent(until)
        if one.line.pk not in wholly
    ]
    return _Totals(
        fates=queries.fates(until=until),
        money={one.pk: one.money for one in queries.money_given(until)},
        spent={line.pk: part for line, part in bought if part.quantity},
        wholly=wholly,
        bought=bought,
    )


def _read(plain: Contents) -> _Totals:
    return _Totals(
        fates={
            (gift, item): rules.Fate(came=came, used=used, lost=lost, given=dict(given))
            for gift, item, came, used, lost, given in plain["goods"]
        },
        money=dict(plain["money"]),
        spent={one[0]: _Part(*one[1:]) for one in plain["spent"] if not isinstance(one, int)},
        wholly=frozenset(one for one in plain["spent"] if isinstance(one, int)),
    )


def _bought(line: SupplyLine, quantity: int, price: int) -> dict[str, Any]:
    return {
        "item_zh": line.item.name_zh,
        "item_en": line.item.name_en,
        "unit": line.item.unit,
        "quantity": quantity,
        "price": price,
        "from": line.supply.party,
    }


# What of a line is compared, in the order in which a page shows it.
COMPARED = (
    "item",
    "came",
    "given",
    "used",
    "lost",
    "left",
    "left_at",
    "money",
    "quantity",
    "price",
)


@dataclass(frozen=True)
class Change:
    """Something that two reports tell differently; None where one of them does not tell it.

    ``gift``: the giver as a report keeps it, None for what was bought with given money. ``item``:
    its names and unit, None for money. ``field``: one of ``COMPARED``.
    """

    gift: Contents | None
    item: Contents | None
    field: str
    before: Any
    after: Any


def changes(before: Contents, after: Contents) -> list[Change]:
    """What a correction tells otherwise than the report that it corrects, line by line."""
    old, new = _lines(before), _lines(after)
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        was, now = old.get(key), new.get(key)
        gift, item, _values = now or was or (None, None, {})
        for field in COMPARED:
            left, right = (None if one is None else one[2].get(field) for one in (was, now))
            if left != right:
                found.append(Change(gift, item, field, left, right))
    return found


_Line = tuple[Contents | None, Contents | None, Contents]


def _lines(contents: Contents) -> dict[tuple[Any, ...], _Line]:
    """The lines of a report by what names them; givers of one name are numbered."""
    found: dict[tuple[Any, ...], _Line] = {}
    seen: dict[tuple[Any, ...], int] = {}
    for gift in contents["gifts"]:
        named = tuple(gift[name] for name in ("from", "private", "channel", "earmark", "to_zh"))
        n = seen[named] = seen.get(named, 0) + 1
        if gift["money"]:
            found[(*named, n, "")] = (gift, None, {"money": gift["money"]})
        for goods in gift["goods"]:
            item = {name: goods[name] for name in ("item_zh", "item_en", "unit")}
            values = {name: goods[name] for name in COMPARED if name in goods}
            values["item"] = [goods["item_zh"], goods["item_en"]]
            found[(*named, n, goods["code"])] = (gift, item, values)
    for one in contents["money"]["spent"]:
        key = ("spent", one["from"], one["item_zh"])
        n = seen[key] = seen.get(key, 0) + 1
        item = {name: one[name] for name in ("item_zh", "item_en", "unit")}
        values = {"quantity": one["quantity"], "price": one["price"]}
        found[(*key, n)] = (None, item, values)
    return found


def of_gift(supply: Supply, *, until: datetime) -> list[dict[str, Any]]:
    """What became of one gift until a moment, item by item."""
    fates = queries.fates(of=supply, until=until)
    named = _Names(fates)
    return [named.goods(item, fate) for (_gift, item), fate in sorted(fates.items())]


def _moved(goods: Mapping[str, Any]) -> bool:
    return bool(goods["came"] or goods["used"] or goods["lost"] or goods["given"])


def _giver(one: Supply) -> dict[str, Any]:
    return {
        "from": one.party,
        "private": one.private,
        "channel": one.channel,
        "earmark": one.earmark,
        "to_zh": "" if one.place.facility is None else one.place.facility.name_zh,
        "to_en": "" if one.place.facility is None else one.place.facility.name_en,
    }


class _Names:
    """Items and facilities of some fates, by key."""

    def __init__(self, fates: Mapping[tuple[int, int], rules.Fate]) -> None:
        self.items: dict[int, Item] = queries.items_by_key({item for _gift, item in fates})
        keys = {key for fate in fates.values() for key in (*fate.given, *fate.left)}
        self.facilities: dict[int, Facility] = queries.facilities_by_key(keys)

    def goods(self, key: int, fate: rules.Fate) -> dict[str, Any]:
        """An item with its fate, named in both languages."""
        item = self.items[key]
        return {
            "code": item.code,
            "item_zh": item.name_zh,
            "item_en": item.name_en,
            "unit": item.unit,
            "came": fate.came,
            "used": fate.used,
            "lost": fate.lost,
            "given": self.at(rules.net_given(fate.given).items()),
            "left": fate.held,
            "left_at": self.at(fate.left.items()),
        }

    def at(self, quantities: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
        """Quantities with the names of the facilities, the most in front."""
        rows = sorted(quantities, key=lambda one: (-one[1], one[0]))
        return [
            {
                "to_zh": self.facilities[key].name_zh,
                "to_en": self.facilities[key].name_en,
                "quantity": n,
            }
            for key, n in rows
        ]


def _sums(gifts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Over all gifts, item by item."""
    found: dict[str, dict[str, Any]] = {}
    for gift in gifts:
        for goods in gift["goods"]:
            sums = found.setdefault(
                goods["code"],
                {name: goods[name] for name in ("code", "item_zh", "item_en", "unit")}
                | {"came": 0, "used": 0, "lost": 0, "left": 0},
            )
            for name in ("came", "used", "lost", "left"):
                sums[name] += goods[name]
    return list(found.values())
