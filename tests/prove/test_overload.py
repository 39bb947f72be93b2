"""Slow clients and far too many of them: others are answered, and what is accepted is kept."""

from __future__ import annotations

import random
from time import monotonic

import pytest

from fangkong.config import doorway
from tests.prove.client import CASES, GONE, PATIENCE, Told, ask, sending, until
from tests.prove.installation import ROOT, Running, serving
from tests.prove.judge import judged
from tests.prove.monitor import Watched, watching
from tests.prove.planted import LONG
from tests.prove.slow import Stubborn, connections, slow_clients
from tests.prove.test_kills import at, said

DIST = ROOT / "fangkong" / "web" / "static" / "web" / "dist"
SOON = 3.0  # seconds within which a probe must be answered
MEMORY = 250  # MB that all who are slow together may cost
UNREAD = 100  # MB that those may cost who read nothing of their long answers
FLOOD = 200  # clients at once
CALM = 30.0  # seconds after the flood until one is answered at once again


def test_two_hundred_slow_clients_do_not_keep_others_from_their_work(proof, new):
    slow(proof, new, each=67, probes=20)


@pytest.mark.long
def test_two_hundred_slow_clients_of_each_kind_do_not_keep_others_from_their_work(proof, new):
    slow(proof, new, each=200, probes=200)


def slow(proof, new, *, each: int, probes: int) -> None:
    # The bug: a thread is taken before the body is there, as WSGI servers do.
    with serving(new().planted("thread before body")) as run, _slow(run, 0, each, 0):
        blind = answered(run, 4)
    assert blind <= 0.5, "a server that waits for bodies in its threads passed: blind"
    proof.note("slow clients, planted: a thread waits for the body", answered=blind, slow=each)

    with serving(new()) as run:
        answered(run, 2)
        before = run.server.memory()
        with _slow(run, each, each, each) as told:
            share = answered(run, probes)
            more = run.server.memory() - before
    proof.note(
        "slow clients: headers, bodies, reading",
        slow=3 * each,
        probes=probes,
        answered=share,
        memory_mb=more,
        sent_away=told.sent_away,
    )
    assert share >= 0.95
    assert more <= MEMORY


def test_whoever_reads_nothing_of_a_long_answer_costs_little_and_has_an_end(proof, new):
    unread(proof, new, readers=30 if proof.full else 12, probes=200 if proof.full else 20)


def unread(proof, new, *, readers: int, probes: int) -> None:
    # The bug: what nobody reads waits in memory, as in RSGI's own stream.
    with serving(new().planted("long answers,memory without end")) as run:
        answered(run, 2)
        before = run.server.memory()
        with Stubborn(run.port, "/long/", readers):
            until(lambda: run.server.memory() - before > UNREAD, PATIENCE, run.server.said)
            blind = run.server.memory() - before
    proof.note("long answers unread, planted: in memory", readers=readers, memory_mb=blind)

    with serving(new().planted("long answers,no patience")) as run:
        assert answered(run, 4) == 1.0
        memory, threads = run.server.memory(), run.server.threads()
        with Stubborn(run.port, "/long/", readers) as long:
            until(lambda: long.begun() == readers, PATIENCE, lambda: long.begun())
            more = run.server.memory() - memory
            more_threads = run.server.threads() - threads
            share = answered(run, probes)
            more = max(more, run.server.memory() - memory)
            away = until(lambda: not connections(run.port), PATIENCE, "all to be sent away")
        with Stubborn(run.port, "/short/", readers) as short:
            until(lambda: short.begun() == readers, PATIENCE, lambda: short.begun())
            assert connections(run.port) == readers
            until(lambda: not connections(run.port), PATIENCE, "those of short answers to be too")
        # Whoever reads, however late it began, has all of it.
        status, _headers, whole = ask(run.port, "GET", "/long/", timeout=60)
        assert (status, len(whole)) == (200, LONG)
    proof.note(
        "long answers unread",
        readers=readers,
        megabytes_each=LONG // 2**20,
        memory_mb=more,
        threads=more_threads,
        probes=probes,
        answered=share,
        all_sent_away_s=round(away, 1),
    )
    assert share >= 0.95
    assert more <= UNREAD
    assert more_threads <= most_threads(doorway.LONG)


def most_threads(long: int) -> int:
    """How many the two processes may start: for the work, for health, and for long answers.

    Not so many for each reader: the server starts another where none of its threads says yet that
    it is free, as many times as the machine is busy.
    """
    return 2 * (doorway.THREADS + 1 + long)


def test_however_many_read_nothing_of_long_answers_the_server_has_its_number_of_threads(proof, new):
    readers = 24
    # The bug: each of them has a thread.
    with serving(new().planted("long answers,no patience,threads without end")) as run:
        blind = threads_of_unread(run, readers)
    proof.note("threads of unread answers, planted: without end", readers=readers, threads=blind)
    assert blind > most_threads(2), "a server with a thread for each reader passed: blind"

    with serving(new().planted("long answers,no patience,two long answers")) as run:
        threads = threads_of_unread(run, readers)
    proof.note("threads of unread answers", readers=readers, threads=threads)
    assert threads <= most_threads(2)


def threads_of_unread(run: Running, readers: int) -> int:
    """How many more threads there are once all have been answered, were it only by a 503."""
    assert answered(run, 4) == 1.0
    before = run.server.threads()
    with Stubborn(run.port, "/middle/", readers) as unread:
        until(lambda: unread.begun() == readers, PATIENCE, lambda: unread.begun())
        more = run.server.threads() - before
        assert answered(run, 4) == 1.0
    return more


def _slow(run: Running, headers: int, bodies: int, readers: int):
    big = max(DIST.rglob("*.js"), key=lambda path: path.stat().st_size)
    slow = slow_clients(
        run.port,
        headers=headers,
        bodies=bodies,
        readers=readers,
        token=run.here.token,
        big=f"/static/web/dist/{big.relative_to(DIST)}",
    )
    return _Connected(slow, headers + bodies + readers)


class _Connected:
    """Waits until nearly all of them are there."""

    def __init__(self, slow, wanted: int) -> None:
        self.slow, self.wanted = slow, wanted

    def __enter__(self):
        told = self.slow.__enter__()
        until(lambda: told.connected >= 0.9 * self.wanted, 30, lambda: told)
        return told

    def __exit__(self, *problem) -> None:
        self.slow.__exit__(*problem)


def answered(run: Running, probes: int) -> float:
    """The share of probes of another user that are answered soon."""
    good = 0
    headers = {"Authorization": f"Bearer {run.here.token}"}
    for _probe in range(probes):
        try:
            good += ask(run.port, "GET", CASES, headers=headers, timeout=SOON)[0] == 200
        except GONE:
            continue
    return good / probes


@pytest.mark.long
def test_ten_times_the_load_is_shed_and_whatever_is_accepted_is_kept(proof, new):
    flood(proof, new, seconds=60 if proof.full else 10)


def flood(proof, new, *, seconds: float) -> None:
    dice = proof.dice("flood")
    dropping = new().planted("acknowledged but dropped")
    with serving(dropping) as run, sending(*at(run), clients=4, dice=dice) as told:
        until(lambda: len(told.acknowledged) >= 4, PATIENCE, run.server.said)
    planted = judged(run.here, told)
    assert planted.lost > 0, "a server that drops what it accepts passed: blind"
    proof.note("ten times the load, planted: accepted and dropped", **planted.figures)

    with serving(new().planted("nothing is shed")) as run:
        told, watched = flooded(run, dice, seconds=5)
    proof.note(
        "ten times the load, planted: nothing is shed", **said(told), health_answered=watched.share
    )
    assert not shed(told, watched), "a server that lets everybody wait passed: blind"

    with serving(new()) as run:
        told, watched = flooded(run, dice, seconds=seconds)
        calm = until(lambda: answered(run, 3) == 1.0, CALM, "the server to be calm again")
    found = judged(run.here, told)
    proof.note(
        "ten times the load",
        **found.figures,
        **said(told),
        clients=FLOOD,
        seconds=seconds,
        health_asked=watched.asked,
        health_answered=watched.share,
        health_slowest_s=watched.slowest,
        calm_again_s=round(calm, 2),
    )
    assert shed(told, watched), watched
    assert told.wrong == []
    assert found.wrong == 0 and found.acknowledged > 0


def flooded(run: Running, dice: random.Random, *, seconds: float) -> tuple[Told, Watched]:
    """Work fits into 8 threads and a queue of 64; many more ask at once; a monitor meanwhile."""
    with sending(*at(run), clients=FLOOD, dice=dice) as told:
        begin = monotonic()
        with watching(run.port) as watched:
            until(lambda: monotonic() - begin > seconds, seconds + 60, told)
        for one in told.clients:
            one.over.set()
    return told, watched


def shed(told: Told, watched: Watched) -> bool:
    """Those beyond were told to come again, and whoever watches the server was answered."""
    return told.refused.get(503, 0) > 0 and watched.asked > 0 and watched.share >= 0.95
