"""Steps of stocktakes, shipments, months and lots that are asked for on a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages

from . import forms


def with_reason(
    request: StaffRequest,
    found: Any,
    action: Callable[..., object],
    title: str,
    submit: str = "",
    **given: object,
) -> HttpResponse:
    """Ask why, then do it and go back to the record.

    ``given``: the record by the name that the action has for it. The page carries no state of it:
    the action must refuse a record that has moved on.
    """
    form = forms.ReasonForm(request.POST or None)
    if pages.carry_out(request, form, action, **given):
        messages.success(request, _("Done."))
        return redirect(found)
    back = {"back_url": found.get_absolute_url()}
    return pages.form(request, form, title=title, submit=submit or title, context=back)
