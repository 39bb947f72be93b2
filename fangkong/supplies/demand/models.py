"""What is asked for: a need of a place for some days, line by line."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock
from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.supplies.stock.models import Item, Place

from .types import NeedState


class Need(Record):
    """What a place needs from a first to a last day, and why (需求).

    ``room``: which room of the house reported it; "" where people asked by hand. ``ref``: what
    that room calls it; a newer report under the same one replaces it. ``ended_why``: the reason of
    a withdrawal, or the number of the plan that answered it.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=200)
    room = models.CharField(_("reported by"), max_length=40, blank=True)
    ref = models.CharField(_("reference"), max_length=80, blank=True)
    state = models.CharField(
        pgettext_lazy("of a need", "State"),
        max_length=10,
        choices=NeedState.choices,
        default=NeedState.OPEN,
    )
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_why = models.CharField(_("why it ended"), max_length=200, blank=True)
    replaces = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="need_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(state=NeedState.OPEN, ended_at__isnull=True)
                | (~models.Q(state=NeedState.OPEN) & models.Q(ended_at__isnull=False)),
                name="need_ended_has_its_moment",
            ),
            models.UniqueConstraint(
                fields=["room", "ref"],
                condition=models.Q(state=NeedState.OPEN) & ~models.Q(ref=""),
                name="need_open_once_by_reference",
            ),
        ]
        indexes = [models.Index(fields=["place", "last_day"], name="need_by_place")]

    def __str__(self) -> str:
        return f"{self.place_id} {self.first_day}"

    @property
    def late(self) -> bool:
        """It was asked for after its first day."""
        return clock.day_of(self.created_at) > self.first_day

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    def get_absolute_url(self) -> str:
        return address("supplies:demand:need", self.public_id)


class NeedLine(models.Model):
    """So much of an item over the days of its need, or so many heads of a role each day."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    need = models.ForeignKey(Need, on_delete=models.PROTECT, related_name="lines", db_index=False)
    item = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveBigIntegerField(_("quantity"), null=True)
    who = models.CharField(_("role"), max_length=40, blank=True)
    heads = models.PositiveIntegerField(_("heads"), null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(item__isnull=False, quantity__gt=0, who="", heads__isnull=True)
                | (models.Q(quantity__isnull=True, heads__gt=0) & ~models.Q(who="")),
                name="need_line_of_goods_or_heads",
            ),
            # Lines of all that a role uses name no item; they are alike too.
            models.UniqueConstraint(
                models.F("need"),
                Coalesce("item", models.Value(0, models.BigIntegerField())),
                models.F("who"),
                name="need_line_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity or self.heads} of need {self.need_id}"
