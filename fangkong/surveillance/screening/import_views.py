"""Pages of files of contacts: those of the kit, for whoever enters contacts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core.imports import views as kit
from fangkong.core.permissions import allowed

from . import forms, queries
from .imports import CONTACTS
from .types import TRACE

if TYPE_CHECKING:
    from fangkong.surveillance.monitoring.models import Case


@allowed(TRACE)
def index(request: StaffRequest) -> HttpResponseBase:
    """Upload a file; of one case where the page of its contacts leads here."""
    form = partial(forms.UploadForm, case=_case(request))
    return kit.index(request, replace(CONTACTS, form=form))


@allowed(TRACE)
def template(request: StaffRequest, kind: str) -> HttpResponseBase:
    return kit.template(request, CONTACTS, kind)


@allowed(TRACE)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.detail(request, CONTACTS, public_id)


@allowed(TRACE)
def match(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.match(request, CONTACTS, public_id)


@allowed(TRACE)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.progress(request, CONTACTS, public_id)


@allowed(TRACE)
@require_POST
def confirm(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.confirm(request, CONTACTS, public_id)


@allowed(TRACE)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    return kit.cancel(request, CONTACTS, public_id)


@allowed(TRACE)
def errors(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    return kit.errors(request, CONTACTS, public_id)


def _case(request: StaffRequest) -> Case | None:
    """The case that the address names, as far as the user may enter its contacts."""
    try:
        key = UUID(request.GET.get("case", ""))
    except ValueError:
        return None
    rows = queries.cases_to_trace(request.user, request.now)
    return rows.filter(public_id=key).select_related("county").first()
