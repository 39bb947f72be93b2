"""The small server of `fangkong run` keeps no header of any length: asked by a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import pytest
import uvicorn

from fangkong.config import serve


async def says_yes(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    started = Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            started.set()

    listening = socket.create_server(("127.0.0.1", 0))
    options = {"log_level": "critical", "lifespan": "off", **serve.HEADERS}
    server = Server(uvicorn.Config(says_yes, **options))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    assert started.wait(20)
    yield listening.getsockname()
    server.should_exit = True
    thread.join(20)


def answer_to(address: tuple[str, int], fields: bytes) -> bytes:
    """The first line of the answer to a request with these fields."""
    with socket.create_connection(address, timeout=20) as link:
        try:
            link.sendall(
                b"GET / HTTP/1.1\r\nHost: here\r\n" + fields + b"Connection: close\r\n\r\n"
            )
            return link.recv(100).partition(b"\r\n")[0]
        except ConnectionError:  # sent away before everything was sent
            return b"closed"


def test_a_header_of_the_usual_size_is_answered(address):
    assert answer_to(address, b"Cookie: " + b"x" * 16_000 + b"\r\n") == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "fields", [b"Cookie: " + b"x" * 3_000_000 + b"\r\n", b"X-A: b\r\n" * 100_000]
)
def test_a_header_that_is_too_long_or_has_too_many_fields_is_refused(address, fields):
    refused = answer_to(address, fields)

    assert refused == b"closed" or b" 400 " in refused or b" 431 " in refused


def test_a_header_that_never_ends_is_not_kept(address):
    """Without an end it would be read on and on: the other parser keeps all of it."""
    with socket.create_connection(address, timeout=20) as link:
        sent = 0
        link.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nX-A: ")
        with suppress(ConnectionError):
            while sent < 50_000_000:
                link.sendall(b"x" * 65_536)
                sent += 65_536
    assert sent < 5_000_000
