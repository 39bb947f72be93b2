"""Which methods watch a disease, what they find together, and what becomes of it. Pure functions.

The unit is one county and one disease (区县 × 病种). Every count that a signal carries is the
number of cases in the last seven days, so that it can be compared from run to run; the daily EARS
methods keep their own numbers in their alarms.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from math import ceil, floor, log10
from typing import Literal, TypeVar

from fangkong.packs import rules as packs
from fangkong.packs.types import DiseaseClass, Pack, PlaceKind, UnknownCode

WINDOW = 7
CURVE_DAYS = 28
QUIET_DAYS = 14
ADAPTIVE_WEEKS = 26  # that the adaptive regression must know, as epistat says
BUDGET = 0.3  # statistical signals per county and week, where a pack says nothing of it
ASSESS_HOURS = 2  # the headquarters' own time for a suspected event

FIXED, PERCENTILE, C1, C2, C3 = "fixed_count", "moving_percentile", "c1", "c2", "c3"
ADAPTIVE, PLACE = "adaptive", "place_rule"
# Which method's numbers head a signal that several have raised.
METHODS = (ADAPTIVE, PERCENTILE, FIXED, PLACE, C2, C1, C3)
# A signal that a rule demands ranks at least as high as one that is just beyond chance.
RULE_P = 0.0065

OPEN = ("new", "verifying")
SUSPECTED = ("suspected_event", "confirmed_outbreak")

Key = TypeVar("Key", bound=Hashable)
Series = tuple[int, str, str]  # county id, disease, key of a place in the county or ""


@dataclass(frozen=True)
class Plan:
    """The methods and settings that watch one disease; z are thresholds in standard deviations.

    ``alpha``: the share of weeks that the adaptive regression may take for unusual by chance, None
    where it does not watch; ``percentile``: None where the moving percentile does not.
    """

    alpha: float | None
    adaptive_years: int
    guard_weeks: int
    adaptive_minimum: int
    fixed: int | None
    percentile: int | None
    minimum: int
    years: int
    half: int
    year_days: Literal[364, 365]
    strict: bool
    baseline: int
    z1: float
    z2: float
    z3: float
    ears_minimum: int

    @property
    def history_days(self) -> int:
        """How many days before the judged one the methods look at."""
        percentile = self.years * self.year_days + (self.half + 1) * WINDOW
        adaptive = ceil(self.adaptive_years * 365.25) + (self.guard_weeks + 2) * WINDOW
        return max(percentile, adaptive)


def plan_for(pack: Pack, condition: str, on: date) -> Plan:
    """What the pack says of watching a disease on a day.

    Every disease is watched by the adaptive regression, also one on the single-case list or with a
    percentile of its own: it tells how far beyond the usual the cases are, and ranks the signals.
    The moving percentile watches where a rule of the pack says so, and every disease in a pack
    without the adaptive regression. A code that the pack does not know is watched as it usually
    does.
    """
    try:
        rules = packs.warning_rules(pack, condition, on)
    except UnknownCode:
        rules = ()
    usual, ears = pack.warning.moving_percentile, pack.warning.ears
    adaptive = pack.warning.adaptive
    own = next((rule for rule in rules if rule.method == PERCENTILE), None)
    fixed = [rule.fixed_count for rule in rules if rule.fixed_count is not None]
    percentile = None if adaptive else usual.percentile
    return Plan(
        alpha=adaptive.alpha if adaptive else None,
        adaptive_years=adaptive.years if adaptive else 0,
        guard_weeks=adaptive.guard_weeks if adaptive else 0,
        adaptive_minimum=adaptive.minimum_count if adaptive else 1,
        fixed=min(fixed, default=None),
        percentile=own.percentile if own and own.percentile else percentile,
        minimum=own.minimum_count if own else usual.minimum_count,
        years=usual.years,
        half=usual.half_window,
        year_days=365 if usual.year_days == 365 else 364,
        strict=usual.signal_when == "above",
        baseline=ears.baseline_days,
        z1=ears.threshold_c1,
        z2=ears.threshold_c2,
        z3=ears.threshold_c3,
        ears_minimum=ears.minimum_count,
    )


def seasons_known(since: date, plan: Plan) -> date:
    """From which day the methods that look at years answer, in a register that counts since then.

    The adaptive regression needs so many whole weeks before its guard, the judged week after it;
    the moving percentile all its blocks.
    """
    if plan.alpha is None:
        return since + timedelta(days=plan.history_days)
    return since + timedelta(weeks=ADAPTIVE_WEEKS + plan.guard_weeks + 1) - timedelta(days=1)


def disease_class(pack: Pack, condition: str, on: date) -> DiseaseClass:
    """The class that a disease is managed as; "other" for one the pack does not know."""
    try:
        return packs.managed_as(pack, condition, on)
    except UnknownCode:
        return "other"


@dataclass(frozen=True)
class Outbreak:
    """Days on which cases of a known outbreak were reported, both included.

    ``conditions``: its disease, the forms of it, and the disease that it is a form of: the series
    that its cases were counted in.
    """

    county_id: int
    conditions: frozenset[str]
    first: date
    last: date


@dataclass(frozen=True)
class MethodAlarm:
    """What one method says of one day; None where it has no such number."""

    method: str
    observed: float
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None


@dataclass(frozen=True)
class Place:
    """A school, village or hospital of a county; ``key`` tells it from others there."""

    kind: PlaceKind
    key: str
    name: str


@dataclass(frozen=True)
class Finding:
    """The alarms of one series on one day, put together."""

    observed: int
    day_count: int
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None
    alarms: tuple[MethodAlarm, ...]
    curve: tuple[int, ...] = ()
    facts: dict[str, float | int | str] = field(default_factory=dict)
    place: Place | None = None
    # The same day with one case more, and with one case fewer where that still alarms.
    more: Finding | None = None
    less: Finding | None = None

    @property
    def methods(self) -> list[str]:
        return [alarm.method for alarm in self.alarms]

    @property
    def fixed(self) -> bool:
        """Whether a rule is among the alarms, of single cases or of a place: it knows no budget."""
        return FIXED in self.methods or PLACE in self.methods

    @property
    def excess(self) -> float:
        """Cases above what was expected."""
        return self.observed - (self.expected or 0.0)


# --- The order of the list ----------------------------------------------------------------------

_CLASS_POINTS: dict[DiseaseClass, int] = {"A": 3, "B": 2, "C": 1, "other": 0}


def rank(p: float | None, excess: float, disease: DiseaseClass, *, by_rule: bool = False) -> float:
    """One number to sort signals by, highest first.

    First how improbable the count is, in tenths of powers of ten (so that nearly equal ones tie),
    then the cases above the expected, then the class of the disease, A first. What a rule demands
    (``by_rule``) counts as improbable as ``RULE_P`` at least: chance says nothing of it.
    """
    if by_rule:
        p = RULE_P if p is None else min(p, RULE_P)
    surprise = 0.0 if p is None else min(30.0, -log10(max(p, 1e-30)))
    tenths = floor(surprise * 10 + 0.5)
    cases = min(max(excess, 0.0), 999.9)
    return tenths * 10_000.0 + round(cases, 1) * 10 + _CLASS_POINTS[disease]


def rank_of(finding: Finding, disease: DiseaseClass) -> float:
    """``rank`` of a finding."""
    return rank(finding.p, finding.excess, disease, by_rule=finding.fixed)


def position(rank: float, others: Iterable[float]) -> int:
    """The place on a list, 1 at its head; equals share one."""
    return 1 + sum(other > rank for other in others)


# --- Places -------------------------------------------------------------------------------------

# Up to the word that ends the name of an institution; a class or a department stands behind it.
_INSTITUTION: dict[PlaceKind, re.Pattern[str]] = {
    "school": re.compile(r".*?(?:小学|中学|高中|初中|幼儿园|托儿所|学校|学院|大学)"),
    "ward": re.compile(r".*?(?:医院|卫生院|卫生服务中心|卫生室|诊所|保健院)"),
}


def institution(kind: PlaceKind, workplace: str) -> Place | None:
    """The school or hospital that a card names; None where it names none.

    Spelling does not tell two apart: width, case and blanks; nor does the class or department.
    """
    text = "".join(unicodedata.normalize("NFKC", workplace).split())
    if not text:
        return None
    known = _INSTITUTION[kind].match(text)
    shown = known[0] if known else " ".join(unicodedata.normalize("NFKC", workplace).split())
    digest = hashlib.sha256("".join(shown.split()).casefold().encode()).hexdigest()
    return Place(kind, f"{kind}:{digest[:24]}", shown[:120])


# --- Episodes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Past:
    """What is known of the newest signal of the same county and disease."""

    state: str
    day: date
    last_alarm_day: date
    observed_at_answer: int | None


Step = Literal["raise", "update", "keep"]


def episode(past: Past | None, day: date, observed: int) -> Step:
    """What a finding becomes: a new signal, news on the open one, or nothing new.

    An open signal is carried on, never doubled. After an answer a new one is raised only where more
    cases stand than the answer had seen, or after 14 days without an alarm. A run over an earlier
    day than the signal's adds nothing.
    """
    if past is None or past.state == "superseded":
        return "raise"
    if day < past.day:
        return "keep"
    if past.state in OPEN:
        return "update"
    quiet = (day - past.last_alarm_day).days - 1
    more = observed > (past.observed_at_answer or 0)
    return "raise" if more or quiet >= QUIET_DAYS else "keep"


def is_void(state: str, signal_day: date, run_day: date) -> bool:
    """Whether an open signal falls when a run over its own day finds nothing (any more).

    So it goes when cards were corrected. One that somebody already verifies stays with them.
    """
    return state == "new" and signal_day == run_day


# --- The load budget ----------------------------------------------------------------------------


def budget_of(pack: Pack) -> float:
    """How many statistical signals per county and week the pack lets onto the list."""
    return pack.warning.load.signals_per_county_week if pack.warning.load else BUDGET


def allowance(counties: int, budget: float = BUDGET) -> int:
    """How many statistical signals may be put on the list in seven days; at least one."""
    return max(1, floor(counties * budget + 1e-9))


def to_list(candidates: Sequence[tuple[Key, float, bool]], listed: int, allowed: int) -> list[Key]:
    """Which unlisted signals go on the list now: (key, rank, single-case) each.

    Single-case signals always do. Of the others the highest ranked fill what is left of the
    allowance after ``listed`` that were put there in the last seven days; the rest stays folded.
    """
    fixed = [key for key, _, single in candidates if single]
    others = sorted((c for c in candidates if not c[2]), key=lambda c: -c[1])
    return fixed + [key for key, _, _ in others[: max(0, allowed - listed)]]


# --- Clocks -------------------------------------------------------------------------------------


def answer_hours(pack: Pack, single_case: bool) -> int:
    """How long a county has for a signal: the pack's shortest clock for a single case, else its
    longest (2 h and 24 h in the packs shipped)."""
    hours = [clock.hours for clock in pack.warning.clocks if clock.trigger == "signal"]
    if not hours:
        return 24
    return min(hours) if single_case else max(hours)


FINDINGS_HOURS, CONCLUSION_HOURS = 24, 336  # where a pack says nothing of investigations


def investigation_hours(pack: Pack, trigger: Literal["suspicion", "investigation"]) -> int:
    """How long the first findings on site may take, or the conclusion after them."""
    hours = [clock.hours for clock in pack.warning.clocks if clock.trigger == trigger]
    usual = FINDINGS_HOURS if trigger == "suspicion" else CONCLUSION_HOURS
    return min(hours, default=usual)


def within(start: datetime | None, end: datetime | None, hours: int) -> bool:
    """Whether something was done within so many hours, to the minute."""
    return start is not None and end is not None and end - start <= timedelta(hours=hours)


# --- What became of signals ---------------------------------------------------------------------

LEAST_FOR_PERCENT = 10  # a share of fewer is told as numbers only


@dataclass(frozen=True)
class Responded:
    """One signal that was put before people. ``seen_on``: on which day each method first saw it.

    ``event``: the investigation that it belongs to, with what that ended with and when its first
    case fell ill.
    """

    county_id: int
    listed_at: datetime
    verifying_at: datetime | None
    answered_at: datetime | None
    outcome: str
    conclusion: str
    event: int | None
    first_onset: date | None
    seen_on: Mapping[str, date]

    def by(self, method: str) -> Responded:
        """The same as one method alone saw it."""
        return replace(self, seen_on={method: self.seen_on[method]})

    @property
    def fate(self) -> Literal["event", "none", "undecided"]:
        """Whether an event stood behind it; undecided until it is answered and investigated."""
        if self.answered_at is None:
            return "undecided"
        if self.event is None:
            return "event" if self.outcome == "confirmed_outbreak" else "none"
        if self.conclusion == "outbreak":
            return "event"
        return "none" if self.conclusion == "no_event" else "undecided"


@dataclass(frozen=True)
class Tally:
    """Signals of a span, and of how many each further number is a part.

    ``due_2h``: answered ones, and those that have waited 2 h already: of the others nobody knows
    yet. ``decided``: answered and, where somebody was sent out, concluded; ``events`` among them
    turned out to be outbreaks. ``outbreaks``: each counted once, whatever the number of its
    signals; ``delays``: days from the onset of its first case to the first alarm, in order.
    """

    signals: int
    answered: int
    due_2h: int
    begun_2h: int
    answered_2h: int
    due_24h: int
    answered_24h: int
    suspected: int
    decided: int
    events: int
    outbreaks: int
    delays: tuple[int, ...]
    median_minutes: float | None

    @property
    def median_delay(self) -> float | None:
        return median(self.delays)

    @property
    def ppv(self) -> float | None:
        """The positive predictive value, 0 to 1: events among the decided."""
        return share(self.events, self.decided)


def tally(rows: Sequence[Responded], at: datetime) -> Tally:
    """Count what became of signals, as of a moment."""
    answered = [one for one in rows if one.answered_at is not None]
    due_2h, due_24h = (_due(rows, hours, at) for hours in (2, 24))
    fates = [one.fate for one in rows]
    delays = _delays(rows)
    minutes = [
        (one.answered_at - one.listed_at).total_seconds() / 60
        for one in rows
        if one.answered_at is not None
    ]
    return Tally(
        signals=len(rows),
        answered=len(answered),
        due_2h=len(due_2h),
        begun_2h=sum(within(one.listed_at, one.verifying_at, 2) for one in due_2h),
        answered_2h=sum(within(one.listed_at, one.answered_at, 2) for one in due_2h),
        due_24h=len(due_24h),
        answered_24h=sum(within(one.listed_at, one.answered_at, 24) for one in due_24h),
        suspected=sum(one.outcome in SUSPECTED for one in answered),
        decided=sum(fate != "undecided" for fate in fates),
        events=fates.count("event"),
        outbreaks=len({one.event or id(one) for one in rows if one.fate == "event"}),
        delays=tuple(sorted(delays.values())),
        median_minutes=median(minutes),
    )


def _due(rows: Sequence[Responded], hours: int, at: datetime) -> list[Responded]:
    """Those of which it is known whether they were answered within so many hours."""
    late = timedelta(hours=hours)
    return [one for one in rows if one.answered_at is not None or at - one.listed_at > late]


def _delays(rows: Sequence[Responded]) -> dict[int, int]:
    """Days from onset to the first alarm, by outbreak; below 0 where the alarm came before."""
    found: dict[int, int] = {}
    for one in rows:
        if one.fate == "event" and one.event and one.first_onset and one.seen_on:
            days = (min(one.seen_on.values()) - one.first_onset).days
            found[one.event] = min(days, found.get(one.event, days))
    return found


def percent(part: int, whole: int) -> float | None:
    """A share in percent, None where it would be one of too few to mean anything."""
    return 100 * part / whole if whole >= LEAST_FOR_PERCENT else None


def share(part: int, whole: int) -> float | None:
    """A share from 0 to 1; None of nothing."""
    return part / whole if whole else None


def median(values: Sequence[float]) -> float | None:
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
