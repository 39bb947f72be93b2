"""What the clock does: ask for reports that are overdue, and for corrections."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from fangkong.core import clock
from fangkong.core.queue.actions import schedule
from fangkong.places import queries as places

from . import actions, queries

log = logging.getLogger(__name__)


@schedule("supplies.daily.missing", "5 * * * *")
def missing(at: datetime) -> None:
    """Each hour: counties whose reports are overdue are asked for them."""
    for county in places.counties_of_home(clock.day_of(at)):
        try:
            actions.remind_of_missing(county=county, at=at)
        except Exception:
            log.exception("missing report not asked for", extra={"area": county.code})


@schedule("supplies.daily.changed", "35 2 * * *")
def changed(at: datetime) -> None:
    """Each night: reports of the last days are compared with the ledger."""
    first = clock.day_of(at) - timedelta(days=queries.LOOKED_BACK)
    for report in queries.to_compare(first):
        try:
            actions.remind_of_change(report=report, at=at)
        except Exception:
            log.exception("changed report not told", extra={"report": str(report.public_id)})
