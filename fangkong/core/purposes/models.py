"""Assessments of what processing means for the persons concerned (影响评估, PIPL 55 and 56)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import new_public_id


class Assessment(models.Model):
    """One assessment of one purpose. Only ever added to, so it is kept as long as the house."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    purpose = models.CharField(_("purpose"), max_length=60)
    need = models.CharField(_("why these data and no fewer"), max_length=1000)
    risk = models.CharField(_("what it can do to persons"), max_length=1000)
    measures = models.CharField(_("what protects them"), max_length=1000)
    fit = models.BooleanField(_("the measures are enough for the risk"))
    at = models.DateTimeField(_("assessed"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("impact assessment")
        indexes = [models.Index(fields=["purpose", "-id"], name="assessment_by_purpose")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.public_id}"
