"""Emergency access for machines at the bedside: the same action, the same refusals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from fangkong.core import api
from fangkong.core.commands.actions import once

from . import actions
from .models import EmergencyAccess
from .types import USE

router = Router(tags=["accounts"])


class EmergencyIn(api.Body):
    kind: str
    number: str
    reason: str


class Opened(Schema):
    id: UUID
    person: UUID
    valid_to: datetime


@router.post("/", response={201: Opened})
def open_(request: HttpRequest, asked: EmergencyIn) -> tuple[int, dict[str, Any]]:
    """Open one person for two hours, with a reason."""
    api.require(request, USE)
    access: EmergencyAccess | None = once(
        api.key_of(request),
        actions.open_,
        kind=asked.kind,
        number=asked.number,
        reason=asked.reason,
        by=cast(Any, request.user),
        at=cast(Any, request).now,
    )
    if access is None:
        raise actions.NobodyFound()
    return 201, {"id": access.public_id, "person": access.person_key, "valid_to": access.valid_to}
