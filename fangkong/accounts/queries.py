"""Questions about staff."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Prefetch, Q, QuerySet

from fangkong.core import clock
from fangkong.core.permissions import Permission
from fangkong.core.sentences import listed_apart

from .models import Appointment, User
from .types import VIEW_STAFF

if TYPE_CHECKING:
    from fangkong.places.models import Area, Facility

# Only ever set on synthetic accounts of a demonstration, and shown on its sign-in page.
DEMO_PASSWORD = "ganzi-2020-demo"  # noqa: S105  # meant to be known


def any_users() -> bool:
    """Whether anybody has an account yet."""
    return User.objects.exists()


def by_username(username: str) -> User | None:
    """The open account of exactly this name."""
    return User.objects.filter(username=username, is_active=True).first() if username else None


def open_to(user: User, at: datetime, permission: Permission = VIEW_STAFF) -> QuerySet[User]:
    """The staff this user may see: all, for those whose role reads the staff list."""
    if not user.scope(permission, at):
        return User.objects.none()
    held = Appointment.objects.select_related("area", "facility").order_by("pk")
    return User.objects.prefetch_related(Prefetch("appointments", queryset=held))


def machines(user: User, at: datetime) -> list[User]:
    """The open accounts that no person signs in to, for whoever reads the staff list."""
    accounts = open_to(user, at).filter(is_active=True, password__startswith="!")  # noqa: S106  # unusable
    return list(accounts.order_by("username"))


def holding(
    role: str, at: datetime, *, area: Area | None = None, facility: Facility | None = None
) -> list[User]:
    """The open accounts that hold a role over a place at a moment, for notices.

    Over a facility: those appointed to it, or for an area that holds it.
    """
    day = clock.day_of(at)
    over = Q(area__isnull=False) | Q(facility=facility) if facility else Q(area__isnull=False)
    held = (
        Appointment.objects.filter(over, role=role, user__is_active=True, valid_from__lte=day)
        .exclude(valid_to__lt=day)
        .select_related("user", "area", "facility")
        .order_by("user_id")
    )
    found = {
        one.user_id: one.user
        for one in held
        if one.scope().holds(
            county_id=area.county_id if area else None,
            area_id=area.pk if area else None,
            facility_id=facility.pk if facility else None,
        )
    }
    return list(found.values())


def demo_staff(names: Collection[str]) -> dict[str, User]:
    """Made-up accounts by their names; those that are not there are left out."""
    rows = User.objects.filter(synthetic=True, is_active=True, username__in=names)
    return {user.username: user for user in rows}


def demo_accounts() -> list[tuple[str, str]]:
    """User name and role of every synthetic account, for the start of a demonstration."""
    if not settings.FANGKONG_DEMO:
        return []
    today = clock.day_of(clock.now())
    users = User.objects.filter(synthetic=True, is_active=True).order_by("pk")
    return [
        (
            user.username,
            listed_apart(
                f"{a.place_name} · {a.get_role_display()}" for a in user.appointments_on(today)
            ),
        )
        for user in users
    ]


def neighbourhoods(ids: Collection[int], day: date) -> dict[int, tuple[str, frozenset[int]]]:
    """First sign of the name of staff, and the counties they work in on a day."""
    found: dict[int, tuple[str, frozenset[int]]] = {}
    for member in User.objects.filter(pk__in=ids).prefetch_related(
        "appointments__area", "appointments__facility__area"
    ):
        places = [
            a.facility.area if a.facility else a.area
            for a in member.appointments.all()
            if a.is_current(day)
        ]
        counties = frozenset(place.county_id for place in places if place and place.county_id)
        found[member.pk] = (member.name[:1], counties)
    return found
