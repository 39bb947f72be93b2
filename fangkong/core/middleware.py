"""What every request carries: the moment, an id for the logs, and answers to refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any, cast
from urllib.parse import unquote

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    QueryDict,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import get_resolver
from django.utils.translation import gettext as _

from fangkong.core import clock, problems
from fangkong.core.audit import refusals
from fangkong.core.audit.context import acting
from fangkong.core.editions.queries import noting
from fangkong.core.privacy import holds_number
from fangkong.core.record import new_public_id
from fangkong.core.refusals import Refused
from fangkong.core.request_id import request_id
from fangkong.core.walls.reach import of_request, reaching

Handler = Callable[[HttpRequest], HttpResponse]
_ASKED = ["GET", "HEAD", "POST"]  # of a page; no browser sends it anything else


class RequestFacts:
    """``request.now`` and a request id, which audit lines and log lines carry."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        at = clock.now()
        cast(Any, request).now = at
        token = request_id.set(str(new_public_id()))
        asks_for_head = request.method == "HEAD" and problems.for_machines(request)
        if asks_for_head:  # the operations know GET; the server sends no body
            request.method = "GET"
        try:
            if request.method not in _ASKED and not problems.for_machines(request):
                return HttpResponseNotAllowed(_ASKED)
            if _too_large(request):
                text = _("What was sent is too large. Send less at once, or smaller files.")
                return render(request, "core/pages/refused.html", {"problem": text}, status=413)
            if _unreadable(request):
                return _bad_request(request)
            if _number_in_address(request):
                return _refused_number(request)
            with acting(at=at, request=request), reaching(of_request(request)), noting():
                with refusals.standing():
                    response = self.get_response(request)
                refusals.note(request, response)
                _read_here(response)
            if problems.for_machines(request):
                response = problems.told_to_machines(response)
            if request.user.is_authenticated and not response.has_header("Cache-Control"):
                # What staff see is not kept on a shared machine.
                response["Cache-Control"] = "private, no-store"
            response["X-Request-ID"] = request_id.get()
            return response
        finally:
            request_id.reset(token)
            if asks_for_head:
                request.method = "HEAD"

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """A refusal that no view answered becomes a page that says what to do."""
        if problems.for_machines(request):
            return None  # answered as problems
        if isinstance(problem, Refused):
            return render(
                request, "core/pages/refused.html", {"problem": problem}, status=problem.status
            )
        if isinstance(problem, problems.UNREADABLE):
            return _bad_request(request)
        return None


def _read_here(response: HttpResponseBase) -> None:
    """What is sent bit by bit, when the request is over, is read as its user too."""
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        parts = cast(Iterator[bytes], response.streaming_content)
        response.streaming_content = _as_here(parts)


def _as_here(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts, each made in the context of now, which is over when they are sent."""
    context, source, end = copy_context(), iter(parts), object()
    while (part := context.run(next, source, end)) is not end:
        yield cast(bytes, part)


def _bad_request(request: HttpRequest) -> HttpResponse:
    """The house's own answer to a request that cannot be read (``handler400`` for pages)."""
    if problems.for_machines(request):
        return problems.unreadable()
    answer = cast(Any, get_resolver().resolve_error_handler(400))
    return cast(HttpResponse, answer(request, SuspiciousOperation()))


def _too_large(request: HttpRequest) -> bool:
    """Whether the request announces more than is ever read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    return announced.isdecimal() and int(announced) > settings.FANGKONG_LARGEST_REQUEST


def _number_in_address(request: HttpRequest) -> bool:
    """Whether the address holds the number of a person, which servers and browsers would keep."""
    if holds_number(request.path_info):
        return True
    asked = request.META.get("QUERY_STRING", "")
    return bool(asked) and any(holds_number(v) for pair in request.GET.lists() for v in _all(pair))


def _all(pair: tuple[str, list[str]]) -> Iterator[str]:
    """The name of a value of a query and its values: a number may stand in either."""
    name, values = pair
    yield name
    yield from values


def _refused_number(request: HttpRequest) -> HttpResponse:
    """The number is not shown again, not even in a link of the page."""
    text = _("Numbers of persons must not stand in the address. Use the search box.")
    machine = problems.for_machines(request)
    forget_address(request)
    if machine:
        return problems.problem(400, "NumberInAddress", text)
    return render(request, "core/pages/refused.html", {"problem": text}, status=400)


def forget_address(request: HttpRequest) -> None:
    """Let nothing that answers or logs the request say its address again.

    Pages have links that lead back to their own address, and Django's log names it.
    """
    # What remains still says to whom the answer goes: a machine or a person.
    kept = "/api/" if problems.for_machines(request) else "/"
    request.path = request.path_info = kept
    request.META["PATH_INFO"], request.META["QUERY_STRING"] = kept, ""
    cast(Any, request).GET = QueryDict()


def _unreadable(request: HttpRequest) -> bool:
    """Whether the address holds a NUL or half a sign, which no record can hold."""
    asked = unquote(request.META.get("QUERY_STRING", ""), errors="surrogateescape")
    return any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in request.path + asked)
