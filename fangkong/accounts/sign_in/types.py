"""Words of signing in: how a try ended, with which factor, and why a session ended."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

WATCH = permissions.declare(
    "accounts.sign_in.watch",
    _("See sign-ins of staff and end their sessions"),
    roles=[Role.ADMINISTRATOR, Role.SECURITY],
)
READ = permissions.declare(
    "accounts.sign_in.read",
    _("Read the sign-in history of staff"),
    roles=[Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR],
)
RESET = permissions.declare(
    "accounts.sign_in.reset",
    _("Reset a lost second factor"),
    roles=[Role.ADMINISTRATOR, Role.SECURITY],
)


class Outcome(models.TextChoices):
    """How a try to sign in ended. OPEN and WRONG count against the limit."""

    OPEN = "open", _("being checked")
    WRONG = "wrong", _("wrong password or code")
    HALF = "half", _("password right, second factor awaited")
    IN = "in", _("signed in")
    LOCKED = "locked", _("refused: too many tries")


class Factor(models.TextChoices):
    """What proved who it was, the strongest part of it."""

    NONE = "", pgettext_lazy("factor", "none")
    PASSWORD = "password", _("password only")
    TOTP = "totp", _("code of an app")
    PASSKEY = "webauthn", _("passkey")
    RECOVERY = "recovery_codes", _("recovery code")
    IDP = "idp", _("single sign-on")
    IDP_STRONG = "idp_mfa", _("single sign-on with a second factor")


# These need something that a thief of the password does not have.
SECOND = frozenset({Factor.TOTP, Factor.PASSKEY, Factor.RECOVERY, Factor.IDP_STRONG})


class End(models.TextChoices):
    """Why a session ended."""

    SIGNED_OUT = "out", _("signed out")
    IDLE = "idle", _("nothing was done for too long")
    LIFETIME = "lifetime", _("longest duration reached")
    BY_OWNER = "owner", _("ended from another device")
    BY_ADMINISTRATOR = "administrator", _("ended by an administrator")
    PASSWORD = "password", _("password or second factor changed")
    CLOSED = "closed", _("account closed")


@dataclass(frozen=True)
class Origin:
    """Where a request comes from, as far as it is kept: no full address."""

    address: str  # used for the limit as a keyed digest only
    network: str
    agent: str


name_verbs(
    {
        "accounts.sign_in.end_session": _("Session ended"),
        "accounts.sign_in.unlock": _("Sign-in opened again after wrong passwords"),
        "accounts.sign_in.end_sessions": _("All sessions ended"),
        "accounts.sign_in.reset_factors": _("Second factor reset"),
        "accounts.sign_in.add_factor": _("Second factor set up"),
        "accounts.sign_in.remove_factor": _("Second factor removed"),
        "accounts.sign_in.renew_codes": _("Recovery codes renewed"),
        "accounts.sign_in.disown": _("Strange sign-in reported"),
        "accounts.sign_in.own": _("Strange sign-in recognised"),
        "accounts.sign_in.link": _("Single sign-on linked"),
        "accounts.sign_in.unlink": _("Single sign-on unlinked"),
        "accounts.sign_in.change_password": _("Own password changed"),
    }
)
