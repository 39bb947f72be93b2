"""Read the queue."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Min, QuerySet

from .models import Job, Tick
from .types import TITLES


def jobs() -> QuerySet[Job]:
    """Every job with who asked for it, for the page of jobs."""
    return Job.objects.select_related("by")


def title_of(job: Job) -> str:
    """What a job is called in words; its name in code where this program no longer knows it."""
    return str(TITLES.get(job.name, job.name))


def titles() -> dict[str, str]:
    """The words for each kind of job, in the order of the words."""
    words = {name: str(title) for name, title in TITLES.items()}
    return dict(sorted(words.items(), key=lambda one: one[1]))


def latest_about(name: str, subject_id: int) -> Job | None:
    """The newest job of a kind about one record, for its progress."""
    return Job.objects.filter(name=name, subject_id=subject_id).order_by("-id").first()


def failed_count() -> int:
    """How many jobs wait for a person because they failed too often."""
    return Job.objects.filter(state=Job.State.FAILED).count()


def waiting_count() -> int:
    """How many jobs wait for a worker."""
    return Job.objects.filter(state=Job.State.WAITING).count()


def oldest_waiting() -> datetime | None:
    """When the job was asked for that has waited longest."""
    found: datetime | None = Job.objects.filter(state=Job.State.WAITING).aggregate(
        oldest=Min("asked_at")
    )["oldest"]
    return found


def last_tick(schedule: str) -> datetime | None:
    """The minute at which a schedule fired last."""
    found: datetime | None = Tick.objects.filter(schedule=schedule).aggregate(last=Max("minute"))[
        "last"
    ]
    return found
