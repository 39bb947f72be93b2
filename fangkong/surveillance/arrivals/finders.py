"""Arrivals and checkpoints for the search over everything: persons masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import finders, pages
from fangkong.core.finders import Found

from . import describe, queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(pgettext_lazy("persons who arrived", "Arrivals"), "truck")
def arrivals(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By what finds the person, the latest in front."""
    if not user.scope(VIEW, at):
        return
    for one in queries.found(user, at, text)[: finders.EACH]:
        note = f"{one.arrived_date} · {describe.tier(one)}"
        yield Found(one.person.masked_name, one.get_absolute_url(), note, one)


@finders.finder(_("Checkpoints"), "map-pin")
def checkpoints(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By the name of the place, its pinyin or its initials."""
    if not user.scope(VIEW, at):
        return
    rows = queries.checkpoints_open_to(user, at).filter(closed_at__isnull=True)
    near = pages.named_like(rows, text, "facility__search_text")
    for one in near.order_by("pk")[: finders.EACH]:
        yield Found(one.facility.display_name, one.get_absolute_url(), one.county.display_short)
