"""Who arrived from where, at which checkpoint; what was asked, answered and announced."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.sealing import SealedTextField
from fangkong.core.walls.types import Wall

from .types import State

KEPT_DAYS = 60  # arrivals, after the last change
_GROUND = _("PIPL 19, 47; Emergency Response Law 85")


class Checkpoint(Record):
    """A post on a road (检查点、卡口) with its county and what is done there.

    ``opens`` and ``closes`` are hours of the day; both empty: day and night.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    facility = models.ForeignKey(
        "places.Facility", on_delete=models.PROTECT, related_name="+", verbose_name=_("place")
    )
    county = models.ForeignKey(
        "places.Area", verbose_name=_("county"), on_delete=models.PROTECT, related_name="+"
    )
    road = models.CharField(_("road"), max_length=100, blank=True)
    duties = models.JSONField(_("duties"), default=list)
    opens = models.PositiveSmallIntegerField(_("opens at"), null=True)
    closes = models.PositiveSmallIntegerField(_("closes at"), null=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["facility"],
                condition=models.Q(closed_at__isnull=True),
                name="checkpoint_once_in_a_place",
            )
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:arrivals:checkpoint", self.public_id)


class RiskArea(Record):
    """An area that was announced for a tier of origin, from one day to another.

    ``code``: the beginning of area codes (4201 is Wuhan, 42 Hubei), or ``abroad``.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    code = models.CharField(_("area code"), max_length=12)
    name = models.CharField(_("area"), max_length=100)
    condition = models.CharField(_("disease"), max_length=60)
    tier = models.CharField(_("tier of origin"), max_length=60)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True)
    source = models.CharField(_("announcement"), max_length=200)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "condition", "tier", "valid_from"], name="risk_area_once_a_day"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
                name="risk_area_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.tier} {self.valid_from}"

    def get_absolute_url(self) -> str:
        return address("surveillance:arrivals:risk_area", self.public_id)


class Arrival(Record):
    """A person came into the prefecture, or from one county to another (来返人员), on one day.

    ``area`` and ``county`` are where they go; ``gate`` and ``gate_county`` where they were
    registered. ``stays``: where they were (``area``: beginning of a code or ``abroad``, ``name`` as
    stated, ``last`` day there). ``as_of``: the day whose rules and announcements gave ``tier`` and
    ``also`` (the other tiers that fit). ``phases``: the days of watching that they give;
    ``tests_due``: moments until which a test after the entry is due.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "reason": Personal("whereabouts", "erase"),
        "stays": Personal("whereabouts", "erase"),
        "origin": Personal("whereabouts", "erase"),
        "signs": Personal("health", "erase"),
        "has_symptoms": Personal("health", "erase"),
        "temperature": Personal("health", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(
        county="county_id",
        area="area_id",
        facility="unit_id",
        counties_too="gate_county_id",
        facilities_too="gate_id",
        by="created_by_id",
        opens=("person",),
    )

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    condition = models.CharField(_("disease"), max_length=60)
    checkpoint = models.ForeignKey(
        Checkpoint,
        verbose_name=_("checkpoint"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    gate = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    gate_county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    area = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area",
        verbose_name=_("county"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    unit = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    arrived_at = models.DateTimeField(_("arrived"))
    arrived_date = models.DateField(_("day of arriving"))
    as_of = models.DateField(_("as of"))
    stays = models.JSONField(_("stays"), default=list)
    origin = models.CharField(_("came from"), max_length=100, blank=True)
    left_date = models.DateField(_("left on"), null=True)
    signs = models.JSONField(_("signs"), default=list)
    has_symptoms = models.BooleanField(_("symptoms"), null=True)
    temperature = models.PositiveSmallIntegerField(_("temperature"), null=True)
    tier = models.CharField(_("tier of origin"), max_length=60, blank=True)
    also = models.JSONField(default=list)
    pack = models.CharField(_("rule pack"), max_length=60)
    clause = models.CharField(_("clause"), max_length=60, blank=True)
    not_yet = models.BooleanField(default=False)
    fetched = models.BooleanField(default=False)
    certificate_hours = models.PositiveSmallIntegerField(null=True)
    tests_due = models.JSONField(default=list)
    phases = models.JSONField(default=list)
    observation = models.ForeignKey(
        "surveillance.Observation", null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    received_at = models.DateTimeField(null=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "condition", "arrived_date"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="arrival_once_a_day",
            )
        ]
        indexes = [
            models.Index(fields=["county", "arrived_at", "id"], name="arrival_by_county"),
            models.Index(fields=["gate_county", "arrived_at", "id"], name="arrival_by_gate_county"),
            models.Index(fields=["arrived_at", "id"], name="arrival_by_moment"),
            models.Index(
                fields=["county"],
                condition=models.Q(state=State.WAITING, withdrawn_at__isnull=True),
                name="arrival_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"arrival {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:arrivals:detail", self.public_id)


class Passage(Record):
    """An arrival was seen at a checkpoint; once a day at each."""

    pii: ClassVar[dict[str, Personal]] = {}
    # Not through the arrival, which it opens for its checkpoint: that would be a circle.
    wall: ClassVar[Wall] = Wall(stands="checkpoint", opens=("arrival",))

    arrival = models.ForeignKey(
        Arrival, on_delete=models.PROTECT, related_name="passages", db_index=False
    )
    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField(_("day"))
    passed_at = models.DateTimeField(_("passed"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["arrival", "checkpoint", "day"], name="passage_once_a_day"
            )
        ]
        indexes = [models.Index(fields=["day", "checkpoint"], name="passage_by_day")]

    def __str__(self) -> str:
        return f"passage {self.public_id}"


class Answer(Record):
    """What a person answered to a question of the pack; the last one stands, until ``valid_until``.

    ``valid_until`` empty: until somebody corrects it.
    """

    pii: ClassVar[dict[str, Personal]] = {"value": Personal("health", "erase")}
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(through="arrival")

    arrival = models.ForeignKey(
        Arrival, on_delete=models.PROTECT, related_name="answers", db_index=False
    )
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    question = models.CharField(_("question"), max_length=60)
    value = SealedTextField(_("answer"), max_length=300, blank=True)
    answered_at = models.DateTimeField(_("answered"))
    valid_until = models.DateField(_("stands until"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["arrival", "question"], name="answer_once_an_arrival")
        ]

    def __str__(self) -> str:
        return f"answer {self.public_id}"


class Asked(Record):
    """A question was put to a person: it stood on a form for them, whether or not they answered.

    ``again``: an answer of that person was known at that moment and still stood. ``visit`` names
    the form, which is counted once however often it is drawn.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = Wall(county="county_id", facility="gate_id")

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    question = models.CharField(_("question"), max_length=60)
    visit = models.UUIDField()
    asked_at = models.DateTimeField(_("asked"))
    day = models.DateField(_("day"))
    again = models.BooleanField(_("asked although known"), default=False)
    checkpoint = models.ForeignKey(
        Checkpoint, null=True, on_delete=models.PROTECT, related_name="+"
    )
    gate = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "person", "question"], name="asked_once_a_form"
            )
        ]
        indexes = [models.Index(fields=["county", "day"], name="asked_by_county")]

    def __str__(self) -> str:
        return f"question {self.question} to person {self.person_id}"
