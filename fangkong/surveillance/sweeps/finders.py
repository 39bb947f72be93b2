"""Sweeps for the search over everything, by a part of their title."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import finders
from fangkong.core.finders import Found

from . import queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Sweeps"), "building-community")
def sweeps(user: User, at: datetime, text: str) -> Iterable[Found]:
    """The latest in front."""
    if not user.scope(VIEW, at):
        return
    rows = queries.open_to(user, at).filter(title__icontains=text)
    for one in rows.order_by("-first_date", "-pk")[: finders.EACH]:
        yield Found(one.title, one.get_absolute_url(), one.county.display_short)
