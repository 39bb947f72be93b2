"""Back up while others write, restore elsewhere, and compare every table; refuse what cannot be."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fangkong.core.backup import restoring
from fangkong.core.backup.sealing import read_lock
from fangkong.core.backup.types import BackupProblem

pytestmark = pytest.mark.both_databases

WRITER = """
import sys, datetime, time
address = sys.argv[1]
if address.startswith("sqlite"):
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3
    db = sqlite3.connect(address.removeprefix("sqlite:///"), timeout=20, isolation_level=None)
    mark = "?"
else:
    import psycopg
    db = psycopg.connect(address, autocommit=True)
    mark = "%s"
number = 0
while True:
    number += 1
    moment = datetime.datetime(2020, 1, 1) + datetime.timedelta(minutes=number)
    db.execute(
        f"INSERT INTO core_tick (schedule, minute) VALUES ({mark}, {mark})",
        ["writer", moment.isoformat(" ")],
    )
    print(number, flush=True)
    time.sleep(0.001)  # leave something of the machine to others
"""


@dataclass(frozen=True)
class Place:
    """An installation: its folder and database."""

    data: Path
    database: str

    def fangkong(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("FANGKONG_")},
            "FANGKONG_DATA": str(self.data),
            "DATABASE_URL": self.database,
            **more,
        }
        return subprocess.run(
            [sys.executable, "-m", "fangkong.config.cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def rows(self) -> dict[str, list[Any]]:
        """Every table's rows, read without our code."""
        with closing(self.connect()) as there:
            return {
                name: sorted(there.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
                for name in self._tables(there)
            }

    def connect(self) -> Any:
        if self.database.startswith("sqlite"):
            return sqlite3.connect(self.database.removeprefix("sqlite:///"), timeout=20)
        import psycopg

        return psycopg.connect(self.database)

    def _tables(self, there: Any) -> list[str]:
        question = (
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            if self.database.startswith("sqlite")
            else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return sorted(row[0] for row in there.execute(question).fetchall())


@pytest.fixture(scope="module")
def place(tmp_path_factory, migrated_database) -> Place:
    """A migrated installation with an upload."""
    found = Place(tmp_path_factory.mktemp("live"), migrated_database())
    done = found.fangkong("migrate")
    assert done.returncode == 0, done.stderr
    (found.data / "media" / "道孚").mkdir(parents=True)
    (found.data / "media" / "道孚" / "photo.bin").write_bytes(os.urandom(3_000_000))
    return found


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """The private key; its public half lies beside it as key.pub."""
    folder = tmp_path_factory.mktemp("keys")
    made = Place(folder, "sqlite:////nowhere/x").fangkong("backup-key", str(folder / "key"))
    assert made.returncode == 0, made.stderr
    return folder / "key"


@pytest.fixture
def empty(tmp_path, new_database) -> Place:
    return Place(tmp_path / "elsewhere", new_database())


def back_up(place: Place, keys: Path, to: Path, *more: str):
    to.mkdir(exist_ok=True)
    done = place.fangkong("backup", "--to", str(to), "--key", f"{keys}.pub", *more)
    assert done.returncode == 0, done.stderr
    (file,) = to.iterdir()
    return file, done.stdout


@pytest.fixture(scope="module")
def backup(place, keys, tmp_path_factory) -> Path:
    """A backup at rest, for those who want to harm or restore one."""
    return back_up(place, keys, tmp_path_factory.mktemp("backups"), "--no-proof")[0]


class Writer:
    """Somebody who goes on working; ``acknowledged`` rows were committed for certain."""

    def __init__(self, database: str) -> None:
        self.acknowledged = 0
        self.busy = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, database], stdout=subprocess.PIPE, text=True
        )
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.acknowledged = int(line)
            if self.acknowledged >= 40:
                self.busy.set()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join()


@pytest.fixture
def writer(place) -> Iterator[Writer]:
    working = Writer(place.database)
    assert working.busy.wait(30)
    yield working
    working.stop()


def test_a_backup_under_writes_holds_one_moment_and_is_proven(place, keys, empty, tmp_path, writer):
    before = writer.acknowledged
    file, said = back_up(place, keys, tmp_path / "backups")
    after = writer.acknowledged
    writer.stop()

    restored = empty.fangkong("restore", str(file), "--key", str(keys))

    assert restored.returncode == 0, restored.stderr
    assert "proven" in said
    live, there = place.rows(), empty.rows()
    ticks, all_ticks = sorted(there.pop("core_tick")), sorted(live.pop("core_tick"))
    assert before <= len(ticks) <= after + 1 < len(all_ticks) + 2
    assert before < after  # somebody really worked meanwhile
    assert ticks == all_ticks[: len(ticks)]  # everything up to one moment, without a hole
    assert live.keys() == there.keys()
    for name, rows in there.items():
        assert name == "sqlite_sequence" or rows == live[name], name
    photo = Path("media", "道孚", "photo.bin")
    assert (empty.data / photo).read_bytes() == (place.data / photo).read_bytes()
    (noted,) = json.loads((place.data / "backups.json").read_text())[:1]
    assert noted["file"] == file.name and noted["proven_at"]


def test_a_restored_database_takes_new_rows_and_refuses_to_change_the_trail(backup, keys, empty):
    assert empty.fangkong("restore", str(backup), "--key", str(keys)).returncode == 0

    with closing(empty.connect()) as there:
        there.execute(
            "INSERT INTO core_tick (schedule, minute) VALUES ('new', '2030-01-01 00:00:00')"
        )
        there.execute(
            "INSERT INTO core_auditline (at, action, subject_type, subject_id, reason, detail, "
            "request_id, ip, result) VALUES ('2030-01-01', 'a', 'b', 1, '', '{}', '', '', 'done')"
        )
        there.commit()
        with pytest.raises(Exception, match="only ever added to"):
            there.execute("DELETE FROM core_auditline")


def test_nothing_readable_lies_in_a_backup(backup):
    raw = backup.read_bytes()

    assert b"core_tick" not in raw
    assert oct(backup.stat().st_mode & 0o777) == "0o600"


def test_a_place_that_is_not_empty_is_left_as_it_is(place, backup, keys):
    refused = place.fangkong("restore", str(backup), "--key", str(keys))

    assert refused.returncode == 2
    assert "not empty" in refused.stderr


def harmed(backup: Path, target: Path, how: str) -> Path:
    raw = bytearray(backup.read_bytes())
    if how == "cut":
        del raw[-1000:]
    elif how == "changed":
        raw[len(raw) // 2] ^= 1
    elif how == "empty":
        raw.clear()
    elif how == "another file":
        raw[:] = b"PK\x03\x04" * 1000
    target.write_bytes(raw)
    return target


def test_a_harmed_backup_changes_nothing(backup, keys, empty, tmp_path):
    refused = empty.fangkong(
        "restore", str(harmed(backup, tmp_path / "harmed", "cut")), "--key", str(keys)
    )

    assert refused.returncode == 2
    assert "damaged" in refused.stderr and "Traceback" not in refused.stderr
    assert empty.rows() == {}


@pytest.mark.parametrize("how", ["cut", "changed", "empty", "another file"])
def test_a_harmed_backup_is_not_read_to_its_end(how, backup, keys, tmp_path):
    whole = restoring.check(backup, read_lock(keys))

    assert whole.manifest.files["media/道孚/photo.bin"].size == 3_000_000
    with pytest.raises(BackupProblem, match=r"damaged|no backup"):
        restoring.check(harmed(backup, tmp_path / "harmed", how), read_lock(keys))


def test_another_key_does_not_open_it(backup, tmp_path):
    (tmp_path / "other").write_text("a passphrase that is long enough\n")

    with pytest.raises(BackupProblem, match="another kind of key"):
        restoring.check(backup, read_lock(tmp_path / "other"))


def test_a_newer_version_is_not_restored_by_an_older_one(backup, keys, empty, tmp_path):
    raw = backup.read_bytes()
    newer = tmp_path / "newer.fkb"
    newer.write_bytes(raw.replace(b'"core.0001_initial"', b'"core.9999_initial"', 1))

    refused = empty.fangkong("restore", str(newer), "--key", str(keys))

    assert refused.returncode == 2
    assert "newer" in refused.stderr


def test_a_key_beside_its_backups_is_refused(place, tmp_path):
    (tmp_path / "key").write_text("a passphrase that is long enough\n")

    refused = place.fangkong("backup", "--to", str(tmp_path), "--key", str(tmp_path / "key"))

    assert refused.returncode == 2
    assert "Keep it elsewhere" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("words", [["--to", "/nowhere/at/all"], []])
def test_a_backup_without_a_folder_says_what_to_write(place, keys, words):
    refused = place.fangkong("backup", *words, "--key", f"{keys}.pub")

    assert refused.returncode == 2
    assert "FANGKONG_BACKUP_TO" in refused.stderr


def test_a_backup_of_a_place_with_other_keys_changes_nothing_and_says_what_to_bring(
    place, keys, empty, tmp_path
):
    assert place.fangkong("audit", "seal").returncode == 0
    file, _said = back_up(place, keys, tmp_path / "backups", "--no-proof")

    refused = empty.fangkong("restore", str(file), "--key", str(keys))

    assert refused.returncode == 2
    assert "Put its secret.key into" in refused.stderr and "Nothing was changed" in refused.stderr
    assert empty.rows() == {}

    (empty.data / "secret.key").write_text((place.data / "secret.key").read_text())
    done = empty.fangkong("restore", str(file), "--key", str(keys))
    assert (done.returncode, "does not fit" in done.stderr) == (0, False), done.stderr
    assert all(row[1] != "core.watch.heartbeat" for row in empty.rows()["core_tick"])


def test_where_the_keys_are_lost_for_good_it_is_restored_and_told(place, keys, empty, tmp_path):
    assert place.fangkong("audit", "seal").returncode == 0
    file, _said = back_up(place, keys, tmp_path / "backups", "--no-proof")

    done = empty.fangkong("restore", str(file), "--key", str(keys), "--keys-are-lost")

    assert done.returncode == 1
    assert "is not signed by our key" in done.stderr and "restored:" in done.stdout


@pytest.mark.parametrize(("today", "code"), [("2099-01-01", 1), ("", 0)])
def test_a_restore_by_a_clock_far_ahead_of_the_trail_says_that_nothing_was_destroyed(
    place, keys, empty, tmp_path, today, code
):
    with closing(place.connect()) as there:
        there.execute(
            "INSERT INTO core_auditline (at, action, subject_type, subject_id, reason, detail, "
            f"request_id, ip, result) VALUES ('{datetime.now(UTC):%Y-%m-%d %H:%M:%S}+00:00', 'a', "
            "'b', 1, '', '{}', '', '', 'done')"
        )
        there.commit()
    file, _said = back_up(place, keys, tmp_path / "backups", "--no-proof")
    empty.data.mkdir(parents=True)
    (empty.data / "secret.key").write_text((place.data / "secret.key").read_text())

    done = empty.fangkong("restore", str(file), "--key", str(keys), FANGKONG_TODAY=today)

    assert done.returncode == code, done.stderr
    assert ("--destroy --clock-is-right" in done.stderr) is bool(code)
    assert "restored:" in done.stdout  # everything else is done
