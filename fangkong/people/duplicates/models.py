"""Searches for persons entered twice, the pairs they found, and records that were joined."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.sealing import SealedTextField
from fangkong.core.walls.types import Wall

from .types import Stage, Trigger, Weights

NOT_UNDONE = models.Q(undone_at__isnull=True)


class Run(Record):
    """One search over the whole register. Whether its job waits, runs or failed says the queue.

    ``weights``: per comparison and level the shares of agreement among pairs of one person and of
    two (m, u), as they were used. ``bound``: thousandths of a bit, under which no pair is kept.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    trigger = models.CharField(_("occasion"), max_length=10, choices=Trigger.choices)
    weights_from = models.CharField(
        _("weights"), max_length=10, choices=Weights.choices, blank=True
    )
    weights = models.JSONField(default=dict)
    bound = models.IntegerField(_("bound"), default=0)
    person_count = models.PositiveIntegerField(_("persons"), default=0)
    pair_count = models.PositiveIntegerField(_("pairs"), default=0)
    new_count = models.PositiveIntegerField(_("new pairs"), default=0)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    seconds = models.PositiveIntegerField(_("seconds"), default=0)

    class Meta:
        verbose_name = _("search for persons entered twice")
        verbose_name_plural = _("searches for persons entered twice")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(started_at__isnull=False),
                name="pair_run_ends_after_it_starts",
            )
        ]
        indexes = [models.Index(fields=["created_at", "id"], name="pair_run_by_time")]

    def __str__(self) -> str:
        return f"search {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("people:duplicates:run", self.public_id)

    @property
    def stage(self) -> Stage:
        """How far it is, for a run fetched by ``queries.runs_open_to``."""
        if self.ended_at is not None:
            return Stage.DONE
        if getattr(self, "job_state", None) == "failed":
            return Stage.FAILED
        return Stage.WAITING if self.started_at is None else Stage.RUNNING


class Pair(Record):
    """Two records that may be one person, the one with the smaller key first.

    ``weight``: thousandths of a bit; 1,000 more is twice the odds. ``agreed``: by comparison the
    level that was reached, in codes. ``county`` is that of both, or empty for a pair across
    counties, which the prefecture judges. ``judged_at``: somebody said that they are two persons;
    ``numbers_digest`` is what their numbers were then.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "numbers_digest": Personal("identity", "erase", _("digest of the numbers")),
    }
    retention: ClassVar[Retention] = Retention(_("as its person"), along="one")
    wall: ClassVar[Wall] = Wall(county="county_id")

    one = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="pairs")
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    weight = models.IntegerField(_("weight"))
    agreed = models.JSONField(default=dict)
    judged_at = models.DateTimeField(_("judged"), null=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    numbers_digest = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("pair that may be one person")
        verbose_name_plural = _("pairs that may be one person")
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="pair_once"),
            models.CheckConstraint(
                condition=models.Q(one__lt=models.F("other")), name="pair_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(judged_at__isnull=True, judged_by__isnull=True)
                | models.Q(judged_at__isnull=False, judged_by__isnull=False),
                name="pair_judged_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-weight", "id"],
                condition=models.Q(judged_at__isnull=True),
                name="pair_waiting",
            ),
            models.Index(
                fields=["county", "-weight", "id"],
                condition=models.Q(judged_at__isnull=True),
                name="pair_waiting_by_county",
            ),
        ]

    def __str__(self) -> str:
        return f"pair {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("people:duplicates:detail", self.public_id)


class Merge(Record):
    """Two records joined: ``kept`` goes on, ``gone`` leads to it. The stamps say who and when, the
    trail of both says why.

    ``kept_before`` and ``gone_before`` are the values of both as they were, ``kept_after`` those of
    the kept one when it was done: JSON, sealed. ``moved``: by key ("room.Table.field") the rows
    that followed. ``taken``: the fields that came from the other record.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "kept_before": Personal("identity", "erase", _("the kept record as it was")),
        "kept_after": Personal("identity", "erase", _("the kept record when joined")),
        "gone_before": Personal("identity", "erase", _("the other record as it was")),
    }
    retention: ClassVar[Retention] = Retention(_("as its person"), along="kept")
    # ``county`` as of the pair: empty across counties.
    wall: ClassVar[Wall] = Wall(county="county_id")

    kept = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    gone = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    pair = models.ForeignKey(Pair, on_delete=models.PROTECT, related_name="merges")
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    taken = models.JSONField(default=list)
    moved = models.JSONField(default=dict)
    kept_before = SealedTextField(blank=True)
    kept_after = SealedTextField(blank=True)
    gone_before = SealedTextField(blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        verbose_name = _("joined records")
        verbose_name_plural = _("joined records")
        constraints = [
            models.UniqueConstraint(fields=["gone"], condition=NOT_UNDONE, name="merge_gone_once"),
            models.CheckConstraint(condition=~models.Q(kept=models.F("gone")), name="merge_of_two"),
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True, undone_by__isnull=True)
                | models.Q(undone_at__isnull=False, undone_by__isnull=False),
                name="merge_undone_by_somebody",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="merge_by_time"),
            models.Index(fields=["county", "created_at", "id"], name="merge_by_county"),
        ]

    def __str__(self) -> str:
        return f"merge {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("people:duplicates:merged", self.public_id)
