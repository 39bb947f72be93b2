"""A whole installation to break: data folder, database, `fangkong serve` and its worker.

Everything is the product's own, started by its own commands, on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.journeys.server import command, free_port
from tests.prove.client import PATIENCE, ready, until
from tests.prove.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
DAY = "2020-02-05"  # whose rule packs are known
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Installation:
    """A data folder with a seeded database, and who may come in."""

    data: Path
    database_url: str
    token: str
    facility: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**_environment(self.data, self.database_url), **self.more}

    def having(self, **more: str) -> Installation:
        """The same with other settings."""
        return replace(self, more={**self.more, **more})

    def planted(self, bug: str) -> Installation:
        """The same with a bug of ``planted.py``."""
        return self.having(DJANGO_SETTINGS_MODULE="tests.prove.planted_settings", PLANTED=bug)

    def fangkong(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of the product's commands to its end."""
        return subprocess.run(
            command(*words),
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=check,
            timeout=900,
        )

    def rows(self, sql: str) -> Rows:
        """Ask the database itself, past the product."""
        if self.database_url.startswith("sqlite"):
            path = self.database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as db:
                return db.execute(sql).fetchall()
        import psycopg

        # As a superuser, who sees past the walls between the counties.
        with psycopg.connect(self.database_url.replace("fangkong:@", "postgres:@")) as connection:
            return connection.execute(sql.encode()).fetchall()

    def one(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


def _environment(data: Path, database_url: str) -> dict[str, str]:
    own = ("FANGKONG_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "PROMETHEUS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {
        **kept,
        "FANGKONG_DATA": str(data),
        "DATABASE_URL": database_url,
        "FANGKONG_TODAY": DAY,
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }


def seeded(data: Path, database_url: str) -> Installation:
    """A new installation; some seconds, so the harnesses share one and copy it."""
    data.mkdir(parents=True, exist_ok=True)
    environment = _environment(data, database_url)
    environment["DJANGO_SETTINGS_MODULE"] = "fangkong.config.settings"
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove.seed"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return Installation(data, database_url, **json.loads(done.stdout.splitlines()[-1]))


def copied(first: Installation, data: Path, cluster: Cluster | None) -> Installation:
    """The same installation once more, as if nothing had been done with it."""
    shutil.copytree(first.data, data, ignore=shutil.ignore_patterns("*.log", "watch"))
    if cluster is not None:
        return replace(first, data=data, database_url=cluster.copy(first.database_url))
    return replace(first, data=data, database_url=f"sqlite:///{data / 'fangkong.sqlite3'}")


class Process:
    """A command of the product that may be killed at any moment."""

    def __init__(self, here: Installation, *words: str, name: str = "") -> None:
        self.here, self.words = here, words
        self.log = here.data / f"{name or words[0]}.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command(*self.words),
                env=self.here.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @staticmethod
    def _command(*words: str) -> list[str]:
        return command(*words)

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def everyone(self) -> list[int]:
        """The process and all below it, as far as they live."""
        return [self.pid, *self.children()]

    def memory(self) -> int:
        """What its processes hold of the machine's memory, in MB (shared parts counted once)."""
        total = 0
        for pid in self.everyone():
            with suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total // 1024

    def threads(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in self.everyone())

    def kill_all(self) -> None:
        """kill -9 of every process of it, as by the OOM killer or the system's end."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(20)

    def again(self) -> None:
        self.process = self._start()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill_all()

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


@dataclass
class Running:
    """What is served, and by whom."""

    here: Installation
    port: int
    server: Process
    worker: Process | None


@contextmanager
def serving(
    here: Installation,
    *,
    how: Sequence[str] = ("serve", "--workers", "2"),
    worker: bool = False,
    process: type[Process] = Process,
) -> Iterator[Running]:
    """`fangkong serve`, and the worker where one is asked for, until the harness is through."""
    port = free_port()
    here = here.having(FANGKONG_PORT=str(port))
    server = process(here, *how)
    helper = Process(here, "worker") if worker else None
    try:
        until(
            lambda: ready(port),
            PATIENCE,
            lambda: f"the server to answer: {server.said()}",
            server.process,
        )
        yield Running(here, port, server, helper)
    finally:
        if helper is not None:
            helper.stop()
        server.stop()
