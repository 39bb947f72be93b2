"""Files of places are checked and entered by the queue of imports, which must know their kinds."""

from __future__ import annotations

from .imports import KINDS

__all__ = ["KINDS"]
