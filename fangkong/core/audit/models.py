"""The audit trail (留痕): what was done, what changed, who looked. Only ever added to."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal

from .types import How


class AuditLine(models.Model):
    """Who did what to which record, when, from where and why.

    The table takes no UPDATE and no DELETE (triggers on both databases). Batches of lines are
    sealed later without touching them (``Seal``).
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

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


class RowChange(models.Model):
    """One row that was inserted, updated or deleted, as the database's own triggers saw it.

    ``changes``: {column: [old, new]} of an update, {column: value} of a deletion. Personal and
    secret columns say only "changed", or nothing. ``role`` is the database role of a writer that
    did not say who it was. The table is written by triggers alone, so ``by`` has no constraint.
    """

    class Verb(models.TextChoices):
        INSERT = "insert", _("added")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("deleted")
        TRUNCATE = "truncate", _("table emptied")

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    at = models.DateTimeField()
    table_name = models.CharField(max_length=63)
    row_id = models.BigIntegerField()
    verb = models.CharField(max_length=8, choices=Verb.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    request_id = models.CharField(max_length=60, blank=True)
    role = models.CharField(max_length=63, blank=True)
    changes = models.JSONField(default=dict)

    class Meta:
        # Every write of the house pays for each index here; more are not needed.
        indexes = [models.Index(fields=["table_name", "row_id", "id"], name="row_change_by_row")]

    def __str__(self) -> str:
        return f"{self.verb} {self.table_name}:{self.row_id}"


class Sight(models.Model):
    """Somebody saw a person's record: one row for each person, also of a list that left the house.

    ``subject_type`` names the table of persons, which lies in a room above. ``place`` is the page,
    list or operation.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    how = models.CharField(max_length=10, choices=How.choices)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    place = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "at"], name="sight_by_subject"),
            models.Index(fields=["by", "at"], name="sight_by_viewer"),
        ]

    def __str__(self) -> str:
        return f"{self.how} {self.subject_type}:{self.subject_id}"
