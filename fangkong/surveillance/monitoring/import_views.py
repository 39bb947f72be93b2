"""Pages of files of report cards: those of the kit, for whoever may import cards."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core.imports import views as kit
from fangkong.core.permissions import allowed

from .imports import CARDS
from .types import IMPORT


@allowed(IMPORT)
def index(request: StaffRequest) -> HttpResponseBase:
    return kit.index(request, CARDS)


@allowed(IMPORT)
def template(request: StaffRequest, kind: str) -> HttpResponseBase:
    return kit.template(request, CARDS, kind)


@allowed(IMPORT)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.detail(request, CARDS, public_id)


@allowed(IMPORT)
def match(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.match(request, CARDS, public_id)


@allowed(IMPORT)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.progress(request, CARDS, public_id)


@allowed(IMPORT)
@require_POST
def confirm(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.confirm(request, CARDS, public_id)


@allowed(IMPORT)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.cancel(request, CARDS, public_id)


@allowed(IMPORT)
def errors(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    return kit.errors(request, CARDS, public_id)
