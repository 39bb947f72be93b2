"""The weekly look through the trail: numbers, what the detector found, signed off with a note."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import actions, queries
from fangkong.core.audit.models import Finding
from fangkong.core.audit.queries import WEEK
from fangkong.core.audit.types import SEE_TRAIL, SIGN_OFF, How, words
from fangkong.core.permissions import allowed

SHOWN = 50
SHOWN_WEEKS = 6


class NoteForm(pages.Form):
    note = forms.CharField(
        label=gettext_lazy("What you found out"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("No names or numbers of persons."),
    )


@allowed(SEE_TRAIL)
def review(request: StaffRequest) -> HttpResponse:
    """The week before this one, or the week of a day asked for."""
    return _drawn(request, NoteForm())


@allowed(SIGN_OFF)
@require_POST
def sign_off(request: StaffRequest) -> HttpResponse:
    """Sign the week off."""
    form = NoteForm(request.POST)
    week = _week(request)
    if pages.carry_out(request, form, actions.sign_off, None, week=week):
        messages.success(request, _("The week is signed off."))
        return redirect("trail_review")
    return _drawn(request, form, status=422)


@allowed(SIGN_OFF)
def settle(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Sign one finding off."""
    finding = get_object_or_404(queries.findings(), public_id=public_id)
    form = NoteForm(request.POST or None)
    if pages.carry_out(request, form, actions.settle, None, finding=finding):
        messages.success(request, _("The finding is signed off."))
        return redirect("trail_review")
    return pages.form(
        request,
        form,
        title=_("Sign off a finding"),
        submit=_("Sign off"),
        template="web/trail/settle.html",
        context={"finding": finding, "sights_url": _sights_of(finding)},
    )


def _sights_of(finding: Finding) -> str:
    return _seen_by(finding.by.get_username(), finding.day, finding.day)


def _seen_by(username: str, first: date, last: date) -> str:
    asked = {"who": username, "first": first.isoformat(), "last": last.isoformat()}
    return f"{reverse('trail_sights')}?{urlencode(asked)}"


def _week(request: StaffRequest) -> date:
    """The Monday of the week asked for; last week's without one."""
    today = clock.day_of(request.now)
    asked = request.POST.get("week") or request.GET.get("week") or ""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = today - WEEK
    if not date(1900, 1, 8) <= day <= today:
        day = today - WEEK
    return day - timedelta(days=day.weekday())


def _drawn(request: StaffRequest, form: NoteForm, *, status: int = 200) -> HttpResponse:
    week = _week(request)
    start = clock.start_of(week)
    end = clock.start_of(week + WEEK)
    numbers = queries.summary(clock.start_of(week - WEEK), start, end)
    findings = queries.findings().order_by("settled_at", "-id")
    overdue = queries.overdue_weeks(clock.day_of(request.now))[::-1]
    pages.forms.dress(form)
    page = {
        "form": form,
        "week": week,
        "week_end": week + timedelta(days=6),
        "before": week - WEEK,
        "overdue": overdue[:SHOWN_WEEKS],
        "overdue_more": max(0, len(overdue) - SHOWN_WEEKS),
        "after": week + WEEK if week + WEEK <= clock.day_of(request.now) else None,
        "strangers": numbers.strangers,
        "sights": [(label, *numbers.sights.get(how, (0, 0))) for how, label in How.choices],
        "viewers": [
            (one, _seen_by(one.username, week, week + timedelta(days=6)))
            for one in queries.viewers(start, end)
        ],
        "actions": [(words(action), n) for action, n in numbers.actions],
        "waiting": findings.filter(settled_at__isnull=True)[:SHOWN],
        "settled": findings.filter(settled_at__isnull=False).order_by("-settled_at")[:10],
        "signed": queries.reviews().filter(week=week).first(),
        "seal": queries.newest_seal(),
        "may_sign": bool(request.user.scope(SIGN_OFF, request.now)),
    }
    return render(request, "web/trail/review.html", page, status=status)
