"""Pages of files of results: those of the kit, for whoever enters results."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core.imports import views as kit
from fangkong.core.permissions import allowed
from fangkong.surveillance.testing.types import TEST

from .imports import RESULTS


@allowed(TEST)
def index(request: StaffRequest) -> HttpResponseBase:
    return kit.index(request, RESULTS)


@allowed(TEST)
def template(request: StaffRequest, kind: str) -> HttpResponseBase:
    return kit.template(request, RESULTS, kind)


@allowed(TEST)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.detail(request, RESULTS, public_id)


@allowed(TEST)
def match(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.match(request, RESULTS, public_id)


@allowed(TEST)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.progress(request, RESULTS, public_id)


@allowed(TEST)
@require_POST
def confirm(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.confirm(request, RESULTS, public_id)


@allowed(TEST)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.cancel(request, RESULTS, public_id)


@allowed(TEST)
def errors(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    return kit.errors(request, RESULTS, public_id)
