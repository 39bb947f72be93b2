"""Which receivers there are, and what became of their deliveries. Only for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from .models import Delivery, Receiver
from .types import MANAGE

if TYPE_CHECKING:
    from fangkong.accounts.models import User


def open_to(user: User, at: datetime) -> QuerySet[Receiver]:
    """The receivers, for whoever sets them up."""
    rows = Receiver.objects.select_related("created_by")
    return rows if user.scope(MANAGE, at) else rows.none()


def deliveries(user: User, at: datetime) -> QuerySet[Delivery]:
    """Every delivery with its receiver."""
    rows = Delivery.objects.select_related("receiver")
    return rows if user.scope(MANAGE, at) else rows.none()
