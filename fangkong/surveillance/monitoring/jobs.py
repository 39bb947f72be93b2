"""Files of cards are checked and entered by the queue of imports, which must know their kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fangkong.core.retention.queries import hold

from . import queries
from .imports import CARDS

__all__ = ["CARDS"]


@hold("people.Person")
def patients(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever has a case is kept as long as the case."""
    return queries.patients_kept(ids, at)
