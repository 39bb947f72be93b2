"""Tables of the sources' pages as files: their heads, and their rows in plain numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from . import queries, words
from .models import Delivery, SupplyLine

Table = tuple[list[str], list[list[object]]]


def offers(rows: Iterable[queries.Offer]) -> Table:
    """Offers side by side."""
    head = [
        pgettext("of supplies", "From"), _("Channel"), _("State"), _("For the store"),
        _("Promised for"), _("Unit"), _("Quantity"), _("Price of one (yuan)"), _("Standard"),
        _("Conformity"), _("Days that it lasts"), _("Days without until it comes"),
    ]  # fmt: skip
    return head, [
        [
            one.line.supply.display_name,
            one.line.supply.get_channel_display(),
            one.line.supply.get_state_display(),
            one.line.supply.place.display_name,
            one.line.supply.arrives_on,
            one.line.item.get_unit_display(),
            one.left,
            None if one.unit_price is None else round(one.unit_price / 100, 4),
            one.line.standard,
            words.conformity(one.conformity),
            None if one.relief.days is None else round(one.relief.days, 1),
            None if one.relief.days is None else one.relief.gap,
        ]
        for one in rows
    ]


def lines(rows: Iterable[SupplyLine]) -> Table:
    """What was promised, and what of it is still to come."""
    head = [
        _("Item"), _("Standard"), _("Unit"), pgettext("quantity", "Promised"),
        pgettext("quantity", "Booked in"), _("Still to come"), _("Price (yuan)"),
    ]  # fmt: skip
    return head, [
        [
            one.item.display_name,
            one.standard,
            one.item.get_unit_display(),
            one.quantity,
            cast(Any, one).booked,
            queries.missing(one),
            None if one.price is None else one.price / 100,
        ]
        for one in rows
    ]


def door(rows: Iterable[Delivery]) -> Table:
    """What the door made of it."""
    head = [
        _("Booked"), _("Item"), _("Booked as"), _("Lot"), _("Unit"), _("Quantity"), _("Check"),
        _("Reason"), _("Sheet"), _("State"),
    ]  # fmt: skip
    return head, [
        [
            one.created_at,
            one.line.item.display_name,
            "" if one.lot is None else one.lot.item.display_name,
            "" if one.lot is None else one.lot.number,
            one.line.item.get_unit_display(),
            one.quantity,
            one.get_verdict_display(),
            one.why,
            "" if one.entry is None else one.entry.number,
            pgettext("a receipt", "taken back") if queries.taken_back(one) else "",
        ]
        for one in rows
    ]
