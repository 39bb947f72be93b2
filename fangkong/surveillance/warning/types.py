"""What others may use of warning: permissions, outcomes, tasks, and the words of a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import floor

from django.db import models
from django.utils.translation import get_language, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit import types as audit
from fangkong.core.notices import types as notices
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.core.webhooks.types import declare_event
from fangkong.tasks import types as tasks

VIEW = permissions.declare(
    "surveillance.warning.view",
    _("See warning signals"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.INSPECTOR, Role.AUDITOR],
)
ANSWER = permissions.declare(
    "surveillance.warning.answer",
    _("Verify and answer warning signals"),
    roles=[Role.COUNTY_CDC, Role.HEADQUARTERS],
)
RUN = permissions.declare(
    "surveillance.warning.run",
    _("Ask for a detection run"),
    roles=[Role.COUNTY_CDC, Role.HEADQUARTERS],
)

WRITE = permissions.declare(
    "surveillance.warning.write",
    _("Write and issue warning products"),
    roles=[Role.COUNTY_CDC, Role.HEADQUARTERS],
)
APPROVE_TIP = permissions.declare(
    "surveillance.warning.approve_tip",
    _("Approve health risk tips"),
    roles=[Role.COUNTY_CDC, Role.HEADQUARTERS],
)
APPROVE = permissions.declare(
    "surveillance.warning.approve",
    _("Approve warning notices and advice to the government"),
    roles=[Role.HEADQUARTERS],
)

VERIFY_TASK = tasks.declare_kind(
    "surveillance.warning.verify",
    _("Verify the signal: %(condition)s in %(area)s"),
    "surveillance:warning:detail",
)
ASSESS_TASK = tasks.declare_kind(
    "surveillance.warning.assess",
    _("Assess the event: %(condition)s in %(area)s"),
    "surveillance:warning:detail",
)

INVESTIGATE_TASK = tasks.declare_kind(
    "surveillance.warning.investigate",
    _("Investigate on site: %(condition)s in %(area)s"),
    "surveillance:warning:investigation",
)
CONCLUDE_TASK = tasks.declare_kind(
    "surveillance.warning.conclude",
    _("Conclude the investigation: %(condition)s in %(area)s"),
    "surveillance:warning:investigation",
)

SIGNAL_RAISED = declare_event("surveillance.warning.signal_raised", _("Signal raised"))
# A tip or notice, whose message of CAP is asked for by the id; advice goes to no machine.
PRODUCT_TOLD = declare_event(
    "surveillance.warning.product_told", _("Warning product issued, updated or cancelled")
)
SIGNAL_LISTED = notices.declare(
    "surveillance.warning.listed", _("A new signal was raised"), "surveillance:warning:detail"
)
OUTBREAK_FOUND = notices.declare(
    "surveillance.warning.outbreak",
    _("An investigation found an outbreak"),
    "surveillance:warning:investigation",
    urgent=True,
)

PRODUCT_WAITS = notices.declare(
    "surveillance.warning.product_waits",
    _("A warning product waits for approval"),
    "surveillance:warning:product",
)
PRODUCT_RETURNED = notices.declare(
    "surveillance.warning.product_returned",
    _("A warning product was sent back to be rewritten"),
    "surveillance:warning:product",
)
PRODUCT_ISSUED = notices.declare(
    "surveillance.warning.product_issued",
    _("A warning product was issued, updated or cancelled"),
    "surveillance:warning:product",
    urgent=True,
)

audit.name_verbs(
    {
        "surveillance.warning.write_product": _("Warning product written"),
        "surveillance.warning.edit_product": _("Warning product rewritten"),
        "surveillance.warning.approve_product": _("Warning product approved"),
        "surveillance.warning.return_product": _("Warning product sent back"),
        "surveillance.warning.issue_product": _("Warning product issued"),
        "surveillance.warning.update_product": _("Update of a warning product begun"),
        "surveillance.warning.replace_product": _("Warning product replaced by its update"),
        "surveillance.warning.cancel_product": _("Warning product cancelled"),
        "surveillance.warning.investigate": _("Field investigation opened"),
        "surveillance.warning.join": _("Signal joined to a field investigation"),
        "surveillance.warning.set_out": _("Field investigation begun"),
        "surveillance.warning.report_findings": _("Findings of the investigation reported"),
        "surveillance.warning.conclude": _("Field investigation concluded"),
        "surveillance.warning.reopen": _("Field investigation opened again"),
        "surveillance.warning.request": _("Detection run asked for"),
        "surveillance.warning.detect": _("Detection run"),
        "surveillance.warning.raise": _("Signal raised"),
        "surveillance.warning.renew": _("Signal carried on"),
        "surveillance.warning.list": _("Signal put on the list"),
        "surveillance.warning.withdraw": _("Signal withdrawn: the counts were corrected"),
        "surveillance.warning.verify": _("Verification begun"),
        "surveillance.warning.answer": _("Signal answered"),
    }
)


class Trigger(models.TextChoices):
    NIGHTLY = "nightly", _("nightly")
    ON_DEMAND = "on_demand", _("on demand")
    DATA = "data", _("new counts")


class State(models.TextChoices):
    NEW = "new", pgettext_lazy("state of a signal", "new")
    VERIFYING = "verifying", pgettext_lazy("state of a signal", "being verified")
    ANSWERED = "answered", pgettext_lazy("state of a signal", "answered")
    SUPERSEDED = "superseded", pgettext_lazy("state of a signal", "withdrawn")


class Stage(models.TextChoices):
    """How far a run is."""

    WAITING = "waiting", pgettext_lazy("state of a run", "waiting")
    RUNNING = "running", pgettext_lazy("state of a run", "running")
    DONE = "done", pgettext_lazy("state of a run", "done")
    FAILED = "failed", pgettext_lazy("state of a run", "failed")


class Outcome(models.TextChoices):
    """What the verification found (核实结果)."""

    DATA_ERROR = "data_error", _("Error in the data")
    FALSE_ALARM = "false_alarm", _("False alarm")
    SPORADIC = "sporadic", _("Sporadic cases")
    WATCH = "watch", _("Keep watching")
    SUSPECTED_EVENT = "suspected_event", _("Suspected event")
    CONFIRMED_OUTBREAK = "confirmed_outbreak", _("Confirmed outbreak")


OUTCOME_HELP: Mapping[str, object] = {
    Outcome.DATA_ERROR: _("Double, wrong or misplaced cards; they are corrected at once."),
    Outcome.FALSE_ALARM: _("The cards are right, but nothing unusual stands behind them."),
    Outcome.SPORADIC: _("Real cases that have nothing to do with each other."),
    Outcome.WATCH: _("Not clear yet; the county looks again at the next cases."),
    Outcome.SUSPECTED_EVENT: _(
        "Cannot be excluded after verification: a visit follows, and the headquarters assesses it."
    ),
    Outcome.CONFIRMED_OUTBREAK: _(
        "Cases are connected or far beyond the usual: the headquarters assesses it at once."
    ),
}


class Conclusion(models.TextChoices):
    """What a field investigation ends with (调查结论)."""

    NO_EVENT = "no_event", pgettext_lazy("conclusion of an investigation", "No event")
    OUTBREAK = "outbreak", pgettext_lazy("conclusion of an investigation", "Outbreak")


class Setting(models.TextChoices):
    """Where the cases of an event are connected."""

    UNKNOWN = "unknown", pgettext_lazy("setting of an event", "not known yet")
    HOUSEHOLD = "household", pgettext_lazy("setting of an event", "household")
    SCHOOL = "school", pgettext_lazy("setting of an event", "school or kindergarten")
    VILLAGE = "village", pgettext_lazy("setting of an event", "village or neighbourhood")
    WARD = "ward", pgettext_lazy("setting of an event", "hospital or care home")
    WORK = "work", pgettext_lazy("setting of an event", "workplace or building site")
    WORSHIP = "worship", pgettext_lazy("setting of an event", "temple or gathering")
    SEVERAL = "several", pgettext_lazy("setting of an event", "several")


class RiskLevel(models.TextChoices):
    """The four levels of risk (风险等级) of the rule of 2025; from low on a product follows."""

    VERY_LOW = "very_low", pgettext_lazy("level of risk", "very low")
    LOW = "low", pgettext_lazy("level of risk", "low")
    MEDIUM = "medium", pgettext_lazy("level of risk", "medium")
    HIGH = "high", pgettext_lazy("level of risk", "high")


class ProductKind(models.TextChoices):
    """The three products of a warning (预警产品)."""

    TIP = "tip", _("Health risk tip")
    NOTICE = "notice", _("Warning notice")
    ADVICE = "advice", _("Advice for decision")


AUDIENCES: Mapping[str, object] = {
    ProductKind.TIP: _("the public"),
    ProductKind.NOTICE: _("departments, counties and institutions concerned"),
    ProductKind.ADVICE: _("the people's government"),
}
APPROVERS: Mapping[str, permissions.Permission] = {
    ProductKind.TIP: APPROVE_TIP,
    ProductKind.NOTICE: APPROVE,
    ProductKind.ADVICE: APPROVE,
}


class Certainty(models.TextChoices):
    """How sure the event is, in the words of CAP."""

    OBSERVED = "observed", pgettext_lazy("certainty of an event", "observed")
    LIKELY = "likely", pgettext_lazy("certainty of an event", "likely")
    POSSIBLE = "possible", pgettext_lazy("certainty of an event", "possible")


class ProductState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("state of a product", "draft")
    APPROVED = "approved", pgettext_lazy("state of a product", "approved")
    ISSUED = "issued", pgettext_lazy("state of a product", "issued")
    UPDATED = "updated", pgettext_lazy("state of a product", "replaced by an update")
    CANCELLED = "cancelled", pgettext_lazy("state of a product", "cancelled")


class Phase(models.TextChoices):
    """How far an investigation is."""

    ORDERED = "ordered", pgettext_lazy("state of an investigation", "ordered")
    BEGUN = "begun", pgettext_lazy("state of an investigation", "team on its way")
    REPORTED = "reported", pgettext_lazy("state of an investigation", "first findings reported")
    CONCLUDED = "concluded", pgettext_lazy("state of an investigation", "concluded")


METHOD_NAMES: Mapping[str, object] = {
    "adaptive": _("Adaptive regression"),
    "fixed_count": _("Single-case rule"),
    "place_rule": _("Rule of a place"),
    "moving_percentile": _("Moving percentile"),
    "c1": _("EARS C1"),
    "c2": _("EARS C2"),
    "c3": _("EARS C3"),
}


PLACE_KINDS: Mapping[str, object] = {
    "school": pgettext_lazy("kind of place", "school or kindergarten"),
    "village": pgettext_lazy("kind of place", "village"),
    "ward": pgettext_lazy("kind of place", "hospital, among its staff"),
}


@dataclass(frozen=True)
class Metrics:
    """How signals were responded to in a span of days; shares from 0 to 1, None of nothing."""

    days: int
    signals: int
    answered: int
    answered_share: float | None
    within_2h: float | None
    within_24h: float | None
    suspected_share: float | None
    per_county_week: float | None
    median_minutes: float | None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a team found on site; None and "" where it is not known (yet).

    ``at_risk``: how many persons were exposed to what made them ill, the denominator of the attack
    rate. ``last_day``: the last day on which a case of the event was reported.
    """

    cases_found: int
    at_risk: int | None = None
    deaths: int = 0
    setting: str = Setting.UNKNOWN.value
    first_onset: date | None = None
    last_day: date | None = None
    source: str = ""
    measures: str = ""


@dataclass(frozen=True, kw_only=True)
class ProductFacts:
    """What a warning product says. Chinese is needed; English where the English words are there.

    ``basis``: what the level of risk rests on; it is not part of what is issued.
    """

    level: str
    certainty: str
    expires_at: datetime
    title_zh: str
    text_zh: str
    instruction_zh: str = ""
    title_en: str = ""
    text_en: str = ""
    instruction_en: str = ""
    basis: str


@dataclass(frozen=True)
class Curve:
    """Cases by day, their sums over seven days, and the threshold that these are judged by."""

    days: Sequence[date]
    counts: Sequence[int]
    weekly: Sequence[int]
    threshold: Sequence[float | None]
    percentile: int | None  # None: by the adaptive regression
    alarm_days: Sequence[date]
    window: int = 7  # days of the sums
    by_rule: bool = False  # the threshold is the number of a rule


@dataclass(frozen=True)
class Standing:
    """The place of an open signal among those that a reader sees, 1 at the head, and what would
    change it: one case more or fewer, and its disease being of class A.

    ``less`` is None where there would be no signal any more; the others where nobody knows, as of
    a signal from before they were worked out.
    """

    position: int
    of: int
    known: bool
    more: int | None
    less: int | None
    as_a: int | None

    @property
    def changes(self) -> list[str]:
        """What would change the place, in one short sentence each."""
        if not self.known:
            return []
        said = []
        if self.more is not None:
            said.append(_now("One more case: %(place)s") % {"place": self._place(self.more)})
        fewer = _now("no signal any more") if self.less is None else self._place(self.less)
        said.append(_now("One case fewer: %(place)s") % {"place": fewer})
        if self.as_a is not None:
            said.append(
                _now("If its disease were managed as class A: %(place)s")
                % {"place": self._place(self.as_a)}
            )
        return said

    def _place(self, place: int) -> str:
        if place == self.position:
            return _now("no change")
        return _now("place %(to)d instead of %(now)d") % {"to": place, "now": self.position}


@dataclass(frozen=True)
class YoungRegister:
    """Counts begin on a day; from another on they can be compared with what is usual."""

    since: date
    seasons_from: date


def reason(
    *,
    observed: int,
    day_count: int,
    day: date,
    expected: float | None,
    threshold: float | None,
    facts: Mapping[str, object],
    place_kind: str = "",
) -> str:
    """Why there is a signal, in one sentence in the language of the page.

    For instance: "14 cases in the 7 days to 2020-02-05; 5.2 expected; up to 10 are usual", or by
    the moving percentile "7 cases …; none expected; P80 of 15 earlier periods is 0".
    """
    parts = [_counted(observed, day, int(str(facts.get("days") or 7)))]
    head = facts.get("headline")
    if expected is not None:
        parts.append(_expected(expected))
    if head == "adaptive" and threshold is not None:
        usual = _now("up to %(threshold)s are usual") % {"threshold": _number(threshold)}
        parts.append(usual if threshold >= 1 else _now("a single case is unusual"))
    elif head == "moving_percentile" and threshold is not None:
        parts.append(
            _now("P%(percentile)s of %(blocks)s earlier periods is %(threshold)s")
            % {
                "percentile": facts.get("percentile"),
                "blocks": facts.get("blocks"),
                "threshold": _number(threshold),
            }
        )
    elif head == "place_rule":
        parts.append(
            _now("all in one %(place)s, where a rule warns from %(n)d on")
            % {"place": PLACE_KINDS.get(place_kind, place_kind), "n": int(threshold or 1)}
        )
    elif head == "fixed_count":
        needed = int(threshold or 1)
        parts.append(
            ngettext(
                "a single case raises a signal",
                "%(n)d cases raise a signal",
                needed,
            )
            % {"n": needed}
        )
    elif threshold is not None:
        parts.append(
            _now("%(count)s on the last day, where %(method)s allows %(threshold)s")
            % {
                "count": day_count,
                "method": METHOD_NAMES.get(str(head), head),
                "threshold": _number(threshold),
            }
        )
    return pgettext("between the parts of a reason", "; ").join(parts)


def _counted(observed: int, day: date, days: int) -> str:
    return ngettext(
        "%(n)d case in the %(days)d days to %(day)s",
        "%(n)d cases in the %(days)d days to %(day)s",
        observed,
    ) % {"n": observed, "day": day.isoformat(), "days": days}


def _expected(expected: float) -> str:
    if expected < 0.05:
        return _now("none expected")
    return _now("%(expected)s expected") % {"expected": _number(expected)}


def _number(value: float) -> str:
    """A number of cases with at most one decimal, cut off: a count above it must look so."""
    return f"{floor(value * 10 + 1e-9) / 10:.1f}".removesuffix(".0")


def in_language(zh: str, en: str) -> str:
    """The word in the language of the page, or the other one where that is missing."""
    return (en or zh) if (get_language() or "").startswith("en") else (zh or en)


purposes.declare(
    "surveillance.warning",
    _("Find outbreaks early and verify them"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {
        "surveillance.Signal": _("Warning signals"),
        "surveillance.Investigation": _("Field investigations of signals"),
    },
)
