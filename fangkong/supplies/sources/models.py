"""What is offered, promised and given; what the door made of it; what the public was told."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.supplies.stock.models import Entry, Item, Lot, Place

from .types import GIVEN, Channel, Fund, SupplyState, Verdict


class Supply(Record):
    """Goods or money from outside, by one channel, for one store (货源).

    ``code``: by which whoever gave finds what became of it; drawn by chance, so nobody can guess
    another's. ``party``: a firm or office; private givers are not named in this house.
    ``money``: fen that are given. ``arrives_on``: the promised day, as it stands now.
    ``money_past``: pairs of ISO moments between which the money counted as come before that was
    taken back. ``money_by``: who said that it came.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    code = models.CharField(_("code"), max_length=12, unique=True)
    channel = models.CharField(_("channel"), max_length=12, choices=Channel.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=SupplyState.choices, default=SupplyState.OFFERED
    )
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    party = models.CharField(pgettext_lazy("of supplies", "from"), max_length=100, blank=True)
    private = models.BooleanField(_("private giver"), default=False)
    money = models.PositiveBigIntegerField(_("money"), default=0)
    fund = models.CharField(
        pgettext_lazy("of supplies", "paid with"),
        max_length=8,
        choices=Fund.choices,
        default=Fund.NONE,
    )
    arrives_on = models.DateField(_("promised for"), null=True)
    earmark = models.CharField(_("earmarked for"), max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True)
    money_came_at = models.DateTimeField(_("money came"), null=True)
    money_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        editable=False,
    )
    money_back_at = models.DateTimeField(_("money taken back"), null=True)
    money_past = models.JSONField(default=list, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True)
    why = models.CharField(_("reason"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)
    # Of the row of a file that it came from, so that the same row again enters nothing.
    row_print = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["row_print"], condition=~models.Q(row_print=""), name="supply_row_once"
            ),
            models.CheckConstraint(
                condition=models.Q(private=True, party="")
                | (models.Q(private=False) & ~models.Q(party="")),
                name="supply_from_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(money=0) | models.Q(channel__in=sorted(GIVEN)),
                name="supply_money_is_a_gift",
            ),
        ]
        indexes = [
            models.Index(fields=["place", "id"], name="supply_by_place"),
            models.Index(fields=["state", "arrives_on"], name="supply_by_day"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def display_name(self) -> str:
        """From whom, as everybody may read it."""
        return self.party or pgettext("who gave supplies", "A private giver")

    @property
    def given(self) -> bool:
        """Is it a gift, of which the public is told?"""
        return self.channel in GIVEN

    def get_absolute_url(self) -> str:
        return address("supplies:sources:detail", self.public_id)


class SupplyLine(models.Model):
    """So much of an item within a supply, in smallest units; ``price`` in fen, of the whole."""

    pii: ClassVar[dict[str, Personal]] = {}

    supply = models.ForeignKey(Supply, on_delete=models.PROTECT, related_name="lines")
    n = models.PositiveSmallIntegerField()
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveBigIntegerField(_("quantity"))
    price = models.PositiveBigIntegerField(_("price"), null=True)
    standard = models.CharField(_("standard"), max_length=60, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supply", "n"], name="supply_line_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="supply_line_is_of_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.supply_id}/{self.n}"


class Delivery(Record):
    """What the door made of goods that came (验收). Never changed.

    ``entry`` and ``lot``: how they were booked; null where they were refused. A sheet that was
    taken back makes its deliveries count no more.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    line = models.ForeignKey(SupplyLine, on_delete=models.PROTECT, related_name="deliveries")
    quantity = models.PositiveBigIntegerField(_("quantity"))
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    why = models.CharField(_("reason"), max_length=200, blank=True)
    entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="deliveries")
    lot = models.ForeignKey(Lot, null=True, on_delete=models.PROTECT, related_name="deliveries")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quantity__gt=0), name="delivery_is_of_something"
            ),
            models.CheckConstraint(
                condition=models.Q(verdict=Verdict.REFUSED, entry__isnull=True, lot__isnull=True)
                | (
                    ~models.Q(verdict=Verdict.REFUSED)
                    & models.Q(entry__isnull=False, lot__isnull=False)
                ),
                name="delivery_booked_or_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.line_id}"

    def get_absolute_url(self) -> str:
        return self.line.supply.get_absolute_url()


class Disclosure(Record):
    """A report to the public: which gifts came, and what became of gifts (公示).

    ``contents``: the figures as they were; never changed. ``totals``: all that was told until then,
    of which the next report tells the difference, so that nothing is told twice or never, however
    late it was booked. ``since``: the moment of the report before. A report that was wrong is
    followed by one that ``corrects`` it, of the same hours, and says why.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    number = models.PositiveIntegerField(_("number"), unique=True)
    since = models.DateTimeField(_("since"), null=True)
    as_of = models.DateTimeField(_("as of"))
    contents = models.JSONField()
    totals = models.JSONField()
    corrects = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="corrected_by"
    )
    why = models.CharField(_("reason"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(since__isnull=True) | models.Q(as_of__gt=models.F("since")),
                name="disclosure_of_some_hours",
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)

    def get_absolute_url(self) -> str:
        return address("supplies:sources:report", self.public_id)
