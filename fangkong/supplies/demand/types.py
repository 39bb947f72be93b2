"""What others may use of demand: permissions, what is asked for, what is on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item

VIEW = permissions.declare(
    "supplies.demand.view",
    _("See needs, use and days of cover"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.WARD_STAFF,
        Role.STORE_KEEPER,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
)
ASK = permissions.declare(
    "supplies.demand.ask",
    _("Ask for goods, and withdraw or replace what was asked"),
    roles=[Role.COUNTY_CDC, Role.HOSPITAL],
)


class NeedState(models.TextChoices):
    """How a need stands (需求状态)."""

    OPEN = "open", pgettext_lazy("a need", "open")
    ANSWERED = "answered", pgettext_lazy("a need", "answered by a plan")
    REPLACED = "replaced", pgettext_lazy("a need", "replaced")
    WITHDRAWN = "withdrawn", pgettext_lazy("a need", "withdrawn")


class Strategy(models.TextChoices):
    """By which norms it is reckoned (用量档次)."""

    CONVENTIONAL = "conventional", pgettext_lazy("norms", "with enough of it")
    CONTINGENCY = "contingency", pgettext_lazy("norms", "sparing")
    CRISIS = "crisis", pgettext_lazy("norms", "in want")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One line of a need: so much of an item, or so many heads of a role of the rule pack.

    Heads with an item: only that one of what the role uses.
    """

    item: Item | None = None
    quantity: int | None = None
    who: str = ""
    heads: int | None = None


@dataclass(frozen=True, kw_only=True)
class Span:
    """For which days, both included, and why."""

    first_day: date
    last_day: date
    reason: str


@dataclass(frozen=True)
class Coming:
    """What is on its way to a place: so much of an item (their keys) on a day.

    ``what``: in words, such as the number of an order. ``sure``: it has left, not only promised.
    """

    place: int
    item: int
    day: date
    quantity: int
    what: str = ""
    sure: bool = False

    def counts_on(self, today: date) -> bool:
        """May a place count on it today? Not on what was only promised and is late."""
        return self.sure or self.day >= today


@dataclass(frozen=True)
class Forecast:
    """Heads of a role a day at a place, from today on, by quantile."""

    who: str
    heads: Mapping[float, Sequence[float]]


name_verbs(
    {
        "supplies.demand.ask": _("Goods asked for"),
        "supplies.demand.report": _("Need reported"),
        "supplies.demand.replace": _("Need replaced"),
        "supplies.demand.withdraw": _("Need withdrawn"),
        "supplies.demand.answer": _("Need answered by a plan"),
    }
)
name_places({"supplies.demand.cover": _("Days of cover")})
