"""Areas and facilities for the search over everything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, finders, pages
from fangkong.core.finders import Found

from . import queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Areas"), "map-pin")
def areas(user: User, at: datetime, text: str) -> Iterable[Found]:
    """The counties by pinyin too (they are in memory); others by a part of a name or by code."""
    if not user.scope(VIEW, at):
        return
    counties = queries.counties_of_home(clock.day_of(at))
    near = [c for c in counties if finders.fits(text, c.name_zh, c.name_en)]
    shown = {county.pk for county in near}
    rows = queries.named_like(queries.areas_open_to(user, at), text)[: finders.EACH]
    for area in [*near, *(row for row in rows if row.pk not in shown)]:
        yield Found(area.display_name, area.get_absolute_url(), area.code)


@finders.finder(_("Facilities"), "building-hospital")
def facilities(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By name, pinyin or its initials."""
    rows = pages.named_like(queries.facilities_open_to(user, at), text).order_by("area__path", "pk")
    for one in rows[: finders.EACH]:
        yield Found(one.display_name, one.get_absolute_url(), one.area.display_name)
