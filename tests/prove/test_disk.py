"""A disk that is really full: writes are refused clearly, reading goes on, nothing is half."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.prove.client import CASES, PATIENCE, ask, card, sending, until
from tests.prove.cluster import Cluster, running
from tests.prove.installation import Installation, Running, copied, seeded, serving
from tests.prove.judge import judged
from tests.prove.test_kills import at, said

pytestmark = [pytest.mark.needs_root, pytest.mark.long]
REFUSED = (503, 507)
COUNTS = (
    "/api/v1/surveillance/monitoring/counts/?condition=covid-19&first=2020-02-01&last=2020-02-05"
)


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own, of this size."""
    folder.mkdir()
    size = f"size={megabytes}m,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leaving: int = 0) -> Path:
    """Take all the room but ``leaving`` bytes; the file that holds it."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
            if free <= leaving:
                break
            file.write(bytes(min(65536, max(1, free - leaving))))
    return ballast


def doctor(here: Installation, *titles: str) -> dict[str, str]:
    """What the doctor says of one thing, by its Chinese title: of the disk, or another."""
    lines = json.loads(here.fangkong("doctor", "--json", check=False).stdout)
    by_title = {line["what"]: line for line in lines}
    return next(
        by_title[title] for title in titles or ("磁盘空间", "Disk space") if title in by_title
    )


def test_on_sqlite_a_full_disk_refuses_writes_serves_reads_and_recovers(proof, on_sqlite, place):
    dice = proof.dice("disk")
    with disk(place / "disk-planted", 400) as room:
        here = copied(on_sqlite, room / "data", None).planted("a full disk is fine")
        with serving(here) as run, sending(*at(run), clients=2, dice=dice) as told:
            until(lambda: len(told.acknowledged) >= 5, PATIENCE, run.server.said)
            ballast = fill(room)
            until(lambda: judged(here, told).lost >= 3, PATIENCE, run.server.said)
            ballast.unlink()
        planted = judged(here, told)
    proof.note("disk full, planted: what finds no room is answered as done", **planted.figures)
    assert planted.lost > 0, "work that found no room was answered as done: blind"

    with disk(place / "disk", 400) as room:
        here = copied(on_sqlite, room / "data", None)
        assert doctor(here)["state"] == "ok"
        ballast = fill(room, leaving=50 * 1024 * 1024)
        alarm = doctor(here)["state"]
        assert alarm in ("warn", "bad"), "the doctor says nothing of a disk that is nearly full"
        ballast.unlink()
        with serving(here) as run:
            told, answers, found = through(run, room, dice)
    proof.note("disk full, SQLite", **found.figures, **said(told), answers=answers, alarm=alarm)


def test_on_postgresql_a_full_disk_refuses_writes_and_recovers_when_started_anew(proof, place):
    dice = proof.dice("disk")
    with disk(place / "disk-pg", 300) as room, running(room / "pg") as cluster:
        here = seeded(place / "disk-pg-data", cluster.new())
        with serving(here) as run:
            told, answers, found = through(run, room, dice, cluster)
    proof.note("disk full, PostgreSQL", **found.figures, **said(told), answers=answers)


def through(run: Running, room: Path, dice, cluster: Cluster | None = None):
    """Fill it under load, look at what is answered, make room, and go on."""
    headers = {"Authorization": f"Bearer {run.here.token}"}
    seen: dict[str, int] = {}
    with sending(*at(run), clients=2, dice=dice) as told:
        until(lambda: len(told.acknowledged) >= 5, PATIENCE, run.server.said)
        ballast = fill(room)
        until(lambda: sum(told.refused.get(s, 0) for s in REFUSED) >= 5, 90, run.server.said)
        status, _headers, text = ask(
            run.port,
            "POST",
            CASES,
            card("probe", run.here.facility, dice),
            {**headers, "Idempotency-Key": "probe"},
        )
        seen["write while full"] = status
        assert status in REFUSED, text
        assert json.loads(text)["title"] in ("DiskFull", "Busy")
        if cluster is None:
            seen["counts read while full"] = ask(run.port, "GET", COUNTS, headers=headers)[0]
            assert seen["counts read while full"] == 200
            # No note of who takes persons away, no persons; a short note may still find room in
            # the log that is there already.
            before = run.here.one("SELECT count(*) FROM core_sight")
            seen["persons read while full"] = ask(run.port, "GET", CASES, headers=headers)[0]
            noted = run.here.one("SELECT count(*) FROM core_sight") > before
            assert seen["persons read while full"] in (200, 507)
            assert noted is (seen["persons read while full"] == 200)
        ballast.unlink()
        if cluster is not None and not up(cluster):
            seen["PostgreSQL ended by itself"] = 1
            cluster.start()
        there = len(told.acknowledged)
        until(lambda: len(told.acknowledged) >= there + 5, PATIENCE, run.server.said)
    found = judged(run.here, told)
    assert told.wrong == [] and told.given_up == []
    assert found.wrong == 0
    return told, seen, found


def up(cluster: Cluster) -> bool:
    import psycopg

    with suppress(psycopg.Error):
        return cluster.tell("SELECT 1") == [(1,)]
    return False
