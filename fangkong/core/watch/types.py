"""Who may see the state of the system, and one line of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.roles import Role

SEE_WATCH = permissions.declare(
    "core.watch.view", _("See the state of the system"), roles=[Role.ADMINISTRATOR]
)


WORKER = _("Worker")  # what the doctor calls its look at the worker


class Tone(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Line:
    """What was looked at, how it is, and what to do where it is not well."""

    tone: Tone
    said: str | Promise
    todo: str | Promise = ""
    title: str | Promise = ""


def ok(said: str | Promise) -> Line:
    return Line(Tone.OK, said)


def warn(said: str | Promise, todo: str | Promise) -> Line:
    return Line(Tone.WARN, said, todo)


def bad(said: str | Promise, todo: str | Promise) -> Line:
    return Line(Tone.BAD, said, todo)
