"""Read signals and runs, in the scope of a user."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.core.cache import cache
from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.urls import reverse
from django.utils import translation
from django.utils.http import urlencode

from fangkong.core import clock
from fangkong.core.messages import Statement
from fangkong.core.notices import types as notices
from fangkong.core.queue import queries as queue
from fangkong.packs import queries as packs
from fangkong.packs.types import Pack, Text, UnknownCode
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.rules import whole_condition, with_subtypes

from . import cap, rules, types
from .models import DetectionRun, Investigation, Signal, WarningProduct
from .rules import Finding, Outbreak, Series
from .types import Conclusion, Outcome, ProductKind, ProductState, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area
    from fangkong.surveillance.monitoring.models import Case

JOB = "surveillance.warning.detect"
CHART_DAYS = 60
CASES_SHOWN = 20
KEPT = 60  # seconds: figures around the list, so that the list itself stays cheap
Rows = QuerySet[Signal]


# --- Signals -------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> Rows:
    """The signals of the counties that a user may see, with all that a list shows of them."""
    within = user.scope(types.VIEW, at).q(county="area_id")
    return Signal.objects.filter(within).select_related(
        "area", "verifying_by", "answered_by", "investigation"
    )


def titles(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of signals are about."""
    found = open_to(user, at).filter(public_id__in=ids)
    return {one.public_id: one.title for one in found}


notices.call_by_name("surveillance:warning:detail", titles)


def open_to_answer(user: User, at: datetime) -> Rows:
    """The signals that a user may verify and answer: of the own county, or all."""
    return open_to(user, at).filter(user.scope(types.ANSWER, at).q(county="area_id"))


def waiting(user: User, at: datetime) -> Rows:
    """Signals on the list that nobody has answered yet, the most unusual first."""
    rows = open_to(user, at).filter(state__in=rules.OPEN, listed_at__isnull=False)
    return rows.order_by("-rank", "pk")


def open_signals(user: User, at: datetime, limit: int = 10) -> list[Signal]:
    """The first of those that wait, for the desk and the command screen."""
    return list(waiting(user, at)[:limit])


def open_count(user: User, at: datetime) -> int:
    """How many signals on the list wait for an answer."""
    return waiting(user, at).order_by().count()


def folded(user: User, at: datetime) -> Rows:
    """Open signals beyond the load budget, the most unusual first."""
    rows = open_to(user, at).filter(state__in=rules.OPEN, listed_at__isnull=True)
    return rows.order_by("-rank", "pk")


def learn_standing(signals: Sequence[Signal], user: User, at: datetime) -> None:
    """Tell open signals their place among all that the user sees, and what would change it."""
    if not any(one.open for one in signals):
        return
    rows = open_to(user, at).filter(state__in=rules.OPEN).order_by()
    ranks = dict(rows.values_list("pk", "rank"))
    for one in signals:
        if one.open:
            others = [rank for pk, rank in ranks.items() if pk != one.pk]
            one._standing = _standing(one, others)  # type: ignore[attr-defined]


def _standing(signal: Signal, others: Sequence[float]) -> types.Standing:
    facts = signal.facts

    def place(name: str) -> int | None:
        rank = facts.get(name)
        return None if rank is None else rules.position(float(rank), others)

    return types.Standing(
        position=rules.position(signal.rank, others),
        of=len(others) + 1,
        known="rank_as_a" in facts,
        more=place("rank_more"),
        less=place("rank_less"),
        as_a=None if facts.get("class") == "A" else place("rank_as_a"),
    )


def answered_today(user: User, at: datetime) -> Rows:
    """Signals answered on the day of ``at``, the latest first."""
    start = clock.start_of(clock.day_of(at))
    rows = open_to(user, at).filter(answered_at__gte=start, answered_at__lte=at)
    return rows.order_by("-answered_at", "-pk")


def conditions_raised(user: User, at: datetime) -> list[tuple[str, str]]:
    """Every disease that ever raised a signal here: code and name in the language of the page."""
    rows = open_to(user, at).order_by().values_list("condition", "condition_zh", "condition_en")
    found = cache.get_or_set(_key("conditions", user), lambda: list(rows.distinct()), KEPT)
    names = {code: types.in_language(zh, en) for code, zh, en in found or []}
    return sorted(names.items(), key=lambda pair: pair[1])


def counties_of(user: User, at: datetime) -> list[Area]:
    """The home counties whose signals a user may see, by code."""
    scope = user.scope(types.VIEW, at)
    counties = places.counties_of_home(clock.day_of(at))
    return [county for county in counties if scope.holds(county_id=county.pk)]


def metrics_of_late(user: User, at: datetime, days: int) -> types.Metrics:
    """``response_metrics`` for the head of the list: of this minute or the one before."""
    key = _key(f"metrics:{days}", user)
    found: types.Metrics | None = cache.get(key)
    if found is None:
        found = response_metrics(user, at, days)
        cache.set(key, found, KEPT)
    return found


def _key(what: str, user: User) -> str:
    return f"warning:{what}:{user.public_id}"


def response_metrics(user: User, at: datetime, days: int) -> types.Metrics:
    """How the signals listed in the last ``days`` days were responded to.

    Signals beyond the load budget and withdrawn ones do not count. Within 2 h: verification begun;
    within 24 h: answered, both from the moment of listing.
    """
    rows = open_to(user, at).exclude(state=State.SUPERSEDED)
    rows = rows.filter(listed_at__gt=at - timedelta(days=days), listed_at__lte=at)
    facts = list(rows.order_by().values_list("listed_at", "verifying_at", "answered_at", "outcome"))
    answered = [row for row in facts if row[2] is not None]
    minutes = [(end - start).total_seconds() / 60 for start, _, end, _ in facts if start and end]
    counties = len(counties_of(user, at))
    return types.Metrics(
        days=days,
        signals=len(facts),
        answered=len(answered),
        answered_share=rules.share(len(answered), len(facts)),
        within_2h=rules.share(sum(rules.within(row[0], row[1], 2) for row in facts), len(facts)),
        within_24h=rules.share(sum(rules.within(row[0], row[2], 24) for row in facts), len(facts)),
        suspected_share=rules.share(
            sum(row[3] in rules.SUSPECTED for row in answered), len(answered)
        ),
        per_county_week=len(facts) * 7 / (counties * days) if counties and days else None,
        median_minutes=rules.median(minutes),
    )


# --- Field investigations ------------------------------------------------------------------------


def investigations_open_to(user: User, at: datetime) -> QuerySet[Investigation]:
    """The investigations of the counties that a user may see."""
    within = user.scope(types.VIEW, at).q(county="area_id")
    rows = Investigation.objects.filter(within)
    return rows.select_related("area", "begun_by", "concluded_by")


def investigations_to_report(user: User, at: datetime) -> QuerySet[Investigation]:
    """Those that a user may report on: of the own county, or all."""
    mine = user.scope(types.ANSWER, at).q(county="area_id")
    return investigations_open_to(user, at).filter(mine)


def investigation_titles(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of investigations are about."""
    found = investigations_open_to(user, at).filter(public_id__in=ids)
    return {one.public_id: f"{one.area.display_short} · {one.condition_name}" for one in found}


notices.call_by_name("surveillance:warning:investigation", investigation_titles)


# --- Warning products ----------------------------------------------------------------------------


def products_open_to(user: User, at: datetime) -> QuerySet[WarningProduct]:
    """Those of the user's area in any state, and of all areas what was issued to many.

    Advice to a government is read where it was written, and above. ``over``: it was issued, and
    its time has run out.
    """
    scope = user.scope(types.VIEW, at)
    if not scope:
        return WarningProduct.objects.none()
    rows = WarningProduct.objects.all()
    if not scope.everywhere:  # whose condition is empty and would say nothing beside another
        told = Q(issued_at__isnull=False) & ~Q(kind=ProductKind.ADVICE)
        rows = rows.filter(scope.q(county="county_id", area="area_id") | told)
    over = ExpressionWrapper(
        Q(state=ProductState.ISSUED, expires_at__lte=at), output_field=BooleanField()
    )
    return rows.annotate(over=over).select_related(
        "area", "investigation", "created_by", "edited_by", "approved_by", "issued_by", "replaces"
    )


def products_to_write(user: User, at: datetime) -> QuerySet[WarningProduct]:
    """Those that a user may rewrite, issue or cancel."""
    mine = user.scope(types.WRITE, at).q(county="county_id", area="area_id")
    return products_open_to(user, at).filter(mine)


def products_to_approve(user: User, at: datetime) -> QuerySet[WarningProduct]:
    """Those whose kind and area a user may approve, whoever wrote them."""
    found = Q(pk__in=[])
    for kind, permission in types.APPROVERS.items():
        within = user.scope(permission, at).q(county="county_id", area="area_id")
        found |= Q(kind=kind) & within
    return products_open_to(user, at).filter(found)


def areas_to_warn(user: User, at: datetime) -> list[Area]:
    """The areas that a user may write a product for: the prefecture and its counties."""
    scope, day = user.scope(types.WRITE, at), clock.day_of(at)
    home = places.home(day)
    every = [*([home] if home else []), *places.counties_of_home(day)]
    return [one for one in every if scope.holds(county_id=one.county_id, area_id=one.pk)]


def product_titles(user: User, at: datetime, ids: Collection[UUID]) -> dict[UUID, str]:
    """What the notices of products are about."""
    found = products_open_to(user, at).filter(public_id__in=ids)
    return {one.public_id: one.title for one in found}


notices.call_by_name("surveillance:warning:product", product_titles)


def cap_of(product: WarningProduct) -> bytes:
    """A product as a message of CAP 1.2: of a cancelled one its cancellation, of a draft a draft.

    It is the same bytes whenever it is asked for, whoever asks and in which language.
    """
    issued = product.issued_at
    ended = product.state == ProductState.CANCELLED and issued is not None
    sent = product.ended_at if ended and product.ended_at else issued or product.changed_at
    before = product if ended else product.replaces
    return cap.document(
        cap.Message(
            identifier=_identifier(product, ended),
            sender=_sender(product),
            sent=_local(sent),
            exercise=product.synthetic,
            draft=issued is None,
            msg_type="Cancel" if ended else "Update" if product.replaces else "Alert",
            kind=ProductKind(product.kind).value,
            restriction=_said(types.AUDIENCES[ProductKind.NOTICE], "en"),
            addresses=f"{product.area.name_zh}人民政府",
            references=(_reference(before),) if before and before.issued_at else (),
            note=product.end_reason if ended else "",
            level=product.level,
            certainty=product.certainty,
            condition=product.condition,
            effective=_local(issued or sent),
            expires=_local(product.expires_at),
            area_code=product.area.code,
            words=tuple(_words(product)),
        )
    )


def _words(product: WarningProduct) -> Iterator[cap.Words]:
    area = product.area
    for code, language in (("zh-hans", "zh-CN"), ("en", "en")):
        zh = code == "zh-hans"
        headline = product.title_zh if zh else product.title_en
        if headline:
            name = area.name_zh if zh else (area.name_en or area.short_en or area.name_zh)
            disease = product.condition_zh if zh else product.condition_en
            yield cap.Words(
                language=language,
                event=f"{disease} · {_said(ProductKind(product.kind).label, code)}",
                headline=headline,
                description=product.text_zh if zh else product.text_en,
                instruction=product.instruction_zh if zh else product.instruction_en,
                area=name,
                sender=f"{name}疾病预防控制中心" if zh else f"CDC of {name}",
                audience=_said(types.AUDIENCES[product.kind], code),
            )


def _said(text: object, language: str) -> str:
    with translation.override(language):
        return str(text)


def _sender(product: WarningProduct) -> str:
    return f"fangkong-{product.area.code}"


def _identifier(product: WarningProduct, ended: bool = False) -> str:
    return f"{_sender(product)}-{product.public_id}{'-cancel' if ended else ''}"


def _reference(product: WarningProduct) -> cap.Reference:
    assert product.issued_at is not None
    moment = _local(product.issued_at)
    return cap.Reference(sender=_sender(product), identifier=_identifier(product), sent=moment)


def _local(moment: datetime) -> datetime:
    return moment.astimezone(clock.zone())


# --- What stands behind a signal ------------------------------------------------------------------


def cases_behind(user: User, signal: Signal, at: datetime) -> QuerySet[Case]:
    """The cases reported in the seven days of the signal, as far as the user may see cases."""
    end = clock.start_of(signal.day + timedelta(days=1))
    start = clock.start_of(signal.day - timedelta(days=signal.window_days - 1))
    pack = monitoring.pack_on(signal.day)
    codes = with_subtypes(pack, signal.condition)
    if signal.place_key:
        inside = _inside(signal, pack, codes)
        return monitoring.open_to(user, at).filter(pk__in=inside).order_by("-reported_at", "-pk")
    rows = monitoring.open_to(user, at).filter(
        county_id=signal.area_id,
        condition__in=codes,
        reported_at__gte=start,
        reported_at__lt=end,
    )
    return rows.order_by("-reported_at", "-pk")


def _inside(signal: Signal, pack: Pack, codes: Collection[str]) -> list[int]:
    """The cases of the signal's place in its days, as the rule counted them."""
    from . import placing

    rule = next((one for one in pack.warning.places if one.code == signal.facts.get("rule")), None)
    if rule is None:
        return []
    first = signal.day - timedelta(days=signal.window_days - 1)
    cases = monitoring.placed_cases(first=first, last=signal.day, county_id=signal.area_id)
    inside = []
    for case in cases:
        place = placing.place_of(case, rule, {})
        if place and place.key == signal.place_key and case.condition in codes:
            inside.append(case.case_id)
    return inside


def cases_url(signal: Signal) -> str:
    """The list of cases, narrowed to the signal's county, disease and seven days."""
    asked = {
        "county": signal.area.code,
        "condition": signal.condition,
        "first": (signal.day - timedelta(days=signal.window_days - 1)).isoformat(),
        "last": signal.day.isoformat(),
    }
    return f"{reverse('surveillance:monitoring:index')}?{urlencode(asked)}"


def curve_of(user: User, signal: Signal, at: datetime) -> types.Curve:
    """The last weeks of the signal's series with the threshold of its method."""
    if signal.place_key:
        return _curve_of_place(signal)
    import numpy as np  # as ``detection`` does; other pages of signals need neither

    from . import detection

    last = max(signal.day, min(clock.day_of(at), signal.day + timedelta(days=rules.WINDOW)))
    pack = monitoring.pack_on(last)
    plan = rules.plan_for(pack, signal.condition, last)
    days = CHART_DAYS + plan.history_days
    first = last - timedelta(days=days - 1)
    counts = np.zeros((1, days))
    for cell in monitoring.daily_counts(
        user,
        at,
        condition=signal.condition,
        county_ids=[signal.area_id],
        first=first,
        last=last,
        classes=_warned_classes(signal.condition, last),
    ):
        counts[0, (cell.day - first).days] += cell.n
    seen = counts.copy()
    since = monitoring.counting_since()
    if since is not None:
        counts[0, : max((since - first).days, 0)] = np.nan
    for one in known_outbreaks(first, last, pack):
        if one.county_id == signal.area_id and signal.condition in one.conditions:
            begin, end = max((one.first - first).days, 0), (one.last - first).days + 1
            counts[0, begin : max(end, 0)] = np.nan
    shown = slice(days - CHART_DAYS, None)
    head = str(signal.facts.get("headline", ""))
    upper = detection.threshold_of(counts, plan, head, CHART_DAYS)[0]
    by_percentile = head == rules.PERCENTILE or plan.alpha is None
    return types.Curve(
        days=[last - timedelta(days=CHART_DAYS - 1 - i) for i in range(CHART_DAYS)],
        counts=[int(n) for n in seen[0, shown]],
        weekly=[int(n) for n in detection.weekly(seen)[0, shown]],
        threshold=[None if np.isnan(n) else float(n) for n in upper],
        percentile=plan.percentile if by_percentile else None,
        alarm_days=sorted(set(signal.alarms.values_list("day", flat=True))),
    )


def _curve_of_place(signal: Signal) -> types.Curve:
    """The weeks that the run saw in a school, village or hospital, with the rule's number."""
    counts = [int(n) for n in signal.curve]
    window = signal.window_days
    first = signal.day - timedelta(days=len(counts) - 1)
    return types.Curve(
        days=[first + timedelta(days=n) for n in range(len(counts))],
        counts=counts,
        weekly=[sum(counts[max(n + 1 - window, 0) : n + 1]) for n in range(len(counts))],
        threshold=[signal.threshold] * len(counts),
        percentile=None,
        alarm_days=sorted(set(signal.alarms.values_list("day", flat=True))),
        window=window,
        by_rule=True,
    )


def young_register(at: datetime) -> types.YoungRegister | None:
    """Since when cases are counted and from when seasons are known; None once they are known."""
    today = clock.day_of(at)
    # In a list, so that an empty register is kept too.
    kept = cache.get_or_set("warning:since", lambda: [monitoring.counting_since()], KEPT)
    since = kept[0] if kept else None
    if since is None:
        return None
    plan = rules.plan_for(monitoring.pack_on(today), "", today)
    known = rules.seasons_known(since, plan)
    return types.YoungRegister(since, known) if today < known else None


def _warned_classes(condition: str, day: date) -> Collection[str]:
    pack = monitoring.pack_on(day)
    try:
        return packs.count_definition(pack, condition, "warning", day).case_classes
    except UnknownCode:
        return monitoring.reportable_classes(pack)


# --- For detection: nobody's scope narrows these -------------------------------------------------


def newest_of(series: Collection[Series]) -> dict[Series, Signal]:
    """The newest signal of each series that ever had one, locked for the run."""
    areas = {area for area, _, _ in series}
    conditions = {condition for _, condition, _ in series}
    newest = (
        Signal.objects.filter(area_id__in=areas, condition__in=conditions)
        .order_by()
        .values("area_id", "condition", "place_key")
        .annotate(newest=Max("pk"))
        .values_list("newest", flat=True)
    )
    rows = Signal.objects.select_for_update(of=("self",)).filter(pk__in=list(newest))
    return {(row.area_id, row.condition, row.place_key): row for row in rows.order_by("pk")}


def known_outbreaks(first: date, day: date, pack: Pack) -> list[Outbreak]:
    """Outbreaks with a day from ``first`` on that an answer or an investigation has confirmed.

    An investigation that found one tells its days. While it is open, or where none was opened, a
    signal answered as an outbreak tells them: from the first day that its count looked at, or the
    onset that is reported already, until its last alarm; of an open one until ``day``.
    """
    ended = Investigation.objects.filter(conclusion=Conclusion.OUTBREAK, last_day__gte=first)
    found = [
        _outbreak(one.area_id, one.condition, one.first_onset, one.last_day, pack)
        for one in ended.order_by("pk")
        if one.first_onset and one.last_day  # which the database promises
    ]
    rows = Signal.objects.filter(
        Q(investigation=None) | Q(investigation__conclusion=""),
        outcome=Outcome.CONFIRMED_OUTBREAK,
    ).select_related("investigation")
    seen = Min("alarms__day")
    for signal in rows.annotate(seen_on=seen).order_by("pk"):
        event = signal.investigation
        begun = (signal.seen_on or signal.day) - timedelta(days=signal.window_days - 1)
        if event and event.first_onset:
            begun = min(begun, event.first_onset)
        last = day if event else signal.last_alarm_day
        if last >= first:
            found.append(_outbreak(signal.area_id, signal.condition, begun, last, pack))
    return found


def _outbreak(county_id: int, condition: str, first: date, last: date, pack: Pack) -> Outbreak:
    forms = {*with_subtypes(pack, condition), whole_condition(pack, condition)}
    return Outbreak(county_id, frozenset(forms), first, last)


def clusters(day: date, pack: Pack) -> dict[Series, Finding]:
    """The schools, villages and hospitals that a rule of the pack warns of on a day."""
    from . import placing  # NumPy, in the worker

    days = placing.days_needed(pack, day)
    if not days:
        return {}
    cases = monitoring.placed_cases(first=day - timedelta(days=days - 1), last=day)
    return placing.clusters(
        cases,
        pack,
        day,
        classes=lru_cache(lambda code: monitoring.warned_classes(pack, code, day)),
        villages=_villages({case.village_id for case in cases if case.village_id}),
    )


def _villages(ids: Collection[int]) -> dict[int, Text]:
    every = places.areas() if ids else {}
    known = {pk: every[pk] for pk in ids if pk in every}
    return {pk: Text(zh=one.name_zh, en=one.name_en) for pk, one in known.items()}


def untouched_of(day: date) -> Rows:
    """New signals whose last alarm is of this day."""
    return Signal.objects.filter(state=State.NEW, day=day).order_by("pk")


def unlisted() -> Rows:
    """Open signals that are not on the list (yet), the most unusual first."""
    rows = Signal.objects.filter(state__in=rules.OPEN, listed_at__isnull=True)
    return rows.select_related("area").order_by("-rank", "pk")


def listed_since(moment: datetime) -> int:
    """How many statistical signals were put on the list after a moment."""
    return Signal.objects.filter(listed_at__gt=moment, single_case=False).count()


# --- Runs ----------------------------------------------------------------------------------------


def runs_open_to(user: User, at: datetime) -> QuerySet[DetectionRun, Any]:
    """Every run for those who see signals; ``raised`` counts the signals of their own scope.

    ``job_state`` is the state of its newest job.
    """
    scope = user.scope(types.VIEW, at)
    if not scope:
        return DetectionRun.objects.none()
    if scope.everywhere:
        raised = Count("signals")
    else:
        raised = Count("signals", filter=Q(signals__area_id__in=scope.county_ids))
    newest = queue.jobs().filter(name=JOB, subject_id=OuterRef("pk")).order_by("-id")
    return DetectionRun.objects.select_related("created_by").annotate(
        raised=raised, job_state=Subquery(newest.values("state")[:1])
    )


def waiting_runs(day: date) -> Statement:
    """Asks whether a run of this day waits; to be sent along with other statements."""
    return Statement(
        f"SELECT id FROM {DetectionRun._meta.db_table}"  # noqa: S608  # our own name, values bound
        " WHERE day = %s AND started_at IS NULL ORDER BY id LIMIT 1",
        [day.isoformat()],
        "waiting",
    )


def hold_detection() -> None:
    """Let one run at a time raise and list, to the end of the transaction: of two one waits.

    Each would else fill the load budget by itself. The first run of all is what they wait for.
    """
    DetectionRun.objects.select_for_update().order_by("pk").first()


def waiting_run(day: date) -> DetectionRun | None:
    """A run of this day that has not started yet."""
    return DetectionRun.objects.filter(day=day, started_at__isnull=True).order_by("pk").first()
