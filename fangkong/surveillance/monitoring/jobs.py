"""What the queue does for monitoring: check and import large files, empty old ones."""

from __future__ import annotations

from datetime import datetime

from fangkong.core.queue.actions import schedule, work
from fangkong.core.queue.types import Progress

from . import imports
from .models import ImportBatch


@work(imports.CHECK, tries=4)
def check(batch_id: int, at: datetime, progress: Progress) -> None:
    batch = ImportBatch.objects.select_related("facility__area__county", "created_by").get(
        pk=batch_id
    )
    assert batch.created_by is not None  # a file is uploaded by somebody
    imports.check(batch=batch, by=batch.created_by, at=at, progress=progress)


@work(imports.IMPORT_JOB, tries=4)
def import_rows(batch_id: int, at: datetime, progress: Progress) -> None:
    batch = ImportBatch.objects.select_related("facility__area__county", "changed_by").get(
        pk=batch_id
    )
    imports.import_rows(batch=batch, at=at, progress=progress)


@schedule("surveillance.monitoring.forget", "20 3 * * *")
def forget(at: datetime) -> None:
    imports.forget(at=at)
