"""Work that is done later: one row per job, kept so that failures can be seen and tried again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import new_public_id


class Job(models.Model):
    """One job about one record. Its arguments are ids only, never personal data."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    name = models.CharField(max_length=100)
    subject_id = models.BigIntegerField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # Who carries it out, and when that worker was last heard of, by the real clock.
    worker = models.CharField(max_length=100, blank=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-id"], name="job_by_state"),
            models.Index(fields=["name", "subject_id"], name="job_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.name}:{self.subject_id}"

    @property
    def percent(self) -> int:
        """How far the job says it has come, 0 to 100."""
        if self.state == self.State.DONE:
            return 100
        return self.done * 100 // self.total if self.total else 0


class Tick(models.Model):
    """A minute at which a schedule has fired; unique, so that two workers never fire it twice."""

    pii: ClassVar[dict[str, Personal]] = {}

    schedule = models.CharField(max_length=100)
    minute = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "minute"], name="tick_fires_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.minute:%Y-%m-%dT%H:%MZ}"
