"""What a job and a schedule are; parts declare theirs in ``jobs.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.roles import Role

SEE_JOBS = permissions.declare(
    "core.queue.view", _("See and repeat background jobs"), roles=[Role.ADMINISTRATOR]
)


class Progress(Protocol):
    def __call__(self, done: int, total: int) -> None: ...


# Jobs that wait for other machines have a queue of their own, and a thread of the worker that does
# nothing else: they hold up no work of the house, and none of it holds them up.
OUTSIDE = "outside"


@dataclass(frozen=True)
class Work:
    """One kind of job: what to call, how often to try, and whether it waits for other machines."""

    name: str
    call: Callable[[int, datetime, Progress], None]
    tries: int
    outside: bool = False


# What each kind of job is called on pages, by its name in code.
TITLES: dict[str, str | Promise] = {}


@dataclass(frozen=True)
class Schedule:
    """Something that happens by the clock: a cron line in the deployment's time zone."""

    name: str
    cron: str
    call: Callable[[datetime], None]
