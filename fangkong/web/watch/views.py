"""The state of the system for its administrators: the doctor's lines, and slow statements."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from fangkong.accounts.types import StaffRequest
from fangkong.core.backup import ledger
from fangkong.core.permissions import allowed
from fangkong.core.watch import doctor
from fangkong.core.watch.slow import everywhere
from fangkong.core.watch.types import SEE_WATCH


@allowed(SEE_WATCH)
def index(request: StaffRequest) -> HttpResponse:
    """What `fangkong doctor` says, those that need somebody first, and the newest backups."""
    lines = sorted(doctor.examine(), key=lambda line: -["ok", "warn", "bad"].index(line.tone))
    shown = {"lines": lines, "worst": doctor.worst(lines), "backups": ledger.made()[:10]}
    return render(request, "web/watch/index.html", shown)


@allowed(SEE_WATCH)
def slow(request: StaffRequest) -> HttpResponse:
    """Statements that took long, those that cost most first."""
    shown = {"statements": everywhere()[:100], "limit": settings.FANGKONG_SLOW_MS}
    return render(request, "web/watch/slow.html", shown)
