"""The tables of supplies, re-exported so that the room keeps one migration history."""

from .allocation.models import Plan, Share, Shipment
from .daily.models import DailyLine, DailyReport
from .demand.models import Need, NeedLine
from .sources.models import Delivery, Disclosure, Supply, SupplyLine
from .stock.models import (
    Balance,
    Count,
    CountLine,
    Entry,
    Item,
    ItemCode,
    Lot,
    MonthClosing,
    Move,
    Numbering,
    Place,
    Release,
    ReleasePaper,
    Serial,
    Transfer,
    TransferLine,
    TransferWish,
)

__all__ = [
    "Balance",
    "Count",
    "CountLine",
    "DailyLine",
    "DailyReport",
    "Delivery",
    "Disclosure",
    "Entry",
    "Item",
    "ItemCode",
    "Lot",
    "MonthClosing",
    "Move",
    "Need",
    "NeedLine",
    "Numbering",
    "Place",
    "Plan",
    "Release",
    "ReleasePaper",
    "Serial",
    "Share",
    "Shipment",
    "Supply",
    "SupplyLine",
    "Transfer",
    "TransferLine",
    "TransferWish",
]
