"""Emergency access for machines at the bedside: the same action, the same refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Schema

from fangkong.core import api
from fangkong.core.bodies import Text60, Text400

from . import actions
from .models import EmergencyAccess
from .types import USE, finders

router = Router(tags=["accounts"])


class EmergencyIn(api.Body):
    """Whom, and why. `kind`: by what the person is found, `document` or `card` (its case)."""

    kind: Text60
    number: Text60
    reason: Text400


class Opened(Schema):
    id: UUID
    person: UUID
    valid_to: datetime


@router.post("/", response={201: Opened})
def open_(request: HttpRequest, asked: EmergencyIn) -> tuple[int, dict[str, Any]]:
    """Open one person for two hours, with a reason."""
    api.require(request, USE)
    known = [one.name for one in finders()]
    if asked.kind not in known:  # a slip is no try: it finds nobody, and would count as one
        raise api.wrong_in_body("/kind", "enum", expected=", ".join(known))
    access: EmergencyAccess | None = api.once(
        request,
        actions.open_,
        kind=asked.kind,
        number=asked.number,
        reason=asked.reason,
        by=cast(Any, request.user),
        at=cast(Any, request).now,
    )
    if access is None:
        raise actions.NobodyFound()
    until = access.valid_to.astimezone(UTC)  # as the database gives it back to a repeat
    return 201, {"id": access.public_id, "person": access.person_key, "valid_to": until}
