"""Where browsers report breaches of the content security policy. Only counts are kept."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from . import rules

log = logging.getLogger(__name__)

LARGEST = 64 * 1024  # bytes of a report
PER_MINUTE = 60  # lines of the log, however many browsers report


@csrf_exempt  # a browser sends it by itself, without our token, and it changes no record
@require_POST
def index(request: HttpRequest) -> HttpResponse:
    """Note which rule was broken on which page; never addresses, texts or who was there."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        return HttpResponse(status=413)
    for breach in rules.read(request.body):
        if not _within_the_minute():
            break
        log.warning(
            "policy breached",
            extra={
                "directive": breach.directive,
                "blocked": breach.blocked,
                "page": _view_of(breach.path),
            },
        )
    return HttpResponse(status=204)


def _within_the_minute() -> bool:
    cache.add("core.violations", 0, 60)
    try:
        return cache.incr("core.violations") <= PER_MINUTE
    except ValueError:  # it ran out between the two
        return True


def _view_of(path: str) -> str:
    """The name of the page, without the ids in its address."""
    try:
        return resolve(path).view_name
    except Resolver404:
        return "unknown"
