"""One's own tokens for programs; administrators see all, and make those of machine accounts."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts import queries as accounts
from fangkong.accounts.sign_in import queries as sign_in
from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.commands.actions import once
from fangkong.core.tokens import actions, queries
from fangkong.core.tokens.types import MANAGE, unmet

from .forms import TokenForm

TOKENS: pages.Listing[Any] = pages.Listing(
    name="tokens",
    title=_("Tokens for programs"),
    columns=[
        pages.Column("label", pgettext_lazy("thing", "Name"), lambda t: t.label),
        pages.Column(
            "prefix", _("Begins with"), lambda t: t.prefix, piece="web/tokens/_prefix.html"
        ),
        pages.Column("user", _("Acts as"), lambda t: t.user.display_name),
        pages.Column(
            "permissions",
            _("Permissions"),
            lambda t: ", ".join(t.permissions),
            piece="web/tokens/_permissions.html",
        ),
        pages.Column("made", _("Made"), lambda t: t.created_at, order="created_at"),
        pages.Column("expires", _("Valid until"), lambda t: t.expires_at),
        pages.Column("used", _("Last used"), lambda t: t.last_used_at),
        pages.Column("revoked", _("State"), lambda t: t.revoked_at, piece="web/tokens/_state.html"),
    ],
    order="-made",
    empty=_("No token yet. A program needs one to read or write through the API."),
)


@login_required
def index(request: StaffRequest) -> HttpResponseBase:
    """The newest tokens first."""
    rows = queries.open_to(request.user, request.now)
    context = {"now": request.now}
    return pages.listing(request, TOKENS, rows, template="web/tokens/index.html", context=context)


@login_required
@never_cache
def new(request: StaffRequest) -> HttpResponse:
    """Make a token; its secret is shown on the answer to this request only."""
    user = request.user
    if sign_in.factors(user) and sign_in.asks_for_factor_again(request, user, request.now):
        # The second factor at once: it proves as much as the password and more.
        again = urlencode({"next": request.path})
        return redirect(f"{reverse('mfa_reauthenticate')}?{again}")
    return cast(HttpResponse, _new(request))


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _new(request: StaffRequest) -> HttpResponse:
    if words := unmet(request, request.user):
        return render(request, "web/tokens/unmet.html", {"words": words}, status=403)
    machines = (
        accounts.machines(request.user, request.now)
        if request.user.scope(MANAGE, request.now)
        else []
    )
    form = TokenForm(request.POST or None, by=request.user, machines=machines, at=request.now)
    if done := pages.carry_out(request, form, actions.make, form.cleaned):
        return render(request, "web/tokens/made.html", {"token": done.result})
    return pages.form(request, form, title=_("New token"), submit=_("Make the token"))


@require_POST
@login_required
def revoke(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Stop a token at once."""
    token = get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)
    once(pages.key_of(request), actions.revoke, token=token, by=request.user, at=request.now)
    messages.success(request, _("The token is revoked."))
    return redirect("tokens")
