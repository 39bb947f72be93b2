"""Quantities, lots and faults in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from . import rules

if TYPE_CHECKING:
    from .models import Item, Lot

_FAULTS = {
    "no_number": gettext_lazy("Write the quantity as a number, such as 200."),
    "not_positive": gettext_lazy("The quantity must be more than nothing."),
    "too_much": gettext_lazy("This is more than can be true. Check the quantity and its unit."),
    "unknown_unit": gettext_lazy(
        "Nobody said how much of this item is in one of this unit. Choose one of its units, or add"
        " the pack to the catalogue first."
    ),
    "fraction": gettext_lazy(
        "This is not a whole number of the smallest unit; nothing is rounded. Write it in smaller"
        " units."
    ),
    "impossible_year": gettext_lazy("Check the year of this day."),
    "made_later": gettext_lazy("The lot would have been made after today. Check the day."),
    "expired_before_made": gettext_lazy(
        "The lot would expire before it was made. Check both days."
    ),
}


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(_FAULTS[code])


def number(quantity: int) -> str:
    """A number with its thousands grouped as the page does."""
    return number_format(quantity, force_grouping=True)


def amount(quantity: int, item: Item) -> str:
    """A quantity with its unit: 4,200 pieces."""
    told = {"n": number(quantity), "unit": item.get_unit_display()}
    return pgettext("quantity with its unit", "%(n)s %(unit)s") % told


def in_packs(quantity: int, item: Item) -> str:
    """A quantity in whole packs with the rest: 2 桶(10升) + 500 mL; "" where it has no packs."""
    if not item.packs or not quantity:
        return ""
    parts = [
        amount(n, item) if not name else f"{number(n)} {name}"
        for n, name in rules.in_packs(quantity, item.packs)
    ]
    return " + ".join(parts)


def lot(one: Lot) -> str:
    """The number of a lot, or that it has none."""
    return one.number or pgettext("of a lot", "without number")


def reserve(quantity: int, item: Item) -> str:
    """How a quantity stands to the item's reserve; "" where none was set."""
    if not item.least:
        return ""
    share = quantity * 100 // item.least
    told = {"share": number(share), "least": amount(item.least, item)}
    return _("%(share)s %% of %(least)s") % told


def signed(quantity: int | None, item: Item) -> str:
    """A difference with its sign: +3 pcs, −12 pcs; "" where it is not known."""
    if quantity is None:
        return ""
    if not quantity:
        return "0"
    return ("+" if quantity > 0 else "−") + amount(abs(quantity), item)
