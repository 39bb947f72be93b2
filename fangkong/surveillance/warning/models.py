"""Detection runs, and the signals (预警信号) that they raise."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention, left
from fangkong.core.record import Record, address
from fangkong.core.walls.types import Wall

from . import rules, types
from .types import (
    Certainty,
    Conclusion,
    Outcome,
    Phase,
    ProductKind,
    ProductState,
    RiskLevel,
    Setting,
    Stage,
    State,
    Trigger,
)

BAR_HEIGHT, BAR_STEP = 24, 4  # of the small curve in lists, in its own units


class DetectionRun(Record):
    """One look over all series of a day. Whether its job waits, runs or failed says the queue."""

    pii: ClassVar[dict[str, Personal]] = {}

    day = models.DateField(_("day"))
    trigger = models.CharField(_("occasion"), max_length=10, choices=Trigger.choices)
    as_of = models.DateTimeField(_("as of"), null=True)
    pack = models.CharField(_("rule pack"), max_length=60, blank=True)
    options = models.JSONField(default=dict)
    series_count = models.PositiveIntegerField(_("series"), default=0)
    signal_count = models.PositiveIntegerField(_("new signals"), default=0)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("detection run")
        verbose_name_plural = _("detection runs")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(started_at__isnull=False),
                name="run_ends_after_it_starts",
            )
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="run_by_time"),
            models.Index(
                fields=["day"], name="run_waiting", condition=models.Q(started_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.trigger}"

    def get_absolute_url(self) -> str:
        return reverse("surveillance:warning:run", args=[self.public_id])

    @property
    def stage(self) -> Stage:
        """How far it is, for a run fetched by ``runs_open_to``."""
        if self.ended_at is not None:
            return Stage.DONE
        if getattr(self, "job_state", None) == "failed":
            return Stage.FAILED
        return Stage.WAITING if self.started_at is None else Stage.RUNNING


class Investigation(Record):
    """A field investigation (现场调查) of what may be an event: one at a time for a disease in a
    county, however many signals it has raised.

    Its findings are those of the last report; what stood there before is in the trail.
    """

    pii: ClassVar[dict[str, Personal]] = {
        "source": Personal("health", "pseudonymise"),
        "measures": Personal("health", "pseudonymise"),
        "reason": Personal("health", "pseudonymise"),
    }
    retention: ClassVar[Retention] = Retention(_("PIPL 19"), days=3653, since="changed_at")
    about: ClassVar[About] = About(
        nobody=_("a disease in a county; its texts name nobody by a key")
    )
    wall: ClassVar[Wall] = Wall(county="area_id")

    area = models.ForeignKey(
        "places.Area", verbose_name=_("county"), on_delete=models.PROTECT, related_name="+"
    )
    condition = models.CharField(_("disease"), max_length=60)
    condition_zh = models.CharField(max_length=120)
    condition_en = models.CharField(max_length=160)
    due_at = models.DateTimeField(_("first findings due"))
    begun_at = models.DateTimeField(_("team on its way"), null=True)
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    reported_at = models.DateTimeField(_("first findings"), null=True)
    conclude_due_at = models.DateTimeField(_("conclusion due"), null=True)
    cases_found = models.PositiveIntegerField(_("cases found"), null=True)
    at_risk = models.PositiveIntegerField(_("persons at risk"), null=True)
    deaths = models.PositiveIntegerField(_("deaths"), null=True)
    setting = models.CharField(
        _("setting"), max_length=12, choices=Setting.choices, default=Setting.UNKNOWN
    )
    first_onset = models.DateField(_("onset of the first case"), null=True)
    last_day = models.DateField(_("last day with a case"), null=True)
    source = models.TextField(_("source"), max_length=2000, blank=True)
    measures = models.TextField(_("measures"), max_length=2000, blank=True)
    conclusion = models.CharField(
        _("conclusion"), max_length=10, choices=Conclusion.choices, blank=True
    )
    reason = models.TextField(_("reason"), max_length=2000, blank=True)
    concluded_at = models.DateTimeField(_("concluded"), null=True)
    concluded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("field investigation")
        verbose_name_plural = _("field investigations")
        constraints = [
            models.UniqueConstraint(
                fields=["area", "condition"],
                condition=models.Q(conclusion=""),
                name="investigation_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(conclusion="", concluded_at__isnull=True)
                | ~models.Q(conclusion="") & models.Q(concluded_at__isnull=False),
                name="investigation_concluded_has_a_moment",
            ),
            models.CheckConstraint(
                condition=~models.Q(conclusion=Conclusion.OUTBREAK)
                | models.Q(first_onset__isnull=False, last_day__isnull=False, cases_found__gt=0),
                name="investigation_outbreak_has_its_days",
            ),
            models.CheckConstraint(
                condition=models.Q(first_onset__isnull=True)
                | models.Q(last_day__isnull=True)
                | models.Q(last_day__gte=models.F("first_onset")),
                name="investigation_days_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["area", "condition", "id"], name="investigation_by_series"),
            models.Index(fields=["created_at", "id"], name="investigation_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.area_id} {self.created_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return address("surveillance:warning:investigation", self.public_id)

    @property
    def condition_name(self) -> str:
        """The disease in the language of the page."""
        return types.in_language(self.condition_zh, self.condition_en)

    @property
    def phase(self) -> Phase:
        """How far it is."""
        if self.concluded_at is not None:
            return Phase.CONCLUDED
        if self.reported_at is not None:
            return Phase.REPORTED
        return Phase.ORDERED if self.begun_at is None else Phase.BEGUN

    @property
    def open(self) -> bool:
        return not self.conclusion

    @property
    def clock_due_at(self) -> datetime:
        """What its clock runs to: the first findings, then the conclusion."""
        return self.conclude_due_at or self.due_at

    @property
    def clock_done_at(self) -> datetime | None:
        return self.concluded_at

    @property
    def attack_rate(self) -> float | None:
        """Cases among the persons at risk (罹患率), 0 to 1; None where these are not known."""
        if self.cases_found is None or not self.at_risk:
            return None
        return self.cases_found / self.at_risk


class Signal(Record):
    """More cases of one disease in one county, or one place of it, than rules or the past allow.

    ``observed`` counts the seven days to ``day``, the last day that alarmed while it was open.
    ``listed_at`` is when it was put before people and its clock began; None is a signal beyond the
    load budget, kept and shown folded. ``curve``: cases per day as the run saw them, ending with
    ``day``.
    """

    # A note may name a person although the form asks not to. An answered signal always has one.
    # A place is named as several cards name it, where something else may stand by mistake.
    pii: ClassVar[dict[str, Personal]] = {
        "note": Personal("health", "pseudonymise"),
        "place_name": Personal("whereabouts", "pseudonymise"),
    }
    retention: ClassVar[Retention] = Retention(_("PIPL 19"), days=3653, since="changed_at")
    about: ClassVar[About] = About(
        nobody=_("a disease in a county; its note names nobody by a key")
    )
    wall: ClassVar[Wall] = Wall(county="area_id")

    area = models.ForeignKey(
        "places.Area", verbose_name=_("county"), on_delete=models.PROTECT, related_name="+"
    )
    condition = models.CharField(_("disease"), max_length=60)
    # Names as the pack had them when the signal was raised, for lists and sentences.
    condition_zh = models.CharField(max_length=120)
    condition_en = models.CharField(max_length=160)
    # A school, village or hospital of the county that the signal is about; empty for the county.
    place_kind = models.CharField(_("kind of place"), max_length=10, blank=True)
    place_key = models.CharField(max_length=40, blank=True)
    place_name = models.CharField(_("place"), max_length=120, blank=True)
    day = models.DateField(_("day"))
    last_alarm_day = models.DateField()
    observed = models.PositiveIntegerField(_("cases in 7 days"))
    day_count = models.PositiveIntegerField(default=0)
    expected = models.FloatField(_("expected"), null=True)
    threshold = models.FloatField(_("threshold"), null=True)
    score = models.FloatField(_("score"), null=True)
    p = models.FloatField(_("probability"), null=True)
    methods = models.JSONField(_("methods"), default=list)
    facts = models.JSONField(default=dict)
    curve = models.JSONField(default=list)
    rank = models.FloatField(_("rank"))
    single_case = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.NEW)
    listed_at = models.DateTimeField(_("listed"), null=True)
    due_at = models.DateTimeField(_("due"), null=True)
    verifying_at = models.DateTimeField(_("verification begun"), null=True)
    verifying_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(_("answered"), null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices, blank=True)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    observed_at_answer = models.PositiveIntegerField(null=True)
    investigation = models.ForeignKey(
        Investigation,
        null=True,
        on_delete=models.PROTECT,
        related_name="signals",
        verbose_name=_("field investigation"),
    )
    raised_by = models.ForeignKey(
        DetectionRun, on_delete=models.PROTECT, related_name="signals", verbose_name=_("raised by")
    )

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        constraints = [
            models.UniqueConstraint(
                fields=["area", "condition", "place_key"],
                condition=models.Q(state__in=[State.NEW, State.VERIFYING]),
                name="signal_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state=State.ANSWERED, answered_at__isnull=False)
                & ~models.Q(outcome="")
                & ~models.Q(note="")
                | ~models.Q(state=State.ANSWERED) & models.Q(answered_at__isnull=True, outcome=""),
                name="signal_answer_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "rank", "id"], name="signal_by_rank"),
            models.Index(fields=["area", "condition", "id"], name="signal_by_series"),
            models.Index(fields=["listed_at"], name="signal_by_listing"),
            models.Index(fields=["answered_at"], name="signal_by_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.condition} {self.area_id} {self.day:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        return address("surveillance:warning:detail", self.public_id)

    @property
    def condition_name(self) -> str:
        """The disease in the language of the page."""
        return types.in_language(self.condition_zh, self.condition_en)

    @property
    def place(self) -> str:
        """The place that the signal is about, as several cards name it; "" for the county."""
        return left(self.place_name)

    @property
    def title(self) -> str:
        """County, disease and place, in the language of the page."""
        said = [self.area.display_short, self.condition_name, self.place]
        return " · ".join(part for part in said if part)

    @property
    def reason(self) -> str:
        """Why there is a signal, in one sentence in the language of the page."""
        return types.reason(
            observed=self.observed,
            day_count=self.day_count,
            day=self.day,
            expected=self.expected,
            threshold=self.threshold,
            facts=self.facts,
            place_kind=self.place_kind,
        )

    @property
    def open(self) -> bool:
        return self.state in (State.NEW, State.VERIFYING)

    @property
    def standing(self) -> types.Standing | None:
        """Its place on the reader's list, where ``queries.learn_standing`` told it."""
        return getattr(self, "_standing", None)

    @property
    def window_days(self) -> int:
        """How many days to ``day`` are counted: seven, or as many as the rule of a place says."""
        return int(self.facts.get("days") or rules.WINDOW)

    @property
    def folded(self) -> bool:
        """Beyond the load budget: kept, but not put before people."""
        return self.listed_at is None

    @property
    def late(self) -> bool:
        """Whether the answer came after the clock had run out; an open one asks ``overdue``."""
        return bool(self.due_at and self.answered_at and self.answered_at > self.due_at)

    def overdue(self, at: datetime) -> bool:
        """Whether the clock has run out on an open signal."""
        return self.open and self.due_at is not None and at > self.due_at

    @property
    def method_names(self) -> list[str]:
        return [str(types.METHOD_NAMES.get(method, method)) for method in self.methods]

    @property
    def odds(self) -> int | None:
        """One in so many weeks would be as high by chance; None where no method says."""
        return None if self.p is None else max(1, round(1 / max(self.p, 1e-9)))

    @property
    def bars(self) -> list[tuple[int, int, int, bool]]:
        """The curve as bars for a small picture: x, y, height, and whether in the seven days."""
        most = max(self.curve, default=0) or 1
        heights = [round(n * BAR_HEIGHT / most) or (1 if n else 0) for n in self.curve]
        start = len(heights) - rules.WINDOW
        return [(i * BAR_STEP, BAR_HEIGHT - h, h, i >= start) for i, h in enumerate(heights)]

    @property
    def verified_after_minutes(self) -> int | None:
        """From the list to the start of the verification."""
        return _minutes(self.listed_at, self.verifying_at)

    @property
    def answered_after_minutes(self) -> int | None:
        """From the list to the answer."""
        return _minutes(self.listed_at, self.answered_at)


class WarningProduct(Record):
    """What a warning tells whom (预警产品): written by one person, approved by another, issued,
    and then updated or cancelled, never changed.

    It is made to be read by many and names nobody. ``edited_by`` wrote the words as they stand.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    kind = models.CharField(_("product"), max_length=8, choices=ProductKind.choices)
    level = models.CharField(_("level of risk"), max_length=10, choices=RiskLevel.choices)
    certainty = models.CharField(_("certainty"), max_length=10, choices=Certainty.choices)
    area = models.ForeignKey(
        "places.Area", verbose_name=_("area"), on_delete=models.PROTECT, related_name="+"
    )
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    condition = models.CharField(_("disease"), max_length=60)
    condition_zh = models.CharField(max_length=120)
    condition_en = models.CharField(max_length=160)
    investigation = models.ForeignKey(
        Investigation, null=True, on_delete=models.PROTECT, related_name="products"
    )
    title_zh = models.CharField(_("title in Chinese"), max_length=120)
    text_zh = models.TextField(_("text in Chinese"), max_length=4000)
    instruction_zh = models.TextField(_("what to do, in Chinese"), max_length=4000, blank=True)
    title_en = models.CharField(_("title in English"), max_length=160, blank=True)
    text_en = models.TextField(_("text in English"), max_length=4000, blank=True)
    instruction_en = models.TextField(_("what to do, in English"), max_length=4000, blank=True)
    basis = models.TextField(_("basis of the level"), max_length=2000)
    expires_at = models.DateTimeField(_("valid until"))
    state = models.CharField(
        _("state"), max_length=10, choices=ProductState.choices, default=ProductState.DRAFT
    )
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    return_reason = models.CharField(_("reason of the return"), max_length=400, blank=True)
    approved_at = models.DateTimeField(_("approved"), null=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    issued_at = models.DateTimeField(_("issued"), null=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    replaces = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="updates"
    )
    ended_at = models.DateTimeField(_("cancelled or replaced"), null=True)
    end_reason = models.CharField(_("reason"), max_length=400, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        verbose_name = _("warning product")
        verbose_name_plural = _("warning products")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(level=RiskLevel.VERY_LOW), name="product_from_low_risk_on"
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True)
                | ~models.Q(approved_by=models.F("edited_by")),
                name="product_approved_by_another",
            ),
            models.CheckConstraint(
                condition=models.Q(issued_at__isnull=True)
                | models.Q(approved_at__isnull=False, issued_at__gte=models.F("approved_at")),
                name="product_issued_after_approval",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[ProductState.ISSUED, ProductState.UPDATED])
                | models.Q(issued_at__isnull=False),
                name="product_issued_has_a_moment",
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=~models.Q(state=ProductState.CANCELLED),
                name="product_updated_once",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="product_by_time"),
            models.Index(fields=["county", "state", "id"], name="product_by_county"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.condition} {self.area_id}"

    def get_absolute_url(self) -> str:
        return address("surveillance:warning:product", self.public_id)

    @property
    def condition_name(self) -> str:
        """The disease in the language of the page."""
        return types.in_language(self.condition_zh, self.condition_en)

    @property
    def title(self) -> str:
        return types.in_language(self.title_zh, self.title_en)

    @property
    def text(self) -> str:
        return types.in_language(self.text_zh, self.text_en)

    @property
    def instruction(self) -> str:
        return types.in_language(self.instruction_zh, self.instruction_en)

    @property
    def audience(self) -> str:
        """Whom it is for."""
        return str(types.AUDIENCES[self.kind])


class Alarm(models.Model):
    """What one method said of a signal's series on one day."""

    pii: ClassVar[dict[str, Personal]] = {}
    wall: ClassVar[Wall] = Wall(through="signal")

    signal = models.ForeignKey(
        Signal, on_delete=models.PROTECT, related_name="alarms", db_index=False
    )
    day = models.DateField(_("day"))
    method = models.CharField(_("method"), max_length=20)
    observed = models.FloatField(_("observed"))
    expected = models.FloatField(_("expected"), null=True)
    threshold = models.FloatField(_("threshold"), null=True)
    score = models.FloatField(_("score"), null=True)
    p = models.FloatField(_("probability"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "day", "method"], name="alarm_once_per_method"
            )
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} {self.day:%Y-%m-%d} {self.method}"

    @property
    def method_name(self) -> str:
        return str(types.METHOD_NAMES.get(self.method, self.method))


def _minutes(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else int((end - start).total_seconds() // 60)
