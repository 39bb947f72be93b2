"""What lies on a desk: key figures, tasks, signals and cards that wait for this user."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import EDIT_STAFF
from fangkong.core import clock
from fangkong.core.audit.types import SEE_TRAIL
from fangkong.core.backup import ledger
from fangkong.core.notices import queries as notices
from fangkong.core.queue import queries as queue
from fangkong.core.queue.types import SEE_JOBS
from fangkong.core.watch.types import SEE_WATCH
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.types import IMPORT, REPORT, REVIEW
from fangkong.surveillance.monitoring.types import VIEW as VIEW_CASES
from fangkong.surveillance.warning import queries as warning
from fangkong.surveillance.warning.types import VIEW as VIEW_SIGNALS
from fangkong.tasks import queries as tasks

from ..types import SEE_COMMAND_SCREEN

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.notices.models import Notice
    from fangkong.surveillance.monitoring.models import Case
    from fangkong.surveillance.warning.models import Signal
    from fangkong.tasks.models import Task

SHOWN = 8


@dataclass(frozen=True)
class Figure:
    """One number at the top of the desk; ``tone`` is bad, warn or ""."""

    label: str | Promise
    value: int | str | Promise
    url: str
    tone: str = ""


@dataclass(frozen=True)
class Button:
    """One thing this user often does."""

    label: str | Promise
    url: str
    icon: str


@dataclass(frozen=True)
class Desk:
    """All that ``web/desk/index.html`` draws."""

    figures: list[Figure] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    reviews: list[Case] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    sees_signals: bool = False
    reviews_cards: bool = False


def desk(user: User, at: datetime) -> Desk:
    """The desk of a user at a moment."""
    news = list(notices.unread(user)[:5])
    notices.with_names(news, user, at)
    sees_signals = bool(user.scope(VIEW_SIGNALS, at))
    reviews = bool(user.scope(REVIEW, at))
    return Desk(
        figures=_figures(user, at),
        buttons=_buttons(user, at),
        tasks=list(tasks.mine(user, at)[:SHOWN]),
        signals=list(warning.open_signals(user, at, SHOWN)) if sees_signals else [],
        reviews=list(monitoring.waiting_for_review(user, at)[:SHOWN]) if reviews else [],
        notices=news,
        sees_signals=sees_signals,
        reviews_cards=reviews,
    )


def _figures(user: User, at: datetime) -> list[Figure]:
    found = []
    mine = tasks.counts(user, at)
    task_list = reverse("tasks:index")
    found.append(Figure(_("Tasks to do"), mine.open + mine.accepted, task_list))
    found.append(Figure(_("Tasks overdue"), mine.late, task_list, "bad" if mine.late else ""))
    if user.scope(VIEW_SIGNALS, at):
        waiting = warning.open_count(user, at)
        tone = "warn" if waiting else ""
        found.append(
            Figure(_("Open signals"), waiting, reverse("surveillance:warning:index"), tone)
        )
    if user.scope(VIEW_CASES, at):
        totals = monitoring.totals(user, at)
        cases = reverse("surveillance:monitoring:index")
        found.append(Figure(_("Cases reported today"), totals.today, cases))
        if user.scope(REVIEW, at):
            tone = "bad" if totals.overdue else "warn" if totals.waiting else ""
            found.append(
                Figure(_("Cards to review"), totals.waiting, f"{cases}?review=waiting", tone)
            )
    if user.scope(SEE_JOBS, at):
        failed = queue.failed_count()
        url = f"{reverse('jobs')}?state=failed"
        found.append(Figure(_("Failed jobs"), failed, url, "bad" if failed else ""))
    if user.scope(SEE_WATCH, at):
        proven = ledger.last_proven()
        day = clock.day_of(proven.proven) if proven and proven.proven else None
        tone = "" if proven or settings.FANGKONG_DEMO else "bad"
        shown = formats.date_format(day, "SHORT_DATE_FORMAT") if day else _("none yet")
        found.append(Figure(_("Last proven backup"), shown, reverse("doctor"), tone))
    return found


def _buttons(user: User, at: datetime) -> list[Button]:
    offered = [
        (REPORT, _("New report card"), "surveillance:monitoring:report", "file-plus"),
        (IMPORT, _("Import cards"), "surveillance:monitoring:imports", "upload"),
        (SEE_COMMAND_SCREEN, _("Command screen"), "command_screen", "device-desktop"),
        (EDIT_STAFF, _("New account"), "accounts:new", "user"),
        (SEE_TRAIL, _("Audit trail"), "audit", "history"),
    ]
    return [
        Button(label, reverse(name), icon)
        for permission, label, name, icon in offered
        if user.scope(permission, at)
    ]
