"""The doors of a grid cell, sweeps over cells, and what was found at each door."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.sealing import BlindIndexField, SealedTextField
from fangkong.core.walls.types import Wall

from .types import Outcome

KEPT_DAYS = 60  # findings and visits, after the last change
HOUSEHOLD_DAYS = 365  # doors that no sweep has seen for a year
_GROUND = _("PIPL 19, 47; Emergency Response Law 85")


class Household(Record):
    """A door in a grid cell (户), by its address; who lives there is not kept.

    ``unit``: the health centre of the township, or the county CDC, whose staff may visit too.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "door": Personal("whereabouts", "erase"),
        "door_index": Personal("whereabouts", "erase", _("digest of the address")),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=HOUSEHOLD_DAYS, since="changed_at")
    about: ClassVar[About] = About(nobody=_("a door says nothing of who lives behind it"))
    wall: ClassVar[Wall] = Wall(county="county_id", area="cell_id", facility="unit_id")

    cell = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    unit = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    door = SealedTextField(_("door"), max_length=100)
    door_index = BlindIndexField(of="door")
    removed_at = models.DateTimeField(_("removed"), null=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cell", "door_index"],
                condition=models.Q(removed_at__isnull=True) & ~models.Q(door_index=""),
                name="household_once_in_a_cell",
            )
        ]
        indexes = [
            models.Index(fields=["cell", "id"], name="household_by_cell"),
            models.Index(
                fields=["unit", "cell"],
                condition=models.Q(unit__isnull=False),
                name="household_by_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"household {self.public_id}"


class Sweep(Record):
    """A sweep of a county (网格排查): the doors of some cells, from one day to another."""

    pii: ClassVar[dict[str, Personal]] = {}

    title = models.CharField(_("sweep"), max_length=100)
    county = models.ForeignKey(
        "places.Area", verbose_name=_("county"), on_delete=models.PROTECT, related_name="+"
    )
    first_date = models.DateField(_("first day"))
    last_date = models.DateField(_("last day"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_date__gte=models.F("first_date")),
                name="sweep_days_in_order",
            )
        ]
        indexes = [models.Index(fields=["first_date", "id"], name="sweep_by_day")]

    def __str__(self) -> str:
        return f"sweep {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:sweeps:detail", self.public_id)


class SweepCell(Record):
    """A cell that a sweep covers."""

    pii: ClassVar[dict[str, Personal]] = {}

    sweep = models.ForeignKey(Sweep, on_delete=models.PROTECT, related_name="cells", db_index=False)
    cell = models.ForeignKey("places.Area", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sweep", "cell"], name="cell_once_in_a_sweep")
        ]

    def __str__(self) -> str:
        return f"cell {self.cell_id} of sweep {self.sweep_id}"


class DoorVisit(Record):
    """What one came to at a door on a day of a sweep; of a door the last day counts."""

    pii: ClassVar[dict[str, Personal]] = {
        "residents": Personal("whereabouts", "erase"),
        "note": Personal("whereabouts", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    about: ClassVar[About] = About(nobody=_("a door says nothing of who lives behind it"))
    wall: ClassVar[Wall] = Wall(through="household")

    sweep = models.ForeignKey(
        Sweep, on_delete=models.PROTECT, related_name="visits", db_index=False
    )
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="visits", db_index=False
    )
    day = models.DateField(_("day"))
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices)
    residents = models.PositiveSmallIntegerField(_("people living there"), null=True)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sweep", "household", "day"], name="door_once_a_day_of_a_sweep"
            )
        ]
        indexes = [models.Index(fields=["household", "day"], name="door_by_household")]

    def __str__(self) -> str:
        return f"visit {self.public_id}"


class Finding(Record):
    """Somebody with symptoms was found behind a door."""

    pii: ClassVar[dict[str, Personal]] = {
        "symptoms": Personal("health", "erase"),
        "temperature": Personal("health", "erase"),
    }
    retention: ClassVar[Retention] = Retention(_GROUND, days=KEPT_DAYS, since="changed_at")
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="cell_id", facility="unit_id", opens=("person",)
    )

    sweep = models.ForeignKey(
        Sweep, on_delete=models.PROTECT, related_name="findings", db_index=False
    )
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, related_name="findings", db_index=False
    )
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    cell = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    unit = models.ForeignKey(
        "places.Facility", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField(_("day"))
    symptoms = models.JSONField(_("symptoms"), default=list)
    temperature = models.PositiveSmallIntegerField(_("temperature"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sweep", "person", "day"], name="finding_once_a_day_of_a_sweep"
            )
        ]
        indexes = [models.Index(fields=["household", "id"], name="finding_by_household")]

    def __str__(self) -> str:
        return f"finding {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:sweeps:finding", self.public_id)
