"""Cases with their report cards, the counts made of them, and imports of files."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record, address, stamp_of_an_import
from fangkong.core.walls.types import Wall

from .types import Basis, CardKind, Course, Origin, ReviewState


class Judged(models.Model):
    """What a report card (传染病报告卡) judges of a case; the case carries the newest judgement."""

    condition = models.CharField(_("disease"), max_length=60)
    definition = models.CharField(_("definitions"), max_length=60)
    case_class = models.CharField(_("case class"), max_length=40)
    severity = models.CharField(_("severity"), max_length=40, blank=True)
    course = models.CharField(_("course"), max_length=10, choices=Course.choices, blank=True)
    onset_date = models.DateField(_("onset"), null=True, blank=True)
    diagnosed_at = models.DateTimeField(_("diagnosed"))
    died_on = models.DateField(_("died"), null=True, blank=True)
    relation = models.CharField(_("patient belongs to"), max_length=40, blank=True)
    origin = models.CharField(
        _("origin"), max_length=10, choices=Origin.choices, default=Origin.UNKNOWN
    )
    doctor = models.CharField(_("reporting doctor"), max_length=60, blank=True)

    class Meta:
        abstract = True


KEPT_DAYS = 3653  # ten years: what a case and its person are kept


class Case(Record, Judged):
    """One illness of one person (病例), as the newest report card has it.

    ``area`` is where the case counts: the address where that lies in the home area, else the place
    of the reporting facility. Overdue is never stored: see ``rules.clock_state``.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "doctor": Personal("staff", "keep"),
        "origin_place": Personal("whereabouts", "erase"),
        "remark": Personal("health", "erase"),
        "card_print": Personal("identity", "pseudonymise", _("digest of the card")),
    }
    retention: ClassVar[Retention] = Retention(
        _("Infectious Diseases Law; PIPL 19"), days=KEPT_DAYS, since="created_at"
    )
    wall: ClassVar[Wall] = Wall(
        county="county_id", area="area_id", facility="facility_id", opens=("person",)
    )

    created_by = stamp_of_an_import()
    changed_by = stamp_of_an_import()
    number = models.CharField(_("number"), max_length=30, unique=True)
    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    area = models.ForeignKey("places.Area", on_delete=models.PROTECT, related_name="+")
    # The composite indexes below begin with these two columns.
    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    facility = models.ForeignKey(
        "places.Facility", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    origin_place = models.CharField(_("places stayed at before"), max_length=200, blank=True)
    remark = models.CharField(_("remark"), max_length=400, blank=True)
    reported_at = models.DateTimeField(_("reported"))
    report_due_at = models.DateTimeField(_("report due"), null=True)
    review_state = models.CharField(
        _("review"),
        max_length=10,
        choices=ReviewState.choices,
        default=ReviewState.WAITING,
    )
    review_due_at = models.DateTimeField(_("review due"), null=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    reviewed_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    review_reason = models.CharField(_("reason of the return"), max_length=400, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)
    # A keyed digest of who, what and when: the same card again is known by it.
    card_print = models.CharField(max_length=64)
    batch = models.ForeignKey(
        "core.ImportRun",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        constraints = [
            # Not ``unique=True``, which on PostgreSQL brings a second index, for LIKE.
            models.UniqueConstraint(fields=["card_print"], name="case_card_once"),
            models.CheckConstraint(
                condition=models.Q(died_on__isnull=True)
                | models.Q(onset_date__isnull=True)
                | models.Q(died_on__gte=models.F("onset_date")),
                name="case_dies_after_onset",
            ),
            models.CheckConstraint(
                condition=models.Q(review_state=ReviewState.WAITING, reviewed_at__isnull=True)
                | (
                    ~models.Q(review_state=ReviewState.WAITING)
                    & models.Q(reviewed_at__isnull=False)
                ),
                name="case_reviewed_has_a_moment",
            ),
        ]
        indexes = [
            models.Index(fields=["reported_at", "id"], name="case_by_report"),
            models.Index(fields=["county", "reported_at", "id"], name="case_by_county"),
            models.Index(fields=["facility", "reported_at", "id"], name="case_by_facility"),
            models.Index(fields=["diagnosed_at", "id"], name="case_by_diagnosis"),
            models.Index(
                fields=["condition", "county", "reported_at", "id"],
                name="case_by_condition",
            ),
            # The list of one disease in all counties; without it 100,000 rows are sorted first.
            models.Index(fields=["condition", "reported_at", "id"], name="case_by_disease"),
            # The same by diagnosis; and a class that hardly occurs, or never: nothing is read then.
            models.Index(fields=["condition", "diagnosed_at", "id"], name="case_by_disease_found"),
            models.Index(fields=["case_class", "reported_at", "id"], name="case_by_class"),
            models.Index(
                fields=["review_due_at", "county"],
                condition=models.Q(review_state=ReviewState.WAITING),
                name="case_waiting_for_review",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("surveillance:monitoring:detail", self.public_id)


class ReportCard(Judged):
    """One card as it was sent (初次报告, 订正报告). Only ever added to."""

    pii: ClassVar[dict[str, Personal]] = {"doctor": Personal("staff", "keep")}
    append_only: ClassVar[bool] = True
    wall: ClassVar[Wall] = Wall(through="case")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="cards", db_index=False)
    sequence = models.PositiveSmallIntegerField()
    kind = models.CharField(_("kind"), max_length=10, choices=CardKind.choices)
    # As the case and the line of the trail have them, where they are checked.
    area = models.ForeignKey(
        "places.Area",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    reported_at = models.DateTimeField(_("reported"))
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "sequence"], name="card_once_per_sequence")
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.sequence}"


class CaseNumbering(models.Model):
    """The last number given out per county and year: no gaps, and none is used twice."""

    pii: ClassVar[dict[str, Personal]] = {}

    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["county", "year"], name="case_numbering_once")
        ]

    def __str__(self) -> str:
        return f"{self.county_id} {self.year}: {self.last}"


class Cell(models.Model):
    """What one figure is about (口径): place, disease, day by a basis, class, definitions."""

    county = models.ForeignKey(
        "places.Area", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    condition = models.CharField(max_length=60)
    basis = models.CharField(max_length=10, choices=Basis.choices)
    day = models.DateField()
    case_class = models.CharField(max_length=40)
    definition = models.CharField(max_length=60)

    class Meta:
        abstract = True


class CountChange(Cell):
    """A case enters (+1) or leaves (-1) a cell. Counts as of T are the sum of changes until T."""

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    # Three changes for every case. The sum of each cell has its county checked, and a case that is
    # counted has its card, which keeps it from being deleted.
    county = models.ForeignKey(
        "places.Area",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    delta = models.SmallIntegerField()
    at = models.DateTimeField()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(delta__in=[-1, 1]), name="count_change_is_one_case"
            )
        ]
        indexes = [
            models.Index(fields=["basis", "condition", "day", "at"], name="count_change_by_cell")
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.day} {self.delta:+d}"


class DailyCount(Cell):
    """The sum of all changes of a cell, kept up in the transaction of each change."""

    pii: ClassVar[dict[str, Personal]] = {}

    n = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "basis",
                    "condition",
                    "day",
                    "county",
                    "case_class",
                    "definition",
                ],
                name="daily_count_once",
            ),
            models.CheckConstraint(condition=models.Q(n__gte=0), name="daily_count_not_negative"),
        ]
        indexes = [models.Index(fields=["basis", "day"], name="daily_count_by_day")]

    def __str__(self) -> str:
        return f"{self.condition} {self.day}: {self.n}"
