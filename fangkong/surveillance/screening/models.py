"""Who was with a case, who is watched, and on which days somebody looked."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.walls.types import Wall

from .types import Ending, Met, Part, Relation, Setting

KEPT_DAYS = 60  # contacts and those watched, after the last change
_GROUND = _("PIPL 19, 47; Emergency Response Law 85")


class Observation(Record):
    """A person is watched (医学观察) from one day to another, by a unit.

    Its days are not rows: from ``first_date`` to ``last_date`` each without a visit is due, or
    missed once it is over. ``phases``: the stretches of the term, each with place, first and last
    day (ISO), visits a day and days of tests. ``since``: the last day of exposure that counts.
    ``tier``: of an arrival (a code of the pack); ``entry_phases``: the stretches that its arrivals
    ask for, which stand whatever becomes of contacts.
    """

    pii: ClassVar[dict[str, Personal]] = {"reason": Personal("health", "erase")}
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="area_id", facility="unit_id", opens=("person",)
    )

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    condition = models.CharField(_("disease"), max_length=60)
    contact_class = models.CharField(_("class of contact"), max_length=60, blank=True)
    pack = models.CharField(_("rule pack"), max_length=60)
    clause = models.CharField(_("clause"), max_length=60, blank=True)
    since = models.DateField(_("last exposure"))
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    phases = models.JSONField(default=list)
    tier = models.CharField(_("tier of origin"), max_length=60, blank=True)
    entry_phases = models.JSONField(default=list)
    visits_a_day = models.PositiveSmallIntegerField(default=1)
    central_first = models.DateField(null=True)
    central_last = models.DateField(null=True)
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
        "places.Facility",
        verbose_name=_("visited by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    ending = models.CharField(_("end"), max_length=10, choices=Ending.choices, blank=True)
    ended_date = models.DateField(_("ended on"), null=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    case = models.ForeignKey(
        "surveillance.Case", null=True, on_delete=models.PROTECT, related_name="+"
    )
    taken_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "condition"],
                condition=models.Q(ending=""),
                name="observation_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(last_date__gte=models.F("first_date")),
                name="observation_days_in_order",
            ),
            models.CheckConstraint(
                condition=models.Q(ending="", ended_date__isnull=True)
                | (~models.Q(ending="") & models.Q(ended_date__isnull=False)),
                name="observation_ended_has_a_day",
            ),
        ]
        indexes = [
            models.Index(fields=["first_date", "id"], name="observation_by_day"),
            models.Index(fields=["county", "first_date", "id"], name="observation_by_county"),
            models.Index(fields=["unit", "first_date", "id"], name="observation_by_unit"),
            models.Index(
                fields=["last_date", "county"],
                condition=models.Q(ending=""),
                name="observation_open_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"observation {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:screening:detail", self.public_id)

    @property
    def is_open(self) -> bool:
        return not self.ending


class Exposure(Record):
    """One person was with a case, or with a close contact of it (接触).

    ``through``: the contact in between, for a contact of a contact. ``judged_class`` is what pack
    and facts make of it, ``contact_class`` what counts: the same unless somebody judged otherwise,
    with a reason. ``counted_date``: its last day inside the days of the case that count. ``county``
    is where the person is followed, ``case_county`` that of the case: both see it. ``row_print``: a
    keyed digest of the row of a file, by which the same row again is known.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "reason": Personal("health", "erase"),
        "place": Personal("whereabouts", "erase"),
        "relation": Personal("identity", "erase"),
        "row_print": Personal("identity", "erase", _("digest of the row of a file")),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="area_id", counties_too="case_county_id", opens=("person",)
    )

    case = models.ForeignKey("surveillance.Case", on_delete=models.PROTECT, related_name="+")
    through = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    observation = models.ForeignKey(
        Observation, null=True, on_delete=models.PROTECT, related_name="exposures"
    )
    condition = models.CharField(_("disease"), max_length=60)
    kind = models.CharField(_("kind of exposure"), max_length=60)
    setting = models.CharField(_("setting"), max_length=10, choices=Setting.choices)
    place = models.CharField(_("place"), max_length=100, blank=True)
    relation = models.CharField(
        _("relation to the case"), max_length=10, choices=Relation.choices, blank=True
    )
    row_print = models.CharField(max_length=64, blank=True)
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    judged_class = models.CharField(_("class by the rules"), max_length=60, blank=True)
    contact_class = models.CharField(_("class of contact"), max_length=60, blank=True)
    pack = models.CharField(_("rule pack"), max_length=60)
    clause = models.CharField(_("clause"), max_length=60)
    window_first = models.DateField(null=True)
    window_last = models.DateField(null=True)
    counted_date = models.DateField(null=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    is_source = models.BooleanField(_("named as the source"), default=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True)
    area = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    case_county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "person", "kind", "first_date"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="exposure_once",
            ),
            models.UniqueConstraint(
                fields=["row_print"],
                condition=~models.Q(row_print=""),
                name="exposure_row_once",
            ),
            models.CheckConstraint(
                condition=models.Q(last_date__gte=models.F("first_date")),
                name="exposure_days_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["county", "created_at", "id"], name="exposure_by_county"),
            models.Index(
                fields=["case_county", "created_at", "id"], name="exposure_by_case_county"
            ),
        ]

    def __str__(self) -> str:
        return f"exposure {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:screening:contact", self.public_id)


class Visit(Record):
    """Somebody looked after a person who is watched (随访): in the morning or the afternoon.

    ``temperature`` in tenths of a degree Celsius; ``symptoms``: codes of ``types.Symptom``.
    ``done_at`` is the moment of the visit, ``created_at`` when it was entered.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "met": Personal("health", "erase"),
        "temperature": Personal("health", "erase"),
        "symptoms": Personal("health", "erase"),
        "note": Personal("health", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(through="observation")

    observation = models.ForeignKey(
        Observation, on_delete=models.PROTECT, related_name="visits", db_index=False
    )
    day = models.DateField(_("day"))
    part = models.CharField(_("half of the day"), max_length=10, choices=Part.choices)
    done_at = models.DateTimeField(_("visited"))
    met = models.CharField(_("outcome"), max_length=10, choices=Met.choices, blank=True)
    temperature = models.PositiveSmallIntegerField(_("temperature"), null=True)
    symptoms = models.JSONField(_("symptoms"), default=list)
    note = models.CharField(_("note"), max_length=200, blank=True)
    unit = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["observation", "day", "part"], name="visit_once_in_half_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"visit {self.public_id}"
