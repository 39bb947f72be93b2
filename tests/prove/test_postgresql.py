"""PostgreSQL stopped and killed under load: what was acknowledged is there, and work goes on."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from statistics import median
from time import monotonic

import psycopg
import pytest

from tests.prove.client import PATIENCE, Told, sending, until
from tests.prove.cluster import Cluster
from tests.prove.installation import Running, copied, serving
from tests.prove.judge import Verdict, judged
from tests.prove.test_kills import at, said

CLIENTS = 4
BACK_AGAIN = 5.0  # seconds after the database until work is acknowledged again
WAYS = ("immediate stop", "postmaster killed", "backend killed")


@pytest.mark.long
def test_a_postgresql_stopped_and_killed_under_load_loses_nothing(
    proof, on_postgresql, cluster, place
):
    held(proof, on_postgresql, cluster, place, hits=30 if proof.full else 6)


def held(proof, first, cluster, place, *, hits: int) -> None:
    dice = proof.dice("postgresql")
    here = copied(first, place / f"pg-{dice.random()}", cluster)
    name = here.database_url.partition("@/")[2].partition("?")[0]
    # What is written every ten seconds only is lost when all processes are gone.
    cluster.tell(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with serving(here) as run:
        planted, _told, _back = broken(run, cluster, dice, hits=hits)
    proof.note("PostgreSQL broken, planted: synchronous_commit=off", **planted.figures)
    assert planted.lost > 0, "with synchronous_commit=off nothing was lost: blind"

    with serving(copied(first, place / f"pg-{dice.random()}", cluster)) as run:
        found, told, back = broken(run, cluster, dice, hits=hits)
    proof.note(
        "PostgreSQL broken under load",
        **found.figures,
        **said(told),
        hits=hits,
        back_median_s=round(median(back), 2),
        back_max_s=round(max(back), 2),
    )
    assert told.wrong == [] and told.given_up == []
    assert found.wrong == 0
    assert found.acknowledged > hits
    assert median(back) <= BACK_AGAIN
    damaged = run.here.rows("SELECT count(*) FROM pg_stat_database WHERE checksum_failures > 0")
    assert damaged == [(0,)]


def broken(
    run: Running, cluster: Cluster, dice: random.Random, *, hits: int
) -> tuple[Verdict, Told, list[float]]:
    """Hit the database again and again, each way in turn; how long work stood still after each."""
    back = []
    with sending(*at(run), clients=CLIENTS, dice=dice) as told:
        for turn in range(hits):
            goal = len(told.acknowledged) + dice.randrange(4, 10)
            until(lambda: len(told.acknowledged) >= goal, PATIENCE, run.server.said)  # noqa: B023
            hit(cluster, WAYS[turn % len(WAYS)], dice)
            there, begin = len(told.acknowledged), monotonic()
            until(lambda: len(told.acknowledged) > there, PATIENCE, run.server.said)  # noqa: B023
            back.append(monotonic() - begin)
    run.server.stop()
    return judged(run.here, told), told, back


def hit(cluster: Cluster, way: str, dice: random.Random) -> None:
    """Break it, and bring it back as its keeper would; after this it takes connections."""
    if way == "immediate stop":
        cluster.stop("immediate")
        cluster.start()
    elif way == "postmaster killed":
        cluster.kill_postmaster()
        cluster.start()
    else:
        with suppress(ProcessLookupError):
            os.kill(dice.choice(cluster.backends()), signal.SIGKILL)
        until(lambda: answers(cluster), 40, "PostgreSQL to recover by itself")


def answers(cluster: Cluster) -> bool:
    try:
        return cluster.tell("SELECT 1") == [(1,)]
    except psycopg.Error:
        return False
