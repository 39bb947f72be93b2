"""Pages of testing: specimens and their way, scanning tubes, results, and a laboratory's board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.permissions import allowed
from fangkong.people import queries as people
from fangkong.surveillance.monitoring.types import REPORT

from . import actions, describe, forms, pools, queries, rules
from .models import Pool, Specimen
from .pool_views import held_notes
from .types import HANDLE, REQUEST, TEST, VIEW, ResultOutcome, State

if TYPE_CHECKING:
    from fangkong.people.models import Person
    from fangkong.surveillance.monitoring.models import Case

SHOWN_ELSEWHERE = 10  # specimens on the page of a person or case

SPECIMENS = pages.Listing[Specimen](
    name="specimens",
    title=gettext_lazy("Specimens"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
            names=True,
        ),
        pages.Column(
            "subject",
            gettext_lazy("Person or surface"),
            describe.subject,
            draw=lambda one, at: describe.subject_cell(one),
            names=True,
        ),
        pages.Column("condition", gettext_lazy("Disease"), describe.condition),
        pages.Column("type", gettext_lazy("Specimen"), describe.specimen_type, optional=True),
        pages.Column("group", gettext_lazy("Group tested"), describe.group, optional=True),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_state_display(),
            draw=lambda one, at: describe.state_badge(one),
        ),
        pages.Column(
            "promise",
            gettext_lazy("Promise"),
            lambda one: one.due_at,
            draw=describe.clock_badge,
        ),
        pages.Column(
            "outcome",
            gettext_lazy("Result"),
            lambda one: one.get_outcome_display(),
            draw=lambda one, at: describe.outcome_badge(one),
        ),
        pages.Column(
            "laboratory",
            gettext_lazy("Laboratory"),
            lambda one: one.laboratory.display_name,
            optional=True,
        ),
        pages.Column(
            "collected",
            pgettext_lazy("of a specimen", "Collected"),
            lambda one: one.collected_at,
            optional=True,
        ),
        pages.Column(
            "requested",
            pgettext_lazy("of a specimen", "Requested"),
            lambda one: one.created_at,
            order="created_at",
        ),
    ],
    order="-requested",
    empty=gettext_lazy("No specimen yet. A test is requested from a person's or a case's page."),
    person="person__public_id",
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The specimens open to the user."""
    return pages.listing(
        request,
        SPECIMENS,
        queries.open_to(request.user, request.now),
        template="surveillance/testing/index.html",
        filters=forms.SpecimenFilter(request.GET, user=request.user, at=request.now),
        context=_may(request),
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One specimen: its way, its results, and what comes next."""
    return _detail(request, _specimen(request, public_id, queries.open_to))


@allowed(REQUEST)
def request(request: StaffRequest) -> HttpResponse:
    """Ask for a test: of the person or the case that the address names, else of a surface."""
    case = _case(request)
    person = case.person if case is not None else _person(request)
    if person is not None:
        opened(request, person)
    form = forms.RequestForm(
        request.POST or None, user=request.user, at=request.now, person=person, case=case
    )
    if done := pages.carry_out(request, form, actions.request, form.asked):
        made = done.result
        messages.success(request, _("Specimen %(number)s is requested.") % {"number": made.number})
        return redirect(made)
    back = case or person
    return pages.form(
        request,
        form,
        template="surveillance/testing/request.html",
        title=_("Request a test"),
        submit=pgettext("button", "Request"),
        context={
            "person": None if person is None else people.masked(person, clock.day_of(request.now)),
            "case": case,
            "back_url": reverse("surveillance:testing:index")
            if back is None
            else back.get_absolute_url(),
        },
    )


VERBS = {
    "collected": pgettext_lazy("button", "Collect"),
    "shipped": pgettext_lazy("button", "Send off"),
    "received": pgettext_lazy("button", "Receive"),
}
# The steps that are scanned: who may take them, and what they do with a tube of one or of many.
_Open = Callable[[Any, Any], "QuerySet[Any]"]
SCANNED: dict[str, tuple[_Open, Callable[..., Any], _Open, Callable[..., Any]]] = {
    "collected": (
        queries.open_to_send,
        actions.collect,
        queries.pools_to_send,
        pools.close_pool,
    ),
    "shipped": (queries.open_to_send, actions.ship, queries.pools_to_send, pools.ship_pool),
    "received": (
        queries.open_to_receive,
        actions.receive,
        queries.pools_to_receive,
        pools.receive_pool,
    ),
}


@allowed(HANDLE)
def scan(request: StaffRequest) -> HttpResponse:
    """One tube after the other: scan or type its number, Enter, the next one.

    At the collection the number of an open pool leads to the page where it is filled.
    """
    steps = _scanned(request)
    asked = request.POST.get("step") or request.GET.get("step", "")
    step = asked if asked in steps else steps[0]
    form = forms.ScanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        found, action = _tube(request, step, form.cleaned_data["number"])
        if found is None:
            form.add_error("number", _unknown(form.cleaned_data["number"]))
        elif step == "collected" and isinstance(found, Pool) and found.state == State.REQUESTED:
            return redirect("surveillance:testing:fill", found.public_id)
        else:
            said = {"pool" if isinstance(found, Pool) else "specimen": found}
            if isinstance(found, Specimen):
                opened(request, found, how=How.FOUND)
            if done := pages.carry_out(request, form, action, dict, **said):
                told = {"number": done.result.number, "state": done.result.get_state_display()}
                messages.success(request, _("%(number)s: %(state)s.") % told)
                return redirect(f"{reverse('surveillance:testing:scan')}?step={step}")
    page = {
        "form": form,
        "step": step,
        "steps": [(one, VERBS[one]) for one in steps],
        "done": queries.scanned_by(request.user, request.now, step),
        "may_pool": "collected" in steps,
    }
    pages.forms.dress(form)
    template = "surveillance/testing/scan.html"
    return pages.with_camera(render(request, template, page, status=pages.status_of(form)))


def _tube(
    request: StaffRequest, step: str, number: str
) -> tuple[Specimen | Pool | None, Callable[..., Any]]:
    """The tube of one or of many with this number that waits for the step, and how it is taken."""
    singles, action, many, of_many = SCANNED[step]
    single = queries.by_number(singles(request.user, request.now), number)
    if single is not None:
        return single, action
    return queries.pool_by_number(many(request.user, request.now), number), of_many


@allowed(REQUEST)
@require_POST
def collect(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube is full."""
    found = _specimen(request, public_id, queries.open_to_send)
    return _step(request, found, forms.CollectForm(request.POST), actions.collect)


@allowed(REQUEST)
@require_POST
def ship(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube leaves for its laboratory."""
    found = _specimen(request, public_id, queries.open_to_send)
    form = forms.ShipForm(request.POST, specimen=found, user=request.user, at=request.now)
    return _step(request, found, form, actions.ship)


@allowed(TEST)
@require_POST
def receive(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The laboratory has the tube."""
    found = _specimen(request, public_id, queries.open_to_test)
    return _step(request, found, forms.ReceiveForm(request.POST), actions.receive)


@allowed(TEST)
@require_POST
def refuse(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The laboratory cannot test what it got."""
    found = _specimen(request, public_id, queries.open_to_test)
    return _step(request, found, forms.EndForm(request.POST, prefix="refuse"), actions.refuse)


@allowed(HANDLE)
@require_POST
def lose(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The tube is lost."""
    found = _specimen(request, public_id, queries.open_to_lose)
    return _step(request, found, forms.EndForm(request.POST, prefix="lose"), actions.lose)


@allowed(REQUEST)
@require_POST
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The test is not needed any more."""
    found = _specimen(request, public_id, queries.open_to_send)
    return _step(request, found, forms.EndForm(request.POST, prefix="cancel"), actions.cancel)


@allowed(TEST)
def result(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Enter what was found."""
    found = _specimen(request, public_id, queries.open_to_test)
    form = pages.editing(
        forms.ResultForm(request.POST or None, condition=found.condition, at=request.now), found
    )
    if pages.carry_out(request, form, actions.enter_result, form.asked, specimen=found):
        messages.success(request, _("The result is entered."))
        return redirect(found)
    title = _("Result of %(number)s") % {"number": found.number}
    return _result_form(request, found, form, title, _("Enter the result"))


@allowed(TEST)
def correct(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Correct a reported result, with a reason."""
    found = _specimen(request, public_id, queries.open_to_test)
    newest = next(iter(queries.results_of(found)), None)
    if newest is None:
        raise Http404
    form = pages.editing(
        forms.ResultForm(
            request.POST or None, condition=found.condition, at=request.now, corrects=newest
        ),
        found,
    )
    if pages.carry_out(request, form, actions.correct_result, form.asked, specimen=found):
        messages.success(request, _("The result is corrected."))
        return redirect(found)
    title = _("Correct the result of %(number)s") % {"number": found.number}
    return _result_form(request, found, form, title, _("Correct the result"))


@allowed(TEST)
@require_POST
def withdraw(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Take a reported result back; the tube is to be tested again."""
    found = _specimen(request, public_id, queries.open_to_test)
    form = forms.WithdrawForm(request.POST, prefix="withdraw")
    if pages.carry_out(request, form, actions.withdraw_result, specimen=found):
        messages.success(request, _("The result is taken back. The tube is to be tested again."))
        return redirect(found)
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found.refresh_from_db()
    return _detail(request, found, status=pages.status_of(form), refused=form)


@allowed(VIEW)
def board(request: StaffRequest) -> HttpResponse:
    """What waits at a laboratory, by age, and how much was positive of late."""
    form, laboratory, shown = _board(request)
    page = {
        "form": form,
        "laboratory": laboratory,
        "board": shown,
        "ages": [] if shown is None else list(zip(_ages(), shown.ages, strict=True)),
        "chart": None if shown is None else _chart(request, shown),
        "days": rules.POSITIVITY_DAYS,
        "whole": laboratory is not None
        and queries.sees_whole_board(request.user, request.now, laboratory),
        **_may(request),
    }
    pages.forms.dress(form)
    return render(request, "surveillance/testing/board.html", page)


@allowed(VIEW)
def board_chart(request: StaffRequest) -> JsonResponse:
    """Tests and positive results by day, as JSON."""
    return pages.chart_json(_chart(request, _board(request)[2] or rules.board([], [], request.now)))


# --- What the pages share -------------------------------------------------------------------------


def of_person(request: HttpRequest, person: object) -> str:
    """The specimens on the page of a person (a slot)."""
    return _beside(request, person, queries.of_person, "person")


def of_case(request: HttpRequest, case: object) -> str:
    """The specimens on the page of a case (a slot)."""
    return _beside(request, case, queries.of_case, "case")


def _beside(request: Any, record: Any, find: Callable[..., QuerySet[Specimen]], kind: str) -> str:
    user, at = request.user, request.now
    if not user.scope(VIEW, at):
        return ""
    page = {
        "held": held_notes(request, record) if kind == "person" else [],
        "specimens": list(find(record, user, at)[:SHOWN_ELSEWHERE]),
        "may_request": bool(user.scope(REQUEST, at)),
        "asks": f"{kind}={record.public_id}",
    }
    return render_to_string("surveillance/testing/_beside.html", page, request)


def _may(request: StaffRequest) -> dict[str, object]:
    return {
        "may_request": bool(request.user.scope(REQUEST, request.now)),
        "may_scan": bool(_scanned(request)),
    }


def _scanned(request: StaffRequest) -> list[str]:
    """The steps that this user takes, in their order."""
    user, at = request.user, request.now
    sends, tests = bool(user.scope(REQUEST, at)), bool(user.scope(TEST, at))
    return [*(["collected", "shipped"] if sends else []), *(["received"] if tests else [])]


def _unknown(number: str) -> str:
    """Why no tube of that number is open here: mistyped, or none of these."""
    if rules.number_fault(rules.plain_number(number)) == "mistyped":
        return _("This number is mistyped: its last sign does not fit. Scan it again.")
    return _("No tube with this number waits here for this step. Look whether it is yours.")


def _specimen(
    request: StaffRequest, public_id: UUID, among: Callable[..., QuerySet[Specimen]]
) -> Specimen:
    found = get_object_or_404(among(request.user, request.now), public_id=public_id)
    opened(request, found)
    return found


def _person(request: StaffRequest) -> Person | None:
    key = request.GET.get("person", "")
    if not key:
        return None
    return get_object_or_404(
        queries.persons_to_test(request.user, request.now), public_id=_uuid(key)
    )


def _case(request: StaffRequest) -> Case | None:
    key = request.GET.get("case", "")
    if not key:
        return None
    found = queries.case_to_test(request.user, request.now, _uuid(key))
    if found is None:
        raise Http404
    return found


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _step(
    request: StaffRequest,
    found: Specimen,
    form: pages.Form,
    action: Callable[..., Specimen],
) -> HttpResponse:
    """Take a step from the page of the specimen; what is refused is told there."""
    if done := pages.carry_out(request, form, action, specimen=found):
        told = {"number": done.result.number, "state": done.result.get_state_display()}
        messages.success(request, _("%(number)s: %(state)s.") % told)
        if queries.open_to(request.user, request.now).filter(pk=found.pk).exists():
            return redirect(found)
        return redirect("surveillance:testing:index")  # it left this laboratory's view
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    found.refresh_from_db()
    return _detail(request, found, status=pages.status_of(form), refused=form)


def _result_form(
    request: StaffRequest,
    found: Specimen,
    form: forms.ResultForm,
    title: str,
    submit: str,
) -> HttpResponse:
    return pages.form(
        request,
        form,
        template="surveillance/testing/result.html",
        title=title,
        submit=submit,
        context={
            "specimen": found,
            "subject": describe.subject_cell(found),
            "type": describe.specimen_type(found),
            "back_url": found.get_absolute_url(),
        },
    )


def _detail(
    request: StaffRequest,
    found: Specimen,
    *,
    status: int = 200,
    refused: pages.Form | None = None,
) -> HttpResponse:
    """``refused``: the form of a step as it was sent, shown again with what is wrong."""
    user, at = request.user, request.now
    sends = queries.open_to_send(user, at).filter(pk=found.pk).exists()
    tests = queries.open_to_test(user, at).filter(pk=found.pk).exists()
    loses = queries.open_to_lose(user, at).filter(pk=found.pk).exists()
    if found.pool_id is not None:
        sends = tests = loses = False  # it goes the way of its pool
    follow = rules.STEPS[found.state]
    findings = describe.findings(found, queries.results_of(found))
    person_url = ""
    if found.person is not None and people.open_to(user, at).filter(pk=found.person.pk).exists():
        person_url = found.person.get_absolute_url()
    page: dict[str, Any] = {
        "specimen": found,
        "condition": describe.condition(found),
        "type": describe.specimen_type(found),
        "biosafety": describe.biosafety(found),
        "group": describe.group(found),
        "subject": describe.subject_cell(found),
        "state_badge": describe.state_badge(found),
        "outcome_badge": describe.outcome_badge(found),
        "clock_badge": describe.clock_badge(found, at),
        "clause": describe.clause(found),
        "steps": queries.steps_of(found),
        "findings": findings,
        "person_url": person_url,
        "case": queries.case_shown(user, at, found) if found.case_id else None,
        "may_report": bool(person_url) and _unreported(request, found),
        "collect_form": forms.CollectForm() if sends and "collected" in follow else None,
        "ship_form": forms.ShipForm(specimen=found, user=user, at=at)
        if sends and "shipped" in follow
        else None,
        "receive_form": forms.ReceiveForm() if tests and "received" in follow else None,
        "pool": _pool_shown(request, found),
        "repeat": queries.repeats_of([found]).get(found.pk) if found.pool_id else None,
        "member": found.repeats,
        "release_form": _release_form(request, found),
        "may_label": bool(user.scope(HANDLE, at)),
        "may_test": tests and "tested" in follow,
        "may_correct": tests and found.state == State.REPORTED,
        "ends": [
            *_ends(found, sends, tests, loses, refused),
            *(_withdrawal(found, findings, refused) if tests else []),
        ],
        "history": audit.history_of(found),
    }
    for name in ("collect_form", "ship_form", "receive_form"):
        if page[name] is not None:
            if type(refused) is type(page[name]):
                page[name] = refused
            pages.forms.dress(page[name])
    return render(request, "surveillance/testing/detail.html", page, status=status)


def _unreported(request: StaffRequest, found: Specimen) -> bool:
    """Whether a positive result waits for the card of its person, and the user may write it."""
    positive = (found.state, found.outcome) == (State.REPORTED, ResultOutcome.POSITIVE)
    if not positive or not request.user.scope(REPORT, request.now):
        return False
    return queries.case_of(found, found.reported_at or request.now) is None


def _pool_shown(request: StaffRequest, found: Specimen) -> Pool | None:
    """The pool that a specimen lies in, where the user may open it."""
    if found.pool_id is None:
        return None
    return queries.pools_open_to(request.user, request.now).filter(pk=found.pool_id).first()


def _release_form(request: StaffRequest, found: Specimen) -> forms.EndForm | None:
    if not queries.to_release(request.user, request.now).filter(pk=found.pk).exists():
        return None
    form = forms.EndForm(prefix="release")
    pages.forms.dress(form)
    return form


def _withdrawal(
    found: Specimen, findings: Sequence[describe.Told], refused: pages.Form | None
) -> list[tuple[str, str, str, forms.EndForm]]:
    """The way to take a reported result back, as one of those that end it."""
    if found.state != State.REPORTED or not findings:
        return []
    newest = findings[0].result.sequence
    form = forms.WithdrawForm(prefix="withdraw", initial={"replaces": newest})
    if isinstance(refused, forms.WithdrawForm):
        form = refused
    pages.forms.dress(form)
    url = reverse("surveillance:testing:withdraw", args=[found.public_id])
    follows = _(
        "The result counts no more and the tube is to be tested. Whoever was let go by it is held"
        " again; of a positive one the county looks at the case."
    )
    return [(url, _("Take the result back"), follows, form)]


def _ends(
    found: Specimen, sends: bool, tests: bool, loses: bool, refused: pages.Form | None
) -> list[tuple[str, str, str, forms.EndForm]]:
    """The ways that this user may end it: address, heading, what follows, form."""
    follow = rules.STEPS[found.state]
    ways = [
        (
            tests and "refused" in follow,
            "refuse",
            _("Refuse the specimen"),
            _("It will not be tested. Whoever sent it reads why, and takes a new one."),
        ),
        (
            loses and "lost" in follow,
            "lose",
            _("Report it lost"),
            _("Its way ends here. A new specimen has to be requested."),
        ),
        (
            sends and "cancelled" in follow,
            "cancel",
            _("Cancel the request"),
            _("It will not be tested."),
        ),
    ]
    found_ways = []
    for may, name, heading, follows in ways:
        if may:
            form = forms.EndForm(prefix=name)
            if isinstance(refused, forms.EndForm) and refused.prefix == name:
                form = refused
            pages.forms.dress(form)
            url = reverse(f"surveillance:testing:{name}", args=[found.public_id])
            found_ways.append((url, heading, follows, form))
    return found_ways


def _board(request: StaffRequest) -> tuple[forms.BoardForm, Any, rules.Board | None]:
    laboratories = queries.boards(request.user, request.now)
    form = forms.BoardForm(request.GET, laboratories=laboratories)
    laboratory = form.chosen()
    shown = None
    if laboratory is not None:
        shown = queries.board(request.user, request.now, laboratory)
    return form, laboratory, shown


def _ages() -> list[str]:
    """The classes of age in words."""
    ends = [*rules.AGES[1:], None]
    return [
        _("over %(hours)d h") % {"hours": start}
        if end is None
        else _("%(start)d to %(end)d h") % {"start": start, "end": end}
        for start, end in zip(rules.AGES, ends, strict=True)
    ]


def _chart(request: StaffRequest, shown: rules.Board) -> pages.Chart:
    query = request.GET.urlencode()
    return pages.Chart(
        title=_("Results of the last %(days)d days") % {"days": rules.POSITIVITY_DAYS},
        url=f"{reverse('surveillance:testing:board_chart')}?{query}",
        x=[day.isoformat() for day, _tested, _positive in shown.days],
        series=[
            pages.Series(
                pgettext_lazy("results", "not positive"),
                [tested - positive for _day, tested, positive in shown.days],
            ),
            pages.Series(  # the second colour is the warm one
                pgettext_lazy("results", "positive"),
                [positive for _day, _tested, positive in shown.days],
            ),
        ],
        kind="stacked",
        unit=gettext_lazy("results"),
        x_label=gettext_lazy("Day"),
        as_of=request.now,
    )
