"""Codes, money and standards in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from fangkong.core import sentences
from fangkong.core.imports import words as kit
from fangkong.supplies.stock import words as goods
from fangkong.supplies.stock.types import Unit

from . import rules

if TYPE_CHECKING:
    from .models import Supply

_CONFORMITY = {
    "fits": gettext_lazy("meets the standard"),
    "edition": gettext_lazy("another edition of the standard"),
    "other": gettext_lazy("another standard"),
    "unnamed": gettext_lazy("no standard named"),
    "free": gettext_lazy("no standard asked for"),
}
_TONES = {"fits": "good", "free": "", "edition": "warn", "unnamed": "warn", "other": "bad"}


def conformity(code: str) -> str:
    """How goods stand to the standard that the catalogue asks for."""
    return str(_CONFORMITY[code])


def conformity_tone(code: str) -> str:
    """The colour of it."""
    return _TONES[code]


def money(fen: int) -> str:
    """An amount of money with its unit."""
    return pgettext("amount of money", "%(n)s yuan") % {"n": rules.yuan(fen)}


def unit_price(fen: float | None) -> str:
    """A price for one smallest unit, to a hundredth of a fen; "" where none is known."""
    if fen is None:
        return ""
    told = f"{fen / 100:,.4f}".rstrip("0").rstrip(".")
    return pgettext("amount of money", "%(n)s yuan") % {"n": told}


def giver(party: str, *, private: bool) -> str:
    """From whom, as everybody may read it."""
    return pgettext("who gave supplies", "A private giver") if private else party


def owner(party: str, code: str, *, private: bool) -> str:
    """Whose gift a lot is: it keeps the lots of a gift apart, also in other stores."""
    named = giver(party, private=private)
    return f"{named[:80]} · {rules.shown_code(code)}"


def gap(days: int) -> str:
    """For how long a place is without goods until an offer is there."""
    return _("%(n)d days without until it comes") % {"n": days} if days else _("comes in time")


def unit(code: str) -> str:
    """The smallest unit of an item, by its code."""
    return str(Unit(code).label)


def plain_amount(quantity: int, code: str) -> str:
    """A quantity with its unit, where no item is at hand; less than nothing was taken back."""
    told = {"n": goods.number(quantity), "unit": unit(code)}
    return pgettext("quantity with its unit", "%(n)s %(unit)s") % told


def either(row: Mapping[str, Any], name: str) -> str:
    """A name that a report keeps in both languages, in the one of the page."""
    english = (get_language() or "").startswith("en")
    return str((english and row[f"{name}_en"]) or row[f"{name}_zh"])


def what(supply: Supply) -> str:
    """What a supply brings, in a few words; the lines are at hand."""
    told = [
        f"{line.item.display_name} {goods.amount(line.quantity, line.item)}"
        for line in supply.lines.all()
    ]
    if supply.money:
        told.insert(0, money(supply.money))
    return sentences.listed(told)


FIELDS: Mapping[str, str | Promise] = {
    "date": pgettext_lazy("of supplies", "Date"),
    "type": pgettext_lazy("of a row of supplies", "Type"),
    "item": gettext_lazy("Item"),
    "quantity": gettext_lazy("Quantity"),
    "unit": gettext_lazy("Unit or pack"),
    "party": pgettext_lazy("of supplies", "From"),
    "receiver": pgettext_lazy("of supplies", "To whom"),
    "channel": gettext_lazy("Channel"),
    "note": gettext_lazy("Note"),
}
_ROWS: Mapping[str, str | Promise] = {
    "future": gettext_lazy("%(field)s: “%(value)s” has not come yet."),
    "not_ours": gettext_lazy(
        "%(field)s: “%(value)s” is nobody of this prefecture. Correct it, or leave the row out."
    ),
    "no_store": gettext_lazy(
        "%(field)s: “%(value)s” has no store here. Open one first, or name another receiver."
    ),
    "several_stores": gettext_lazy(
        "%(field)s: “%(value)s” has several stores. Write the name of the facility."
    ),
    "not_yours": gettext_lazy(
        "%(field)s: the store of “%(value)s” is kept by others. They import their own rows."
    ),
    "no_item": gettext_lazy(
        "%(field)s: the catalogue has no “%(value)s”. Write the name or the code of an item, or add"
        " it to the catalogue."
    ),
    "which_item": gettext_lazy(
        "%(field)s: “%(value)s” can be several items. Write one of: %(choices)s."
    ),
    "money_is_no_stock": gettext_lazy("Money is no stock. Write it as a receipt."),
    "counted_otherwise": gettext_lazy(
        "The books of the store tell another quantity. Count it there, and enter the difference."
    ),
    "quantity_no_number": gettext_lazy("%(field)s: “%(value)s” is not a number."),
    "quantity_not_positive": gettext_lazy("The quantity must be more than nothing."),
    "quantity_too_much": gettext_lazy(
        "This is more than can be true. Check the quantity and its unit."
    ),
    "quantity_unknown_unit": gettext_lazy(
        "Nobody said how much of this item is in one of this unit (%(value)s). Choose one of its"
        " units, or add the pack to the catalogue first."
    ),
    "quantity_fraction": gettext_lazy(
        "“%(value)s” is not a whole number of the smallest unit; nothing is rounded. Write it in"
        " smaller units."
    ),
}


def reasons(items: Iterable[Any]) -> list[str]:
    """Why rows of files are not taken, as sentences."""
    return kit.in_words(items, lambda name: str(FIELDS.get(name, name)), _ROWS)


_TOLD = {
    "item": gettext_lazy("Item"),
    "came": pgettext_lazy("gifts", "Came"),
    "given": gettext_lazy("Given to"),
    "used": pgettext_lazy("gifts", "Used"),
    "lost": pgettext_lazy("gifts", "Lost"),
    "left": pgettext_lazy("gifts", "Left"),
    "left_at": gettext_lazy("Left at"),
    "money": gettext_lazy("Money"),
    "quantity": gettext_lazy("Quantity"),
    "price": gettext_lazy("Price"),
}


def told_field(name: str) -> str:
    """A figure of a report on gifts, by its name."""
    return str(_TOLD[name])


def told_value(name: str, value: Any, unit_: str) -> str:
    """A figure of a report on gifts as people read it; "–" where the report does not tell it."""
    if value is None:
        return "–"
    if name == "item":
        return either({"item_zh": value[0], "item_en": value[1]}, "item")
    if name in ("given", "left_at"):
        return (
            "; ".join(
                f"{either(row, 'to')} {plain_amount(row['quantity'], unit_)}" for row in value
            )
            or "–"
        )
    return money(value) if name in ("money", "price") else plain_amount(value, unit_)
