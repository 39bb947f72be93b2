"""The numbers of the menu, asked for by the shell's script after the page is there."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponseBase, JsonResponse
from django.views.decorators.http import require_GET

from fangkong.accounts.types import StaffRequest

from . import menu


@require_GET
@login_required
def show(request: StaffRequest) -> HttpResponseBase:
    """What waits behind each entry of this user's menu."""
    return JsonResponse(menu.badges(request.user, request.now))
