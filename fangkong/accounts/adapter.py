"""How allauth treats staff: nobody signs up, tries are counted in a table, secrets are sealed."""

from __future__ import annotations

import base64
import io
import os
from typing import Any, cast

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.encoding import force_bytes
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock

from .sign_in import actions, queries
from .sign_in.types import Outcome


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Accounts are made by the administrator only."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _(
            "Too many tries. Wait an hour, or ask an administrator if you need to work now."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who signed in a moment ago is not asked again at once."""
        asked = super().is_reauthentication_required(app=app, **kwargs)
        return bool(asked) and not queries.signed_in_lately(self.request)

    def get_client_ip(self, request: HttpRequest) -> str:
        return queries.origin(request).address

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Note the try before the password is looked at."""
        self.attempt = actions.begin(
            username=credentials.get("username", ""),
            origin=queries.origin(request),
            at=clock.now(),
        )
        if not actions.weigh(attempt=self.attempt):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user = cast("AbstractBaseUser | None", super().authenticate(request, **credentials))
        if user is None:
            return None
        if request.user.is_authenticated:  # asked again in the middle of a session
            actions.forget(attempt=self.attempt)
        else:
            actions.close(attempt=self.attempt, outcome=Outcome.HALF)
            request.session["attempt"] = self.attempt.pk
        return user

    def set_password(self, user: AbstractBaseUser, password: str) -> None:
        """The user's own change; the form has weighed the new one against the former ones."""
        actions.remember_password(user=cast(Any, user), when=clock.now())
        super().set_password(user, password)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        actions.close(attempt=self.attempt, outcome=Outcome.WRONG)

    def _rollback_login_failed_rl_usage(self) -> None:
        """allauth's own counter in the cache is not used."""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Second factors of staff."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is wrong or was used already."),
    }

    def build_totp_svg(self, url: str) -> str:
        out = io.BytesIO()  # with its namespace: without it a browser shows no such image
        segno.make(url, error="m").save(
            out, kind="svg", scale=5, border=4, light="#fff", xmldecl=False
        )
        return out.getvalue().decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """The last factor stays while a role asks for one."""
        user = cast(Any, authenticator.user)
        others = [one for one in queries.factors(user) if one.pk != authenticator.pk]
        return bool(others) or not queries.must_have_second_factor(user, clock.now())

    def encrypt(self, text: str) -> str:
        nonce = os.urandom(12)
        sealed = AESGCM(_key(settings.SECRET_KEY)).encrypt(nonce, text.encode(), b"mfa")
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        data = base64.b64decode(encrypted_text)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                return AESGCM(_key(secret)).decrypt(data[:12], data[12:], b"mfa").decode()
            except InvalidTag:
                continue
        raise InvalidTag

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict[str, Any]:
        entity = cast(dict[str, Any], super().get_public_key_credential_user_entity(user))
        # A phone keeps what it is told here: the user name, not the person's.
        return {**entity, "display_name": user.get_username()}


def _key(secret: str | bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"fangkong.mfa").derive(force_bytes(secret))
