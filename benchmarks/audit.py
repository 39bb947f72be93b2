"""What the trail costs, and how fast it is verified and asked: `python benchmarks/audit.py`.

Three promises (security study, sections 2.5 and 5). Rows of the register of areas' names are
inserted by turns with and without the trail's triggers, in chunks of 500 as imports do: the
triggers cost at most 20 % of the rate (median of the pairs). Sealed rows are verified at 100,000 a
second or more. "Who saw this person between two days" is answered within a second among a million
views. DATABASE_URL chooses the database; without one it is a new SQLite file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

ROWS, CHUNK, PAIRS = 5_000, 500, 9
VIEWS = 1_000_000
COST, RATE, ANSWER = 1.25, 100_000, 1.0  # 20 % fewer rows a second take 1.25 times as long
AT = datetime(2020, 2, 5, tzinfo=UTC)


def main() -> int:
    os.environ.setdefault("FANGKONG_DATA", tempfile.mkdtemp(prefix="fangkong-bench-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    import logging

    import django

    django.setup()
    logging.disable()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    kept = [cost(), verified(), answered()]
    return 0 if all(kept) else 1


def cost() -> bool:
    """Insert with and without triggers by turns."""
    from django.db import connection

    from fangkong.core.append_only import Trigger
    from fangkong.core.audit import triggers

    ours: list[Trigger] = [
        one
        for one in triggers.expected(connection.vendor)
        if one.name.startswith("fk_audit_people_person_")
    ]

    def switch(on: bool) -> None:
        with connection.cursor() as cursor:
            for one in ours:
                where = "" if connection.vendor == "sqlite" else " ON people_person"
                cursor.execute(f"DROP TRIGGER IF EXISTS {one.name}{where}")
                if on:
                    for statement in one.statements:
                        cursor.execute(statement)

    times: dict[bool, list[float]] = {True: [], False: []}
    ratios = []
    insert()
    for pair in range(PAIRS):
        took = {}
        for on in (True, False) if pair % 2 else (False, True):
            switch(on)
            start = perf_counter()
            insert()
            took[on] = perf_counter() - start
            times[on].append(took[on])
        ratios.append(took[True] / took[False])
    switch(True)
    ratio = median(ratios)
    with_, without = (ROWS / median(times[on]) for on in (True, False))
    print(
        f"insert ({connection.vendor}): {with_:,.0f} rows/s with the trail, {without:,.0f} "
        f"without; {(1 - 1 / ratio) * 100:.0f} % of the rate (at most 20 %)"
    )
    return ratio <= COST


def insert() -> None:
    """Persons as an import makes them; a chunk is a transaction."""
    from django.db import transaction

    from fangkong.core.record import stamps
    from fangkong.people.models import Person

    for _chunk in range(ROWS // CHUNK):
        people = [Person(sex="1", occupation="farmer", **stamps(None, AT)) for _ in range(CHUNK)]
        for person in people:
            person.name, person.name_pinyin, person.name_initials = "扎西", "zhaxi", "zx"
        with transaction.atomic():
            Person.objects.bulk_create(people)


def verified() -> bool:
    """Seal what the inserts left, and verify it."""
    from fangkong.core.audit import seals, verifying

    while seals.seal(AT):
        pass
    start, cpu = perf_counter(), process_time()
    verdict = verifying.verify()
    took, cpu = perf_counter() - start, process_time() - cpu
    rate = verdict.rows / took
    print(
        f"verify: {verdict.rows:,} rows in {verdict.seals} seals at {rate:,.0f} rows/s "
        f"({verdict.rows / cpu:,.0f} per second of CPU; at least {RATE:,})"
    )
    for problem in verdict.problems[:5]:
        print(f"  {problem}")
    return rate >= RATE and not verdict.problems


def answered() -> bool:
    """A million views, then the question about one person."""
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import Sight

    user = User.objects.create(username="bench", name="bench", created_at=AT)
    for start in range(0, VIEWS, 5_000):
        Sight.objects.bulk_create(
            Sight(
                at=AT + timedelta(seconds=n),
                by=user,
                how="opened",
                subject_type="people.person",
                subject_id=n % 5_003,
            )
            for n in range(start, start + 5_000)
        )
    rows = Sight.objects.filter(
        subject_type="people.person",
        subject_id=77,
        at__gte=AT + timedelta(days=2),
        at__lt=AT + timedelta(days=9),
    ).select_related("by")
    start_at = perf_counter()
    found = len(rows.order_by("-id")[:200])
    took = perf_counter() - start_at
    plan = rows.order_by("-id").explain()
    by_index = "sight_by_subject" in plan
    print(
        f"who saw a person: {found} of {VIEWS:,} views, {took * 1000:.1f} ms, by index: {by_index}"
    )
    return took < ANSWER and by_index and found > 0


if __name__ == "__main__":
    sys.exit(main())
