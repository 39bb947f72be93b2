"""Signals and runs for machines."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema, Status

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.bodies import NO_NUL, Text400, Text2000
from fangkong.core.privacy import left
from fangkong.packs.types import NoPackInForce
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring

from . import actions, investigating, products, queries, responding, rules
from . import replay as replaying
from .models import DetectionRun, Investigation, Signal, WarningProduct
from .rules import Tally
from .types import (
    ANSWER,
    APPROVE_TIP,
    RUN,
    VIEW,
    WRITE,
    Certainty,
    Conclusion,
    Findings,
    Outcome,
    ProductFacts,
    ProductKind,
    ProductState,
    RiskLevel,
    Setting,
    Trigger,
)

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
    note: Text2000


Count = Annotated[int, Field(ge=0, le=investigating.MOST)]


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


class FindingsIn(api.Body):
    """What is known so far; it takes the place of what was reported before."""

    cases_found: Count
    deaths: Count = 0
    at_risk: Annotated[int, Field(ge=1, le=investigating.MOST)] | None = None
    setting: Setting = Setting.UNKNOWN
    first_onset: date | None = None
    last_day: date | None = None
    source: Text2000 = ""
    measures: Text2000


class ConclusionIn(api.Body):
    conclusion: Conclusion
    reason: Text2000


class ReopenIn(api.Body):
    reason: Text400


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


class FlaggedOut(Schema):
    """A county that alarms on a day; `observed` counts the 7 days to it."""

    day: date
    county: str
    observed: int
    methods: list[str]


class ReplayOut(Schema):
    """Past days judged again. A day that is not among `flagged` had no alarm."""

    condition: str
    first: date
    last: date
    flagged: list[FlaggedOut]


class ProductOut(Schema):
    """A warning product. `basis` is null for who is not of the office."""

    id: UUID
    kind: str
    level: str
    certainty: str
    area: str
    condition: str
    condition_name: str
    investigation: UUID | None
    title_zh: str
    text_zh: str
    instruction_zh: str
    title_en: str
    text_en: str
    instruction_en: str
    basis: str | None
    state: str
    return_reason: str | None
    written_at: datetime
    approved_at: datetime | None
    issued_at: datetime | None
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str
    replaces: UUID | None


Text = Annotated[str, Field(max_length=4000, pattern=NO_NUL)]


class WordsIn(api.Body):
    """What a product says; Chinese is needed, English with title and text or not at all."""

    level: RiskLevel
    certainty: Certainty
    expires_at: api.Moment
    basis: Text2000
    title_zh: Annotated[str, Field(max_length=120, pattern=NO_NUL)]
    text_zh: Text
    instruction_zh: Text = ""
    title_en: Annotated[str, Field(max_length=160, pattern=NO_NUL)] = ""
    text_en: Text = ""
    instruction_en: Text = ""


class ProductIn(WordsIn):
    kind: ProductKind
    area: str
    condition: Annotated[str, Field(max_length=60)]
    investigation: UUID | None = None


class CapOut(Schema):
    cap: str


class ReasonIn(api.Body):
    reason: Text400


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
@api.conditional
def report_findings(request: HttpRequest, public_id: UUID, body: FindingsIn) -> InvestigationOut:
    """Report what is known so far."""
    said = Findings(**{**body.model_dump(), "setting": body.setting.value})
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


@router.get("/replay/", response=ReplayOut)
def replay(request: HttpRequest, condition: str, first: date, last: date) -> dict[str, Any]:
    """Past days of one disease judged again, each by what was known at its end; at most 31."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    api.in_order("last", last, "first", first)
    if (last - first).days >= replaying.MOST_DAYS:
        raise api.wrong("last", "too_far", days=replaying.MOST_DAYS)
    if last > clock.day_of(staff.now):
        raise api.wrong("last", "in_future")
    api.among("condition", condition, monitoring.condition_codes())
    try:
        found = replaying.told(staff.user, staff.now, first=first, last=last, condition=condition)
    except NoPackInForce:
        raise api.wrong("first", "no_rules") from None
    return {
        "condition": condition,
        "first": first,
        "last": last,
        "flagged": [
            {
                "day": day,
                "county": area.code,
                "observed": one.observed,
                "methods": list(one.methods),
            }
            for day, rows in found.days
            for area, one in rows
        ],
    }


@router.get("/products/", response=api.Page[ProductOut])
def product_list(
    request: HttpRequest,
    kind: api.Narrowed[ProductKind] = None,
    state: api.Narrowed[ProductState] = None,
) -> HttpResponse:
    """Warning products: the own area's in any state, of others what was issued to many."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.products_open_to(staff.user, staff.now)
    if kind:
        rows = rows.filter(kind=kind.value)
    if state:
        rows = rows.filter(state=state.value)
    return api.page(request, rows, partial(_product_out, staff), order="-created_at")


@router.post("/products/", response={201: ProductOut})
def new_product(request: HttpRequest, body: ProductIn) -> Status[ProductOut]:
    """Write a draft."""
    api.require(request, WRITE)
    staff = cast(StaffRequest, request)
    event = None
    if body.investigation:
        rows = queries.investigations_open_to(staff.user, staff.now)
        event = get_object_or_404(rows, public_id=body.investigation)
    areas = {one.code: one for one in queries.areas_to_warn(staff.user, staff.now)}
    if body.area not in areas:
        raise products.NotYours(_("You may warn only for your own area. Choose another area."))
    done = api.once(
        request,
        products.write,
        kind=body.kind.value,
        area=areas[body.area],
        condition=body.condition,
        facts=_facts(body),
        investigation=event,
        synthetic=bool(settings.FANGKONG_DEMO),
        by=staff.user,
        at=staff.now,
    )
    return Status(201, _product_out(staff, done))


@router.get("/products/{public_id}/", response=ProductOut)
def product(request: HttpRequest, public_id: UUID) -> ProductOut:
    """One warning product."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.products_open_to(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    api.version_of(request, found)
    return _product_out(staff, found)


@router.get("/products/{public_id}/cap/", response=CapOut)
def product_cap(request: HttpRequest, public_id: UUID) -> CapOut:
    """The product as a message of CAP 1.2: XML in a text."""
    api.require(request, VIEW)
    staff = cast(StaffRequest, request)
    rows = queries.products_open_to(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    return CapOut(cap=queries.cap_of(found).decode())


@router.post("/products/{public_id}/edit/", response=ProductOut)
@api.conditional
def edit_product(request: HttpRequest, public_id: UUID, body: WordsIn) -> ProductOut:
    """Rewrite a draft."""
    return _writing(request, public_id, products.edit, facts=_facts(body))


@router.post("/products/{public_id}/issue/", response=ProductOut)
@api.conditional
def issue_product(request: HttpRequest, public_id: UUID) -> ProductOut:
    """Issue an approved product."""
    return _writing(request, public_id, products.issue)


@router.post("/products/{public_id}/update/", response=ProductOut)
def update_product(request: HttpRequest, public_id: UUID) -> ProductOut:
    """Begin an update of an issued product: a draft, approved and issued anew."""
    return _writing(request, public_id, products.renew)


@router.post("/products/{public_id}/cancel/", response=ProductOut)
def cancel_product(request: HttpRequest, public_id: UUID, body: ReasonIn) -> ProductOut:
    """Cancel an issued product, or drop a draft."""
    return _writing(request, public_id, products.cancel, reason=body.reason)


@router.post("/products/{public_id}/approve/", response=ProductOut)
@api.conditional
def approve_product(request: HttpRequest, public_id: UUID) -> ProductOut:
    """Approve a draft that somebody else wrote."""
    return _judging(request, public_id, products.approve)


@router.post("/products/{public_id}/return/", response=ProductOut)
def return_product(request: HttpRequest, public_id: UUID, body: ReasonIn) -> ProductOut:
    """Send a product back to be rewritten."""
    return _judging(request, public_id, products.send_back, reason=body.reason)


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


def _facts(body: WordsIn) -> ProductFacts:
    said = {name: getattr(body, name) for name in WordsIn.model_fields}
    return ProductFacts(**{**said, "level": body.level.value, "certainty": body.certainty.value})


def _writing(request: HttpRequest, public_id: UUID, action: Any, **told: Any) -> ProductOut:
    api.require(request, WRITE)
    staff = cast(StaffRequest, request)
    rows = queries.products_to_write(staff.user, staff.now)
    return _done(request, staff, get_object_or_404(rows, public_id=public_id), action, told)


def _judging(request: HttpRequest, public_id: UUID, action: Any, **told: Any) -> ProductOut:
    api.require(request, APPROVE_TIP)
    staff = cast(StaffRequest, request)
    rows = queries.products_to_approve(staff.user, staff.now)
    return _done(request, staff, get_object_or_404(rows, public_id=public_id), action, told)


def _done(
    request: HttpRequest, staff: StaffRequest, found: WarningProduct, action: Any, told: Any
) -> ProductOut:
    given = {"product": found, "by": staff.user, "at": staff.now, **told}
    return _product_out(staff, api.once(request, action, found, **given))


def _product_out(staff: StaffRequest, found: WarningProduct) -> ProductOut:
    place = {"county_id": found.county_id, "area_id": found.area_id}
    office = staff.user.scope(VIEW, staff.now).holds(**place)
    return ProductOut(
        id=found.public_id,
        kind=found.kind,
        level=found.level,
        certainty=found.certainty,
        area=found.area.code,
        condition=found.condition,
        condition_name=found.condition_name,
        investigation=found.investigation.public_id if office and found.investigation else None,
        title_zh=found.title_zh,
        text_zh=found.text_zh,
        instruction_zh=found.instruction_zh,
        title_en=found.title_en,
        text_en=found.text_en,
        instruction_en=found.instruction_en,
        basis=found.basis if office else None,
        state=found.state,
        return_reason=found.return_reason if office else None,
        written_at=found.created_at,
        approved_at=found.approved_at,
        issued_at=found.issued_at,
        expires_at=found.expires_at,
        ended_at=found.ended_at,
        end_reason=found.end_reason,
        replaces=found.replaces.public_id if found.replaces else None,
    )


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
