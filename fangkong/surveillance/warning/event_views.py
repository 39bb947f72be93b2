"""Field investigations, and how signals were responded to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.pages import export
from fangkong.core.permissions import allowed
from fangkong.core.refusals import Refused
from fangkong.tasks import queries as tasks

from . import figures, investigating, queries
from .forms import ConcludeForm, FindingsForm, InvestigationFilter, ReopenForm
from .models import Investigation
from .types import ANSWER, VIEW, WRITE, Findings

INVESTIGATIONS = pages.Listing[Investigation](
    name="investigations",
    title=_("Field investigations"),
    columns=[
        pages.Column(
            "what",
            _("Investigation"),
            lambda i: f"{i.area.display_short} · {i.condition_name}",
            url=lambda i: i.get_absolute_url(),
        ),
        pages.Column("opened", _("Opened"), lambda i: i.created_at, order="created_at"),
        pages.Column(
            "phase",
            _("State"),
            lambda i: i.get_conclusion_display() or i.phase.label,
            piece="surveillance/warning/_phase.html",
        ),
        pages.Column(
            "due",
            _("Clock"),
            lambda i: i.clock_due_at,
            piece="surveillance/warning/_event_due.html",
        ),
        pages.Column("cases", _("Cases found"), lambda i: i.cases_found),
        pages.Column("setting", _("Setting"), lambda i: i.get_setting_display()),
    ],
    order="-opened",
    empty=_("No investigation."),
)


# --- Investigations -------------------------------------------------------------------------------


@allowed(VIEW)
def investigations(request: StaffRequest) -> HttpResponseBase:
    """All investigations, the newest first."""
    user, at = request.user, request.now
    return pages.listing(
        request,
        INVESTIGATIONS,
        queries.investigations_open_to(user, at),
        template="surveillance/warning/investigations.html",
        filters=InvestigationFilter(request.GET, user=user, at=at),
    )


@allowed(VIEW)
def investigation(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One investigation: its clocks, findings, signals and tasks, and what is to be done next."""
    rows = queries.investigations_open_to(request.user, request.now)
    return _page(request, get_object_or_404(rows, public_id=public_id))


@require_POST
@allowed(ANSWER)
def investigate(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Send somebody out for an answered signal."""
    rows = queries.open_to_answer(request.user, request.now)
    signal = get_object_or_404(rows, public_id=public_id)
    found = _done(request, investigating.investigate, signal=signal)
    return redirect(found or signal)


@require_POST
@allowed(ANSWER)
def set_out(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A team is on its way."""
    found = _to_report(request, public_id)
    _done(request, investigating.set_out, investigation=found)
    return redirect(found)


@allowed(ANSWER)
def findings(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The form of what was found on site."""
    found = _to_report(request, public_id)
    form = FindingsForm(request.POST or None, initial=_known(found))
    pages.editing(form, found, {"_phase": (_("State"), found.phase.label)})

    def asked() -> dict[str, Any]:
        return {"findings": Findings(**form.cleaned_data), "investigation": found}

    if pages.carry_out(request, form, investigating.report_findings, asked):
        messages.success(request, _("The findings are kept."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_now("Findings on site: %(condition)s in %(area)s")
        % {"condition": found.condition_name, "area": found.area.display_name},
        submit=_("Keep the findings"),
        context={"back_url": found.get_absolute_url()},
    )


@require_POST
@allowed(ANSWER)
def conclude(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Conclude an investigation."""
    found = _to_report(request, public_id)
    form = _answering(ConcludeForm(request.POST), found)
    if pages.carry_out(request, form, investigating.conclude, investigation=found):
        messages.success(request, _("The investigation is concluded."))
        return redirect(found)
    return _page(request, found, form, status=pages.status_of(form))


@require_POST
@allowed(ANSWER)
def reopen(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Open a concluded investigation again."""
    found = _to_report(request, public_id)
    form = _answering(ReopenForm(request.POST), found)
    if pages.carry_out(request, form, investigating.reopen, investigation=found):
        messages.success(request, _("The investigation is open again."))
        return redirect(found)
    return _page(request, found, form, status=pages.status_of(form))


def _done(request: StaffRequest, action: Any, **given: Any) -> Investigation | None:
    """An action of one button; a refusal is told on the page that follows."""
    try:
        found: Investigation = once(
            pages.key_of(request), action, by=request.user, at=request.now, **given
        )
    except Refused as problem:
        messages.warning(request, str(problem))
        return None
    return found


def _to_report(request: StaffRequest, public_id: UUID) -> Investigation:
    rows = queries.investigations_to_report(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _known(found: Investigation) -> dict[str, object]:
    """What the form begins with: the last report, or nothing."""
    names = FindingsForm.base_fields
    return {name: getattr(found, name) for name in names} if found.reported_at else {}


def _answering(form: ConcludeForm | ReopenForm, found: Investigation) -> Any:
    shown = {
        "_cases": (_("Cases found"), "–" if found.cases_found is None else found.cases_found),
        "_phase": (_("State"), found.get_conclusion_display() or found.phase.label),
    }
    return pages.editing(form, found, shown)


def _page(
    request: StaffRequest, found: Investigation, form: Any = None, status: int = 200
) -> HttpResponse:
    user, at = request.user, request.now
    may = user.scope(ANSWER, at).holds(county_id=found.area_id)
    if form is not None and not isinstance(form, ConcludeForm if found.open else ReopenForm):
        for problem in form.non_field_errors():
            messages.warning(request, str(problem))
        form = None
    form = form or _answering(ConcludeForm() if found.open else ReopenForm(), found)
    pages.forms.dress(form)
    rows = queries.open_to(user, at).filter(investigation=found).order_by("pk")
    shown = {
        "one": found,
        "signals": list(rows),
        "tasks": tasks.for_source(found),
        "form": form if may and (found.reported_at or not found.open) else None,
        "products": list(queries.products_open_to(user, at).filter(investigation=found)),
        "may_warn": user.scope(WRITE, at).holds(county_id=found.area_id),
        "may_report": may and found.open,
        "may_set_out": may and found.open and found.begun_at is None,
        "history": audit.history_of(found),
    }
    return render(request, "surveillance/warning/investigation.html", shown, status=status)


# --- Response -------------------------------------------------------------------------------------


@allowed(VIEW)
def response(request: StaffRequest) -> HttpResponseBase:
    """How signals of a span were responded to, by method and county; also as a file."""
    page = figures.asked(request.user, request.now, request.GET)
    kind = request.GET.get("export", "")
    if kind in ("csv", "xlsx"):
        name, head, rows = "fangkong-response", figures.head(), figures.lines(page.found)
        mark = export.signed(request.user, request.now)
        write = export.csv_response if kind == "csv" else export.xlsx_response
        return write(name, head, rows, mark)
    context = {"page": page, "form": page.form, "chart": figures.chart(page)}
    return render(request, "surveillance/warning/response.html", context)


@allowed(VIEW)
def response_chart(request: StaffRequest) -> JsonResponse:
    """The chart as JSON."""
    return pages.chart_json(figures.chart(figures.asked(request.user, request.now, request.GET)))
