"""Commands already carried out, so that a repeated one is answered and not done twice."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from fangkong.core.privacy import Personal


class Command(models.Model):
    """One command with the key that its sender made. Written in the action's own transaction."""

    pii: ClassVar[dict[str, Personal]] = {}

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # the key's own index begins with it
    )
    key = models.CharField(max_length=64)
    action = models.CharField(max_length=150)
    fingerprint = models.CharField(max_length=64)
    at = models.DateTimeField()
    result_type = models.CharField(max_length=60, blank=True)
    result_id = models.BigIntegerField(null=True)
    result = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["by", "key"], name="command_key_once"),
            # NULL differs from NULL: what the system itself sends needs a rule of its own.
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(by__isnull=True),
                name="command_key_of_system_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.key}"
