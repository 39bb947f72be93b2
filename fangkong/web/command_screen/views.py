"""The command screen, first version: map, curve, signals and tasks, live."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.permissions import allowed

from ..live import live
from ..types import SEE_COMMAND_SCREEN
from . import queries


@allowed(SEE_COMMAND_SCREEN)
def index(request: StaffRequest) -> HttpResponse:
    """The whole screen."""
    return render(request, "web/command_screen/index.html", _shown(request))


@allowed(SEE_COMMAND_SCREEN)
def _panels(request: StaffRequest) -> HttpResponse:
    """The live part."""
    return live(request, "web/command_screen/_panels.html", _shown(request))


@allowed(SEE_COMMAND_SCREEN)
def map_data(request: StaffRequest) -> JsonResponse:
    """The figures of the map."""
    return pages.map_json(queries.area_map(_situation(request)))


@allowed(SEE_COMMAND_SCREEN)
def curve_data(request: StaffRequest) -> JsonResponse:
    """The figures of the curve."""
    return pages.chart_json(queries.curve(_situation(request)))


def _situation(request: StaffRequest) -> queries.Situation:
    return queries.situation(request.user, request.now, request.GET.get("condition", "")[:60])


def _shown(request: StaffRequest) -> dict[str, Any]:
    now = _situation(request)
    return {"situation": now, "map": queries.area_map(now), "curve": queries.curve(now)}
