"""Pages of screening: contacts of a case, who is watched, the visits of the day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.imports.types import Kind
from fangkong.core.pages import export
from fangkong.core.permissions import allowed
from fangkong.people import queries as people
from fangkong.surveillance.monitoring import describe as cases
from fangkong.surveillance.monitoring.types import REPORT
from fangkong.surveillance.testing.types import REQUEST

from . import actions, describe, drawing, figures, forms, queries, rules, words
from .imports import CONTACTS
from .models import Exposure, Observation
from .types import FOLLOW, TRACE, VIEW, VISIT

if TYPE_CHECKING:
    from fangkong.people.models import Person
    from fangkong.surveillance.monitoring.models import Case

SHOWN_ELSEWHERE = 5  # observations on the page of a person

OBSERVATIONS = pages.Listing[Observation](
    name="observations",
    title=gettext_lazy("Persons under observation"),
    columns=[
        pages.Column(
            "person",
            gettext_lazy("Person"),
            lambda one: one.person.masked_name,
            url=lambda one: one.get_absolute_url(),
            names=True,
        ),
        pages.Column("condition", gettext_lazy("Disease"), describe.condition, optional=True),
        pages.Column(
            "class",
            gettext_lazy("Class of contact"),
            describe.contact_class,
            draw=lambda one, at: describe.class_badge(one),
        ),
        pages.Column(
            "first", gettext_lazy("First day"), lambda one: one.first_date, order="first_date"
        ),
        pages.Column("last", gettext_lazy("Last day"), lambda one: one.last_date),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_ending_display(),
            draw=describe.state_badge,
        ),
        pages.Column("area", gettext_lazy("Area"), lambda one: one.area.display_name),
        pages.Column(
            "unit",
            gettext_lazy("Visited by"),
            lambda one: "" if one.unit is None else one.unit.display_name,
            optional=True,
        ),
    ],
    order="-first",
    empty=gettext_lazy("Nobody. Who is watched begins as a contact, on the page of a case."),
    person="person__public_id",
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The observations open to the user."""
    return pages.listing(
        request,
        OBSERVATIONS,
        queries.open_to(request.user, request.now),
        template="surveillance/screening/index.html",
        filters=forms.ObservationFilter(request.GET, user=request.user, at=request.now),
        context={
            "may_visit": bool(request.user.scope(VISIT, request.now)),
            "may_trace": bool(request.user.scope(TRACE, request.now)),
        },
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One observation: its days, its visits, and what comes next."""
    return _detail(request, _observation(request, public_id, queries.open_to))


# --- The day of a team ----------------------------------------------------------------------------


@allowed(VIEW)
def today(request: StaffRequest) -> HttpResponse:
    """Whom the user's unit still has to visit, household by household."""
    return _today(request, None)


@allowed(VISIT)
@require_POST
def many(request: StaffRequest) -> HttpResponse:
    """A household of which nobody has symptoms."""
    rows = queries.rounds(request.user, request.now)
    form = forms.ManyForm(request.POST, rows=rows)
    chosen = [form.rows[key] for key in request.POST.getlist("observations") if key in form.rows]
    opened(request, chosen, how=How.OPENED)
    if done := pages.carry_out(request, form, actions.visit_many, form.asked):
        entered = done.result["entered"]
        said = ngettext("%(n)d visit is entered.", "%(n)d visits are entered.", entered)
        messages.success(request, said % {"n": entered})
        for one in done.result["refused"]:
            messages.warning(request, one["text"])
        return redirect("surveillance:screening:today")
    return _today(request, form)


@allowed(VISIT)
def visit(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Enter a visit; afterwards comes the next person of the day."""
    found = _observation(request, public_id, queries.open_to_visit)
    form = forms.VisitForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.visit, form.asked, observation=found):
        said = {"name": found.person.masked_name, "met": done.result.get_met_display()}
        messages.success(request, _("%(name)s: %(met)s.") % said)
        following = _next(request, found)
        if following is None:
            return redirect("surveillance:screening:today")
        return redirect("surveillance:screening:visit", following.public_id)
    return _visit_form(request, found, form, _("Visit"), _("Save, then the next"))


@allowed(VISIT)
def correct_visit(request: StaffRequest, public_id: UUID, visit_id: UUID) -> HttpResponse:
    """Say a visit anew."""
    found = _observation(request, public_id, queries.open_to_visit)
    known = queries.visit_of(found, visit_id)
    if known is None:
        raise Http404
    form = pages.editing(forms.VisitForm(request.POST or None, visit=known), known)
    if pages.carry_out(request, form, actions.correct_visit, form.asked, visit=known):
        messages.success(request, _("The visit is corrected."))
        return redirect(found)
    title = _("Correct the visit of %(day)s") % {"day": known.day}
    return _visit_form(request, found, form, title, _("Correct the visit"))


@allowed(VIEW)
def follow_up(request: StaffRequest) -> HttpResponse:
    """Who is watched by county and township, and who is due today by unit."""
    found = figures.followed(request.user, request.now)
    page = {"area_map": figures.by_county(found), "found": found}
    return render(request, "surveillance/screening/follow_up.html", page)


@allowed(VIEW)
def follow_up_map(request: StaffRequest) -> JsonResponse:
    """The map as JSON."""
    return pages.map_json(figures.by_county(figures.followed(request.user, request.now)))


# --- The end, and the way to others ---------------------------------------------------------------


@allowed(TRACE)
@require_POST
def release(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The term is over."""
    form = forms.ReleaseForm(request.POST, prefix="release")
    return _step(request, public_id, form, actions.release)


@allowed(TRACE)
@require_POST
def end(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The observation ends before its term."""
    return _step(request, public_id, forms.EndForm(request.POST, prefix="end"), actions.end)


@allowed(TRACE)
@require_POST
def hand_over(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Another county takes over."""
    found = _observation(request, public_id, queries.open_to_manage)
    form = forms.HandOverForm(request.POST, prefix="hand_over", observation=found, at=request.now)
    return _step(request, public_id, form, actions.hand_over, form.asked)


@allowed(TRACE)
@require_POST
def assign(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Another unit visits."""
    found = _observation(request, public_id, queries.open_to_manage)
    form = forms.AssignForm(request.POST, prefix="assign", observation=found, at=request.now)
    return _step(request, public_id, form, actions.assign, form.asked)


# --- Contacts -------------------------------------------------------------------------------------


@allowed(FOLLOW)
def contacts(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The contacts of a case, and the form for the next one."""
    case = _case(request, public_id)
    person = _person(request)
    if person is not None:
        opened(request, person)
    form = None
    if _may_enter(request, case):
        between = queries.between(case, request.user, request.now)
        second = bool(request.GET.get("through")) and bool(between)
        form = forms.ContactForm(
            request.POST or None,
            case=case,
            person=person,
            between=between if second else (),
            at=request.now,
            initial=_kept(request),
        )
    elif request.method == "POST":  # who only reads
        return HttpResponseNotAllowed(["GET"])
    if form is not None and (
        done := pages.carry_out(request, form, actions.expose, form.asked, case=case)
    ):
        made = done.result
        said = {"name": made.person.masked_name, "class": describe.contact_class(made)}
        messages.success(request, _("%(name)s: %(class)s.") % said)
        query = urlencode(form.kept())
        return redirect(f"{reverse('surveillance:screening:contacts', args=[public_id])}?{query}")
    return _contacts(request, case, form, person)


@allowed(TRACE)
@require_POST
def find(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Look a person up before they are entered as a contact."""
    case = _case(request, public_id)
    if not _may_enter(request, case):
        raise Http404
    search = forms.FindForm(request.POST)
    text = search.cleaned_data["text"] if search.is_valid() else ""
    found = queries.persons_to_enter(request.user, request.now, text) if text else []
    opened(request, found, how=How.FOUND)
    between = queries.between(case, request.user, request.now)
    second = bool(request.GET.get("through")) and bool(between)
    form = forms.ContactForm(
        case=case,
        person=None,
        between=between if second else (),
        at=request.now,
        initial={**_kept(request), **_typed(text)},
    )
    return _contacts(request, case, form, None, search=search, found=found, looked=bool(text))


@allowed(TRACE)
@require_POST
def judge_anew(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Bring contacts and observations in line with the present card of a case."""
    case = _case(request, public_id)
    if not _may_enter(request, case):
        raise Http404
    form = pages.Form(request.POST)
    if pages.carry_out(request, form, actions.judge_anew, None, case=case):
        messages.success(request, _("The contacts are judged anew."))
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect("surveillance:screening:contacts", public_id)


@allowed(FOLLOW)
def contact(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One contact: how it was judged, and why."""
    return _contact(request, _exposure(request, public_id, queries.contacts_open_to))


@allowed(TRACE)
@require_POST
def judge(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Judge a contact otherwise."""
    found = _exposure(request, public_id, queries.contacts_to_judge)
    form = forms.JudgeForm(request.POST, prefix="judge", exposure=found, at=request.now)
    return _decide(request, found, form, actions.judge)


@allowed(TRACE)
@require_POST
def withdraw(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The contact was entered in error."""
    found = _exposure(request, public_id, queries.contacts_to_judge)
    return _decide(
        request, found, forms.ReasonForm(request.POST, prefix="withdraw"), actions.withdraw
    )


@allowed(TRACE)
@require_POST
def name_source(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """This exposure infected its person."""
    found = _exposure(request, public_id, queries.contacts_to_judge)
    return _decide(request, found, pages.Form(request.POST), actions.name_source)


# --- Chains ---------------------------------------------------------------------------------------


@allowed(FOLLOW)
def chain(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Who infected whom, likeliest: a tree, a timeline, and the same as a table."""
    case = _case(request, public_id)
    joined, found, incubation = queries.chain(case, request.user, request.now)
    rows = drawing.stories(joined, found)
    numbers = {row.key: row.number for row in rows}
    head = _chain_head()
    title = _("Chain of transmission")
    page = {
        "case": case,
        "condition": cases.condition(case),
        "tree": SafeString(drawing.tree(rows, title)),  # escapes every text of its own
        "timeline": SafeString(drawing.timeline(rows, title)),
        "rows": [(row, list(zip(head, _chain_cells(row), strict=True))) for row in rows],
        "head": head,
        "cut": [(numbers[one.source], numbers[one.target]) for one in found.cut],
        "whole": joined.whole,
        "incubation": incubation,
    }
    return render(request, "surveillance/screening/chain.html", page)


@allowed(FOLLOW)
def chain_csv(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """The chain as a table to take away."""
    case, rows, mark = _taken_away(request, public_id, "csv")
    return export.csv_response(
        f"chain-{case.number}", _chain_head(), [_chain_cells(row) for row in rows], mark
    )


@allowed(FOLLOW)
def chain_svg(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The chain as a drawing to take away."""
    case, rows, mark = _taken_away(request, public_id, "svg")
    title = f"{_('Chain of transmission')} {case.number}"
    answer = HttpResponse(drawing.both(rows, title, mark), content_type="image/svg+xml")
    answer["Content-Disposition"] = f'attachment; filename="chain-{case.number}.svg"'
    return answer


def _taken_away(
    request: StaffRequest, public_id: UUID, kind: str
) -> tuple[Case, list[drawing.Story], str]:
    """The rows of a file, the persons noted, and the watermark of its line in the trail."""
    case = _case(request, public_id)
    joined, found, _incubation = queries.chain(case, request.user, request.now)
    rows = drawing.stories(joined, found)
    opened(request, list(joined.cases.values()), how=How.EXPORTED)
    mark = export.note(
        "surveillance.screening.chain",
        case,
        by=request.user,
        at=request.now,
        kind=kind,
        rows=len(rows),
    )
    return case, rows, mark


def _chain_head() -> list[str]:
    return [
        _("Case"),
        _("Generation"),
        _("Likeliest source"),
        _("First day together"),
        _("Last day together"),
        _("Onset"),
        _("Diagnosed"),
        _("Persons exposed"),
    ]


def _chain_cells(row: drawing.Story) -> list[object]:
    source = _("%(number)s (named)") % {"number": row.source} if row.named else row.source
    days = [row.first, row.last, row.onset, row.diagnosed]
    return [row.number, row.generation, source, *days, row.contacts]


# --- What the pages share -------------------------------------------------------------------------


def of_person(request: HttpRequest, person: object) -> str:
    """The observations on the page of a person (a slot)."""
    user, at, known = _asking(request)
    if not user.scope(VIEW, at):
        return ""
    rows = queries.of_person(person, user, at)[:SHOWN_ELSEWHERE]  # type: ignore[arg-type]
    shown = [(one, describe.condition(one), describe.state_badge(one, at)) for one in rows]
    if not shown:
        return ""
    page = {"observations": shown, "known": known}
    return render_to_string("surveillance/screening/_of_person.html", page, request)


def of_case(request: HttpRequest, case: object) -> str:
    """How many contacts a case has (a slot)."""
    user, at, _known = _asking(request)
    if not user.scope(FOLLOW, at):
        return ""
    rows = queries.contacts_of(case, user, at).filter(withdrawn_at__isnull=True)  # type: ignore[arg-type]
    classes = list(rows.values_list("contact_class", flat=True))
    page = {
        "case": case,
        "contacts": len(classes),
        "close": sum(1 for one in classes if one == "close-contact"),
        "may_enter": _may_enter(request, case),
    }
    return render_to_string("surveillance/screening/_of_case.html", page, request)


def _asking(request: Any) -> tuple[Any, Any, bool]:
    return request.user, request.now, True


def _may_enter(request: Any, case: Any) -> bool:
    return queries.cases_to_trace(request.user, request.now).filter(pk=case.pk).exists()


def _observation(
    request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Observation]]
) -> Observation:
    found = get_object_or_404(among(request.user, request.now), public_id=public_id)
    opened(request, found)
    return found


def _exposure(
    request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Exposure]]
) -> Exposure:
    found = get_object_or_404(among(request.user, request.now), public_id=public_id)
    opened(request, found)
    return found


def _case(request: StaffRequest, public_id: UUID) -> Case:
    found = queries.case_shown(request.user, request.now, public_id)
    if found is None:
        raise Http404
    opened(request, found)
    return found


def _person(request: StaffRequest) -> Person | None:
    key = request.GET.get("person", "")
    if not key:
        return None
    try:
        found = queries.person_to_enter(request.user, request.now, UUID(key))
    except ValueError:
        found = None
    if found is None:
        raise Http404
    return found


def _kept(request: StaffRequest) -> dict[str, str]:
    """What the contact before had: kind, setting and days."""
    names = ("kind", "setting", "first_date", "last_date", "through")
    return {name: request.GET[name] for name in names if request.GET.get(name)}


def _typed(text: str) -> dict[str, str]:
    """What was looked for in vain, at the field that it belongs to."""
    plain = text.strip()
    if not plain:
        return {}
    if not any(sign.isdigit() for sign in plain):
        return {"name": plain}
    return {"phone" if plain.isdigit() and len(plain) == 11 else "id_number": plain}


def _next(request: StaffRequest, done: Observation) -> Observation | None:
    """The person of the day after this one, in the order of the rounds; at the end the first."""
    rows = queries.rounds(request.user, request.now)
    place = queries.door(done)
    return next((one for one in rows if queries.door(one) > place), next(iter(rows), None))


def _today(request: StaffRequest, form: forms.ManyForm | None) -> HttpResponse:
    user, at = request.user, request.now
    rows = queries.rounds(user, at)
    figures = queries.today(user, at)
    page = {
        "form": form,
        "figures": figures,
        "households": _households(rows, request),
        "more": len(rows) < figures.to_visit and bool(user.scope(VISIT, at)),
        "most": queries.MOST_TODAY,
        "may_visit": bool(user.scope(VISIT, at)),
    }
    status = 200 if form is None else pages.status_of(form)
    return render(request, "surveillance/screening/today.html", page, status=status)


def _households(rows: Iterable[Observation], request: StaffRequest) -> list[dict[str, Any]]:
    """The persons of the day by where they live; an address itself is not shown."""
    day = clock.day_of(request.now)
    found = []
    for (_path, _home), members in groupby(rows, key=lambda one: queries.door(one)[:2]):
        home = list(members)
        persons = [
            {
                "row": one,
                "class": describe.contact_class(one),
                "place": describe.place(one, day),
                "left": describe.state(one, request.now),
            }
            for one in home
        ]
        found.append(
            {"area": home[0].area.display_name, "persons": persons, "many": len(persons) > 1}
        )
    return found


def _visit_form(
    request: StaffRequest,
    found: Observation,
    form: forms.VisitForm,
    title: str,
    submit: str,
) -> HttpResponse:
    return pages.form(
        request,
        form,
        template="surveillance/screening/visit.html",
        title=title,
        submit=submit,
        context={
            "observation": found,
            "person": describe.person_cell(found.person),
            "class": describe.contact_class(found),
            "state": describe.state(found, request.now),
            "back_url": found.get_absolute_url(),
        },
    )


def _step(
    request: StaffRequest,
    public_id: UUID,
    form: pages.Form,
    action: Callable[..., Observation],
    asked: Callable[[], dict[str, object]] | None = None,
) -> HttpResponse:
    """Take a step from the page of an observation; what is refused is told there."""
    found = _observation(request, public_id, queries.open_to_manage)
    if done := pages.carry_out(request, form, action, asked, observation=found):
        messages.success(request, _("Done: %(state)s.") % {"state": _stands(request, found)})
        if queries.open_to(request.user, request.now).filter(pk=done.result.pk).exists():
            return redirect(done.result)
        return redirect(found)
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found.refresh_from_db()
    return _detail(request, found, status=pages.status_of(form), refused=form)


def _stands(request: StaffRequest, found: Observation) -> str:
    found.refresh_from_db()
    return describe.state(found, request.now)


def _detail(
    request: StaffRequest,
    found: Observation,
    *,
    status: int = 200,
    refused: pages.Form | None = None,
) -> HttpResponse:
    """``refused``: the form of a step as it was sent, shown again with what is wrong."""
    user, at = request.user, request.now
    visits = queries.visits_of(found)
    exposures = queries.exposures_of(found, user, at) if user.scope(FOLLOW, at) else []
    may_visit = found.is_open and queries.open_to_visit(user, at).filter(pk=found.pk).exists()
    person_url = ""
    if people.open_to(user, at).filter(pk=found.person_id).exists():
        person_url = found.person.get_absolute_url()
    page: dict[str, Any] = {
        "observation": found,
        "condition": describe.condition(found),
        "class_badge": describe.class_badge(found),
        "state_badge": describe.state_badge(found, at),
        "clause": words.clause(found.pack, found.clause),
        "person": describe.person_cell(found.person),
        "person_url": person_url,
        "days": describe.days(found, {one.day for one in visits}, at),
        "phases": describe.phases(found),
        "visits": [
            (
                one,
                describe.met_badge(one),
                words.symptoms(one.symptoms),
                words.temperature(one.temperature),
            )
            for one in visits
        ],
        "exposures": [(one, describe.kind(one), describe.class_badge(one)) for one in exposures],
        "may_visit": may_visit,
        "may_test": bool(person_url and found.is_open and user.scope(REQUEST, at)),
        "may_report": bool(person_url and found.is_open and user.scope(REPORT, at)),
        "ways": _ways(request, found, refused),
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/screening/detail.html", page, status=status)


def _ways(
    request: StaffRequest, found: Observation, refused: pages.Form | None
) -> list[tuple[str, str, str, pages.Form]]:
    """What this user may do with it: address, heading, what follows, form."""
    user, at = request.user, request.now
    if not found.is_open or not queries.open_to_manage(user, at).filter(pk=found.pk).exists():
        return []
    about: dict[str, Any] = {"observation": found, "at": at}
    ways: list[tuple[str, str, str, pages.Form]] = [
        (
            "release",
            _("Release"),
            _("The observation ends: its term is over."),
            forms.ReleaseForm(prefix="release"),
        ),
        (
            "assign",
            _("Give to another unit"),
            _("From now on this unit visits the person."),
            forms.AssignForm(prefix="assign", **about),
        ),
        (
            "hand_over",
            _("Hand over to another county"),
            _("The observation ends here and goes on there to the same last day."),
            forms.HandOverForm(prefix="hand_over", **about),
        ),
        (
            "end",
            _("End before the term"),
            _("The observation ends. It is not opened again."),
            forms.EndForm(prefix="end"),
        ),
    ]
    if not isinstance(ways[1][3], forms.AssignForm) or not ways[1][3].units:
        ways.pop(1)
    shown = []
    for name, heading, follows, form in ways:
        used = refused if refused is not None and refused.prefix == name else form
        pages.forms.dress(used)
        url = reverse(f"surveillance:screening:{name}", args=[found.public_id])
        shown.append((url, heading, follows, used))
    return shown


def _contacts(
    request: StaffRequest,
    case: Case,
    form: forms.ContactForm | None,
    person: Person | None,
    *,
    search: forms.FindForm | None = None,
    found: Iterable[Person] = (),
    looked: bool = False,
) -> HttpResponse:
    user, at = request.user, request.now
    rows = list(queries.contacts_of(case, user, at))
    watches = queries.observations_of(rows, user, at)
    day = clock.day_of(at)
    search = search or forms.FindForm()
    for one in filter(None, (form, search)):
        pages.forms.dress(one)
    here = reverse("surveillance:screening:contacts", args=[case.public_id])
    query = urlencode(_kept(request))
    page = {
        "case": case,
        "otherwise": queries.otherwise(case, day) if _may_enter(request, case) else None,
        "form": form,
        "ruled_out": case.case_class == rules.DISCARDED,
        "search": search,
        "to": f"{reverse('surveillance:screening:find', args=[case.public_id])}?{query}",
        "here": here,
        "kept": query,
        "looked": looked,
        "found": [(one, people.masked(one, day)) for one in found],
        "person": None if person is None else people.masked(person, day),
        "chosen": person,
        "may_second": bool(form is not None and queries.seconds(case, day)),
        "contacts": [
            {
                "row": one,
                "person": describe.person_cell(one.person),
                "kind": describe.kind(one),
                "days": describe.days_cell(one),
                "badge": describe.class_badge(one),
                "otherwise": one.contact_class != one.judged_class,
                "watch": (watch := watches.get(one.observation_id or 0)),
                "state": "" if watch is None else describe.state_badge(watch, at),
                "elsewhere": one.observation_id is not None and watch is None,
            }
            for one in rows
        ],
    }
    status = 200 if form is None else pages.status_of(form)
    return render(request, "surveillance/screening/contacts.html", page, status=status)


def _decide(
    request: StaffRequest, found: Exposure, form: pages.Form, action: Callable[..., Exposure]
) -> HttpResponse:
    """Decide something about a contact from its page; what is refused is told there."""
    if pages.carry_out(request, form, action, exposure=found):
        messages.success(request, _("The contact is changed."))
        return redirect(found)
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found = _exposure(request, found.public_id, queries.contacts_open_to)
    return _contact(request, found, status=pages.status_of(form), refused=form)


def _contact(
    request: StaffRequest,
    found: Exposure,
    *,
    status: int = 200,
    refused: pages.Form | None = None,
) -> HttpResponse:
    user, at = request.user, request.now
    stands = found.withdrawn_at is None
    decides = stands and queries.contacts_to_judge(user, at).filter(pk=found.pk).exists()
    ways: list[tuple[str, str, str, pages.Form]] = []
    if decides:
        ways = [
            (
                reverse("surveillance:screening:judge", args=[found.public_id]),
                _("Judge otherwise"),
                _("The class and the term of the observation follow."),
                forms.JudgeForm(prefix="judge", exposure=found, at=at),
            ),
            (
                reverse("surveillance:screening:withdraw", args=[found.public_id]),
                _("Withdraw"),
                _("The contact counts no more. An observation that rests on it alone ends."),
                forms.ReasonForm(prefix="withdraw"),
            ),
        ]
    shown = []
    for url, heading, follows, form in ways:
        used = refused if refused is not None and refused.prefix == form.prefix else form
        pages.forms.dress(used)
        shown.append((url, heading, follows, used))
    case = queries.cases_of([found], user, at).get(found.case_id)
    watch = queries.observations_of([found], user, at).get(found.observation_id or 0)
    page = {
        "exposure": found,
        "person": describe.person_cell(found.person),
        "case": case,
        "condition": describe.condition(found),
        "kind": describe.kind(found),
        "days": describe.days_cell(found),
        "class_badge": describe.class_badge(found),
        "judged": words.named(found.pack, "classes", found.judged_class)
        or _("no contact by the rules"),
        "why": describe.why(found),
        "watch": watch,
        "state": "" if watch is None else describe.state_badge(watch, at),
        "may_name": decides and not found.is_source,
        "ways": shown,
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/screening/contact.html", page, status=status)


# --- Files of contacts ----------------------------------------------------------------------------


def contacts_of_case(request: StaffRequest) -> Kind:
    """The kind of file: of one case where the page of its contacts leads here, as far as the user
    may enter them."""
    try:
        key = UUID(request.GET.get("case", ""))
    except ValueError:
        return CONTACTS
    rows = queries.cases_to_trace(request.user, request.now)
    case = rows.filter(public_id=key).select_related("county").first()
    return replace(CONTACTS, form=partial(forms.UploadForm, case=case))
