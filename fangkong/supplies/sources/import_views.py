"""Pages of files of supplies: those of the kit, for whoever keeps a store."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core.imports import views as kit
from fangkong.core.permissions import allowed
from fangkong.supplies.stock.types import KEEP

from .imports import SUPPLIES


@allowed(KEEP)
def index(request: StaffRequest) -> HttpResponseBase:
    return kit.index(request, SUPPLIES)


@allowed(KEEP)
def template(request: StaffRequest, kind: str) -> HttpResponseBase:
    return kit.template(request, SUPPLIES, kind)


@allowed(KEEP)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.detail(request, SUPPLIES, public_id)


@allowed(KEEP)
def match(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.match(request, SUPPLIES, public_id)


@allowed(KEEP)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.progress(request, SUPPLIES, public_id)


@allowed(KEEP)
@require_POST
def confirm(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.confirm(request, SUPPLIES, public_id)


@allowed(KEEP)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.cancel(request, SUPPLIES, public_id)


@allowed(KEEP)
def errors(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    return kit.errors(request, SUPPLIES, public_id)
