"""What the queue does for imports: check and enter large files, destroy old ones."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import schedule, work
from fangkong.core.queue.types import Progress
from fangkong.core.retention import nights

from . import actions
from .models import ImportRun


@work(actions.CHECK, title=_("Check the rows of a file"), tries=4)
def check(run_id: int, at: datetime, progress: Progress) -> None:
    run = ImportRun.objects.select_related("changed_by").get(pk=run_id)
    assert run.changed_by is not None  # a file is uploaded by somebody
    actions.check(run=run, by=run.changed_by, at=at, progress=progress)


@work(actions.ENTER, title=_("Import the rows of a file"), tries=4)
def enter(run_id: int, at: datetime, progress: Progress) -> None:
    run = ImportRun.objects.select_related("changed_by").get(pk=run_id)
    actions.enter(run=run, at=at, progress=progress)


@schedule("core.imports.forget", "20 3 * * *")
def forget(at: datetime) -> None:
    nights.require_plausible(at)
    actions.forget(at=at)
