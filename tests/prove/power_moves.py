"""The statements of the stock ledger on a disk that loses power, and what is left of them.

The statements are the product's own, recorded by ``moves``; the disk is that of ``power``.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from typing import Any

import apsw

from tests.prove.power import Disk, Machine

FILE = "/fangkong"
APART = "balances in a transaction of their own"
EVERY = 15  # commands between two states that a cut may begin with


class Ledger:
    """What was recorded, and the file as it was before each fifteenth command."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.commands: list[list[tuple[str, list[Any]]]] = told["commands"]
        self.states: list[bytes] = []
        before = bytearray(told["before"])
        before[18:20] = b"\x01\x01"  # a file in memory has no WAL
        source, db = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        source.deserialize("main", bytes(before))
        db.execute("BEGIN")
        for name in told["tables"]:
            for (sql,) in source.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL"
                " AND type IN ('table', 'index') ORDER BY type DESC",
                [name],
            ).fetchall():
                db.execute(sql).fetchall()
            rows = source.execute(f'SELECT * FROM "{name}"').fetchall()
            if rows:
                marks = ",".join("?" * len(rows[0]))
                db.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
        known = dict(source.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        for name in told["tables"]:
            db.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
            db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [name, known.get(name, 0)])
        db.execute("COMMIT")
        self.held = {
            key
            for key, kind in source.execute("SELECT id, kind FROM supplies_place").fetchall()
            if kind not in ("source", "used", "lost")
        }
        self.first: Any = db.execute("SELECT count(*) FROM core_command").fetchall()[0][0]
        for number, command in enumerate(self.commands):
            if number % EVERY == 0:
                self.states.append(db.serialize("main"))
            for sql, params in command:
                db.execute(sql, params).fetchall()


def cuts(
    ledger: Ledger, n: int, *, synchronous: str, dice: random.Random, bug: str = ""
) -> dict[str, int]:
    """Cut the power ``n`` times while goods are moved; each cut is judged by itself."""
    disk = Disk()
    vfs = Machine(disk, f"moves-{synchronous}-{id(disk)}")
    names = ("cuts", "acknowledged", "lost", "corrupt", "below_zero", "apart")
    told = dict.fromkeys(names, 0)
    while told["cuts"] < n:
        start = dice.randrange(len(ledger.states))
        for files in (disk.seen, disk.safe, disk.pending):
            files.clear()
        disk.seen[FILE], disk.safe[FILE] = (bytearray(ledger.states[start]) for _n in range(2))
        disk.dead, disk.left = False, -1
        done = _until_the_cut(ledger, disk, vfs, start * EVERY, synchronous, dice, bug)
        if done is None:
            continue  # the commands were over before the power was
        disk.cut(dice)
        told["cuts"] += 1
        told["acknowledged"] += done
        try:
            found = _looked_at(vfs, synchronous, ledger)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, apsw.IOError):
            told["corrupt"] += 1
            continue
        told["lost"] += max(0, ledger.first + start * EVERY + done - found["commands"])
        for name in ("corrupt", "below_zero", "apart"):
            told[name] += found[name]
    vfs.unregister()
    return told


def _opened(vfs: Machine, synchronous: str) -> apsw.Connection:
    db = apsw.Connection(FILE, vfs=vfs.vfs_name)
    db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
    if (mode := db.execute("PRAGMA journal_mode=WAL").fetchall()) != [("wal",)]:
        raise RuntimeError(f"the journal is {mode}: nothing would be proved of WAL")
    db.execute(f"PRAGMA synchronous={synchronous}").fetchall()
    return db


def _until_the_cut(
    ledger: Ledger,
    disk: Disk,
    vfs: Machine,
    first: int,
    synchronous: str,
    dice: random.Random,
    bug: str,
) -> int | None:
    """How many commands were acknowledged before the power went; None where it did not go."""
    db = _opened(vfs, synchronous)
    # Sometimes a checkpoint within every command, sometimes none.
    db.execute(f"PRAGMA wal_autocheckpoint={dice.choice([20, 1000])}").fetchall()
    disk.left, done = dice.randrange(1, 400), 0
    try:
        for command in ledger.commands[first:]:
            late = [one for one in command if bug == APART and "supplies_balance" in one[0]]
            for part in ([one for one in command if one not in late], late):
                if part:
                    db.execute("BEGIN IMMEDIATE")
                    for sql, params in part:
                        db.execute(sql, params).fetchall()
                    db.execute("COMMIT")
            done += 1
    except apsw.IOError:
        return done
    finally:
        disk.dead = True  # nothing that closing would write reaches the disk
        with contextlib.suppress(apsw.Error):
            db.close(True)
    return None


def _looked_at(vfs: Machine, synchronous: str, ledger: Ledger) -> dict[str, int]:
    db = _opened(vfs, synchronous)
    have: Counter[tuple[int, int]] = Counter()
    below = 0
    for lot, source, target, quantity in db.execute(
        "SELECT lot_id, source_id, target_id, quantity FROM supplies_move ORDER BY id"
    ):
        if source in ledger.held:
            have[source, lot] -= quantity
            below += have[source, lot] < 0
        if target in ledger.held:
            have[target, lot] += quantity
    rows = db.execute("SELECT place_id, lot_id, quantity FROM supplies_balance").fetchall()
    kept = {(place, lot): quantity for place, lot, quantity in rows}
    checked = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = {
        "commands": db.execute("SELECT count(*) FROM core_command").fetchall()[0][0],
        "below_zero": below,
        "apart": sum(have[at] != kept.get(at, 0) for at in {*have, *kept}),
        "corrupt": int(not checked),
    }
    db.close()
    return found
