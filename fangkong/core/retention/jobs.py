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
from fangkong.core.watch.types import Line, bad, ok, warn

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
    """An older backup brings back what was destroyed since; so it is done again.

    Before a restored database serves. Where the clock is far ahead of the trail that came with the
    backup, a person says first which of the two is old: a new machine's clock may be wrong.
    """
    nights.forget()
    try:
        nights.require_plausible(at)
    except nights.ClockInDoubt as problem:
        raise hooks.LeftToAPerson(str(problem)) from None
    actions.destroy_due(at=at)
    nights.note(at)


@probe(gettext_lazy("Terms of personal data"))
def _clock_in_doubt() -> Line:
    at = clock.now()
    before = nights.last(at)
    if at - before > nights.FAR:
        return bad(
            _("nothing is destroyed: the clock is %(days)d days ahead of the last run")
            % {"days": (at - before).days},
            _("Set the clock. If it is right: fangkong retention --destroy --clock-is-right"),
        )
    try:
        nights.noted()
    except nights.Unreadable:
        return warn(
            _("retention.txt, which notes the last run, cannot be read: the trail is asked"),
            _("Set the clock if it is wrong. Then run: fangkong retention --destroy"),
        )
    return ok(_("what is due is destroyed every night"))
