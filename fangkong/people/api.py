"""Persons for machines: masked like the pages; full values one by one, with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from ninja import Field, Router, Schema
from ninja.decorators import decorate_view

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.api import Page
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.permissions import Permission
from fangkong.core.refusals import WrongField, filled
from fangkong.places import queries as places

from . import actions, queries
from .duplicates import queries as duplicates
from .models import IdentityDocument, Person, Phone
from .types import CORRECT, REGISTER, REVEAL, VIEW, Document, PhoneNumber

if TYPE_CHECKING:
    from fangkong.places.models import Area

router = Router(tags=["people"])
SEARCH_LIMIT = 50


class NumberOut(Schema):
    """A document or phone; ``number`` is masked."""

    id: UUID
    kind: str
    number: str


class PersonOut(Schema):
    """A person, masked. ``name``, ``guardian_name`` and numbers never come in full here."""

    id: UUID
    name: str
    sex: str
    age_years: int | None
    age_months: int | None
    occupation: str
    county: str
    area: str
    guardian_name: str
    documents: list[NumberOut]
    phones: list[NumberOut]
    synthetic: bool


class JoinedOut(Schema):
    """A record that was entered twice and joined to another one: where that is."""

    id: UUID
    joined_to: UUID


class DocumentIn(api.Body):
    kind: str
    number: str = ""
    issued_by: str = ""


class PhoneIn(api.Body):
    number: str
    kind: str = "own"
    note: str = ""


class RemoveIn(api.Body):
    """``number``: the id of a document or phone of the person."""

    number: UUID
    reason: str


class PersonIn(api.Body):
    """A person to register. ``area`` is a code, of today or former."""

    name: str
    sex: str = "0"
    birth_date: date | None = None
    age_years: int | None = None
    age_months: int | None = None
    age_on: date | None = None
    occupation: str = ""
    workplace: str = ""
    guardian_name: str = ""
    ethnicity: str = ""
    area: str = Field("", max_length=24)
    address_detail: str = ""
    documents: list[DocumentIn] = Field(default_factory=list, max_length=10)
    phones: list[PhoneIn] = Field(default_factory=list, max_length=10)


class CorrectionIn(api.Body):
    """The fields to set; those left out stay as they are."""

    name: str | None = None
    sex: str | None = None
    birth_date: date | None = None
    occupation: str | None = None
    workplace: str | None = None
    guardian_name: str | None = None
    ethnicity: str | None = None
    area: str | None = Field(None, max_length=24)
    address_detail: str | None = None


class SearchIn(api.Body):
    text: str = Field(min_length=1, max_length=100)


class RevealIn(api.Body):
    reason: str
    fields: list[str]


@router.get("/", response=Page[PersonOut])
@decorate_view(never_cache)
def index(request: HttpRequest) -> HttpResponse:
    """Persons open to the user, newest first."""
    staff = _allowed(request, VIEW)
    rows = queries.with_numbers(queries.open_to(staff.user, staff.now))
    return api.page(request, rows, lambda person: _shown(staff, person), order="-created_at")


@router.post("/search/", response=list[PersonOut])
@decorate_view(never_cache)
@api.reads
def search(request: HttpRequest, asked: SearchIn) -> list[PersonOut]:
    """At most 50 persons meant by a name, or by a whole document or phone number."""
    staff = _allowed(request, VIEW)
    rows = queries.with_numbers(queries.search(staff.user, staff.now, asked.text))
    found = list(rows[:SEARCH_LIMIT])
    opened(request, found, how=How.FOUND)
    return [_shown(staff, person) for person in found]


@router.post("/", response=PersonOut)
@decorate_view(never_cache)
def register(request: HttpRequest, stated: PersonIn) -> PersonOut:
    """The person of these facts, known already or new.

    Of somebody outside the caller's counties only the id and the masked name come back.
    """
    staff = _allowed(request, REGISTER)
    given = stated.model_dump(exclude={"area", "documents", "phones"})
    _check_occupation(staff, stated.occupation)
    with _told_at(documents=len(stated.documents), phones=len(stated.phones)):
        person = api.once(
            request,
            actions.register,
            **given,
            area=_area(staff, stated.area),
            documents=[Document(**one.model_dump()) for one in stated.documents],
            phones=[PhoneNumber(**one.model_dump()) for one in stated.phones],
            by=staff.user,
            at=staff.now,
        )
    return _shown_if_open(staff, person)


@router.get("/{uuid:public_id}/", response={200: PersonOut, 308: JoinedOut})
@decorate_view(never_cache)
def detail(
    request: HttpRequest, response: HttpResponse, public_id: UUID
) -> PersonOut | tuple[int, JoinedOut]:
    """One person, masked. A record that was joined to another one answers 308 with its address."""
    staff = _allowed(request, VIEW)
    if (sign := duplicates.signpost(staff.user, staff.now, public_id)) is not None:
        opened(staff, sign)
        assert sign.merged_into is not None
        kept = sign.merged_into.public_id
        response["Location"] = f"../{kept}/"
        return 308, JoinedOut(id=public_id, joined_to=kept)
    person = _person(staff, public_id, VIEW)
    api.version_of(request, person)
    return _shown(staff, person)


@router.post("/{uuid:public_id}/correct/", response=PersonOut)
@decorate_view(never_cache)
@api.conditional
def correct(request: HttpRequest, public_id: UUID, stated: CorrectionIn) -> PersonOut:
    """Set the given fields."""
    staff = _allowed(request, CORRECT)
    changes = stated.model_dump(exclude_unset=True)
    texts = {name: value or "" for name, value in changes.items() if name != "birth_date"}
    changes.update(texts)
    if "area" in changes:
        changes["area"] = _area(staff, changes["area"])
    known = _person(staff, public_id, CORRECT)
    _check_occupation(staff, changes.get("occupation", ""), known.occupation)
    person = api.once(
        request,
        actions.correct,
        known,
        person=known,
        changes=changes,
        by=staff.user,
        at=staff.now,
    )
    return _shown_if_open(staff, person)


@router.post("/{uuid:public_id}/documents/", response=PersonOut)
@decorate_view(never_cache)
def add_document(request: HttpRequest, public_id: UUID, stated: DocumentIn) -> PersonOut:
    """Add an identity document."""
    return _added(request, public_id, actions.add_document, stated.model_dump())


@router.post("/{uuid:public_id}/phones/", response=PersonOut)
@decorate_view(never_cache)
def add_phone(request: HttpRequest, public_id: UUID, stated: PhoneIn) -> PersonOut:
    """Add a phone number."""
    return _added(request, public_id, actions.add_phone, stated.model_dump())


@router.post("/{uuid:public_id}/numbers/remove/", response=PersonOut)
@decorate_view(never_cache)
def remove_number(request: HttpRequest, public_id: UUID, said: RemoveIn) -> PersonOut:
    """Take a document or phone that is not this person's from the record; it is destroyed."""
    staff = _allowed(request, CORRECT)
    person = _person(staff, public_id, CORRECT)
    told: dict[str, Any] = {"person": person, "number": said.number, "reason": said.reason}
    api.once(request, actions.remove_number, person, **told, by=staff.user, at=staff.now)
    rows = queries.with_numbers(queries.one_open_to(staff.user, staff.now, CORRECT))
    return _shown(staff, rows.get(pk=person.pk))


# The fields of a number as the rules name them: the list that holds it, and its name there.
_OF_NUMBERS = {
    "document_kind": ("documents", "kind"),
    "document_number": ("documents", "number"),
    "issued_by": ("documents", "issued_by"),
    "phone": ("phones", "number"),
    "phone_kind": ("phones", "kind"),
    "phone_note": ("phones", "note"),
}


@contextmanager
def _told_at(**lists: int) -> Iterator[None]:
    """A fault of a number with its place in the body: in the list of as many, or without lists."""
    try:
        yield
    except WrongField as problem:
        if problem.field in _OF_NUMBERS:
            many, name = _OF_NUMBERS[problem.field]
            where = f"/{name}"
            if lists:  # which one of several it is, the rules do not say
                where = f"/{many}/0/{name}" if lists[many] == 1 else f"/{many}"
            problem.errors = [{"in": "body", "where": where, "text": str(problem)}]
        raise


def _added(
    request: HttpRequest, public_id: UUID, action: Callable[..., Model], stated: dict[str, Any]
) -> PersonOut:
    staff = _allowed(request, CORRECT)
    person = _person(staff, public_id, CORRECT)
    with _told_at():
        api.once(request, action, person, person=person, by=staff.user, at=staff.now, **stated)
    rows = queries.with_numbers(queries.one_open_to(staff.user, staff.now, CORRECT))
    return _shown(staff, rows.get(pk=person.pk))


@router.post("/{uuid:public_id}/reveal/", response=dict[str, list[str]])
@decorate_view(never_cache)
def reveal(request: HttpRequest, public_id: UUID, asked: RevealIn) -> dict[str, list[str]]:
    """Full values of the fields asked for; the reason goes into the audit trail."""
    staff = _allowed(request, REVEAL)
    line = api.once(
        request,
        actions.reveal,
        person=_person(staff, public_id, REVEAL),
        reason=asked.reason,
        fields=asked.fields,
        by=staff.user,
        at=staff.now,
    )
    return queries.in_full(line, staff.now).as_json()


def _allowed(request: HttpRequest, permission: Permission) -> StaffRequest:
    api.require(request, permission)
    return cast(StaffRequest, request)


def _person(staff: StaffRequest, public_id: UUID, permission: Permission) -> Person:
    rows = queries.with_numbers(queries.one_open_to(staff.user, staff.now, permission))
    person = get_object_or_404(rows, public_id=public_id)
    opened(staff, person)
    return person


def _area(staff: StaffRequest, code: str) -> Area | None:
    """The area of a code on today's date; none for an empty code."""
    if not code:
        return None
    found = places.area(code, clock.day_of(staff.now))
    if found is None:
        raise WrongField(_("There is no area with this code today."), "area")
    return found


def _check_occupation(staff: StaffRequest, code: str, before: str = "") -> None:
    """Refuse a code that the rules in force do not have, unless it stands there already."""
    known = queries.occupations(clock.day_of(staff.now))
    if code and code != before and known and code not in known:
        text = _("There is no such occupation. Use one of: %(codes)s.")
        raise WrongField(filled(text, codes=", ".join(known)), "occupation")


def _shown_if_open(staff: StaffRequest, person: Person) -> PersonOut:
    """What the house knew before is for those who may open the person; a number tells no more."""
    opened(staff, person)
    if queries.open_to(staff.user, staff.now).filter(pk=person.pk).exists():
        return _shown(staff, person)
    return PersonOut(
        id=person.public_id,
        name=person.masked_name,
        sex="",
        age_years=None,
        age_months=None,
        occupation="",
        county="",
        area="",
        guardian_name="",
        documents=[],
        phones=[],
        synthetic=person.synthetic,
    )


def _number(one: IdentityDocument | Phone) -> NumberOut:
    return NumberOut(id=one.public_id, kind=one.kind, number=one.masked_number)


def _shown(staff: StaffRequest, person: Person) -> PersonOut:
    day = clock.day_of(staff.now)
    age = person.age(day)
    facts = queries.masked(person, day)
    return PersonOut(
        id=person.public_id,
        name=facts.name,
        sex=person.sex,
        age_years=age.years if age else None,
        age_months=age.months if age else None,
        occupation=person.occupation,
        county=person.county.code if person.county else "",
        area=person.area.code if person.area else "",
        guardian_name=facts.guardian_name,
        documents=[_number(d) for d in person.documents.all()],
        phones=[_number(p) for p in person.phones.all()],
        synthetic=person.synthetic,
    )
