"""Past days judged again, day by day: what would have been flagged where, and by which method."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.permissions import allowed
from fangkong.packs.types import NoPackInForce

from . import queries, types
from .forms import ReplayForm
from .replay import MOST_DAYS, Told, told
from .types import VIEW

USUAL_DAYS = 14


@allowed(VIEW)
def replay(request: StaffRequest) -> HttpResponse:
    """The days of one disease again, each by what was known at its end. Nothing is written."""
    user, at = request.user, request.now
    today = clock.day_of(at)
    begin = {
        "first": today - timedelta(days=USUAL_DAYS - 1),
        "last": today,
        "condition": next((code for code, _name in queries.conditions_raised(user, at)), ""),
    }
    form = ReplayForm(request.GET or None, initial=begin, today=today, most=MOST_DAYS)
    found = None
    if form.is_valid():
        try:
            found = told(user, at, **form.cleaned_data)
        except NoPackInForce:
            form.add_error("first", _("No rules are on file for these days. Choose later ones."))
    pages.forms.dress(form)
    shown: dict[str, Any] = {"form": form, "found": found, "wide": True}
    if found is not None:
        shown |= {"days": _days(found), "firsts": _firsts(found)}
    status = 422 if form.is_bound and found is None else 200
    return render(request, "surveillance/warning/replay.html", shown, status=status)


def _days(found: Told) -> list[tuple[date, list[dict[str, Any]]]]:
    """Each day with its counties; ``fresh``: the county is flagged for the first time."""
    seen: set[int] = set()
    days = []
    for day, rows in found.days:
        told_ = []
        for area, one in rows:
            told_.append(
                {
                    "area": area,
                    "observed": one.observed,
                    "methods": [_name(method) for method in one.methods],
                    "fresh": area.pk not in seen,
                }
            )
            seen.add(area.pk)
        days.append((day, told_))
    return days


def _firsts(found: Told) -> list[tuple[Any, list[tuple[str, date]]]]:
    return [
        (area, sorted(((_name(name), day) for name, day in days.items()), key=lambda row: row[1]))
        for area, days in found.firsts
    ]


def _name(method: str) -> str:
    return str(types.METHOD_NAMES.get(method, method))
