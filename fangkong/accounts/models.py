"""Staff and their appointments: who may act, in which role, where and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.permissions import Permission, Scope
from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record, new_public_id
from fangkong.core.roles import Role
from fangkong.places import queries as places

from . import rules
from .emergency.models import EmergencyAccess
from .sign_in.models import FormerPassword, SignIn

__all__ = ["Appointment", "EmergencyAccess", "FormerPassword", "SignIn", "User"]


# Every request reads the appointments of its user: of the places only what reach and name need.
READ_OF_APPOINTMENTS = (
    *("user", "role", "valid_from", "valid_to"),
    *("area__code", "area__level", "area__path", "area__name_zh", "area__name_en"),
    *("facility__name_zh", "facility__name_en"),
)


class User(AbstractBaseUser):
    """A member of staff who can sign in. Never deleted: lines of the audit trail point here."""

    pii: ClassVar[dict[str, Personal]] = {
        "name": Personal("staff", "keep", _("full name")),
        "name_en": Personal("staff", "keep"),
        "phone": Personal("staff", "erase"),
    }
    retention: ClassVar[Retention] = Retention(
        _("as long as the account, and the half year in which its log-ins are kept"),
        days=200,
        since="closed_at",
    )
    about: ClassVar[About] = About(nobody=_("staff in office"))

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    username = models.CharField(_("user name"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("name in Latin letters"), max_length=80, blank=True)
    phone = models.CharField(_("work phone"), max_length=20, blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    synthetic = models.BooleanField(_("invented for the demonstration"), default=False)
    created_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    password_set_at = models.DateTimeField(null=True, editable=False)
    # Counted up to end every session of the user at once, wherever it is open.
    session_round = models.PositiveIntegerField(default=0, editable=False)
    # The end of the latest emergency access: who never took one pays no statement for asking.
    emergency_until = models.DateTimeField(null=True, editable=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = BaseUserManager["User"]()

    # The rows that a scope is made of; whoever finds a user by a token fetches them along.
    along: ClassVar[str] = "appointments"
    # Names of permissions: all that is left of the user's own while a token acts for them.
    limited_to: frozenset[str] | None = None

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        """The name in the language of the page."""
        return self.name_en if self.name_en and get_language() == "en" else self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must carry to stay valid: it changes with the password and the round."""
        return salted_hmac(
            "fangkong.accounts.session",
            f"{self.password}:{self.session_round}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def take_along(self, appointments: Sequence[Appointment]) -> None:
        """All appointments of this user, former ones too, fetched with the user this moment."""
        for appointment in appointments:
            if appointment.area_id is not None and (area := places.area_of(appointment.area_id)):
                appointment.area = area
        self.__dict__["_along"] = list(appointments)

    def appointments_on(self, day: date) -> list[Appointment]:
        """The appointments in force on a day, fetched once per user object and day."""
        known: dict[date, list[Appointment]] = self.__dict__.setdefault("_appointments", {})
        if (along := self.__dict__.get("_along")) is not None:
            return [appointment for appointment in along if appointment.is_current(day)]
        if day not in known:
            known[day] = list(
                self.appointments.filter(valid_from__lte=day)
                .exclude(valid_to__lt=day)
                .select_related("area", "facility")
                .only(*READ_OF_APPOINTMENTS)
                .order_by("pk")
            )
        return known[day]

    def scope(self, permission: Permission, at: datetime) -> Scope:
        """Where this user holds a permission at a moment; empty for a user who may not sign in."""
        if not self.is_active:
            return Scope()
        if self.limited_to is not None and permission.given_as not in self.limited_to:
            if not self.roles(at).isdisjoint(permission.roles):
                self.__dict__.setdefault("_lacking", {})[permission.given_as] = permission
            return Scope()
        known: dict[tuple[str, date], Scope] = self.__dict__.setdefault("_scopes", {})
        key = (permission.name, clock.day_of(at))
        if key not in known:
            held = [a for a in self.appointments_on(key[1]) if a.role in permission.roles]
            united = rules.united(appointment.scope() for appointment in held)
            known[key] = united if united.everywhere or not permission.whole else Scope()
        scope = known[key]
        # Emergency access ends within the day, so it is never kept along with the appointments.
        if scope and permission.reading and (opened := self.opened_persons(at)):
            scope = rules.united([scope, Scope(person_keys=opened)])
        return scope

    @property
    def lacking(self) -> list[Permission]:
        """What was asked of this user meanwhile and their roles hold, but not the token they use:
        so that a machine is told what to ask for."""
        return list(self.__dict__.get("_lacking", {}).values())

    def opened_persons(self, at: datetime) -> frozenset[UUID]:
        """The persons whom emergency access opens to this user at a moment."""
        if self.emergency_until is None or self.emergency_until <= at:
            return frozenset()
        opened = self.__dict__.get("_opened")
        if opened is None:
            opened = list(
                self.emergency_accesses.filter(valid_to__gt=at).values_list(
                    "person_key", "valid_from", "valid_to"
                )
            )
            self.__dict__["_opened"] = opened
        return frozenset(key for key, first, last in opened if first <= at < last)

    def reach(self, at: datetime) -> Scope:
        """All that the offices of this user reach, whatever the permission: the second wall."""
        if not self.is_active:
            return Scope()
        held = [a.scope() for a in self.appointments_on(clock.day_of(at))]
        return rules.united([*held, Scope(person_keys=self.opened_persons(at))])

    def roles(self, at: datetime) -> frozenset[str]:
        """The roles that this user holds anywhere at a moment; none with a closed account."""
        if not self.is_active:
            return frozenset()
        return frozenset(a.role for a in self.appointments_on(clock.day_of(at)))


class Appointment(Record):
    """One role of one user, for an area or a facility, from one day to another (both included)."""

    pii: ClassVar[dict[str, Personal]] = {}

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="appointments")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    area = models.ForeignKey(
        "places.Area",
        verbose_name=_("area"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    facility = models.ForeignKey(
        "places.Facility",
        verbose_name=_("facility"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(area__isnull=False) | models.Q(facility__isnull=False),
                name="appointment_has_a_place",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
                name="appointment_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["user", "valid_from"], name="appointment_of_user")]

    def __str__(self) -> str:
        return f"{self.user} {self.role}"

    def is_current(self, day: date) -> bool:
        """Whether the appointment is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def place_name(self) -> str:
        """The facility or area of the appointment, in the language of the page."""
        place = self.facility or self.area
        return place.display_name if place else ""

    def scope(self) -> Scope:
        """What the appointment reaches: its facility, or its area with all that lies in it."""
        if self.facility_id is not None:
            return Scope(facility_ids=frozenset({self.facility_id}))
        assert self.area is not None  # the constraint above
        return self.area.reach()
