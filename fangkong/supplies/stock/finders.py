"""Items are found by name, pinyin or code; sheets of the ledger by their number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import finders, pages
from fangkong.core.finders import Found

from . import queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Supplies"), "package")
def items(user: User, at: datetime, text: str) -> Iterable[Found]:
    """The catalogue, by name."""
    if not user.scope(VIEW, at):
        return
    for one in pages.named_like(queries.items(), text)[: finders.EACH]:
        yield Found(one.display_name, one.get_absolute_url(), one.code)


@finders.finder(_("Sheets of the ledger"), "receipt")
def entries(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By the beginning of the number."""
    if not user.scope(VIEW, at) or "-" not in text:
        return
    rows = queries.entries_open_to(user, at).filter(number__startswith=text.strip())
    for one in rows.order_by("-pk")[: finders.EACH]:
        yield Found(one.number, one.get_absolute_url(), one.place.display_name)
