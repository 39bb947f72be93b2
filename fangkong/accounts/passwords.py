"""What a password must be, said in the language of the page.

Two profiles, because the standards contradict each other: ``asvs`` (OWASP ASVS 5: long and not
common, no rules of composition, no change by calendar) and ``mlps3`` (GB/T 22239 level 3:
complexity, periodic change, history). Which one holds is said in ``config/sign_in_env.py``.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .sign_in import queries, rules

LONGEST = 1024  # more is no passphrase but an attempt to keep the server busy


class LongEnough(MinimumLengthValidator):
    """Django 5.2 words its own refusal anew, and its Chinese catalogue does not know it yet."""

    def validate(self, password: str, user: Any = None) -> None:
        super().validate(password, user)
        if len(password) > LONGEST:
            raise ValidationError(_("This password is longer than any passphrase."))

    def get_error_message(self) -> str:
        return ngettext(
            "This password is too short. It must contain at least %(n)d character.",
            "This password is too short. It must contain at least %(n)d characters.",
            self.min_length,
        ) % {"n": self.min_length}


class Mixed:
    """Three of the four kinds of signs."""

    def validate(self, password: str, user: Any = None) -> None:
        if rules.character_classes(password) < 3:
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return _("Use three of these: small letters, capital letters, digits, other signs.")


class NotAFormerOne:
    """None of the last five."""

    def validate(self, password: str, user: Any = None) -> None:
        if user is not None and any(
            check_password(password, former) for former in queries.former_passwords(user)
        ):
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return _("Choose a password that you have not used before.")
