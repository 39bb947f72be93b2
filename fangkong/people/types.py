"""What other rooms may use of people: permissions, choices, and the plain facts of a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from fangkong.core.permissions import Scoped
    from fangkong.places.models import Area

    # (facilities, user, moment): a query of one column, ids of persons
    KnownTo = Callable[[frozenset[int], Scoped, datetime], QuerySet[Any, Any]]

VIEW = permissions.declare(
    "people.view",
    _("See persons, masked"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.WARD_STAFF, Role.LABORATORY],
    personal=True,
    reading=True,
)
REGISTER = permissions.declare(
    "people.register",
    _("Register persons"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.LABORATORY],
    personal=True,
)
CORRECT = permissions.declare(
    "people.correct",
    _("Correct persons"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)
REVEAL = permissions.declare(
    "people.reveal",
    _("See a person's full data, with a reason"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.WARD_STAFF],
    personal=True,
    reading=True,
)

_known_to: list[KnownTo] = []


def known_to_facility(persons: KnownTo) -> KnownTo:
    """A room above says whom staff of facilities know by its records, such as cases they reported.

    The function must bound its records by the user's own permission there, too: who may not see
    the record learns nothing of its person.
    """
    if persons not in _known_to:
        _known_to.append(persons)
    return persons


def known(facilities: frozenset[int], user: Scoped, at: datetime) -> Iterator[QuerySet[Any, Any]]:
    """Ids of the persons whom staff of these facilities know, one query for each room above."""
    return (persons(facilities, user, at) for persons in _known_to)


name_verbs(
    {
        "people.register": _("Person registered"),
        "people.complete": _("Person completed by another report"),
        "people.correct": _("Person corrected"),
        "people.add_document": _("Document added"),
        "people.add_phone": _("Phone added"),
        "people.remove_document": _("Document removed"),
        "people.remove_phone": _("Phone removed"),
        "people.reveal": _("Full data seen"),
    }
)


name_places(
    {
        "people.detail": _("Person"),
        "people.reveal": _("Full data"),
        "people.correct": _("Correct a person"),
        "people.add_document": _("Add a document"),
        "people.add_phone": _("Add a phone"),
        "people.remove_number": _("Remove a number"),
        "people.index": _("List of persons"),
        "people.search": _("Search for persons"),
        "people.clash": _("Number entered for somebody else"),
    }
)


class Sex(models.TextChoices):
    """Sex by GB/T 2261.1."""

    UNKNOWN = "0", pgettext_lazy("sex", "unknown")
    MALE = "1", pgettext_lazy("sex", "male")
    FEMALE = "2", pgettext_lazy("sex", "female")
    UNSTATED = "9", pgettext_lazy("sex", "not stated")


class DocumentKind(models.TextChoices):
    """Kinds of identity documents (有效证件)."""

    RESIDENT_ID = "resident_id", _("Resident identity card")
    PASSPORT = "passport", _("Passport")
    HK_MACAO_PERMIT = ("hk_macao_permit", _("Travel permit for Hong Kong and Macao residents"))
    TAIWAN_PERMIT = "taiwan_permit", _("Travel permit for Taiwan residents")
    FOREIGN_PERMANENT_RESIDENCE = (
        "foreign_permanent_residence",
        _("Permanent residence card for foreigners"),
    )
    MILITARY = "military", _("Military document")
    HOUSEHOLD_BOOK = "household_book", _("Household register")
    NONE = "none", _("No document")


class PhoneKind(models.TextChoices):
    OWN = "own", pgettext_lazy("phone", "own")
    FAMILY = "family", pgettext_lazy("phone", "family")
    WORK = "work", pgettext_lazy("phone", "work")


class Revealable(models.TextChoices):
    """What stays masked until someone gives a reason."""

    NAME = "name", pgettext_lazy("person", "Name")
    BIRTH_DATE = "birth_date", _("Birth date")
    DOCUMENTS = "documents", _("Documents")
    PHONES = "phones", _("Phones")
    ADDRESS_DETAIL = "address_detail", _("Address below township")
    WORKPLACE = "workplace", _("Workplace or school")
    GUARDIAN_NAME = "guardian_name", _("Parent or guardian")
    ETHNICITY = "ethnicity", _("Ethnic group")


@dataclass(frozen=True)
class Document:
    """A document as stated. Of kind ``none`` it has no number: the person gets a temporary key."""

    kind: str
    number: str = ""
    issued_by: str = ""


@dataclass(frozen=True)
class PhoneNumber:
    """A phone as stated."""

    number: str
    kind: str = PhoneKind.OWN.value
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A person as a report, a list or an import states them; only the name is obligatory.

    An age is ``age_years`` (and ``age_months`` from birth under two years) on the day ``age_on``.
    """

    name: str
    sex: str = Sex.UNKNOWN.value
    birth_date: date | None = None
    age_years: int | None = None
    age_months: int | None = None
    age_on: date | None = None
    occupation: str = ""
    workplace: str = ""
    guardian_name: str = ""
    ethnicity: str = ""
    area: Area | None = None
    address_detail: str = ""
    documents: Sequence[Document] = field(default_factory=tuple)
    phones: Sequence[PhoneNumber] = field(default_factory=tuple)
    synthetic: bool = False


@dataclass(frozen=True)
class MaskedPerson:
    """A person for the eyes of those who need not know more. Every text may be shown and logged
    nowhere else; empty means not known."""

    name: str
    sex: str
    age: str
    occupation: str
    area: str
    documents: tuple[tuple[str, str], ...]  # (kind in words, masked number)
    phones: tuple[tuple[str, str], ...]
    address_detail: str
    workplace: str
    guardian_name: str


@dataclass(frozen=True)
class FullPerson:
    """Full values that somebody gave a reason for: (field, words of the field, values)."""

    rows: tuple[tuple[str, str, tuple[str, ...]], ...]

    def as_json(self) -> dict[str, list[str]]:
        """The same for machines."""
        return {name: list(values) for name, _label, values in self.rows}


purposes.declare(
    "people.register",
    _("Know the persons whom prevention concerns: patients, contacts, the isolated"),
    _("PIPL 13 (3), (4); Infectious Diseases Law"),
    {
        "people.Person": _("Persons"),
        "people.NamePart": _("Search index of names"),
        "people.IdentityDocument": _("Identity documents"),
        "people.Phone": _("Phones"),
    },
)
purposes.declare(
    "people.requests",
    _("Answer persons who ask about their data"),
    _("PIPL 44 to 50"),
    {"people.DataRequest": _("Requests of persons")},
)
