"""`fangkong migrate` killed at any statement: the next completes it, and until then none serves.

The database is one with work in it, led back by the last migrations, and migrated anew. What comes
out is compared with what comes out where nothing was killed: every table, column, index,
constraint, trigger and wall, and every row.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.prove.cluster import Cluster
from tests.prove.installation import ROOT, Installation, copied
from tests.prove.jobs import asked

pytestmark = pytest.mark.both_databases
NUMBERS = count(1)
# The last migrations of each room that lead back; before them are those that do not.
BACK = {"people": "0004", "surveillance": "0005", "tasks": "0001", "core": "0018"}
# A short way for the short test: two tables, columns, rows that are made anew, a constraint.
A_LITTLE = {"people": BACK["people"]}
# What is not done twice: whoever is killed after it and finds it kept cannot go on.
ONLY_ONCE = 'CREATE TABLE "'
# What a migration makes anew by chance, or notes with the moment.
BY_CHANCE = {"core_edition", "django_migrations", "sqlite_sequence"}


class Kill(TypedDict, total=False):
    """Where `migrate` is killed: at a step, or after the first statement that holds this."""

    kill: int
    after: str


class Migrator:
    """Copies of one database, and a process that migrates them."""

    def __init__(self, here: Installation, cluster: Cluster | None, planted: str = "") -> None:
        self.here, self.cluster = here, cluster
        here = here.planted(planted) if planted else here
        settings = {"DJANGO_SETTINGS_MODULE": "fangkong.config.settings", **here.environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.prove.migrating"],
            env=settings,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(60)

    def tell(
        self,
        name: str,
        what: str,
        *,
        rooms: dict[str, str] | None = None,
        kill: int = 0,
        after: str = "",
    ) -> dict[str, object]:
        assert self.process.stdin is not None and self.process.stdout is not None
        asked = {"name": name, "what": what, "rooms": rooms or {}, "kill": kill, "after": after}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    @property
    def name(self) -> str:
        url = self.here.database_url
        return url.removeprefix("sqlite:///") if "sqlite" in url else urlsplit(url).path.strip("/")

    def copy(self, name: str) -> str:
        if self.cluster is not None:
            return urlsplit(self.cluster.copy(self.cluster.address(name))).path.strip("/")
        new = f"{name.partition('-of-')[0]}-of-{next(NUMBERS)}"
        with closing(sqlite3.connect(name)) as there, closing(sqlite3.connect(new)) as copy:
            there.backup(copy)  # with what a killed one has left in its log
        return new

    def drop(self, name: str) -> None:
        if self.cluster is not None:
            self.cluster.tell(f"DROP DATABASE {name} WITH (FORCE)")
            return
        for path in Path(name).parent.glob(f"{Path(name).name}*"):
            path.unlink()

    def state(self, name: str) -> dict[str, object]:
        """All that can be seen of a database: its making, and its rows."""
        if self.cluster is not None:
            return of_postgresql(self.cluster.address(name, "postgres"))
        return of_sqlite(name)


@contextmanager
def migrator(here: Installation, cluster: Cluster | None, planted: str = "") -> Iterator[Migrator]:
    found = Migrator(here, cluster, planted)
    try:
        yield found
    finally:
        found.close()


def of_sqlite(path: str) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as db:
        seen: dict[str, object] = {
            f"{kind} {name}": " ".join((sql or "").split())
            for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master")
        }
        tables = [key.removeprefix("table ") for key in seen if key.startswith("table ")]
        for table in set(tables) - BY_CHANCE:
            seen[f"rows of {table}"] = sorted(map(repr, db.execute(f'SELECT * FROM "{table}"')))
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    return seen


MAKING = """
SELECT 'column ' || table_name || '.' || column_name, data_type || is_nullable
  || coalesce(column_default, '') || coalesce(collation_name, '')
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger ' || tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'wall ' || tablename || '.' || policyname, coalesce(qual, '') FROM pg_policies
UNION ALL SELECT 'guarded ' || relname, relrowsecurity || ' ' || relforcerowsecurity
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


def of_postgresql(address: str) -> dict[str, object]:
    import psycopg

    with psycopg.connect(address) as link:
        seen: dict[str, object] = dict(link.execute(MAKING).fetchall())
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        for (table,) in link.execute(names).fetchall():
            if table not in BY_CHANCE:
                rows = link.execute(f'SELECT t::text FROM "{table}" t'.encode()).fetchall()
                seen[f"rows of {table}"] = sorted(row[0] for row in rows)
    return seen


@pytest.mark.long
def test_a_migration_killed_at_any_statement_is_completed_by_the_next(proof, request, place):
    held(proof, request, place, rooms=BACK, points=200 if proof.full else 25)


def test_a_migration_killed_at_some_statements_is_completed_by_the_next(proof, request, place):
    held(proof, request, place, rooms=A_LITTLE, points=0)


def held(proof, request, place, *, rooms: dict[str, str], points: int) -> None:
    """Killed where the planted bug is as well, and at so many points chosen by the dice."""
    postgresql = connection.vendor == "postgresql"
    cluster = request.getfixturevalue("cluster") if postgresql else None
    first = request.getfixturevalue("on_postgresql" if postgresql else "on_sqlite")
    here = copied(first, place / f"migrate-{points}", cluster)
    asked(here, "cards")
    dice = proof.dice("migrate")
    with migrator(here, cluster) as by:
        now = by.state(by.name)
        begin = by.copy(by.name)
        assert by.tell(begin, "back", rooms=rooms)["refused"] == ""
        whole = by.copy(begin)
        steps = int(str(by.tell(whole, "migrate")["steps"]))
        right = by.state(whole)
        # There and back loses nothing of what was there.
        assert {k: v for k, v in right.items() if not lost_on_the_way(k)} == {
            k: v for k, v in now.items() if not lost_on_the_way(k)
        }
        chosen = sorted(dice.sample(range(1, steps + 1), min(points, steps)))
        kills: list[Kill] = [{"after": ONLY_ONCE}, *(Kill(kill=point) for point in chosen)]
        refused = served = 0
        for kill in kills:
            name = by.copy(begin)
            assert by.tell(name, "migrate", **kill)["killed"], f"not killed: {kill} of {steps}"
            half = by.state(name)
            start = by.tell(name, "start")
            if start["refused"]:
                refused += 1
                assert "fangkong migrate" in str(start["refused"])
            else:
                served += 1
                assert half == right, f"served though half migrated, {kill} of {steps}"
            assert by.tell(name, "migrate")["refused"] == ""
            assert by.state(name) == right, f"not completed, {kill} of {steps}"
            by.drop(name)
    proof.note(
        "migrate killed", statements=steps, kills=len(kills), refused_start=refused, served=served
    )
    blind(proof, here, cluster, begin, right, steps, every=points > 100)


def lost_on_the_way(what: str) -> bool:
    """What the tables that are taken away on the way back held, and the names of sequences."""
    return what.startswith("rows of ")


def blind(proof, here, cluster, begin: str, right: dict[str, object], steps: int, *, every) -> None:
    """The bug: each statement of a migration is committed by itself, as on some databases."""
    with migrator(here, cluster, "migrations are not atomic") as by:
        kills: list[Kill] = [{"after": ONLY_ONCE}]
        if every:  # and all over the place (the golden section): many may well be done twice
            kills += [Kill(kill=1 + int(steps * (n * 0.6180339887 % 1))) for n in range(1, 13)]
        stuck = 0
        for kill in kills:
            name = by.copy(begin)
            by.tell(name, "migrate", **kill)
            try:
                by.tell(name, "migrate")
                stuck += by.state(name) != right
            except AssertionError:  # it cannot go on: the half is there already
                stuck += 1
            by.drop(name)
    proof.note("migrate killed, planted: not atomic", kills=len(kills), never_completed=stuck)
    assert stuck, "a migration that is not atomic passed: blind"
