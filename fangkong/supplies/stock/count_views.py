"""Pages of stocktakes: the list, opening one, the sheet, a lot that was found, the decision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells, export
from fangkong.core.permissions import Permission, allowed

from . import count_forms, counting, forms, queries, step_views, tables
from .models import Count
from .types import APPROVE, KEEP, RUNNING_COUNTS, VIEW, CountState

_TONES = {CountState.OPEN: "warn", CountState.SUBMITTED: "info", CountState.BOOKED: "good"}


def badge(one: Count) -> SafeString:
    """The state with its colour."""
    tone = _TONES.get(CountState(one.state), "neutral")
    return cells.badge(tone, one.get_state_display())


COUNTS = pages.Listing[Count](
    name="stock_counts",
    title=gettext_lazy("Stocktakes"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("place", gettext_lazy("Place"), lambda one: one.place.display_name),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_state_display(),
            draw=lambda one, _at: badge(one),
        ),
        pages.Column(
            "begun",
            pgettext_lazy("of a stocktake", "Begun"),
            lambda one: one.created_at,
            order="created_at",
        ),
        pages.Column(
            "decided", pgettext_lazy("of a stocktake", "Decided"), lambda one: one.decided_at or ""
        ),
        pages.Column(
            "sheet",
            gettext_lazy("Sheet"),
            lambda one: "" if one.entry is None else one.entry.number,
            url=lambda one: "" if one.entry is None else one.entry.get_absolute_url(),
        ),
    ],
    order="-begun",
    filters=count_forms.CountFilter,
    empty=gettext_lazy("No place was counted yet."),
)


@allowed(VIEW)
def counts(request: StaffRequest) -> HttpResponseBase:
    """The stocktakes of the user's places, the last begun first."""
    return pages.listing(
        request,
        COUNTS,
        queries.counts_open_to(request.user, request.now),
        template="supplies/stock/counts.html",
        context={"may_keep": bool(request.user.scope(KEEP, request.now))},
    )


@allowed(KEEP)
def open_count(request: StaffRequest) -> HttpResponse:
    """Begin to count a place."""
    form = count_forms.OpenCountForm(
        request.POST or None,
        places=queries.places_to_choose(request.user, request.now),
        items=queries.items(),
        initial={"place": request.GET.get("place", "")},
    )
    if done := pages.carry_out(request, form, counting.open_count, form.asked):
        messages.success(request, _("Count lot by lot; save as often as you like."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Begin a stocktake"),
        submit=pgettext("a stocktake", "Begin"),
        context={"back_url": reverse("supplies:stock:counts")},
    )


@allowed(VIEW)
def count(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One stocktake: its sheet, and what can be done with it."""
    found = _found(request, public_id, VIEW)
    if export.wanted(request):
        table = tables.count_sheet(queries.lines_of(found))
        return export.table(request, f"stocktake-{found.number}", found, *table)
    return _page(request, found)


@allowed(KEEP)
@require_POST
def enter(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Save what was counted so far."""
    found = _found(request, public_id, KEEP)
    form = count_forms.SheetForm(request.POST, told=queries.lines_of(found))
    mark = request.POST.get("mark", "")
    known = int(mark) if mark.isascii() and mark.isdigit() and len(mark) < 19 else 0
    if pages.carry_out(request, form, counting.enter, form.asked, count=found, mark=known):
        messages.success(request, _("Saved."))
        return redirect(found)
    return _page(request, found, sheet=form, status=422)


@allowed(KEEP)
def find(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A lot lies there that the sheet does not name."""
    found = _found(request, public_id, KEEP)
    form = count_forms.FoundForm(request.POST or None, items=queries.items())
    if pages.carry_out(request, form, counting.find, form.asked, count=found):
        messages.success(request, _("The lot stands on the sheet."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_("A lot that is not on the sheet"),
        submit=_("Put it on the sheet"),
        template="supplies/stock/found.html",
        context={"back_url": found.get_absolute_url()},
    )


@allowed(KEEP)
@require_POST
def submit(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """All is counted."""
    found = _found(request, public_id, KEEP)
    return _step(request, found, forms.StepForm(request.POST), counting.submit, _("Submitted."))


@allowed(APPROVE)
@require_POST
def approve(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Book the differences."""
    found = _found(request, public_id, APPROVE)
    form = pages.editing(forms.StepForm(request.POST), found)
    return _step(request, found, form, counting.approve, _("The stocktake is booked."))


@allowed(APPROVE)
def give_back(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Let it be counted again."""
    found = _found(request, public_id, APPROVE)
    return step_views.with_reason(request, found, counting.give_back, _("Give back"), count=found)


@allowed(KEEP)
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give it up."""
    found = _found(request, public_id, KEEP)
    return step_views.with_reason(
        request, found, counting.cancel, _("Give the stocktake up"), count=found
    )


def _found(request: StaffRequest, public_id: UUID, permission: Permission) -> Count:
    rows = queries.counts_open_to(request.user, request.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _step(
    request: StaffRequest,
    found: Count,
    form: pages.Form,
    action: Callable[..., Count],
    told: str,
) -> HttpResponse:
    if pages.carry_out(request, form, action, count=found):
        messages.success(request, told)
        return redirect(found)
    found = _found(request, found.public_id, VIEW)
    return _page(request, found, step=form, status=pages.status_of(form))


def _page(
    request: StaffRequest,
    found: Count,
    *,
    sheet: count_forms.SheetForm | None = None,
    step: pages.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    user, at = request.user, request.now
    told = queries.lines_of(found)
    form = sheet or count_forms.SheetForm(told=told)
    pages.forms.dress(form)
    scope: dict[str, Any] = {"county_id": found.place.county_id}
    facility = found.place.facility
    if facility is not None:
        scope |= {"area_id": facility.area_id, "facility_id": facility.pk}
    keeps, decides = (user.scope(one, at).holds(**scope) for one in (KEEP, APPROVE))
    submitted = found.state == CountState.SUBMITTED
    page = {
        "count": found,
        "badge": badge(found),
        "form": form,
        "step": step,
        "rows": list(form.rows()),
        "counted": sum(one.line.quantity is not None for one in told),
        "lots": len(told),
        "differ": sum(bool(one.difference) for one in told),
        "mark": queries.mark_of(found.place),
        "may_count": keeps and found.state == CountState.OPEN,
        "may_cancel": keeps and found.state in RUNNING_COUNTS,
        "may_decide": decides and submitted,
        "decision": pages.editing(forms.StepForm(), found) if decides and submitted else None,
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/count.html", page, status=status)
