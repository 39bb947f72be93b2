"""Search for a person by part of a name, pinyin, initials, phone or document, among a million.

    python benchmarks/person_search.py [sqlite] [postgresql]

Each search runs as ``people.queries.search`` for the headquarters and for a county's officer, in
the reach of a request (so on PostgreSQL behind the walls, as a role that is no superuser), and
fetches the first 51 as the page does. Beside it the bare look-up of one person by an index, and a
LIKE over all names, which is what a table without parts of names has to do. The plans are read:
each search must use its index. Prints medians and p95; exits with 1 where a p95 is above 60 ms on
PostgreSQL, or 200 ms on SQLite, or a plan reads a whole table.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases  # noqa: E402
from benchmarks.ground.databases import PREFECTURE  # noqa: E402

REPEATS = 40
TARGET = {"postgresql": 60.0, "sqlite": 200.0}  # milliseconds
INDEXES = ("namepart_by_part", "phone_by_number", "document_by_number")


def one(kind: str) -> int:
    databases.use(kind, PREFECTURE)
    from benchmarks.ground import rows
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.core.walls.reach import reaching
    from fangkong.people import queries
    from fangkong.people.models import Person
    from fangkong.people.rules import initials, pinyin

    dice, at = random.Random(7), clock.now()
    every = list(rows.names(PREFECTURE.persons))
    some = [dice.choice(every) for _ in range(REPEATS)]
    keys = [dice.randrange(1, PREFECTURE.persons) for _ in range(REPEATS)]
    asked: list[tuple[str, Sequence[str]]] = [
        ("whole name", some),
        ("part of a name, 2 characters", [name[-2:] for name in some]),
        ("one character", [name[-1:] for name in some]),
        ("nobody's name", ["".join(dice.sample("龘靐齉爩麤", 3)) for _ in some]),
        ("pinyin", [pinyin(name) for name in some]),
        ("beginning of the pinyin", [pinyin(name)[:4] for name in some]),
        ("initials", [initials(name) for name in some]),
        ("phone", [rows.phone_of(key) for key in keys]),
        ("document", [rows.document_of(key) for key in keys]),
    ]
    print(f"{PREFECTURE.persons:,} persons, {kind}")
    bare = timed(lambda key: list(Person.objects.filter(pk=key).values_list("name")), keys)
    print(f"{'one person by key':<44} median {median(bare):7.2f} ms")
    like = timed(lambda text: list(Person.objects.filter(name__contains=text)[:51]), NOBODY)
    print(f"{'LIKE over all names, of nobody':<44} median {median(like):7.2f} ms")
    kept = []
    for username in ("headquarters", "county"):
        user: Any = User.objects.get(username=username)
        reach = (user.reach(at), user.pk)

        def search(text: str, user: Any = user) -> Any:
            return queries.search(user, at, text)[:51]

        with reaching(lambda reach=reach: reach):  # type: ignore[misc]  # bound in this round
            kept += [judged(kind, f"{username}: {label}", search, texts) for label, texts in asked]
    return 0 if all(kept) else 1


def judged(kind: str, label: str, search: Callable[[str], Any], texts: Sequence[str]) -> bool:
    """Time a kind of search and read its plan; whether both are as they should be."""
    times = timed(lambda text: list(search(text)), texts)
    plan = search(texts[0]).explain()
    by_index = any(name in plan for name in INDEXES)
    met = p95(times) <= TARGET[kind] and by_index
    print(
        f"{label:<44} median {median(times):7.2f} ms  p95 {p95(times):7.2f} ms"
        f"  {'by index' if by_index else 'NOT BY INDEX'}{'' if met else '  MISSED'}",
        flush=True,
    )
    if not by_index or "--plans" in sys.argv:
        print(plan)
    return met


NOBODY = ("龘靐", "靐齉", "齉爩")


def timed(call: Callable[[Any], object], asked: Sequence[Any]) -> list[float]:
    """Milliseconds of each call, after one to warm up."""
    call(asked[0])
    found = []
    for one_asked in asked:
        start = perf_counter()
        call(one_asked)
        found.append((perf_counter() - start) * 1000)
    return found


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    sys.exit(databases.on_each(one))
