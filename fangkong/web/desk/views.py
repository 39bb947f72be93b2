"""My desk: what waits for this user, by role, the most pressing first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render

from fangkong.accounts.types import StaffRequest

from ..live import live
from . import queries


@login_required
def index(request: StaffRequest) -> HttpResponse:
    """The desk."""
    return render(request, "web/desk/index.html", {"desk": queries.desk(request.user, request.now)})


@login_required
def _work(request: StaffRequest) -> HttpResponse:
    """The live piece of the desk."""
    shown = {"desk": queries.desk(request.user, request.now)}
    return live(request, "web/desk/_work.html", shown)
