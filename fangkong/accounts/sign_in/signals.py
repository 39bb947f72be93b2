"""What happens around allauth's own steps: marks in the session, lines in history and trail."""

from __future__ import annotations

import time
from typing import Any, cast

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.tokens import types as tokens

from . import actions, queries
from .types import End, Factor

# Django's own note of the last sign-in asks the machine's clock, not the house's (decision 0008).
user_logged_in.disconnect(dispatch_uid="update_last_login")


@receiver(user_logged_in, dispatch_uid="fangkong.sign_in")
def _in(sender: object, request: HttpRequest, user: Any, **more: object) -> None:
    """A session begins: when, with which proof, and what was last done in it."""
    factor = actions.factor_of_session(get_authentication_records(request, user))
    if request.session.pop("idp_mfa", False) and factor == Factor.IDP:
        factor = Factor.IDP_STRONG
    now = time.time()
    request.session["sign_in"] = {"at": now, "seen": now, "factor": str(factor)}
    if "SERVER_NAME" not in request.META:  # made by a program, not by a browser
        return
    actions.forget(attempt=request.session.pop("attempt", 0))
    if request.session.session_key is None:
        request.session.create()
    actions.enter(
        user=user,
        origin=queries.origin(request),
        factor=str(factor),
        session_key=cast(str, request.session.session_key),
        at=clock.now(),
    )


@receiver(user_logged_out, dispatch_uid="fangkong.sign_in")
def _out(sender: object, request: HttpRequest, user: Any, **more: object) -> None:
    end = getattr(request, "session_end", End.SIGNED_OUT)
    actions.note_end(session_key=request.session.session_key or "", end=end, at=clock.now())


@receiver(authenticator_added, dispatch_uid="fangkong.sign_in")
def _added(
    sender: object, request: HttpRequest, user: Any, authenticator: Authenticator, **more: object
) -> None:
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        return
    if (step := getattr(request, "first_step", None)) is not None:
        authenticator.data["last_step"] = step
        authenticator.save(update_fields=["data"])
    _mark(request, authenticator.type)
    actions.note_factor(verb="add_factor", kind=authenticator.type, by=user, at=clock.now())


@receiver(authenticator_removed, dispatch_uid="fangkong.sign_in")
def _removed(
    sender: object, request: HttpRequest, user: Any, authenticator: Authenticator, **more: object
) -> None:
    if not queries.factors(user):
        _mark(request, Factor.PASSWORD.value)
        actions.end_tokens_without_factor(user=user, by=user, when=clock.now())
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        actions.note_factor(verb="remove_factor", kind=authenticator.type, by=user, at=clock.now())


@receiver(authenticator_reset, dispatch_uid="fangkong.sign_in")
def _renewed(
    sender: object, request: HttpRequest, user: Any, authenticator: Authenticator, **more: object
) -> None:
    actions.note_factor(verb="renew_codes", kind=authenticator.type, by=user, at=clock.now())


@receiver(password_changed, dispatch_uid="fangkong.sign_in")
def _new_password(sender: object, request: HttpRequest, user: Any, **more: object) -> None:
    actions.note_own_password(by=user, at=clock.now())


def _factor_before_a_token(request: HttpRequest, user: Any) -> Promise | None:
    if queries.asks_for_factor_again(request, user, cast(Any, request).now):
        return _("Confirm your second factor first: the token would see personal data.")
    return None


tokens.require(_factor_before_a_token)


def _mark(request: HttpRequest, factor: str) -> None:
    marks = dict(request.session.get("sign_in", {}))
    marks["factor"] = factor
    request.session["sign_in"] = marks
