"""Pages about what persons ask of their own data."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import How
from fangkong.core.commands.actions import once
from fangkong.core.dossier import queries as dossier
from fangkong.core.pages import export
from fangkong.core.permissions import Permission, allowed
from fangkong.core.refusals import Refused

from .. import queries as people
from . import actions, copies, queries
from .forms import DecideForm, LiftForm, ReceiveForm, RequestFilter
from .models import DataRequest
from .types import DECIDE, RECEIVE, Kind

REQUESTS = pages.Listing[DataRequest](
    name="requests",
    title=_("Requests of persons"),
    columns=[
        pages.Column(
            "received",
            _("Received"),
            lambda one: one.created_at,
            order="created_at",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("kind", _("Kind"), lambda one: one.get_kind_display()),
        pages.Column(
            "state",
            _("State"),
            lambda one: one.get_state_display(),
            piece="people/requests/_state.html",
        ),
        pages.Column("due", _("Answer due"), lambda one: one.due_on, order="due_on"),
        pages.Column(
            "county", _("County"), lambda one: one.county.display_short if one.county else ""
        ),
        pages.Column("copies", _("Copies handed over"), lambda one: one.handed_over),
    ],
    order="-received",
    empty=_("No person has asked yet. A request begins on the page of the person."),
)


@never_cache
@allowed(RECEIVE)
def index(request: StaffRequest) -> HttpResponseBase:
    """The requests of the user's counties, with how many there were of each kind."""
    rows = queries.open_to(request.user, request.now)
    return pages.listing(
        request,
        REQUESTS,
        rows,
        template="people/requests/index.html",
        filters=RequestFilter(request.GET),
        context={"counts": queries.counts(rows)},
    )


@never_cache
@allowed(RECEIVE)
def new(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Receive a request of a person."""
    rows = people.one_open_to(request.user, request.now, RECEIVE)
    person = get_object_or_404(rows, public_id=public_id)
    opened(request, person)
    form = ReceiveForm(request.POST or None, initial={"kind": Kind.COPY})
    if done := pages.carry_out(request, form, actions.receive, None, person=person):
        messages.success(request, _("The request is received. Somebody else decides it."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Request of a person"),
        submit=_("Receive the request"),
        context={"back_url": person.get_absolute_url()},
    )


@never_cache
@allowed(RECEIVE)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One request: what was asked, what it would do, what was answered."""
    return _page(request, _request(request, public_id), DecideForm())


@never_cache
@allowed(DECIDE)
@require_POST
def decide(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Grant or refuse it."""
    asked = _request(request, public_id, DECIDE)
    form = DecideForm(request.POST)
    grant = pages.pressed(request, form, "grant", "refuse") == "grant"
    if grant and asked.kind == Kind.ERASE and form.is_valid():
        text = _("The data are destroyed for good, here and after every restore of a backup.")
        if page := pages.unconfirmed(
            request, text, submit=_("Erase"), back_url=asked.get_absolute_url()
        ):
            return page
    action = actions.grant if grant else actions.refuse
    if pages.carry_out(request, form, action, None, request=asked):
        messages.success(request, _("The request is decided."))
        return redirect(asked)
    return _page(request, asked, form, status=422)


@never_cache
@allowed(RECEIVE)
@require_POST
def withdraw(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The person does not ask any more."""
    asked = _request(request, public_id)
    once(pages.key_of(request), actions.withdraw, request=asked, by=request.user, at=request.now)
    messages.success(request, _("The request is withdrawn."))
    return redirect(asked)


@never_cache
@allowed(RECEIVE)
@require_POST
def give(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Hand a copy over: as paper, or as data."""
    asked = _request(request, public_id)
    form = "zip" if request.POST.get("form") == "zip" else "pdf"
    try:
        asked = once(
            pages.key_of(request),
            actions.hand_over,
            request=asked,
            form=form,
            by=request.user,
            at=request.now,
        )
        opened(request, asked.person, how=How.PRINTED if form == "pdf" else How.EXPORTED)
        held = dossier.dossier(asked.person, request.now)
        if form == "pdf":
            return copies.paper(request, asked, held)
    except Refused as problem:
        return _page(request, asked, DecideForm(), status=problem.status, problem=str(problem))
    return copies.archive(asked, held, export.signed(request.user, request.now))


@never_cache
@allowed(DECIDE)
def lift(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Ask to work with a restricted person's data again; decide it when somebody else has asked."""
    asked = _request(request, public_id, DECIDE)
    opened(request, asked)
    if asked.lift_waits:
        return _decide_lift(request, asked)
    form = LiftForm(request.POST or None)
    if pages.carry_out(request, form, actions.ask_lift, None, request=asked):
        messages.success(request, _("It is asked for. Somebody else decides it."))
        return redirect(asked)
    return pages.form(
        request,
        form,
        title=_("Ask to lift the restriction"),
        submit=_("Ask for it"),
        template="people/requests/ask_lift.html",
        context={"back_url": asked.get_absolute_url(), "asked": asked},
    )


def _decide_lift(request: StaffRequest, asked: DataRequest) -> HttpResponse:
    asker = asked.lift_asked_by
    # Decided by the reason that was read: one may be taken back and another one given meanwhile.
    beside = {
        "_asker": (_("Asked for by"), asker.display_name if asker else ""),
        "_reason": (_("Which new duty makes it necessary?"), asked.lift_reason),
    }
    form = forms.Form(request.POST if request.method == "POST" else None)
    form = pages.editing(form, asked, beside)
    lifts = pages.pressed(request, form, "lift", "keep") == "lift"
    action = actions.lift if lifts else actions.keep_restricted
    if done := pages.carry_out(request, form, action, None, request=asked):
        if not lifts:
            messages.success(request, _("The restriction stays."))
            return redirect(asked)
        # As the action left it: another erasure may lie where this user sees nothing.
        if done.result.person.restricted_at is not None:
            text = _("This request restricts no longer; another erasure of the person still does.")
            messages.warning(request, text)
            return redirect(asked)
        messages.success(request, _("The restriction is lifted."))
        return redirect(asked.person)
    shown = {
        "asked": asked,
        "form": form,
        "mine": asked.lift_asked_by_id == request.user.pk,
        "law": queries.law_of(asked, request.now),
        "others": queries.another_restricts(asked),
    }
    return render(request, "people/requests/lift.html", shown, status=pages.status_of(form))


def _request(
    request: StaffRequest, public_id: UUID, permission: Permission = RECEIVE
) -> DataRequest:
    rows = queries.open_to(request.user, request.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _page(
    request: StaffRequest,
    asked: DataRequest,
    form: DecideForm,
    *,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    opened(request, asked)
    pages.forms.dress(form)
    mine = asked.created_by_id == request.user.pk
    erases = asked.kind == Kind.ERASE and asked.is_open
    decides = queries.open_to(request.user, request.now, DECIDE).filter(pk=asked.pk).exists()
    shown = {
        "asked": asked,
        "form": form,
        "problem": problem,
        "mine": mine,
        "may_decide": asked.is_open and not mine and decides,
        "may_lift": asked.restricts and decides,
        "erasure": queries.erasure(asked.person, request.now) if erases else None,
        "law": queries.law_of(asked, request.now),
        "history": audit.history_of(asked),
    }
    return render(request, "people/requests/detail.html", shown, status=status)
