"""What is real and what is invented in the demonstration, and the day's files to import."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render

from fangkong.core import clock

from . import files, queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fangkong.accounts.types import StaffRequest


def _in_demonstrations(
    view: Callable[..., HttpResponse],
) -> Callable[..., HttpResponse]:
    """Elsewhere there is no such page."""

    @wraps(view)
    def guarded(request: StaffRequest, *args: str, **kwargs: str) -> HttpResponse:
        if not settings.FANGKONG_DEMO:
            raise Http404("this is no demonstration")
        return view(request, *args, **kwargs)

    return guarded


@_in_demonstrations
@login_required
def index(request: StaffRequest) -> HttpResponse:
    """The story of the day, the files, the accounts, the sources."""
    return render(request, "web/demo/index.html", {"demo": queries.page(request.now)})


@_in_demonstrations
@login_required
def file(request: StaffRequest, name: str) -> HttpResponse:
    """One of the day's files."""
    for found in files.every(clock.day_of(request.now), request.now):
        if found.name == name:
            response = HttpResponse(found.data, content_type=found.content_type)
            response["Content-Disposition"] = f'attachment; filename="{name}"'
            return response
    raise Http404(name)
