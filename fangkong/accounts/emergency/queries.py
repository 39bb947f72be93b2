"""Questions about emergency access."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import F, QuerySet

from fangkong.core.audit import queries as audit

from .models import EmergencyAccess
from .types import DAY, MISS, SIGN_OFF

if TYPE_CHECKING:
    from ..models import User


def mine(user: User, at: datetime) -> list[EmergencyAccess]:
    """What is open to the user now, the next to end first."""
    open_now = EmergencyAccess.objects.filter(user=user, valid_from__lte=at, valid_to__gt=at)
    return list(open_now.order_by("valid_to"))


def tries(user: User, at: datetime) -> list[datetime]:
    """When the user asked for a person within a day, found or not; oldest first."""
    found = EmergencyAccess.objects.filter(user=user, valid_from__gt=at - DAY)
    missed = audit.lines_about(MISS).filter(by=user, at__gt=at - DAY)
    moments = [*found.values_list("valid_from", flat=True), *missed.values_list("at", flat=True)]
    return sorted(moments)


def uses(user: User, at: datetime) -> QuerySet[EmergencyAccess]:
    """Every use, for the auditor; what is not checked yet comes first, then the newest."""
    if not user.scope(SIGN_OFF, at):
        return EmergencyAccess.objects.none()
    found = EmergencyAccess.objects.select_related("user", "checked_by")
    return found.order_by(F("checked_at").asc(nulls_first=True), "-pk")


def unchecked(user: User, at: datetime) -> int:
    """How many uses wait for the auditor."""
    return uses(user, at).filter(checked_at=None).count()
