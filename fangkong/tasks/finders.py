"""Tasks for the search over everything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import finders
from fangkong.core.finders import Found

from . import queries, rules

if TYPE_CHECKING:
    from fangkong.accounts.models import User

LOOKED_AT = 200  # a title is made of words in two languages, so it is compared here, not in SQL


@finders.finder(_("Tasks"), "checklist")
def tasks(user: User, at: datetime, text: str) -> Iterable[Found]:
    """Unfinished tasks by their title, the ones that are due first."""
    rows = queries.open_to(user, at).filter(state__in=rules.UNFINISHED).order_by("due_at", "pk")
    for task in rows[:LOOKED_AT]:
        if finders.fits(text, task.title):
            yield Found(task.title, task.get_absolute_url(), task.office)
