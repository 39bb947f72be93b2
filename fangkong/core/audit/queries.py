"""Read the audit trail."""

from __future__ import annotations

from django.db import models
from django.db.models import QuerySet

from .models import AuditLine


def history_of(record: models.Model, limit: int = 50) -> list[AuditLine]:
    """The newest lines about one record, newest first, with who did them."""
    return list(
        AuditLine.objects.filter(subject_type=record._meta.label_lower, subject_id=record.pk)
        .select_related("by")
        .order_by("-id")[:limit]
    )


def lines() -> QuerySet[AuditLine]:
    """The whole trail with who did what, for those who may read it (the auditor's page)."""
    return AuditLine.objects.select_related("by")
