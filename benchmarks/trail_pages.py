"""What a page of the trail costs among a million lines and a million views, whatever the filter.

    python benchmarks/trail_pages.py [sqlite] [postgresql]

The pages "audit trail" and "who saw whom" are asked for in this process as the headquarters get
them: without a filter, and with each. A way or an action that hardly occurs is looked for in all
lines, unless a day is given too. Judged are the statement of the rows alone (milliseconds of this
process and of PostgreSQL), its plan, and the number of statements. Exits with 1 where

- a statement of rows takes more than 10 ms of CPU, or 300 ms where all lines are searched in vain;
- a page sends more than 5 statements, or counts rows;
- a plan reads a whole table or sorts more than a few rows, where rows are found at once.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from statistics import median
from time import process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, servers  # noqa: E402
from benchmarks.ground.databases import PREFECTURE  # noqa: E402

REPEATS, MOST_STATEMENTS, SOON, AT_LAST = 9, 5, 10.0, 300.0
# Address, table of the rows, and whether the filter finds a page of rows without searching long.
PAGES = (
    ("/trail/?", "core_auditline", True),
    ("/trail/?who=headquarters", "core_auditline", True),
    ("/trail/?on=2021-03-01", "core_auditline", True),
    ("/trail/?verb=surveillance.", "core_auditline", True),
    ("/trail/?verb=tasks.", "core_auditline", False),
    ("/trail/?record=00000000-0000-4000-8000-000000000000", "core_auditline", True),
    ("/trail/sights/?", "core_sight", True),
    ("/trail/sights/?who=headquarters", "core_sight", True),
    ("/trail/sights/?first=2021-03-01&last=2021-03-01", "core_sight", True),
    ("/trail/sights/?first=2020-03-01&last=2021-03-01", "core_sight", True),
    ("/trail/sights/?key=77", "core_sight", True),
    ("/trail/sights/?how=opened", "core_sight", True),
    ("/trail/sights/?how=printed", "core_sight", False),
)
BY_INDEX = re.compile(r"USING (?:COVERING )?INDEX|Index (?:Only )?Scan|Bitmap Index Scan")
SORTS = re.compile(r"USE TEMP B-TREE|(?<!Incremental )Sort  \(cost=\S+ rows=(\d+)")
FEW = 100  # rows that an index gave, such as the lines of one record, may be sorted


def one(kind: str) -> int:
    ground = databases.use(kind, PREFECTURE)
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    setup_test_environment()  # answers then tell what they were drawn from
    name, _equals, value = servers.signed_in("headquarters")["Cookie"].partition("=")
    client = Client()
    client.cookies[name] = value

    def asked(url: str) -> tuple[list[str], str]:
        """The statements of a page, and the address of the next."""
        with CaptureQueriesContext(connection) as sent:
            response = client.get(url, HTTP_HOST="127.0.0.1")
        if response.status_code != 200 or response.context["filters"].errors:
            raise SystemExit(f"{url} answered {response.status_code}: nothing was measured")
        return [query["sql"] for query in sent], response.context["next_url"]

    def spent() -> float:
        """CPU of this process and of the database's, in milliseconds."""
        return process_time() * 1000 + (
            servers.cpu([ground.postmaster]) if ground.postmaster else 0
        )

    def cost(sql: str) -> float:
        """Of one run, median; PostgreSQL's clock ticks every 10 ms, so it runs some times."""
        found = []
        for _ in range(REPEATS):
            began = spent()
            for _again in range(5):
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    cursor.fetchall()
            found.append((spent() - began) / 5)
        return median(found)

    def judged(url: str, table: str, soon: bool) -> bool:
        texts, following = asked(url)
        rows = [text for text in texts if f'FROM "{table}"' in text and "ORDER BY" in text][-1]
        few = len(texts) <= MOST_STATEMENTS and not any("COUNT(" in t.upper() for t in texts)
        explain = "EXPLAIN QUERY PLAN " if kind == "sqlite" else "EXPLAIN "
        with connection.cursor() as cursor:
            cursor.execute(explain + rows)
            plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
        well = bool(BY_INDEX.search(plan)) and not sorts_many(plan)
        ms = cost(rows)
        met = few and (well or not soon) and ms <= (SOON if soon else AT_LAST)
        print(
            f"{kind:<11}{url[:58]:<60}{len(texts):>2} statements{ms:>8.2f} ms CPU"
            f"{'' if met else '  MISSED'}",
            flush=True,
        )
        if not few:
            print("\n".join(f"  {text[:150]}" for text in texts))
        if not well or "--plans" in sys.argv:
            print(plan)
        if url.endswith("?") and following:  # the second page goes on by key
            met = judged(url[:-1] + following, table, soon) and met
        return met

    asked(PAGES[0][0])
    kept = [judged(*page) for page in PAGES]
    return 0 if all(kept) else 1


def sorts_many(plan: str) -> bool:
    return any(rows == "" or int(rows) > FEW for rows in SORTS.findall(plan))


if __name__ == "__main__":
    sys.exit(databases.on_each(one))
