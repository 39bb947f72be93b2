"""The whole ledger is added up again: each night, by the doctor, and after a restore."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.backup import hooks
from fangkong.core.queue.actions import schedule
from fangkong.core.roles import Role
from fangkong.core.watch.doctor import probe
from fangkong.core.watch.types import Line, bad, ok
from fangkong.places import queries as places
from fangkong.tasks import actions as tasks

from . import drafts, queries, shipping
from .types import LEDGER_TASK

log = logging.getLogger(__name__)
COUNT_WITHIN = timedelta(hours=12)


@schedule("supplies.stock.check", "40 2 * * *")
def check(at: datetime) -> None:
    """Each night: balances are the sum of their moves, and none was ever below zero."""
    found = queries.differences()
    if found:
        log.error("balances differ from the ledger", extra={"count": len(found)})
        _tell_headquarters(len(found), at)


@schedule("supplies.stock.drafts", "50 2 * * *")
def clear_drafts(at: datetime) -> None:
    """Each night: sheets that were scanned, never booked and not touched for a week go."""
    drafts.drop_old(at=at)


@schedule("supplies.stock.late", "15 6 * * *")
def late(at: datetime) -> None:
    """Each morning: whoever keeps a place is asked about goods that should be there."""
    for shipment in queries.late_shipments(at):
        try:
            shipping.remind_of_late(shipment=shipment, at=at)
        except Exception:
            log.exception("late shipment not asked for", extra={"shipment": shipment.number})


def _tell_headquarters(count: int, at: datetime) -> None:
    area = places.home(clock.day_of(at))
    if area is None:
        return
    tasks.assign(
        kind=LEDGER_TASK.code,
        params={"count": count},
        area=area,
        role=Role.HEADQUARTERS,
        due_at=at + COUNT_WITHIN,
        by=None,
        at=at,
        priority=3,
    )


@hooks.invariant("supplies.stock.ledger")
def balances_hold() -> list[str]:
    """What does not fit together after a restore."""
    return [
        f"place {one.place}, lot {one.lot}: kept {one.kept}, ledger {one.summed},"
        f" lowest {one.lowest}"
        for one in queries.differences()
    ]


@probe(gettext_lazy("Ledger of supplies"))
def ledger_line() -> Line | None:
    """Only where anything was booked."""
    if not queries.anything_booked():
        return None
    if found := len(queries.differences()):
        return bad(
            _("%(n)d balances differ from the ledger") % {"n": found},
            _("Stop issuing from these places, keep a backup, and compare with the last one."),
        )
    return ok(_("balances are the sum of their moves"))
