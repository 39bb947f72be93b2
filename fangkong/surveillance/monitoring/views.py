"""Pages of monitoring: cases, their cards, and the counts. Files of cards: ``urls``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit_queries
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed
from fangkong.core.printing import sheets as printing
from fangkong.core.refusals import Refused
from fangkong.people import queries as people

from . import actions, describe, figures, forms, queries
from .models import Case
from .types import IMPORT, REPORT, REVIEW, VIEW, ReviewState

if TYPE_CHECKING:
    from fangkong.people.models import Person

FOUND = 50
SHOWN_ELSEWHERE = 20
OWN_CARD = "own_%s"  # ids of a form beside that of the return

CASES = pages.Listing[Case](
    name="cases",
    title=gettext_lazy("Cases"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda case: case.number,
            url=lambda case: case.get_absolute_url(),
            names=True,
        ),
        pages.Column("condition", gettext_lazy("Disease"), describe.condition),
        pages.Column(
            "class",
            gettext_lazy("Case class"),
            describe.case_class,
            draw=lambda case, at: describe.class_badge(case),
        ),
        pages.Column(
            "clock",
            gettext_lazy("Report clock"),
            describe.clock_of,
            draw=describe.report_badge,
        ),
        pages.Column(
            "review",
            gettext_lazy("Review clock"),
            describe.review_of,
            draw=describe.review_badge,
        ),
        pages.Column(
            "person",
            gettext_lazy("Patient"),
            lambda case: case.person.masked_name,
            draw=lambda case, at: describe.patient(case),
            names=True,
        ),
        pages.Column("county", gettext_lazy("County"), lambda case: case.county.display_short),
        pages.Column("onset", gettext_lazy("Onset"), lambda case: case.onset_date),
        pages.Column(
            "diagnosed",
            gettext_lazy("Diagnosed"),
            lambda case: case.diagnosed_at,
            order="diagnosed_at",
        ),
        pages.Column(
            "reported", gettext_lazy("Reported"), lambda case: case.reported_at, order="reported_at"
        ),
    ],
    order="-reported",
    empty=gettext_lazy("No case has been reported yet."),
    person="person__public_id",
)


OVERDUE = replace(
    CASES,
    name="overdue",
    title=gettext_lazy("Overdue reviews"),
    order="reported",
    empty=gettext_lazy("No review is overdue here."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The cases open to the user."""
    return pages.listing(
        request,
        CASES,
        queries.listed(request.user, request.now),
        template="surveillance/monitoring/index.html",
        filters=forms.CaseFilter(request.GET, user=request.user, at=request.now),
        context={
            "find_form": forms.FindForm(),
            "may_report": bool(request.user.scope(REPORT, request.now)),
            "may_import": bool(request.user.scope(IMPORT, request.now)),
        },
    )


@allowed(VIEW)
@require_POST
def find(request: StaffRequest) -> HttpResponse:
    """The case of a number, or the cases of the persons that a text may mean."""
    form = forms.FindForm(request.POST)
    text = form.cleaned_data["text"].strip() if form.is_valid() else ""
    cases = list(queries.found(request.user, request.now, text)[:FOUND]) if text else []
    if len(cases) == 1:
        return redirect(cases[0])
    opened(request, cases, how=How.FOUND)
    page = {"find_form": form, "cases": cases, "limit": FOUND if len(cases) == FOUND else 0}
    return render(request, "surveillance/monitoring/find.html", page)


@allowed(REPORT)
def report(request: StaffRequest) -> HttpResponse:
    """The report card: empty, or for a person of the register, of whom no more is asked."""
    person = _person(request)
    form = forms.ReportForm(
        request.POST or None,
        user=request.user,
        at=request.now,
        person=person,
        initial={"condition": request.GET.get("condition", "")},
    )
    known: Case | None = None
    if request.method == "POST" and form.is_valid():
        try:
            case = once(
                pages.key_of(request),
                actions.report,
                **form.asked(),
                by=request.user,
                at=request.now,
            )
        except actions.AlreadyReported as problem:
            form.add_error(None, str(problem))
            known = queries.open_to(request.user, request.now).filter(pk=problem.case.pk).first()
        except actions.NotAcceptable as problem:
            form.say(problem.faults)
        except Refused as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("Case %(number)s is reported.") % {"number": case.number})
            return redirect(case)
    return pages.form(
        request,
        form,
        template="surveillance/monitoring/report.html",
        title=_("Report card"),
        submit=_("Report"),
        context={
            "known": known,
            "patient": None if person is None else people.masked(person, clock.day_of(request.now)),
            "back_url": reverse("surveillance:monitoring:index")
            if person is None
            else person.get_absolute_url(),
        },
    )


def _person(request: StaffRequest) -> Person | None:
    """The person that the address names."""
    key = request.GET.get("person", "")
    if not key:
        return None
    try:
        wanted = UUID(key)
    except ValueError:
        raise Http404 from None
    found = queries.person_to_report(request.user, request.now, wanted)
    if found is None:
        raise Http404
    opened(request, found)
    return found


def of_person(request: HttpRequest, person: object) -> str:
    """The cases on the page of a person (a slot), and the way to a card."""
    asked = cast(StaffRequest, request)
    user, at = asked.user, asked.now
    if not user.scope(VIEW, at):
        return ""
    page = {
        "cases": list(queries.cases_of_person(cast(Model, person), user, at)[:SHOWN_ELSEWHERE]),
        "may_report": bool(user.scope(REPORT, at)),
        "person": person,
    }
    return render_to_string("surveillance/monitoring/_of_person.html", page, request)


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One case with its cards and clocks."""
    return _detail(request, _case(request, public_id))


@allowed(REPORT)
def revise(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A revised card of a case."""
    open_cases = queries.open_to_revise(request.user, request.now)
    case = get_object_or_404(open_cases, public_id=public_id)
    opened(request, case)
    form = pages.editing(
        forms.ReviseForm(request.POST or None, case=case, user=request.user, at=request.now), case
    )
    if pages.carry_out(request, form, actions.revise, form.asked, case=case):
        messages.success(request, _("The report is revised."))
        return redirect(case)
    return pages.form(
        request,
        form,
        title=_("Revise %(number)s") % {"number": case.number},
        submit=_("Send the revised card"),
        template="surveillance/monitoring/revise.html",
        context={"case": case, "back_url": case.get_absolute_url()},
    )


@allowed(REVIEW)
@require_POST
def accept(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Accept the card that the page showed."""
    case = _to_review(request, public_id)
    form = forms.AcceptForm(request.POST, auto_id=OWN_CARD)
    if pages.carry_out(request, form, actions.review, case=case, accept=True):
        messages.success(request, _("The card is accepted."))
        return redirect(case)
    return _not_reviewed(request, case, form)


@allowed(REVIEW)
@require_POST
def send_back(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Return the card that the page showed to the facility."""
    case = _to_review(request, public_id)
    form = forms.ReturnForm(request.POST)
    if pages.carry_out(request, form, actions.review, case=case, accept=False):
        messages.success(request, _("The card is returned to the facility."))
        return redirect(case)
    return _not_reviewed(request, case, form)


def _not_reviewed(request: StaffRequest, case: Case, form: forms.AcceptForm) -> HttpResponse:
    """The case as it stands now, and why the decision was not taken; a typed reason stays."""
    problem = form.problem
    if "card" in form.errors:
        messages.warning(request, _("The page did not say which card it showed. Look at it here."))
    elif problem is not None and "reason" not in form.errors:
        messages.warning(request, str(problem))
    case.refresh_from_db()
    status = 422 if problem is None else problem.status
    if isinstance(form, forms.ReturnForm):
        return _detail(request, case, return_form=form, status=status)
    return _detail(request, case, accept_form=form, status=status)


@allowed(VIEW)
def counts(request: StaffRequest) -> HttpResponse:
    """The curve by day and class, and the map by county."""
    asked = figures.asked(request.user, request.now, request.GET)
    page = {
        "form": asked.form,
        "asked": asked,
        "chart": figures.curve(asked),
        "area_map": figures.by_county(asked),
        "definitions": asked.definitions,
    }
    return render(request, "surveillance/monitoring/counts.html", page)


@allowed(VIEW)
def counts_chart(request: StaffRequest) -> JsonResponse:
    """The curve as JSON."""
    return pages.chart_json(figures.curve(figures.asked(request.user, request.now, request.GET)))


@allowed(VIEW)
def counts_map(request: StaffRequest) -> JsonResponse:
    """The map as JSON."""
    return pages.map_json(figures.by_county(figures.asked(request.user, request.now, request.GET)))


@allowed(VIEW)
def overdue(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """The overdue reviews of a county: where its task leads."""
    counties = queries.counted_counties(request.user, request.now)
    county = next((one for one in counties if one.public_id == public_id), None)
    if county is None:
        raise Http404
    rows = queries.listed(request.user, request.now).filter(county_id=county.pk)
    return pages.listing(
        request,
        OVERDUE,
        queries.past_review(rows, request.now),
        template="surveillance/monitoring/overdue.html",
        context={"county": county},
    )


def _case(request: StaffRequest, public_id: UUID) -> Case:
    case = get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)
    opened(request, case)
    return case


def _to_review(request: StaffRequest, public_id: UUID) -> Case:
    open_cases = queries.open_to_review(request.user, request.now)
    case = get_object_or_404(open_cases, public_id=public_id)
    opened(request, case)
    return case


def _detail(
    request: StaffRequest,
    case: Case,
    *,
    return_form: forms.ReturnForm | None = None,
    accept_form: forms.AcceptForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user, at = request.user, request.now
    may_review = queries.open_to_review(user, at).filter(pk=case.pk).exists()
    stories = describe.stories(queries.cards_of(case))
    page: dict[str, Any] = {
        "case": case,
        "facts": describe.facts(case),
        "stories": stories,
        "patient": people.masked(case.person, clock.day_of(at)),
        "person_url": _person_url(request, case),
        "may_review": may_review and case.review_state == ReviewState.WAITING,
        "newest": stories[0].card.sequence if stories else 0,
        "own_card": bool(stories) and stories[0].card.by_id == user.pk,
        "accept_form": accept_form or forms.AcceptForm(auto_id=OWN_CARD),
        "may_revise": queries.open_to_revise(user, at).filter(pk=case.pk).exists(),
        "return_form": return_form or forms.ReturnForm(),
        "history": audit_queries.history_of(case),
    }
    if "print" in request.GET and request.method == "GET":
        return printing.sheet(
            request,
            "surveillance/monitoring/sheet.html",
            page,
            title=_("Report card %(number)s") % {"number": case.number},
            name=f"card-{case.number}",
            subject=case,
        )
    return render(request, "surveillance/monitoring/detail.html", page, status=status)


def _person_url(request: StaffRequest, case: Case) -> str:
    """The person's own page, where this user may open it."""
    known = people.open_to(request.user, request.now).filter(pk=case.person_id)
    return case.person.get_absolute_url() if known.exists() else ""
