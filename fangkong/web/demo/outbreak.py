"""The outbreak as the invented staff lived it: day by day reports, reviews, signals and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from fangkong.core.queue import queries as queue
from fangkong.packs.types import Text
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.types import CaseFacts, PersonFacts
from fangkong.surveillance.warning import actions as warning
from fangkong.surveillance.warning import queries as signals
from fangkong.surveillance.warning.types import ASSESS_TASK, Findings, ProductFacts, Trigger
from fangkong.tasks import actions as tasks
from fangkong.tasks import queries as task_queries
from fangkong.tasks.rules import UNFINISHED

from . import history, invented, rules, tubes
from .invented import Invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.models import DetectionRun, Signal

DETECTED = time(20)
OTHERS = ("sporadic", "false_alarm")


@dataclass(frozen=True)
class Stage:
    """Who plays and where: staff by user name, places by code and by name."""

    staff: Mapping[str, User]
    counties: Mapping[str, Area]
    hospitals: Mapping[str, Facility]
    laboratory: Facility

    def county_cdc(self, code: str) -> User:
        """Who reviews and verifies in a county; the headquarters where nobody is invented."""
        return self.staff[{"513326": "daofu", "513301": "kangding"}.get(code, "hq")]

    def reporter(self, code: str) -> User:
        return self.staff["hospital" if code == "513326" else "hq"]


def live_through(stage: Stage, day: date, last: date) -> None:
    """One whole day. Signals of the last day about other diseases stay open for those to come."""
    _report_cards(stage, day)
    run = _detect(day)
    for signal in list(signals.waiting(stage.staff["hq"], _evening(day))):
        if signal.condition == invented.CONDITION or day < last:
            _answer(stage, signal, day)
    _settle(run)


def _report_cards(stage: Stage, day: date) -> None:
    """Reports and reviews of a day in the order in which they happened."""
    random = invented.chance("reports", day)
    events: list[tuple[datetime, int, Callable[[], None]]] = []
    for card in invented.of_day(day):
        reported_at = card.diagnosed_at + timedelta(minutes=random.randint(20, 95))
        reviewed_at = reported_at + timedelta(minutes=random.randint(15, 85))
        events += _card_events(stage, card, reported_at, reviewed_at, len(events))
    for _at, _order, happen in sorted(events, key=lambda event: event[:2]):
        happen()


def _card_events(
    stage: Stage, card: Invented, reported_at: datetime, reviewed_at: datetime, order: int
) -> list[tuple[datetime, int, Callable[[], None]]]:
    code = card.county.code
    made = []

    def report() -> None:
        made.append(
            monitoring.report(
                person=person_of(card),
                case=case_of(card),
                facility=stage.hospitals[code],
                area=stage.counties[code],
                synthetic=True,
                by=stage.reporter(code),
                at=reported_at,
            )
        )
        tubes.proof_of(
            made[0],
            laboratory=stage.laboratory,
            sender=stage.reporter(code),
            tester=stage.staff["lab"],
            at=reported_at,
        )

    def review() -> None:
        by = stage.county_cdc(code)
        own = "演示：该县没有值班人员。" if by == stage.reporter(code) else ""
        monitoring.review(case=made[0], card=1, accept=True, reason=own, by=by, at=reviewed_at)

    return [(reported_at, order, report), (reviewed_at, order + 1, review)]


def person_of(card: Invented) -> PersonFacts:
    """The patient of an invented card."""
    return PersonFacts(
        name=card.name,
        sex=card.sex,
        birth_date=card.birth_date,
        id_kind="resident_id",
        id_number=card.id_number,
        phone=card.phone,
        occupation=card.occupation,
        workplace=card.workplace,
        address=f"{card.county.name.zh}（虚构地址）{int(card.id_number[14:17])}号",
    )


def case_of(card: Invented) -> CaseFacts:
    """The judged part of an invented card."""
    return CaseFacts(
        condition=invented.CONDITION,
        case_class=card.case_class,
        diagnosed_at=card.diagnosed_at,
        severity=card.severity,
        onset_date=card.onset_date,
        relation="same-county",
        origin=card.origin,
        origin_place=card.origin_place,
        doctor=card.doctor,
        remark="演示用虚构病例",
    )


# --- The evening ----------------------------------------------------------------------------------


def _evening(day: date, minutes: int = 0) -> datetime:
    return datetime.combine(day, DETECTED, invented.ZONE) + timedelta(minutes=minutes)


def _detect(day: date) -> DetectionRun:
    """The day's run, here and now instead of by the queue."""
    at = _evening(day)
    run = warning.request_run(day=day, trigger=Trigger.NIGHTLY, by=None, at=at)
    return warning.detect(run=run, by=None, at=at)


def _settle(run: DetectionRun) -> None:
    """Note in the queue that the run is done, so that no worker repeats it as of today."""
    job = queue.latest_about(signals.JOB, run.pk)
    if job is not None:
        job.state, job.tries = job.State.DONE, 1
        job.started_at, job.ended_at = run.started_at, run.ended_at
        job.save(update_fields=["state", "tries", "started_at", "ended_at"])


def _answer(stage: Stage, signal: Signal, day: date) -> None:
    """Verify and answer as what is known that evening allows; the headquarters assesses events."""
    by = stage.county_cdc(signal.area.code)
    hq = stage.staff["hq"]
    outcome = outcome_of(signal, day)
    warning.verify(signal=signal, by=by, at=_evening(day, 12))
    warning.answer(
        signal=signal, outcome=outcome, note=note_of(signal, outcome), by=by, at=_evening(day, 50)
    )
    _investigate(stage, signal, day)
    for task in task_queries.for_source(signal).filter(kind=ASSESS_TASK.code, state__in=UNFINISHED):
        tasks.accept(task=task, by=hq, at=_evening(day, 60))
        tasks.finish(task=task, proof=_both("assessed"), by=hq, at=_evening(day, 110))


def _investigate(stage: Stage, signal: Signal, day: date) -> None:
    """The team of the county goes out the same evening and reports what the figures say by then."""
    signal.refresh_from_db()
    event = signal.investigation
    if event is None:
        return
    by = stage.county_cdc(signal.area.code)
    if event.begun_at is None:
        warning.set_out(investigation=event, by=by, at=_evening(day, 70))
    onsets = [
        card.onset_date
        for card in invented.confirmed()
        if card.county.code == signal.area.code
        and card.onset_date is not None
        and card.diagnosed_at.date() <= day
    ]
    warning.report_findings(
        investigation=event,
        findings=Findings(
            cases_found=rules.totals_on(history.read(), day).get(signal.area.code, 0),
            setting="worship",
            first_onset=min(onsets, default=None),
            last_day=day,
            source=_both("found_source"),
            measures=_both("found_measures"),
        ),
        by=by,
        at=_evening(day, 150),
    )


def tell_the_public(stage: Stage, day: date) -> int:
    """The tip that the county writes of its event, the headquarters approves and all may read."""
    code = history.read().rest
    hq, by = stage.staff["hq"], stage.county_cdc(code)
    rows = signals.investigations_open_to(hq, _evening(day, 180))
    event = rows.filter(area__code=code, conclusion="").first()
    if event is None:
        return 0
    told = {name: history.text(row) for name, row in history.table("desk")["tip"].items()}
    tip = warning.write_product(
        kind="tip",
        area=event.area,
        condition=event.condition,
        investigation=event,
        facts=ProductFacts(
            level="medium",
            certainty="observed",
            expires_at=_evening(day + timedelta(days=14)),
            title_zh=told["title"].zh,
            title_en=told["title"].en,
            text_zh=told["text"].zh,
            text_en=told["text"].en,
            instruction_zh=told["instruction"].zh,
            instruction_en=told["instruction"].en,
            basis=_both("found_source"),
        ),
        synthetic=True,
        by=by,
        at=_evening(day, 170),
    )
    tip = warning.approve_product(product=tip, by=hq, at=_evening(day, 190))
    warning.issue_product(product=tip, by=by, at=_evening(day, 200))
    return 1


def outcome_of(signal: Signal, day: date) -> str:
    """The outcome of a signal; other diseases turn out harmless by turns."""
    if signal.condition == invented.CONDITION:
        return rules.outcome_of(signal.area.code, history.read().rest, day)
    return OTHERS[signal.pk % len(OTHERS)]


def note_of(signal: Signal, outcome: str) -> str:
    """What the county wrote, in both languages for readers of either."""
    place = "home" if signal.condition == invented.CONDITION else "other"
    return _both(f"{place}_{outcome}")


def _both(name: str) -> str:
    text: Text = history.text(history.table("desk")["notes"][name])
    return f"{text.zh} / {text.en}"
