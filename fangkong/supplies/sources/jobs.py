"""What sources do by the clock: ask where goods are late, and where the public was not told.

And what they tell the board of the stock, which lies below them.
"""

from __future__ import annotations

import logging
from datetime import datetime

from fangkong.core.queue.actions import schedule
from fangkong.supplies.stock.types import ask_what_is_promised

from . import actions, queries

log = logging.getLogger(__name__)


@schedule("supplies.sources.late", "20 6 * * *")
def late(at: datetime) -> None:
    """Each morning: whoever keeps the store is asked about what was promised and has not come."""
    for supply in queries.late(at):
        try:
            actions.remind_of_late(supply=supply, at=at)
        except Exception:
            log.exception("late supply not asked for", extra={"supply": str(supply.public_id)})


@schedule("supplies.sources.disclose", "25 6 * * *")
def disclose(at: datetime) -> None:
    """Each morning: the headquarters are reminded where gifts went untold for the pack's days."""
    actions.remind_to_publish(at=at)


ask_what_is_promised(queries.promised)
