"""The tables of supplies, re-exported so that the room keeps one migration history."""

from .demand.models import Need, NeedLine
from .stock.models import Balance, Entry, Item, Lot, Move, Numbering, Place

__all__ = ["Balance", "Entry", "Item", "Lot", "Move", "Need", "NeedLine", "Numbering", "Place"]
