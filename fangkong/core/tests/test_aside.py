"""A second process beside this one: what it works out, and what becomes of it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

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
    with pytest.raises(ProcessLookupError):
        os.kill(helper.pid, 0)


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
