"""What others may use of notices: their kinds, and who sets up the ways out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from fangkong.accounts.models import User

# The records of these public ids that a user may see at a moment, and how a list calls each.
Names = Callable[["User", datetime, Collection[UUID]], Mapping[UUID, str]]

MANAGE = permissions.declare(
    "core.notices.manage",
    _("Set up the ways by which notices leave the house"),
    roles=[Role.ADMINISTRATOR],
)


@dataclass(frozen=True)
class Kind:
    """One kind of notice. ``words`` is all that is ever said: it has no place for anything else.

    ``url_name`` is the page of the record, reversed with its public id. ``urgent`` kinds may break
    quiet hours, where their reader allows it.
    """

    code: str
    words: str | Promise
    url_name: str
    urgent: bool = False


_kinds: dict[str, Kind] = {}


def declare(code: str, words: str | Promise, url_name: str, *, urgent: bool = False) -> Kind:
    """Make a kind known; rooms do so in their ``types.py``. ``code`` is room.part.what_happened."""
    if code in _kinds:
        raise ValueError(f"kind of notice {code} is declared twice")
    _kinds[code] = Kind(code, words, url_name, urgent)
    return _kinds[code]


_names: dict[str, Names] = {}


def call_by_name(url_name: str, names: Names) -> None:
    """Say what the records of a page are called; on pages only: nothing of it leaves the house."""
    _names[url_name] = names


def names(url_name: str) -> Names | None:
    """How the records of a page are called, where their room says so."""
    return _names.get(url_name)


def kinds() -> dict[str, Kind]:
    """Every kind by its code."""
    return dict(sorted(_kinds.items()))


def kind(code: str) -> Kind:
    """The kind of a code; one that no room declares any more is still something new."""
    return _kinds.get(code) or Kind(code, _("Something waits for you"), "")


TEST = declare("core.notices.test", _("A test of this way out"), "core:notices:channel")

name_verbs(
    {
        "core.notices.read": _("Notices read"),
        "core.notices.choose": _("Choice of notices changed"),
        "core.notices.follow": _("Way of notices chosen"),
        "core.notices.unfollow": _("Way of notices given up"),
        "core.notices.add_channel": _("Way out for notices set up"),
        "core.notices.stop_channel": _("Way out for notices stopped"),
        "core.notices.test_channel": _("Way out for notices tried"),
        "core.notices.repeat": _("Message sent again"),
        "core.notices.forget": _("Old messages cleared"),
    }
)
