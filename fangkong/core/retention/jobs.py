"""Every night, and after each restore: what is due is destroyed, unless the clock is in doubt."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.backup import hooks
from fangkong.core.queue import actions as queue
from fangkong.core.queue.types import Progress
from fangkong.core.watch.doctor import probe
from fangkong.core.watch.types import Line, bad, ok

from . import actions, nights

DESTROY = "core.retention.destroy"


@queue.schedule(DESTROY, "40 2 * * *")
def nightly(at: datetime) -> None:
    """As a job, so that a night on which nothing was destroyed waits for a person."""
    queue.enqueue(DESTROY, 0, by=None, at=at)


@queue.work(DESTROY, title=gettext_lazy("Destroy personal data whose term is over"), tries=1)
def destroy(_nobody: int, at: datetime, _progress: Progress) -> None:
    nights.require_plausible(at)
    actions.destroy_due(at=at)
    nights.note(at)


@hooks.after_restore("core.retention")
def again(at: datetime) -> None:
    """A backup from last year brings back what was destroyed since; so it is done again.

    Before a restored database serves, and however long ago the backup was made.
    """
    actions.destroy_due(at=at)
    nights.note(at)


@probe(gettext_lazy("Terms of personal data"))
def _clock_in_doubt() -> Line:
    at = clock.now()
    try:
        nights.require_plausible(at)
    except nights.ClockInDoubt as problem:
        return bad(
            _("nothing is destroyed: the clock is %(days)d days ahead of the last run")
            % {"days": (at - problem.last).days},
            _("Set the clock. If it is right: fangkong retention --destroy --clock-is-right"),
        )
    return ok(_("what is due is destroyed every night"))
