"""Serve: the database first, then the port, then pages and worker together."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from fangkong.config import demo_day
from fangkong.config.problems import CannotGoOn
from fangkong.core import clock
from fangkong.core.audit import triggers as trail
from fangkong.core.sealing import actions as sealing
from fangkong.core.sealing import queries as sealed
from fangkong.core.sealing.keys import KeyRingProblem
from fangkong.core.walls import policies as walls

log = logging.getLogger(__name__)

# The parser that has a limit: the other one would keep a header of any length in memory.
HEADERS: dict[str, Any] = {"http": "h11", "h11_max_incomplete_event_size": 32 * 1024}

ENOUGH_DISK = 200 * 1024 * 1024


def run(*, host: str | None, port: int | None, demo: bool, worker: bool) -> int:
    """Bring the database up to date and serve until stopped."""
    host = host or settings.ENVIRONMENT.host
    port = port or settings.ENVIRONMENT.port
    require_free_port(host, port)
    _say("database")
    prepare_database(demo=demo_day.DEFAULT if demo else None)
    if demo and not has_users():
        load_demo(demo_day.DEFAULT)
    if not has_users():
        return set_up_first(host, port)
    helper = Helper() if worker else None
    _announce(host, port)
    import uvicorn  # not for ``fangkong serve``, which has another server

    try:
        uvicorn.run(**listening(host, port))
    finally:
        if helper is not None:
            helper.stop()
    return 0


def listening(host: str, port: int) -> dict[str, Any]:
    """How uvicorn serves us, whether the house is set up or not."""
    return {
        "app": "fangkong.config.asgi:application",
        "host": host,
        "port": port,
        "log_level": "warning",
        "lifespan": "off",
        "server_header": False,
        "proxy_headers": settings.ENVIRONMENT.secure,
        **HEADERS,
    }


def set_up_first(host: str, port: int) -> int:
    """Serve the set-up where nobody has an account; afterwards this command begins anew."""
    from fangkong.config import first_start

    if first_start.until_set_up(host, port):
        first_start.start_anew()
    return 0


class Helper:
    """The worker beside the pages; one that dies is followed by another that takes up its jobs."""

    PAUSE = 2.0  # seconds; one that cannot start at all must not be started without a rest

    def __init__(self) -> None:
        self._over = threading.Event()
        self.process = self._start()
        self._watch = threading.Thread(target=self._keep, name="helper", daemon=True)
        self._watch.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "fangkong.config.cli", "worker"],
            env={**os.environ, "FANGKONG_SERVED_BY": str(os.getpid())},
        )

    def _keep(self) -> None:
        while True:
            self.process.wait()
            if self._over.wait(self.PAUSE):
                return
            log.error("worker ended; another is started", extra={"code": self.process.returncode})
            self.process = self._start()

    def stop(self) -> None:
        self._over.set()
        self.process.terminate()
        self.process.wait(20)


def prepare_database(*, demo: date | None = None) -> None:
    """Create or migrate the database; refuse one that is newer than this program.

    ``demo``: the day that is today wherever an empty one gets the demonstration, from the first
    line of its trail on.
    """
    require_disk()
    refuse_newer_database()
    with _said_in_one_line():
        sealing.make_ring_where_new(clock.now())
        call_command("migrate", verbosity=0, interactive=False)
        if demo is not None and not has_users():
            demo_day.begin(settings.FANGKONG_DATA, demo)
        sealing.enrol(at=clock.now())


def require_database(*, triggers: bool = True) -> None:
    """Refuse to go on without an up-to-date database, and one that keeps its trail."""
    refuse_newer_database()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotGoOn("the database is not up to date. Run `fangkong migrate` first.")
    if triggers and (wrong := trail.problems()):
        raise CannotGoOn(
            f"{len(wrong)} triggers of the audit trail are gone or altered, such as {wrong[0]}: "
            "find out who did this; `fangkong migrate` makes them anew."
        )
    if triggers and (down := walls.missing("default")):
        # As where a migration was killed after its last step: it takes them down while it works.
        raise CannotGoOn(
            f"the walls around {len(down)} tables are down, such as {down[0]}: "
            "`fangkong migrate` puts them up again."
        )
    with _said_in_one_line():
        sealed.verify()


@contextmanager
def _said_in_one_line() -> Iterator[None]:
    """A key ring that is missing or wrong stops the start before anything is written."""
    try:
        yield
    except KeyRingProblem as problem:
        raise CannotGoOn(str(problem)) from None


def refuse_newer_database() -> None:
    """A database that a newer Fangkong has migrated must not be touched by this one."""
    require_answer()
    recorder = MigrationRecorder(connection)
    if not recorder.has_table():
        return
    # A newer Fangkong may know rooms that this one has never heard of.
    packages = {c.label for c in apps.get_app_configs() if not c.name.startswith("fangkong.")}
    known = set(MigrationExecutor(connection).loader.disk_migrations)
    unknown = sorted(
        f"{app}.{name}"
        for app, name in recorder.applied_migrations()
        if app not in packages and (app, name) not in known
    )
    if unknown:
        raise CannotGoOn(
            f"the database was made by a newer Fangkong (it knows {unknown[-1]}). Install that "
            "version, or point DATABASE_URL to another database. Nothing was changed."
        )


def require_answer() -> None:
    """Ask PostgreSQL once past the pool, which would try for long and not say what is wrong."""
    if connection.vendor != "postgresql" or connection.connection is not None:
        return
    parameters = {"connect_timeout": 5, **connection.get_connection_params()}
    with connection.wrap_database_errors:
        cast(Any, connection).Database.connect(**parameters).close()


def require_disk() -> None:
    """Refuse to start where the next write might fail for lack of space."""
    folder = Path(settings.FANGKONG_DATA)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise CannotGoOn(
            f"{folder} cannot be made ({problem.strerror}). Set FANGKONG_DATA to a folder that you "
            "may write to."
        ) from None
    free = shutil.disk_usage(folder).free
    if free < ENOUGH_DISK:
        raise CannotGoOn(
            f"only {free // 1024 // 1024} MB are free in {folder}: at least "
            f"{ENOUGH_DISK // 1024 // 1024} MB are needed. Free some space and start again."
        )


def require_free_port(host: str, port: int) -> None:
    """Refuse a port that somebody else already listens on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            other = port + 1 if port < 65535 else 8000
            raise CannotGoOn(
                f"port {port} on {host} cannot be used ({problem.strerror}). Stop what uses it, or "
                f"choose another: FANGKONG_PORT={other} make run"
            ) from None
        except UnicodeError:
            raise CannotGoOn(f"{host!r} is not the name of a host. Check FANGKONG_HOST.") from None


def load_demo(day: date) -> None:
    """Load the demonstration as of a day into an empty database, and remember the day."""
    if has_users():
        raise CannotGoOn(
            "the database already holds staff: the demonstration is only loaded into an empty one. "
            "Set FANGKONG_DATA to a new folder."
        )
    _say(f"demonstration Ganzi 2020, as of {day.isoformat()}")
    demo_day.begin(settings.FANGKONG_DATA, day)
    try:
        call_command("demo", day=day)
    except BaseException:
        demo_day.end(settings.FANGKONG_DATA)
        raise


def screen_in_demo() -> None:
    """Go on to the day of the screening in a demonstration that stands, and stay there."""
    before = demo_day.stored_day(settings.FANGKONG_DATA)
    if before is None:
        raise CannotGoOn(
            "there is no demonstration here to go on with. Run `fangkong demo` first, or set"
            " FANGKONG_DATA to its folder."
        )
    prepare_database()
    _say(f"demonstration Ganzi 2020 goes on to {demo_day.SCREENING.isoformat()}")
    demo_day.begin(settings.FANGKONG_DATA, demo_day.SCREENING)
    try:
        call_command("demo", screening=True)
    except BaseException:
        demo_day.begin(settings.FANGKONG_DATA, before)
        raise


def has_users() -> bool:
    """Whether anybody can sign in yet."""
    from fangkong.accounts import queries

    return queries.any_users()


def _say(step: str) -> None:
    print(f"  {step} …", flush=True)


def _announce(host: str, port: int) -> None:
    everywhere = ("127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104  # compared, not bound
    shown = "localhost" if host in everywhere else host
    print(f"\nFangkong is ready: http://{shown}:{port}/\n", flush=True)
    if settings.FANGKONG_DEMO:
        from fangkong.accounts import queries

        day = demo_day.stored_day(settings.FANGKONG_DATA)
        print(f"Demonstration, today is {day}. Accounts (password: {queries.DEMO_PASSWORD}):")
        for username, label in queries.demo_accounts():
            print(f"  {username:<16} {label}")
        print(flush=True)
