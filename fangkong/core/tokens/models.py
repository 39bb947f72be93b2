"""Tokens (访问令牌) by which machines act for a user. The secret itself is not kept."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import Personal
from fangkong.core.record import Record

State = Literal["valid", "expired", "revoked"]


class Token(Record):
    """One token of one user: what it may do is at most what the user may do at that moment."""

    pii: ClassVar[dict[str, Personal]] = {}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(pgettext_lazy("thing", "name"), max_length=60)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256 of the secret
    permissions = models.JSONField(_("may"), default=list)  # names of permissions
    may_write = models.BooleanField(_("may write"), default=False)
    expires_at = models.DateTimeField(_("valid until"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)

    # Only on the object that ``make`` gives back, and never in the database.
    secret: str = ""

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="token_by_user")]

    def __str__(self) -> str:
        return self.prefix

    def state(self, at: datetime) -> State:
        """Whether the token still opens the door."""
        if self.revoked_at is not None:
            return "expired" if self.expires_at <= self.revoked_at else "revoked"
        return "expired" if self.expires_at <= at else "valid"
