"""Restore a backup into an empty place; compare everything before anything is in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from fangkong.core.audit import triggers as triggers_of_the_trail
from fangkong.core.walls import policies

from . import hooks, sqlite
from .making import BESIDE, PART, new_file, staging
from .sealing import DAMAGED, Lock, Opener, read_header
from .stream import Entry, Reader
from .types import BackupProblem, File, Manifest, Table

Say = Callable[[str], None]


@dataclass(frozen=True)
class Checked:
    """A backup that was read to its end: everything in it is what its manifest says."""

    manifest: Manifest
    size: int  # bytes of all entries


def check(file: Path, key: Lock | bytes) -> Checked:
    """Read a whole backup without keeping anything. BackupProblem where it cannot be trusted."""
    digests: dict[str, File] = {}
    with _open(file) as raw:
        reader = Reader(Opener(raw, key))
        for entry in reader.entries():
            if entry.name in digests:
                raise BackupProblem(DAMAGED)
            entry.skip()
            digests[entry.name] = File(entry.size, entry.sha256)
    manifest = reader.manifest
    if manifest is None or {n: f for n, f in digests.items() if n in manifest.files} != (
        manifest.files
    ):
        raise BackupProblem(DAMAGED)
    return Checked(manifest, sum(one.size for one in digests.values()))


def restore(
    file: Path,
    key: Lock | bytes,
    say: Say = lambda text: None,
    *,
    keys_are_lost: bool = False,
) -> Manifest:
    """Put a backup into the empty database and data folder of the settings.

    The file is read twice: first whole, so that a damaged one changes nothing at all; nor one whose
    place had keys that are not here, unless they are lost for good.
    """
    _require_known(file)
    _require_empty()
    say("reading")
    checked = check(file, key)
    if not keys_are_lost and (missing := hooks.what_is_missing(checked.manifest.marks)):
        raise BackupProblem(f"{missing} Nothing was changed.")
    _require_space(checked)
    say("loading")
    with staging() as folder:
        if checked.manifest.database == "sqlite":
            _restore_sqlite(file, key, checked.manifest, folder)
        else:
            _restore_postgresql(file, key, checked.manifest, folder)
    return checked.manifest


def _open(file: Path) -> Any:
    try:
        return file.open("rb")
    except OSError as problem:
        raise BackupProblem(f"{file} cannot be read ({problem.strerror}).") from None


def _require_known(file: Path) -> None:
    """Refuse what a newer version or another kind of database has made."""
    with _open(file) as raw:
        header, _start = read_header(raw)
    known = {f"{app}.{name}" for app, name in MigrationExecutor(connection).loader.disk_migrations}
    try:
        unknown = sorted(set(header["migrations"]) - known)
        kind, version = str(header["database"]), str(header["version"])
    except (KeyError, TypeError):
        raise BackupProblem(DAMAGED) from None
    if unknown:
        raise BackupProblem(
            f"the backup was made by Fangkong {version}, which is newer (it knows {unknown[-1]}). "
            "Install that version and try again. Nothing was changed."
        )
    if kind != connection.vendor:
        raise BackupProblem(
            f"the backup holds a {kind} database and DATABASE_URL names a {connection.vendor} one. "
            "Point DATABASE_URL to an empty database of the same kind. Nothing was changed."
        )


def _require_empty() -> None:
    media = Path(settings.MEDIA_ROOT)
    if connection.vendor == "sqlite":
        empty = sqlite.is_empty(Path(connection.settings_dict["NAME"]))
    else:
        from . import postgresql

        empty = postgresql.is_empty()
    if not empty:
        raise BackupProblem(
            "the database is not empty: a backup is only restored into an empty one. Set "
            "FANGKONG_DATA to a new folder, or DATABASE_URL to a new database. Nothing was changed."
        )
    if media.is_dir() and any(media.iterdir()):
        raise BackupProblem(
            f"{media} already holds files: set FANGKONG_DATA to a new folder. Nothing was changed."
        )


def _require_space(checked: Checked) -> None:
    free = shutil.disk_usage(settings.FANGKONG_DATA).free
    if free < checked.size * 1.1 + 10 * PART:
        raise BackupProblem(
            f"{settings.FANGKONG_DATA} has {free // PART} MB left and the backup needs "
            f"{checked.size // PART}: free some space. Nothing was changed."
        )


def _restore_sqlite(file: Path, key: Lock | bytes, manifest: Manifest, folder: Path) -> None:
    target = Path(connection.settings_dict["NAME"])
    connection.close()

    def database(entry: Entry) -> None:
        _write(entry, folder / "database.sqlite3")

    _entries(file, key, folder, database)
    copy = folder / "database.sqlite3"
    sqlite.require_sound(copy)
    _compare(sqlite.tables(copy), manifest)
    _place_files(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    copy.replace(target)


def _restore_postgresql(file: Path, key: Lock | bytes, manifest: Manifest, folder: Path) -> None:
    from . import postgresql

    _migrate_to(manifest.migrations)
    with closing(postgresql.connect(autocommit=True)) as there:
        there.execute(f"BEGIN; {postgresql.SETTINGS}")
        triggers = postgresql.active_triggers(there)
        names = [shape.name for shape in postgresql.shapes(there)]
        postgresql.empty(there, names)

        def table(entry: Entry) -> None:
            name = entry.name.removeprefix("table/")
            if name not in names:
                raise BackupProblem(
                    f"the backup holds the table {name}, which no migration makes. It was made "
                    "beside Fangkong: take it along by hand."
                )
            postgresql.load(there, name, entry.about["columns"], entry.parts())

        _entries(file, key, folder, table)
        postgresql.count_on(there, manifest.sequences)
        _compare(postgresql.tables(there), manifest)
        postgresql.wake(there, triggers)
        _place_files(folder)
        there.execute("COMMIT")
        postgresql.analyze(there)
    # What every `migrate` puts up: the tables came by migrations alone.
    triggers_of_the_trail.install("default")
    policies.install("default")


def _migrate_to(applied: list[str]) -> None:
    """Bring an empty database to exactly the migrations that the backup had."""
    executor = MigrationExecutor(connection)
    wanted = {cast("tuple[str, str]", tuple(name.split(".", 1))) for name in applied}
    graph = executor.loader.graph
    heads = [
        node
        for node in sorted(wanted)
        if not any(
            child.key in wanted and child.key[0] == node[0] for child in _children(graph, node)
        )
    ]
    executor.migrate(heads)


def _children(graph: Any, node: tuple[str, str]) -> Any:
    return graph.node_map[node].children


def _entries(
    file: Path, key: Lock | bytes, folder: Path, database: Callable[[Entry], None]
) -> None:
    """Hand the database's entries on, and lay the files down in the folder."""
    with _open(file) as raw:
        for entry in Reader(Opener(raw, key)).entries():
            if entry.name == "database" or entry.name.startswith("table/"):
                database(entry)
            else:
                _write(entry, _inside(folder, entry.name))


def _inside(folder: Path, name: str) -> Path:
    """Where a file goes; a name that would lead out of the folder is refused."""
    parts = PurePosixPath(name).parts
    right = parts[:1] == ("media",) or (
        parts[:1] == ("beside",) and parts[1:] in {(b,) for b in BESIDE}
    )
    if not right or ".." in parts or len(parts) < 2:
        raise BackupProblem(DAMAGED)
    return folder.joinpath(*parts)


def _write(entry: Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_file(target) as out:
        for part in entry.parts():
            out.write(part)
        out.flush()
        os.fsync(out.fileno())


def _place_files(folder: Path) -> None:
    if (folder / "media").is_dir():
        shutil.copytree(folder / "media", settings.MEDIA_ROOT, dirs_exist_ok=True)
    for name in BESIDE:
        if (folder / "beside" / name).is_file():
            shutil.copyfile(folder / "beside" / name, Path(settings.FANGKONG_DATA) / name)


def _compare(found: dict[str, Table], manifest: Manifest) -> None:
    """Every table must be what the manifest says, and no other may be there."""
    for name in sorted(found.keys() | manifest.tables.keys()):
        if found.get(name) != manifest.tables.get(name):
            raise BackupProblem(
                f"the table {name} is not what the backup says: use another copy, and report this."
            )
