"""Servers started beside the benchmark, one client, and the CPU that a tree of processes took."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from socket import socket
from subprocess import Popen
from time import perf_counter, sleep
from typing import Any

from benchmarks.ground.databases import ROOT, Ground

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Server:
    """A server of our own, and a kept-alive connection to it."""

    connection: HTTPConnection
    pid: int

    def get(self, url: str, headers: Mapping[str, str]) -> tuple[float, bytes]:
        """Milliseconds until the whole answer is here, and the answer."""
        start = perf_counter()
        try:
            self.connection.request("GET", url, headers=dict(headers))
            response = self.connection.getresponse()
        except RemoteDisconnected:  # the server lets go of a connection that was idle for long
            start = perf_counter()
            self.connection.request("GET", url, headers=dict(headers))
            response = self.connection.getresponse()
        body = response.read()
        taken = (perf_counter() - start) * 1000
        if response.status != 200:
            raise SystemExit(f"{url} answered {response.status}: nothing was measured")
        return taken, body


@contextmanager
def running(
    command: list[str], port: int, more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server that is there once it answers, and ends with the block."""
    process = Popen(command, cwd=ROOT, env={**os.environ, **(more or {})})
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"{command[1:3]} ended with {process.returncode}")
            try:
                connection.connect()
                break
            except OSError:
                sleep(0.1)
        yield Server(connection, process.pid)
    finally:
        connection.close()
        process.terminate()
        process.wait(40)


@contextmanager
def product(workers: int = 1) -> Iterator[Server]:
    """The production server (``fangkong serve``: granian, WSGI)."""
    port = free_port()
    command = [sys.executable, "-m", "fangkong.config.cli", "serve"]
    with running([*command, "--port", str(port), "--workers", str(workers)], port) as server:
        yield server


@contextmanager
def bare(ground: Ground) -> Iterator[Server]:
    """A bare Django on the same rows and the same server."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.ground.bare", str(port)]
    with running(command, port, {"BARE_DATABASE": ground.plain_url}) as server:
        yield server


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def signed_in(username: str) -> dict[str, str]:
    """The cookie of a session opened with a second factor; signing in is not what is measured."""
    from django.conf import settings
    from django.test import Client

    from fangkong.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    session: Any = client.session
    session["sign_in"] = {**session["sign_in"], "factor": "totp"}
    session.save()
    name = settings.SESSION_COOKIE_NAME
    return {"Cookie": f"{name}={client.cookies[name].value}", "Accept-Language": "zh-hans"}


def token_of(username: str) -> dict[str, str]:
    """The header of a new token that may read all that its user may."""
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.core.tokens import actions, queries
    from fangkong.core.tokens.models import Token

    user, at = User.objects.get(username=username), clock.now()
    Token.objects.filter(user=user).update(revoked_at=at)  # of earlier runs
    made = actions.make(
        user=user,
        label="benchmark",
        permissions=[p.name for p in queries.grantable(user, at)],
        may_write=False,
        expires_at=at + timedelta(days=1),
        by=user,
        at=at,
    )
    return {"Authorization": f"Bearer {made.secret}"}


def cpu(roots: Iterable[int]) -> float:
    """Milliseconds of CPU that these processes and all below them have taken, also ended ones."""
    parents, spent = {}, {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                told = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
            parents[int(path.name)] = int(told[1])
            spent[int(path.name)] = sum(map(int, told[11:15]))
    wanted = set(roots)
    while more := {pid for pid, above in parents.items() if above in wanted} - wanted:
        wanted |= more
    return sum(spent.get(pid, 0) for pid in wanted) * 1000 / TICK
