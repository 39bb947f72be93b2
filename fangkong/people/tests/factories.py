"""Persons and staff for tests. All names and numbers are invented."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fangkong.accounts.models import Appointment, User
from fangkong.core.record import stamps
from fangkong.core.roles import Role
from fangkong.people import actions
from fangkong.people.models import Person
from fangkong.people.rules import check_digit
from fangkong.people.types import Document, PhoneNumber
from fangkong.places.models import Area

AT = datetime(2020, 2, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))

NAME = "扎西德吉"
NUMBER = "513326198512310029"  # born on 1985-12-31, female
PHONE = "13800001111"


def resident_id(region: str = "513326", born: date = date(1990, 1, 1), order: int = 1) -> Document:
    """A citizen's card; an odd ``order`` is a man's, an even one a woman's."""
    first = f"{region}{born:%Y%m%d}{order:03d}"
    return Document("resident_id", first + check_digit(first))


def person(area: Area | None = None, **facts: Any) -> Person:
    """A registered person: 扎西德吉 with card and phone unless said otherwise."""
    said: dict[str, Any] = {
        "name": NAME,
        "documents": [Document("resident_id", NUMBER)],
        "phones": [PhoneNumber(PHONE)],
        "area": area,
        **facts,
    }
    return actions.register(**said, by=None, at=AT)


def staff(role: Role, area: Area | None = None, *, name: str = "", **place: Any) -> User:
    """A member of staff in one role for an area, or for a facility."""
    user = User.objects.create(
        username=name or f"{role}-{area.code if area else 'desk'}",
        name="值班员",
        created_at=AT,
    )
    Appointment.objects.create(
        user=user, role=role, area=area, valid_from=date(2020, 1, 1), **place, **stamps(None, AT)
    )
    return user
