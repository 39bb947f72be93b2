"""What the shell shows on every page: menu, banner, day and the user's appointments."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from fangkong.core import clock

from . import menu


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of ``base.html``; small for visitors who are not signed in."""
    at = getattr(request, "now", None) or clock.now()
    shown: dict[str, Any] = {
        "now": at,
        "today": clock.day_of(at),
        "banner": _banner(at),
        "menu": [],
        "appointments_label": "",
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        staff = cast(Any, user)
        shown["menu"] = menu.of(request, staff, at)
        items = (item for group in shown["menu"] for item in group.items)
        shown["bell"] = next((i for i in items if i.name == "core:notices:index"), None)
        shown["appointments_label"] = _appointments(staff, at)
    return shown


def _banner(at: Any) -> str:
    if not settings.FANGKONG_DEMO:
        return ""
    return _(
        "Demonstration: persons are synthetic, figures of 2020 are real; its accounts need no "
        "second factor. Today is %(day)s."
    ) % {"day": clock.day_of(at).isoformat()}


def _appointments(user: Any, at: Any) -> str:
    held = user.appointments_on(clock.day_of(at))
    return _("; ").join(dict.fromkeys(f"{a.place_name} · {a.get_role_display()}" for a in held))
