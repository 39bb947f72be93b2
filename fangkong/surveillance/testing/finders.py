"""Tubes for the search over everything: by the number on the label, persons masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import finders
from fangkong.core.finders import Found

from . import describe, queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Specimens and pools"), "test-pipe")
def tubes(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By the beginning of the number; a specimen with whose it is, a pool with how full it is."""
    if not user.scope(VIEW, at):
        return
    specimens, pools = queries.found(user, at, text, finders.EACH)
    for one in specimens:
        note = f"{describe.subject(one)} · {one.get_state_display()}"
        yield Found(one.number, one.get_absolute_url(), note, one)
    for pool in pools:
        note = f"{describe.rule(pool)} · {pool.get_state_display()}"
        yield Found(pool.number, pool.get_absolute_url(), note)
