"""Codes of a second factor, and what administrators fill in."""

from __future__ import annotations

import time
from typing import Any, cast

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import get_totp_secret
from django import forms
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages

from . import actions, queries, rules
from .types import Outcome


class _CountedCode(forms.Form):
    """A code typed by hand: counted like a password, an app's code used once only."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        attempt = actions.begin(
            username=self.user.username, origin=queries.origin(context.request), at=clock.now()
        )
        if not actions.weigh(attempt=attempt):
            raise get_account_adapter().validation_error("too_many_login_attempts")
        code = str(self.cleaned_data["code"]).strip()
        for one in Authenticator.objects.filter(user_id=self.user.pk).exclude(
            type=Authenticator.Type.WEBAUTHN
        ):
            if one.type == Authenticator.Type.TOTP:
                right = actions.use_code(authenticator=one, code=code, now=time.time())
            else:
                right = bool(one.wrap().validate_code(code))
            if right:
                one.refresh_from_db()
                one.user = self.user
                self.authenticator = one
                actions.forget(attempt=attempt)
                return code
        actions.close(attempt=attempt, outcome=Outcome.WRONG)
        raise get_adapter().validation_error("incorrect_code")


class CodeForm(_CountedCode, AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The second step of signing in."""


class CodeAgainForm(_CountedCode, ReauthenticateForm):  # type: ignore[misc]  # see above
    """Is it still you?"""


class FirstCodeForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth ships no types
    """Setting up an app: its first code shows that both clocks agree, and is used up by it."""

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"])
        step = rules.matching_step(get_totp_secret(), code, time.time())
        if step is None:
            raise forms.ValidationError(
                _("This code does not fit. Check the clock of the phone, and type the newest code.")
            )
        cast(Any, context.request).first_step = step
        return code


class ReasonForm(pages.Form):
    """Why a second factor is reset."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        help_text=_("Say how you made sure who asks, such as in person or by calling back."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class LinkForm(pages.Form):
    """The subject at the identity provider."""

    subject = forms.CharField(
        label=_("Subject at the identity provider"),
        max_length=191,
        help_text=_("The value of “sub”, as the provider's administration shows it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
