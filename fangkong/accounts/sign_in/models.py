"""Tries to sign in with the sessions that came of them, and former passwords."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import new_public_id

from .types import End, Factor, Outcome


class SignIn(models.Model):
    """One try to sign in, and the session that it opened.

    A row is written before a password is looked at, so the limit holds across processes and for
    tries at the same moment. Unknown names are counted by a keyed digest like known ones.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "address_key": Personal("staff", "erase", _("digest of the address")),
        "network": Personal("staff", "erase"),
        "agent": Personal("staff", "erase"),
    }
    # The law asks for six months of such logs; where somebody sat is not needed for longer.
    retention: ClassVar[Retention] = Retention(_("Cybersecurity Law 21"), days=200, since="at")
    about: ClassVar[About] = About(nobody=_("staff in office, on their own page"))

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    at = models.DateTimeField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="sign_ins"
    )
    account_key = models.CharField(max_length=32)
    address_key = models.CharField(max_length=32, blank=True)
    network = models.CharField(_("network"), max_length=50, blank=True)
    agent = models.CharField(_("device"), max_length=60, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    factor = models.CharField(_("factor"), max_length=20, choices=Factor.choices, blank=True)
    strange = models.BooleanField(_("unusual"), default=False)
    answered_at = models.DateTimeField(null=True)
    session_key = models.CharField(max_length=40, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True)
    end = models.CharField(_("why it ended"), max_length=20, choices=End.choices, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account_key", "at"], name="sign_in_by_account"),
            models.Index(fields=["address_key", "at"], name="sign_in_by_address"),
            models.Index(fields=["user", "at"], name="sign_in_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.outcome}"


class FormerPassword(models.Model):
    """The hash of a password that somebody had before (only with ``PASSWORD_PROFILE=mlps3``)."""

    pii: ClassVar[dict[str, Personal]] = {}

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="former_passwords"
    )
    password = models.CharField(max_length=128)
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "until"], name="former_password_of_user")]

    def __str__(self) -> str:
        return f"former password {self.pk}"
