"""Signals and their answers, and the runs that raised them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.pages.charts import Mark
from fangkong.core.permissions import allowed
from fangkong.core.queue import queries as queue
from fangkong.core.refusals import Refused
from fangkong.tasks import queries as tasks

from . import actions, queries
from .forms import AnswerForm, RunForm, SignalFilter
from .models import DetectionRun, Signal
from .types import ANSWER, OUTCOME_HELP, RUN, VIEW, Curve, Outcome, State, Trigger

METRIC_DAYS = 28
FOLDED_SHOWN = 50

SIGNALS = pages.Listing[Signal](
    name="signals",
    title=_("Early warning"),
    columns=[
        pages.Column(
            "signal",
            _("Signal"),
            lambda s: s.title,
            piece="surveillance/warning/_signal.html",
        ),
        pages.Column(
            "reason", _("Why"), lambda s: s.reason, piece="surveillance/warning/_why.html"
        ),
        pages.Column(
            "curve",
            _("Last 28 days"),
            lambda s: s.observed,
            piece="surveillance/warning/_bars.html",
            exported=False,
        ),
        pages.Column(
            "rank",
            _("How unusual"),
            lambda s: s.p,
            order="rank",
            piece="surveillance/warning/_rank.html",
        ),
        pages.Column("day", _("Day"), lambda s: s.day, order="day"),
        pages.Column("due", _("Clock"), lambda s: s.due_at, piece="surveillance/warning/_due.html"),
        pages.Column(
            "state",
            _("State"),
            lambda s: s.get_outcome_display() or s.get_state_display(),
            piece="surveillance/warning/_state.html",
        ),
    ],
    order="-rank",
    empty=_("No signal waits for an answer."),
    learn=queries.learn_standing,
)

RUNS = pages.Listing[DetectionRun](
    name="runs",
    title=_("Detection runs"),
    columns=[
        pages.Column(
            "day", _("Day"), lambda r: r.day, order="day", url=lambda r: r.get_absolute_url()
        ),
        pages.Column("trigger", _("Occasion"), lambda r: r.get_trigger_display()),
        pages.Column("asked", _("Asked"), lambda r: r.created_at, order="created_at"),
        pages.Column(
            "stage",
            _("State"),
            lambda r: r.stage.label,
            piece="surveillance/warning/_stage.html",
        ),
        pages.Column("series", _("Series"), lambda r: r.series_count),
        pages.Column("raised", _("New signals"), lambda r: getattr(r, "raised", 0)),
    ],
    order="-asked",
    empty=_("No run yet."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The ranked signals with how they were responded to; those beyond the budget folded below."""
    user, at = request.user, request.now
    return pages.listing(
        request,
        SIGNALS,
        queries.open_to(user, at),
        template="surveillance/warning/index.html",
        filters=SignalFilter(request.GET, user=user, at=at),
        context={
            "metrics": queries.metrics_of_late(user, at, METRIC_DAYS),
            "young": queries.young_register(at),
            "folded": list(queries.folded(user, at)[:FOLDED_SHOWN]),
        },
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One signal: why, the curve, each method, the cases behind it, and the answer."""
    return _page(request, _signal(request, public_id))


@allowed(VIEW)
def curve(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The figures of the curve."""
    return pages.chart_json(_chart(request, _signal(request, public_id)))


@require_POST
@allowed(ANSWER)
def verify(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Begin the verification."""
    signal = _to_answer(request, public_id)
    try:
        once(pages.key_of(request), actions.verify, signal=signal, by=request.user, at=request.now)
    except Refused as problem:
        messages.warning(request, str(problem))
    else:
        messages.success(request, _("You verify this signal. Answer it when you know more."))
    return redirect(signal)


@require_POST
@allowed(ANSWER)
def answer(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Answer the signal."""
    signal = _to_answer(request, public_id)
    form = _answering(AnswerForm(request.POST), signal)
    if pages.carry_out(request, form, actions.answer, signal=signal):
        messages.success(request, _("The signal is answered."))
        return redirect(signal)
    return _page(request, signal, form, status=pages.status_of(form))


@allowed(VIEW)
def runs(request: StaffRequest) -> HttpResponseBase:
    """All runs, the newest first, with the form that asks for one."""
    may_run = bool(request.user.scope(RUN, request.now))
    form = RunForm(initial={"day": clock.day_of(request.now)})
    pages.forms.dress(form)
    return pages.listing(
        request,
        RUNS,
        queries.runs_open_to(request.user, request.now),
        template="surveillance/warning/runs.html",
        context={"form": form if may_run else None},
    )


@require_POST
@allowed(RUN)
def new_run(request: StaffRequest) -> HttpResponse:
    """Ask for a run over a day."""
    form = RunForm(request.POST)
    trigger = Trigger.ON_DEMAND.value
    if done := pages.carry_out(request, form, actions.request_run, trigger=trigger):
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Run detection"),
        submit=_("Run now"),
        context={"back_url": reverse("surveillance:warning:runs")},
    )


@allowed(VIEW)
def run(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One run: how far it is, and what it raised."""
    return render(request, "surveillance/warning/run.html", _run_facts(request, public_id))


@allowed(VIEW)
def _progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The live part of a run's page."""
    return render(request, "surveillance/warning/_progress.html", _run_facts(request, public_id))


def _run_facts(request: StaffRequest, public_id: UUID) -> dict[str, Any]:
    run = get_object_or_404(queries.runs_open_to(request.user, request.now), public_id=public_id)
    raised = queries.open_to(request.user, request.now).filter(raised_by=run)
    return {
        "run": run,
        "job": queue.latest_about(queries.JOB, run.pk),
        "signals": raised.order_by("-rank", "pk"),
        "live": run.ended_at is None and run.stage != "failed",
    }


def _signal(request: StaffRequest, public_id: UUID) -> Signal:
    return get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)


def _to_answer(request: StaffRequest, public_id: UUID) -> Signal:
    rows = queries.open_to_answer(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _answering(form: AnswerForm, signal: Signal) -> AnswerForm:
    """An answer holds for the cases that were on the page: more of them are looked at first."""
    shown = {
        "_state": (_("State"), signal.get_state_display()),
        "_observed": (_("Observed"), number_format(signal.observed)),
        "_day": (_("Day"), date_format(signal.day, "SHORT_DATE_FORMAT")),
    }
    return pages.editing(form, signal, shown)


def _page(
    request: StaffRequest, signal: Signal, form: AnswerForm | None = None, status: int = 200
) -> HttpResponse:
    user, at = request.user, request.now
    answers = user.scope(ANSWER, at).holds(county_id=signal.area_id) and signal.open
    if form is not None and not answers:
        # Who comes late finds the form gone; the refusal must still be read.
        for problem in form.non_field_errors():
            messages.warning(request, str(problem))
    form = form or _answering(AnswerForm(), signal)
    pages.forms.dress(form)
    cases = queries.cases_behind(user, signal, at)
    queries.learn_standing([signal], user, at)
    shown = {
        "signal": signal,
        "chart": _chart(request, signal),
        "alarms": signal.alarms.order_by("-day", "method"),
        "cases": list(cases[: queries.CASES_SHOWN]),
        "cases_url": queries.cases_url(signal),
        "tasks": tasks.for_source(signal),
        "form": form if answers else None,
        "outcomes": [(Outcome(code).label, text) for code, text in OUTCOME_HELP.items()],
        "may_verify": answers and signal.state == State.NEW,
        "may_investigate": signal.state == State.ANSWERED
        and signal.investigation is None
        and user.scope(ANSWER, at).holds(county_id=signal.area_id),
        "history": audit.history_of(signal),
    }
    return render(request, "surveillance/warning/detail.html", shown, status=status)


def _threshold(line: Curve) -> str:
    if line.by_rule:
        return _now("A rule warns from here on")
    if line.percentile:
        return _now("Threshold (P%(p)s of earlier periods)") % {"p": line.percentile}
    return _now("Threshold (adaptive regression)")


def _chart(request: StaffRequest, signal: Signal) -> pages.Chart:
    """Cases by day, and their sums over seven days against the threshold."""
    line = queries.curve_of(request.user, signal, request.now)
    days = [day.isoformat() for day in line.days]
    return pages.Chart(
        title=_("%(condition)s in %(area)s by day of report")
        % {
            "condition": signal.condition_name,
            "area": f"{signal.area.display_name} {signal.place}".rstrip(),
        },
        url=reverse("surveillance:warning:curve", args=[signal.public_id]),
        x=days,
        series=[
            pages.Series(_("Cases"), line.counts),
            pages.Series(_("Cases in %(n)d days") % {"n": line.window}, line.weekly, kind="line"),
            pages.Series(_threshold(line), line.threshold, kind="line"),
        ],
        unit=_("cases"),
        x_label=_("Day"),
        as_of=request.now,
        marks=[Mark(day.isoformat(), _now("Alarm")) for day in line.alarm_days if day in line.days],
    )
