"""Addresses for those who watch the server: does it run, can it work, and its figures."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from fangkong.core.watch import figures, health

TEXT = "text/plain; charset=utf-8"


@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("alive\n", content_type=TEXT)


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether pages work: 503 and what does not, one word each; a late worker is only told."""
    state = health.state()
    if state.broken:
        return HttpResponse(
            "".join(f"{one}\n" for one in state.broken), status=503, content_type=TEXT
        )
    return HttpResponse(
        "ready\n" + "".join(f"late: {one}\n" for one in state.late), content_type=TEXT
    )


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' figures, for the holder of the token or, where allowed, for this machine."""
    if not _may_read(request):
        return HttpResponse("token needed\n", status=403, content_type=TEXT)
    return HttpResponse(
        figures.text(),
        content_type="text/plain; version=0.0.4; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def _may_read(request: HttpRequest) -> bool:
    wanted = settings.FANGKONG_METRICS_TOKEN
    kind, _space, given = request.headers.get("Authorization", "").partition(" ")
    if wanted and kind == "Bearer" and hmac.compare_digest(given.encode(), wanted.encode()):
        return True
    return bool(settings.FANGKONG_METRICS_LOCAL and _is_here(request))


def _is_here(request: HttpRequest) -> bool:
    """Whether the question comes from this machine itself and not through a proxy on it."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
