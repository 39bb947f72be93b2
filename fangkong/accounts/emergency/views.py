"""Take emergency access; and the auditor's list of its uses."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.core import pages
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed

from ..types import StaffRequest
from . import actions, queries
from .forms import CheckForm, OpenForm
from .models import EmergencyAccess
from .types import SIGN_OFF, USE, finders


@allowed(USE)
def index(request: StaffRequest) -> HttpResponse:
    """What is open to me, and the form that opens a person."""
    form = OpenForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.open_):
        if done.result is not None:
            messages.warning(request, _("Open for two hours. The auditor has been told."))
            return redirect(_url(done.result))
        form.add_error("number", str(actions.NobodyFound()))
    pages.forms.dress(form)
    shown = {
        "form": form,
        "opened": [(one, _url(one)) for one in queries.mine(request.user, request.now)],
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "accounts/emergency/index.html", shown, status=status)


@require_POST
@allowed(USE)
def close(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give it back."""
    access = get_object_or_404(request.user.emergency_accesses.all(), public_id=public_id)
    once(pages.key_of(request), actions.close, access=access, by=request.user, at=request.now)
    messages.success(request, _("Given back."))
    return redirect("accounts:emergency:index")


@allowed(SIGN_OFF)
def uses(request: StaffRequest) -> HttpResponse:
    """Every use of emergency access, what waits to be checked first."""
    found = queries.uses(request.user, request.now)[:200]
    return render(request, "accounts/emergency/uses.html", {"uses": found})


@allowed(SIGN_OFF)
def check(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say whether a use was justified."""
    access = get_object_or_404(queries.uses(request.user, request.now), public_id=public_id)
    form = CheckForm(request.POST or None)
    if pages.carry_out(request, form, actions.sign_off, form.cleaned, access=access):
        messages.success(request, _("The check is noted."))
        return redirect("accounts:emergency:uses")
    pages.forms.dress(form)
    status = 422 if form.is_bound and form.errors else 200
    shown = {"form": form, "access": access}
    return render(request, "accounts/emergency/check.html", shown, status=status)


def _url(access: EmergencyAccess) -> str:
    finder = next((one for one in finders() if one.name == access.found_by), None)
    return finder.url(access.person_key) if finder else ""
