"""Those who take their time: slow headers, bodies and readers, and who reads nothing at all."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

STEP = 0.5  # seconds between two bytes

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    b"POST /api/v1/surveillance/monitoring/cases/ HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 5000\r\nIdempotency-Key: slow\r\n"
    b"Authorization: Bearer %s\r\n\r\n{"
)
READ = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Slow:
    """How many are connected, and how many were sent away meanwhile."""

    connected: int = 0
    sent_away: int = 0


@contextmanager
def slow_clients(
    port: int, *, headers: int, bodies: int, readers: int, token: str, big: str
) -> Iterator[Slow]:
    """Keep so many of each kind connected until the harness is through; those sent away return."""
    told, over = Slow(), Event()

    async def one(first: bytes, more: bytes, read: bool) -> None:
        while not over.is_set():
            link = socket.socket()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.setblocking(False)
            loop = asyncio.get_running_loop()
            counted = False
            try:
                await asyncio.wait_for(loop.sock_connect(link, ("127.0.0.1", port)), 5)
                await loop.sock_sendall(link, first)
                told.connected += 1
                counted = True
                while not over.is_set():
                    await asyncio.sleep(STEP)
                    if read:
                        if not await asyncio.wait_for(loop.sock_recv(link, 64), 30):
                            break
                    else:
                        await loop.sock_sendall(link, more)
            except (OSError, TimeoutError):
                await asyncio.sleep(STEP)
            finally:
                link.close()
                if counted:
                    told.connected -= 1
                    told.sent_away += not over.is_set()

    async def everybody() -> None:
        body, get = BODY % token.encode(), READ % big.encode()
        kinds = [(HEAD, b"x", False)] * headers
        kinds += [(body, b" ", False)] * bodies + [(get, b"", True)] * readers
        await asyncio.gather(*(one(*kind) for kind in kinds))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(everybody())

    thread = Thread(target=run, name="slow", daemon=True)
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join(40)


class Stubborn:
    """Clients that ask for something and read nothing of it."""

    def __init__(self, port: int, path: str, many: int) -> None:
        self.links = []
        for _one in range(many):
            link = socket.socket()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.connect(("127.0.0.1", port))
            link.sendall(READ % path.encode())
            self.links.append(link)

    def __enter__(self) -> Stubborn:
        return self

    def __exit__(self, *problem: object) -> None:
        for link in self.links:
            link.close()

    def begun(self) -> int:
        """To how many something has been sent."""
        asked = select.poll()
        for link in self.links:
            asked.register(link, select.POLLIN)
        return len(asked.poll(0))


def connections(port: int) -> int:
    """How many are open on the server's side; whoever was sent away may not know it yet."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    closed_or_listening = ("06", "07", "0A")
    return sum(
        int(row[1].rpartition(":")[2], 16) == port and row[3] not in closed_or_listening
        for row in rows
    )
