"""The door of production: bodies are read before a thread is taken, and the queue has an end.

Django works in a few threads that keep their connections to the database (decision 0022). Whoever
sends or reads slowly waits here, where waiting costs almost nothing; a thread is taken only for the
work itself.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from fangkong.core.headers import ALWAYS
from fangkong.core.problems import MEDIA_TYPE
from fangkong.core.shedding import AGAIN, BUSY, HEALTH

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[..., Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

THREADS = 4  # of each process; more only wait for each other
WAITING = 32  # requests that may wait for a thread; those beyond are told to come again
IN_MEMORY = 64 * 1024  # bytes of a body or an answer; what is longer lies in a file meanwhile
PATIENCE = 20.0  # seconds that a body may take, and …
SLOWEST = 2_000  # … bytes a second that it has to bring beyond them: a poor mobile line does

_BUSY_PROBLEM = {
    "type": "about:blank",
    "title": "Busy",
    "status": 503,
    "detail": "系统正忙,请稍候用同一个键重发。 Busy: try again in a moment with the same key.",
}


class Gone(Exception):
    """The client has left before its request was whole."""


class TooLong(Exception):
    """The body is longer than any request may be."""


class Doorway:
    """An ASGI application before a WSGI one."""

    def __init__(self, application: Application, *, largest: int) -> None:
        self.application, self.largest = application, largest
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        # A monitor is answered however long the queue is.
        self.for_health = ThreadPoolExecutor(1, thread_name_prefix="health")
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                await self._read(receive, body)
            except Gone:
                return
            except TimeoutError:
                await _plainly(send, 408, "Request Timeout")
            except TooLong:
                await _plainly(send, 413, "Content Too Large")
            else:
                await self._answer(scope, body, send)

    async def _read(self, receive: Receive, body: IO[bytes]) -> None:
        loop = asyncio.get_running_loop()
        begin, size, more = loop.time(), 0, True
        while more:
            async with asyncio.timeout_at(begin + PATIENCE + size / SLOWEST):
                message = await receive()
            if message["type"] != "http.request":
                raise Gone
            piece = message.get("body", b"")
            size += len(piece)
            if size > self.largest:
                raise TooLong
            body.write(piece)
            more = message.get("more_body", False)
        body.seek(0)

    async def _answer(self, scope: Scope, body: IO[bytes], send: Send) -> None:
        health = scope["path"] in HEALTH
        if not health and self.inside >= THREADS + WAITING:
            await _busy(scope, send)
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as kept:
            answer = Answer(kept)
            self.inside += not health
            pool = self.for_health if health else self.threads
            work = answer.loop.run_in_executor(
                pool, answer.make, self.application, _environ(scope, body)
            )
            # The place is free as soon as the work is done, however slowly the answer is read.
            work.add_done_callback(lambda _done: self._leave(health))
            work.add_done_callback(lambda _done: answer.more.set())
            try:
                await answer.deliver(work, send)
            finally:
                answer.is_read = False
                await asyncio.wait([work])

    def _leave(self, health: bool) -> None:
        self.inside -= not health


class Answer:
    """One answer on its way from the thread that makes it to the client, who may be slow."""

    def __init__(self, kept: IO[bytes]) -> None:
        self.loop = asyncio.get_running_loop()
        self.kept, self.lock, self.more = kept, Lock(), asyncio.Event()
        self.start: Message = {}
        self.written = 0
        self.is_read = True

    def make(self, application: Application, environ: dict[str, Any]) -> None:
        """In the thread: take everything that the application has to say."""
        pieces = application(environ, self._begin)
        try:
            for piece in pieces:
                if not self.is_read:
                    break  # nobody waits for the rest of a long answer
                self._write(piece)
                if self.written > IN_MEMORY:
                    self.loop.call_soon_threadsafe(self.more.set)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _begin(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        self.start = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ],
        }
        return self._write

    def _write(self, piece: bytes) -> None:
        with self.lock:
            self.kept.seek(0, 2)
            self.written += self.kept.write(piece)

    async def deliver(self, work: asyncio.Future[None], send: Send) -> None:
        """Send what is there, until the work is done and all of it is sent."""
        sent, begun, whole = 0, False, False
        while not whole:
            await self.more.wait()
            self.more.clear()
            done = work.done()
            if done:
                work.result()  # what the application could not answer itself
            if not begun:
                begun = True
                await send(self.start)
            while True:
                with self.lock:
                    self.kept.seek(sent)
                    piece = self.kept.read(IN_MEMORY)
                sent += len(piece)
                whole = done and sent == self.written
                if piece or whole:
                    await send(
                        {"type": "http.response.body", "body": piece, "more_body": not whole}
                    )
                if whole or not piece:
                    break


def _environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """The request as WSGI (PEP 3333) tells it."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = map(str, scope["client"][:2])
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        if "_" in name:
            continue  # X_Forwarded_For must not pass for X-Forwarded-For
        name = name.upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        glue = ";" if name == "HTTP_COOKIE" else ","
        environ[name] = f"{environ[name]}{glue}{text}" if name in environ else text
    # Whatever the client said, or did not say where the body came in pieces.
    environ["CONTENT_LENGTH"] = str(body.seek(0, 2))
    body.seek(0)
    return environ


async def _busy(scope: Scope, send: Send) -> None:
    """Before anybody is asked who it is: come again in a moment."""
    machine = scope["path"].startswith("/api/")
    text = json.dumps(_BUSY_PROBLEM, ensure_ascii=False) if machine else BUSY
    await _say(
        send,
        503,
        MEDIA_TYPE if machine else "text/html; charset=utf-8",
        text,
        [(b"retry-after", str(AGAIN).encode())],
    )


async def _plainly(send: Send, status: int, text: str) -> None:
    kind = "text/plain; charset=utf-8"
    await _say(send, status, kind, f"{status} {text}\n", [(b"connection", b"close")])


async def _say(send: Send, status: int, kind: str, text: str, more: Headers) -> None:
    always = [(name.lower().encode(), value.encode()) for name, value in ALWAYS.items()]
    body = text.encode()
    own = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    headers = [*own, (b"cache-control", b"no-store"), *more, *always]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
