"""The audit trail (留痕): what was done, what changed, who looked. Only ever added to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import new_public_id

from .types import How, Result

if TYPE_CHECKING:
    from fangkong.core.tokens.models import Token


def _token() -> models.ForeignKey[Token | None, Token | None]:
    """The program by which somebody acted; nobody looks lines up by it."""
    return models.ForeignKey(
        "core.Token",
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )


class AuditLine(models.Model):
    """Who did what to which record, when, from where and why, or was not let do it.

    ``area_key`` is the area or county of the record (a key of ``places.Area``, which lies above);
    ``token`` is the program that acted for ``by``. A refusal says in ``detail`` which page refused,
    and has no kind of record: what does not open is not looked up.
    The table takes no UPDATE and no DELETE (triggers on both databases). Batches of lines are
    sealed later without touching them (``Seal``).
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    action = models.CharField(max_length=100)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_public_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=400, blank=True)
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=40, blank=True)
    area_key = models.BigIntegerField(null=True)
    ip = models.CharField(max_length=45, blank=True)
    token = _token()
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.DONE)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="audit_by_subject"),
            models.Index(fields=["by", "at", "id"], name="audit_by_user"),
            # In the order of the list, whatever day; the action is told from the index itself.
            models.Index(
                fields=["at", "id", "action"],
                name="audit_by_time",
                # So that PostgreSQL sees the beginning of an action in it, whatever its language.
                opclasses=["timestamptz_ops", "int8_ops", "varchar_pattern_ops"],
            ),
            models.Index(fields=["subject_public_id", "at", "id"], name="audit_by_record"),
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
        # Every write of the house pays for each index here; more are not needed. That of unknown
        # writers holds their rows alone.
        indexes = [
            models.Index(fields=["table_name", "row_id", "id"], name="row_change_by_row"),
            models.Index(
                fields=["at"], name="row_change_by_stranger", condition=models.Q(role__gt="")
            ),
        ]

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
    ip = models.CharField(max_length=45, blank=True)
    token = _token()

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "at"], name="sight_by_subject"),
            models.Index(fields=["by", "at", "id"], name="sight_by_viewer"),
            models.Index(fields=["at", "id", "how"], name="sight_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.how} {self.subject_type}:{self.subject_id}"


class Seal(models.Model):
    """One batch of the trail, sealed: its digest holds its rows and the digest before it.

    ``format`` says which columns were sealed (``seals.FORMATS``).
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    number = models.BigIntegerField(unique=True)
    format = models.PositiveSmallIntegerField(default=1)
    table_name = models.CharField(max_length=63)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    count = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=128)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table_name", "last_id"], name="seal_once_per_range")
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class Finding(models.Model):
    """A pattern of views that somebody should look at: by whom, of what kind, on which day.

    ``facts`` holds counts and keys, never a name. Signed off by an auditor with a note.
    """

    class Kind(models.TextChoices):
        NAMESAKE = "namesake", _("person of the viewer's own surname and county")
        MANY = "many", _("many persons within an hour")
        NO_WORK = "no_work", _("views without work that leads there")

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    day = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    facts = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "kind", "by"], name="finding_once_a_day")
        ]
        indexes = [models.Index(fields=["settled_at", "-id"], name="finding_by_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day} by {self.by_id}"


class Review(models.Model):
    """A week of the trail that an auditor has gone through and signed off. Only ever added to."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    week = models.DateField(unique=True)  # its Monday
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=400)

    def __str__(self) -> str:
        return f"week of {self.week}"
