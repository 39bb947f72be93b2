"""Prove a backup: restore it somewhere else and compare everything, as its next user would."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from . import ledger
from .making import staging
from .types import BackupProblem

LONGEST = 4 * 3600  # seconds


def prove(file: Path, key: bytes, at: datetime) -> float:
    """Restore a backup into a temporary place by the same command that people use.

    The key of this one file is handed over through a pipe, so that a server that holds only a
    public key can still prove what it has just written. Gives the seconds; notes the outcome.
    """
    began = time.monotonic()
    try:
        with staging() as folder, _place(folder) as address:
            answer = subprocess.run(
                [sys.executable, "-m", "fangkong.config.cli", "restore", str(file), "--key", "-"],
                input=base64.b64encode(key),
                env={
                    **os.environ,
                    "DATABASE_URL": address,
                    "FANGKONG_DATA": str(folder),
                    "FANGKONG_SECRET_KEY": settings.SECRET_KEY,  # it signs the seals of the trail
                    "FANGKONG_KEYS": str(
                        getattr(
                            settings, "FANGKONG_KEYS", Path(settings.FANGKONG_DATA) / "keys.json"
                        )
                    ),
                    "FANGKONG_PROOF": "1",
                },
                capture_output=True,
                timeout=LONGEST,
                check=False,
            )
        if answer.returncode:
            said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
            raise BackupProblem(
                f"{file.name} could not be restored: {said[-1][:300] if said else 'no answer'}"
            )
    except (BackupProblem, subprocess.TimeoutExpired) as problem:
        ledger.note_problem(file.name, at, str(problem)[:400])
        raise BackupProblem(str(problem)) from None
    seconds = round(time.monotonic() - began, 2)
    ledger.note_proof(file.name, at, seconds)
    return seconds


@contextmanager
def _place(folder: Path) -> Iterator[str]:
    """The address of an empty database of the same kind; gone afterwards."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'fangkong.sqlite3'}"
        return
    from psycopg import errors
    from psycopg.sql import SQL, Identifier

    from . import postgresql

    name = f"fangkong_proof_{secrets.token_hex(4)}"
    with closing(postgresql.connect(autocommit=True)) as there:
        try:
            there.execute(
                SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    Identifier(name)
                )
            )
        except errors.InsufficientPrivilege:
            raise BackupProblem(
                "the backup is made but not proven: the database's role may not create a database "
                "to restore it into. Give it CREATEDB, or prove it elsewhere with "
                "`fangkong restore`."
            ) from None
        try:
            yield _renamed(name)
        finally:
            there.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))


def _renamed(name: str) -> str:
    """This database's address with another name in it."""
    parts = urlsplit(settings.ENVIRONMENT.database_url)
    return urlunsplit(parts._replace(path=f"/{name}"))
