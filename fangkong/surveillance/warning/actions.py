"""Look for signals, and answer them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.accounts import queries as accounts
from fangkong.core import clock, messages
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.notices import actions as notices
from fangkong.core.queue import actions as queue
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.core.webhooks import actions as webhooks
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, Pack, Text, UnknownCode
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.tasks import actions as tasks
from fangkong.tasks.rules import is_proof
from fangkong.tasks.types import words

from . import investigating, products, queries, rules
from .investigating import conclude as conclude
from .investigating import report_findings as report_findings
from .investigating import set_out as set_out
from .models import Alarm, DetectionRun, Signal
from .rules import Finding, Series
from .types import (
    ANSWER,
    ASSESS_TASK,
    SIGNAL_LISTED,
    SIGNAL_RAISED,
    VERIFY_TASK,
    Outcome,
    State,
    Trigger,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.queue.types import Progress


# What rooms above may do with products; their own module names them shortly.
write_product, approve_product = products.write, products.approve
issue_product = products.issue


class DayToCome(Refused):
    """A day that has not begun cannot be judged."""

    status = 422


class NoRulesThen(Refused):
    """Without a rule pack there is nothing to judge a day by."""

    status = 422


class NotYourCounty(Refused):
    """Only the county itself and the headquarters answer a signal."""

    status = 403


class AlreadyVerifying(Refused):
    """Somebody verifies the signal."""


class AlreadyClosed(Refused):
    """The signal is answered or withdrawn."""


class NoteMissing(Refused):
    """An answer says what was found."""

    status = 422


class UnknownOutcome(Refused):
    """Not one of the outcomes."""

    status = 422


# --- Detection -----------------------------------------------------------------------------------


@transaction.atomic
def request_run(*, day: date, trigger: str, by: User | None, at: datetime) -> DetectionRun:
    """Ask for a run over a day. One that waits already serves: it will see the newest counts."""
    if day > clock.day_of(at):
        raise DayToCome(_("This day has not begun yet. Choose today or an earlier day."))
    if trigger == Trigger.ON_DEMAND:
        _refuse_lawless(day)
    run = queries.waiting_run(day)
    if run is not None:
        return run
    run = DetectionRun.objects.create(day=day, trigger=trigger, **stamps(by, at))
    audit.record(
        "surveillance.warning.request",
        run,
        by=by,
        at=at,
        detail={"day": day.isoformat(), "trigger": trigger},
    )
    queue.enqueue(queries.JOB, run.pk, by=by, at=at)
    return run


def look_again(*, day: date, at: datetime) -> None:
    """Ask for a run because counts have changed, unless one waits that will see the change.

    Whether one waits is asked with the last message of the command: a run that has begun meanwhile
    may have missed what the command wrote.
    """

    def unless_waiting(rows: list[messages.Row]) -> None:
        if not rows:
            request_run(day=day, trigger=Trigger.DATA, by=None, at=at)

    messages.at_end(queries.waiting_runs(day), unless_waiting)


def _refuse_lawless(day: date) -> None:
    """Tell whoever asks at once, where the job could only fail."""
    try:
        monitoring.pack_on(day)
    except NoPackInForce:
        raise NoRulesThen(_("No rule pack is in force on this day. Choose a later day.")) from None


def detect(
    *, run: DetectionRun, by: User | None, at: datetime, progress: Progress | None = None
) -> DetectionRun:
    """Judge every series of a run's day: raise, carry on and withdraw signals.

    First the run is marked as begun, so that counts changed from now on ask for another; then all
    is done in one transaction. Safe to run twice: open signals are carried on, never doubled.
    """
    DetectionRun.objects.filter(pk=run.pk, started_at__isnull=True).update(started_at=at)
    return _detect(run, by, at, progress or _silent)


@transaction.atomic
def _detect(run: DetectionRun, by: User | None, at: datetime, progress: Progress) -> DetectionRun:
    from . import detection  # NumPy and SciPy: in the worker, or where a day is judged anew

    queries.hold_detection()
    run = DetectionRun.objects.select_for_update().get(pk=run.pk)
    pack = monitoring.pack_on(run.day)
    look_back = rules.plan_for(pack, "", run.day).history_days + rules.WINDOW
    block = monitoring.series(last=run.day, days=look_back)
    outbreaks = queries.known_outbreaks(block.first, run.day, pack)
    findings = detection.judged(block, pack, outbreaks=outbreaks, progress=progress)
    findings |= queries.clusters(run.day, pack)
    new = _keep(findings, run, pack, by, at)
    _withdraw(run, set(findings), by, at)
    _fill_list(pack, run.day, by, at)
    run.as_of, run.ended_at = at, at
    run.pack = pack.id
    run.series_count, run.signal_count = len(block.labels), new
    run.options = asdict(rules.plan_for(pack, "", run.day)) | {"budget": rules.budget_of(pack)}
    run.touch(by, at)
    run.save()
    detail = {"series": run.series_count, "signals": new, "pack": pack.id}
    audit.record("surveillance.warning.detect", run, by=by, at=at, detail=detail)
    return run


def _keep(
    findings: dict[Series, Finding], run: DetectionRun, pack: Pack, by: User | None, at: datetime
) -> int:
    """Turn findings into signals or news on them; returns how many signals are new."""
    newest = queries.newest_of(findings)
    new = 0
    for series, finding in findings.items():
        past = newest.get(series)
        step = rules.episode(_past(past), run.day, finding.observed)
        if past is None or step == "raise":
            _raise(series, finding, run, pack, by, at)
            new += 1
        elif step == "update":
            _renew(past, finding, run, pack, by, at)
        elif run.day > past.last_alarm_day:
            past.last_alarm_day = run.day
            past.save(update_fields=["last_alarm_day"])
    return new


def _past(signal: Signal | None) -> rules.Past | None:
    if signal is None:
        return None
    return rules.Past(signal.state, signal.day, signal.last_alarm_day, signal.observed_at_answer)


def _raise(
    series: Series,
    finding: Finding,
    run: DetectionRun,
    pack: Pack,
    by: User | None,
    at: datetime,
) -> Signal:
    county_id, condition, _place = series
    name = _name(pack, condition, run.day)
    signal = Signal(
        **stamps(by, at),
        area_id=county_id,
        condition=condition,
        condition_zh=name.zh,
        condition_en=name.en,
        raised_by=run,
    )
    if finding.place is not None:
        signal.place_kind, signal.place_key = finding.place.kind, finding.place.key
        signal.place_name = finding.place.name
    _fill(signal, finding, run, pack)
    signal.save(force_insert=True)
    _note_alarms(signal, finding, run.day)
    detail = {"condition": condition, "day": run.day.isoformat(), "observed": finding.observed}
    audit.record("surveillance.warning.raise", signal, by=by, at=at, detail=detail)
    webhooks.announce(SIGNAL_RAISED, signal, at=at)
    return signal


def _renew(
    signal: Signal, finding: Finding, run: DetectionRun, pack: Pack, by: User | None, at: datetime
) -> None:
    """Carry an open signal on; the trail notes it only where its numbers changed."""
    before = (signal.day, signal.observed, list(signal.methods))
    _fill(signal, finding, run, pack)
    signal.touch(by, at)
    signal.save()
    _note_alarms(signal, finding, run.day)
    if before != (signal.day, signal.observed, list(signal.methods)):
        detail = {"day": run.day.isoformat(), "observed": [before[1], signal.observed]}
        audit.record("surveillance.warning.renew", signal, by=by, at=at, detail=detail)


def _fill(signal: Signal, finding: Finding, run: DetectionRun, pack: Pack) -> None:
    """The numbers of a finding, as the signal carries them."""
    signal.day = signal.last_alarm_day = run.day
    signal.observed, signal.day_count = finding.observed, finding.day_count
    signal.expected, signal.threshold = finding.expected, finding.threshold
    signal.score, signal.p = finding.score, finding.p
    signal.methods = finding.methods
    signal.curve = list(finding.curve)
    signal.single_case = finding.fixed
    disease = rules.disease_class(pack, signal.condition, run.day)
    signal.rank = rules.rank_of(finding, disease)
    # What would change the rank, by the same rules; a count that would not alarm has none.
    signal.facts = {
        **finding.facts,
        "rank_more": rules.rank_of(finding.more, disease) if finding.more else None,
        "rank_less": rules.rank_of(finding.less, disease) if finding.less else None,
        "rank_as_a": rules.rank_of(finding, "A"),
        "class": disease,
    }


def _note_alarms(signal: Signal, finding: Finding, day: date) -> None:
    """The alarms of this day; a second run of the day replaces them."""
    signal.alarms.filter(day=day).delete()
    Alarm.objects.bulk_create(
        [Alarm(signal=signal, day=day, **asdict(alarm)) for alarm in finding.alarms]
    )


def _withdraw(run: DetectionRun, alarming: set[Series], by: User | None, at: datetime) -> None:
    """Let untouched signals of this day fall whose counts were corrected away."""
    for signal in queries.untouched_of(run.day).select_for_update():
        gone = (signal.area_id, signal.condition, signal.place_key) not in alarming
        if gone and rules.is_void(signal.state, signal.day, run.day):
            signal.state = State.SUPERSEDED
            _save(signal, by, at, "state")
            reason = _("The counts were corrected; nothing unusual is left.")
            tasks.cancel_for(source=signal, kind=VERIFY_TASK.code, reason=reason, by=by, at=at)
            audit.record("surveillance.warning.withdraw", signal, by=by, at=at)


def _fill_list(pack: Pack, day: date, by: User | None, at: datetime) -> None:
    """Put single-case signals, and others within the load budget, before people."""
    unlisted = {signal.pk: signal for signal in queries.unlisted()}
    chosen = rules.to_list(
        [(pk, signal.rank, signal.single_case) for pk, signal in unlisted.items()],
        listed=queries.listed_since(at - timedelta(days=7)),
        allowed=rules.allowance(len(places.counties_of_home(day)), rules.budget_of(pack)),
    )
    for pk in chosen:
        _list(unlisted[pk], pack, by, at)


def _list(signal: Signal, pack: Pack, by: User | None, at: datetime) -> None:
    """Start a signal's clock and give its county the task to verify it."""
    signal.listed_at = at
    signal.due_at = at + timedelta(hours=rules.answer_hours(pack, signal.single_case))
    _save(signal, by, at, "listed_at", "due_at")
    tasks.assign(
        kind=VERIFY_TASK.code,
        params=_told(signal),
        area=signal.area,
        role=Role.COUNTY_CDC,
        due_at=signal.due_at,
        priority=3 if signal.single_case else 2,
        source=signal,
        by=by,
        at=at,
    )
    audit.record("surveillance.warning.list", signal, by=by, at=at)
    # The county hears of it by its task.
    above = accounts.holding(Role.HEADQUARTERS, at, area=signal.area)
    notices.notify(
        users=above, kind=SIGNAL_LISTED, subject=signal, at=at, urgent=signal.single_case
    )


# --- Response ------------------------------------------------------------------------------------


@transaction.atomic
def verify(*, signal: Signal, by: User, at: datetime) -> Signal:
    """Begin the verification (初步核实): the county shows that somebody looks at the signal."""
    signal = _locked(signal, by, at)
    if signal.state == State.VERIFYING:
        raise AlreadyVerifying(_("This signal is already being verified."))
    _begin(signal, by, at)
    _save(signal, by, at, "state", "verifying_at", "verifying_by")
    audit.record("surveillance.warning.verify", signal, by=by, at=at)
    return signal


@transaction.atomic
def answer(*, signal: Signal, outcome: str, note: str, by: User, at: datetime) -> Signal:
    """Answer a signal with what the verification found, and why one thinks so.

    The county's task is done with the note as its proof. What may be an event goes to the
    headquarters as a task to assess, and is investigated on site.
    """
    signal = _locked(signal, by, at)
    if outcome not in Outcome.values:
        raise UnknownOutcome(_("Choose one of the outcomes."))
    if not is_proof(note):
        raise NoteMissing(_("Say in a few words what was checked and what was found."))
    refuse_numbers(note=note)
    if signal.state == State.NEW:
        _begin(signal, by, at)
    signal.state = State.ANSWERED
    signal.answered_at, signal.answered_by = at, by
    signal.outcome, signal.note = outcome, shown(note)
    signal.observed_at_answer = signal.observed
    signal.touch(by, at)
    signal.save()
    tasks.finish_for(source=signal, kind=VERIFY_TASK.code, proof=signal.note, by=by, at=at)
    if outcome in rules.SUSPECTED:
        _hand_over(signal, by, at)
        investigating.open_for(signal, by, at)
    detail = {"outcome": outcome, "late": signal.late}
    audit.record("surveillance.warning.answer", signal, by=by, at=at, detail=detail)
    return signal


def _begin(signal: Signal, by: User, at: datetime) -> None:
    """Somebody takes the signal in hand; one beyond the budget is put on the list thereby."""
    if signal.listed_at is None:
        _list(signal, monitoring.pack_on(signal.day), by, at)
    signal.state = State.VERIFYING
    signal.verifying_at, signal.verifying_by = at, by
    tasks.accept_for(source=signal, kind=VERIFY_TASK.code, by=by, at=at)


def _hand_over(signal: Signal, by: User, at: datetime) -> None:
    """Ask the headquarters to assess what may be an event."""
    tasks.assign(
        kind=ASSESS_TASK.code,
        params=_told(signal),
        area=places.home(clock.day_of(at)) or signal.area,
        role=Role.HEADQUARTERS,
        due_at=at + timedelta(hours=rules.ASSESS_HOURS),
        priority=3,
        note=signal.note,
        source=signal,
        by=by,
        at=at,
    )


def _locked(signal: Signal, by: User, at: datetime) -> Signal:
    signal = Signal.objects.select_for_update(of=("self",)).select_related("area").get(pk=signal.pk)
    if not by.scope(ANSWER, at).holds(county_id=signal.area_id):
        raise NotYourCounty(_("Only the county CDC and the headquarters answer a signal."))
    if not signal.open:
        raise AlreadyClosed(_("This signal is already closed. Nothing was changed."))
    return signal


def _save(signal: Signal, by: User | None, at: datetime, *fields: str) -> None:
    signal.touch(by, at)
    signal.save(update_fields=[*fields, "changed_by", "changed_at"])


def _told(signal: Signal) -> dict[str, dict[str, str]]:
    """What a task's title says of a signal, in both languages."""
    area = signal.area
    return {
        "condition": words(signal.condition_zh, signal.condition_en),
        "area": words(area.name_zh, area.name_en),
    }


def _name(pack: Pack, condition: str, day: date) -> Text:
    try:
        return packs.name(pack, condition, day)
    except UnknownCode:
        return Text(zh=condition, en=condition)


def _silent(done: int, total: int) -> None:
    """Nobody watches the progress."""
