"""What others may use of tokens: who may make which, and further conditions that rooms add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

MANAGE = permissions.declare(
    "core.tokens.manage",
    _("See all tokens, revoke them, and make tokens for machine accounts"),
    roles=[Role.ADMINISTRATOR],
)

# A condition on whoever makes a token: the words of a refusal, or None. Sign-in adds its own here
# (a second factor where the roles need one).
Condition = Callable[[HttpRequest, Any], str | Promise | None]
conditions: list[Condition] = []


def require(condition: Condition) -> None:
    """Have a condition asked whenever a token is made."""
    if condition not in conditions:
        conditions.append(condition)


def unmet(request: HttpRequest, user: Any) -> str | Promise | None:
    """What still stands between this user and a token, in words; None where nothing does."""
    return next((words for ask in conditions if (words := ask(request, user))), None)


name_verbs(
    {
        "core.tokens.make": _("Token made"),
        "core.tokens.revoke": _("Token revoked"),
        "core.tokens.expire": _("Token expired"),
    }
)
