"""Add staff, appoint them, end appointments. Only administrators do; nobody appoints themselves."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.notices import actions as notices
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.sentences import listed_apart

from . import rules
from .models import Appointment, User
from .sign_in import actions as sign_in
from .sign_in.types import End

if TYPE_CHECKING:
    from fangkong.places.models import Area, Facility


class NameTaken(Refused):
    """The user name belongs to somebody."""


class WeakPassword(Refused):
    """The password is too easy to guess."""

    status = 422


class NotYourself(Refused):
    """Rights are never changed by the person they belong to."""

    status = 403


class PlaceMissing(Refused):
    """An appointment is for an area or a facility."""

    status = 422


class EndsTooEarly(Refused):
    """An appointment ends before it starts."""

    status = 422


class RolesClash(Refused):
    """Three administrators (三员分立): nobody holds two of these roles at the same time."""


class LastAdministrator(Refused):
    """Somebody must be left who can make accounts and give roles."""


class AlreadyEnded(Refused):
    """The appointment has ended before."""


@transaction.atomic
def add_staff(
    *,
    username: str,
    name: str,
    password: str,
    by: User | None,
    at: datetime,
    name_en: str = "",
    phone: str = "",
    synthetic: bool = False,
) -> User:
    """Make an account without any role yet."""
    if User.objects.filter(username=username).exists():
        raise NameTaken(_("This user name is taken. Choose another."))
    user = User(
        username=username,
        name=name,
        name_en=name_en,
        phone=phone,
        synthetic=synthetic,
        created_at=at,
        password_set_at=at,
    )
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:  # somebody took the name a moment ago
        raise NameTaken(_("This user name is taken. Choose another.")) from None
    audit.record("accounts.add_staff", user, by=by, at=at)
    return user


def _set_password(user: User, password: str) -> None:
    _check_password(user, password)
    user.set_password(password)


def _check_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise WeakPassword(" ".join(problem.messages)) from None


@transaction.atomic
def appoint(
    *,
    user: User,
    role: Role | str,
    area: Area | None,
    facility: Facility | None,
    valid_from: date,
    valid_to: date | None,
    by: User | None,
    at: datetime,
) -> Appointment:
    """Give a role for an area or a facility from one day to another (both included)."""
    _refuse_self(user, by)
    if (area is None) == (facility is None):
        raise PlaceMissing(_("Choose an area or a facility, one of the two."))
    if valid_to is not None and valid_to < valid_from:
        raise EndsTooEarly(_("The last day lies before the first. Correct one of them."))
    User.objects.select_for_update().get(pk=user.pk)  # two appointments at the same moment
    _refuse_clash(user, Role(role), valid_from, valid_to)
    appointment = Appointment.objects.create(
        user=user,
        role=Role(role),
        area=area,
        facility=facility,
        valid_from=valid_from,
        valid_to=valid_to,
        **stamps(by, at),
    )
    audit.record(
        "accounts.appoint",
        user,
        by=by,
        at=at,
        detail={"role": str(Role(role).value), "from": valid_from.isoformat()},
    )
    return appointment


@transaction.atomic
def end_appointment(
    *, appointment: Appointment, last_day: date, by: User, at: datetime
) -> Appointment:
    """Let an appointment end with a day."""
    if appointment.role == Role.ADMINISTRATOR:
        _alone_with_administrators()
    appointment = Appointment.objects.select_for_update().get(pk=appointment.pk)
    _refuse_self(appointment.user, by)
    if last_day < appointment.valid_from:
        raise EndsTooEarly(_("The last day lies before the first. Correct one of them."))
    if appointment.valid_to is not None and appointment.valid_to <= last_day:
        raise AlreadyEnded(_("This appointment already ends on that day or earlier."))
    if appointment.role == Role.ADMINISTRATOR:
        _refuse_last(appointment, last_day)
    appointment.valid_to = last_day
    appointment.touch(by, at)
    appointment.save(update_fields=["valid_to", "changed_at", "changed_by"])
    audit.record(
        "accounts.end_appointment",
        appointment.user,
        by=by,
        at=at,
        detail={"role": appointment.role, "to": last_day.isoformat()},
    )
    return appointment


@transaction.atomic
def set_active(*, user: User, active: bool, by: User, at: datetime) -> User:
    """Let an account sign in, or stop it; its past work stays as it is."""
    user = User.objects.select_for_update().get(pk=user.pk)
    _refuse_self(user, by)
    if not active:
        _alone_with_administrators()
    today = clock.day_of(at)
    for office in [] if active else user.appointments_on(today):
        if office.role == Role.ADMINISTRATOR:
            _refuse_last(office, today)
    user.is_active, user.closed_at = active, None if active else at
    user.save(update_fields=["is_active", "closed_at"])
    if not active:
        notices.give_up_all(user=user, by=by, at=at)
        sign_in.end_all_after_change(user=user, end=End.CLOSED, when=at)
    audit.record("accounts.open" if active else "accounts.close", user, by=by, at=at)
    return user


@transaction.atomic
def reset_password(*, user: User, password: str, by: User, at: datetime) -> User:
    """Set a new password for somebody who has lost theirs."""
    user = User.objects.select_for_update().get(pk=user.pk)
    _refuse_self(user, by)
    _check_password(user, password)  # while the present one is not yet among the former ones
    sign_in.remember_password(user=user, when=at)
    user.set_password(password)
    user.password_set_at = at
    user.save(update_fields=["password", "password_set_at"])
    sign_in.end_all_after_change(user=user, end=End.PASSWORD, when=at)
    audit.record("accounts.reset_password", user, by=by, at=at)
    return user


def _refuse_clash(user: User, role: Role, first: date, last: date | None) -> None:
    if not settings.FANGKONG_SEPARATE_ADMINISTRATORS:
        return
    held = user.appointments.exclude(valid_to__lt=first)
    if last is not None:
        held = held.exclude(valid_from__gt=last)
    clash = rules.clashing(role.value, held.values_list("role", flat=True))
    if clash:
        raise RolesClash(
            _("This person is %(role)s in that time. Give the role to somebody else.")
            % {"role": listed_apart(Role(one).label for one in sorted(clash))}
        )


def _alone_with_administrators() -> None:
    """Two who end or close each other meet here: both lock the same rows, in the same order.

    What is asked after it sees what the first one has done.
    """
    offices = Appointment.objects.filter(role=Role.ADMINISTRATOR).order_by("pk")
    list(offices.select_for_update().values_list("pk"))


def _refuse_last(ending: Appointment, last_day: date) -> None:
    """Refuse to leave days without any administrator that this office would have covered."""
    others = Appointment.objects.filter(role=Role.ADMINISTRATOR).exclude(user_id=ending.user_id)
    after = last_day + timedelta(days=1)
    for one in others.select_related("user"):
        lasts = one.valid_to is None or (
            ending.valid_to is not None and one.valid_to >= ending.valid_to
        )
        if one.user.is_active and one.is_current(after) and lasts:
            return
    raise LastAdministrator(
        _("No administrator would be left after that day. Appoint another one first.")
    )


def _refuse_self(user: User, by: User | None) -> None:
    if by is not None and user.pk == by.pk:
        raise NotYourself(_("You cannot change your own rights. Ask another administrator."))
