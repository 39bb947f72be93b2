"""A disk that forgets at a power cut: an APSW VFS that keeps what was not synced apart.

Every write since the last sync of a file may be kept, lost or torn at the cut, in any choice, as a
disk's own cache would have it. Entries of folders are taken as durable (SQLite syncs them).
"""

from __future__ import annotations

import contextlib
import random
from typing import Any

import apsw

SECTOR = 512


class Disk:
    """The files of one machine: what is written, and what would survive a cut."""

    def __init__(self) -> None:
        self.seen: dict[str, bytearray] = {}
        self.safe: dict[str, bytearray] = {}
        self.pending: dict[str, list[tuple[int, bytes | None]]] = {}
        self.left = -1  # operations until the power goes; -1 is never
        self.dead = False

    def step(self) -> None:
        if self.dead:
            raise apsw.IOError("the power is off")
        if self.left == 0:
            self.dead = True
            raise apsw.IOError("the power went off")
        self.left -= self.left > 0

    def write(self, name: str, offset: int, data: bytes | None) -> None:
        """``data`` None cuts the file off at the offset."""
        _apply(self.seen[name], offset, data)
        self.pending.setdefault(name, []).append((offset, data))

    def sync(self, name: str) -> None:
        for offset, data in self.pending.pop(name, []):
            _apply(self.safe.setdefault(name, bytearray()), offset, data)

    def remove(self, name: str) -> None:
        for files in (self.seen, self.safe, self.pending):
            files.pop(name, None)

    def cut(self, dice: random.Random) -> None:
        """What was not synced is kept, lost or torn, write by write and out of order."""
        for name, writes in self.pending.items():
            safe = self.safe.setdefault(name, bytearray())
            kept = [w for w in writes if dice.random() < 0.5]
            dice.shuffle(kept)
            for offset, data in kept:
                if data is not None and len(data) > SECTOR and dice.random() < 0.3:
                    data = data[: SECTOR * dice.randrange(1, len(data) // SECTOR + 1)]
                _apply(safe, offset, data)
        self.pending.clear()
        self.seen = {name: bytearray(self.safe.get(name, b"")) for name in self.seen}
        self.dead, self.left = False, -1


def _apply(file: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del file[offset:]
        return
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(data)] = data


class _File:
    def __init__(self, disk: Disk, name: str) -> None:
        self.disk, self.name = disk, name
        disk.seen.setdefault(name, bytearray())

    def xRead(self, amount: int, offset: int) -> bytes:  # SQLite's names
        return bytes(self.disk.seen[self.name][offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self.disk.step()
        self.disk.write(self.name, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self.disk.step()
        self.disk.write(self.name, size, None)

    def xSync(self, flags: int) -> None:
        self.disk.step()
        self.disk.sync(self.name)

    def xFileSize(self) -> int:
        return len(self.disk.seen[self.name])

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xClose(self) -> None:
        pass

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xFileControl(self, op: int, pointer: int) -> bool:
        return False


class Machine(apsw.VFS):
    """The VFS of a disk. Temporary files have no name and are given one."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.disk, self.vfs_name, self.nameless = disk, name, 0
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        if name is None:
            self.nameless += 1
            path = f"temporary-{self.nameless}"
        else:
            path = name if isinstance(name, str) else name.filename()
        flags[1] = flags[0]
        return _File(self.disk, path)

    def xDelete(self, name: str, sync: bool) -> None:
        self.disk.step()
        self.disk.remove(name)

    def xAccess(self, name: str, flags: int) -> bool:
        return name in self.disk.seen

    def xFullPathname(self, name: str) -> str:
        return name


def cuts(n: int, *, synchronous: str, dice: random.Random) -> dict[str, int]:
    """Cut the power ``n`` times while commands are committed; what was acknowledged and is gone.

    Each command writes a row, a line of the trail and a total, as an action does; the total must
    always be that of the rows.
    """
    disk = Disk()
    vfs = Machine(disk, f"cut-{synchronous}-{id(disk)}")
    told: dict[str, int] = dict.fromkeys(("cuts", "acknowledged", "lost", "corrupt"), 0)
    acknowledged: set[int] = set()
    key = 0
    while told["cuts"] < n:
        if not disk.seen:
            acknowledged.clear()
        disk.left = -1
        try:
            db = _opened(vfs, synchronous)
            disk.left = dice.randrange(1, 150)
            while True:
                key += 1
                _command(db, key, dice)
                acknowledged.add(key)
                told["acknowledged"] += 1
                if dice.random() < 0.05:
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except apsw.IOError:
            pass
        except (apsw.CorruptError, apsw.NotADBError):
            disk.seen.clear()
            disk.safe.clear()
            disk.pending.clear()
            continue
        _close(db, disk)
        disk.cut(dice)
        told["cuts"] += 1
        try:
            lost, whole = _looked_at(vfs, synchronous, acknowledged)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.IOError):
            lost, whole = set(), False
        told["lost"] += len(lost)
        told["corrupt"] += not whole
        # Start anew: the next cut is judged by itself, and a small file is checked quickly.
        if lost or not whole or told["cuts"] % 30 == 0:
            disk.seen.clear()
            disk.safe.clear()
            disk.pending.clear()
    vfs.unregister()
    return told


def _opened(vfs: Machine, synchronous: str) -> apsw.Connection:
    db = apsw.Connection("/fangkong", vfs=vfs.vfs_name)
    # Without shared memory WAL needs the lock of one process; what is synced is the same.
    # APSW stops at the first row of several statements: each is run to its end.
    db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
    mode = db.execute("PRAGMA journal_mode=WAL").fetchall()
    if mode != [("wal",)]:
        raise RuntimeError(f"the journal is {mode}: nothing would be proved of WAL")
    db.execute(f"PRAGMA synchronous={synchronous}").fetchall()
    db.execute("PRAGMA wal_autocheckpoint=8").fetchall()
    db.execute(
        "CREATE TABLE IF NOT EXISTS command (key INTEGER PRIMARY KEY, n INTEGER, body BLOB);"
        "CREATE TABLE IF NOT EXISTS trail (id INTEGER PRIMARY KEY, key INTEGER UNIQUE);"
        "CREATE TABLE IF NOT EXISTS total (id INTEGER PRIMARY KEY, n INTEGER);"
        "INSERT OR IGNORE INTO total VALUES (1, 0)"
    )
    return db


def _command(db: apsw.Connection, key: int, dice: random.Random) -> None:
    n = dice.randrange(100)
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO command VALUES (?, ?, zeroblob(?))", (key, n, dice.randrange(3000)))
    db.execute("INSERT INTO trail (key) VALUES (?)", (key,))
    db.execute("UPDATE total SET n = n + ?", (n,))
    db.execute("COMMIT")


def _close(db: apsw.Connection, disk: Disk) -> None:
    disk.dead = True  # nothing that closing would write reaches the disk
    with contextlib.suppress(apsw.Error):
        db.close(True)


def _looked_at(vfs: Machine, synchronous: str, known: set[int]) -> tuple[set[int], bool]:
    db = _opened(vfs, synchronous)
    rows = {row[0] for row in db.execute("SELECT key FROM command")}
    checks = [
        "SELECT (SELECT n FROM total) = (SELECT coalesce(sum(n), 0) FROM command)",
        "SELECT (SELECT count(*) FROM trail) = (SELECT count(*) FROM command)",
    ]
    whole = all(db.execute(sql).fetchone()[0] for sql in checks)
    whole = whole and db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    lost = known - rows
    known.clear()
    known.update(rows)
    db.close()
    return lost, whole
