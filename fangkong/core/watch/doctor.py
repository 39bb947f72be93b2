"""Look at everything that may be wrong with an installation; no look may hang or hide the others.

A room adds its own: ``@doctor.probe(_("Audit seals"))`` over a function that gives a ``Line`` (see
``types``), or None where there is nothing to look at.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, TimeoutError, wait
from dataclasses import replace
from time import monotonic

from django.db import DatabaseError, connections
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from . import health
from .types import Line, bad, warn

log = logging.getLogger(__name__)

Probe = Callable[[], Line | None]

SECONDS = 5.0  # for all of them: they look at the same time

_probes: list[tuple[str | Promise, Probe]] = []


def probe(title: str | Promise) -> Callable[[Probe], Probe]:
    """Add something to look at."""

    def add(call: Probe) -> Probe:
        _probes.append((title, call))
        return call

    return add


def examine(seconds: float = SECONDS) -> list[Line]:
    """A line for each thing that is there to be looked at, in the order of their making."""
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="doctor")
    language = translation.get_language()
    end = monotonic() + seconds
    asked = [(title, pool.submit(_look, call, language)) for title, call in _probes]
    wait([one for _title, one in asked], timeout=seconds)
    lines = []
    for title, one in asked:
        try:
            line = one.result(timeout=max(0.0, end - monotonic()))
        except TimeoutError:
            line = warn(_("no answer in time"), _("Look at it by hand, then ask again."))
        if line is not None:
            lines.append(replace(line, title=title))
    pool.shutdown(wait=False, cancel_futures=True)
    return lines


def _look(call: Probe, language: str | None) -> Line | None:
    try:
        with translation.override(language):
            line = call()
            # Words are chosen here: the thread that draws them may speak another language.
            return line and replace(line, said=str(line.said), todo=str(line.todo))
    except Exception as problem:
        if isinstance(problem, DatabaseError) and _behind():
            return None  # the line of the migrations says it, and what to do
        log.warning("probe failed", extra={"probe": call.__name__, "error": type(problem).__name__})
        return bad(type(problem).__name__, _("This could not be looked at; see the log."))
    finally:
        connections.close_all()


def _behind() -> bool:
    """Whether what failed may have failed only because migrations are not applied."""
    try:
        return not health.up_to_date()
    except DatabaseError:
        return False


def worst(lines: list[Line]) -> int:
    """0 where all is well, 1 with a warning, 2 with something bad: the exit code."""
    return max((["ok", "warn", "bad"].index(line.tone) for line in lines), default=0)
