"""Whose token it is, and which tokens there are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from fangkong.core import permissions

from . import rules
from .models import Token
from .types import MANAGE

if TYPE_CHECKING:
    from fangkong.accounts.models import User


def holding(secret: str, at: datetime) -> Token | None:
    """The valid token of a secret with its user, in one statement; none for a closed account."""
    if not rules.looks_like_one(secret):
        return None
    found = Token.objects.select_related("user").filter(
        digest=rules.digest(secret),
        revoked_at__isnull=True,
        expires_at__gt=at,
        user__is_active=True,
    )
    return found.first()


def open_to(user: User, at: datetime) -> QuerySet[Token]:
    """One's own tokens; for administrators everybody's."""
    rows = Token.objects.select_related("user", "created_by")
    if user.scope(MANAGE, at):
        return rows
    return rows.filter(user=user)


def grantable(user: User, at: datetime) -> list[permissions.Permission]:
    """The permissions that a user holds somewhere, and may give to a token."""
    return [p for p in permissions.declared() if user.scope(p, at)]
