"""A document entered for one person that is another one's: what is said of it, what is noted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from fangkong.core.audit import actions as audit
from fangkong.core.audit import refusals
from fangkong.core.audit.types import How

from . import queries
from .intake import AnotherPerson

if TYPE_CHECKING:
    from fangkong.accounts.models import User

    from .models import Person


def clash(holder: Person, by: User | None, at: datetime) -> AnotherPerson:
    """The refusal of a document that belongs to ``holder``, who is named to those only who may open
    the person.

    Whoever types a number learns from it that somebody is known by it: that is a view of the
    person, and is noted as one although the entry itself is rolled back.
    """
    if by is None:
        return AnotherPerson()
    refusals.stands(audit.seen, holder, by=by, at=at, how=How.FOUND, place="people.clash")
    if queries.open_to(by, at).filter(pk=holder.pk).exists():
        return AnotherPerson(holder.name)
    return AnotherPerson()
