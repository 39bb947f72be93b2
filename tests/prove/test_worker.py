"""kill -9 of the worker, and jobs that kill it: taken up, done once, parked after their tries."""

from __future__ import annotations

import json

import pytest

from tests.prove.client import PATIENCE, sending, until
from tests.prove.installation import Installation, Process, serving
from tests.prove.jobs import ROWS, asked
from tests.prove.judge import judged
from tests.prove.test_disk import doctor
from tests.prove.test_kills import at

pytestmark = pytest.mark.long
KILLS = 3  # an import has four tries
SMALL = "small chunks"


def state(here: Installation, job: int) -> str:
    return str(here.one(f"SELECT state FROM core_job WHERE id = {job}"))


def chunks(here: Installation) -> int:
    return int(here.one("SELECT count(*) FROM core_importchunk WHERE entered"))


def kept_alive(worker: Process) -> None:
    """What systemd does: a worker that has ended is started again."""
    if worker.process.poll() is not None:
        worker.again()


@pytest.mark.both_databases
def test_an_import_whose_worker_is_killed_again_and_again_is_entered_once(proof, new):
    here = new().planted(f"{SMALL},jobs of killed workers are forgotten")
    with serving(here, worker=True) as run:
        assert run.worker is not None
        job = asked(here, "import")
        kill_in_the_middle(here, run.worker, 1)
        # A later job is done, so the worker has looked at what the killed one left.
        later = asked(here, "prove.nothing")
        until(lambda: state(here, later) == "done", PATIENCE, run.worker.said)
        stuck = state(here, job)
    proof.note("worker killed, planted: its jobs are forgotten", state=stuck, rows=entered(here))
    assert stuck == "running", "a worker that forgets what another has begun passed: blind"

    here = new().planted(SMALL)
    dice = proof.dice("worker")
    with serving(here, worker=True) as run, sending(*at(run), clients=2, dice=dice) as told:
        assert run.worker is not None
        job = asked(here, "import")
        for turn in range(KILLS):
            kill_in_the_middle(here, run.worker, turn + 1)
        until(lambda: state(here, job) == "done", 120, run.worker.said)
    found = judged(here, told)
    lines = here.one(
        "SELECT count(*) FROM core_auditline WHERE action = 'places.add_area'"
        " AND request_id LIKE 'job:%'"
    )
    rows = entered(here)
    proof.note("worker killed during an import", **found.figures, kills=KILLS, rows=rows)
    assert (rows, lines) == (ROWS, ROWS)
    assert found.wrong == 0 and told.wrong == []


def kill_in_the_middle(here: Installation, worker: Process, turn: int) -> None:
    """Kill the worker when it has entered some more chunks, and start another."""
    goal = 3 * turn
    until(lambda: chunks(here) >= goal, 90, worker.said, worker.process)
    worker.kill_all()
    worker.again()


def entered(here: Installation) -> int:
    return int(here.one("SELECT count(*) FROM places_area WHERE code LIKE '5133261__'")) - 1


@pytest.mark.both_databases
@pytest.mark.parametrize("poison", ["prove.fails", "prove.kills"])
def test_a_job_that_always_fails_or_kills_is_parked_and_the_others_proceed(proof, new, poison):
    # The bug: tries are counted when a job is through, which one that kills never is.
    if poison == "prove.kills":
        here = new().planted("tries are not noted before")
        with serving(here, worker=True) as run:
            assert run.worker is not None
            job, seen = asked(here, poison), 0
            while seen <= 4:  # more than it has tries
                until(lambda: run.worker.process.poll() is not None, PATIENCE, run.worker.said)
                seen += 1
                kept_alive(run.worker)
            going_round = state(here, job)
        proof.note("poison, planted: tries not noted", workers_killed=seen, state=going_round)
        assert going_round != "failed", "a job that goes round for ever passed: blind"

    here = new().planted("quick pauses")
    assert doctor(here, "后台任务")["state"] == "ok"
    with serving(here, worker=True) as run:
        assert run.worker is not None
        worker = run.worker
        bad, good = [], []
        for _turn in range(3):
            bad.append(asked(here, poison))
            good.append(asked(here, "prove.nothing"))

        def over() -> bool:
            kept_alive(worker)
            return {state(here, job) for job in bad} == {"failed"} and {
                state(here, job) for job in good
            } == {"done"}

        until(over, 150, worker.said)
    tries = {here.one(f"SELECT tries FROM core_job WHERE id = {job}") for job in bad}
    told = doctor(here, "后台任务")
    proof.note(f"poison: {poison}", parked=len(bad), others_done=len(good), doctor=told["state"])
    assert tries == {3}
    assert told["state"] == "warn" and "3" in json.dumps(told)
