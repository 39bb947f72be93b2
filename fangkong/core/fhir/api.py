"""The trail for another system that collects it: AuditEvents of FHIR R4, page by page."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from ninja import Field, Query, Router, Schema
from ninja.decorators import decorate_view
from ninja.errors import HttpError

from fangkong.core import api
from fangkong.core.audit import fhir
from fangkong.core.audit.types import SEE_TRAIL

router = Router(tags=["core"])
_CURSOR = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


class FhirSearchIn(Schema):
    """Where to go on, and how many events at most."""

    after: str = Field("", max_length=40)
    size: int = Field(100, ge=1, le=api.PAGE_LIMIT)


class LinkOut(Schema):
    relation: str
    url: str


class EntryOut(Schema):
    """``resource`` is an AuditEvent of FHIR R4 (4.0.1)."""

    resource: dict[str, Any]


class BundleOut(Schema):
    """A Bundle of FHIR R4. Ask its ``next`` again later: it goes on where this page ends."""

    resourceType: str  # noqa: N815  # as the standard spells it
    type: str
    link: list[LinkOut]
    entry: list[EntryOut]


@router.get("/audit-events/", response=BundleOut)
@decorate_view(never_cache)
def events(request: HttpRequest, asked: Query[FhirSearchIn]) -> dict[str, Any]:
    """Lines and views of the trail, oldest first, once they are sealed."""
    api.require(request, SEE_TRAIL)
    place = _CURSOR.fullmatch(asked.after or "0-0")
    if place is None:
        raise HttpError(400, _("The cursor is not valid. Start again without it."))
    found, line, sight = fhir.sealed_after(int(place[1]), int(place[2]), asked.size)
    here = request.build_absolute_uri(request.path)
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [
            {"relation": "self", "url": f"{here}?after={place[0]}&size={asked.size}"},
            {"relation": "next", "url": f"{here}?after={line}-{sight}&size={asked.size}"},
        ],
        "entry": [{"resource": event} for event in found],
    }
