"""What other rooms may use of duplicates: above all the door by which their rows follow a person.

**Whoever keeps a key to ``people.Person`` answers for it in the ``apps.py`` of the room**, or
``tests/test_architecture.py`` fails::

    from fangkong.people.duplicates.types import follow

    follow("surveillance.Case.person", stands=joining.stands)

When two records become one, the rows of the one that goes get the key of the one that is kept, and
get their old key back at an undo: one UPDATE of that column, no stamp touched. So:

- A table that is only ever added to (``append_only``) cannot follow. Let it lead to a row that can.
- Where both persons' rows cannot stand with one person (a unique constraint, two open cases of one
  disease), ``stands`` says so, row by row, in words that tell what to do first. Nothing is joined.
- ``stays`` names rows of the one that goes which have no work with the one that is kept, such as a
  phone that is known of both. They keep their key.
- A key that must keep its value whatever is joined (it tells what was, or is written anew by
  itself) says so by ``remains``, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role

JUDGE = permissions.declare(
    "people.duplicates.judge",
    _("Judge persons entered twice: join their records, or say that they are two"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)
FIND = permissions.declare(
    "people.duplicates.find",
    _("Search the register for persons entered twice"),
    roles=[Role.HEADQUARTERS],
    personal=True,
    whole=True,
)

name_verbs(
    {
        "people.duplicates.request": _("Search for persons entered twice asked for"),
        "people.duplicates.find": _("Register searched for persons entered twice"),
        "people.duplicates.merge": _("Two records joined into this one"),
        "people.duplicates.give_way": _("Joined into another record"),
        "people.duplicates.undo": _("Joining of two records undone"),
        "people.duplicates.come_back": _("Standing by itself again, joining undone"),
        "people.duplicates.bring_along": _("A late row followed its person"),
        "people.duplicates.keep_apart": _("Judged to be two persons"),
        "people.duplicates.reconsider": _("Judgement “two persons” taken back"),
    }
)
name_places(
    {
        "people.duplicates.index": _("Persons entered twice"),
        "people.duplicates.detail": _("Two records side by side"),
        "people.duplicates.merge": _("Join two records"),
        "people.duplicates.keep_apart": _("Two records side by side"),
        "people.duplicates.reconsider": _("Two records side by side"),
        "people.duplicates.merged": _("Joined records"),
        "people.duplicates.undo": _("Undo the joining of two records"),
    }
)


class Trigger(models.TextChoices):
    """Why the register was searched."""

    NIGHTLY = "nightly", pgettext_lazy("occasion of a search", "every night")
    ON_DEMAND = "on_demand", pgettext_lazy("occasion of a search", "on demand")


class Stage(models.TextChoices):
    """How far a search has come."""

    WAITING = "waiting", pgettext_lazy("stage of a search", "waiting")
    RUNNING = "running", pgettext_lazy("stage of a search", "running")
    DONE = "done", pgettext_lazy("stage of a search", "done")
    FAILED = "failed", pgettext_lazy("stage of a search", "failed")


class Weights(models.TextChoices):
    """Where the weights of agreement come from."""

    TRAINED = "trained", _("trained on this register")
    DELIVERED = "delivered", _("as delivered")


@dataclass(frozen=True)
class Obstacle:
    """Why two records cannot be joined as they are; ``text`` says what to do first, ``url`` where.

    For the eyes of whoever may open both persons.
    """

    text: str | Promise
    url: str = ""


# (key of the person that is kept, key of the one that goes, moment)
Stands = Callable[[int, int, datetime], Iterable[Obstacle]]
# (key of the person that is kept, key of the one that goes): keys of rows
Stays = Callable[[int, int], Iterable[int]]


@dataclass(frozen=True)
class Follower:
    """How the rows of one key to a person follow; ``key`` is "room.Table.field"."""

    key: str
    stands: Stands | None = None
    stays: Stays | None = None

    @property
    def table(self) -> str:
        """The table by its label."""
        return self.key.rpartition(".")[0]

    @property
    def field(self) -> str:
        """The key by its name."""
        return self.key.rpartition(".")[2]


_followers: dict[str, Follower] = {}
_remaining: dict[str, str] = {}


def follow(key: str, *, stands: Stands | None = None, stays: Stays | None = None) -> None:
    """The rows of this key ("room.Table.field") go with the person whom they are about."""
    _followers[key] = Follower(key, stands, stays)


def remains(key: str, why: str) -> None:
    """The rows of this key keep it, whatever is joined; ``why`` in a few words."""
    _remaining[key] = why


def followers() -> list[Follower]:
    """What follows, in the order of the keys."""
    return [_followers[key] for key in sorted(_followers)]


def remaining() -> dict[str, str]:
    """What keeps its key, and why."""
    return dict(_remaining)


purposes.declare(
    "people.duplicates",
    _("Find persons entered twice and join their records"),
    _("PIPL 8: data must be right; PIPL 13 (3), (4)"),
    {
        "people.Pair": _("Pairs that may be one person"),
        "people.Merge": _("Joined records"),
    },
)
