"""Monitoring for machines: cases, counts and imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import translation
from ninja import Field, File, Form, Router, Schema, Status
from ninja.files import UploadedFile

from fangkong.accounts.types import StaffRequest
from fangkong.core import api, clock
from fangkong.core.audit.sights import opened
from fangkong.core.bodies import NO_NUL, Text400
from fangkong.core.imports import machines as files
from fangkong.packs import queries as packs
from fangkong.packs.types import Distance, NoPackInForce, Pack, Text
from fangkong.packs.types import Row as Line
from fangkong.people import rules as people
from fangkong.people.actions import WrongField
from fangkong.people.queries import called
from fangkong.people.types import DocumentKind
from fangkong.places import queries as places

from . import actions, describe, imports, queries, rules, words
from .cards import LIMITS
from .facts import Reason
from .known import SaidOtherwise, completed
from .models import Case
from .types import IMPORT, REPORT, REVIEW, VIEW, CaseFacts, PersonFacts

if TYPE_CHECKING:
    from fangkong.people.models import Person

router = Router(tags=["monitoring"])


class CaseOut(Schema):
    """A case. The patient is masked: full data are asked for in ``people``, with a reason."""

    id: UUID
    number: str
    condition: str
    case_class: str
    severity: str
    person: UUID
    patient: str
    county: str
    area: str
    facility: UUID
    onset_date: date | None
    diagnosed_at: datetime
    died_on: date | None
    reported_at: datetime
    report_due_at: datetime | None
    report_clock: str
    review_state: str
    review_due_at: datetime | None
    review_clock: str
    definition: str
    synthetic: bool


class CardOut(Schema):
    sequence: int
    kind: str
    reported_at: datetime
    reason: str
    changes: list[tuple[str, str, str]]


class JudgedOut(Schema):
    """What the newest card judges, as `case` of a revised card says it anew."""

    condition: str
    case_class: str
    diagnosed_at: datetime
    severity: str
    course: str
    onset_date: date | None
    died_on: date | None
    relation: str
    origin: str
    origin_place: str
    doctor: str
    remark: str


class CaseWithCardsOut(CaseOut):
    """`judged` is told to whoever may revise the case: change in it what is new, and send all."""

    cards: list[CardOut]
    judged: JudgedOut | None


def _text(limit: int, *, least: int = 0) -> Any:
    """A text field of the card, as long as its column takes; optional unless ``least`` is set."""
    default = ... if least else ""
    return Field(default, min_length=least, max_length=limit, pattern=NO_NUL)


def _code(of: str, *, needed: bool = True, say: str = "") -> Any:
    """A code from the lists of the rules in force, which ``choices`` tells; "" says nothing."""
    told = f"One of `{of}` of `GET …/monitoring/choices/`.{say}"
    default = ... if needed else ""
    return Field(default, max_length=60, pattern=NO_NUL, description=told)


def _written(limit: int, say: str) -> Any:
    """A text that the card must say where the rules ask for it."""
    return Field(max_length=limit, pattern=NO_NUL, description=say)


class JudgedIn(api.Body):
    """The judged part of a card. A revised card says it anew, as a whole."""

    condition: str = _code("conditions")
    case_class: str = _code("case_classes", say=" The disease must have it.")
    diagnosed_at: api.Moment
    severity: str = _code("severities", needed=False, say=" Empty where the disease has none.")
    course: Literal["", "acute", "chronic"] = Field(
        "", description="Required for diseases with `asks_course`."
    )
    onset_date: date | None = None
    died_on: date | None = None
    relation: str = _code(
        "relations", say=" Where the patient belongs (病人属于); the address must lie there."
    )
    origin: Literal["unknown", "local", "import"] = "unknown"
    origin_place: str = _text(LIMITS["origin_place"])
    doctor: str = _written(LIMITS["doctor"], "Who fills in the card.")
    remark: str = _text(LIMITS["remark"])


class PatientIn(api.Body):
    """The patient as the card says: birth date, age, or a citizen's number, which tells both.

    Of a known `person` leave out what the register knows; of anybody else name, occupation, address
    and birth date or age must be said.
    """

    name: str = _text(LIMITS["name"])
    sex: Literal["1", "2", "9"] = "9"
    birth_date: date | None = None
    age_years: int | None = Field(None, ge=0, le=rules.OLDEST_BIRTH)
    age_months: int | None = Field(None, ge=0, lt=24)  # of a child under two
    id_kind: DocumentKind = DocumentKind.RESIDENT_ID
    id_number: str = _text(LIMITS["id_number"])
    phone: str = _text(LIMITS["phone"])
    occupation: str = _code("occupations", needed=False, say=" The group of people (人群分类).")
    workplace: str = Field(
        "",
        max_length=LIMITS["workplace"],
        pattern=NO_NUL,
        description="School and class; required for occupations with `asks_school`.",
    )
    guardian: str = _text(LIMITS["guardian"])
    address: str = Field(
        "",
        max_length=LIMITS["address"],
        pattern=NO_NUL,
        description="County, township, village, house.",
    )


class ReportIn(api.Body):
    """A report card. `person`: somebody of the register whom you see, by the id that cases tell."""

    person: UUID | None = None
    patient: PatientIn = Field(default_factory=lambda: PatientIn.model_validate({}))
    case: JudgedIn
    facility: UUID
    new_illness: bool = False


class ReviseIn(api.Body):
    case: JudgedIn
    reason: Text400


class ReviewIn(api.Body):
    card: int = Field(ge=1, le=32767)  # the sequence of the card that was looked at
    accept: bool
    reason: str = _text(400)


class ChoiceOut(Schema):
    """A line of a list."""

    code: str
    name_zh: str
    name_en: str


class FormOut(ChoiceOut):
    """A form of a disease, with a code of its own."""

    asks_course: bool


class ConditionOut(FormOut):
    """A disease, with the codes of the case classes and severities that its cards may have."""

    forms: list[FormOut]
    case_classes: list[str]
    severities: list[str]


class RelationOut(ChoiceOut):
    """Where a patient belongs; ``lives``: how far from the facility the address may lie."""

    lives: list[Distance]


class OccupationOut(ChoiceOut):
    asks_school: bool


class ChoicesOut(Schema):
    """What a card of a day may say, by code. ``pack`` holds the law that says so."""

    on: date
    pack: str
    conditions: list[ConditionOut]
    case_classes: list[ChoiceOut]
    severities: list[ChoiceOut]
    relations: list[RelationOut]
    occupations: list[OccupationOut]
    id_kinds: list[ChoiceOut]


class CountOut(Schema):
    county: str
    day: date
    case_class: str
    n: int


class CountsOut(Schema):
    condition: str
    basis: str
    first: date
    last: date
    as_of: datetime
    definitions: list[str]
    counts: list[CountOut]


@router.get("/choices/", response=ChoicesOut)
def choices(request: HttpRequest, on: date | None = None) -> dict[str, Any]:
    """The codes that a card of a day takes (today without ``on``): the day of its diagnosis."""
    staff = _staff(request)
    if not staff.user.scope(REPORT, staff.now):
        api.require(request, VIEW)
    day = on or clock.day_of(staff.now)
    try:
        pack = queries.pack_on(day)
    except NoPackInForce:
        raise api.wrong("on", "no_rules") from None
    return _choices_out(pack, day)


@router.get("/cases/", response=api.Page[CaseOut])
def cases(
    request: HttpRequest,
    condition: str = "",
    county: str = "",
    since: api.Moment | None = None,
    until: api.Moment | None = None,
    clock: Literal["", "overdue", "late"] = "",
) -> HttpResponse:
    """The cases open to you, the last reported first; `until` is the first moment left out.

    `condition`: a code of `GET …/monitoring/choices/` of any day; `county`: the code of a county;
    `clock`: `overdue` where the review is overdue, `late` where the report came too late.
    """
    staff = _staff(request)
    api.require(request, VIEW)
    api.in_order("until", until, "since", since)
    rows = queries.open_to(staff.user, staff.now)
    if condition:
        api.among("condition", condition, queries.condition_codes())
        rows = rows.filter(condition=condition)
    if county:
        api.among("county", county, places.county_codes())
        rows = rows.filter(_in_county(county, staff.now))
    if since:
        rows = rows.filter(reported_at__gte=since)
    if until:
        rows = rows.filter(reported_at__lt=until)
    if clock == "overdue":
        rows = queries.past_review(rows, staff.now)
    if clock == "late":
        rows = queries.reported_late(rows)
    return api.page_of_values(request, rows, SHOWN, _teller(staff.now), order="-reported_at")


@router.post("/cases/", response={201: CaseOut})
def report(request: HttpRequest, body: ReportIn) -> Status[dict[str, Any]]:
    """Report a case. The address names the area; 409 where the illness is reported already.

    The same is asked of a card as of the form and of files; `errors` of a 422 name each fault. Of
    a known `person` nothing is asked that the register knows; 409 where the card says otherwise.
    """
    staff = _staff(request)
    api.require(request, REPORT)
    facility = queries.facility_to_report_for(staff.user, staff.now, body.facility)
    person = _person(request, body.person)
    said = {**body.patient.model_dump(), "id_kind": body.patient.id_kind.value}
    area = queries.area_in(body.patient.address, staff.now)
    patient = PersonFacts(**said, area_id=area.pk if area else None)
    with _told_by_field(body):
        if person is not None:
            day = clock.day_of(staff.now)
            patient = completed(patient, person, day, queries.pack_on(day))
            area = person.area or area
        case = api.once(
            request,
            actions.report,
            person=patient,
            case=_facts(body.case),
            facility=facility,
            area=area,
            known=person,
            new_illness=body.new_illness,
            by=staff.user,
            at=staff.now,
        )
    return Status(201, _out(case, staff.now))


@router.get("/cases/{public_id}/", response=CaseWithCardsOut)
def detail(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """One case with its cards, the newest first."""
    staff = _staff(request)
    api.require(request, VIEW)
    case = get_object_or_404(queries.open_to(staff.user, staff.now), public_id=public_id)
    api.version_of(request, case)
    opened(request, case)
    cards = [
        {
            "sequence": story.card.sequence,
            "kind": story.card.kind,
            "reported_at": story.card.reported_at,
            "reason": story.card.reason,
            "changes": story.changes,
        }
        for story in describe.stories(queries.cards_of(case))
    ]
    may_revise = queries.open_to_revise(staff.user, staff.now).filter(pk=case.pk).exists()
    judged = {name: getattr(case, name) for name in JudgedOut.model_fields} if may_revise else None
    return {**_out(case, staff.now), "cards": cards, "judged": judged}


@router.post("/cases/{public_id}/revise/", response=CaseOut)
@api.conditional
def revise(request: HttpRequest, public_id: UUID, body: ReviseIn) -> dict[str, Any]:
    """Send a revised card; it says everything anew: what is left out is said to be empty.

    Begin with `judged` of `GET …/cases/{public_id}/`.
    """
    staff = _staff(request)
    api.require(request, REPORT)
    open_cases = queries.open_to_revise(staff.user, staff.now)
    known = get_object_or_404(open_cases, public_id=public_id)
    opened(request, known)
    with _told_by_field(body):
        case = api.once(
            request,
            actions.revise,
            known,
            case=known,
            facts=_facts(body.case),
            reason=body.reason,
            by=staff.user,
            at=staff.now,
        )
    return _out(case, staff.now)


@router.post("/cases/{public_id}/review/", response=CaseOut)
def review(request: HttpRequest, public_id: UUID, body: ReviewIn) -> dict[str, Any]:
    """Accept a card, or return it with a reason; 409 ``NewerCard`` where another came since.

    Whoever sent the card accepts it only with a `reason`."""
    staff = _staff(request)
    api.require(request, REVIEW)
    open_cases = queries.open_to_review(staff.user, staff.now)
    known = get_object_or_404(open_cases, public_id=public_id)
    opened(request, known)
    with _told_by_field(body):
        case = api.once(
            request,
            actions.review,
            known,
            case=known,
            card=body.card,
            accept=body.accept,
            reason=body.reason,
            by=staff.user,
            at=staff.now,
        )
    return _out(case, staff.now)


@router.get("/counts/", response=CountsOut)
def counts(
    request: HttpRequest,
    condition: str,
    first: date,
    last: date,
    basis: Literal["onset", "diagnosed", "reported"] = "reported",
    as_of: api.Moment | None = None,
) -> dict[str, Any]:
    """Cases by county, day and class, as known now or as they were known at `as_of`.

    `condition`: a code of `GET …/monitoring/choices/` of any day.
    """
    staff = _staff(request)
    api.require(request, VIEW)
    _check_counted(condition, first, last, as_of, staff.now)
    counties = {c.pk: c.code for c in queries.counted_counties(staff.user, staff.now)}
    found = queries.daily_counts(
        staff.user,
        staff.now,
        condition=condition,
        first=first,
        last=last,
        basis=basis,
        as_of=as_of,
    )
    return {
        "condition": condition,
        "basis": basis,
        "first": first,
        "last": last,
        "as_of": min(as_of or staff.now, staff.now),
        "definitions": queries.definitions_used(
            staff.user, staff.now, condition=condition, first=first, last=last, basis=basis
        ),
        "counts": [
            {"county": counties[c.county_id], "day": c.day, "case_class": c.case_class, "n": c.n}
            for c in found
        ],
    }


@router.post("/imports/", response={201: files.ImportOut})
def upload(
    request: HttpRequest, file: File[UploadedFile], facility: Form[UUID]
) -> Status[dict[str, Any]]:
    """Upload a file and have its rows checked; nothing is reported yet."""
    staff = _staff(request)
    api.require(request, IMPORT)
    facilities = queries.facilities_to_import_for(staff.user, staff.now)
    found = get_object_or_404(facilities, public_id=facility)
    return Status(201, files.upload(request, imports.CARDS, file, imports.place_of(found)))


@router.post("/imports/{public_id}/match/", response=files.ImportOut)
def match(request: HttpRequest, public_id: UUID, body: files.MatchIn) -> dict[str, Any]:
    """Say which field each column is, in the order of `columns`; the rows are then checked."""
    return files.match(request, imports.CARDS, public_id, body)


@router.get("/imports/{public_id}/", response=files.ImportOut)
def import_status(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """How far an import is, with the first rows that have to be corrected."""
    return files.status(request, imports.CARDS, public_id)


@router.post("/imports/{public_id}/confirm/", response=files.ImportOut)
def confirm(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Report the good rows."""
    return files.confirm(request, imports.CARDS, public_id)


def _staff(request: HttpRequest) -> StaffRequest:
    return cast(StaffRequest, request)


def _person(request: HttpRequest, public_id: UUID | None) -> Person | None:
    """The person that a card names, who is seen thereby; 404 for whom the sender does not see."""
    if public_id is None:
        return None
    staff = _staff(request)
    found = queries.person_to_report(staff.user, staff.now, public_id)
    if found is None:
        raise Http404
    opened(request, found)
    return found


def _facts(body: JudgedIn) -> CaseFacts:
    minute = body.diagnosed_at.astimezone(clock.zone()).replace(second=0, microsecond=0)
    doctor = people.plain_name(body.doctor)
    return CaseFacts(**{**body.model_dump(), "diagnosed_at": minute, "doctor": doctor})


# Where the body says what people and files call otherwise.
_SENT_AS = {"age": "age_years", "document_kind": "id_kind", "document_number": "id_number"}
_SENT_AS |= {"guardian_name": "guardian", "address_detail": "address"}


@contextmanager
def _told_by_field(body: api.Body) -> Iterator[None]:
    """A card that is refused: each fault with its place in the body, and by the codes it takes."""
    try:
        yield
    except actions.NotAcceptable as problem:
        told = [(_place(body, fault.field), _by_code(fault)) for fault in problem.faults]
        problem.text = " ".join(text for _place_, text in told)
        problem.errors = [{"in": "body", "where": where, "text": text} for where, text in told]
        raise
    except SaidOtherwise as problem:
        places = [_place(body, field) for field in problem.fields]
        problem.errors = [{"in": "body", "where": w, "text": str(problem)} for w in places]
        raise
    except (WrongField, actions.ReasonMissing) as problem:
        where = _place(body, problem.field)
        problem.errors = [{"in": "body", "where": where, "text": str(problem)}]
        raise


def _by_code(fault: Reason) -> str:
    return words.reason(fault.code, fault.params, by_code=True)


def _place(body: api.Body, field: str) -> str:
    """A JSON pointer to a field of a card; to the whole body where that has no such field."""
    name = _SENT_AS.get(field, field)
    if name in type(body).model_fields:
        return f"/{name}"
    for part in ("patient", "case"):
        inner = getattr(body, part, None)
        if inner is not None and name in type(inner).model_fields:
            return f"/{part}/{name}"
    return ""


def _check_counted(
    condition: str, first: date, last: date, as_of: datetime | None, now: datetime
) -> None:
    """Refuse what nothing can be counted of, instead of counting nothing."""
    api.in_order("last", last, "first", first)
    if as_of is not None and as_of > now + rules.SKEW:
        raise api.wrong("as_of", "in_future")
    api.among("condition", condition, queries.condition_codes())
    try:
        queries.pack_on(last)
    except NoPackInForce:
        raise api.wrong("last", "no_rules") from None


def _choices_out(pack: Pack, day: date) -> dict[str, Any]:
    return {
        "on": day,
        "pack": pack.id,
        "conditions": [
            {
                **_line(row.code, period.name),
                "asks_course": row.asks_course,
                "forms": [
                    {**_line(form.code, form.name), "asks_course": form.asks_course}
                    for form in row.subtypes
                ],
                "case_classes": [c.code for c in packs.case_classes(pack, row.code, day)],
                "severities": [s.code for s in packs.severities(pack, row.code, day)],
            }
            for row in pack.conditions
            if (period := row.period_on(day)) is not None
        ],
        "case_classes": _lines(row for row in pack.case_classes if row.covers(day)),
        "severities": _lines(row for row in pack.severity if row.covers(day)),
        "relations": [
            {**_line(row.code, row.name), "lives": row.lives} for row in pack.residence_relations
        ],
        "occupations": [
            {**_line(row.code, row.name), "asks_school": row.asks_school}
            for row in pack.occupations
        ],
        "id_kinds": [
            _line(kind.value, Text(zh=_in("zh-hans", kind), en=_in("en", kind)))
            for kind in DocumentKind
        ],
    }


def _lines(rows: Iterable[Line]) -> list[dict[str, str]]:
    return [_line(row.code, row.name) for row in rows]


def _line(code: str, name: Text) -> dict[str, str]:
    return {"code": code, "name_zh": name.zh, "name_en": name.en}


def _in(language: str, kind: DocumentKind) -> str:
    with translation.override(language):
        return str(kind.label)


# What ``CaseOut`` tells and reckons with, as ORM paths: a list reads these columns alone. Places
# are told from memory: each table joined costs PostgreSQL more for the plan than for the rows.
SHOWN = (
    "public_id",
    "number",
    "condition",
    "case_class",
    "severity",
    "person__name",
    "person__restricted_at",
    "person__public_id",
    "county_id",
    "area_id",
    "facility_id",
    "onset_date",
    "diagnosed_at",
    "died_on",
    "reported_at",
    "report_due_at",
    "review_state",
    "review_due_at",
    "reviewed_at",
    "definition",
    "synthetic",
)


def _out(case: Case, at: datetime) -> dict[str, Any]:
    return _teller(at)({path: _kept(attrgetter(path.replace("__", "."))(case)) for path in SHOWN})


def _kept(value: object) -> object:
    """A moment as the database gives it back, so that a repeat is told the same."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _teller(at: datetime) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """How a case is told at a moment, with the codes and ids of its places."""
    return partial(_told, at=at, codes=queries.area_codes(), facilities=queries.facility_ids())


def _told(
    case: Mapping[str, Any],
    *,
    at: datetime,
    codes: Mapping[int, str],
    facilities: Mapping[int, UUID],
) -> dict[str, Any]:
    return {
        "id": case["public_id"],
        "number": case["number"],
        "condition": case["condition"],
        "case_class": case["case_class"],
        "severity": case["severity"],
        "person": case["person__public_id"],
        "patient": called(
            case["person__name"], case["person__restricted_at"], case["person__public_id"]
        ),
        "county": codes[case["county_id"]],
        "area": codes[case["area_id"]],
        "facility": facilities[case["facility_id"]],
        "onset_date": case["onset_date"],
        "diagnosed_at": case["diagnosed_at"],
        "died_on": case["died_on"],
        "reported_at": case["reported_at"],
        "report_due_at": case["report_due_at"],
        "report_clock": rules.clock_state(case["report_due_at"], at, case["reported_at"]),
        "review_state": case["review_state"],
        "review_due_at": case["review_due_at"],
        "review_clock": rules.clock_state(case["review_due_at"], at, case["reviewed_at"]),
        "definition": case["definition"],
        "synthetic": case["synthetic"],
    }


def _in_county(code: str, at: datetime) -> Q:
    """By key where the code is one of today's: the database then knows which rows it will find."""
    keys = [c.pk for c in queries.home_counties(clock.day_of(at)) if c.code == code]
    return Q(county_id__in=keys) if keys else Q(county__code=code)
