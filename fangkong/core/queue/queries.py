"""Read the queue."""

from __future__ import annotations

from django.db.models import QuerySet

from .models import Job


def jobs() -> QuerySet[Job]:
    """Every job with who asked for it, for the page of jobs."""
    return Job.objects.select_related("by")


def latest_about(name: str, subject_id: int) -> Job | None:
    """The newest job of a kind about one record, for its progress."""
    return Job.objects.filter(name=name, subject_id=subject_id).order_by("-id").first()


def failed_count() -> int:
    """How many jobs wait for a person because they failed too often."""
    return Job.objects.filter(state=Job.State.FAILED).count()
