"""The nightly backup."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import enqueue, schedule, work
from fangkong.core.queue.types import Progress

from . import ledger
from .making import keep_newest, make
from .proving import prove
from .types import BackupProblem

log = logging.getLogger(__name__)


@schedule("core.backup.nightly", "20 2 * * *")
def nightly(at: datetime) -> None:
    """At 02:20, where a folder for backups is set."""
    if settings.FANGKONG_BACKUP_TO:
        enqueue("core.backup.make", 0, by=None, at=at)


@work("core.backup.make", title=_("Make and prove a backup"), tries=2)
def make_and_prove(subject_id: int, at: datetime, progress: Progress) -> None:
    """Make a backup, prove it, and remove those that are too old."""
    now = timezone.now()  # a demonstration's backups bear real dates
    if settings.FANGKONG_BACKUP_TO is None:  # taken out of the settings meanwhile
        return
    to = Path(settings.FANGKONG_BACKUP_TO)
    try:
        finished = make(to=to, key=Path(settings.FANGKONG_BACKUP_KEY or "backup.key"), at=now)
    except BackupProblem as problem:
        ledger.note_problem("", now, str(problem)[:400])
        raise
    progress(1, 3)
    prove(finished.file, finished.key, timezone.now())
    progress(2, 3)
    gone = keep_newest(to, settings.FANGKONG_BACKUP_KEEP)
    log.info("backup made and proven", extra={"file": finished.file.name, "removed": len(gone)})
