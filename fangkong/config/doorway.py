"""The door of production: bodies are read before a thread is taken, and the queue has an end.

Django works in a few threads that keep their connections to the database (decision 0022). Whoever
sends or reads slowly waits here, where waiting costs almost nothing; a thread is taken only for the
work itself. The door speaks RSGI, granian's own way of handing a request on; a request without a
body and a short answer, which nearly all are, wait for nothing but their thread.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from io import SEEK_END, BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, Any, Protocol

from fangkong.core.headers import ALWAYS
from fangkong.core.problems import MEDIA_TYPE
from fangkong.core.shedding import AGAIN, BUSY, HEALTH

log = logging.getLogger(__name__)

Application = Callable[..., Iterable[bytes]]
Headers = list[tuple[str, str]]

THREADS = 4  # of each process; more only wait for each other
WAITING = 32  # requests that may wait for a thread; those beyond are told to come again
MONITORS = 16  # questions after health that may wait; whoever floods them is sent away as well
IN_MEMORY = 64 * 1024  # bytes of a body or an answer; what is longer lies in a file meanwhile
PATIENCE = 20.0  # seconds that a body or an answer may take, or rest for, and …
SLOWEST = 2_000  # … bytes a second that have to pass beyond them: a poor mobile line does
SILENT = 60.0  # seconds after which the system ends a connection that takes nothing at all
NAMED = ("server", "fangkong")  # else the server of HTTP would tell its own name
MOST_HELD = 512 * 1024 * 1024  # bytes of bodies that a process keeps at once
MOST_KEPT = 1024 * 1024 * 1024  # bytes of long answers that wait for their readers in files
LONG = 256  # long answers of a process on their way at once: each holds a thread of the server

_BUSY_PROBLEM = {
    "type": "about:blank",
    "title": "Busy",
    "status": 503,
    "detail": "系统正忙,请稍候用同一个键重发。 Busy: try again in a moment with the same key.",
}

NOTHING_MORE = struct.pack("ii", 1, 0)  # what is not sent yet is thrown away


class Fields(Protocol):
    """The header of a request."""

    def get(self, key: str) -> str | None: ...
    def items(self) -> Iterable[tuple[str, str]]: ...


class Scope(Protocol):
    """What RSGI tells of a request; ``path`` is decoded."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Fields


class Line(Protocol):
    """RSGI's connection with the client: its body piece by piece, and ways to answer."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...
    def response_file(self, status: int, headers: Headers, file: str) -> None: ...


class Gone(Exception):
    """The client has left before its request, or its answer, was whole."""


class TooSlow(Exception):
    """The client does not read what is sent to it."""


class TooLong(Exception):
    """The body is longer than any request may be."""


class Full(Exception):
    """This process keeps as many bodies, or long answers, as it may."""


class Doorway:
    """An RSGI application before a WSGI one."""

    def __init__(
        self,
        application: Application,
        *,
        largest: int,
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        self.application, self.largest, self.begin = application, largest, begin
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        # A monitor is answered however long the queue is.
        self.for_health = ThreadPoolExecutor(1, thread_name_prefix="health")
        self.inside = self.healths = 0
        self.held = 0  # bytes of bodies
        self.kept, self.counting = 0, Lock()  # bytes of long answers, which threads write
        self.long = 0  # long answers on their way
        self.is_new = True  # nobody has come yet

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """In each process as it begins: what starts a thread, which no fork would have."""
        self.begin()

    async def __rsgi__(self, scope: Scope, line: Line) -> None:
        if scope.proto != "http":
            return
        if self.is_new:
            self.is_new = False
            _end_who_reads_nothing(scope.server)
        if scope.headers.get("transfer-encoding") is not None:
            # Nobody here is told whether such a body came whole or was cut off on the way.
            _plainly(line, 411, "Length Required: send the body with a Content-Length")
            return
        if scope.headers.get("content-length") in (None, "0"):
            await self._answer(scope, BytesIO(), 0, line)
            return
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as body:
            try:
                size = await self._read(scope, line, body)
            except Gone:
                return
            except TimeoutError:
                _plainly(line, 408, "Request Timeout")
            except TooLong:
                _plainly(line, 413, "Content Too Large")
            except Full:
                _busy(scope, line)
            else:
                await self._answer(scope, body, size, line)
            finally:
                self.held -= body.seek(0, SEEK_END)

    async def _read(self, scope: Scope, line: Line, body: IO[bytes]) -> int:
        promised = int(scope.headers.get("content-length") or 0)
        if promised > self.largest:
            raise TooLong
        begin, size = asyncio.get_running_loop().time(), 0
        async with asyncio.timeout_at(begin + PATIENCE) as patience:
            async for piece in line:
                size += len(piece)
                body.write(piece)
                self.held += len(piece)
                if self.held > MOST_HELD:
                    raise Full
                # What came at once buys no time to be silent in.
                now = asyncio.get_running_loop().time()
                patience.reschedule(min(begin + PATIENCE + size / SLOWEST, now + PATIENCE))
        if size != promised:  # the stream simply ends where the client has left
            raise Gone
        body.seek(0)
        return size

    async def _answer(self, scope: Scope, body: IO[bytes], size: int, line: Line) -> None:
        health = scope.path in HEALTH
        if self.inside >= THREADS + WAITING if not health else self.healths >= MONITORS:
            _busy(scope, line)
            return
        answer = Answer(self, health=health)
        self.inside += not health
        self.healths += health
        pool = self.for_health if health else self.threads
        pool.submit(answer.make, self.application, _environ(scope, body, size))
        await answer.deliver(line, scope)

    @contextmanager
    def one_more_long(self) -> Iterator[None]:
        """Count a long answer as long as the server reads it, in a thread of its own."""
        self.long += 1
        try:
            yield
        finally:
            self.long -= 1

    def keep(self, size: int) -> None:
        """Count what threads write into files, and what is taken away again."""
        with self.counting:
            self.kept += size
            if size > 0 and self.kept > MOST_KEPT:
                raise Full


class Answer:
    """One answer on its way from the thread that makes it to the client, who may be slow."""

    def __init__(self, door: Doorway, *, health: bool) -> None:
        self.door, self.health = door, health
        self.loop = asyncio.get_running_loop()
        self.news: asyncio.Future[None] = self.loop.create_future()
        self.lock = Lock()
        self.status, self.headers = 500, list[tuple[str, str]]()
        self.pieces: list[bytes] = []
        self.kept: IO[bytes] | None = None  # a long answer
        self.written = self.in_file = 0
        self.problem: BaseException | None = None
        self.done = False
        self.is_read = True

    # --- In the thread ---------------------------------------------------------------------------

    def make(self, application: Application, environ: dict[str, Any]) -> None:
        """Take everything that the application has to say."""
        try:
            pieces = application(environ, self._begin)
            try:
                for piece in pieces:
                    if not self.is_read:
                        break  # nobody waits for the rest of a long answer
                    self._write(piece)
                    if self.kept is not None:
                        self.loop.call_soon_threadsafe(self._tell)
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
        except BaseException as problem:  # raised again where the server waits
            self.problem = problem
        self.loop.call_soon_threadsafe(self._end)

    def _begin(
        self, status: str, headers: Headers, exc_info: object = None
    ) -> Callable[[bytes], None]:
        self.status, self.headers = int(status[:3]), [*headers, NAMED]
        return self._write

    def _write(self, piece: bytes) -> None:
        self.written += len(piece)
        if self.kept is None:
            self.pieces.append(piece)
            if self.written <= IN_MEMORY:
                return
            piece = b"".join(self.pieces)
            self.kept = tempfile.TemporaryFile()  # noqa: SIM115  # closed by deliver
        with self.lock:
            self.kept.seek(0, SEEK_END)
            self.kept.write(piece)
            self.in_file += len(piece)
        self.door.keep(len(piece))

    # --- In the loop -----------------------------------------------------------------------------

    def _tell(self) -> None:
        if not self.news.done():
            self.news.set_result(None)

    def _end(self) -> None:
        # The place is free as soon as the work is done, however slowly the answer is read.
        self.door.inside -= not self.health
        self.door.healths -= self.health
        self.done = True
        self._tell()

    async def deliver(self, line: Line, scope: Scope) -> None:
        """Send what is there, until the work is done and all of it is sent."""
        try:
            await self.news
            if self.done and isinstance(self.problem, Full):
                _busy(scope, line)  # nothing of it is sent yet
                return
            if self.done and self.kept is None:
                if self.problem is not None:
                    raise self.problem
                line.response_bytes(self.status, self.headers, b"".join(self.pieces))
                return
            if scope.method == "HEAD":
                line.response_bytes(self.status, self.headers, b"")
                return
            if self.door.long >= LONG:
                _busy(scope, line)
                return
            with self.door.one_more_long(), closing(Pipe()) as pipe:
                line.response_file(self.status, self.headers, pipe.path)
                try:
                    await self._stream(pipe)
                except Gone:
                    pass  # the rest of its answer is not made
                except BaseException:
                    # Whoever is too slow is sent away; and what breaks off must not look whole.
                    cut(scope.client)
                    raise
        except TooSlow:
            log.info("a reader was too slow for a long answer")
        finally:
            self.is_read = False
            while not self.done:
                self.news = self.loop.create_future()
                await self.news
            if self.kept is not None:
                self.kept.close()
                self.door.keep(-self.in_file)

    async def _stream(self, pipe: Pipe) -> None:
        sent = 0
        while True:
            self.news = self.loop.create_future()
            done = self.done  # asked before reading: what is read then is all there is
            piece = self._read_from(sent)
            if piece:
                sent += len(piece)
                await pipe.send(piece)
            elif done:
                break
            else:
                await self.news
        if self.problem is not None:
            raise self.problem

    def _read_from(self, place: int) -> bytes:
        if self.kept is None:
            return b""
        with self.lock:
            self.kept.seek(place)
            return self.kept.read(IN_MEMORY)


class Pipe:
    """The way of a long answer to its client, which is filled no faster than the client reads.

    RSGI's own stream takes whatever it is given and keeps it in memory. Of a file it reads on when
    its client has read, so it is given a named pipe for one.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.folder = tempfile.TemporaryDirectory(prefix="fangkong-answer-")
        self.path = f"{self.folder.name}/pipe"
        os.mkfifo(self.path, 0o600)
        self.writing: int | None = None
        self.sent, self.waited = 0, 0.0

    def close(self) -> None:
        self.folder.cleanup()
        if self.writing is not None:
            os.close(self.writing)

    async def open(self) -> int:
        """Wait until the server has opened it, in a moment: earlier no pipe can be written to."""
        end = self.loop.time() + PATIENCE
        while self.writing is None:
            try:
                self.writing = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as problem:
                if problem.errno != errno.ENXIO:
                    raise
                if self.loop.time() > end:
                    raise Gone from None
                await asyncio.sleep(0.002)
        return self.writing

    async def send(self, piece: bytes) -> None:
        """Hand it on as the client reads: TooSlow where it does not, Gone where it has left."""
        left, writing = memoryview(piece), await self.open()
        while left:
            try:
                count = os.write(writing, left)
            except BlockingIOError:
                await self._room(writing)
                continue
            except BrokenPipeError:
                raise Gone from None
            self.sent += count
            left = left[count:]

    async def _room(self, writing: int) -> None:
        """Wait for the client, but not for ever; the time that the work takes is not its fault."""
        begin, room = self.loop.time(), self.loop.create_future()
        allowed = PATIENCE + self.sent / SLOWEST - self.waited
        self.loop.add_writer(writing, _tell_once, room)
        try:
            async with asyncio.timeout(min(PATIENCE, allowed)):
                await room
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.loop.remove_writer(writing)
            self.waited += self.loop.time() - begin


def _tell_once(news: asyncio.Future[None]) -> None:
    if not news.done():
        news.set_result(None)


def _sockets() -> Iterator[socket.socket]:
    """Those of this process on a network, each by a number of our own: the server closes its."""
    for place in Path("/dev/fd").iterdir():
        with suppress(OSError):  # closed meanwhile, as the one that lists them is
            if stat.S_ISSOCK(os.fstat(int(place.name)).st_mode):
                with socket.socket(fileno=os.dup(int(place.name))) as one:
                    if one.family in (socket.AF_INET, socket.AF_INET6):
                        yield one


def cut(client: str) -> None:
    """End the connection of a client (``address:port``), for which RSGI has no word."""
    for one in _sockets():
        with suppress(OSError):  # it listens, or is closed
            host, port = one.getpeername()[:2]
            if client == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOTHING_MORE)
                one.shutdown(socket.SHUT_RDWR)


def _end_who_reads_nothing(server: str) -> None:
    """Have the system end a connection whose client takes nothing of what is sent to it.

    For short answers, which are the system's to send. Connections have it from the socket that
    they come in by; those that are there already are given it as well.
    """
    wanted: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    if wanted is None:
        return
    port = server.rpartition(":")[2]
    for one in _sockets():
        if str(one.getsockname()[1]) == port:
            with suppress(OSError):  # not TCP
                one.setsockopt(socket.IPPROTO_TCP, wanted, round(SILENT * 1000))


@lru_cache(512)
def _name(field: str) -> str:
    """What WSGI calls a field of the header; "" for what must not pass for another."""
    if "_" in field:
        return ""  # X_Forwarded_For must not pass for X-Forwarded-For
    name = field.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """The request as WSGI (PEP 3333) tells it."""
    host, _, port = scope.server.rpartition(":")
    client, _, client_port = scope.client.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": client_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for field, value in scope.headers.items():
        name = _name(field)
        if not name:
            continue
        if name in environ:
            value = f"{environ[name]}{';' if name == 'HTTP_COOKIE' else ','}{value}"
        environ[name] = value
    # Whatever the client said, or did not say where the body came in pieces.
    environ["CONTENT_LENGTH"] = str(size)
    return environ


def _busy(scope: Scope, line: Line) -> None:
    """Before anybody is asked who it is: come again in a moment."""
    machine = scope.path.startswith("/api/")
    text = json.dumps(_BUSY_PROBLEM, ensure_ascii=False) if machine else BUSY
    kind = MEDIA_TYPE if machine else "text/html; charset=utf-8"
    _say(line, 503, kind, text, [("retry-after", str(AGAIN))])


def _plainly(line: Line, status: int, text: str) -> None:
    kind = "text/plain; charset=utf-8"
    _say(line, status, kind, f"{status} {text}\n", [("connection", "close")])


def _say(line: Line, status: int, kind: str, text: str, more: Headers) -> None:
    body = text.encode()
    own = [
        NAMED,
        ("content-type", kind),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    line.response_bytes(status, [*own, *more, *ALWAYS.items()], body)
