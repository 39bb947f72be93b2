"""Questions about sign-ins, sessions and second factors."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import QuerySet
from django.http import HttpRequest

from fangkong.core import clock, permissions
from fangkong.core.origin import client_address
from fangkong.core.roles import Role

from .. import rules as staff_rules
from . import rules
from .models import FormerPassword, SignIn
from .types import READ, SECOND, Factor, Origin, Outcome

if TYPE_CHECKING:
    from ..models import User

KNOWN_FOR = timedelta(days=180)


def keyed(text: str) -> str:
    """A digest of a name or an address that tells nothing without the installation's key."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"sign-in:{text}".encode(), hashlib.sha256).hexdigest()[:32]


def origin(request: HttpRequest) -> Origin:
    """Where a request comes from, behind our own proxies."""
    address = client_address(
        request.META.get("REMOTE_ADDR", ""),
        request.META.get("HTTP_X_FORWARDED_FOR", ""),
        settings.FANGKONG_PROXIES,
    )
    agent = rules.agent_family(request.META.get("HTTP_USER_AGENT", "")[:400])
    return Origin(address, rules.network(address), agent)


def tries(attempt: SignIn) -> tuple[int, int]:
    """Tries that failed within the window: at this account, and from this address."""
    failed = _failed(attempt.at)
    return (
        failed.filter(account_key=attempt.account_key).count(),
        failed.filter(address_key=attempt.address_key).count(),
    )


def locked_until(member: User, at: datetime) -> datetime | None:
    """Until when an account is closed to passwords after too many wrong ones; None: it is open."""
    failed = _failed(at).filter(account_key=keyed(member.username.casefold())).order_by("-at")
    counted = list(failed.values_list("at", flat=True)[: rules.TRIES_PER_ACCOUNT])
    # The next try is one too many for as long as all of these count.
    return counted[-1] + rules.WINDOW if len(counted) == rules.TRIES_PER_ACCOUNT else None


def _failed(at: datetime) -> QuerySet[SignIn]:
    """What counts at a moment; tries that an administrator answered for do not."""
    return SignIn.objects.filter(
        outcome__in=(Outcome.OPEN, Outcome.WRONG), at__gt=at - rules.WINDOW, answered_at=None
    )


def refused_lately(attempt: SignIn) -> bool:
    """Whether the history shows already that this address was refused at this account."""
    return SignIn.objects.filter(
        account_key=attempt.account_key,
        address_key=attempt.address_key,
        outcome=Outcome.LOCKED,
        at__gt=attempt.at - rules.WINDOW,
    ).exists()


def known_origins(user: User, at: datetime) -> list[tuple[str, str]]:
    """Network and device of every sign-in of the last half year."""
    return list(
        SignIn.objects.filter(user=user, outcome=Outcome.IN, at__gt=at - KNOWN_FOR)
        .values_list("network", "agent")
        .distinct()
    )


def mine(user: User) -> QuerySet[SignIn]:
    """The user's own sign-ins and tries, newest first."""
    return SignIn.objects.filter(user=user).order_by("-at", "-pk")


def of_staff(reader: User, member: User, at: datetime) -> QuerySet[SignIn]:
    """The sign-ins of a member of staff, for those who may read them."""
    if not reader.scope(READ, at):
        return SignIn.objects.none()
    return mine(member)


def unanswered(user: User) -> list[SignIn]:
    """Strange sign-ins that the user has not said a word about, newest first."""
    return list(
        SignIn.objects.filter(
            user=user, strange=True, answered_at=None, outcome=Outcome.IN
        ).order_by("-at")[:5]
    )


@dataclass(frozen=True)
class Session:
    """One open session: its sign-in, when something was last done there, and whether it is here."""

    sign_in: SignIn
    seen_at: datetime | None
    here: bool


def sessions(user: User, current_key: str | None = None) -> list[Session]:
    """The open sessions of a user, newest first; dead ones are left out."""
    found = []
    rows = SignIn.objects.filter(user=user, outcome=Outcome.IN, ended_at=None)
    for row in rows.exclude(session_key="").order_by("-at")[:50]:
        data = SessionStore(row.session_key).load()
        marks = data.get("sign_in")
        if not marks or not _alive(user, data):
            continue
        seen = datetime.fromtimestamp(marks["seen"], UTC)
        # Shown on the house's clock, which a demonstration moves.
        shift = row.at - datetime.fromtimestamp(marks["at"], UTC)
        found.append(Session(row, seen + shift, row.session_key == current_key))
    return found


def _alive(user: User, data: dict[str, object]) -> bool:
    return str(data.get("_auth_user_hash", "")) == user.get_session_auth_hash()


def factors(user: User) -> list[Authenticator]:
    """The second factors of a user without the recovery codes, oldest first."""
    return list(
        Authenticator.objects.filter(user_id=user.pk)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .order_by("created_at")
    )


def is_linked(user: User) -> bool:
    """Whether the identity provider knows this member of staff."""
    return bool(SocialAccount.objects.filter(user_id=user.pk).exists())


@cache
def personal_roles() -> frozenset[str]:
    """The roles that hold a permission marked personal."""
    return frozenset(
        str(role) for one in permissions.declared() if one.personal for role in one.roles
    )


def roles_that_need_a_second_factor() -> list[Role]:
    """In the order of the page of roles."""
    return [
        role for role in Role if staff_rules.needs_second_factor([role.value], personal_roles())
    ]


def is_exempt(user: User) -> bool:
    """Whether the second factor is left out: invented accounts of a demonstration, nobody else."""
    return bool(settings.FANGKONG_DEMO) and user.synthetic


def must_have_second_factor(user: User, at: datetime) -> bool:
    """Whether a role that the user holds today asks for a second factor."""
    if is_exempt(user):
        return False
    return staff_rules.needs_second_factor(user.roles(at), personal_roles())


def passed_second_factor(factor: str) -> bool:
    """Whether a session with this factor was opened by more than a password."""
    return factor in SECOND


def asks_for_factor_again(request: HttpRequest, user: User, at: datetime) -> bool:
    """Whether the user's roles need a second factor that this session has not passed lately."""
    if not must_have_second_factor(user, at):
        return False
    return not _lately(second_factor_passed_at(request, user))


def signed_in_lately(request: HttpRequest | None) -> bool:
    """Whether this session was opened a moment ago by what could be asked again: password, factor.

    allauth counts only what it asked again itself, and would ask right after the sign-in.
    """
    if request is None:
        return False
    return _lately(max(_asked_at(request, cast(Any, request.user), "password", "mfa"), default=0.0))


def _lately(moment: float) -> bool:
    return 0 <= time.time() - moment < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _asked_at(request: HttpRequest, user: User, *methods: str) -> list[float]:
    records = get_authentication_records(request, user)
    return [float(one["at"]) for one in records if one.get("method") in methods]


def second_factor_passed_at(request: HttpRequest, user: User) -> float:
    """When this session last passed a second factor, in seconds since 1970; 0 for never."""
    moments = _asked_at(request, user, "mfa")
    marks = request.session.get("sign_in", {})
    if passed_second_factor(marks.get("factor", "")):
        moments.append(float(marks["at"]))
    return max(moments, default=0.0)


def idle(user: User, at: datetime) -> timedelta:
    """After how long without work a session of this user ends."""
    ward = user.roles(at) and user.roles(at) <= {Role.WARD_STAFF.value}
    minutes = settings.FANGKONG_IDLE_MINUTES_WARD if ward else settings.FANGKONG_IDLE_MINUTES
    return timedelta(minutes=minutes)


def seconds_left(request: HttpRequest) -> int:
    """How long the session of a request still lasts when nothing more is done."""
    marks = request.session.get("sign_in")
    if not marks or not request.user.is_authenticated:
        return 0
    user = request.user
    at = getattr(request, "now", None) or clock.now()
    return int(min(ends(marks, user, at)) - time.time())


def ends(marks: Mapping[str, float], user: User, at: datetime) -> tuple[float, float]:
    """When a session ends, in seconds since 1970: without work, and in any case."""
    return (
        marks["seen"] + idle(user, at).total_seconds(),
        marks["at"] + settings.FANGKONG_SESSION_HOURS * 3600,
    )


def password_is_old(user: User, at: datetime) -> bool:
    """Whether the password must be changed now (only where the profile asks for it)."""
    if settings.PASSWORD_PROFILE != "mlps3" or not user.has_usable_password():  # noqa: S105
        return False
    since = user.password_set_at or user.created_at
    return since + rules.PASSWORD_LIFETIME <= at


def former_passwords(user: User) -> Iterable[str]:
    """The hashes of the last passwords, the present one among them."""
    earlier = FormerPassword.objects.filter(user_id=user.pk).order_by("-until", "-pk")
    kept = earlier.values_list("password", flat=True)[: rules.REMEMBERED_PASSWORDS - 1]
    return [user.password, *kept] if user.pk else []


def factor_label(factor: str) -> str:
    """A factor in words."""
    return str(Factor(factor).label) if factor in Factor.values else factor
