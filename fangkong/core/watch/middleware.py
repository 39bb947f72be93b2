"""The outermost layer: how long each request took and how many statements it needed.

It notes ids and numbers only: the name of the page, never its address, query or body.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse

from . import figures, slow, traces

access = logging.getLogger("fangkong.access")

Handler = Callable[[HttpRequest], HttpResponse]


class Meter:
    """Counts and times the statements of one request; those that take long are noted by text."""

    def __init__(self, slow_seconds: float) -> None:
        self.count, self.seconds, self._slow = 0, 0.0, slow_seconds
        self.late: list[tuple[str, float]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.perf_counter() - began
            self.count += 1
            self.seconds += took
            if took >= self._slow:
                self.late.append((sql, took))


class Watch:
    """Stands before all others in MIDDLEWARE."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meter = Meter(settings.FANGKONG_SLOW_MS / 1000)
        at, began = time.time_ns(), time.perf_counter()
        with connection.execute_wrapper(meter):
            response = self.get_response(request)
        took = time.perf_counter() - began
        view = view_of(request)
        figures.count(view, request.method or "", response.status_code, took, meter.count)
        for sql, late in meter.late:
            slow.note(sql, view, late)
        if settings.FANGKONG_ACCESS_LOG:
            access.info("request", extra=_line(request, response, view, took, meter))
        if traces.tracer is not None:
            traces.span(view, request.method or "", response.status_code, at, took, meter.count)
        return response


def view_of(request: HttpRequest) -> str:
    """The name of the page that answered; all unknown addresses are one."""
    match = request.resolver_match
    return "unknown" if match is None else match.view_name or "unnamed"


def _line(
    request: HttpRequest, response: HttpResponse, view: str, took: float, meter: Meter
) -> dict[str, object]:
    # The user only where the page itself has asked for it: a line costs no statement.
    user = getattr(request, "_cached_user", None)
    return {
        "id": response.headers.get("X-Request-ID", ""),
        "view": view,
        "method": request.method if request.method in figures.METHODS else "other",
        "status": response.status_code,
        "ms": round(took * 1000, 1),
        "sql": meter.count,
        "sql_ms": round(meter.seconds * 1000, 1),
        "user": getattr(user, "pk", None) or 0,
    }
