"""Emergency access (紧急授权): one person opened to one user for a short time, with a reason."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record


class EmergencyAccess(Record):
    """A grant like an appointment, for one person and some hours; never longer, never renewed.

    The person is kept by public id: the register of persons stands above this room.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "reason": Personal("health", "erase"),
        "finding": Personal("health", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_("PIPL 51, 54"), days=1095, since="valid_to")
    about: ClassVar[About] = About(key="person_key")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="emergency_accesses"
    )
    person_key = models.UUIDField()
    found_by = models.CharField(max_length=40)
    reason = models.CharField(_("reason"), max_length=400)
    valid_from = models.DateTimeField(_("from"))
    valid_to = models.DateTimeField(_("to"))
    checked_at = models.DateTimeField(_("checked"), null=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    justified = models.BooleanField(_("justified"), null=True)
    finding = models.CharField(_("finding"), max_length=400, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(valid_to__gte=models.F("valid_from")),
                name="emergency_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "valid_to"], name="emergency_of_user"),
            models.Index(fields=["checked_at", "id"], name="emergency_unchecked"),
        ]

    def __str__(self) -> str:
        return f"emergency access {self.public_id}"
