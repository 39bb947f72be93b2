"""The report of a county for a day, and its lines. Neither is ever changed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.supplies.stock.models import Item


class DailyReport(Record):
    """What a county had, got and gave away from 0 to 24 hours of a day (日报).

    ``version``: 1, then one more for each correction, which says ``why``; the highest counts.
    ``nil``: nothing came, left or was lost (零报告). ``due_at``: by when the pack wanted it.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField(_("day"))
    version = models.PositiveSmallIntegerField(_("version"))
    nil = models.BooleanField(_("nil report"))
    due_at = models.DateTimeField(_("due"), null=True)
    remark = models.CharField(_("remark"), max_length=200, blank=True)
    why = models.CharField(_("why it was corrected"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["county", "day", "version"], name="daily_report_version_once"
            ),
            models.CheckConstraint(
                condition=models.Q(version=1, why="")
                | (models.Q(version__gt=1) & ~models.Q(why="")),
                name="daily_report_corrected_for_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["day", "county"], name="daily_report_by_day")]

    def __str__(self) -> str:
        return f"{self.county_id} {self.day} v{self.version}"

    @property
    def late(self) -> bool:
        """Was it filed after it was due? A correction is never late."""
        return self.version == 1 and self.due_at is not None and self.created_at > self.due_at

    def get_absolute_url(self) -> str:
        return address("supplies:daily:report", self.public_id)


class DailyLine(models.Model):
    """An item of a report, in smallest units. What was taken back of a day counts below zero."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    report = models.ForeignKey(
        DailyReport, on_delete=models.PROTECT, related_name="lines", db_index=False
    )
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    opening = models.BigIntegerField(_("in the morning"))
    received = models.BigIntegerField(_("from outside"))
    arrived = models.BigIntegerField(_("from other counties"))
    used = models.BigIntegerField(_("used"))
    sent = models.BigIntegerField(_("to other counties"))
    lost = models.BigIntegerField(_("lost"))
    found = models.BigIntegerField(_("found when counted"))
    closing = models.BigIntegerField(_("in the evening"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["report", "item"], name="daily_line_once"),
            models.CheckConstraint(
                condition=models.Q(
                    closing=models.F("opening")
                    + models.F("received")
                    + models.F("arrived")
                    + models.F("found")
                    - models.F("used")
                    - models.F("sent")
                    - models.F("lost")
                ),
                name="daily_line_sums",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_id}: {self.item_id}"
