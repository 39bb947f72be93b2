"""The audit trail (留痕): one line per action, only ever added to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from fangkong.core.privacy import Personal


class AuditLine(models.Model):
    """Who did what to which record, when, from where and why.

    The table takes no UPDATE and no DELETE (triggers on both databases). Lines are dense in ``id``
    within a transaction, so batches of them can be sealed later without touching them.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=100)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_public_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="audit_by_subject"),
            models.Index(fields=["by", "id"], name="audit_by_user"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_type}:{self.subject_id}"
