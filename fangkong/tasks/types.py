"""What other rooms may use of tasks: the permissions, the kinds, and how a task is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeAlias

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit import types as audit
from fangkong.core.files import types as files
from fangkong.core.notices import types as notices
from fangkong.core.permissions import Permission
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.core.webhooks.types import declare_event

VIEW = permissions.declare("tasks.view", _("See own tasks"), roles=list(Role))
OVERSEE = permissions.declare(
    "tasks.oversee",
    _("See every task of the area"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.INSPECTOR, Role.AUDITOR],
)
ASSIGN = permissions.declare(
    "tasks.assign",
    _("Give tasks within the area"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
)
REDIRECT = permissions.declare(
    "tasks.redirect", _("Reassign and cancel tasks"), roles=[Role.HEADQUARTERS]
)
# An auditor looks on; every other role may own tasks and finish them.
OWNERS = tuple(role for role in Role if role != Role.AUDITOR)
WORK = permissions.declare("tasks.work", _("Accept and finish own tasks"), roles=OWNERS)
PROOF = files.declare(
    files.Use("tasks.proof", permission=WORK, kinds=(*files.PHOTOS, *files.DOCUMENTS))
)


@cache
def own(role: str) -> Permission:
    """Being the owner by office: ``user.scope(own(role), at)`` is where the user holds the role.

    A token that sees tasks sees which of them are its user's own.
    """
    return Permission(f"tasks.own.{role}", "", frozenset({role}), part_of=VIEW.name)


# A value of a title: the same word in both languages, or one that needs no translation.
Words: TypeAlias = Mapping[str, str]
Params: TypeAlias = Mapping[str, "Words | str | int"]


def words(zh: str, en: str) -> dict[str, str]:
    """A value shown in the language of the page: ``params={"area": words("道孚", "Daofu")}``."""
    return {"zh": zh, "en": en}


@dataclass(frozen=True)
class Kind:
    """One kind of task. ``title`` holds ``%(name)s`` places that a task's params fill.

    ``url_name`` is the page of the record that the task serves, reversed with its public id; empty
    where the task stands alone.
    """

    code: str
    title: str | Promise
    url_name: str = ""

    def words(self, params: Params) -> str:
        """The title in the language of the page; a place without a value shows a dash."""
        return str(self.title) % _Filled(params)


class _Filled(dict[str, str]):
    def __init__(self, params: Params) -> None:
        zh = not (get_language() or "").startswith("en")
        super().__init__({name: _chosen(value, zh) for name, value in params.items()})

    def __missing__(self, name: str) -> str:
        return "—"


def _chosen(value: Words | str | int, zh: bool) -> str:
    if isinstance(value, Mapping):
        first, second = ("zh", "en") if zh else ("en", "zh")
        return value.get(first) or value.get(second, "")
    return str(value)


_kinds: dict[str, Kind] = {}


def declare_kind(code: str, title: str | Promise, url_name: str = "") -> Kind:
    """Make a kind known; rooms above do so in their ``types.py``. ``code`` is room.part.verb."""
    if code in _kinds:
        raise ValueError(f"kind of task {code} is declared twice")
    _kinds[code] = Kind(code, title, url_name)
    return _kinds[code]


def kind(code: str) -> Kind:
    """The kind of a code. One that no room declares any more still shows its code as a title."""
    return _kinds.get(code) or Kind(code, code.replace("%", "%%"))


def known(code: str) -> bool:
    """Whether some room has declared this kind."""
    return code in _kinds


TASK_ASSIGNED = declare_event("tasks.task_assigned", _("Task assigned"))

ASSIGNED = notices.declare("tasks.assigned", _("A task was given to your office"), "tasks:detail")
LATE = notices.declare("tasks.late", _("A task of your office is overdue"), "tasks:detail")
CLIMBED = notices.declare(
    "tasks.climbed", _("An overdue task was raised to you"), "tasks:detail", urgent=True
)

audit.name_verbs(
    {
        "tasks.assign": _("Task given"),
        "tasks.accept": _("Task accepted"),
        "tasks.finish": _("Task done"),
        "tasks.cancel": _("Task cancelled"),
        "tasks.reassign": _("Task given to another office"),
        "tasks.escalate": _("Overdue: raised to the next level"),
    }
)

MANUAL = declare_kind("tasks.manual", "%(text)s")  # the giver's own words


@dataclass(frozen=True)
class Counts:
    """How many tasks a user has to see to, for the desk."""

    open: int
    accepted: int
    late: int
    escalated: int

    @property
    def waiting(self) -> int:
        """Those that are not finished yet."""
        return self.open + self.accepted


@dataclass(frozen=True)
class DayOff:
    """The end of a task falls on a day on which offices rest."""

    name: str  # of the holiday, in the language of the page; empty on a weekend
    instead: datetime  # the same hour of the next working day


@dataclass(frozen=True)
class Escalation:
    """What one round of escalation did."""

    climbed: int
    failed: int


purposes.declare(
    "tasks.work",
    _("Give work to offices and see that it is done"),
    _("PIPL 13 (3)"),
    {"tasks.Task": _("Tasks")},
)
