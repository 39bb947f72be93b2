"""Labels of tubes, as sheets and single, for whoever has the tube in hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from fangkong.accounts.types import StaffRequest
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.permissions import allowed
from fangkong.core.printing.sheets import NotPrinted

from . import forms, labels, queries
from .models import Specimen, Tube
from .types import HANDLE


@allowed(HANDLE)
def print_labels(request: StaffRequest) -> HttpResponse:
    """Labels as PDF: of one tube, or of all that wait to be collected; ``copies`` of each."""
    form = forms.LabelsForm(request.GET)
    if not form.is_valid():
        raise Http404
    said = form.cleaned_data
    tubes = _tubes(request, said)
    copies = min(said["copies"] or 1, labels.MOST_LABELS)
    tubes = tubes[: max(labels.MOST_LABELS // copies, 1)]
    if not tubes:
        raise Http404
    opened(request, [one for one in tubes if isinstance(one, Specimen)], how=How.PRINTED)
    try:
        size = said["size"] or labels.SIZES[0]
        made = labels.printed(tubes, size, copies, request.user, request.now)
    except NotPrinted as problem:
        messages.warning(request, str(problem))
        return redirect("surveillance:testing:index")
    return _file(made, "application/pdf", "labels.pdf")


@allowed(HANDLE)
def label(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The label of a specimen as SVG."""
    rows = queries.open_to(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found, how=How.PRINTED)
    return _drawn(found)


@allowed(HANDLE)
def pool_label(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The label of a pool as SVG."""
    rows = queries.pools_open_to(request.user, request.now)
    return _drawn(get_object_or_404(rows, public_id=public_id))


def _tubes(request: StaffRequest, said: dict[str, Any]) -> list[Tube]:
    user, at = request.user, request.now
    if said["specimen"]:
        return [get_object_or_404(queries.open_to(user, at), public_id=said["specimen"])]
    if said["pool"]:
        return [get_object_or_404(queries.pools_open_to(user, at), public_id=said["pool"])]
    return list(queries.waiting_for_labels(user, at)[: labels.MOST_LABELS])


def _drawn(tube: Tube) -> HttpResponse:
    return _file(labels.drawing(tube).encode(), "image/svg+xml", f"{tube.number}.svg")


def _file(made: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(made, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name.replace("/", "-")}"'
    answer["Cache-Control"] = "private, no-store"
    return answer
