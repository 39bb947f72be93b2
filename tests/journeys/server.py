"""The real product for a journey: its own data folder, the demonstration, `fangkong run`."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running Fangkong."""

    url: str
    data: Path
    environment: dict[str, str]


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*words: str) -> list[str]:
    """A fangkong command line for this Python."""
    return [sys.executable, "-m", "fangkong.config.cli", *words]


def surroundings(data: Path, database_url: str, **more: str) -> dict[str, str]:
    """The environment of an installation in this folder."""
    own = ("FANGKONG_", "DATABASE_URL")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(own)},
        "FANGKONG_DATA": str(data),
        "DATABASE_URL": database_url,
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def load_demo(data: Path, database_url: str, day: str = "2020-02-05") -> None:
    """Load the demonstration of a day into a new folder."""
    environment = surroundings(data, database_url)
    subprocess.run(command("demo", "--day", day), env=environment, check=True)


@contextmanager
def serving(data: Path, database_url: str) -> Iterator[Server]:
    """Serve an installation with its worker."""
    port = free_port()
    environment = surroundings(data, database_url, FANGKONG_PORT=str(port))
    log = (data / "server.log").open("wb")
    server = subprocess.Popen(command("run"), env=environment, stdout=log, stderr=log)
    url = f"http://localhost:{port}"
    try:
        wait_until_ready(url, server, data / "server.log")
        yield Server(url, data, environment)
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until the server answers; a server that ended or stays silent fails with its log."""
    for _ in range(START_SECONDS * 5):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/ready/", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            try:
                server.wait(0.2)  # ends at once when the server stops; else asks again
            except subprocess.TimeoutExpired:
                continue
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
