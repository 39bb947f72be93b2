"""My sign-ins and devices; the sign-ins of a member of staff, for those who watch over them."""

from __future__ import annotations

import time
from typing import Any, Protocol, cast
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.core import pages
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed

from .. import queries as staff
from ..models import User
from ..single_sign_on import PROVIDER, is_configured
from ..types import StaffRequest
from . import actions, queries
from .forms import LinkForm, ReasonForm
from .types import READ, RESET, WATCH

SHOWN = 50


class _View(Protocol):
    def __call__(self, request: StaffRequest, public_id: UUID) -> HttpResponse: ...


def _asked_again(view: _View) -> _View:
    """The page asks once more who it is before it goes on (allauth's decorator has no types)."""
    return cast(_View, reauthentication_required(app="allauth.mfa")(view))


@login_required
def index(request: StaffRequest) -> HttpResponse:
    """My second factors, open sessions and sign-ins."""
    user = request.user
    shown = {
        "sessions": queries.sessions(user, request.session.session_key),
        "history": queries.mine(user)[:SHOWN],
        "factors": queries.factors(user),
        "needs_factor": queries.must_have_second_factor(user, request.now),
        "exempt": queries.is_exempt(user),
        "strange": queries.unanswered(user),
    }
    return render(request, "accounts/sign_in/index.html", shown)


@require_POST
@login_required
def end(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """End one of my sessions."""
    sign_in = get_object_or_404(queries.mine(request.user), public_id=public_id)
    once(
        pages.key_of(request),
        actions.end_session,
        sign_in=sign_in,
        by=request.user,
        at=request.now,
    )
    messages.success(request, _("The session has ended."))
    return redirect("accounts:sign_in:index")


@require_POST
@login_required
def end_others(request: StaffRequest) -> HttpResponse:
    """End all my sessions but this one."""
    once(
        pages.key_of(request),
        actions.end_others,
        user=request.user,
        keep=request.session.session_key or "",
        by=request.user,
        at=request.now,
    )
    messages.success(request, _("All other sessions have ended."))
    return redirect("accounts:sign_in:index")


@require_POST
@login_required
def own(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """This strange sign-in was me."""
    sign_in = get_object_or_404(queries.mine(request.user), public_id=public_id)
    once(pages.key_of(request), actions.own, sign_in=sign_in, by=request.user, at=request.now)
    messages.success(request, _("Noted: it was you."))
    return redirect("accounts:sign_in:index")


@require_POST
@login_required
def disown(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """This was not me: every session ends, also this one."""
    sign_in = get_object_or_404(queries.mine(request.user), public_id=public_id)
    once(pages.key_of(request), actions.disown, sign_in=sign_in, by=request.user, at=request.now)
    messages.warning(
        request,
        _("All sessions have ended. Sign in, change your password and tell an administrator."),
    )
    return redirect("account_login")


def session(request: HttpRequest) -> HttpResponse:
    """How long this session still lasts, in seconds; a POST says that somebody is at work."""
    if not request.user.is_authenticated:
        return JsonResponse({"left": 0, "lifetime": False, "token": ""})
    user, at = cast(Any, request.user), cast(Any, request).now
    marks = dict(request.session["sign_in"])
    now = time.time()
    if request.method == "POST":
        marks["seen"] = now
        request.session["sign_in"] = marks
    idle_left, life_left = (end - now for end in queries.ends(marks, user, at))
    answer = JsonResponse(
        {
            "left": int(min(idle_left, life_left)),
            "lifetime": life_left <= idle_left,
            "token": get_token(request),
        }
    )
    answer["Cache-Control"] = "private, no-store"
    return answer


@allowed(READ)
def of(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The sign-ins of a member of staff."""
    member = _member(request, public_id)
    others = member.pk != request.user.pk
    shown = {
        "member": member,
        "sessions": queries.sessions(member),
        "history": queries.of_staff(request.user, member, request.now)[:SHOWN],
        "factors": queries.factors(member),
        "linked": queries.is_linked(member),
        "locked_until": queries.locked_until(member, request.now),
        "offers_link": is_configured(),
        "may_end": bool(request.user.scope(WATCH, request.now)),
        "may_unlock": others and bool(request.user.scope(WATCH, request.now)),
        "may_reset": others and bool(request.user.scope(RESET, request.now)),
    }
    return render(request, "accounts/sign_in/of.html", shown)


@require_POST
@allowed(WATCH)
def end_all(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """End every session of a member of staff."""
    member = _member(request, public_id)
    once(pages.key_of(request), actions.end_sessions, user=member, by=request.user, at=request.now)
    messages.success(request, _("All sessions of this account have ended."))
    return redirect("accounts:sign_in:of", public_id)


@require_POST
@allowed(WATCH)
def unlock(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Let a member of staff try again after too many wrong passwords."""
    member = _member(request, public_id)
    once(pages.key_of(request), actions.unlock, user=member, by=request.user, at=request.now)
    messages.success(request, _("The account is open again. Its owner can sign in now."))
    return redirect("accounts:sign_in:of", public_id)


@allowed(RESET)
@_asked_again
def reset(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Take away a lost second factor."""
    return _change(
        request,
        public_id,
        ReasonForm(request.POST or None),
        actions.reset_factors,
        title=_("Reset the second factor"),
        done=_("The second factor is taken away and all sessions have ended."),
    )


@allowed(RESET)
@_asked_again
def link(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Let a subject of the identity provider sign in as this member of staff."""
    return _change(
        request,
        public_id,
        LinkForm(request.POST or None),
        actions.link,
        title=_("Link to single sign-on"),
        done=_("The account is linked."),
        provider=PROVIDER,
    )


@require_POST
@allowed(RESET)
@_asked_again
def unlink(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Stop single sign-on for a member of staff."""
    member = _member(request, public_id)
    once(
        pages.key_of(request),
        actions.unlink,
        user=member,
        provider=PROVIDER,
        by=request.user,
        at=request.now,
    )
    messages.success(request, _("Single sign-on is stopped for this account."))
    return redirect("accounts:sign_in:of", public_id)


def _change(
    request: StaffRequest,
    public_id: UUID,
    form: pages.Form,
    action: Any,
    *,
    title: Any,
    done: Any,
    **more: str,
) -> HttpResponse:
    member = _member(request, public_id)
    if pages.carry_out(request, form, action, None, user=member, **more):
        messages.success(request, done)
        return redirect("accounts:sign_in:of", public_id)
    back = reverse("accounts:sign_in:of", args=[public_id])
    return pages.form(request, form, title=title, submit=title, context={"back_url": back})


def _member(request: StaffRequest, public_id: UUID) -> User:
    found = staff.open_to(request.user, request.now, READ)
    return get_object_or_404(found, public_id=public_id)
