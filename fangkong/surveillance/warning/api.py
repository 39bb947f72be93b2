"""Signals and runs for machines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.privacy import left
from fangkong.places import queries as places

from . import actions, investigating, queries, responding, rules
from .models import DetectionRun, Investigation, Signal
from .rules import Tally
from .types import ANSWER, RUN, VIEW, Conclusion, Findings, Outcome, Setting, Trigger

router = Router(tags=["surveillance: warning"])


class SignalOut(Schema):
    """A signal. ``observed`` counts the 7 days to ``day``, or those of the rule of a place; a
    folded one is beyond the budget."""

    id: UUID
    county: str
    condition: str
    condition_name: str
    place_kind: str
    place: str
    reason: str
    day: date
    observed: int
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None
    rank: float
    methods: list[str]
    single_case: bool
    folded: bool
    state: str
    raised_at: datetime
    listed_at: datetime | None
    due_at: datetime | None
    verifying_at: datetime | None
    answered_at: datetime | None
    late: bool
    outcome: str
    note: str
    investigation: UUID | None


class AlarmOut(Schema):
    """What one method said of one day."""

    day: date
    method: str
    observed: float
    expected: float | None
    threshold: float | None
    score: float | None
    p: float | None


class StandingOut(Schema):
    """The place among the open signals that the caller sees, and the place with one case more or
    fewer (null: no signal any more), and if the disease were of class A (null: it is)."""

    position: int
    of: int
    more: int | None
    less: int | None
    as_a: int | None


class SignalDetailOut(SignalOut):
    alarms: list[AlarmOut]
    standing: StandingOut | None


class AnswerIn(api.Body):
    outcome: Outcome
    note: str = Field(max_length=2000, pattern=r"^[^\x00]*$")


Count = Annotated[int, Field(ge=0, le=investigating.MOST)]
Words = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]


class InvestigationOut(Schema):
    """A field investigation. `first_onset` to `last_day` are the days of the event."""

    id: UUID
    county: str
    condition: str
    condition_name: str
    phase: str
    opened_at: datetime
    due_at: datetime
    begun_at: datetime | None
    reported_at: datetime | None
    conclude_due_at: datetime | None
    concluded_at: datetime | None
    conclusion: str
    cases_found: int | None
    at_risk: int | None
    deaths: int | None
    setting: str
    first_onset: date | None
    last_day: date | None
    source: str
    measures: str
    reason: str


class FindingsIn(Schema):
    """What is known so far; it takes the place of what was reported before."""

    cases_found: Count
    deaths: Count = 0
    at_risk: Annotated[int, Field(ge=1, le=investigating.MOST)] | None = None
    setting: Setting = Setting.UNKNOWN
    first_onset: date | None = None
    last_day: date | None = None
    source: Words = ""
    measures: Words


class ConclusionIn(Schema):
    conclusion: Conclusion
    reason: Words


class ReopenIn(Schema):
    reason: Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]


class TallyOut(Schema):
    """Of `due_2h` signals (answered, or waiting longer) `answered_2h` were answered in time; of
    `decided` ones `events` were outbreaks. `delays`: days from onset to the first alarm."""

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
    delays: list[int]
    median_delay: float | None
    median_minutes: float | None


class MethodTallyOut(Schema):
    method: str
    tally: TallyOut


class CountyTallyOut(Schema):
    county: str
    tally: TallyOut


class ResponseOut(Schema):
    """Signals listed from `first` to `last`; one counts for every method that saw it."""

    first: date
    last: date
    as_of: datetime
    total: TallyOut
    methods: list[MethodTallyOut]
    counties: list[CountyTallyOut]


class RunOut(Schema):
    """A run; ``signal_count`` counts the new signals of the caller's own counties."""

    id: UUID
    day: date
    trigger: str
    state: str
    pack: str
    series_count: int
    signal_count: int
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RunIn(api.Body):
    day: date


@router.get("/signals/", response=api.Page[SignalOut])
def signals(
    request: HttpRequest, state: Literal["open", "answered", "any"] = "open", county: str = ""
) -> HttpResponse:
    """Signals of the caller's counties, the most unusual first."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.open_to(staff.user, staff.now)
    if state != "any":
        rows = rows.filter(state__in=rules.OPEN if state == "open" else ["answered"])
    if county:
        api.among("county", county, places.county_codes())
        rows = rows.filter(area__code=county)
    return api.page(request, rows, _out, order="-rank")


@router.get("/signals/{public_id}/", response=SignalDetailOut)
def signal(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One signal with the alarms of each method."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    found = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    alarms = [AlarmOut.from_orm(alarm) for alarm in found.alarms.order_by("day", "method")]
    queries.learn_standing([found], staff.user, staff.now)
    known = found.standing if found.standing and found.standing.known else None
    standing = StandingOut.from_orm(known) if known else None
    return {**_out(found).model_dump(), "alarms": alarms, "standing": standing}


@router.post("/signals/{public_id}/verify/", response=SignalOut)
def verify(request: HttpRequest, public_id: UUID) -> SignalOut:
    """Begin the verification."""
    staff = cast(StaffRequest, request)
    found = _to_answer(request, public_id)
    return _out(api.once(request, actions.verify, found, signal=found, by=staff.user, at=staff.now))


@router.post("/signals/{public_id}/answer/", response=SignalOut)
def answer(request: HttpRequest, public_id: UUID, body: AnswerIn) -> SignalOut:
    """Answer the signal."""
    staff = cast(StaffRequest, request)
    found = _to_answer(request, public_id)
    answered = api.once(
        request,
        actions.answer,
        found,
        signal=found,
        outcome=body.outcome.value,
        note=body.note,
        by=staff.user,
        at=staff.now,
    )
    return _out(answered)


@router.post("/signals/{public_id}/investigate/", response=InvestigationOut)
def investigate(request: HttpRequest, public_id: UUID) -> InvestigationOut:
    """Send a team out for an answered signal; it joins the open investigation, if there is one."""
    staff = cast(StaffRequest, request)
    found = _to_answer(request, public_id)
    done = api.once(
        request, investigating.investigate, found, signal=found, by=staff.user, at=staff.now
    )
    return _investigation_out(done)


@router.get("/investigations/", response=api.Page[InvestigationOut])
def investigations(
    request: HttpRequest, state: Literal["open", "concluded", "any"] = "any", county: str = ""
) -> HttpResponse:
    """Field investigations of the caller's counties, the newest first."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.investigations_open_to(staff.user, staff.now)
    if state != "any":
        rows = rows.filter(concluded_at__isnull=state == "open")
    if county:
        api.among("county", county, places.county_codes())
        rows = rows.filter(area__code=county)
    return api.page(request, rows, _investigation_out, order="-created_at")


@router.get("/investigations/{public_id}/", response=InvestigationOut)
def investigation(request: HttpRequest, public_id: UUID) -> InvestigationOut:
    """One field investigation with its newest findings."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.investigations_open_to(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    return _investigation_out(found)


@router.post("/investigations/{public_id}/set-out/", response=InvestigationOut)
def set_out(request: HttpRequest, public_id: UUID) -> InvestigationOut:
    """Say that a team is on its way."""
    return _investigated(request, public_id, investigating.set_out)


@router.post("/investigations/{public_id}/findings/", response=InvestigationOut)
def report_findings(request: HttpRequest, public_id: UUID, body: FindingsIn) -> InvestigationOut:
    """Report what is known so far."""
    said = Findings(**{**body.dict(), "setting": body.setting.value})
    return _investigated(request, public_id, investigating.report_findings, findings=said)


@router.post("/investigations/{public_id}/conclude/", response=InvestigationOut)
def conclude(request: HttpRequest, public_id: UUID, body: ConclusionIn) -> InvestigationOut:
    """Conclude: an outbreak with its days, or no event."""
    told = {"conclusion": body.conclusion.value, "reason": body.reason}
    return _investigated(request, public_id, investigating.conclude, **told)


@router.post("/investigations/{public_id}/reopen/", response=InvestigationOut)
def reopen(request: HttpRequest, public_id: UUID, body: ReopenIn) -> InvestigationOut:
    """Take a conclusion back."""
    return _investigated(request, public_id, investigating.reopen, reason=body.reason)


@router.get("/response/", response=ResponseOut)
def response(
    request: HttpRequest, first: date, last: date, county: str = "", condition: str = ""
) -> dict[str, Any]:
    """How the signals of a span were responded to, by method and county."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    api.in_order("last", last, "first", first)
    if (last - first).days >= responding.LONGEST:
        raise api.wrong("last", "too_far", days=responding.LONGEST)
    if county:
        api.among("county", county, places.county_codes())
    found = responding.response(
        staff.user, staff.now, first=first, last=last, county=county, condition=condition
    )
    return {
        "first": found.first,
        "last": found.last,
        "as_of": found.as_of,
        "total": _tally_out(found.total),
        "methods": [{"method": name, "tally": _tally_out(t)} for name, t in found.methods],
        "counties": [{"county": one.code, "tally": _tally_out(t)} for one, t in found.counties],
    }


@router.get("/runs/", response=api.Page[RunOut])
def runs(request: HttpRequest) -> HttpResponse:
    """Runs, the newest first."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.runs_open_to(staff.user, staff.now)
    return api.page(request, rows, _run_out, order="-created_at")


@router.post("/runs/", response=RunOut)
def new_run(request: HttpRequest, body: RunIn) -> RunOut:
    """Ask for a run over a day; one that waits already is answered instead."""
    api.require(request, RUN)
    staff = cast(StaffRequest, request)
    run = api.once(
        request,
        actions.request_run,
        day=body.day,
        trigger=Trigger.ON_DEMAND.value,
        by=staff.user,
        at=staff.now,
    )
    found = get_object_or_404(queries.runs_open_to(staff.user, staff.now), pk=run.pk)
    return _run_out(found)


def _to_answer(request: HttpRequest, public_id: UUID) -> Signal:
    api.require(request, ANSWER)
    staff = cast(StaffRequest, request)
    return get_object_or_404(queries.open_to_answer(staff.user, staff.now), public_id=public_id)


def _investigated(
    request: HttpRequest, public_id: UUID, action: Any, **told: Any
) -> InvestigationOut:
    api.require(request, ANSWER)
    staff = cast(StaffRequest, request)
    rows = queries.investigations_to_report(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    given = {"investigation": found, "by": staff.user, "at": staff.now, **told}
    return _investigation_out(api.once(request, action, found, **given))


def _investigation_out(found: Investigation) -> InvestigationOut:
    return InvestigationOut(
        id=found.public_id,
        county=found.area.code,
        condition=found.condition,
        condition_name=found.condition_name,
        phase=found.phase.value,
        opened_at=found.created_at,
        due_at=found.due_at,
        begun_at=found.begun_at,
        reported_at=found.reported_at,
        conclude_due_at=found.conclude_due_at,
        concluded_at=found.concluded_at,
        conclusion=found.conclusion,
        cases_found=found.cases_found,
        at_risk=found.at_risk,
        deaths=found.deaths,
        setting=found.setting,
        first_onset=found.first_onset,
        last_day=found.last_day,
        source=left(found.source),
        measures=left(found.measures),
        reason=left(found.reason),
    )


def _tally_out(tally: Tally) -> TallyOut:
    told = {name: getattr(tally, name) for name in TallyOut.model_fields}
    return TallyOut(**{**told, "delays": list(tally.delays)})


def _out(signal: Signal) -> SignalOut:
    return SignalOut(
        id=signal.public_id,
        county=signal.area.code,
        condition=signal.condition,
        condition_name=signal.condition_name,
        place_kind=signal.place_kind,
        place=signal.place,
        reason=signal.reason,
        day=signal.day,
        observed=signal.observed,
        expected=signal.expected,
        threshold=signal.threshold,
        score=signal.score,
        p=signal.p,
        rank=signal.rank,
        methods=signal.methods,
        single_case=signal.single_case,
        folded=signal.folded,
        state=signal.state,
        raised_at=signal.created_at,
        listed_at=signal.listed_at,
        due_at=signal.due_at,
        verifying_at=signal.verifying_at,
        answered_at=signal.answered_at,
        late=signal.late,
        outcome=signal.outcome,
        note=left(signal.note),
        investigation=signal.investigation.public_id if signal.investigation else None,
    )


def _run_out(run: DetectionRun) -> RunOut:
    return RunOut(
        id=run.public_id,
        day=run.day,
        trigger=run.trigger,
        state=run.stage.value,
        pack=run.pack,
        series_count=run.series_count,
        signal_count=getattr(run, "raised", 0),
        asked_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )
