"""A document entered for one person that is another one's: what is said of it, what is noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fangkong.core import bulk
from fangkong.core.audit import actions as audit
from fangkong.core.audit import refusals
from fangkong.core.audit.types import How
from fangkong.core.sealing.fields import index_of

from . import queries
from .intake import AnotherPerson
from .models import IdentityDocument
from .rules import Claim

if TYPE_CHECKING:
    from datetime import date

    from fangkong.accounts.models import User

    from .models import Person
    from .types import Document

_PLACE = "people.clash"


def clash(holder: Person, by: User | None, at: datetime) -> AnotherPerson:
    """The refusal of a document that belongs to ``holder``, who is named to those only who may open
    the person.

    Whoever types a number learns from it that somebody is known by it: that is a view of the
    person, and is noted as one although the entry itself is rolled back.
    """
    if by is None:
        return AnotherPerson()
    refusals.stands(audit.seen, holder, by=by, at=at, how=How.FOUND, place=_PLACE)
    if queries.open_to(by, at).filter(pk=holder.pk).exists():
        return AnotherPerson(holder.name)
    return AnotherPerson()


@dataclass(frozen=True)
class Held:
    """The person known by a document, by key; the refusal where it must be somebody else."""

    person_id: int
    refusal: AnotherPerson | None = None


def claims(stated: Sequence[tuple[Document, str, str, date | None]]) -> list[Claim]:
    """Documents with the name, sex and birth date stated for them. Asks no database."""
    numbers = [document.number for document, *_facts in stated]
    found = dict(zip(numbers, index_of(IdentityDocument, "number_index", numbers), strict=True))
    return [
        Claim(_key(document.kind, found[document.number]), name, sex, birth_date)
        for document, name, sex, birth_date in stated
    ]


def held(claimed: Mapping[int, Claim], *, by: User, at: datetime) -> dict[int, Held]:
    """Which of these documents somebody is known by already, as when they would be entered now.

    For the preview of a list: in a handful of statements however long it is. Those that belong to
    somebody else are noted as in ``clash``.
    """
    indexes = [claim.key.partition(":")[2] for claim in claimed.values()]
    keys = bulk.keys_where(IdentityDocument, number_index=indexes)
    if not keys:
        return {}
    documents = IdentityDocument.objects.filter(pk__in=keys, person__merged_into__isnull=True)
    holders = {
        _key(document.kind, document.number_index): document.person
        for document in documents.select_related("person")
    }
    found: dict[int, Person] = {}
    others: dict[int, Person] = {}
    for place, claim in claimed.items():
        if person := holders.get(claim.key):
            known = Claim(claim.key, person.name, person.sex, person.birth_date)
            (others if known.contradicts(claim) else found)[place] = person
    named = _named([*others.values()], by, at)
    return {
        **{place: Held(person.pk) for place, person in found.items()},
        **{place: Held(person.pk, named[person.pk]) for place, person in others.items()},
    }


def _named(holders: Sequence[Person], by: User, at: datetime) -> dict[int, AnotherPerson]:
    if not holders:
        return {}
    audit.seen(holders, by=by, at=at, how=How.FOUND, place=_PLACE)
    keys = {holder.pk for holder in holders}
    may_open = set(queries.open_to(by, at).filter(pk__in=keys).values_list("pk", flat=True))
    return {
        holder.pk: AnotherPerson(holder.name if holder.pk in may_open else "") for holder in holders
    }


def _key(kind: str, index: str) -> str:
    return f"{kind}:{index}"
