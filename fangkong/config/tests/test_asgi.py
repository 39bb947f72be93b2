"""Files go out piece by piece under ``fangkong run`` too, without a warning in the log."""

from __future__ import annotations

import asyncio
import io
import threading
import warnings
from collections.abc import Iterator

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIHandler
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path

from fangkong.config.asgi import Application

arrived = threading.Event()  # the first piece has reached the browser
seen: list[bool] = []


def _lines() -> Iterator[bytes]:
    yield b"0\n"
    seen.append(arrived.wait(2))
    yield b"1\n"


urlpatterns = [
    path("lines/", lambda request: StreamingHttpResponse(_lines())),
    path("file/", lambda request: FileResponse(io.BytesIO(b"x" * 200_000))),
    path("page/", lambda request: HttpResponse(b"whole")),
]


@pytest.fixture(autouse=True)
def alone(settings):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    arrived.clear()
    seen.clear()


async def _asked(application: ASGIHandler, url: str) -> bytes:
    scope = {"type": "http", "method": "GET", "path": url, "query_string": b"", "headers": []}
    browser = ApplicationCommunicator(application, scope)
    await browser.send_input({"type": "http.request", "body": b""})
    assert (await browser.receive_output(10))["status"] == 200
    body = b""
    while True:
        said = await browser.receive_output(10)
        body += said.get("body", b"")
        arrived.set()
        if not said.get("more_body"):
            return body


def asked(application: ASGIHandler, url: str) -> bytes:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*must consume.*")
        return asyncio.run(_asked(application, url))


def test_a_list_goes_out_line_by_line():
    assert asked(Application(), "/lines/") == b"0\n1\n"
    assert seen == [True]  # the second line was made when the first had arrived


def test_djangos_own_would_gather_it_with_a_warning():
    """Else the test above could not fail."""
    with pytest.warns(Warning, match="must consume synchronous iterators"):
        asyncio.run(_asked(ASGIHandler(), "/lines/"))
    assert seen == [False]


def test_a_file_and_a_page_arrive_whole():
    assert asked(Application(), "/file/") == b"x" * 200_000
    assert asked(Application(), "/page/") == b"whole"


def test_the_server_serves_this_one():
    from fangkong.config import asgi

    assert isinstance(asgi.application, Application)
