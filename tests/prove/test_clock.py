"""The clock jumps a day forward and two days back while everything works.

A library of ours (``clock.c``) shows server, worker and PostgreSQL, whole processes with all their
libraries, another time, which a file moves while they run. Time itself goes on, as where a time
server or a hand sets the clock.
"""

from __future__ import annotations

import http.client
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from django.db import connection

from tests.prove.client import CASES, ask, sending, until
from tests.prove.cluster import Cluster, running
from tests.prove.installation import Installation, copied, seeded, serving
from tests.prove.jobs import asked
from tests.prove.judge import judged
from tests.prove.test_disk import doctor
from tests.prove.test_kills import at, said

pytestmark = [
    pytest.mark.long,
    pytest.mark.both_databases,
    pytest.mark.needs_compiler,
]
DAY = datetime(2020, 2, 6, 10, 4, 5, tzinfo=UTC) - timedelta(hours=8)  # ten in Ganzi
BUGS = "marks are kept a moment,leases by the clock,tokens by the clock,set back is not seen"


class Clock:
    """What time the installation is shown: ``clock.c``, and the file that it looks into."""

    def __init__(self, folder: Path) -> None:
        self.file, self.library = folder / "seconds", folder / "clock.so"
        words = ["cc", "-shared", "-fPIC", "-O1", "-o", str(self.library)]
        subprocess.run([*words, str(Path(__file__).with_name("clock.c")), "-ldl"], check=True)
        self.file.write_bytes(bytes(8))
        self.library.chmod(0o755)
        self.file.chmod(0o644)
        self.set(DAY)

    def set(self, moment: datetime) -> None:
        """From now on it is this moment there, and time goes on."""
        with self.file.open("r+b") as file:
            file.write(struct.pack("q", round(moment.timestamp() - time.time())))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_SECONDS": str(self.file)}


@contextmanager
def database(place: Path, clock: Clock, postgresql: bool) -> Iterator[Cluster | None]:
    """PostgreSQL under the same clock, or nothing."""
    if not postgresql:
        yield None
        return
    with running(place / "pg-clock") as cluster:
        cluster.stop("fast")
        cluster.environment |= clock.environment
        cluster.start()
        yield cluster


def test_jumps_of_the_clock_lose_double_and_revive_nothing(proof, place, request):
    folder = place / "clock"
    folder.mkdir()
    folder.chmod(0o755)
    clock = Clock(folder)
    with database(place, clock, connection.vendor == "postgresql") as cluster:
        first = (
            seeded(place / "clock-first", cluster.new())
            if cluster
            else request.getfixturevalue("on_sqlite")
        )
        here = copied(first, place / "clock-planted", cluster)
        bad = jumped(here.planted(f"quick looks,{BUGS}"), clock, proof)
        proof.note("clock, planted", **bad, bugs=BUGS)
        assert bad["daily_fired_twice"], "a schedule that fires twice for one moment passed: blind"
        assert bad["running_job_begun_again"], "a job begun beside itself passed: blind"
        assert bad["token_alive_again"], "a token that comes alive again passed: blind"
        assert bad["session_alive_again"], "a session that comes alive again passed: blind"
        assert not bad["rhythm_went_on"], "what rests for a day passed: blind"

        clock.set(DAY)
        here = copied(first, place / "clock-good", cluster)
        good = jumped(here.planted("quick looks"), clock, proof)
    proof.note("clock jumps", **good)
    assert not good["daily_fired_twice"] and good["daily_fired"] == 2
    assert not good["running_job_begun_again"]
    assert not good["token_alive_again"] and not good["session_alive_again"]
    assert good["rhythm_went_on"] and good["failed_job_tried_again"]
    assert good["wrong"] == 0 and good["answers_no_client_should_get"] == 0
    assert good["seals_hold"]
    assert good["doctor_ahead"] != "ok" and good["doctor_back"] != "ok"


def jumped(here: Installation, clock: Clock, proof) -> dict[str, object]:
    """A day forward, then two days back and one forward again; what was seen meanwhile."""
    here = here.having(**clock.environment, FANGKONG_TODAY="", FANGKONG_AREA="513300")
    begun = here.data / "begun.txt"
    seen: dict[str, object] = {}

    def times(what: str) -> list[str]:
        lines = begun.read_text().splitlines() if begun.exists() else []
        return [line.split()[1] for line in lines if line.split()[0] == what]

    def state(job: object) -> str:
        return str(here.one(f"SELECT state FROM core_job WHERE id = {job}"))

    with (
        serving(here, worker=True) as run,
        sending(*at(run), clients=2, dice=proof.dice("clock"), pace=0.1) as told,
    ):
        assert run.worker is not None
        worker = run.worker

        def more(count: int) -> None:
            """So many more cards are acknowledged: everybody works on."""
            there = len(told.acknowledged)
            until(lambda: len(told.acknowledged) >= there + count, 90, run.server.said)

        token, session = str(asked(here, "token")), str(asked(here, "session"))
        assert opens(run.port, token) == 200 and is_in(run.port, session)
        until(lambda: times("daily"), 90, worker.said, worker.process)
        long = asked(here, "prove.long")
        until(lambda: times("long"), 90, worker.said, worker.process)
        more(5)

        clock.set(DAY + timedelta(days=1))
        until(lambda: len(set(times("daily"))) >= 2, 90, worker.said, worker.process)
        more(5)
        seen["doctor_ahead"] = doctor(here, "系统时钟", "Clock of the machine")["state"]
        assert opens(run.port, token) == 401 and not is_in(run.port, session)
        # Two more looks: a job that was taken for lost would have been taken up by now.
        rounds(times, worker)
        seen["running_job_begun_again"] = state(long) != "running" or len(times("long")) > 1
        (here.data / "go").touch()
        until(lambda: state(long) == "done", 90, worker.said, worker.process)
        failing = asked(here, "prove.second")
        until(lambda: times("second") and state(failing) == "waiting", 90, worker.said)

        clock.set(DAY - timedelta(days=1) + timedelta(minutes=10))  # before everything
        Event().wait(2)
        there = len(times("rhythm"))
        clock.set(DAY + timedelta(seconds=5))  # the minute that has been
        seen["rhythm_went_on"] = _within(8, lambda: len(times("rhythm")) > there)
        seen["failed_job_tried_again"] = _within(8, lambda: state(failing) == "done")
        seen["token_alive_again"] = opens(run.port, token) == 200
        seen["session_alive_again"] = is_in(run.port, session)
        seen["doctor_back"] = doctor(here, "系统时钟", "Clock of the machine")["state"]
        more(5)
        seen["daily_fired"] = len(set(times("daily")))
        seen["daily_fired_twice"] = len(times("daily")) > len(set(times("daily")))
    found = judged(here, told)
    sealed = here.fangkong("audit", "seal", check=False)
    verified = here.fangkong("audit", "verify", check=False)
    return {
        **seen,
        **found.figures,
        **said(told),
        "wrong": found.wrong,
        "answers_no_client_should_get": len(told.wrong) + len(told.given_up),
        "seals_hold": sealed.returncode == verified.returncode == 0,
    }


def _within(seconds: float, holds) -> bool:
    """Whether it comes about; the clock's own minute is over later than that."""
    try:
        until(holds, seconds, "")
    except AssertionError:
        return False
    return True


def rounds(times, worker) -> None:
    """Wait until the worker has looked at the clock some more: it notes each new minute."""
    there = len(times("rhythm"))
    Event().wait(3)
    assert there >= 1, worker.said()


def opens(port: int, token: str) -> int:
    return ask(port, "GET", CASES, headers={"Authorization": f"Bearer {token}"})[0]


def is_in(port: int, session: str) -> bool:
    """Whether the desk is shown, and not the way to the sign-in."""
    try:
        status, headers, _text = ask(port, "GET", "/", headers={"Cookie": f"sessionid={session}"})
    except http.client.HTTPException:
        return False
    return status == 200 and "login" not in headers.get("location", "")
