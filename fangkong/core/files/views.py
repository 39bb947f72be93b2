"""Send a file, get a file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fangkong.core import pages
from fangkong.core.commands.actions import once
from fangkong.core.refusals import Refused

from . import actions, queries, receiving, types
from .models import StoredFile
from .serving import served


@require_POST
@login_required
def upload(request: Any, use: str) -> HttpResponse:
    """Keep one file while a form is being filled; answers as JSON for the form's script."""
    wanted, content = types.use(use), request.FILES.get("file")
    if wanted is None:
        raise Http404
    if content is None:
        return JsonResponse({"text": _("No file was sent.")}, status=422)
    try:
        file = receiving.keep(request, wanted, content, pages.key_of(request))
    except Refused as problem:
        return JsonResponse({"text": str(problem)}, status=problem.status)
    return JsonResponse(
        {"id": str(file.public_id), "name": file.name, "size": file.size}, status=201
    )


@login_required
def detail(request: Any, public_id: UUID) -> HttpResponseBase:
    """The file itself, for those who may see its record."""
    return served(_file(request, public_id), download="download" in request.GET)


@require_POST
@login_required
def discard(request: Any, public_id: UUID) -> HttpResponse:
    """Throw away an upload that is not used yet."""
    file = _file(request, public_id)
    try:
        once(pages.key_of(request), actions.discard, file=file, by=request.user, at=request.now)
    except Refused as problem:
        return JsonResponse({"text": str(problem)}, status=problem.status)
    return HttpResponse(status=204)


def _file(request: Any, public_id: UUID) -> StoredFile:
    file = queries.open_to(request.user, public_id, request.now)
    if file is None:
        raise Http404
    return file
