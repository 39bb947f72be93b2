"""The one register of persons. No other table of the house holds a name or phone of the public.

Numbers of documents, phones and the address below township lie encrypted in the database
(decision 0013); numbers are found by their blind index (``with_numbers``, ``with_number``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import bulk
from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record, address, stamp_of_an_import, stamps
from fangkong.core.sealing import BlindIndexField, SealedTextField
from fangkong.core.sealing.fields import index_of
from fangkong.core.walls.types import Wall

from . import rules
from .duplicates.models import Merge, Pair, Run
from .requests.models import DataRequest
from .types import Document, DocumentKind, PhoneKind, PhoneNumber, Sex

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

__all__ = ["DataRequest", "IdentityDocument", "Merge", "Pair", "Person", "Phone", "Run"]


def called(name: str, restricted_at: datetime | None, public_id: UUID) -> str:
    """What a page, a file or a machine may call a person: the mask, or a restricted one's number.

    The one place where that is decided; for rows that were fetched as plain values.
    """
    if restricted_at is None:
        return rules.masked_name(name)
    number = str(public_id)[-8:].upper()
    return _("restricted %(number)s") % {"number": number}


def _masked(number: str, person: Person) -> str:
    """What may be shown of a document or phone number; nothing of restricted data."""
    return rules.masked_number(number) if person.restricted_at is None else rules.HIDDEN


class Person(Record):
    """A person of the public: a patient, a contact, someone screened or isolated.

    The age is stated (``age_years`` or, under two years, ``age_months`` on ``age_on``) only where
    the birth date is not known. ``county`` repeats the county of ``area``, for scopes and indexes.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "name": Personal("identity", "pseudonymise"),
        "name_pinyin": Personal("identity", "erase", _("name in pinyin")),
        "name_initials": Personal("identity", "erase", _("initials of the name")),
        "sex": Personal("identity", "erase"),
        "birth_date": Personal("identity", "erase"),
        "age_years": Personal("identity", "erase"),
        "age_months": Personal("identity", "erase"),
        "age_on": Personal("identity", "erase"),
        "occupation": Personal("identity", "erase"),
        "workplace": Personal("whereabouts", "erase"),
        "guardian_name": Personal("identity", "erase"),
        "ethnicity": Personal("identity", "erase"),
        "area": Personal("whereabouts", "erase"),
        "county": Personal("whereabouts", "erase"),
        "address_detail": Personal("whereabouts", "erase"),
    }
    # Contacts and isolated persons; whoever has a case is held by monitoring for as long as that.
    retention: ClassVar[Retention] = Retention(
        _("PIPL 19, 47; Emergency Response Law 85"), days=60, since="changed_at"
    )
    is_person: ClassVar[bool] = True  # whoever opens a record that leads here is noted (core.audit)
    wall: ClassVar[Wall] = Wall(county="county_id", area="area_id", opened="public_id")

    created_by = stamp_of_an_import()
    changed_by = stamp_of_an_import()
    name = models.CharField(pgettext_lazy("person", "name"), max_length=100)
    name_pinyin = models.CharField(max_length=200, blank=True, editable=False)
    name_initials = models.CharField(max_length=60, blank=True, editable=False)
    sex = models.CharField(_("sex"), max_length=1, choices=Sex.choices, default=Sex.UNKNOWN)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    age_years = models.PositiveSmallIntegerField(_("age in years"), null=True, blank=True)
    age_months = models.PositiveSmallIntegerField(_("age in months"), null=True, blank=True)
    age_on = models.DateField(_("age stated on"), null=True, blank=True)
    occupation = models.CharField(_("occupation"), max_length=40, blank=True)
    workplace = models.CharField(_("workplace or school"), max_length=200, blank=True)
    guardian_name = models.CharField(_("parent or guardian"), max_length=100, blank=True)
    ethnicity = models.CharField(_("ethnic group"), max_length=40, blank=True)
    area = models.ForeignKey(
        "places.Area",
        verbose_name=_("area"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    county = models.ForeignKey(
        "places.Area",
        verbose_name=_("county"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # the index of the register's order begins with it
    )
    address_detail = SealedTextField(_("address below township"), max_length=300, blank=True)
    synthetic = models.BooleanField(_("invented for the demonstration"), default=False)
    # Erased on request as far as a law lets it: what is left is kept, not worked with (PIPL 47).
    restricted_at = models.DateTimeField(null=True, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name = pgettext_lazy("register", "person")
        verbose_name_plural = pgettext_lazy("register", "persons")
        constraints = [
            models.CheckConstraint(condition=~models.Q(name=""), name="person_has_a_name"),
            models.CheckConstraint(
                condition=models.Q(age_on__isnull=False)
                | models.Q(age_years__isnull=True, age_months__isnull=True),
                name="person_age_has_its_day",
            ),
        ]
        indexes = [
            models.Index(fields=["name", "birth_date"], name="person_by_name"),
            models.Index(fields=["created_at", "id"], name="person_by_entry"),
            models.Index(fields=["county", "created_at", "id"], name="person_by_county"),
            models.Index(
                fields=["merged_into"],
                name="person_joined",
                condition=models.Q(merged_into__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        # Ends up in logs and error pages, so never the name.
        return f"person {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("people:detail", self.public_id)

    @property
    def masked_name(self) -> str:
        """扎某某: what lists and headings show. Restricted data name nobody, not even so."""
        return called(self.name, self.restricted_at, self.public_id)

    @property
    def full_address(self) -> str:
        """The address below township as it was stated."""
        return self.address_detail

    def rename(self, name: str) -> None:
        """Set the name with what it is searched by; the caller saves."""
        self.name = rules.plain_name(name)
        pinyin, initials = rules.spelled(name)
        self.name_pinyin, self.name_initials = pinyin[:200], initials[:60]

    def move_to(self, area: Area | None) -> None:
        """Set the area with its county; the caller saves."""
        self.area = area
        self.county_id = None if area is None else area.county_id

    def age(self, day: date) -> rules.Age | None:
        """The age on a day, or None where it is not known."""
        return rules.age_on(
            day,
            birth_date=self.birth_date,
            years=self.age_years,
            months=self.age_months,
            stated_on=self.age_on,
        )


class NamePart(models.Model):
    """A person's name from one of its signs to its end, or its pinyin, or its initials.

    Only ``queries`` reads it, to find persons by a part of their name. The database writes it
    whenever a person's name or county changes (``name_parts``), also when the name is destroyed.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "part": Personal("identity", "erase", _("part of the name"))
    }
    retention: ClassVar[Retention] = Retention(
        _("as its person: rewritten with the name"), by_room="fangkong.people"
    )
    about: ClassVar[About] = About(repeats="person")
    wall: ClassVar[Wall] = Wall(county="county_id", through="person")

    person = models.ForeignKey(
        Person, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    county = models.ForeignKey(
        "places.Area",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    part = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["part", "county", "person"], name="namepart_by_part")]

    def __str__(self) -> str:
        return f"part of the name of person {self.person_id}"


class IdentityDocument(Record):
    """A document that tells who someone is. One number belongs to one person.

    A person of kind ``none`` has no document, as some infants and herders; the number is then a
    temporary key made here.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "number": Personal("identity", "erase"),
        "number_index": Personal("identity", "erase", _("digest of the number")),
    }
    retention: ClassVar[Retention] = Retention(_("as its person"), along="person")
    wall: ClassVar[Wall] = Wall(through="person")

    created_by = stamp_of_an_import()
    changed_by = stamp_of_an_import()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=30, choices=DocumentKind.choices)
    number = SealedTextField(pgettext_lazy("document or phone", "number"), max_length=40)
    number_index = BlindIndexField(of="number")
    issued_by = models.CharField(_("issued by"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("identity document")
        verbose_name_plural = _("identity documents")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "number_index"],
                condition=~models.Q(number_index=""),
                name="document_of_one_person",
            )
        ]
        indexes = [models.Index(fields=["number_index"], name="document_by_number")]

    def __str__(self) -> str:
        return f"{self.kind} of person {self.person_id}"

    @property
    def full_number(self) -> str:
        """The number as on the document, in plain form."""
        return self.number

    @property
    def masked_number(self) -> str:
        """What may be shown of the number; empty for a temporary key."""
        return "" if self.kind == DocumentKind.NONE else _masked(self.number, self.person)

    @classmethod
    def with_numbers(cls, numbers: Iterable[str]) -> models.QuerySet[IdentityDocument]:
        """The documents with one of these plain numbers, of any kind."""
        return cls.objects.filter(number_index__in=index_of(cls, "number_index", numbers))

    @staticmethod
    def temporary_number(person: UUID) -> str:
        """The key of somebody without a document, from the person's public id."""
        return f"T{person.hex.upper()}"

    @classmethod
    def new(
        cls, person: Person, document: Document, by: User | None, at: datetime
    ) -> IdentityDocument:
        """A document not yet saved; its number must be plain."""
        none = document.kind == DocumentKind.NONE
        return bulk.fresh(
            cls,
            person=person,
            kind=document.kind,
            number=cls.temporary_number(person.public_id) if none else document.number,
            issued_by=document.issued_by,
            **stamps(by, at),
        )


class Phone(Record):
    """A number under which a person is reached: their own, their family's, or at work."""

    pii: ClassVar[dict[str, Personal]] = {
        "number": Personal("contact", "erase"),
        "number_index": Personal("contact", "erase", _("digest of the number")),
        "note": Personal("contact", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_("as its person"), along="person")
    wall: ClassVar[Wall] = Wall(through="person")

    created_by = stamp_of_an_import()
    changed_by = stamp_of_an_import()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="phones")
    number = SealedTextField(pgettext_lazy("document or phone", "number"), max_length=20)
    number_index = BlindIndexField(of="number")
    kind = models.CharField(
        _("kind"), max_length=10, choices=PhoneKind.choices, default=PhoneKind.OWN
    )
    note = models.CharField(_("note"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("phone")
        verbose_name_plural = _("phones")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "number_index"],
                condition=~models.Q(number_index=""),
                name="phone_once_per_person",
            )
        ]
        indexes = [models.Index(fields=["number_index"], name="phone_by_number")]

    def __str__(self) -> str:
        return f"{self.kind} phone of person {self.person_id}"

    @property
    def full_number(self) -> str:
        """The number in plain form."""
        return self.number

    @property
    def masked_number(self) -> str:
        """What may be shown of the number."""
        return _masked(self.number, self.person)

    @classmethod
    def with_number(cls, number: str) -> models.QuerySet[Phone]:
        """The entries of a plain number; a family may share one."""
        return cls.objects.filter(number_index__in=index_of(cls, "number_index", [number]))

    @classmethod
    def new(cls, person: Person, phone: PhoneNumber, by: User | None, at: datetime) -> Phone:
        """A phone not yet saved; its number must be plain."""
        return bulk.fresh(
            cls,
            person=person,
            number=phone.number,
            kind=phone.kind,
            note=phone.note,
            **stamps(by, at),
        )
