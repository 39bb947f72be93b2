"""Who may prepare, approve and see plans, and what is said when one is prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item, Place

VIEW = permissions.declare(
    "supplies.allocation.view",
    _("See what plans of allocation gave to one's places, and why"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.STORE_KEEPER,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
)
OVERSEE = permissions.declare(
    "supplies.allocation.oversee",
    _("See whole plans of allocation"),
    roles=[Role.HEADQUARTERS, Role.INSPECTOR, Role.AUDITOR],
    whole=True,
)
PREPARE = permissions.declare(
    "supplies.allocation.prepare",
    _("Prepare plans of allocation, and change their lines with a reason"),
    roles=[Role.HEADQUARTERS],
    whole=True,
)
APPROVE = permissions.declare(
    "supplies.allocation.approve",
    _("Approve plans of allocation that somebody else prepared"),
    roles=[Role.HEADQUARTERS],
    whole=True,
)


class PlanState(models.TextChoices):
    """How a plan stands (方案状态)."""

    SOLVING = "solving", pgettext_lazy("a plan", "being reckoned")
    READY = "ready", pgettext_lazy("a plan", "waits for approval")
    APPROVED = "approved", pgettext_lazy("a plan", "approved")
    DROPPED = "dropped", pgettext_lazy("a plan", "dropped")
    OVERTAKEN = "overtaken", pgettext_lazy("a plan", "overtaken by another plan")


class PlanMode(models.TextChoices):
    """What is shared out in proportion to what (调配方式)."""

    BY_NEED = "by_need", _("by need: the worst-off first")
    BY_REQUEST = "by_request", _("by request: the same part of each request")
    BY_CONSUMPTION = "by_consumption", _("by consumption: the same months for everybody")


@dataclass(frozen=True, kw_only=True)
class Offered:
    """An item that is shared out; ``pack``: pieces of a pack that is not opened."""

    item: Item
    keep_back: int = 0
    pack: int = 1


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A place that may get something; see ``types.Place``."""

    place: Place
    exposure: int = 1
    risk: int = 1
    lead_days: int = 0
    floor_days: int = 0


@dataclass(frozen=True, kw_only=True)
class PlanFacts:
    """What a plan is asked to do."""

    mode: str
    first_day: date
    days: int
    items: Sequence[Offered]
    places: Sequence[Receiver]
    substitutes: bool = False


name_verbs(
    {
        "supplies.allocation.prepare": _("Plan of allocation prepared"),
        "supplies.allocation.adjust": _("Line of a plan of allocation changed"),
        "supplies.allocation.approve": _("Plan of allocation approved"),
        "supplies.allocation.drop": _("Plan of allocation dropped"),
    }
)
