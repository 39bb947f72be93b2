"""Whether the server can do its work: what `/readyz` answers and the doctor asks too."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from fangkong.core import clock
from fangkong.core.queue import queries as queue

LEAST_DISK = 200 * 1024 * 1024
WORKER_LATE = timedelta(minutes=3)

_up_to_date = False


@dataclass(frozen=True)
class State:
    """What does not work (pages fail) and what is late (pages go on)."""

    broken: list[str]
    late: list[str]


def state() -> State:
    """One word for each thing that is wrong: no details, for everybody may ask."""
    broken, late = [], []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not up_to_date():
            broken.append("migrations")
        elif worker_silent_for() > WORKER_LATE:
            late.append("worker")
    except DatabaseError:
        broken.append("database")
    try:
        if shutil.disk_usage(settings.FANGKONG_DATA).free < LEAST_DISK:
            broken.append("disk")
    except OSError:
        broken.append("disk")
    return State(broken, late)


def up_to_date() -> bool:
    """Whether every migration is applied; once true it stays so while this process runs."""
    global _up_to_date
    if not _up_to_date:
        executor = MigrationExecutor(connection)
        _up_to_date = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _up_to_date


def never_migrated() -> bool:
    """Whether the database is empty: nothing was ever set up in it."""
    return not MigrationRecorder(connection).applied_migrations()


def worker_silent_for() -> timedelta:
    """Since when no worker has been heard of; years where none ever was."""
    last = queue.last_tick("core.watch.heartbeat")
    return clock.now() - last if last else timedelta(days=3650)
