"""Messages of laboratories, and each result that one held. The messages themselves are not kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.core.walls.types import Wall
from fangkong.surveillance.testing.types import Channel, ResultOutcome

from .types import Fate

_WALL = Wall(county="county_id", area="area_id", facility="laboratory_id")


class OfLaboratory(Record):
    """A row that belongs to a laboratory."""

    laboratory = models.ForeignKey(
        "places.Facility",
        verbose_name=_("laboratory"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    area = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        abstract = True


class Message(OfLaboratory):
    """A message that was taken. ``digest`` tells the same one from another under its id."""

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = _WALL

    channel = models.CharField(_("came by"), max_length=10, choices=Channel.choices)
    message_id = models.CharField(_("number of the message"), max_length=120)
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["laboratory", "channel", "message_id"], name="message_once"
            )
        ]

    def __str__(self) -> str:
        return self.message_id

    def get_absolute_url(self) -> str:
        return address("surveillance:exchange:message", self.public_id)


class SentResult(OfLaboratory):
    """One result of a message, and what became of it. Nothing that was sent is lost."""

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = _WALL

    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, related_name="results", db_index=False
    )
    sequence = models.PositiveSmallIntegerField()
    number = models.CharField(_("number of the tube"), max_length=40)
    sender_number = models.CharField(_("number of the sender"), max_length=80, blank=True)
    method = models.CharField(_("method"), max_length=60, blank=True)
    outcome = models.CharField(
        _("result"), max_length=10, choices=ResultOutcome.choices, blank=True
    )
    ct = models.JSONField(default=dict)
    tested_at = models.DateTimeField(_("tested"), null=True)
    corrects = models.BooleanField(default=False)
    withdraws = models.BooleanField(default=False)  # it takes a result back; its own is "" mostly
    fate = models.CharField(_("state"), max_length=10, choices=Fate.choices)
    why = models.CharField(max_length=40, blank=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    specimen = models.ForeignKey(
        "surveillance.Specimen",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    pool = models.ForeignKey(
        "surveillance.Pool", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "sequence"], name="sent_result_once")
        ]
        indexes = [
            models.Index(
                fields=["laboratory", "created_at", "id"],
                condition=models.Q(fate=Fate.WAITING),
                name="sent_result_waiting",
            ),
            models.Index(
                fields=["specimen"],
                condition=models.Q(specimen__isnull=False),
                name="sent_result_by_specimen",
            ),
            models.Index(
                fields=["pool"], condition=models.Q(pool__isnull=False), name="sent_result_by_pool"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.sequence}: {self.fate}"

    def get_absolute_url(self) -> str:
        return address("surveillance:exchange:detail", self.public_id)
