"""A second process beside this one: what it works out, and what becomes of it."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import ConnectionHandler

from fangkong.core import aside
from fangkong.core.aside import Aside, Silent, helping
from fangkong.core.record import new_public_id

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def beside():
    """Starts helpers, and sees to it that none is left."""
    made: list[Aside[Any, Any]] = []

    def start(work) -> Aside[Any, Any]:
        made.append(Aside(work))
        return made[-1]

    yield start
    for one in made:
        one.end()


def test_what_is_asked_is_worked_out_by_another_process(beside):
    helper = beside(lambda n: (os.getpid(), n * 2))
    for n in (21, 4):
        helper.ask(n)
        pid, answer = helper.answer()
        assert (answer, pid == os.getpid()) == (n * 2, False)


def test_an_answer_of_many_megabytes_comes_whole(beside):
    helper = beside(lambda n: ["字" * 1_000] * n)
    helper.ask(5_000)
    assert helper.answer() == ["字" * 1_000] * 5_000


def test_what_goes_wrong_there_is_left_to_the_asker_and_the_helper_goes_on(beside):
    helper = beside(lambda n: 1 // n)
    helper.ask(0)
    with pytest.raises(Silent):
        helper.answer()
    helper.ask(1)
    assert helper.answer() == 1


def test_a_killed_helper_is_missed_at_the_next_answer(beside):
    helper = beside(lambda n: n)
    os.kill(helper.pid, signal.SIGKILL)
    os.waitpid(helper.pid, 0)
    with pytest.raises(Silent):
        helper.ask(1)
    with pytest.raises(Silent):
        helper.answer()


def stopped(helper: Aside[Any, Any]) -> None:
    os.kill(helper.pid, signal.SIGSTOP)
    os.waitpid(helper.pid, os.WUNTRACED)  # until it stands still


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("question", [1, "字" * 3_000_000], ids=["short", "longer than a pipe"])
def test_a_helper_that_stands_still_is_killed_when_its_time_is_over(beside, monkeypatch, question):
    monkeypatch.setattr(aside, "PATIENCE", 0.2)
    helper = beside(lambda n: n)
    stopped(helper)
    begin = monotonic()
    with pytest.raises(Silent):
        helper.ask(question) or helper.answer()
    assert 0.2 <= monotonic() - begin < 5
    assert is_gone(helper.pid)
    with pytest.raises(Silent):
        helper.ask(1)


def test_a_helper_that_stops_within_its_answer_is_killed_too(beside, monkeypatch):
    helper = beside(lambda n: "字" * n)
    helper.ask(3_000_000)
    assert select.select([helper.answering], [], [], 30)[
        0
    ]  # it has begun, and no pipe holds it all
    stopped(helper)
    monkeypatch.setattr(aside, "PATIENCE", 0.2)
    with pytest.raises(Silent):
        helper.answer()
    assert is_gone(helper.pid)


def test_an_answer_that_came_while_the_asker_was_busy_is_never_late(beside, monkeypatch):
    helper = beside(lambda n: n)
    helper.ask(1)
    assert select.select([helper.answering], [], [], 30)[0]
    monkeypatch.setattr(aside, "PATIENCE", 0.0)
    assert helper.answer() == 1


def open_files() -> int:
    return len([*Path("/dev/fd").iterdir()])


@pytest.mark.parametrize("fault", [BlockingIOError, MemoryError])
def test_without_room_for_a_process_it_is_done_without(settings, monkeypatch, caplog, fault):
    def no_room() -> int:
        raise fault

    settings.FANGKONG_HELPER = True
    monkeypatch.setattr(os, "fork", no_room)
    before = open_files()
    with helping(lambda n: n, wanted=True) as helper:
        assert helper is None
    assert open_files() == before
    assert f"no helper: {fault.__name__}" in caplog.text


def test_without_room_for_a_pipe_it_is_done_without(settings):
    settings.FANGKONG_HELPER = True
    before = open_files()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the next number: one pipe fits below the limit, a second does not
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 3, hard))
    try:
        with helping(lambda n: n, wanted=True) as helper:
            assert helper is None
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert open_files() == before


def test_a_helper_makes_other_ids_than_the_process_it_came_from(beside):
    first = [new_public_id() for _n in range(3)]
    helper = beside(lambda _n: [new_public_id() for _n in range(500)])
    helper.ask(1)
    mine = [new_public_id() for _n in range(500)]
    assert len({*first, *mine, *helper.answer()}) == 1_003


@pytest.mark.django_db
def test_a_helper_asks_no_database_and_leaves_the_connection_as_it_is(beside):
    users = get_user_model().objects
    before = users.count()
    helper = beside(lambda _n: users.count())
    helper.ask(1)
    with pytest.raises(Silent):
        helper.answer()
    helper.end()
    assert users.count() == before


def test_it_is_gone_with_the_block_that_it_helped(settings):
    settings.FANGKONG_HELPER = True
    with helping(lambda n: n, wanted=True) as helper:
        assert helper is not None
        helper.ask(1)
    assert is_gone(helper.pid)


@pytest.mark.parametrize(("allowed", "wanted"), [(False, True), (True, False)])
def test_none_is_started_where_it_is_not_wanted(settings, allowed, wanted):
    settings.FANGKONG_HELPER = allowed
    with helping(lambda n: n, wanted=wanted) as helper:
        assert helper is None


def test_it_ends_with_a_process_that_is_killed():
    """Its end of a pipe of ours closes: nobody is left who holds it."""
    ours, theirs = os.pipe()
    code = (
        "import os, signal\n"
        "from fangkong.core.aside import Aside\n"
        "one = Aside(lambda n: n)\n"
        "one.ask(1)\n"
        "one.answer()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        pass_fds=[theirs],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(theirs)
    assert process.returncode == -signal.SIGKILL
    assert select.select([ours], [], [], 30)[0]
    assert os.read(ours, 1) == b""
    os.close(ours)


# --- Beside threads -------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path, django_db_blocker):
    """A database of its own, as an installation's: each thread has a connection to it."""
    handler = ConnectionHandler(
        {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "one.sqlite3"}}
    )

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with handler["default"].cursor() as cursor:
            return cursor.execute(sql).fetchall()

    with django_db_blocker.unblock():
        ask("PRAGMA journal_mode=WAL")
        ask("CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT)")
        yield ask
        handler["default"].close()


def test_a_helper_undoes_nothing_that_another_thread_has_not_committed(beside, file):
    """A fork loses all threads but its own, and what they held. When Python comes to that, SQLite
    would close the connection there, and clear the index of pages that both share."""
    written, forked = Event(), Event()

    def write() -> None:
        file("PRAGMA cache_size=5")  # so that pages go out before the end
        file("BEGIN IMMEDIATE")
        for n in range(300):
            file(f"INSERT INTO line (text) VALUES ('{str(n) * 500}')")
        written.set()
        forked.wait(30)
        file("COMMIT")

    thread = Thread(target=write)
    thread.start()
    assert written.wait(30)
    helper = beside(lambda generation: gc.collect(generation) >= 0)
    helper.ask(2)
    assert helper.answer()
    forked.set()
    thread.join(30)

    assert file("PRAGMA integrity_check") == [("ok",)]
    assert [int(text[: len(text) // 500]) for (text,) in file("SELECT text FROM line")] == [
        *range(300)
    ]


def test_helpers_that_start_while_another_thread_writes_all_answer(beside, file):
    """As the sign of life of a job does, but all the time."""
    over, failed = Event(), []

    def write() -> None:
        try:
            while not over.is_set():
                file(f"INSERT INTO line (text) VALUES ('{'x' * 3_000}')")
                file("DELETE FROM line WHERE id % 3 = 0")
        except BaseException as problem:
            failed.append(problem)
            raise

    thread = Thread(target=write)
    thread.start()
    try:
        for n in range(60):
            helper = beside(lambda n: n)
            helper.ask(n)
            assert helper.answer() == n
            helper.end()
    finally:
        over.set()
        thread.join(30)
    assert failed == []
    assert file("PRAGMA integrity_check") == [("ok",)]
