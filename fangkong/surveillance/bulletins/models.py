"""Bulletins, orders of daily reporting, and nil reports."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.core.walls.types import Wall

from .types import BulletinState, Figures


class Bulletin(Record):
    """The cases of a disease in a place as known at 24:00 of a day (疫情通报).

    ``counted``: figures as the house counts them; ``stated``: as the bulletin tells them;
    ``changes``: who stated which otherwise, and why, one entry a change. Both texts and the number
    come with the issue; after it nothing changes.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    area = models.ForeignKey(
        "places.Area", verbose_name=_("place"), on_delete=models.PROTECT, related_name="+"
    )
    condition = models.CharField(_("disease"), max_length=60)
    day = models.DateField(_("day"))
    as_of = models.DateTimeField(_("as of"))
    state = models.CharField(
        _("state"), max_length=10, choices=BulletinState.choices, default=BulletinState.DRAFT
    )
    number = models.PositiveIntegerField(_("number"), null=True)
    pack = models.CharField(_("rule pack"), max_length=60)
    definition = models.CharField(_("definition"), max_length=60)
    clause = models.CharField(_("clause"), max_length=60, blank=True)
    counted = models.JSONField(default=dict)
    stated = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    remark_zh = models.CharField(_("remark in Chinese"), max_length=400, blank=True)
    remark_en = models.CharField(_("remark in English"), max_length=400, blank=True)
    text_zh = models.TextField(blank=True)
    text_en = models.TextField(blank=True)
    reporting = models.JSONField(default=dict)  # who had reported, at the issue
    stated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    issued_at = models.DateTimeField(_("published"), null=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        verbose_name = _("bulletin")
        verbose_name_plural = _("bulletins")
        constraints = [
            models.UniqueConstraint(
                fields=["area", "condition", "number"], name="bulletin_number_once"
            ),
            models.UniqueConstraint(
                fields=["area", "condition", "day"],
                condition=models.Q(state=BulletinState.DRAFT),
                name="bulletin_draft_once",
            ),
            models.UniqueConstraint(
                fields=["corrects"],
                condition=models.Q(state=BulletinState.ISSUED),
                name="bulletin_corrected_once",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(
                        state=BulletinState.ISSUED, issued_at__isnull=False, number__isnull=False
                    )
                    | (
                        ~models.Q(state=BulletinState.ISSUED)
                        & models.Q(issued_at=None, number=None)
                    )
                ),
                name="bulletin_issued_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["day", "id"], name="bulletin_by_day"),
            models.Index(fields=["area", "condition", "day"], name="bulletin_by_series"),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.area_id} {self.day:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return address("surveillance:bulletins:detail", self.public_id)

    @property
    def figures(self) -> Figures:
        """What the bulletin tells."""
        return Figures.of(self.stated)

    @property
    def text(self) -> str:
        """The text in the language of the page."""
        return self.text_zh if (get_language() or "").startswith("zh") else self.text_en

    @property
    def remark(self) -> str:
        """The remark in the language of the page, in the other where it has only that."""
        both = (self.remark_zh, self.remark_en)
        first, second = both if (get_language() or "").startswith("zh") else both[::-1]
        return first or second


class DailyReporting(Record):
    """The order to report a disease each day (日报告、零报告), from a day on until it is ended.

    The report of a day is due at ``due_hour`` of the day after.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    condition = models.CharField(_("disease"), max_length=60)
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("to"), null=True)
    due_hour = models.PositiveSmallIntegerField(_("due at"))
    basis = models.CharField(_("ordered by"), max_length=200)

    class Meta:
        verbose_name = _("order of daily reporting")
        verbose_name_plural = _("orders of daily reporting")
        constraints = [
            models.UniqueConstraint(
                fields=["condition"],
                condition=models.Q(last_day__isnull=True),
                name="daily_reporting_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(last_day__isnull=True)
                | models.Q(last_day__gte=models.F("first_day")),
                name="daily_reporting_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(due_hour__lte=23), name="daily_reporting_hour"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.first_day:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return reverse("surveillance:bulletins:daily")


class NilReport(Record):
    """A facility had no case of a disease on a day (零报告). Sent once, never changed."""

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = Wall(county="county_id", facility="facility_id")

    order = models.ForeignKey(
        DailyReporting, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    facility = models.ForeignKey(
        "places.Facility", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField(_("day"))
    due_at = models.DateTimeField(_("due"))

    class Meta:
        verbose_name = _("nil report")
        verbose_name_plural = _("nil reports")
        constraints = [
            models.UniqueConstraint(
                fields=["order", "day", "facility"], name="nil_report_once_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.facility_id} {self.day:%Y-%m-%d}"

    @property
    def late(self) -> bool:
        """Whether it came after its hour."""
        sent: datetime = self.created_at
        return sent > self.due_at
