"""Staff, their roles and where these hold; and the table of who may do what."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.core import clock, pages, permissions
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed
from fangkong.core.sentences import listed_apart

from . import actions, queries
from .forms import AppointForm, EndForm, PasswordForm, StaffFilter, StaffForm
from .models import User
from .sign_in import queries as sign_in
from .sign_in.types import READ
from .types import EDIT_STAFF, VIEW_STAFF, Role, StaffRequest


def _url(user: User) -> str:
    return reverse("accounts:detail", args=[user.public_id])


STAFF = pages.Listing(
    name="staff",
    title=_("Staff"),
    columns=[
        pages.Column("username", _("User name"), lambda u: u.username, order="username", url=_url),
        pages.Column(
            "name", pgettext_lazy("person", "Name"), lambda u: u.display_name, order="name"
        ),
        pages.Column(
            "roles",
            _("Roles"),
            lambda u: listed_apart(
                f"{a.place_name} · {a.get_role_display()}" for a in u.appointments.all()
            ),
        ),
        pages.Column(
            "active", _("State"), lambda u: _("may sign in") if u.is_active else _("closed")
        ),
        pages.Column("seen", _("Last sign-in"), lambda u: u.last_login),
    ],
    order="username",
    filters=StaffFilter,
)


@allowed(VIEW_STAFF)
def index(request: StaffRequest) -> HttpResponseBase:
    """All staff by user name."""
    return pages.listing(
        request,
        STAFF,
        queries.open_to(request.user, request.now),
        template="accounts/index.html",
        context={"may_edit": bool(request.user.scope(EDIT_STAFF, request.now))},
    )


@allowed(VIEW_STAFF)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One member of staff with appointments and history."""
    member = _member(request, public_id)
    today = clock.day_of(request.now)
    shown = {
        "member": member,
        "appointments": [(a, a.is_current(today)) for a in member.appointments.all()],
        "history": audit.history_of(member),
        "may_read_sign_ins": bool(request.user.scope(READ, request.now)),
        "may_edit": bool(request.user.scope(EDIT_STAFF, request.now))
        and member.pk != request.user.pk,
        "end_form": EndForm(initial={"last_day": today}),
    }
    pages.forms.dress(shown["end_form"])  # type: ignore[arg-type]  # a form, in a mixed dict
    return render(request, "accounts/detail.html", shown)


@allowed(EDIT_STAFF)
def new(request: StaffRequest) -> HttpResponse:
    """Make an account."""
    form = StaffForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.add_staff):
        messages.success(request, _("The account is made. Give it a role now."))
        return redirect("accounts:appoint", done.result.public_id)
    return pages.form(request, form, title=_("New account"), submit=_("Make the account"))


@allowed(EDIT_STAFF)
def appoint(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give a role."""
    member = _member(request, public_id)
    form = AppointForm(request.POST or None, by=request.user, at=request.now)
    if pages.carry_out(request, form, actions.appoint, form.cleaned, user=member):
        messages.success(request, _("The role is given."))
        return redirect("accounts:detail", public_id)
    return pages.form(
        request,
        form,
        title=_("Give a role"),
        submit=_("Give the role"),
        context={"back_url": _url(member)},
    )


@require_POST
@allowed(EDIT_STAFF)
def end(request: StaffRequest, public_id: UUID, appointment_id: UUID) -> HttpResponse:
    """Let an appointment end."""
    member = _member(request, public_id)
    appointment = get_object_or_404(member.appointments.all(), public_id=appointment_id)
    form = EndForm(request.POST)
    if pages.carry_out(request, form, actions.end_appointment, appointment=appointment):
        messages.success(request, _("The role ends on that day."))
        return redirect("accounts:detail", public_id)
    return pages.form(
        request,
        form,
        title=_("End the role"),
        submit=_("End the role"),
        context={"back_url": _url(member)},
    )


@require_POST
@allowed(EDIT_STAFF)
def activate(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Open or close an account."""
    member = _member(request, public_id)
    if request.POST.get("active") not in ("0", "1"):
        raise SuspiciousOperation
    once(
        pages.key_of(request),
        actions.set_active,
        user=member,
        active=request.POST.get("active") == "1",
        by=request.user,
        at=request.now,
    )
    messages.success(request, _("Saved."))
    return redirect("accounts:detail", public_id)


@allowed(EDIT_STAFF)
def password(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Set a new password for somebody."""
    member = _member(request, public_id)
    form = PasswordForm(request.POST or None)
    if pages.carry_out(request, form, actions.reset_password, user=member):
        messages.success(request, _("The new password is set."))
        return redirect("accounts:detail", public_id)
    return pages.form(
        request,
        form,
        title=_("New password"),
        submit=_("Set the password"),
        context={"back_url": _url(member)},
    )


@login_required
def roles(request: StaffRequest) -> HttpResponse:
    """Which role holds which permission: the policy as it is in force, drawn from the code."""
    declared = permissions.declared()
    shown = {
        "roles": Role.choices,
        "second_factor": [role in sign_in.roles_that_need_a_second_factor() for role in Role],
        "rows": [(p, [value in p.roles for value, _label in Role.choices]) for p in declared],
    }
    return render(request, "accounts/roles.html", shown)


def _member(request: StaffRequest, public_id: UUID) -> User:
    return get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)
