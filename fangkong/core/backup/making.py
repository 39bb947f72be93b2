"""Make a backup while the server runs."""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from fangkong import __version__

from . import hooks, ledger, sqlite
from .sealing import Lock, Sealer, read_lock
from .stream import Writer
from .types import BackupProblem, File, Manifest, Table

SUFFIX = ".fkb"
PART = 1024 * 1024
# Small files beside the database that belong to the data. Keys never do.
BESIDE = ("demo.json",)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Finished:
    """A backup in its place, and the key with which this process can prove it."""

    file: Path
    manifest: Manifest
    key: bytes
    seconds: float


def make(*, to: Path, key: Path, at: datetime, say: Say = lambda text: None) -> Finished:
    """Write a new backup into a folder; nothing is left there when it fails.

    ``at`` is the real time. BackupProblem says what to do.
    """
    began = time.monotonic()
    lock = read_lock(key)
    _require_place(to, key, lock)
    file = to / f"fangkong-{at.strftime('%Y%m%dT%H%M%SZ')}{SUFFIX}"
    if file.exists():
        raise BackupProblem(f"{file} is already there: nothing was written. Try again in a second.")
    _require_space(to)
    half = file.with_suffix(".part")
    try:
        with new_file(half) as out:
            sealer = Sealer(out, lock, _said(at))
            manifest = _write(Writer(sealer), at, say)
            out.flush()
            os.fsync(out.fileno())
        half.replace(file)
        _sync_folder(to)
    except OSError as problem:
        if problem.errno == 28:
            raise BackupProblem(
                f"the disk of {to} is full: the backup was given up. Free some space, or set "
                "FANGKONG_BACKUP_TO to another folder."
            ) from None
        raise
    finally:
        half.unlink(missing_ok=True)
    seconds = round(time.monotonic() - began, 2)
    ledger.note(ledger.Made(file.name, at.isoformat(), seconds, file.stat().st_size, manifest.rows))
    return Finished(file, manifest, sealer.key, seconds)


def new_file(path: Path) -> BinaryIO:
    """A new file that only its owner may read; FileExistsError where one is there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _said(at: datetime) -> dict[str, object]:
    """What everybody may read of a backup."""
    return {
        "version": __version__,
        "made_at": at.isoformat(),
        "database": connection.vendor,
        "migrations": _migrations(),
    }


def _migrations() -> list[str]:
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in applied)


def _require_place(to: Path, key: Path, lock: Lock) -> None:
    if not to.is_dir() or not os.access(to, os.W_OK | os.X_OK):
        raise BackupProblem(
            f"{to} is no folder that may be written to. Make it, or point --to or "
            "FANGKONG_BACKUP_TO to another."
        )
    if lock.kind != "public" and key.resolve().is_relative_to(to.resolve()):
        raise BackupProblem(
            f"the key {key} lies in the folder of the backups, where it protects nothing. Keep it "
            "elsewhere."
        )


def _require_space(to: Path) -> None:
    """Refuse before the first byte where the backup would not fit, uncompressed."""
    base = _database_size() + sum(path.stat().st_size for path in _media())
    places = [(to, base)]
    if connection.vendor == "sqlite":
        places.append((Path(settings.FANGKONG_DATA), _database_size()))  # the copy that is read
    for folder, wanted in places:
        free = shutil.disk_usage(folder).free
        if free < wanted * 1.1 + 10 * PART:
            raise BackupProblem(
                f"{folder} has {free // PART} MB left and the backup may need {wanted // PART}: "
                "free some space, or set FANGKONG_BACKUP_TO to another folder."
            )


def _database_size() -> int:
    if connection.vendor == "sqlite":
        return Path(connection.settings_dict["NAME"]).stat().st_size
    from . import postgresql

    return postgresql.size()


def _media() -> Iterator[Path]:
    root = Path(settings.MEDIA_ROOT)
    return (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def _write(writer: Writer, at: datetime, say: Say) -> Manifest:
    """All entries and the manifest. The database comes first: its files are then already there."""
    sequences: dict[str, int | None] = {}
    files: dict[str, File] = {}
    vanished: list[str] = []
    migrations = _migrations()
    marks = {name: call() for name, call in sorted(hooks.marks.items())}
    if connection.vendor == "sqlite":
        tables = _write_sqlite(writer, say)
    else:
        tables, sequences = _write_postgresql(writer, say)
    say("files")
    for path in _media():
        name = f"media/{path.relative_to(settings.MEDIA_ROOT).as_posix()}"
        try:
            with path.open("rb") as there:
                files[name] = writer.entry(name, _parts(there.read))
        except FileNotFoundError:
            vanished.append(name)
    for beside in BESIDE:
        path = Path(settings.FANGKONG_DATA) / beside
        if path.is_file():
            files[f"beside/{beside}"] = writer.entry(f"beside/{beside}", [path.read_bytes()])
    manifest = Manifest(
        version=__version__,
        made_at=at.isoformat(),
        made_by=f"{getpass.getuser()}@{os.uname().nodename}",
        database=connection.vendor,
        migrations=migrations,
        tables=tables,
        files=files,
        sequences=sequences,
        vanished=vanished,
        marks=marks,
    )
    writer.finish(manifest)
    return manifest


def _write_sqlite(writer: Writer, say: Say) -> dict[str, Table]:
    with staging() as folder:
        copy = folder / "copy.sqlite3"
        say("database")
        sqlite.copy(Path(connection.settings_dict["NAME"]), copy)
        say("tables")
        tables = sqlite.tables(copy)
        with copy.open("rb") as there:
            writer.entry("database", _parts(there.read))
    return tables


def _write_postgresql(writer: Writer, say: Say) -> tuple[dict[str, Table], dict[str, int | None]]:
    from . import postgresql

    tables = {}
    with postgresql.snapshot() as there:
        for shape in postgresql.shapes(there):
            say(f"table {shape.name}")
            written = writer.entry(
                f"table/{shape.name}", postgresql.dump(there, shape), columns=list(shape.columns)
            )
            tables[shape.name] = postgresql.facts(there, shape, written.sha256)
        return tables, postgresql.sequences(there)


def _parts(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while part := read(PART):
        yield part


@contextmanager
def staging() -> Iterator[Path]:
    """A folder for copies, beside the data, that nobody else may read; gone afterwards."""
    data = Path(settings.FANGKONG_DATA)
    data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="backup-", dir=data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep_newest(folder: Path, keep: int) -> list[Path]:
    """Remove backups beyond the newest ``keep``; the newest proven one always stays."""
    proven = ledger.last_proven()
    found = sorted(folder.glob(f"fangkong-*{SUFFIX}"), reverse=True)
    gone = [path for path in found[keep:] if proven is None or path.name != proven.file]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
