"""Search a register of 300,000 for persons entered twice, and open the page of one pair.

    python benchmarks/duplicates.py [sqlite] [postgresql]

Some 19,000 records are second entries of somebody, with a fault that is noted: another character
of the same sound, a sign mistyped, day and month of birth changed about, another phone, two of
these, or none. The search runs as the worker's job does. Beside it, in the same run and database,
the plain twin: a join of the register with itself on equal name and birth date, equal document, or
equal phone and name. Printed: time and memory, precision, and recall by fault, of both, and their
ratio. Then the list and the pages of pairs are opened at the production server. Exits with 1 where

- a page of pairs takes a second or more (95 of 100);
- the search takes more than ten minutes, or more than 3 GB;
- its precision is below 0.97, or its recall below 0.9 or below that of the twin.
"""

from __future__ import annotations

import random
import resource
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, servers, twice  # noqa: E402
from benchmarks.ground.databases import Size  # noqa: E402

PERSONS = 300_000
PAGE_TARGET, TIME_TARGET, MEMORY_TARGET = 1_000.0, 600.0, 3_000.0  # ms, s, MB
PRECISION, RECALL = 0.97, 0.9
OPENED = 40

Pairs = set[tuple[int, int]]


def one(kind: str) -> int:
    databases.use(kind, Size(persons=PERSONS, cases=0), twice.fill)
    truth = true_pairs()
    print(f"{PERSONS:,} persons, {kind}: {len(truth):,} pairs are one person")
    found, seconds, memory = searched()
    plain, plain_seconds = joined()
    kept = [
        told("the search", found, truth, seconds),
        told("plain twin (equal fields)", plain, truth, plain_seconds),
    ]
    print(f"memory: the comparing process {memory[0]:,.0f} MB, this one {memory[1]:,.0f} MB")
    time_ratio, recall_ratio = seconds / plain_seconds, kept[0][1] / kept[1][1]
    print(f"ratio to the twin: time {time_ratio:.1f}, recall {recall_ratio:.2f}")
    precision, recall = kept[0]
    met = precision >= PRECISION and recall >= max(RECALL, kept[1][1])
    met &= seconds <= TIME_TARGET and max(memory) <= MEMORY_TARGET
    return 0 if opened(len(found)) and met else 1


def true_pairs() -> Mapping[tuple[int, int], str]:
    """The keys of two records of one person, with the fault of the second."""
    from fangkong.people.models import Person

    areas = twice.area_count()
    made = twice.register(PERSONS, areas, twice=twice.TWICE)
    some = Person.objects.get(pk=PERSONS)
    assert some.name == made.records[-1].name, "the kept database is of another register"
    return {(a + 1, b + 1): fault for (a, b), fault in made.truth().items()}


def searched() -> tuple[Pairs, float, tuple[float, float]]:
    """The pairs that the job finds, its seconds, and the most memory of both processes in MB."""
    from fangkong.core import clock
    from fangkong.people.duplicates import actions
    from fangkong.people.duplicates.models import Pair, Run

    Pair.objects.all().delete()  # of earlier runs
    Run.objects.all().delete()
    at = clock.now()
    run = actions.request_run(trigger="on_demand", by=None, at=at)
    began = perf_counter()
    run = actions.find(run=run, by=None, at=at)
    seconds = perf_counter() - began
    print(f"weights: {run.weights_from}")
    memory = (
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    return set(Pair.objects.values_list("one_id", "other_id")), seconds, memory


def joined() -> tuple[Pairs, float]:
    """What a join of the register with itself finds, and its seconds."""
    from django.db import connection

    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, b.id FROM people_person a JOIN people_person b"
            " ON a.name = b.name AND a.birth_date = b.birth_date AND a.id < b.id"
            " UNION SELECT a.person_id, b.person_id FROM people_identitydocument a"
            " JOIN people_identitydocument b ON a.number_index = b.number_index"
            " AND a.person_id < b.person_id"
            " UNION SELECT a.person_id, b.person_id FROM people_phone a JOIN people_phone b"
            " ON a.number_index = b.number_index AND a.person_id < b.person_id"
            " JOIN people_person p ON p.id = a.person_id JOIN people_person q ON q.id = b.person_id"
            " WHERE p.name = q.name"
        )
        found = {(one_id, other_id) for one_id, other_id in cursor.fetchall()}
    return found, perf_counter() - began


def told(
    label: str, found: Pairs, truth: Mapping[tuple[int, int], str], seconds: float
) -> tuple[float, float]:
    """Print and give precision and recall."""
    right = found & truth.keys()
    every, hit = Counter(truth.values()), Counter(truth[key] for key in right)
    precision, recall = len(right) / max(len(found), 1), len(right) / len(truth)
    by_fault = ", ".join(f"{fault} {hit[fault] / n:.2f}" for fault, n in sorted(every.items()))
    print(
        f"{label:<26} {seconds:7.1f} s  {len(found):,} pairs"
        f"  precision {precision:.3f}  recall {recall:.3f} ({by_fault})",
        flush=True,
    )
    return precision, recall


def opened(pairs: int) -> bool:
    """Whether list and pages open in time, for the prefecture and for a county."""
    from fangkong.people.duplicates.models import Pair

    dice, good = random.Random(3), True
    with servers.product() as server:
        for username in ("headquarters", "county"):
            rows = Pair.objects.filter(judged_at__isnull=True)
            if username == "county":
                rows = rows.filter(county__code="513326")
            keys = list(rows.order_by("pk").values_list("public_id", flat=True))
            cookie = servers.signed_in(username)
            server.get("/people/duplicates/", cookie)  # once to warm up
            asked = {
                "list": ["/people/duplicates/"] * OPENED,
                "one pair": [f"/people/duplicates/{dice.choice(keys)}/" for _ in range(OPENED)],
            }
            for label, urls in asked.items():
                times = sorted(server.get(url, cookie)[0] for url in urls)
                late = times[int(len(times) * 0.95)]
                good &= late < PAGE_TARGET
                print(
                    f"{username}: {label:<9} of {pairs:,} pairs: median {median(times):.0f} ms,"
                    f" 95 of 100 in {late:.0f} ms{'' if late < PAGE_TARGET else '  MISSED'}"
                )
    return good


if __name__ == "__main__":
    sys.exit(databases.on_each(one))
