"""Areas with dated codes, their people, and the facilities that stand in them."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.core.cache import cache
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.core.permissions import Scope
from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address
from fangkong.core.shared import Shareable

from . import rules
from .types import AliasKind, CountKind, FacilityKind, Level

COUNTIES_CACHE = "places.counties"


class Sourced(models.Model):
    """Facts that say where they were read, in both languages of the pages."""

    source_zh = models.CharField(_("source (Chinese)"), max_length=900, blank=True)
    source_en = models.CharField(_("source (English)"), max_length=900, blank=True)

    class Meta:
        abstract = True

    @property
    def display_source(self) -> str:
        """Where the facts come from, in the language of the page."""
        return _chosen(self.source_zh, self.source_en)


class Area(Shareable, Sourced, Record):
    """One administrative division under one code (行政区划), from one day to another.

    A division that gets another code is another row; ``AreaSuccession`` links the two. ``code`` is
    GB/T 2260 with six digits down to the county, the statistical code with nine or twelve digits
    for township and village, and a code of the deployment's own for a grid cell.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    edition: ClassVar[str] = "places"

    code = models.CharField(_("code"), max_length=24)
    level = models.CharField(_("level"), max_length=12, choices=Level.choices)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    # The county that this area is or lies in; none above county level.
    county = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Zero-padded keys from the root down to this row, see rules.step and rules.below.
    path = models.CharField(max_length=120, unique=True, null=True, editable=False)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    name_bo = models.CharField(_("Tibetan name"), max_length=100, blank=True)
    short_zh = models.CharField(_("Chinese short name"), max_length=30, blank=True)
    short_en = models.CharField(_("English short name"), max_length=60, blank=True)
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True)
    lon = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    lat = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    area_km2 = models.PositiveIntegerField(_("area in km²"), null=True, blank=True)
    synthetic = models.BooleanField(_("invented for the demonstration"), default=False)

    class Meta:
        verbose_name = _("area")
        verbose_name_plural = _("areas")
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="area_code_once_a_day"),
            models.CheckConstraint(
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
                name="area_ends_after_it_starts",
            ),
        ]
        indexes = [models.Index(fields=["level", "code"], name="area_by_level")]

    def __str__(self) -> str:
        return f"{self.code} {self.name_zh}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        cache.delete(COUNTIES_CACHE)

    def get_absolute_url(self) -> str:
        return address("places:detail", self.public_id)

    @property
    def display_name(self) -> str:
        """The full name in the language of the page: 道孚县, Daofu County."""
        return _chosen(self.name_zh, self.name_en)

    @property
    def display_short(self) -> str:
        """The short name in the language of the page: 道孚, Daofu."""
        return _chosen(self.short_zh or self.name_zh, self.short_en or self.name_en)

    def valid_on(self, day: date) -> bool:
        """Whether the code is in force on a day; the first and the last day count."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def descendants(self) -> models.QuerySet[Area]:
        """Every area below this one, at any date, without itself."""
        lowest, beyond = rules.below(self.path or "")
        return Area.objects.filter(path__gt=lowest, path__lt=beyond)

    def reach(self) -> Scope:
        """What an appointment for this area reaches. At most one query, kept with the object.

        The home area of the deployment and what it lies in reach everything; a county reaches
        itself; a larger area elsewhere its counties; a smaller one itself and what lies in it.
        """
        known: Scope | None = self.__dict__.get("_reach")
        if known is None:
            known = self.__dict__["_reach"] = self._reach()
        return known

    def _reach(self) -> Scope:
        if self.level in rules.CODED_LEVELS and rules.lies_in(settings.FANGKONG_AREA, self.code):
            return Scope(everywhere=True)
        if self.level == Level.COUNTY:
            return Scope(county_ids=frozenset({self.pk}))
        if self.level in (Level.COUNTRY, Level.PROVINCE, Level.PREFECTURE):
            counties = self.descendants().filter(level=Level.COUNTY)
            return Scope(county_ids=frozenset(counties.values_list("pk", flat=True)))
        return Scope(
            area_ids=frozenset({self.pk, *self.descendants().values_list("pk", flat=True)})
        )


class AreaSuccession(Sourced, Record):
    """One area took the place of another (区划沿革); a merger or a split has several rows."""

    pii: ClassVar[dict[str, Personal]] = {}
    edition: ClassVar[str] = "places"

    before = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="successions")
    after = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="precessions")
    on = models.DateField(_("since"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["before", "after"], name="succession_once"),
            models.CheckConstraint(
                condition=~models.Q(before=models.F("after")),
                name="succession_to_another_area",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.before_id} -> {self.after_id}"


class AreaAlias(Sourced, Record):
    """Another name under which an area is written: a former name, a romanisation."""

    pii: ClassVar[dict[str, Personal]] = {}
    edition: ClassVar[str] = "places"

    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="aliases")
    text = models.CharField(_("name"), max_length=100)
    language = models.CharField(_("language"), max_length=8)
    kind = models.CharField(_("kind"), max_length=20, choices=AliasKind.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "text"], name="alias_once_per_area")]

    def __str__(self) -> str:
        return self.text


class Population(Sourced, Record):
    """How many people lived in an area, as counted or estimated for one year (its vintage)."""

    pii: ClassVar[dict[str, Personal]] = {}

    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="populations")
    year = models.PositiveSmallIntegerField(_("year"))
    count = models.PositiveIntegerField(_("people"))
    kind = models.CharField(_("kind"), max_length=10, choices=CountKind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["area", "year", "kind"], name="population_once_a_year")
        ]

    def __str__(self) -> str:
        return f"{self.area_id} {self.year}: {self.count}"


class Facility(Shareable, Sourced, Record):
    """A place where the work is done: a hospital, a CDC, a store, a checkpoint, a school.

    ``area`` is where it stands; an office that serves the whole prefecture may stand at the
    prefecture itself and then has no county.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    edition: ClassVar[str] = "places"

    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=150, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=FacilityKind.choices)
    area = models.ForeignKey(
        Area,
        verbose_name=_("area"),
        on_delete=models.PROTECT,
        related_name="facilities",
    )
    capacity_beds = models.PositiveIntegerField(_("beds"), null=True, blank=True)
    org_code = models.CharField(_("organisation code"), max_length=18, blank=True)
    lon = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    lat = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    opened_on = models.DateField(_("opened on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    synthetic = models.BooleanField(_("invented for the demonstration"), default=False)
    # Names, pinyin and initials in one column, so that a search is one look; see rules.
    search_text = models.CharField(max_length=600, editable=False)

    class Meta:
        verbose_name = _("facility")
        verbose_name_plural = _("facilities")
        constraints = [
            models.UniqueConstraint(fields=["area", "name_zh"], name="facility_name_once_per_area"),
            models.CheckConstraint(
                condition=models.Q(closed_on__isnull=True)
                | models.Q(opened_on__isnull=True)
                | models.Q(closed_on__gte=models.F("opened_on")),
                name="facility_closes_after_it_opens",
            ),
        ]
        indexes = [
            models.Index(fields=["name_zh"], name="facility_by_name"),
            models.Index(fields=["kind", "name_zh"], name="facility_by_kind"),
        ]

    def __str__(self) -> str:
        return self.name_zh

    def get_absolute_url(self) -> str:
        return address("places:facility", self.public_id)

    @property
    def display_name(self) -> str:
        """The name in the language of the page."""
        return _chosen(self.name_zh, self.name_en)

    @property
    def county(self) -> Area | None:
        """The county that it stands in; none for an office of the whole prefecture."""
        return self.area.county

    def open_on(self, day: date) -> bool:
        """Whether it works on a day, as far as its days are known."""
        begun = self.opened_on is None or self.opened_on <= day
        return begun and (self.closed_on is None or day <= self.closed_on)


class FacilityContact(Record):
    """A desk of a facility that can be rung: the office's number, never a person's own."""

    pii: ClassVar[dict[str, Personal]] = {}

    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="contacts")
    role_title = models.CharField(_("desk"), max_length=60)
    phone = models.CharField(_("phone"), max_length=20)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "role_title", "phone"], name="facility_contact_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.facility_id} {self.role_title}"


def _chosen(zh: str, en: str) -> str:
    """The text in the language of the page, or the other one where that is missing."""
    return (en or zh) if (get_language() or "").startswith("en") else (zh or en)
