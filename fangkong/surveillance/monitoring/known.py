"""A card for somebody of the register: what is known is not asked, and not said otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused
from fangkong.people import rules as people
from fangkong.people.types import DocumentKind

from .facts import PersonFacts

if TYPE_CHECKING:
    from fangkong.packs.types import Pack
    from fangkong.people.models import Person

AGE_SLIP = 1  # years that a stated age may be off


class SaidOtherwise(Refused):
    """The card contradicts what is known of its person; ``fields`` of the card say where.

    It does not tell what is known: whoever sends the card may look the person up.
    """

    def __init__(self, fields: Iterable[str]) -> None:
        super().__init__(
            _(
                "The register says otherwise of this person. Leave out what is known already, or"
                " correct the person first. If it is somebody else, send the card without a person."
            )
        )
        self.fields = list(fields)


def facts_of(person: Person, day: date, pack: Pack) -> dict[str, str]:
    """What the register knows of a person, by the names that rows of files have; never shown."""
    document = next((d for d in person.documents.all() if d.kind != DocumentKind.NONE), None)
    phone = next(iter(person.phones.all()), None)
    age, area = person.age(day), person.area
    found = {
        "name": person.name,
        "sex": person.sex if person.sex in ("1", "2") else "",
        "birth_date": person.birth_date.isoformat() if person.birth_date else "",
        "id_kind": document.kind if document else "",
        "id_number": document.full_number if document else "",
        "phone": phone.full_number if phone else "",
        "occupation": person.occupation,
        "workplace": person.workplace,
        "guardian": person.guardian_name,
        "area": area.code if area else "",
        "address": (person.full_address or area.display_name) if area else "",
    }
    if person.birth_date is None and age is not None:
        months = age.months is not None
        found["age"] = str(age.months if months else age.years)
        found["age_unit"] = "months" if months else "years"
    if found["occupation"] not in {row.code for row in pack.occupations}:
        del found["occupation"]  # of other rules: asked anew
    return {name: value for name, value in found.items() if value}


def completed(said: PersonFacts, person: Person, day: date, pack: Pack) -> PersonFacts:
    """What a card says of a known person, with what the register knows in its gaps.

    SaidOtherwise where both say something and not the same. Another phone is none of that: it is
    one more. So is the document of somebody of whom no document is known.
    """
    if wrong := [*_contradictions(said, person, day, pack)]:
        raise SaidOtherwise(wrong)
    known = facts_of(person, day, pack)
    same = ("name", "sex", "id_kind", "id_number", "occupation", "workplace", "guardian", "address")
    filled: dict[str, object] = {field: known[field] for field in same if field in known}
    if not said.phone and "phone" in known:
        filled["phone"] = known["phone"]
    if person.birth_date is not None:
        filled |= {"birth_date": person.birth_date, "age_years": None, "age_months": None}
    elif "age" in known:
        unit = "age_months" if known["age_unit"] == "months" else "age_years"
        filled |= {"age_years": None, "age_months": None, unit: int(known["age"])}
    if person.area_id is not None:
        filled["area_id"] = person.area_id
    return replace(said, **filled)  # type: ignore[arg-type]  # each by its name


def _contradictions(said: PersonFacts, person: Person, day: date, pack: Pack) -> Iterable[str]:
    known = facts_of(person, day, pack)
    if said.name and people.bare_name(said.name) != people.bare_name(person.name):
        yield "name"
    if said.sex in ("1", "2") and "sex" in known and said.sex != known["sex"]:
        yield "sex"
    if said.birth_date and person.birth_date and said.birth_date != person.birth_date:
        yield "birth_date"
    yield from _another_age(said, person, day)
    documents = [one for one in person.documents.all() if one.kind != DocumentKind.NONE]
    number = people.plain_number(said.id_number)
    if number and documents:
        held = {(one.kind, people.plain_number(one.full_number)) for one in documents}
        if (said.id_kind, number) not in held:
            yield "id_number"
    for field in ("occupation", "workplace", "guardian", "address"):
        there, here = known.get(field, ""), getattr(said, field)
        if there and here and _plain(there) != _plain(here):
            yield field


def _another_age(said: PersonFacts, person: Person, day: date) -> Iterable[str]:
    """An age that is no slip of a birthday."""
    age = person.age(day)
    if age is None:
        return
    known = age.years if age.months is None else age.months // 12
    for field, years in (
        ("age_years", said.age_years),
        ("age_months", None if said.age_months is None else said.age_months // 12),
    ):
        if years is not None and abs(years - known) > AGE_SLIP:
            yield field


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
