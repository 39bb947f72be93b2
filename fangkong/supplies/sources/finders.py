"""Sources are found by whom they come from, or by their code."""

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


@finders.finder(_("Sources of supplies"), "truck-delivery")
def supplies(user: User, at: datetime, text: str) -> Iterable[Found]:
    """Those open to the user, the last entered in front."""
    if not user.scope(VIEW, at):
        return
    rows = queries.open_to(user, at)
    if text := text.strip():
        rows = queries.named(rows, text)
    for one in rows.order_by("-pk")[: finders.EACH]:
        yield Found(one.display_name, one.get_absolute_url(), one.get_channel_display())
