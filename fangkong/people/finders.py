"""Persons for the search over everything: always masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, finders
from fangkong.core.finders import Found

from . import queries
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Persons"), "users")
def persons(user: User, at: datetime, text: str) -> Iterable[Found]:
    """By name, pinyin, initials, or a whole document or phone number."""
    if not user.scope(VIEW, at):
        return
    today = clock.day_of(at)
    for person in queries.search(user, at, text)[: finders.EACH]:
        area = person.area or person.county
        facts = [queries.sex_name(person), queries.age_text(person, today)]
        facts.append(area.display_name if area else "")
        note = " · ".join(fact for fact in facts if fact)
        yield Found(person.masked_name, person.get_absolute_url(), note, person)
