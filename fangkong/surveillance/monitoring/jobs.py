"""What monitoring does by the clock, and whom the nightly destruction leaves alone.

Files of cards are checked and entered by the queue of imports, which must know their kind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from fangkong.core.queue.actions import schedule
from fangkong.core.retention.queries import hold

from . import queries, reminding
from .imports import CARDS

log = logging.getLogger(__name__)

__all__ = ["CARDS"]


@schedule("surveillance.monitoring.remind", "*/5 * * * *")
def remind(at: datetime) -> None:
    """Every five minutes counties are told of reviews that are overdue; what is settled ends.

    Each county by itself: one that cannot be told stops no other.
    """
    reminding.settle(at=at)
    for county in queries.counties_past_review(at):
        try:
            reminding.remind(county=county, at=at)
        except Exception:
            log.exception("county not reminded of reviews", extra={"area": county.code})


@hold("people.Person")
def patients(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever has a case is kept as long as the case."""
    return queries.patients_kept(ids, at)
