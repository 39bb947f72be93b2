"""kill -9 of the server and of its worker: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import signal
from statistics import median
from time import monotonic

import pytest

from tests.prove.client import PATIENCE, Told, ready, sending, until
from tests.prove.installation import Running, serving
from tests.prove.judge import Verdict, judged

CLIENTS = 4
BUGS = "audit after commit,acknowledged too early,no card known again"


def test_a_server_killed_while_cards_come_in_loses_and_doubles_none(proof, new):
    held(proof, new, kills=2)


@pytest.mark.long
@pytest.mark.both_databases
def test_a_server_killed_again_and_again_while_cards_come_in_loses_and_doubles_none(proof, new):
    held(proof, new, kills=60 if proof.full else 20)


def held(proof, new, *, kills: int) -> None:
    dice = proof.dice("kills")
    # The senders' own bug goes with those of the server: a new key for every try.
    with serving(new().planted(BUGS)) as run:
        planted, _told = killed(run, dice, kills=20, loses=0.3, keeps_key=False)  # or all found
    proof.note("server killed, planted", **planted.figures, bugs=f"{BUGS}, new key for every try")
    assert planted.lost > 0, "answers before their commit were not found"
    assert planted.without_line > 0, "work without its line was not found"
    assert planted.doubled > 0, "a repeat with a new key was not found as a double"

    with serving(new()) as run:
        # Few kills leave time for few cards: more of their answers are lost, so that some repeat.
        found, told = killed(run, dice, kills=kills, loses=0.4 if kills < 20 else 0.05)
    proof.note("server killed under load", **found.figures, **said(told), kills=kills)
    assert told.wrong == [] and told.given_up == []
    assert found.wrong == 0
    assert found.acknowledged > kills
    assert told.repeated > 0, "no answer was repeated: the key was not put to the test"


def at(run: Running) -> tuple[int, str, str]:
    return run.port, run.here.token, run.here.facility


def said(told: Told) -> dict[str, object]:
    """The clients' side: what they had to send again, and how long they went without an answer."""
    gaps = sorted(told.gaps) or [0.0]
    return {
        "tries_without_answer": told.unanswered,
        "doubles_prevented": told.repeated,
        "refused": dict(told.refused),
        "gap_median_s": round(median(gaps), 2),
        "gap_p99_s": round(gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))], 2),
        "gap_max_s": round(gaps[-1], 2),
    }


def killed(
    run: Running, dice: random.Random, *, kills: int, loses: float, keeps_key: bool = True
) -> tuple[Verdict, Told]:
    """Kill a process or all of them again and again while clients work; every second time all."""
    with sending(*at(run), clients=CLIENTS, dice=dice, loses=loses, keeps_key=keeps_key) as told:
        for turn in range(kills):
            goal = len(told.acknowledged) + dice.randrange(3, 12)
            until(lambda: len(told.acknowledged) >= goal, PATIENCE, run.server.said)  # noqa: B023
            hit(run, dice, everyone=turn % 2 == 0)
            if not keeps_key and found_all(judged(run.here, told)):
                break
    run.server.stop()
    return judged(run.here, told), told


def found_all(found: Verdict) -> bool:
    return found.lost > 0 and found.without_line > 0 and found.doubled > 0


def hit(run: Running, dice: random.Random, *, everyone: bool) -> None:
    """kill -9; whoever keeps the service (systemd) starts it again at once."""
    children = run.server.children()
    if everyone or not children:
        run.server.kill_all()
        run.server.again()
        return
    os.kill(dice.choice(children), signal.SIGKILL)
    # Two within seconds make the server itself end, and its keeper start it anew.
    begin = monotonic()
    until(
        lambda: len(run.server.children()) >= 2 or run.server.process.poll() is not None,
        20,
        "a child to follow the one that was killed",
    )
    if run.server.process.poll() is not None:
        run.server.kill_all()
        run.server.again()
    until(lambda: ready(run.port), 40, run.server.said)
    assert monotonic() - begin < 60
