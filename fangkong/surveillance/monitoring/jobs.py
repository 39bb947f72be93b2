"""Files of cards are checked and entered by the queue of imports, which must know their kind."""

from __future__ import annotations

from .imports import CARDS

__all__ = ["CARDS"]
