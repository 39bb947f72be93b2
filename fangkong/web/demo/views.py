"""What is real and what is invented in the demonstration, and the day's files to import."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from fangkong.core import clock
from fangkong.core.permissions import allowed
from fangkong.surveillance.testing.types import TEST

from . import files, messages, queries

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


@allowed(TEST)
@_in_demonstrations
def message(request: StaffRequest, name: str) -> HttpResponse:
    """A made-up message of a laboratory's system about the tubes that wait on the bench."""
    for found in messages.of_bench(request.user, request.now):
        if found.name == name:
            return _download(found)
    raise Http404(name)


def examples(request: HttpRequest, _subject: object) -> str:
    """Made-up messages to take away and send, on the page where messages are sent (a slot)."""
    if not settings.FANGKONG_DEMO:
        return ""
    asked = cast("StaffRequest", request)
    files = messages.of_bench(asked.user, asked.now)
    return render_to_string("web/demo/_messages.html", {"files": files}, request)


def _download(found: files.DemoFile) -> HttpResponse:
    response = HttpResponse(found.data, content_type=found.content_type)
    response["Content-Disposition"] = f'attachment; filename="{found.name}"'
    return response


@_in_demonstrations
@login_required
def file(request: StaffRequest, name: str) -> HttpResponse:
    """One of the day's files."""
    for found in files.every(clock.day_of(request.now), request.now):
        if found.name == name:
            return _download(found)
    raise Http404(name)
