"""Plans of allocation, their lines, and the sheets by which the goods left."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.supplies.stock.models import Entry, Item, Place

from .offices import PlanMode, PlanState

_BY = "accounts.User"


class Plan(Record):
    """Who gets what out of a store (调配方案). Frozen at approval; a later plan replaces it.

    ``problem``: what was known when it was prepared, as ``fangkong allocate`` reads it.
    ``told``: what is said of the items and the worst-off. ``needs``: public ids of the needs that
    it took into account. ``last``: the plan of this store that was approved before.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    number = models.CharField(_("number"), max_length=40, unique=True)
    store = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(
        pgettext_lazy("of a plan", "Mode"), max_length=16, choices=PlanMode.choices
    )
    first_day = models.DateField(_("first day"))
    days = models.PositiveSmallIntegerField(_("days"))
    state = models.CharField(
        pgettext_lazy("of a plan", "State"),
        max_length=10,
        choices=PlanState.choices,
        default=PlanState.SOLVING,
    )
    problem = models.JSONField(_("problem"))
    told = models.JSONField(_("what is said of it"), default=dict)
    needs = models.JSONField(_("needs"), default=list)
    last = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(_("approved"), null=True)
    approved_by = models.ForeignKey(_BY, null=True, on_delete=models.PROTECT, related_name="+")
    dropped_why = models.CharField(_("why it was dropped"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    state=PlanState.APPROVED, approved_at__isnull=False, approved_by__isnull=False
                )
                | (~models.Q(state=PlanState.APPROVED) & models.Q(approved_at__isnull=True)),
                name="plan_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | models.Q(created_by__isnull=True)
                | ~models.Q(approved_by=models.F("created_by")),
                name="plan_approved_by_another_person",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("supplies:allocation:detail", self.public_id)


class Share(models.Model):
    """A line of a plan: what a place gets of an item, and why.

    ``proposed``: what was reckoned; ``quantity``: what holds. ``pro_rata``: what sharing in
    proportion would give. ``code`` and ``facts`` make the sentence that says why. ``lots``: public
    id of each lot with its pieces.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="shares", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    instead_of = models.ForeignKey(Item, null=True, on_delete=models.PROTECT, related_name="+")
    wanted = models.PositiveBigIntegerField(_("wanted"))
    proposed = models.PositiveBigIntegerField(_("reckoned"))
    quantity = models.PositiveBigIntegerField(_("quantity"))
    pro_rata = models.PositiveBigIntegerField(_("pro rata"), default=0)
    cover_before = models.FloatField(_("cover before"), null=True)
    cover_after = models.FloatField(_("cover after"), null=True)
    code = models.CharField(max_length=30)
    bound_by = models.CharField(max_length=20)
    facts = models.JSONField(default=dict)
    lots = models.JSONField(default=list)
    adjusted_why = models.CharField(_("why it was changed"), max_length=200, blank=True)
    adjusted_at = models.DateTimeField(_("changed"), null=True)
    adjusted_by = models.ForeignKey(_BY, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.F("plan"),
                models.F("place"),
                models.F("item"),
                Coalesce("instead_of", models.Value(0, models.BigIntegerField())),
                name="share_once",
            ),
            models.CheckConstraint(
                condition=models.Q(quantity=models.F("proposed")) | ~models.Q(adjusted_why=""),
                name="share_changed_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of plan {self.plan_id}"

    @property
    def adjusted(self) -> bool:
        """Somebody changed what was reckoned."""
        return self.quantity != self.proposed


class Shipment(models.Model):
    """The sheet of the ledger by which a plan's goods left for a place."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="shipments")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.entry_id} of plan {self.plan_id}"
