"""On every request: is the session still good, and was it opened by enough?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from . import actions, queries, rules
from .types import End

Handler = Callable[[HttpRequest], HttpResponse]

# Where somebody without the second factor that their role asks for may still go: to set one up.
SETTING_UP = frozenset({
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_download_recovery_codes", "account_reauthenticate",
    "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_change_password",
})  # fmt: skip
NEW_PASSWORD = frozenset({"account_change_password", "account_reauthenticate"})
ALWAYS = frozenset({
    "account_logout", "account_login", "set_language", "alive", "ready",
    "accounts:sign_in:session",
})  # fmt: skip
SEEN_EVERY = 60.0  # seconds: the moment of the last work is written once a minute


class SignInGuard:
    """Ends sessions that are over, and leads to the second factor or to a new password."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and not self._alive(request):
            auth.logout(request)
            if _is_page(request):
                messages.info(request, _("Your session has ended. Sign in again to go on."))
        was_in = request.user.is_authenticated
        response = self.get_response(request)
        self._move(request)
        if was_in and not request.user.is_authenticated:
            # What a shared machine keeps of the pages goes with the session (ASVS 14.3.1).
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: object
    ) -> HttpResponseBase | None:
        """Before any view: refuse, or lead on."""
        if not request.user.is_authenticated:
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in ALWAYS:
            return None
        user, at = cast(Any, request.user), cast(Any, request).now
        factor = request.session.get("sign_in", {}).get("factor", "")
        if not queries.passed_second_factor(factor) and queries.must_have_second_factor(user, at):
            if name in SETTING_UP:
                return None
            return _refuse(request, "mfa_index", _("Set up a second factor first."))
        if name not in NEW_PASSWORD and queries.password_is_old(user, at):
            return _refuse(request, "account_change_password", _("Choose a new password first."))
        return None

    def _alive(self, request: HttpRequest) -> bool:
        marks = request.session.get("sign_in")
        if marks is None:  # from before sessions had marks, or not made by a sign-in
            return False
        user, at, now = cast(Any, request.user), cast(Any, request).now, time.time()
        why = rules.over(
            marks,
            now,
            idle=queries.idle(user, at),
            lifetime=timedelta(hours=settings.FANGKONG_SESSION_HOURS),
        )
        if why:
            cast(Any, request).session_end = End(why)
            return False
        cast(Any, request).old_session_key = request.session.session_key
        if now - marks["seen"] >= SEEN_EVERY and not _by_itself(request):
            request.session["sign_in"] = {**marks, "seen": now}
        return True

    def _move(self, request: HttpRequest) -> None:
        """A changed password gives the session a new key; the history follows it."""
        old, new = getattr(request, "old_session_key", None), request.session.session_key
        if old and new and old != new and request.user.is_authenticated:
            actions.move(old_key=old, new_key=new)


def _by_itself(request: HttpRequest) -> bool:
    """Whether the page asked for news by itself, which is no work of anybody."""
    return request.headers.get("X-Fangkong-Live") == "1"


def _is_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and "HX-Request" not in request.headers


def _refuse(request: HttpRequest, name: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": "SecondFactorMissing", "status": 403}
        if name != "mfa_index":
            body["title"] = "PasswordTooOld"
        return JsonResponse(
            {**body, "detail": text}, status=403, content_type="application/problem+json"
        )
    if request.method not in ("GET", "HEAD") or "HX-Request" in request.headers:
        messages.warning(request, text)
    return redirect(name)
