"""Buttons of the views menu over every list. The menu itself is drawn by the list."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from fangkong.core.commands.actions import once

from . import actions, queries
from .forms import Form, carry_out, key_of, unconfirmed
from .models import SavedView


class SaveForm(Form):
    """A name for what the list shows now."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=40)
    path = forms.CharField(max_length=200, widget=forms.HiddenInput)
    query = forms.CharField(max_length=4000, required=False, widget=forms.HiddenInput)
    is_default = forms.BooleanField(label=gettext_lazy("Open the list with it"), required=False)

    def clean_path(self) -> str:
        """The address of a page of this house, and of nothing else."""
        path: str = self.cleaned_data["path"]
        try:
            resolve(path)
        except Resolver404 as problem:
            raise forms.ValidationError(_("There is no such list.")) from problem
        if not url_has_allowed_host_and_scheme(path, None) or urlsplit(path).query:
            raise forms.ValidationError(_("There is no such list."))
        return path


@login_required
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep what the list shows under a name."""
    form = SaveForm(request.POST)
    if done := carry_out(request, form, actions.save_view):
        messages.success(request, _("The view is saved."))
        return redirect(_seen(done.result))
    for problem in (text for texts in form.errors.values() for text in texts):
        messages.warning(request, str(problem))
    path = form.cleaned_data.get("path")
    if path is None:
        raise Http404
    return redirect(f"{path}?{form.cleaned_data.get('query', '')}")


@login_required
@require_POST
def open_with(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let the list open with this view, or no longer."""
    view = _mine(request, public_id)
    wanted = request.POST.get("wanted") == "yes"
    _do(request, actions.open_with, view=view, wanted=wanted)
    messages.success(
        request,
        _("The list opens with this view.") if wanted else _("The list opens without a view."),
    )
    return redirect(_seen(view))


@login_required
@require_POST
def drop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a view."""
    view = _mine(request, public_id)
    text = _("The view “%(name)s” goes away. The records of the list stay.") % {"name": view.name}
    if page := unconfirmed(request, text, submit=_("Remove"), back_url=_seen(view)):
        return page
    path = _do(request, actions.drop_view, view=view)
    messages.success(request, _("The view is removed."))
    return redirect(f"{path}?view=none")


def _mine(request: HttpRequest, public_id: UUID) -> SavedView:
    return get_object_or_404(queries.owned_by(request.user), public_id=public_id)


def _do(request: HttpRequest, action: Any, **given: Any) -> Any:
    by, at = request.user, cast(Any, request).now
    return once(key_of(request), action, by=by, at=at, **given)


def _seen(view: SavedView) -> str:
    return f"{view.path}?{view.query}{'&' if view.query else ''}view={view.public_id}"
