"""Quantities, lots and faults in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from fangkong.core.refusals import WrongField

from . import rules

if TYPE_CHECKING:
    from datetime import date

    from .models import Balance, Item, Lot, Place

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


def unknown(field: str) -> WrongField:
    """An id that a program sent leads to nothing that it may see."""
    return WrongField(_("There is none with this id. Ask for the list first."), field)


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(_FAULTS[code])


def elsewhere() -> str:
    """A place of which the reader may not read the name."""
    return _("a place outside your area")


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


def reserve(quantity: int | None, item: Item) -> str:
    """How a quantity stands to the item's reserve; "" where none was set or is to be kept here."""
    if not item.least or quantity is None:
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


def unfit(one: Lot, day: date) -> str:
    """Why a lot may not leave for use on a day; "" where it may."""
    if one.held_back_at is not None:
        return _("Lot %(lot)s is held back: %(why)s. It may only be written off.") % {
            "lot": lot(one),
            "why": one.held_back_why,
        }
    if one.expires_on is not None and one.expires_on < day:
        return _("Lot %(lot)s expired on %(day)s. It may only be written off.") % {
            "lot": lot(one),
            "day": one.expires_on,
        }
    return ""


def expired_already(last: date) -> str:
    """That goods which come in can never be used."""
    return _("These goods expired on %(day)s and can only be written off. Send them back.") % {
        "day": last
    }


def of_a_gift() -> str:
    """That nothing is added to a gift but at its source."""
    return _("This is the owner of a gift. Check what came of it at its source.")


def not_here(number: str, item: Item, place: Place) -> str:
    """That a place holds nothing of a scanned lot."""
    return _("%(place)s holds nothing of %(item)s, lot %(lot)s.") % {
        "place": place.display_name,
        "item": item.display_name,
        "lot": number or pgettext("of a lot", "without number"),
    }


def label(row: Balance) -> str:
    """What tells a lot from another one of the same number, and how much of it lies there."""
    one = row.lot
    days = [] if one.expires_on is None else [str(one.expires_on)]
    said = [lot(one), *days, *(text for text in (one.standard, one.owner, one.earmark) if text)]
    return " · ".join([*said, amount(row.quantity, row.item)])


def earlier(row: Balance) -> str:
    """That a lot lies there which should go first."""
    return _("Lot %(lot)s lies here too and expires earlier, on %(day)s. Take it first.") % {
        "lot": lot(row.lot),
        "day": row.lot.expires_on,
    }


_MISREAD = {
    "empty": gettext_lazy("Scan a code, or type what stands below it."),
    "too_long": gettext_lazy("This is longer than a code of goods."),
    "not_gs1": gettext_lazy(
        "This is no code of goods. Scan the GS1 code of the package or a label of the house, or"
        " type the digits below the bars."
    ),
    "check_digit": gettext_lazy("The number was misread: its check digit is wrong. Scan it again."),
    "no_gtin": gettext_lazy("The code does not say which goods it is of. Scan the one with (01)."),
    "bad_date": gettext_lazy("The code holds a day that does not exist. Enter the goods by hand."),
    "twice": gettext_lazy("The code contradicts itself. Enter the goods by hand."),
    "no_serial": gettext_lazy(
        "This is no code of a package with a serial number that is known here."
    ),
    "no_code": gettext_lazy(
        "No code is seen on the photo. Hold the phone closer, without glare, or type what stands"
        " below the code."
    ),
    "photo_too_big": gettext_lazy("The photo is larger than 12 MB. Take a smaller one."),
    "not_here": gettext_lazy("This label is of nothing that you can see."),
}


def misread(code: str) -> str:
    """Why a scanned text is no code, and what to do."""
    return str(_MISREAD[code])
