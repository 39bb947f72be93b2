"""Tables of the stock's pages as files: their heads, and their rows in plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from . import words
from .models import Balance, Move, Serial, TransferLine
from .queries import Told
from .types import Along

Table = tuple[list[str], list[list[object]]]


def holdings(rows: Iterable[Balance]) -> Table:
    """What is where, lot by lot."""
    head = [
        _("Item"), _("Place"), _("County"), _("Lot"), _("Last good day"), _("Earmarked for"),
        _("Held back"), _("Unit"), _("Quantity"),
    ]  # fmt: skip
    return head, [
        [
            row.item.display_name,
            row.place.display_name,
            row.place.county.display_short if row.place.county else "",
            row.lot.number,
            row.lot.expires_on,
            row.lot.earmark,
            row.lot.held_back_why,
            row.item.get_unit_display(),
            row.quantity,
        ]
        for row in rows
    ]


def _with_packages(
    rows: Iterable[tuple[int, list[object]]],
    packages: Iterable[tuple[int, Sequence[object]]],
    *,
    same: int,
    own: int,
) -> list[list[object]]:
    """Rows of lots, and below the first row of each lot a row for each of its packages.

    Both come with the key of their lot. A package repeats the first ``same`` cells of its lot and
    ends with ``own`` cells of its own; the quantities stay empty, so that their sum stays right.
    """
    of: dict[int, list[Sequence[object]]] = {}
    for lot, told in packages:
        of.setdefault(lot, []).append(told)
    found: list[list[object]] = []
    for lot, row in rows:
        found.append([*row, *[""] * own])
        gap = [""] * (len(row) - same)
        found += [[*row[:same], *gap, *told] for told in of.pop(lot, [])]
    return found


def moves(rows: Iterable[Move], packages: Iterable[Serial] = ()) -> Table:
    """Lines of the ledger; ``packages``: those with a serial that moved by one sheet."""
    told = [(one.lot_id, [one.code.gtin, one.serial]) for one in packages]
    own = [_("GTIN"), _("Serial number")] if told else []
    head = [
        _("Sheet"), _("Moved"), _("Booked"), pgettext("entry of the ledger", "Kind"), _("Item"),
        _("Lot"), _("Last good day"), pgettext("of goods", "From"), pgettext("of goods", "To"),
        _("Unit"), _("Quantity"), *own,
    ]  # fmt: skip
    lines: list[tuple[int, list[object]]] = [
        (
            one.lot_id,
            [
                one.entry.number,
                one.entry.moved_at,
                one.entry.created_at,
                one.entry.get_kind_display(),
                one.item.display_name,
                one.lot.number,
                one.lot.expires_on,
                one.source.display_name,
                one.target.display_name,
                one.item.get_unit_display(),
                one.quantity,
            ],
        )
        for one in rows
    ]
    return head, _with_packages(lines, told, same=7, own=len(own))


def count_sheet(rows: Iterable[Told]) -> Table:
    """The sheet of a stocktake, as its page shows it: a blind count hides the book until a line was
    counted, here too."""
    head = [
        _("Item"), _("Lot"), _("Last good day"), _("Unit"), _("Book"), _("Counted"),
        _("Difference"), _("Reason"), pgettext("of a line", "Counted at"), _("Times counted"),
        _("not in the book"),
    ]  # fmt: skip
    return head, [
        [
            one.line.lot.item.display_name,
            one.line.lot.number,
            one.line.lot.expires_on,
            one.line.lot.item.get_unit_display(),
            one.book,
            one.line.quantity,
            one.difference,
            one.line.reason,
            one.line.counted_at,
            one.line.times,
            _("yes") if one.line.found else "",
        ]
        for one in rows
    ]


def shipment_lines(
    rows: Iterable[TransferLine], packages: Iterable[tuple[Serial, Along]] = ()
) -> Table:
    """What was sent, lot by lot, and what became of it; ``packages``: those that went along."""
    own = [_("GTIN"), _("Serial number"), _("What became of it")]
    head = [
        _("Item"), _("Lot"), _("Last good day"), _("Unit"), pgettext("of goods", "Sent"),
        pgettext("of goods", "Received"), _("Broken"), _("Came back"), _("Lost"),
        _("On the way or missing"), _("Too much"), *own,
    ]  # fmt: skip
    told = [(one.lot_id, [one.code.gtin, one.serial, then.label]) for one, then in packages]
    lines: list[tuple[int, list[object]]] = [
        (
            one.lot_id,
            [
                one.lot.item.display_name,
                words.lot(one.lot),
                one.lot.expires_on,
                one.lot.item.get_unit_display(),
                one.sent,
                one.received,
                one.broken,
                one.returned,
                one.lost,
                one.outstanding,
                one.extra,
            ],
        )
        for one in rows
    ]
    return head, _with_packages(lines, told, same=3, own=len(own))
