"""Pages of what laboratories send: what waits for a tube, a message, and the match by hand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.permissions import allowed
from fangkong.core.refusals import Refused
from fangkong.surveillance.testing import describe
from fangkong.surveillance.testing.types import TEST

from . import actions, forms, queries, taking, words
from .models import SentResult
from .rules import MOST_BYTES, Fault
from .types import Fate

NO_RESULT = "invalid"  # how what is taken back is drawn

WAITING = pages.Listing[SentResult](
    name="sent_results",
    title=gettext_lazy("Results that wait for a tube"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number of the tube"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
            names=True,
        ),
        pages.Column(
            "why", pgettext_lazy("of a result", "Waits because"), lambda one: words.why(one.why)
        ),
        pages.Column(
            "outcome",
            gettext_lazy("Result"),
            lambda one: words.outcome(one),
            draw=lambda one, at: describe.badge_of(one.outcome or NO_RESULT, words.outcome(one)),
        ),
        pages.Column(
            "sender_number", gettext_lazy("Number of the sender"), lambda one: one.sender_number
        ),
        pages.Column(
            "laboratory",
            gettext_lazy("Laboratory"),
            lambda one: one.laboratory.display_name,
            optional=True,
        ),
        pages.Column(
            "came",
            pgettext_lazy("of a message", "Came"),
            lambda one: one.created_at,
            order="created_at",
        ),
    ],
    order="-came",
    empty=gettext_lazy("No result waits: all that was sent is matched."),
)


@allowed(TEST)
def index(request: StaffRequest) -> HttpResponseBase:
    """The results that nobody has matched with a tube yet."""
    return pages.listing(
        request,
        WAITING,
        queries.waiting(request.user, request.now),
        template="surveillance/exchange/index.html",
        filters=forms.WaitingFilter(request.GET, user=request.user, at=request.now),
    )


@allowed(TEST)
def send(request: StaffRequest) -> HttpResponse:
    """Take a message that somebody has as a file: where the line to the laboratory is down.

    It is known by its number, so the same file again changes nothing and leads to the same page.
    """
    files = request.FILES if request.method == "POST" else None
    form = forms.MessageForm(request.POST or None, files, user=request.user, at=request.now)
    if request.method == "POST" and form.is_valid():
        body = form.cleaned_data["file"].read(MOST_BYTES + 1)
        try:
            taken = taking.take(
                body=body,
                channel=taking.channel_of(body),
                laboratory=form.cleaned_data["laboratory"],
                by=request.user,
                at=request.now,
            )
        except Fault as problem:
            form.add_error("file", _at(words.fault(problem), problem.where))
        except actions.WrongContent as problem:
            form.add_error("file", _at(str(problem), str(problem.place)))
        except Refused as problem:
            form.add_error("file", str(problem))
        else:
            messages.success(request, _("The message is taken."))
            return redirect(taken)
    return pages.form(
        request,
        form,
        title=_("Send a message"),
        submit=_("Send"),
        template="surveillance/exchange/send.html",
        context={"back_url": reverse("surveillance:exchange:index")},
    )


def _at(text: str, place: str) -> str:
    return f"{text} ({place})" if place else text


@allowed(TEST)
def message(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """What became of each result of a message."""
    rows = queries.messages_open_to(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    page = {
        "message": found,
        "results": [_told(one) for one in queries.results_of(found)],
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/exchange/message.html", page)


@allowed(TEST)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One result as it was sent, to be matched with its tube or set aside."""
    return _detail(request, _result(request, public_id))


@allowed(TEST)
@require_POST
def match(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say which tube it is of."""
    found = _result(request, public_id)
    form = forms.MatchForm(request.POST)
    if done := pages.carry_out(request, form, actions.match, result=found):
        taken_back = done.result.withdraws
        text = _("The result of this tube is taken back.")
        messages.success(request, text if taken_back else _("The result is entered for its tube."))
        tube = done.result.specimen or done.result.pool
        return redirect(found if tube is None else tube)
    return _detail(request, found, refused=form)


@allowed(TEST)
@require_POST
def set_aside(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It is of no tube here."""
    found = _result(request, public_id)
    form = forms.AsideForm(request.POST)
    if pages.carry_out(request, form, actions.set_aside, result=found):
        messages.success(request, _("The result is set aside."))
        return redirect("surveillance:exchange:index")
    return _detail(request, found, refused=form)


def _result(request: StaffRequest, public_id: UUID) -> SentResult:
    rows = queries.results_open_to(request.user, request.now)
    return get_object_or_404(rows.select_related("specimen", "pool"), public_id=public_id)


def _told(one: SentResult) -> dict[str, Any]:
    return {
        "row": one,
        "outcome": describe.badge_of(one.outcome or NO_RESULT, words.outcome(one)),
        "ct": describe.ct_of(one.ct),
        "why": words.why(one.why),
        "tube": one.specimen or one.pool,
    }


def _detail(
    request: StaffRequest, found: SentResult, *, refused: pages.Form | None = None
) -> HttpResponse:
    waits = found.fate == Fate.WAITING
    match_form: pages.Form = forms.MatchForm()
    aside_form: pages.Form = forms.AsideForm()
    if isinstance(refused, forms.MatchForm):
        match_form = refused
    elif isinstance(refused, forms.AsideForm):
        aside_form = refused
    for form in (match_form, aside_form):
        pages.forms.dress(form)
    page = {
        **_told(found),
        "result": found,
        "match_form": match_form if waits else None,
        "aside_form": aside_form if waits else None,
        "history": audit.history_of(found, found.message),
    }
    status = 200 if refused is None else pages.status_of(refused)
    return render(request, "surveillance/exchange/detail.html", page, status=status)
