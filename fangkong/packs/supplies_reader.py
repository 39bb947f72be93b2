"""The tables of a pack that supplies need: the catalogue, and what may stand in for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from fangkong.packs import types as t
from fangkong.packs.table import Table

if TYPE_CHECKING:
    from fangkong.packs.reader import Reader

WORK = ("splash", "aerosol", "sterile")  # for which a substitute may be refused


def supplies(reader: Reader) -> t.SuppliesPlan:
    """What the pack says of supplies; a substitute of something unknown is refused."""
    items = tuple(_item(reader, row) for row in reader.rows("supply_items"))
    codes = tuple(one.code for one in items)
    rows = reader.rows("supply_substitutes")
    return t.SuppliesPlan(
        items=items, substitutes=tuple(_substitute(reader, row, codes) for row in rows)
    )


def _item(reader: Reader, row: Table) -> t.SupplyItem:
    item = t.SupplyItem(
        **reader.named(row),
        kind=row.choice("kind", get_args(t.SupplyKind)),
        unit=row.choice("unit", get_args(t.SupplyUnit)),
        packs=tuple(_pack(inner) for inner in row.tables("packs")),
        standards=tuple(_standard(inner) for inner in row.tables("standards")),
        abroad=row.many("abroad"),
        shelf_days=row.number("shelf_days", 1, 20_000) if row.has("shelf_days") else None,
    )
    row.end()
    return item


def _pack(row: Table) -> tuple[str, int]:
    pack = row.words("name"), row.number("holds", 2, 1_000_000_000)
    row.end()
    return pack


def _standard(row: Table) -> t.SupplyStandard:
    first, last = row.span()
    standard = t.SupplyStandard(number=row.words("number"), valid_from=first, valid_to=last)
    row.end()
    return standard


def _substitute(reader: Reader, row: Table, codes: tuple[str, ...]) -> t.Substitute:
    substitute = t.Substitute(
        **reader.named(row),
        item=row.choice("item", codes),
        instead_of=row.choice("instead_of", codes),
        not_for=row.many("not_for"),
    )
    if substitute.item == substitute.instead_of:
        row.refuse("instead_of", "nothing stands in for itself; name another item")
    for word in substitute.not_for:
        if word not in WORK:
            row.refuse("not_for", f"{word!r} is not one of {', '.join(WORK)}; correct this")
    row.end()
    return substitute
