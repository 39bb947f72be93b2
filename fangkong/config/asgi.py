"""The application for an ASGI server (``fangkong run``)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase


class Application(ASGIHandler):
    """Django's own, but a file goes out piece by piece here too.

    Our views write with ordinary iterators, which Django would gather in memory to the end, with
    a warning, before the first byte of a file is sent.
    """

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        response = await super().get_response_async(request)
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _pieces(iter(response))
        return response


async def _pieces(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is made in the request's own thread, where its database connection is."""
    while (piece := await sync_to_async(lambda: next(content, None))()) is not None:
        yield piece


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
django.setup(set_prefix=False)
application = Application()

from fangkong.core.watch import traces  # noqa: E402  # needs the settings

traces.start()
