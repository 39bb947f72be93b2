"""Screening for machines: contacts, observations and visits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, File, Form, Router, Schema, Status
from ninja.files import UploadedFile

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import NO_NUL, Text20, Text60, Text100, Text200, Text400
from fangkong.core.imports import machines as files
from fangkong.packs.types import NoPackInForce, Row
from fangkong.places import queries as places

from . import actions, drawing, imports, queries
from .models import Exposure, Observation, Visit
from .types import FOLLOW, TRACE, VIEW, VISIT, ExposureFacts, Relation, Setting, Symptom, VisitFacts

if TYPE_CHECKING:
    from fangkong.places.models import Facility

router = Router(tags=["screening"])


class ObservationState(Enum):
    """How the list of observations may be narrowed."""

    OPEN = "open"
    TO_VISIT = "to_visit"
    MISSED = "missed"
    TO_RELEASE = "to_release"
    IN_FACILITY = "in_facility"
    ENDED = "ended"


class EarlyEnd(Enum):
    """How an observation ends before its term."""

    DEATH = "death"
    ERROR = "error"


def _reason(say: str = "") -> Any:
    return Field(max_length=400, pattern=NO_NUL, description=say)


class ExposureOut(Schema):
    """A contact. The person is masked; `case` is null where it is a case of another county.

    `judged_class` is what the rules make of it and `contact_class` what counts; "" is no contact.
    """

    id: UUID
    case: UUID | None
    through: UUID | None
    person: UUID
    name: str
    county: str
    condition: str
    kind: str
    setting: str
    relation: str
    place: str
    first_date: date
    last_date: date
    judged_class: str
    contact_class: str
    window_first: date | None
    window_last: date | None
    counted_date: date | None
    pack: str
    clause: str
    reason: str
    is_source: bool
    withdrawn_at: datetime | None
    observation: UUID | None
    synthetic: bool


class WatchPhaseOut(Schema):
    """A stretch of a term in one place; `visits` a day, `tests` on these days."""

    place: str
    first: date
    last: date
    visits: int
    tests: list[date]


class ObservationOut(Schema):
    """A person who is watched from `first_date` to `last_date`; `ending` is "" while it runs."""

    id: UUID
    person: UUID
    name: str
    condition: str
    contact_class: str
    tier: str = Field(description='Of an arrival: a code of the pack\'s tiers of origin; else "".')
    pack: str
    clause: str
    since: date
    first_date: date
    last_date: date
    phases: list[WatchPhaseOut]
    county: str
    area: str
    unit: UUID | None
    ending: str
    ended_date: date | None
    reason: str
    synthetic: bool


class VisitOut(Schema):
    """A visit; `temperature` in tenths of a degree Celsius."""

    id: UUID
    day: date
    part: str
    done_at: datetime
    met: str
    temperature: int | None
    symptoms: list[str]
    note: str


class ObservationWithVisitsOut(ObservationOut):
    visits: list[VisitOut]


class ChainCaseOut(Schema):
    """A case of a chain; `n` names it here and `source` is that of its likeliest source.

    Of a case elsewhere no more is told than that it is there: `case` is null, the days too.
    """

    n: int
    case: UUID | None
    number: str
    generation: int
    source: int | None
    named: bool
    first_date: date | None
    last_date: date | None
    onset_date: date | None
    diagnosed_date: date | None
    contacts: int


class ChainOut(Schema):
    """Cases below their sources; `cut`: pairs (source, case) left out, for they made a circle.

    `incubation`: the longest, in days, by which sources were looked for; `whole`: nothing is left
    out because the chain was too large.
    """

    cases: list[ChainCaseOut]
    cut: list[list[int]]
    incubation: int | None
    whole: bool


class DayOut(Schema):
    """How your day stands: who is watched, to visit now, missed yesterday, to be released."""

    watched: int
    to_visit: int
    missed: int
    to_release: int
    in_facility: int


class LoadOut(Schema):
    """Who is watched in an area by a unit: in all, to visit now, missed yesterday, to release."""

    county: str
    area: str
    unit: UUID | None
    watched: int
    to_visit: int
    missed: int
    to_release: int


class VisitsOut(Schema):
    """What became of visits in one go."""

    entered: int
    refused: list[dict[str, str]]


class ExposureIn(api.Body):
    """A contact of a case: a person of the register, who was with the case on these days.

    `through`: the contact in between, where the person was with that one and not with the case.
    """

    case: UUID
    person: UUID
    through: UUID | None = None
    kind: str = Field(
        max_length=60,
        pattern=NO_NUL,
        description="One of `kinds` (or `kinds_of_contact`) of `GET …/screening/choices/`.",
    )
    setting: Setting = Setting.OTHER
    relation: Relation | None = None
    place: Text100 = ""
    first_date: date
    last_date: date


class ClassIn(api.Body):
    contact_class: str = Field(
        max_length=60,
        pattern=NO_NUL,
        description='One of `classes` of `GET …/screening/choices/`, or "" for no contact.',
    )
    reason: str = _reason()


class WithdrawIn(api.Body):
    reason: str = _reason()


class VisitIn(api.Body):
    """A visit; without symptoms and fever the person is well. `done_at`: now without it."""

    found: bool = True
    temperature: int | None = Field(
        None, ge=0, le=1000, description="Tenths of a degree Celsius: 366 is 36.6 °C."
    )
    symptoms: list[Symptom] = Field(default_factory=list, max_length=20)
    note: Text200 = ""
    done_at: api.Moment | None = None


class VisitsIn(api.Body):
    """Persons of whom nobody has symptoms."""

    observations: list[UUID] = Field(min_length=1, max_length=actions.MOST_AT_ONCE)


class ReleaseIn(api.Body):
    reason: Text400 = Field(
        "", description="Needed where nobody visited on the last day, or it found symptoms."
    )


class EndObservationIn(api.Body):
    ending: EarlyEnd
    reason: str = _reason()


class HandOverIn(api.Body):
    county: str = Field(max_length=20, pattern=NO_NUL, description="Code of a home county.")
    reason: str = _reason()


class UnitIn(api.Body):
    unit: UUID


class ScreeningChoiceOut(Schema):
    code: str
    name_zh: str
    name_en: str


class ScreeningChoicesOut(Schema):
    """What a contact of a day may say, by code; `kinds` are empty where nobody is judged."""

    on: date
    pack: str
    condition: str
    kinds: list[ScreeningChoiceOut]
    kinds_of_contact: list[ScreeningChoiceOut]
    classes: list[ScreeningChoiceOut]


@router.get("/choices/", response=ScreeningChoicesOut)
def choices(
    request: HttpRequest,
    condition: Text60 = "covid-19",
    on: date | None = None,
) -> dict[str, Any]:
    """The codes that a contact of a disease takes on a day (today without ``on``)."""
    staff = _staff(request)
    api.require(request, VIEW)
    day = on or clock.day_of(staff.now)
    try:
        pack = queries.pack_on(day)
    except NoPackInForce:
        raise api.wrong("on", "no_rules") from None
    return {
        "on": day,
        "pack": pack.id,
        "condition": condition,
        "kinds": [_line(row) for row in queries.kinds(condition, day)],
        "kinds_of_contact": [_line(row) for row in queries.kinds(condition, day, "contact")],
        "classes": [_line(row) for row in pack.screening.classes if row.covers(day)],
    }


# --- Contacts -------------------------------------------------------------------------------------


@router.get("/contacts/", response=api.Page[ExposureOut])
def contacts(
    request: HttpRequest,
    case: UUID | None = None,
    since: api.Moment | None = None,
    until: api.Moment | None = None,
) -> HttpResponse:
    """The contacts open to you, the last entered first; of one case with ``case``."""
    staff = _staff(request)
    api.require(request, FOLLOW)
    api.in_order("until", until, "since", since)
    rows = queries.contacts_open_to(staff.user, staff.now)
    if case is not None:
        known = queries.case_shown(staff.user, staff.now, case)
        rows = rows.filter(case_id=0 if known is None else known.pk)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    rows = queries.with_shown(rows, staff.user, staff.now)
    return api.page(request, rows, _exposure, order="-created_at")


@router.post("/contacts/", response={201: ExposureOut})
def expose(request: HttpRequest, body: ExposureIn) -> Status[dict[str, Any]]:
    """Enter a contact: judged at once; who is to be watched is watched from today on."""
    staff = _staff(request)
    api.require(request, TRACE)
    user, at = staff.user, staff.now
    case = get_object_or_404(queries.cases_to_trace(user, at), public_id=body.case)
    person = queries.person_to_enter(user, at, body.person)
    if person is None:
        raise Http404
    opened(request, person)
    through = None
    if body.through is not None:
        through = get_object_or_404(queries.contacts_to_judge(user, at), public_id=body.through)
    with api.told_by_field():
        made = api.once(
            request,
            actions.expose,
            case=case,
            person=person,
            through=through,
            facts=ExposureFacts(
                kind=body.kind,
                setting=body.setting.value,
                relation="" if body.relation is None else body.relation.value,
                place=body.place,
                first_date=body.first_date,
                last_date=body.last_date,
            ),
            by=user,
            at=at,
        )
    shown = queries.with_shown(queries.contacts_open_to(user, at), user, at)
    return Status(201, _exposure(get_object_or_404(shown, pk=made.pk)))


@router.post("/cases/{public_id}/contacts/judge-anew/", response=list[ExposureOut])
def judge_anew(request: HttpRequest, public_id: UUID) -> list[dict[str, Any]]:
    """Bring contacts and observations in line with the present card of a case; 422 where they are.

    Contacts are judged again by its onset (classes judged by hand stay). Of a case that was ruled
    out those watched because of it are released, and a contact who became it is watched again.
    All contacts of the case are told."""
    staff = _staff(request)
    api.require(request, TRACE)
    user, at = staff.user, staff.now
    case = get_object_or_404(queries.cases_to_trace(user, at), public_id=public_id)
    api.once(request, actions.judge_anew, case=case, by=user, at=at)
    rows = list(queries.with_shown(queries.contacts_of(case, user, at), user, at))
    opened(request, rows)
    return [_exposure(one) for one in rows]


@router.get("/contacts/{public_id}/", response=ExposureOut)
def contact(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One contact, with the class and why."""
    staff = _staff(request)
    api.require(request, FOLLOW)
    rows = queries.contacts_open_to(staff.user, staff.now)
    shown = queries.with_shown(rows, staff.user, staff.now)
    found = get_object_or_404(shown, public_id=public_id)
    api.version_of(request, found)
    opened(request, found)
    return _exposure(found)


@router.post("/contacts/{public_id}/judge/", response=ExposureOut)
@api.conditional
def judge(request: HttpRequest, public_id: UUID, body: ClassIn) -> dict[str, Any]:
    """Judge a contact otherwise than the rules do; the observation follows."""
    said = {"contact_class": body.contact_class, "reason": body.reason}
    return _decide(request, public_id, actions.judge, **said)


@router.post("/contacts/{public_id}/withdraw/", response=ExposureOut)
def withdraw(request: HttpRequest, public_id: UUID, body: WithdrawIn) -> dict[str, Any]:
    """The contact was entered in error; what rested on it alone ends."""
    return _decide(request, public_id, actions.withdraw, reason=body.reason)


@router.post("/contacts/{public_id}/source/", response=ExposureOut)
def name_source(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Name this exposure as the one that infected its person."""
    return _decide(request, public_id, actions.name_source)


@router.get("/cases/{public_id}/chain/", response=ChainOut)
def chain(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Who infected whom, likeliest: all cases that one hangs together with."""
    staff = _staff(request)
    api.require(request, FOLLOW)
    case = queries.case_shown(staff.user, staff.now, public_id)
    if case is None:
        raise Http404
    joined, found, incubation = queries.chain(case, staff.user, staff.now)
    opened(request, list(joined.cases.values()))
    rows = drawing.stories(joined, found)
    place = {row.key: n for n, row in enumerate(rows, start=1)}
    return {
        "cases": [
            {
                "n": place[row.key],
                "case": None if row.case is None else row.case.public_id,
                "number": "" if row.case is None else row.case.number,
                "generation": row.generation,
                "source": None if row.parent is None else place[row.parent],
                "named": row.named,
                "first_date": row.first,
                "last_date": row.last,
                "onset_date": row.onset,
                "diagnosed_date": row.diagnosed,
                "contacts": row.contacts,
            }
            for row in rows
        ],
        "cut": [[place[one.source], place[one.target]] for one in found.cut],
        "incubation": incubation,
        "whole": joined.whole,
    }


# --- Files of contacts ----------------------------------------------------------------------------


@router.post("/imports/", response={201: files.ImportOut})
def upload(
    request: HttpRequest,
    file: File[UploadedFile],
    county: Form[Text20],
    case: str = Form("", max_length=40, pattern=NO_NUL),  # type: ignore[type-arg]
) -> Status[dict[str, Any]]:
    """Upload a list of contacts of a county's cases and have its rows checked; nothing is entered.

    `case`: the number of the case that rows are of which name none.
    """
    staff = _staff(request)
    api.require(request, TRACE)
    counties = {one.code: one for one in queries.counties_to_trace(staff.user, staff.now)}
    if county not in counties:
        raise Http404
    place, options = imports.CONTACTS.chosen({"county": counties[county], "case": case})
    return Status(201, files.upload(request, imports.CONTACTS, file, place, options))


@router.post("/imports/{public_id}/match/", response=files.ImportOut)
def match(request: HttpRequest, public_id: UUID, body: files.MatchIn) -> dict[str, Any]:
    """Say which field each column is, in the order of `columns`; the rows are then checked."""
    return files.match(request, imports.CONTACTS, public_id, body)


@router.get("/imports/{public_id}/", response=files.ImportOut)
def import_status(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """How far an import is, with the first rows that have to be corrected."""
    return files.status(request, imports.CONTACTS, public_id)


@router.post("/imports/{public_id}/confirm/", response=files.ImportOut)
def confirm(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Enter the good rows as contacts; most of them are watched from then on."""
    return files.confirm(request, imports.CONTACTS, public_id)


# --- Observations ---------------------------------------------------------------------------------


@router.get("/today/", response=DayOut)
def today(request: HttpRequest) -> dict[str, Any]:
    """The figures of your unit's or county's day."""
    staff = _staff(request)
    api.require(request, VIEW)
    return dict(vars(queries.today(staff.user, staff.now)))


@router.get("/loads/", response=list[LoadOut])
def loads(request: HttpRequest) -> list[dict[str, Any]]:
    """Who is watched by area and unit, and how their day stands, as far as you may see."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = queries.loads(staff.user, staff.now)
    codes, units = places.codes(), places.facility_ids()
    return [
        {
            **{name: getattr(one, name) for name in queries.LOADS},
            "county": codes[one.county_id],
            "area": codes[one.area_id],
            "unit": None if one.unit_id is None else units[one.unit_id],
        }
        for one in found
    ]


@router.get("/observations/", response=api.Page[ObservationOut])
def observations(
    request: HttpRequest, state: ObservationState | None = None, unit: UUID | None = None
) -> HttpResponse:
    """The observations open to you, those that began last first."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.open_to(staff.user, staff.now)
    if unit is not None:
        rows = rows.filter(unit__public_id=unit)
    if state is not None:
        rows = queries.in_state(rows, state.value, staff.now)
    return api.page(request, rows, _watch, order="-first_date")


@router.get("/observations/{public_id}/", response=ObservationWithVisitsOut)
def observation(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One observation with its visits, the newest in front."""
    staff = _staff(request)
    api.require(request, VIEW)
    found = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, found)
    opened(request, found)
    return {**_watch(found), "visits": [_visit(one) for one in queries.visits_of(found)]}


@router.post("/visits/", response=VisitsOut)
def visit_many(request: HttpRequest, body: VisitsIn) -> dict[str, Any]:
    """Enter that none of these has symptoms; who cannot be visited now is told and stops nobody."""
    staff = _staff(request)
    api.require(request, VISIT)
    rows = queries.open_to_visit(staff.user, staff.now).filter(public_id__in=body.observations)
    known = {one.public_id: one for one in rows}
    if not known.keys() >= set(body.observations):
        raise Http404
    chosen = [known[key] for key in dict.fromkeys(body.observations)]
    opened(request, chosen)
    done: dict[str, Any] = api.once(
        request, actions.visit_many, observations=chosen, by=staff.user, at=staff.now
    )
    return done


@router.post("/observations/{public_id}/visits/", response={201: VisitOut})
def visit(request: HttpRequest, public_id: UUID, body: VisitIn) -> Status[dict[str, Any]]:
    """Enter a visit; a second one of the same half of the day is a 409."""
    found = _to_visit(request, public_id)
    staff = _staff(request)
    with api.told_by_field():
        made = api.once(
            request,
            actions.visit,
            observation=found,
            facts=_visit_facts(body),
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _visit(made))


@router.get("/observations/{public_id}/visits/{visit_id}/", response=VisitOut)
def one_visit(request: HttpRequest, public_id: UUID, visit_id: UUID) -> dict[str, Any]:
    """One visit; its ETag is what a correction names."""
    staff = _staff(request)
    api.require(request, VIEW)
    rows = queries.open_to(staff.user, staff.now)
    watch = get_object_or_404(rows, public_id=public_id)
    found = queries.visit_of(watch, visit_id)
    if found is None:
        raise Http404
    api.version_of(request, found)
    opened(request, watch)
    return _visit(found)


@router.put("/observations/{public_id}/visits/{visit_id}/", response=VisitOut)
@api.conditional
def correct_visit(
    request: HttpRequest, public_id: UUID, visit_id: UUID, body: VisitIn
) -> dict[str, Any]:
    """Say a visit anew as a whole."""
    found = queries.visit_of(_to_visit(request, public_id), visit_id)
    if found is None:
        raise Http404
    staff = _staff(request)
    with api.told_by_field():
        made = api.once(
            request,
            actions.correct_visit,
            found,
            visit=found,
            facts=_visit_facts(body),
            by=staff.user,
            at=staff.now,
        )
    return _visit(made)


@router.post("/observations/{public_id}/release/", response=ObservationOut)
def release(request: HttpRequest, public_id: UUID, body: ReleaseIn) -> dict[str, Any]:
    """The term is over; before that it is a 409."""
    return _step(request, public_id, actions.release, reason=body.reason)


@router.post("/observations/{public_id}/end/", response=ObservationOut)
def end(request: HttpRequest, public_id: UUID, body: EndObservationIn) -> dict[str, Any]:
    """The person died, or the observation was opened in error."""
    return _step(request, public_id, actions.end, ending=body.ending.value, reason=body.reason)


@router.post("/observations/{public_id}/hand-over/", response=ObservationOut)
def hand_over(request: HttpRequest, public_id: UUID, body: HandOverIn) -> dict[str, Any]:
    """Another county takes over; the answer is the observation that goes on there."""
    staff = _staff(request)
    api.require(request, TRACE)
    county = places.area(body.county, clock.day_of(staff.now))
    if county is None:
        raise api.wrong_in_body("/county", "unknown_area")
    return _step(request, public_id, actions.hand_over, county=county, reason=body.reason)


@router.post("/observations/{public_id}/assign/", response=ObservationOut)
def assign(request: HttpRequest, public_id: UUID, body: UnitIn) -> dict[str, Any]:
    """Name the unit that visits."""
    staff = _staff(request)
    api.require(request, TRACE)
    units = places.facilities_open_to(staff.user, staff.now, TRACE)
    unit: Facility = get_object_or_404(units, public_id=body.unit)
    return _step(request, public_id, actions.assign, unit=unit)


# --- What the operations share --------------------------------------------------------------------


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _to_visit(request: HttpRequest, public_id: UUID) -> Observation:
    staff = _staff(request)
    api.require(request, VISIT)
    rows = queries.open_to_visit(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found)
    return found


def _step(
    request: HttpRequest, public_id: UUID, action: Callable[..., Observation], **said: Any
) -> dict[str, Any]:
    staff = _staff(request)
    api.require(request, TRACE)
    rows = queries.open_to_manage(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found)
    with api.told_by_field():
        done = api.once(
            request, action, found, observation=found, by=staff.user, at=staff.now, **said
        )
    return _watch(done)


def _decide(
    request: HttpRequest, public_id: UUID, action: Callable[..., Exposure], **said: Any
) -> dict[str, Any]:
    staff = _staff(request)
    api.require(request, TRACE)
    rows = queries.contacts_to_judge(staff.user, staff.now)
    found = get_object_or_404(rows, public_id=public_id)
    opened(request, found)
    with api.told_by_field():
        api.once(request, action, found, exposure=found, by=staff.user, at=staff.now, **said)
    shown = queries.with_shown(rows, staff.user, staff.now)
    return _exposure(get_object_or_404(shown, public_id=public_id))


def _visit_facts(body: VisitIn) -> VisitFacts:
    return VisitFacts(
        found=body.found,
        temperature=body.temperature,
        symptoms=tuple(one.value for one in body.symptoms),
        note=body.note,
        done_at=body.done_at,
    )


def _line(row: Row) -> dict[str, str]:
    return {"code": row.code, "name_zh": row.name.zh, "name_en": row.name.en}


def _exposure(one: Any) -> dict[str, Any]:
    """A contact of ``with_shown``: case and observation of another county are not named."""
    plain = {name: getattr(one, name) for name in ExposureOut.model_fields if name in _AS_KEPT}
    return {
        **plain,
        "id": one.public_id,
        "case": one.case_key,
        "through": one.through_key,
        "person": one.person.public_id,
        "name": one.person.masked_name,
        "county": one.county.code,
        "withdrawn_at": _utc(one.withdrawn_at),
        "observation": one.watch_key,
    }


_AS_KEPT = frozenset(ExposureOut.model_fields) - {
    *("id", "case", "through", "person", "name", "county", "withdrawn_at", "observation")
}


def _watch(one: Observation) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "person": one.person.public_id,
        "name": one.person.masked_name,
        "condition": one.condition,
        "contact_class": one.contact_class,
        "tier": one.tier,
        "pack": one.pack,
        "clause": one.clause,
        "since": one.since,
        "first_date": one.first_date,
        "last_date": one.last_date,
        "phases": one.phases,
        "county": one.county.code,
        "area": one.area.code,
        "unit": None if one.unit is None else one.unit.public_id,
        "ending": one.ending,
        "ended_date": one.ended_date,
        "reason": one.reason,
        "synthetic": one.synthetic,
    }


def _visit(one: Visit) -> dict[str, Any]:
    return {
        "id": one.public_id,
        "day": one.day,
        "part": one.part,
        "done_at": _utc(one.done_at),
        "met": one.met,
        "temperature": one.temperature,
        "symptoms": one.symptoms,
        "note": one.note,
    }


def _utc(moment: datetime | None) -> datetime | None:
    """As the database gives it back, so that a repeat is told the same."""
    return None if moment is None else moment.astimezone(UTC)
