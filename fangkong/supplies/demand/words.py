"""Cover, needs and norms in words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from fangkong.supplies.stock import words as stock

if TYPE_CHECKING:
    from fangkong.packs.types import Text

    from .models import Need, NeedLine
    from .queries import Cover, Norms

BASES = {
    "burn": gettext_lazy("present use"),
    "reported": gettext_lazy("needs that were reported"),
    "foreseen": gettext_lazy("a forecast"),
}
FAULTS = {
    "empty": gettext_lazy("Give at least one quantile with at least one day."),
    "level": gettext_lazy("A quantile lies between 0 and 1."),
    "lengths": gettext_lazy("All quantiles must have the same number of days."),
    "negative": gettext_lazy("Heads are numbers from 0 to 10,000,000."),
    "crossing": gettext_lazy("A higher quantile must never lie below a lower one."),
    "long": gettext_lazy("At most 92 days."),
}


def days(value: float | None, horizon: int) -> str:
    """Days of cover, rounded down to tenths: 4.2, or "≥ 30" where it lasts as far as was looked."""
    if value is None:
        return "–"
    if value >= horizon:
        return f"≥ {horizon}"
    return number_format(int(value * 10) / 10, decimal_pos=1)


def cover(one: Cover) -> str:
    """The days of cover of an item at a place."""
    return days(one.days, one.horizon)


def a_day(value: float | None) -> str:
    """A rate a day, with as many decimals as say something."""
    if value is None:
        return "–"
    places = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return number_format(round(value, places), decimal_pos=places, force_grouping=True)


def amount(value: Decimal) -> str:
    """An amount of a norm as it is written."""
    return format(value.normalize(), "f")


def text(one: Text) -> str:
    """Words of the rule pack in the language of the page."""
    return one.in_language(get_language() or "")


def line(one: NeedLine, norms: Norms) -> tuple[str, str]:
    """What a line asks for, and how much."""
    if one.quantity is not None and one.item is not None:
        return one.item.display_name, stock.amount(one.quantity, one.item)
    role = norms.roles.get(one.who)
    named = one.who if role is None else text(role.name)
    what = _("all that they use") if one.item is None else one.item.display_name
    told = {"role": named, "what": what}
    said = pgettext("what heads of a role need", "%(role)s: %(what)s") % told
    return said, _("%(n)s heads a day") % {"n": stock.number(one.heads or 0)}


def span(one: Need) -> str:
    """From the first to the last day."""
    first, last = (date_format(day, "SHORT_DATE_FORMAT") for day in (one.first_day, one.last_day))
    return first if one.first_day == one.last_day else f"{first} – {last}"
