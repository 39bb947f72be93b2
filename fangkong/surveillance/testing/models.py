"""Specimens, every step of their way, and their results."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.walls.types import Wall

from .rules import NUMBER_LENGTH
from .types import Channel, Done, PoolDone, PoolState, ResultOutcome, State

KEPT_DAYS = 60  # a person without a case and their specimens, after the last change


class Tube(Record):
    """What a specimen and a pool have in common: a number, a way and a laboratory.

    ``due_at`` is the promise, kept with the pack and the clause that gave it; overdue is never
    stored. ``state_at`` is the moment of the newest step, ``outcome`` that of the newest result.
    """

    number = models.CharField(_("number"), max_length=NUMBER_LENGTH)
    condition = models.CharField(_("disease"), max_length=60)
    specimen_type = models.CharField(_("specimen"), max_length=60)
    test_group = models.CharField(_("group tested"), max_length=60)
    facility = models.ForeignKey(
        "places.Facility",
        verbose_name=_("requested by"),
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
    laboratory = models.ForeignKey(
        "places.Facility",
        verbose_name=_("laboratory"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.REQUESTED
    )
    state_at = models.DateTimeField()
    collected_at = models.DateTimeField(_("collected"), null=True)
    received_at = models.DateTimeField(_("received"), null=True)
    pack = models.CharField(_("rule pack"), max_length=60)
    clause = models.CharField(_("clause"), max_length=60, blank=True)
    due_at = models.DateTimeField(_("result due"), null=True)
    outcome = models.CharField(
        _("result"), max_length=10, choices=ResultOutcome.choices, blank=True
    )
    reported_at = models.DateTimeField(_("reported"), null=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.number


class Pool(Tube):
    """One tube with the swabs of several persons (混采管), to tell quickly who need not be tested.

    Its members are specimens without a tube of their own (``Specimen.pool``). ``rule`` is the line
    of the pack that allows it, ``size`` how many persons it may hold. Open until it is closed,
    which is its collection. It diagnoses nobody: its result is no ``Result`` of a person.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="area_id", facility="facility_id", facilities_too="laboratory_id"
    )

    state = models.CharField(
        _("state"), max_length=10, choices=PoolState.choices, default=PoolState.REQUESTED
    )
    rule = models.CharField(_("kind of pool"), max_length=60)
    size = models.PositiveSmallIntegerField(_("size"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="pool_number_once"),
            models.CheckConstraint(
                condition=models.Q(collected_at__isnull=True, due_at__isnull=True)
                | models.Q(collected_at__isnull=False, due_at__isnull=False),
                name="pool_promise_from_collection",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=PoolState.REPORTED) | models.Q(reported_at__isnull=False),
                name="pool_reported_has_a_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="pool_by_entry"),
            models.Index(fields=["county", "created_at", "id"], name="pool_by_county"),
            models.Index(fields=["facility", "created_at", "id"], name="pool_by_facility"),
            models.Index(fields=["laboratory", "created_at", "id"], name="pool_by_laboratory"),
        ]

    def get_absolute_url(self) -> str:
        return address("surveillance:testing:pool", self.public_id)


class Specimen(Tube):
    """What is taken from one person or surface (标本), to be tested.

    ``county`` is where it is taken, ``home_county`` where the person lives: both follow it.
    ``onset_date`` is what the request says; None without symptoms. ``pool``: the tube it went into
    with others, instead of one of its own; ``repeats``: the member of a pool that it is taken for
    anew. Where nobody noted the collection, ``collected_at`` is the moment of the receipt.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "site": Personal("whereabouts", "erase"),
        "onset_date": Personal("health", "erase"),
    }
    retention: ClassVar[Retention] = Retention(
        _("PIPL 19, 47; Emergency Response Law 85"), days=KEPT_DAYS, since="changed_at"
    )
    wall: ClassVar[Wall] = Wall(
        county="county_id",
        area="area_id",
        facility="facility_id",
        counties_too="home_county_id",
        facilities_too="laboratory_id",
        opens=("person",),
    )

    person = models.ForeignKey(
        "people.Person", null=True, on_delete=models.PROTECT, related_name="+"
    )
    home_county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    case = models.ForeignKey(
        "surveillance.Case", null=True, on_delete=models.PROTECT, related_name="+"
    )
    site = models.CharField(_("surface"), max_length=100, blank=True)
    onset_date = models.DateField(_("onset"), null=True)
    pool = models.ForeignKey(
        Pool, null=True, on_delete=models.PROTECT, related_name="members", db_index=False
    )
    repeats = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="repeated_by", db_index=False
    )
    collection_noted = models.BooleanField(_("collection noted"), default=True)

    class Meta:
        constraints = [
            # Not ``unique=True``, which on PostgreSQL brings a second index, for LIKE.
            models.UniqueConstraint(fields=["number"], name="specimen_number_once"),
            models.UniqueConstraint(
                fields=["person", "facility", "condition", "specimen_type"],
                condition=models.Q(state=State.REQUESTED),
                name="specimen_requested_once",
            ),
            models.CheckConstraint(
                condition=models.Q(collected_at__isnull=True, due_at__isnull=True)
                | models.Q(collected_at__isnull=False, due_at__isnull=False),
                name="specimen_promise_from_collection",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=State.REPORTED) | models.Q(reported_at__isnull=False),
                name="specimen_reported_has_a_moment",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[State.HELD, State.RELEASED])
                | models.Q(pool__isnull=False),
                name="specimen_held_for_a_pool",
            ),
        ]
        indexes = [
            models.Index(
                fields=["pool"], condition=models.Q(pool__isnull=False), name="specimen_by_pool"
            ),
            models.Index(
                fields=["repeats"],
                condition=models.Q(repeats__isnull=False),
                name="specimen_by_repeated",
            ),
            models.Index(fields=["created_at", "id"], name="specimen_by_entry"),
            models.Index(fields=["county", "created_at", "id"], name="specimen_by_county"),
            models.Index(fields=["home_county", "created_at", "id"], name="specimen_by_home"),
            models.Index(fields=["facility", "created_at", "id"], name="specimen_by_facility"),
            models.Index(fields=["laboratory", "created_at", "id"], name="specimen_by_laboratory"),
            models.Index(fields=["laboratory", "reported_at"], name="specimen_by_report"),
            models.Index(
                fields=["laboratory", "due_at", "id"],
                condition=models.Q(
                    state__in=[State.COLLECTED, State.SHIPPED, State.RECEIVED, State.TESTED]
                ),
                name="specimen_promised",
            ),
        ]

    def get_absolute_url(self) -> str:
        return address("surveillance:testing:detail", self.public_id)


class Step(models.Model):
    """One step of the way of a tube. Only ever added to.

    ``done_at`` is the moment of the act, ``entered_at`` when the house heard of it.
    """

    sequence = models.PositiveSmallIntegerField()
    state = models.CharField(_("step"), max_length=10, choices=Done.choices)
    done_at = models.DateTimeField(_("moment"))
    entered_at = models.DateTimeField(_("entered"))
    facility = models.ForeignKey(
        "places.Facility", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reason = models.CharField(_("reason"), max_length=400, blank=True)

    class Meta:
        abstract = True


class CustodyStep(Step):
    """One step of the way of a specimen."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True
    wall: ClassVar[Wall] = Wall(through="specimen")

    specimen = models.ForeignKey(
        Specimen, on_delete=models.PROTECT, related_name="steps", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["specimen", "sequence"], name="custody_step_once")
        ]
        indexes = [models.Index(fields=["by", "state", "entered_at"], name="custody_step_by_user")]

    def __str__(self) -> str:
        return f"{self.specimen_id}/{self.sequence}: {self.state}"


class PoolStep(Step):
    """One step of the way of a pool."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True
    wall: ClassVar[Wall] = Wall(through="pool")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="steps", db_index=False)
    state = models.CharField(_("step"), max_length=10, choices=PoolDone.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "sequence"], name="pool_step_once")]
        indexes = [models.Index(fields=["by", "state", "entered_at"], name="pool_step_by_user")]

    def __str__(self) -> str:
        return f"{self.pool_id}/{self.sequence}: {self.state}"


class Finding(models.Model):
    """What a laboratory found in a tube. Only ever added to: the newest counts.

    ``ct``: hundredths of a cycle (Ct 值) by target. ``sender_number``: by which a message that
    comes twice is known. An invalid result has no moment of report: the tube is tested again.
    """

    sequence = models.PositiveSmallIntegerField()
    method = models.CharField(_("method"), max_length=60)
    outcome = models.CharField(_("result"), max_length=10, choices=ResultOutcome.choices)
    ct = models.JSONField(default=dict)
    laboratory = models.ForeignKey(
        "places.Facility", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    tested_at = models.DateTimeField(_("tested"))
    reported_at = models.DateTimeField(_("reported"), null=True)
    entered_at = models.DateTimeField(_("entered"))
    by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    channel = models.CharField(
        pgettext_lazy("of a result", "came by"), max_length=10, choices=Channel.choices
    )
    sender_number = models.CharField(_("number of the sender"), max_length=80, blank=True)
    reason = models.CharField(_("reason of the correction"), max_length=400, blank=True)

    class Meta:
        abstract = True


class Result(Finding):
    """The result of one specimen."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True
    wall: ClassVar[Wall] = Wall(through="specimen")

    specimen = models.ForeignKey(
        Specimen, on_delete=models.PROTECT, related_name="results", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["specimen", "sequence"], name="result_once"),
            # A test that has to be repeated, and a correction, come under the same number again.
            models.UniqueConstraint(
                fields=["laboratory", "sender_number"],
                condition=~models.Q(sender_number="")
                & models.Q(reason="", reported_at__isnull=False),
                name="result_of_a_sender_once",
            ),
        ]
        # Each result that is sent asks whether its number was there before, corrections too.
        indexes = [models.Index(fields=["laboratory", "sender_number"], name="result_by_sender")]

    def __str__(self) -> str:
        return f"{self.specimen_id}/{self.sequence}: {self.outcome}"


class PoolResult(Finding):
    """The result of a pool. Nobody's case is judged by it."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True
    wall: ClassVar[Wall] = Wall(through="pool")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="results", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "sequence"], name="pool_result_once"),
            models.UniqueConstraint(
                fields=["laboratory", "sender_number"],
                condition=~models.Q(sender_number="")
                & models.Q(reason="", reported_at__isnull=False),
                name="pool_result_of_a_sender_once",
            ),
        ]
        indexes = [
            models.Index(fields=["laboratory", "sender_number"], name="pool_result_by_sender")
        ]

    def __str__(self) -> str:
        return f"{self.pool_id}/{self.sequence}: {self.outcome}"


class TubeNumbering(models.Model):
    """The last number given out per area and year, to specimens and pools alike."""

    pii: ClassVar[dict[str, Personal]] = {}

    area = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "year"], name="tube_numbering_once")]

    def __str__(self) -> str:
        return f"{self.area_id} {self.year}: {self.last}"
