"""The whole ledger is added up again: each night, by the doctor, and after a restore."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core.backup import hooks
from fangkong.core.queue.actions import schedule
from fangkong.core.watch.doctor import probe
from fangkong.core.watch.types import Line, bad, ok

from . import actions, queries

log = logging.getLogger(__name__)


@schedule("supplies.stock.check", "40 2 * * *")
def check(at: datetime) -> None:
    """Each night: balances are the sum of their moves, and none was ever below zero."""
    found = queries.differences()
    if found:
        log.error("balances differ from the ledger", extra={"count": len(found)})
        actions.tell_differences(count=len(found), at=at)


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
