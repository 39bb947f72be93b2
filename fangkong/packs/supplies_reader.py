"""The tables of a pack that supplies need: the catalogue, what may stand in for what, norms."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
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
    roles = _roles(reader)
    norms = tuple(_norm(reader, row, codes, tuple(roles)) for row in reader.rows("supply_norms"))
    _refuse_twice(reader, norms)
    return t.SuppliesPlan(
        items=items,
        substitutes=tuple(_substitute(reader, row, codes) for row in rows),
        roles=tuple(roles.values()),
        norms=norms,
        reserves=tuple(_reserve(reader, row) for row in reader.rows("supply_reserves")),
        disclosures=tuple(_disclosure(reader, row) for row in reader.rows("supply_disclosures")),
        dailies=tuple(_daily(reader, row) for row in reader.rows("supply_dailies")),
        papers=_papers(reader),
    )


def _item(reader: Reader, row: Table) -> t.SupplyItem:
    item = t.SupplyItem(
        **reader.named(row),
        kind=row.choice("kind", get_args(t.SupplyKind)),
        unit=row.choice("unit", get_args(t.SupplyUnit)),
        packs=tuple(_pack(inner) for inner in row.tables("packs")),
        also=row.many("also"),
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


def _roles(reader: Reader) -> dict[str, t.SupplyRole]:
    """The roles by code. The staff that persons take are roles that take no staff themselves."""
    rows = list(reader.rows("supply_roles"))
    working = {str(row.raw.get("code", "")) for row in rows if not row.has("staff")}
    found = {}
    for row in rows:
        role = t.SupplyRole(
            **reader.named(row),
            exposure=row.number("exposure", 1, 3),
            staff=tuple(_staff(inner, sorted(working)) for inner in row.tables("staff")),
            shift_hours=_hours(row, "shift_hours") if row.has("shift_hours") else Decimal(8),
        )
        row.end()
        found[role.code] = role
    return found


def _staff(row: Table, known: list[str]) -> tuple[str, Decimal]:
    taken = row.choice("who", known), _hours(row, "hours")
    row.end()
    return taken


def _hours(row: Table, key: str) -> Decimal:
    return row.decimal(key, Decimal("0.1"), Decimal(240))


def _norm(
    reader: Reader, row: Table, items: tuple[str, ...], roles: tuple[str, ...]
) -> t.SupplyNorm:
    """A norm; where a strategy is not told, the milder one goes on."""
    usual = _amount(row, "conventional")
    scarce = _amount(row, "contingency") if row.has("contingency") else usual
    norm = t.SupplyNorm(
        **reader.named(row),
        item=row.choice("item", items),
        who=row.choice("who", roles),
        conventional=usual,
        contingency=scarce,
        crisis=_amount(row, "crisis") if row.has("crisis") else scarce,
    )
    if not norm.conventional >= norm.contingency >= norm.crisis:
        row.refuse("crisis", "want never uses more than plenty; correct the three amounts")
    row.end()
    return norm


def _amount(row: Table, key: str) -> Decimal:
    return row.decimal(key, Decimal(0), Decimal(100_000))


def _refuse_twice(reader: Reader, norms: Iterable[t.SupplyNorm]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for one in norms:
        if other := seen.get((one.item, one.who)):
            raise t.PackError(
                f"{reader.file}, supply_norms ({one.code}): {other!r} says how much {one.who!r}"
                f" uses of {one.item!r} already; remove one"
            )
        seen[one.item, one.who] = one.code


def _reserve(reader: Reader, row: Table) -> t.SupplyReserve:
    reserve = t.SupplyReserve(
        **reader.named(row),
        facilities=row.many("facilities"),
        days=row.number("days", 1, 365),
        months=row.numbers("months", 1, 12) or tuple(range(1, 13)),
    )
    row.end()
    return reserve


def _disclosure(reader: Reader, row: Table) -> t.SupplyDisclosure:
    rule = t.SupplyDisclosure(**reader.named(row), days=row.number("days", 1, 90))
    row.end()
    return rule


def _daily(reader: Reader, row: Table) -> t.SupplyDaily:
    rule = t.SupplyDaily(**reader.named(row), hours=row.number("hours", 1, 72))
    row.end()
    return rule


def _papers(reader: Reader) -> tuple[t.SupplyPaper, ...]:
    """What is owed for an emergency release: each paper once on a day."""
    found: list[t.SupplyPaper] = []
    for row in reader.rows("supply_papers"):
        paper = t.SupplyPaper(
            **reader.named(row),
            paper=row.choice("paper", get_args(t.SupplyPaperKind)),
            days=row.number("days", 1, 60),
        )
        if any(one.paper == paper.paper and _meet(one, paper) for one in found):
            row.refuse("paper", f"{paper.paper!r} is owed twice on some days; keep one row")
        row.end()
        found.append(paper)
    return tuple(found)


def _meet(one: t.SupplyPaper, other: t.SupplyPaper) -> bool:
    """Do two rows hold on a day in common?"""
    later = max(one.valid_from or date.min, other.valid_from or date.min)
    return one.covers(later) and other.covers(later)
