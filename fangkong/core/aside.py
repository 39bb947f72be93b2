"""A second process for work that needs no database, beside the one that writes.

It is a fork: it has the rules, places and keys of the moment in its memory, and starts in some
milliseconds. It may ask no database (a connection belongs to the process that opened it), and ends
with whoever started it, whose end closes its pipe. What goes between the two are our own objects
over pipes that nobody else has.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import F_SETPIPE_SZ, fcntl
from typing import Any, Generic, NoReturn, TypeVar

import uuid_utils
from django.conf import settings
from django.db import connections

T = TypeVar("T")
R = TypeVar("R")

PATIENCE = 60.0  # seconds for one answer: a helper that is silent for so long hangs
_PIPE_BYTES = 1 << 20  # an answer goes over without waiting for the other side


class Silent(Exception):
    """The helper has ended or hangs; its work is still to be done."""


class Aside(Generic[T, R]):
    """Works out one question at a time while the asker does something else."""

    def __init__(self, work: Callable[[T], R]) -> None:
        questions, asking = _pipe()
        answering, answers = _pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _serve(work, questions, answers, (asking, answering))
        os.close(questions)
        os.close(answers)
        self.asking, self.answering = os.fdopen(asking, "wb"), os.fdopen(answering, "rb")

    def ask(self, question: T) -> None:
        """Give it something to do. Silent where it is not there any more."""
        try:
            pickle.dump(question, self.asking, pickle.HIGHEST_PROTOCOL)
            self.asking.flush()
        except OSError:
            raise Silent from None

    def answer(self) -> R:
        """The answer to what was asked; raises what went wrong there, or Silent."""
        if not select.select([self.answering], [], [], PATIENCE)[0]:
            raise Silent
        try:
            fault, said = pickle.load(self.answering)  # noqa: S301  # from our own fork
        except (OSError, EOFError, pickle.UnpicklingError):
            raise Silent from None
        if fault:
            raise Silent(said)
        return said  # type: ignore[no-any-return]  # what ``work`` gave

    def end(self) -> None:
        """Away with it, whatever it does."""
        for pipe in (self.asking, self.answering):
            with suppress(OSError):
                pipe.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


@contextmanager
def helping(work: Callable[[T], R], *, wanted: bool) -> Iterator[Aside[T, R] | None]:
    """A helper for the length of a job; None where there is no second core for one."""
    if not wanted or not available():
        yield None
        return
    helper = Aside(work)
    try:
        yield helper
    finally:
        helper.end()


def available() -> bool:
    """Whether this process may use a second core: as it was said, else where there is one."""
    said: bool | None = settings.FANGKONG_HELPER
    return len(os.sched_getaffinity(0)) > 1 if said is None else said


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    with suppress(OSError):  # a bound of the system: then it takes some turns more
        fcntl(ends[0], F_SETPIPE_SZ, _PIPE_BYTES)
    return ends


# --- In the helper --------------------------------------------------------------------------------


def _serve(
    work: Callable[[Any], Any], questions: int, answers: int, others: tuple[int, int]
) -> NoReturn:
    try:
        for end in others:  # else its own copy would keep the pipe open
            os.close(end)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.disable()
        uuid_utils.reseed_rng()  # else both processes would make the same ids
        _let_go_of_databases()
        with os.fdopen(questions, "rb") as asked, os.fdopen(answers, "wb") as out:
            while True:
                question = pickle.load(asked)  # noqa: S301  # from the process that forked us
                try:
                    said = (False, work(question))
                except Exception as fault:  # whoever asked does it once more, and sees it there
                    said = (True, type(fault).__name__)
                pickle.dump(said, out, pickle.HIGHEST_PROTOCOL)
                out.flush()
                gc.collect(0)
    finally:
        os._exit(0)


_kept: list[Any] = []


def _let_go_of_databases() -> None:
    """The connections are the other process's: neither used nor closed here."""
    for each in connections.all(initialized_only=True):
        _kept.append(each.connection)
        each.connection = None
        each.connect = _refuse  # type: ignore[method-assign]


def _refuse() -> NoReturn:
    raise RuntimeError("a helper asks no database")
