"""Bits turn at rest: in the database, in a backup, in a page of PostgreSQL. Found, and told.

What SQLite itself cannot see is counted here, not promised away: its pages have no checksums. What
is sealed (the trail) and what is in a backup is found always; files have their digest
(``tasks/tests/test_proof_files.py``).
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.prove.cluster import running
from tests.prove.installation import ROOT, Installation, copied, seeded
from tests.prove.jobs import asked
from tests.prove.test_backup import keys_of

Rows = dict[str, list[tuple[object, ...]]]
Look = Callable[[str, Path], dict[str, bool]]


@contextmanager
def looking(here: Installation, key: Path) -> Iterator[Look]:
    """The program that looks at damaged copies."""
    settings = {"DJANGO_SETTINGS_MODULE": "fangkong.config.settings", **here.environment}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.prove.rot"],
        env={**settings, "ROT_KEY": str(key)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def look(what: str, path: Path) -> dict[str, bool]:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps({"what": what, "path": str(path)}) + "\n")
            process.stdin.flush()
            found: dict[str, bool] = json.loads(process.stdout.readline())
            return found

        yield look
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.long
def test_turned_bits_are_found_in_the_trail_and_in_backups(proof, on_sqlite, place):
    held(proof, on_sqlite, place, flips=400 if proof.full else 60)


def held(proof, first: Installation, place: Path, *, flips: int) -> None:
    dice = proof.dice("rot")
    here = copied(first, place / f"rot-{flips}", None)
    asked(here, "cards")
    here.fangkong("audit", "seal")
    key = keys_of(here, place / f"rot-keys-{flips}")
    source = Path(here.database_url.removeprefix("sqlite:///"))
    whole, raw = rows_of(source), source.read_bytes()

    def turned(look: Look, times: int) -> Counter[str]:
        seen: Counter[str] = Counter()
        for number in range(times):
            # Every second one in the trail, which is a small part of the file.
            path = here.data / f"rot-{number}.sqlite3"
            flipped(source, path, dice, at=in_the_trail(whole, raw, dice) if number % 2 else None)
            what = changed(whole, path)
            found = look("database", path)
            path.unlink()
            seen["flips"] += 1
            if what:
                told = [by for by in ("sqlite", "seals", "fit", "died") if found.get(by)]
                seen["changed what is read"] += 1
                seen["found by SQLite"] += "sqlite" in told
                seen["found by anybody"] += bool(told)
                if "trail" in what:
                    seen["in the trail"] += 1
                    seen["in the trail, found"] += bool(set(told) & {"seals", "died"})
        return seen

    planted = here.planted("seals are not compared")
    with looking(planted, key) as look:
        bad = turned(look, max(30, flips // 4))
    with looking(here, key) as look:
        assert not any(look("database", source).values()), "found in what is whole"
        good = turned(look, flips)
        backup = backed_up(here, place / f"rot-backups-{flips}", key)
        assert not look("backup", backup)["refused"], "refused what is whole"
        refused = sum(
            look("backup", flipped(backup, here.data / "rot.fkb", dice))["refused"]
            for _one in range(flips)
        )
    proof.note("bit rot, planted: seals are not compared", **bad)
    proof.note("bit rot", **good, backups=flips, backups_refused=refused)
    assert bad["in the trail, found"] < bad["in the trail"], "seals that compare nothing: blind"
    assert good["in the trail"] > 0
    assert good["in the trail, found"] == good["in the trail"]
    assert refused == flips


def backed_up(here: Installation, to: Path, key: Path) -> Path:
    to.mkdir()
    here.fangkong("backup", "--to", str(to), "--key", f"{key}.pub", "--no-proof")
    (file,) = to.iterdir()
    return file


def flipped(source: Path, target: Path, dice: random.Random, at: int | None = None) -> Path:
    """A copy of which one bit has turned."""
    raw = bytearray(source.read_bytes())
    raw[dice.randrange(len(raw)) if at is None else at] ^= 1 << dice.randrange(8)
    target.write_bytes(raw)
    return target


SEALED = ("core_auditline", "core_rowchange", "core_sight")


def in_the_trail(whole: Rows, raw: bytes, dice) -> int:
    """Where in the file some text of a sealed row lies."""
    while True:
        row = dice.choice(whole[dice.choice(SEALED)] or [(b"",)])
        texts = [value for value in row if isinstance(value, bytes) and len(value) > 20]
        if texts and raw.count(text := dice.choice(texts)) == 1:  # and nowhere else
            return raw.index(text) + dice.randrange(len(text))


def rows_of(path: Path) -> Rows:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.text_factory = bytes
        names = [
            row[0].decode()
            for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


def changed(whole: Rows, path: Path) -> str:
    """What of it is read otherwise now: "" nothing, "trail" what is sealed, "other" the rest."""
    try:
        now = rows_of(path)
    except (sqlite3.Error, UnicodeDecodeError):
        return "unreadable"
    differ = [name for name in whole if now.get(name) != whole[name]]
    if not differ:
        return ""
    return "trail" if set(differ) & set(SEALED) else "other"


@pytest.mark.long
@pytest.mark.both_databases
def test_a_turned_bit_in_a_page_of_postgresql_is_an_error_and_no_answer(proof, place):
    """Its pages have checksums where the cluster was made with them; the doctor asks for it."""
    import psycopg

    dice = proof.dice("rot-pg")
    with running(place / "pg-rot") as cluster:
        if cluster.tell("SHOW data_checksums") != [("on",)]:
            cluster.checksums()
        here = seeded(place / "rot-pg", cluster.new())
        asked(here, "cards")
        cluster.tell("CHECKPOINT")
        path = cluster.folder / str(
            here.one("SELECT pg_relation_filepath('surveillance_case'::regclass)")
        )
        count = here.one("SELECT count(remark) FROM surveillance_case")
        cluster.stop("fast")
        good, flips, found, silent = path.read_bytes(), 30 if proof.full else 8, 0, 0
        for _flip in range(flips):
            raw = bytearray(good)
            raw[dice.randrange(min(len(raw), 8192))] ^= 1 << dice.randrange(8)
            path.write_bytes(raw)
            cluster.start()
            try:
                silent += here.one("SELECT count(remark) FROM surveillance_case") >= 0
            except psycopg.errors.DataCorrupted:
                found += 1
            cluster.stop("fast")
        # The bug: checksums that nobody looks at.
        cluster.start()
        cluster.tell("ALTER SYSTEM SET ignore_checksum_failure = on")
        cluster.stop("fast")
        raw = bytearray(good)
        raw[8000] ^= 1
        path.write_bytes(raw)
        cluster.start()
        blind = here.one("SELECT count(remark) FROM surveillance_case") == count
        cluster.stop("fast")
        path.write_bytes(good)
        cluster.start()
    proof.note("bit rot, planted: checksums are ignored", answered_as_if_right=blind)
    proof.note("bit rot in a page", flips=flips, found=found, silent=silent)
    assert blind, "with checksums ignored an error came: the harness looks at something else"
    assert (found, silent) == (flips, 0)
