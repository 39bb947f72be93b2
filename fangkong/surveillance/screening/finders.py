"""Persons under observation for the search over everything: masked, as far as they are open."""

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


@finders.finder(_("Persons under observation"), "users-group")
def observations(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By what finds the person, the latest in front."""
    if not user.scope(VIEW, at):
        return
    for one in queries.found(user, at, text)[: finders.EACH]:
        note = f"{describe.contact_class(one)} · {describe.state(one, at)}"
        yield Found(one.person.masked_name, one.get_absolute_url(), note, one)
