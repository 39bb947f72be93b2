"""What a rule pack holds: plain frozen facts, each with the clause it rests on.

Texts are carried in Chinese and English: a pack must say its law without a server around it.
Days are inclusive: ``valid_to`` is the last day in force, and ``None`` leaves that end open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

DiseaseClass = Literal["A", "B", "C", "other"]
Status = Literal["draft", "issued", "withdrawn"]
Duty = Literal["report", "review", "notify"]
# A suspicion: a signal is answered as what may be an event. An investigation: its first findings.
Trigger = Literal[
    "diagnosis", "discovery", "receipt", "assessment", "signal", "suspicion", "investigation"
]
Purpose = Literal["bulletin", "warning"]
DateBasis = Literal["onset", "diagnosis", "report"]
# How far off somebody lives: in the same county, in another one of the prefecture, in another
# prefecture of the province, or beyond the province.
Distance = Literal["county", "prefecture", "province", "beyond"]
Method = Literal["fixed_count", "moving_percentile", "adaptive"]
PlaceKind = Literal["school", "village", "ward"]
# Where somebody is watched: in a facility (集中隔离), at home (居家隔离), at home but going
# out where that must be (居家健康监测), or looking after themselves (自我健康监测).
WatchPlace = Literal["central", "home", "monitoring", "self"]
# The day from which the days of a watch are counted; that day itself is day 0.
CountedFrom = Literal["exposure", "leaving", "arriving"]
# Whom somebody was with: a case, or a close contact of one (密接的密接).
ExposedTo = Literal["case", "contact"]
Asked = Literal["contact", "arrival"]
Answer = Literal["words", "day", "yes-no", "area", "choice", "number", "phone"]
# What some room may know already, so that it is shown and not asked.
Known = Literal["person", "phone", "address", "school", "stay", "vaccination", "exposure"]
DifferenceKind = Literal[
    "condition_added",
    "condition_removed",
    "condition_renamed",
    "condition_reclassified",
    "clock_added",
    "clock_removed",
    "clock_changed",
]


class PackError(Exception):
    """A pack that cannot be used: says which file, which table, which key, and what to do."""


class NoPackInForce(LookupError):
    """No pack covers this area on this day."""


class UnknownCode(LookupError):
    """A code that this pack does not know."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """The same words in Chinese and in English."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """The words for a language code such as ``zh-hans`` or ``en``; English for any other."""
        return self.zh if language.lower().startswith("zh") else self.en


@dataclass(frozen=True, kw_only=True)
class Source:
    """A document that rules are taken from. ``reference`` is the project's own list of sources."""

    code: str
    title: Text
    number: str = ""
    issued: date | None = None
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One rule of a document in our own short words.

    ``from_memory``: nobody has yet compared it with the original, so a page must mark it.
    """

    code: str
    source: Source
    article: str
    text: Text
    from_memory: bool = False


@dataclass(frozen=True, kw_only=True)
class Dated:
    """Something that holds from a first to a last day, both included."""

    valid_from: date | None = None
    valid_to: date | None = None

    def covers(self, on: date) -> bool:
        """Does this hold on that day?"""
        begun = self.valid_from is None or self.valid_from <= on
        return begun and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, kw_only=True)
class Row(Dated):
    """A named line of a pack with the clause it rests on."""

    code: str
    name: Text
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class Period(Dated):
    """How a condition is classed, managed and called for a time (甲乙丙类, 乙类甲管)."""

    disease_class: DiseaseClass
    managed_as: DiseaseClass
    name: Text
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class Subtype:
    """A form of a condition with its own code on the card, such as pulmonary anthrax.

    ``managed_as`` is None where the form is managed like its condition.
    """

    code: str
    name: Text
    icd10: tuple[str, ...]
    clause: Clause
    managed_as: DiseaseClass | None = None
    asks_course: bool = False


@dataclass(frozen=True, kw_only=True)
class Condition(Row):
    """A notifiable condition (法定传染病), or one that is watched without being in the list.

    ``asks_course``: the card must say acute or chronic. ``replaces``: codes of an earlier pack that
    are now counted here. ``aliases``: other words that cards and files use for it.
    """

    icd10: tuple[str, ...]
    periods: tuple[Period, ...]
    subtypes: tuple[Subtype, ...] = ()
    aliases: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    asks_course: bool = False

    def period_on(self, on: date) -> Period | None:
        """Class and name on that day; None before the first and after the last day."""
        return next((period for period in self.periods if period.covers(on)), None)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """The nearest word of other schemes; empty where there is none."""

    who: str = ""
    ecdc: str = ""
    cste: str = ""
    fhir: str = ""


@dataclass(frozen=True, kw_only=True)
class CaseClass(Row):
    """A step of certainty of a case (病例分类). ``only`` and ``not_for`` hold condition codes."""

    mapping: Mapping
    reportable: bool = True
    only: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Severity(Row):
    """A clinical grade (临床严重程度); the order in the pack is from mild to critical."""

    who: str = ""
    only: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Occupation(Row):
    """A group of people (人群分类). ``asks_school``: the card must name school and class."""

    asks_school: bool = False


@dataclass(frozen=True, kw_only=True)
class ResidenceRelation(Row):
    """Where a patient belongs, seen from the reporting county (病人属于).

    ``lives``: how far off the address may be. One that says nothing of the address has all of them:
    a foreign national may live next door.
    """

    lives: tuple[Distance, ...]


@dataclass(frozen=True, kw_only=True)
class IdentityDocument(Row):
    """A kind of identity document. ``check`` names the check-digit rule, empty if none."""

    check: str = ""


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """What follows when a clock has run out: the office is reminded, and has ``hours`` from then.

    After them the level above is told. ``each``: every single card is a reminder of its own.
    """

    hours: int
    each: bool
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class ReportClock(Row):
    """Who must do what within how many hours of what.

    Empty ``conditions``, ``managed_as`` or ``case_classes`` mean: whatever it is. ``late``: what
    follows once the time is over.
    """

    duty: Duty
    trigger: Trigger
    hours: int
    who: Text
    channel: Text
    conditions: tuple[str, ...] = ()
    managed_as: tuple[DiseaseClass, ...] = ()
    case_classes: tuple[str, ...] = ()
    late: Lateness | None = None


@dataclass(frozen=True, kw_only=True)
class ResponseClock(Row):
    """How soon a signal is verified and answered, and a suspicion investigated (预警响应).

    ``trigger``: ``signal`` for the answer, ``suspicion`` for the first findings on site,
    ``investigation`` for the conclusion after them.
    """

    hours: int
    trigger: Trigger = "signal"


@dataclass(frozen=True, kw_only=True)
class MovingPercentile:
    """Settings of the moving percentile method (移动百分位数法) where a rule names none.

    The last ``block_days`` are compared with the same days of ``years`` past years and the
    ``half_window`` blocks before and after; a past year lies ``year_days`` back.
    """

    years: int
    half_window: int
    block_days: int
    year_days: int
    percentile: int
    minimum_count: int
    signal_when: Literal["above", "at_or_above"]
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class Adaptive:
    """Settings of the adaptive regression, the warning score of every disease.

    It learns from the weeks of ``years``; ``guard_weeks`` just before are left out. A signal needs
    more cases than come by chance once in 1 / ``alpha`` weeks, and ``minimum_count``.
    """

    alpha: float
    years: int
    guard_weeks: int
    minimum_count: int
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class Ears:
    """Settings of EARS C1, C2 and C3; thresholds in standard deviations."""

    baseline_days: int
    gap_days: int
    threshold_c1: float
    threshold_c2: float
    threshold_c3: float
    minimum_count: int
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class WarningRule(Dated):
    """When counts of one condition (or subtype) raise a signal.

    ``fixed_count``: signal at this many cases, set for the method ``fixed_count`` only.
    ``percentile``: set for the method ``moving_percentile`` only.
    """

    condition: str
    method: Method
    clause: Clause
    fixed_count: int | None = None
    percentile: int | None = None
    minimum_count: int = 1


@dataclass(frozen=True, kw_only=True)
class PlaceRule(Row):
    """So many cases within so many days in one place raise a signal (聚集性疫情).

    ``conditions``: only these (with their subtypes), empty for all. A school or a ward is what the
    cards of persons with these ``occupations`` name as their place of work or school; a village is
    the one that the patients live in.
    """

    place: PlaceKind
    days: int
    cases: int
    conditions: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many signals of statistics a county's staff still reads in a week (预警负荷)."""

    signals_per_county_week: float
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class WarningPlan:
    """All that early warning needs from a pack (预警)."""

    moving_percentile: MovingPercentile
    adaptive: Adaptive | None  # a pack without it is watched by the moving percentile
    ears: Ears
    rules: tuple[WarningRule, ...]
    clocks: tuple[ResponseClock, ...]
    places: tuple[PlaceRule, ...] = ()
    load: Load | None = None


@dataclass(frozen=True, kw_only=True)
class CountDefinition(Row):
    """What a figure counts (口径). Its code is the version id that every figure carries."""

    purpose: Purpose
    case_classes: tuple[str, ...]
    date_basis: DateBasis
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SpecimenType(Row):
    """What is taken from a person or a surface (标本类型); ``biosafety``: how it is handled."""

    biosafety: str = ""
    of_person: bool = True


@dataclass(frozen=True, kw_only=True)
class AssayMethod(Row):
    """How a specimen is tested (检测方法). ``has_ct``: each target has a Ct value (Ct 值).

    ``conditions``: the diseases that it tests for; empty for all. ``targets_of``: the targets of
    one disease; ``targets`` are those of the diseases that are not named there.
    """

    targets: tuple[str, ...] = ()
    targets_of: tuple[tuple[str, tuple[str, ...]], ...] = ()
    has_ct: bool = False
    conditions: tuple[str, ...] = ()

    def targets_for(self, condition: str) -> tuple[str, ...]:
        """What it looks for in a specimen of a disease; empty where no rules name it."""
        return dict(self.targets_of).get(condition, self.targets)

    def every_target(self) -> tuple[str, ...]:
        """What it looks for, whatever the disease."""
        named = (target for _code, several in self.targets_of for target in several)
        return tuple(dict.fromkeys([*self.targets, *named]))

    def tests_for(self, condition: str) -> bool:
        """Whether it says anything of a disease."""
        return not self.conditions or condition in self.conditions


@dataclass(frozen=True, kw_only=True)
class TestedGroup(Row):
    """Who is tested (应检尽检, 愿检尽检), and how soon after sampling the result is promised.

    ``target_hours`` is the better promise that a place is asked to aim at, where there is one.
    """

    hours: int
    target_hours: int | None = None
    mandatory: bool = False
    screening: bool = False
    of_person: bool = True


@dataclass(frozen=True, kw_only=True)
class PoolRule(Row):
    """How many specimens may share one tube (混采), for whom, and below which positivity.

    ``per_million``: at or above so many positives among a million tested, nobody is pooled.
    A pool never diagnoses anybody.
    """

    size: int
    groups: tuple[str, ...]
    specimens: tuple[str, ...]
    per_million: int | None = None

    @property
    def percent(self) -> str:
        """The bound as people say it, in percent: "0.1"."""
        return "" if self.per_million is None else f"{self.per_million / 10_000:g}"


@dataclass(frozen=True, kw_only=True)
class TestedSingly(Row):
    """Whoever is watched as a contact of this class has a tube of their own (单采单检).

    Empty ``conditions``: whatever the disease.
    """

    contact_class: str
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ResultJudgement(Row):
    """What a positive result of one person makes of their case.

    ``becomes`` is the class of whoever has symptoms, ``without_symptoms`` of whoever has none;
    empty where that makes no difference.
    """

    condition: str
    methods: tuple[str, ...]
    becomes: str
    without_symptoms: str = ""


@dataclass(frozen=True, kw_only=True)
class TestingPlan:
    """All that testing needs from a pack (检测); empty where a pack says nothing of it."""

    specimens: tuple[SpecimenType, ...] = ()
    methods: tuple[AssayMethod, ...] = ()
    groups: tuple[TestedGroup, ...] = ()
    pools: tuple[PoolRule, ...] = ()
    singly: tuple[TestedSingly, ...] = ()
    judgements: tuple[ResultJudgement, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All its lines."""
        pooled = (*self.pools, *self.singly)
        return (*self.specimens, *self.methods, *self.groups, *pooled, *self.judgements)


@dataclass(frozen=True, kw_only=True)
class ConditionRow(Row):
    """A line about one condition."""

    condition: str


@dataclass(frozen=True, kw_only=True)
class ExposureKind(Row):
    """How somebody was with a case (接触方式)."""


@dataclass(frozen=True, kw_only=True)
class ContactClass(Row):
    """What somebody who was exposed is called (密切接触者 …); the strictest stands first."""


@dataclass(frozen=True, kw_only=True)
class ContactWindow(ConditionRow):
    """On which days of a case an exposure counts (判定时间窗); the days of a condition have no gap.

    ``days_before`` the onset, or the first positive specimen of a case without symptoms, until
    ``days_after`` it, or until the case is isolated where that is None. Not ``judged``: from then
    on nobody is judged a contact.
    """

    judged: bool = True
    days_before: int = 0
    days_after: int | None = None


@dataclass(frozen=True, kw_only=True)
class ContactRule(ConditionRow):
    """Which class these kinds of exposure make; ``days_before`` where not that of the window."""

    contact_class: str
    kinds: tuple[str, ...]
    to: ExposedTo = "case"
    days_before: int | None = None


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of days in one place. ``tests``: on which of its days, the first is 1.

    ``visits`` a day; 0 where nobody is named who looks daily.
    """

    place: WatchPlace
    days: int
    visits: int
    tests: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WatchTerm(ConditionRow):
    """How long and where a class is watched (医学观察期限), from the last exposure on.

    Without phases the person is registered and told, and not watched.
    """

    contact_class: str
    phases: tuple[Phase, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Incubation(ConditionRow):
    """The longest incubation (最长潜伏期), which bounds the steps of a chain."""

    days: int


@dataclass(frozen=True, kw_only=True)
class OriginTier(ConditionRow):
    """What is done with arrivals from somewhere (来返人员分类); the strictest stands first.

    ``where``: beginnings of the codes of the areas whose rule it is; empty: the whole jurisdiction.
    It fits who stayed in one of ``areas`` (beginnings of codes, or ``abroad``), or in an area that
    was announced for it, within ``within_days``; or who shows one of ``signs``; or ``everybody``.
    ``entry_tests``: hours after the entry until which each test is done, one a day.
    """

    counted_from: CountedFrom
    within_days: int
    where: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    everybody: bool = False
    not_yet: bool = False
    fetched: bool = False
    certificate_hours: int | None = None
    entry_tests: tuple[int, ...] = ()
    phases: tuple[Phase, ...] = ()

    @property
    def by_announcement(self) -> bool:
        """Are its areas only those that are announced for it?"""
        return not (self.areas or self.signs or self.everybody)


@dataclass(frozen=True, kw_only=True)
class Question(Row):
    """What a contact or an arrival is asked, once. ``known``: what makes it needless to ask.

    ``valid_days``: how many days an answer stands before it is asked anew, the day of the answer
    being the first; None: as long as nobody corrects it.
    """

    asked: tuple[Asked, ...]
    answer: Answer
    known: Known | None = None
    valid_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class ScreeningPlan:
    """All that screening needs from a pack (排查); empty where a pack says nothing of it."""

    kinds: tuple[ExposureKind, ...] = ()
    classes: tuple[ContactClass, ...] = ()
    windows: tuple[ContactWindow, ...] = ()
    rules: tuple[ContactRule, ...] = ()
    terms: tuple[WatchTerm, ...] = ()
    incubations: tuple[Incubation, ...] = ()
    tiers: tuple[OriginTier, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All its lines."""
        return (
            *self.kinds,
            *self.classes,
            *self.windows,
            *self.rules,
            *self.terms,
            *self.incubations,
            *self.tiers,
            *self.questions,
        )


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What an exposure makes of somebody, and why; no class where it is no contact.

    ``first`` to ``last`` are the days on which it counts, ``last`` None while that end is open;
    ``counted`` is the last day of the exposure among them, from which a term runs.
    """

    contact_class: ContactClass | None
    clause: Clause
    first: date | None = None
    last: date | None = None
    counted: date | None = None


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A phase with its days, for one person."""

    phase: Phase
    first: date
    last: date
    tests: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Term:
    """From when to when somebody is watched, stretch by stretch."""

    rule: WatchTerm | OriginTier
    since: date
    days: tuple[Watched, ...]

    @property
    def last(self) -> date | None:
        """The last day of watching; None where there is none."""
        return self.days[-1].last if self.days else None


@dataclass(frozen=True, kw_only=True)
class Stay:
    """Where an arrival was: the code of an area or ``abroad``, and the last day there."""

    area: str
    last: date


@dataclass(frozen=True, kw_only=True)
class AnnouncedArea(Dated):
    """An area (the beginning of codes) that was announced for a tier, with its days."""

    area: str
    tier: str


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The tier of an arrival, the stay that put them there, and the days of watching.

    ``also``: the other tiers that fit, milder as a whole; ``term`` holds the stricter of each day.
    """

    tier: OriginTier
    stay: Stay | None
    term: Term
    also: tuple[OriginTier, ...] = ()

    @property
    def tiers(self) -> tuple[OriginTier, ...]:
        """All tiers that fit, the strictest in front."""
        return (self.tier, *self.also)

    @property
    def not_yet(self) -> bool:
        """Does one of them ask not to come yet?"""
        return any(one.not_yet for one in self.tiers)

    @property
    def fetched(self) -> bool:
        """Does one of them say that the person is fetched?"""
        return any(one.fetched for one in self.tiers)

    @property
    def certificate_hours(self) -> int | None:
        """How old the shown negative test may be at most, by the strictest of them."""
        return min(
            (one.certificate_hours for one in self.tiers if one.certificate_hours), default=None
        )

    @property
    def entry_tests(self) -> tuple[int, ...]:
        """Hours after the entry until which each test is done, by all of them."""
        return tuple(sorted({hours for one in self.tiers for hours in one.entry_tests}))


@dataclass(frozen=True, kw_only=True)
class PrivacyTerm(Row):
    """A term of the law on personal data: how long something is kept, how soon one answers."""

    days: int


CardDimension = Literal["completeness", "accuracy", "identity", "verification", "alert"]
# What a card can have filled in; ``resident_id`` is a citizen's number that is right by itself.
CARD_FIELDS = (
    *("document", "resident_id", "sex", "birth", "phone", "occupation", "workplace", "guardian"),
    *("address", "relation", "onset", "doctor"),
)


@dataclass(frozen=True, kw_only=True)
class CardCheck(Row):
    """What a report card is held against when its quality is judged (报告卡质量审核).

    It concerns the cards that everything said here fits: their disease (or any), class, group of
    people, and so on; ages in full months on the day of diagnosis, ``months_below`` not included.
    Such a card is at fault where a field of ``filled`` is empty; by a line that names none, a card
    is at fault by fitting: a retired person of six years. ``delay_days``: so many days or more lie
    between onset and diagnosis; ``open_days``: so many have passed since the diagnosis.
    """

    dimension: CardDimension
    filled: tuple[str, ...] = ()
    only: tuple[str, ...] = ()  # conditions and their forms; every one where empty
    classes: tuple[str, ...] = ()
    occupations: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    months_from: int | None = None
    months_below: int | None = None
    delay_days: int | None = None
    open_days: int | None = None
    died: bool = False


SupplyPaperKind = Literal["request", "approval", "signature"]
SupplyKind = Literal["protection", "disinfection", "testing", "equipment", "medicine", "other"]
SupplyUnit = Literal[
    "piece", "set", "pair", "bottle", "box", "tablet", "test", "machine", "vehicle", "ml", "g"
]


@dataclass(frozen=True, kw_only=True)
class SupplyStandard(Dated):
    """The edition of a standard that goods of an item meet, on the days it is in force."""

    number: str


@dataclass(frozen=True, kw_only=True)
class SupplyItem(Row):
    """A kind of emergency supplies (品种) in the catalogue.

    ``unit``: the smallest, in which it is counted. ``packs``: names with how many are in one.
    ``also``: other names by which files call it and nothing else.
    ``abroad``: the nearest standards elsewhere, told and never taken for the same.
    ``shelf_days``: how long goods usually keep; what a label says counts.
    """

    kind: SupplyKind
    unit: SupplyUnit
    packs: tuple[tuple[str, int], ...] = ()
    also: tuple[str, ...] = ()
    standards: tuple[SupplyStandard, ...] = ()
    abroad: tuple[str, ...] = ()
    shelf_days: int | None = None

    def standard_on(self, day: date) -> str:
        """The number of the standard in force on a day, or ""."""
        return next((one.number for one in self.standards if one.covers(day)), "")


@dataclass(frozen=True, kw_only=True)
class Substitute(Row):
    """Goods that may stand in for others (替代), in this direction only.

    ``item`` for ``instead_of``, but not for work of these kinds (``not_for``).
    """

    item: str
    instead_of: str
    not_for: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SupplyRole(Row):
    """Who uses supplies: a kind of staff, or of persons who are cared for.

    ``exposure``: the class of protection (防护级别), 3 the highest. ``staff``: other roles with
    the hours of them that one such person takes in 24 hours. ``shift_hours``: how long one of the
    role works a day.
    """

    exposure: int
    staff: tuple[tuple[str, Decimal], ...] = ()
    shift_hours: Decimal = Decimal(8)


@dataclass(frozen=True, kw_only=True)
class SupplyNorm(Row):
    """How much of an item one of a role uses up a day, in its smallest unit.

    Three strategies: with enough of it, with little, and in want.
    """

    item: str
    who: str
    conventional: Decimal
    contingency: Decimal
    crisis: Decimal


@dataclass(frozen=True, kw_only=True)
class SupplyReserve(Row):
    """For how many days facilities of these kinds keep supplies, in these months."""

    facilities: tuple[str, ...]
    days: int
    months: tuple[int, ...]

    def counts_in(self, day: date) -> bool:
        """Does it hold in the month of a day?"""
        return self.covers(day) and day.month in self.months


@dataclass(frozen=True, kw_only=True)
class SupplyDisclosure(Row):
    """Within how many days the public is told which gifts came and what became of them (公示)."""

    days: int


@dataclass(frozen=True, kw_only=True)
class SupplyDaily(Row):
    """By when counties report the stock of a day (日报): hours after the day's end."""

    hours: int


@dataclass(frozen=True, kw_only=True)
class SupplyPaper(Row):
    """A paper that is owed for goods that left on a call (后补手续), and within how many days."""

    paper: SupplyPaperKind
    days: int


@dataclass(frozen=True, kw_only=True)
class SuppliesPlan:
    """What a pack says of supplies."""

    items: tuple[SupplyItem, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    roles: tuple[SupplyRole, ...] = ()
    norms: tuple[SupplyNorm, ...] = ()
    reserves: tuple[SupplyReserve, ...] = ()
    disclosures: tuple[SupplyDisclosure, ...] = ()
    dailies: tuple[SupplyDaily, ...] = ()
    papers: tuple[SupplyPaper, ...] = ()

    def report_within(self, day: date) -> int | None:
        """Within how many hours after a day its stock is reported; None where nobody has to."""
        return next((one.hours for one in self.dailies if one.covers(day)), None)

    def papers_owed(self, day: date) -> dict[str, int]:
        """The papers owed for goods that leave on a call on a day, each with its days."""
        return {one.paper: one.days for one in self.papers if one.covers(day)}

    def disclose_within(self, day: date) -> int | None:
        """The days of the rule that holds on a day; None where there is none."""
        return next((one.days for one in self.disclosures if one.covers(day)), None)


@dataclass(frozen=True, kw_only=True, repr=False)
class Pack:
    """One rule pack: the rules of one jurisdiction for one span of days."""

    id: str
    title: Text
    jurisdiction: str
    valid_from: date
    valid_to: date | None
    version: str
    status: Status
    replaces: str | None
    extends: str | None
    time_zone: str
    file: str
    note: Text
    sources: tuple[Source, ...]
    clauses: tuple[Clause, ...]
    conditions: tuple[Condition, ...]
    report_clocks: tuple[ReportClock, ...]
    case_classes: tuple[CaseClass, ...]
    severity: tuple[Severity, ...]
    occupations: tuple[Occupation, ...]
    residence_relations: tuple[ResidenceRelation, ...]
    identity_documents: tuple[IdentityDocument, ...]
    warning: WarningPlan
    count_definitions: tuple[CountDefinition, ...]
    privacy_terms: tuple[PrivacyTerm, ...] = ()
    testing: TestingPlan = TestingPlan()
    screening: ScreeningPlan = ScreeningPlan()
    card_checks: tuple[CardCheck, ...] = ()
    supplies: SuppliesPlan = SuppliesPlan()

    def __repr__(self) -> str:
        return f"<Pack {self.id}>"

    def covers(self, on: date) -> bool:
        """Is this pack valid on that day? (Whether it is issued is another question.)"""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A clock that runs: when it started, when it ends, and the clause that says so."""

    clock: ReportClock
    starts_at: datetime
    due_at: datetime

    @property
    def clause(self) -> Clause:
        """The clause that sets the hours."""
        return self.clock.clause


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of two packs says, in words, with its clause (and through it the source)."""

    text: Text
    clause: Clause


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that two packs say differently. ``before`` is None for what is new."""

    kind: DifferenceKind
    code: str
    name: Text
    before: Side | None
    after: Side | None


@dataclass(frozen=True, kw_only=True)
class Holiday:
    """Days off in a row, and the days at a weekend that are worked instead (调休)."""

    code: str
    name: Text
    first: date
    last: date
    workdays: tuple[date, ...]
    source: Source
    replaces: str = ""

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The holidays of a jurisdiction in a year. One that ``replaces`` another wins over it."""

    id: str
    jurisdiction: str
    year: int
    holidays: tuple[Holiday, ...]
    file: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """What a new installation in a country starts from."""

    code: str
    name: Text
    time_zone: str
    language: str
    local_languages: tuple[str, ...]
    levels: tuple[tuple[str, Text], ...]
    sources: tuple[Source, ...]
