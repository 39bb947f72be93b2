"""What every request carries: the moment, an id for the logs, and answers to refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fangkong.core import clock
from fangkong.core.record import new_public_id
from fangkong.core.refusals import Refused
from fangkong.core.request_id import request_id

Handler = Callable[[HttpRequest], HttpResponse]


class RequestFacts:
    """``request.now`` and a request id, which audit lines and log lines carry."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cast(Any, request).now = clock.now()
        token = request_id.set(str(new_public_id()))
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            return response
        finally:
            request_id.reset(token)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """A refusal that no view answered becomes a page that says what to do."""
        if isinstance(problem, Refused):
            return render(
                request, "core/pages/refused.html", {"problem": problem}, status=problem.status
            )
        return None
