"""People with offices around Daofu, and a task for them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fangkong.accounts.models import Appointment, User
from fangkong.core.record import new_public_id, stamps
from fangkong.core.roles import Role
from fangkong.places.models import Area
from fangkong.places.tests.factories import world
from fangkong.tasks import actions, types
from fangkong.tasks.models import Task

__all__ = ["AT", "assigned", "key", "staff", "world"]

AT = datetime(2020, 2, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def staff(username: str, role: Role, area: Area, **facts: Any) -> User:
    """A member of staff with one role for one area, since the start of 2020."""
    user = User.objects.create(
        username=username, name=username, is_active=True, created_at=AT, **facts
    )
    Appointment.objects.create(
        user=user, role=role, area=area, valid_from=date(2020, 1, 1), **stamps(None, AT)
    )
    return user


def assigned(area: Area, **facts: Any) -> Task:
    """A task of the county CDC of an area, due in two hours."""
    said: dict[str, Any] = {
        "kind": types.MANUAL.code,
        "params": {"text": "Visit the ward"},
        "area": area,
        "role": Role.COUNTY_CDC,
        "due_at": AT + timedelta(hours=2),
        "by": None,
        "at": AT,
        **facts,
    }
    return actions.assign(**said)


def key() -> str:
    """A fresh command key, as a form carries one."""
    return str(new_public_id())
