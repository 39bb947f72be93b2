"""What other rooms may use of emergency access: the permission, and how a person is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.notices import types as notices
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from datetime import datetime

USE = permissions.declare(
    "accounts.emergency.use",
    _("Open one person in an emergency, with a reason"),
    roles=[Role.HOSPITAL, Role.WARD_STAFF, Role.COUNTY_CDC],
    personal=True,
)
SIGN_OFF = permissions.declare(
    "accounts.emergency.sign_off", _("Check uses of emergency access"), roles=[Role.AUDITOR]
)

USED = notices.declare(
    "accounts.emergency.used",
    _("Emergency access was used and waits to be checked"),
    "accounts:emergency:check",
    urgent=True,
)
HOLDS = timedelta(hours=2)
DAY = timedelta(days=1)
MISS = "accounts.emergency.miss"

name_verbs(
    {
        "accounts.emergency.open": _("Emergency access taken"),
        MISS: _("Emergency access tried, nobody found"),
        "accounts.emergency.close": _("Emergency access given back"),
        "accounts.emergency.sign_off": _("Emergency access checked"),
    }
)


@dataclass(frozen=True)
class Finder:
    """How a room above finds one person by an exact number, whoever asks.

    ``find`` takes the number and the moment and gives the public id, or None; ``url`` is the page
    of that person. It is asked only by the action that opens emergency access.
    """

    name: str
    label: str | Promise
    find: Callable[[str, datetime], UUID | None]
    url: Callable[[UUID], str]


_finders: dict[str, Finder] = {}


def register(finder: Finder) -> None:
    """Make a way to find a person known; a room above does so when it loads."""
    _finders[finder.name] = finder


def finders() -> list[Finder]:
    """Every way to find a person, in the order in which rooms load."""
    return list(_finders.values())
