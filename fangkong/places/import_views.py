"""Pages of files of areas and of facilities: those of the kit, for whoever may import places."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from fangkong.core.imports import views as kit
from fangkong.core.imports.types import Kind
from fangkong.core.permissions import allowed

from .imports import KINDS
from .types import IMPORT, Request


@allowed(IMPORT)
def index(request: Request, what: str) -> HttpResponseBase:
    return kit.index(request, _kind(what))


@allowed(IMPORT)
def template(request: Request, what: str, kind: str) -> HttpResponseBase:
    return kit.template(request, _kind(what), kind)


@allowed(IMPORT)
def detail(request: Request, what: str, public_id: UUID) -> HttpResponse:
    return kit.detail(request, _kind(what), public_id)


@allowed(IMPORT)
def match(request: Request, what: str, public_id: UUID) -> HttpResponse:
    return kit.match(request, _kind(what), public_id)


@allowed(IMPORT)
def progress(request: Request, what: str, public_id: UUID) -> HttpResponse:
    return kit.progress(request, _kind(what), public_id)


@allowed(IMPORT)
@require_POST
def confirm(request: Request, what: str, public_id: UUID) -> HttpResponse:
    return kit.confirm(request, _kind(what), public_id)


@allowed(IMPORT)
@require_POST
def cancel(request: Request, what: str, public_id: UUID) -> HttpResponse:
    return kit.cancel(request, _kind(what), public_id)


@allowed(IMPORT)
def errors(request: Request, what: str, public_id: UUID) -> HttpResponseBase:
    return kit.errors(request, _kind(what), public_id)


def _kind(what: str) -> Kind:
    if what not in KINDS:
        raise Http404
    return KINDS[what]
