from __future__ import annotations

from fangkong.supplies.stock.tests.conftest import today, world

__all__ = ["today", "world"]
