"""What other rooms may use of accounts: the request of signed-in staff, and the roles."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from .models import User

__all__ = ["EDIT_STAFF", "VIEW_STAFF", "Role", "StaffRequest"]

VIEW_STAFF = permissions.declare(
    "accounts.view",
    _("See staff and their roles"),
    roles=[Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR],
)
EDIT_STAFF = permissions.declare(
    "accounts.edit", _("Add staff and appoint them"), roles=[Role.ADMINISTRATOR]
)


class StaffRequest(HttpRequest):
    """A request behind ``@allowed``: its user is staff, and it carries the moment."""

    user: User
    now: datetime
    htmx: HtmxDetails


name_verbs(
    {
        "accounts.add_staff": _("Account made"),
        "accounts.appoint": _("Role given"),
        "accounts.end_appointment": _("Role ended"),
        "accounts.open": _("Account opened"),
        "accounts.close": _("Account closed"),
        "accounts.reset_password": _("Password reset"),
    }
)

purposes.declare(
    "accounts.access",
    _("Let staff in, and know later who was in and why"),
    _("PIPL 13 (3); Cybersecurity Law 21"),
    {
        "accounts.User": _("Accounts of staff"),
        "accounts.SignIn": _("Signing in"),
        "accounts.EmergencyAccess": _("Uses of emergency access"),
    },
)
