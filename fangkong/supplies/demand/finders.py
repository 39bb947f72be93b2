"""The cover of an item is found by the item's name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import finders, pages
from fangkong.core.finders import Found
from fangkong.supplies.stock import queries as stock

from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Days of cover"), "hourglass")
def covers(user: User, at: datetime, text: str) -> Iterable[Found]:
    """Items by name; the page says how long they last where."""
    if not user.scope(VIEW, at):
        return
    for one in pages.named_like(stock.items(), text)[: finders.EACH]:
        address = reverse("supplies:demand:item", args=[one.public_id])
        yield Found(one.display_name, address, one.code)
