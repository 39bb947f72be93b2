"""Cleaning what was stated about a person: plain forms, and refusals that name the field."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from functools import cache
from typing import cast

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused, WrongField, filled
from fangkong.core.spelling import shown

from . import rules
from .models import IdentityDocument, Person, Phone
from .rules import Fault
from .types import Document, DocumentKind, PhoneKind, PhoneNumber, Registration, Sex

OLDEST = 150  # years
_SEXES, _DOCUMENTS, _PHONES = (frozenset(of.values) for of in (Sex, DocumentKind, PhoneKind))
_TEXTS = ("name", "occupation", "workplace", "guardian_name", "ethnicity", "address_detail")

UNREADABLE = _("This text holds signs that cannot be read. Type it again.")
_FAULTS: dict[Fault, Promise] = {
    Fault.LENGTH: _("A resident identity number has 18 characters. Count them again."),
    Fault.CHARACTERS: _("A resident identity number is 17 digits and a digit or X. Type it again."),
    Fault.REGION: _("No region has these first two digits. Compare the number with the card."),
    Fault.BIRTH_DATE: _(
        "Digits 7 to 14 of the number are no birth date. Compare the number with the card."
    ),
    Fault.CHECK_DIGIT: _(
        "The last character does not fit the others: one of them is mistyped, or two are swapped."
        " Compare the number with the card."
    ),
    Fault.FORMAT: _(
        "This kind of document has no such number. Check the kind, and compare the number."
    ),
}


class DocumentDisagrees(WrongField):
    """Sex or birth date contradict the citizen's number."""


class AnotherPerson(Refused):
    """The document belongs to somebody of another name, sex or birth date.

    ``name`` is the holder's, to be given only for whom the asker may open (``clashes.py``).
    """

    def __init__(self, name: str = "") -> None:
        if not name:
            super().__init__(
                _(
                    "This document and what is stated with it do not fit the register. Compare the"
                    " number with the document; if all is right, ask the headquarters."
                )
            )
            return
        text = _(
            "This document is registered for %(name)s. Compare the number with the document; if it"
            " is right, ask the county CDC to correct the person."
        )
        super().__init__(filled(text, name=rules.masked_name(name)))


def checked(stated: Registration, today: date, held: Collection[str] = ()) -> Registration:
    """The same facts in plain form, with sex and birth date taken from a citizen's number.

    WrongField at the first value that cannot be right. ``held``: names that the register has
    already; whoever was entered as "?" once can still be corrected and joined.
    """
    plain = replace(
        stated,
        name=rules.plain_name(stated.name),
        guardian_name=rules.plain_name(stated.guardian_name),
        occupation=shown(stated.occupation),
        workplace=shown(stated.workplace),
        ethnicity=shown(stated.ethnicity),
        address_detail=shown(stated.address_detail),
        documents=tuple(checked_document(document, today) for document in stated.documents),
        phones=tuple(checked_phone(phone) for phone in stated.phones),
    )
    _check_texts(plain, held)
    if plain.sex not in _SEXES:
        raise WrongField(_("Choose one of the given values."), "sex")
    if plain.birth_date is not None and not rules.EARLIEST_BIRTH <= plain.birth_date <= today:
        raise WrongField(_("The birth date lies in the future or too far back."), "birth_date")
    return _with_age(_with_number(plain), today)


def _check_texts(plain: Registration, held: Collection[str]) -> None:
    if not plain.name:
        raise WrongField(_("Write the name, or 不详 where it is not known."), "name")
    for field in ("name", "guardian_name"):
        text = getattr(plain, field)
        if text and text not in held and not rules.is_name(text):
            raise WrongField(_("This is no name. Write the name, or 不详."), field)
    for field in _TEXTS:
        text = getattr(plain, field)
        if not rules.is_plain_text(text):
            raise WrongField(UNREADABLE, field)
        longest = _longest(Person, field)
        if len(text) > longest:
            raise WrongField(
                filled(_("At most %(most)s characters fit here."), most=longest), field
            )


def _with_number(plain: Registration) -> Registration:
    """Sex and birth date filled from the citizen's number; it must not contradict those stated."""
    for document in plain.documents:
        if document.kind != DocumentKind.RESIDENT_ID:
            continue
        told = rules.read_resident_id(document.number)
        field = rules.disagreement(told, sex=plain.sex, birth_date=plain.birth_date)
        if field == "birth_date":
            raise DocumentDisagrees(
                _("The identity number tells another birth date. Correct one of the two."), field
            )
        if field == "sex":
            raise DocumentDisagrees(
                _("The identity number tells the other sex. Correct one of the two."), field
            )
        if (plain.sex, plain.birth_date) != (told.sex, told.birth_date):
            plain = replace(plain, sex=told.sex, birth_date=told.birth_date)
    return plain


def _with_age(plain: Registration, today: date) -> Registration:
    """The stated age with its day, or none where the birth date tells it."""
    years, months = plain.age_years, plain.age_months
    if plain.birth_date is not None and years is not None:
        _check_age(plain.birth_date, years, plain.age_on or today)
    if plain.birth_date is not None or (years is None and months is None):
        if (years, months, plain.age_on) == (None, None, None):
            return plain
        return replace(plain, age_years=None, age_months=None, age_on=None)
    if not 0 <= (years or 0) <= OLDEST or not 0 <= (months or 0) <= 12 * OLDEST:
        raise WrongField(_("Nobody has this age."), "age_years")
    stated_on = plain.age_on or today
    if stated_on > today:
        raise WrongField(_("The age cannot have been stated in the future."), "age_on")
    return replace(plain, age_on=stated_on)


def checked_document(document: Document, today: date) -> Document:
    """The document with its number in plain form; WrongField where it cannot be right."""
    if document.kind == DocumentKind.NONE:
        return Document(document.kind)
    if document.kind not in _DOCUMENTS:
        raise WrongField(_("Choose one of the given kinds."), "document_kind")
    number = rules.plain_number(document.number)
    if fault := rules.document_fault(document.kind, number):
        raise WrongField(_FAULTS[fault], "document_number")
    if (
        document.kind == DocumentKind.RESIDENT_ID
        and rules.read_resident_id(number).birth_date > today
    ):
        raise WrongField(_FAULTS[Fault.BIRTH_DATE], "document_number")
    issued_by = shown(document.issued_by)
    if not rules.is_plain_text(issued_by):
        raise WrongField(UNREADABLE, "issued_by")
    if len(issued_by) > _longest(IdentityDocument, "issued_by"):
        raise WrongField(_("The name of the issuing office is too long."), "issued_by")
    return Document(document.kind, number, issued_by)


def checked_phone(phone: PhoneNumber) -> PhoneNumber:
    """The phone with its number in plain form; WrongField where it cannot be right."""
    number = rules.plain_phone(phone.number)
    if not rules.is_phone(number):
        raise WrongField(
            _(
                "A mobile number has 11 digits and begins with 13 to 19; a land line begins with"
                " its area code, as in 0836-2833123."
            ),
            "phone",
        )
    if phone.kind not in _PHONES:
        raise WrongField(_("Choose one of the given kinds."), "phone_kind")
    note = shown(phone.note)
    if not rules.is_plain_text(note):
        raise WrongField(UNREADABLE, "phone_note")
    if len(note) > _longest(Phone, "note"):
        raise WrongField(_("The note is too long."), "phone_note")
    return PhoneNumber(number, phone.kind, note)


@cache
def _longest(model: type[models.Model], field: str) -> int:
    """How many characters a text field holds; PostgreSQL would refuse more with an error page."""
    return cast("models.CharField[str, str]", model._meta.get_field(field)).max_length or 0


def _check_age(birth_date: date, years: int, on: date) -> None:
    """An age beside a birth date must tell the same, give or take a year.

    Ages are counted from birth, from one at birth (虚岁) or by calendar years.
    """
    told = rules.age_on(on, birth_date=birth_date)
    if told is None or not told.years - 1 <= years <= told.years + 2:
        raise WrongField(
            _("The age does not fit the birth date. Correct one of the two, or leave out the age."),
            "age_years",
        )
