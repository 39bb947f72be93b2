"""A second process for work that needs no database, beside the one that writes.

It is a fork: it has the rules, places and keys of the moment in its memory, and starts in some
milliseconds. It may ask no database (a connection belongs to the process that opened it), and ends
with whoever started it, whose end closes its pipe. What goes between the two are our own objects
over pipes that nobody else has. Nobody waits long for it: one that is late is killed.
"""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import pickle
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from time import monotonic
from typing import Any, Generic, NoReturn, TypeVar
from weakref import WeakSet

import uuid_utils
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

PATIENCE = 15.0  # seconds that an answer is waited for; a thousand rows take a third of one
_PIPE_BYTES = 1 << 20  # an answer goes over without waiting for the other side
_LENGTH = 8  # bytes in front of an answer that say how long it is


class Silent(Exception):
    """The helper has ended or hangs; its work is still to be done."""


class Aside(Generic[T, R]):
    """Works out one question at a time while the asker does something else.

    Raises OSError or MemoryError where the system gives it no process.
    """

    def __init__(self, work: Callable[[T], R]) -> None:
        pipes: list[int] = []
        try:
            pipes += _pipe()
            pipes += _pipe()
            with _opening:
                held = [each.connection for each in _opened]
                self.pid = os.fork()
        except (OSError, MemoryError):
            for end in pipes:
                os.close(end)
            raise
        questions, self.asking, self.answering, answers = pipes
        if self.pid == 0:
            _kept.extend(held)
            _serve(work, questions, answers, (self.asking, self.answering))
        os.close(questions)
        os.close(answers)
        os.set_blocking(self.asking, False)
        os.set_blocking(self.answering, False)
        self.until = 0.0  # when whoever waits for it has waited long enough
        self.ended = False

    def ask(self, question: T) -> None:
        """Give it something to do. Silent where it is not there any more, or takes nothing."""
        self.until = monotonic() + PATIENCE
        left = memoryview(pickle.dumps(question, pickle.HIGHEST_PROTOCOL))
        while left:
            left = left[self._when_ready(self.asking, select.POLLOUT, os.write, left) :]

    def answer(self) -> R:
        """The answer to what was asked; raises what went wrong there, or Silent."""
        self.until = monotonic() + PATIENCE
        length = int.from_bytes(self._read(_LENGTH), "big")
        try:
            fault, said = pickle.loads(self._read(length))  # noqa: S301  # from our own fork
        except pickle.UnpicklingError:
            self._late("answers what cannot be read")
        if fault:
            raise Silent(said)
        return said  # type: ignore[no-any-return]  # what ``work`` gave

    def _read(self, length: int) -> bytearray:
        data = bytearray(length)
        left = memoryview(data)
        while left:
            got = self._when_ready(self.answering, select.POLLIN, os.readv, [left])
            if not got:
                self._late("has ended")
            left = left[got:]
        return data

    def _when_ready(self, end: int, event: int, call: Callable[[int, Any], int], what: Any) -> int:
        """One call on a pipe, when the helper has done its part; in time, or it is killed."""
        if self.ended:
            raise Silent
        waiting = select.poll()
        waiting.register(end, event)
        if not waiting.poll(max(0.0, self.until - monotonic()) * 1_000):
            self._late(f"was silent for {PATIENCE:.0f} s")
        try:
            return call(end, what)
        except OSError:
            self._late("has ended")

    def _late(self, why: str) -> NoReturn:
        log.warning("helper %s %s", self.pid, why)
        self.end()
        raise Silent(why)

    def end(self) -> None:
        """Away with it, whatever it does."""
        if self.ended:  # its number may be another process's by now
            return
        self.ended = True
        os.close(self.asking)
        os.close(self.answering)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


@contextmanager
def helping(work: Callable[[T], R], *, wanted: bool) -> Iterator[Aside[T, R] | None]:
    """A helper for the length of a job; None where there is no second core, or no process, for one.

    Outside a transaction: whoever waits for a helper must hold nobody else up.
    """
    helper = _started(work) if wanted and available() else None
    try:
        yield helper
    finally:
        if helper is not None:
            helper.end()


def _started(work: Callable[[T], R]) -> Aside[T, R] | None:
    try:
        return Aside(work)
    except (OSError, MemoryError) as problem:  # too many processes, files, or too little memory
        log.warning("no helper: %s", type(problem).__name__)
        return None


def available() -> bool:
    """Whether this process may use a second core: as it was said, else where there is one."""
    said: bool | None = settings.FANGKONG_HELPER
    if said is not None:
        return said
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return (cores or 1) > 1


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    if sys.platform == "linux":  # elsewhere, and beyond a bound of the system, it takes more turns
        with suppress(OSError):
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return ends


# --- Connections of all threads -------------------------------------------------------------------

_opened: WeakSet[BaseDatabaseWrapper] = WeakSet()
_opening = Lock()  # nobody opens one while we fork


@receiver(connection_created)
def _note_opened(connection: BaseDatabaseWrapper, **_more: Any) -> None:
    with _opening:
        _opened.add(connection)


# In the helper: the connections of the other process, to the end. Python drops what belonged to
# other threads when it forks, and a connection that is dropped is closed: SQLite would undo here,
# in the memory that both processes share, what a thread over there has not committed yet.
_kept: list[Any] = []


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
                answer = pickle.dumps(said, pickle.HIGHEST_PROTOCOL)
                out.write(len(answer).to_bytes(_LENGTH, "big"))
                out.write(answer)
                out.flush()
                gc.collect(0)
    finally:
        os._exit(0)


def _let_go_of_databases() -> None:
    """The connections are the other process's: neither used nor closed here."""
    for each in connections.all(initialized_only=True):
        _kept.append(each.connection)
        each.connection = None
        each.connect = _refuse  # type: ignore[method-assign]


def _refuse() -> NoReturn:
    raise RuntimeError("a helper asks no database")
