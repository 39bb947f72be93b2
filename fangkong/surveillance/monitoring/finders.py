"""Cases for the search over everything: the patient masked."""

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


@finders.finder(_("Cases"), "clipboard-list")
def cases(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By number, or by what finds the patient."""
    if not user.scope(VIEW, at):
        return
    for case in queries.found(user, at, text)[: finders.EACH]:
        note = f"{describe.condition(case)} · {case.person.masked_name}"
        yield Found(case.number, case.get_absolute_url(), note, case)
