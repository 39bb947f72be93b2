"""Who comes through the machines' door: a token's user, or staff with a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from ninja.errors import Throttled
from ninja.security import django_auth

from fangkong.core import problems
from fangkong.core.api import stranger
from fangkong.core.refusals import Refused

from . import actions, queries
from .models import Token

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

GUESSES = 30  # wrong tokens that one address may send in a minute
MINUTE = 60


class ReadOnly(Refused):
    """The token may read only."""

    status = 403


def staff(request: HttpRequest) -> AbstractBaseUser | None:
    """The user of a request. A token that does not hold is never saved by a session beside it."""
    if request.headers.get("Authorization"):
        return _bearer(request)
    if not request.user.is_authenticated:
        return None  # before the CSRF token is asked for, which a stranger cannot have
    return cast("AbstractBaseUser | None", django_auth(request))


def _bearer(request: HttpRequest) -> AbstractBaseUser | None:
    scheme, _space, secret = request.headers["Authorization"].partition(" ")
    at = cast(Any, request).now
    token = queries.holding(secret.strip(), at) if scheme.lower() == "bearer" else None
    if token is None:
        _count_guess(request)
        return None
    user = cast(Any, token.user)
    user.limited_to = frozenset(token.permissions)
    request.user = user
    cast(Any, request).fk_token = token
    actions.note_use(token, at)
    _refuse_writing(request, token)
    return cast("AbstractBaseUser", user)


def _refuse_writing(request: HttpRequest, token: Token) -> None:
    safe = request.method in ("GET", "HEAD", "OPTIONS") or getattr(request, "fk_reads", False)
    if not token.may_write and not safe:
        raise ReadOnly(_("This token may only read. Make one that may write."))


def _count_guess(request: HttpRequest) -> None:
    name = f"token-guesses:{request.META.get('REMOTE_ADDR', '')}"
    try:
        cache.add(name, 0, MINUTE)
        guesses = cache.incr(name)
    except Exception:  # without a cache nothing is counted; 256 bits are not guessed
        return
    if guesses > GUESSES:
        raise Throttled(wait=MINUTE)


def staff_only(
    view: Callable[..., HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Let staff and holders of tokens pass; others get a problem and no page to sign in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            user = staff(request)
        except Throttled:
            return problems.too_many(MINUTE)
        return view(request, *args, **kwargs) if user else stranger(request)

    return guarded
