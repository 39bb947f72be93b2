"""The tables of supplies, re-exported so that the room keeps one migration history."""

from .allocation.models import Plan, Share, Shipment
from .demand.models import Need, NeedLine
from .sources.models import Delivery, Disclosure, Supply, SupplyLine
from .stock.models import Balance, Entry, Item, Lot, Move, Numbering, Place

__all__ = [
    "Balance",
    "Delivery",
    "Disclosure",
    "Entry",
    "Item",
    "Lot",
    "Move",
    "Need",
    "NeedLine",
    "Numbering",
    "Place",
    "Plan",
    "Share",
    "Shipment",
    "Supply",
    "SupplyLine",
]
