"""Staff for tests of every room: ``staff(Role.COUNTY_CDC, area=daofu)``."""

from __future__ import annotations

from datetime import date, datetime
from itertools import count
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fangkong.accounts.models import Appointment, User
from fangkong.core.record import stamps
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from fangkong.places.models import Area, Facility

AT = datetime(2020, 2, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
LONG_AGO = date(2015, 1, 1)
PASSWORD = "yak-butter-and-barley"

_numbers = count(1)


def user(username: str = "", *, password: str = "", **facts: object) -> User:
    """An account without a role. It can sign in by password only when one is given."""
    name = username or f"staff{next(_numbers)}"
    made = User(**{"username": name, "name": f"职员{name}", "created_at": AT, **facts})
    if password:
        made.set_password(password)
    else:
        made.set_unusable_password()
    made.save()
    return made


def appointment(
    member: User,
    role: Role,
    *,
    area: Area | None = None,
    facility: Facility | None = None,
    valid_from: date = LONG_AGO,
    valid_to: date | None = None,
) -> Appointment:
    """A role of a user, in force since long ago unless said otherwise."""
    return Appointment.objects.create(
        user=member,
        role=role,
        area=area,
        facility=facility,
        valid_from=valid_from,
        valid_to=valid_to,
        **stamps(None, AT),
    )


def staff(
    role: Role,
    *,
    area: Area | None = None,
    facility: Facility | None = None,
    username: str = "",
    password: str = "",
    **facts: object,
) -> User:
    """An account with one role for an area or a facility."""
    member = user(username, password=password, **facts)
    appointment(member, role, area=area, facility=facility)
    return member
