"""Pages of daily reports: the board, a day of all counties, a county's day, file and correct."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import export
from fangkong.core.permissions import Permission, allowed

from . import actions, forms, queries, rules, words
from .models import DailyReport
from .types import FILE, VIEW, DayState

if TYPE_CHECKING:
    from fangkong.places.models import Area

DAYS = 7  # of the board
PHONE = 3  # of them on a narrow screen


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """Who reported which day."""
    form = forms.DayFilter(request.GET, today=clock.day_of(request.now))
    last = form.chosen_day()
    found = queries.board(request.user, request.now, last, DAYS)
    if (wanted := request.GET.get("export")) in ("csv", "xlsx"):
        return _board_file(request, last, found, wanted)
    pages.forms.dress(form)
    own = queries.counties_open_to(request.user, request.now, FILE)
    page = {
        "form": form,
        "last": last,
        "days": [
            (last - timedelta(days=n), _day_url(last - timedelta(days=n)), n >= PHONE)
            for n in range(DAYS)
        ],
        "rows": [
            (
                row.county,
                [
                    _cell(row.county, cell, to_file=row.county in own, narrow=n >= PHONE)
                    for n, cell in enumerate(row.cells)
                ],
            )
            for row in found
        ],
        "filed": sum(row.cells[0].report is not None for row in found),
        "due_at": queries.due_at(last),
        "mine": own[0] if len(own) == 1 else None,
        "query": urlencode({"day": last.isoformat()}),
    }
    return render(request, "supplies/daily/index.html", page)


def _cell(county: Area, cell: queries.Cell, *, to_file: bool, narrow: bool) -> dict[str, Any]:
    url = ""
    if cell.report is not None:
        url = cell.report.get_absolute_url()
    elif cell.state != DayState.RUNNING:
        url = _county_url(county, cell.day, "file" if to_file else "county")
    return {
        "day": cell.day,
        "tone": words.TONES[cell.state],
        "state": cell.state.label,
        "version": cell.report.version if cell.report is not None else 0,
        "url": url,
        "wide_only": narrow,
    }


@allowed(VIEW)
def day(request: StaffRequest) -> HttpResponseBase:
    """A day of all counties of the user: the sums, and who reported."""
    user, at = request.user, request.now
    form = forms.DayFilter(request.GET, today=clock.day_of(at))
    asked = form.chosen_day()
    reports = queries.reports_of_day(user, at, asked)
    to_file = queries.counties_open_to(user, at, FILE)
    lines = queries.lines_of(reports)
    own = queries.own_figures(user, at, asked)
    if (wanted := request.GET.get("export")) in ("csv", "xlsx"):
        return _export(request, asked, reports, lines, wanted, own)
    pages.forms.dress(form)
    page = {
        "form": form,
        "day": asked,
        "own": words.rows(own, queries.items_of(own)) if own else [],
        "own_heads": [words.heads()[name] for name in words.COLUMNS],
        "totals": [
            {"item": one.item, "cells": words.cells(one, words.IN_ALL)}
            for one in queries.totals(reports, lines)
        ],
        "heads": [words.heads()[name] for name in words.IN_ALL],
        "rows": [
            (
                row.county,
                _cell(row.county, row.cells[0], to_file=row.county in to_file, narrow=False),
            )
            for row in queries.board(user, at, asked, 1)
        ],
        "reported": len(reports),
        "synthetic": any(one.synthetic for one in reports),
        "query": urlencode({"day": asked.isoformat()}),
    }
    return render(request, "supplies/daily/day.html", page)


@allowed(VIEW)
def county(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """What the ledger says of a county and a day that was not reported, or the report itself."""
    user, at = request.user, request.now
    found = queries.county_open_to(user, at, public_id)
    if found is None:
        raise Http404
    asked = _asked_day(request)
    if "day" not in request.GET and (missing := queries.missing_of(found, at)):
        asked = missing[0]
    if (report := queries.last_of(found, asked)) is not None:
        return redirect(report)
    page = {**_figures(found, asked), "file_url": ""}
    if _may(request, found, FILE):
        page["file_url"] = _county_url(found, asked, "file")
    return render(request, "supplies/daily/county.html", page)


@allowed(FILE)
def file(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Read what the ledger says of a day, and file it."""
    found = queries.county_open_to(request.user, request.now, public_id, FILE)
    if found is None:
        raise Http404
    asked = _asked_day(request)
    if request.method != "POST" and (report := queries.last_of(found, asked)) is not None:
        return redirect(report)
    context = _figures(found, asked)
    form = forms.FileForm(
        request.POST or None, initial={"read": context["digest"], "day": asked.isoformat()}
    )
    if done := pages.carry_out(request, form, actions.file, county=found):
        messages.success(request, _("The report is filed."))
        return redirect(done.result)
    if form.is_bound:  # what is shown now is what the button files
        form.data = {**form.data, "read": context["digest"]}
    missing = [one for one in queries.missing_of(found, request.now) if one != asked]
    return pages.form(
        request,
        form,
        title=_("Stock report of %(county)s") % {"county": found.display_short},
        submit=_("File the nil report") if context["nil"] else _("File the report"),
        template="supplies/daily/file.html",
        context={
            **context,
            "due_at": queries.due_at(asked),
            "others": [(one, _county_url(found, one, "file")) for one in missing],
            "back_url": reverse("supplies:daily:index"),
        },
    )


@allowed(VIEW)
def report(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One report as it was filed, and whether the ledger says otherwise by now."""
    rows = queries.reports_open_to(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    lines = queries.lines_of([found])
    if (wanted := request.GET.get("export")) in ("csv", "xlsx"):
        return _export(request, found.day, [found], lines, wanted)
    versions = queries.versions_of(found)
    last = versions[0]
    page = {
        "report": found,
        "rows": words.filed(lines[found.pk]),
        "heads": [words.heads()[name] for name in words.COLUMNS],
        "last": None if last.pk == found.pk else last,
        "versions": versions,
        "changed": last.pk == found.pk and queries.changed(found, found.county),
        "may_correct": _may(request, found.county, FILE)
        and queries.may_be_reported(found.day, request.now),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/daily/report.html", page)


@allowed(FILE)
def correct(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Report a day anew, as the ledger says now."""
    rows = queries.reports_open_to(request.user, request.now, FILE)
    found = get_object_or_404(rows, public_id=public_id)
    context = _figures(found.county, found.day)
    form = pages.editing(
        forms.CorrectForm(request.POST or None, initial={"read": context["digest"]}), found
    )
    if done := pages.carry_out(request, form, actions.correct, report=found):
        messages.success(request, _("The correction is filed."))
        return redirect(done.result)
    if form.is_bound:
        form.data = {**form.data, "read": context["digest"]}
    return pages.form(
        request,
        form,
        title=_("Correct the stock report of %(county)s") % {"county": found.county.display_short},
        submit=_("File the correction"),
        template="supplies/daily/file.html",
        context={**context, "corrects": found, "back_url": found.get_absolute_url()},
    )


# --- What the pages share -------------------------------------------------------------------------


def _asked_day(request: StaffRequest) -> date:
    said = request.POST if request.method == "POST" else request.GET
    return forms.DayFilter(said, today=clock.day_of(request.now)).chosen_day()


def _figures(county: Area, day: date) -> dict[str, Any]:
    lines = queries.figures(county, day)
    return {
        "county": county,
        "day": day,
        "rows": words.rows(lines, queries.items_of(lines)),
        "heads": [words.heads()[name] for name in words.COLUMNS],
        "nil": rules.nil(lines),
        "digest": rules.digest(lines),
    }


def _may(request: StaffRequest, county: Area, permission: Permission) -> bool:
    return request.user.scope(permission, request.now).holds(county_id=county.pk)


def _day_url(day: date) -> str:
    return f"{reverse('supplies:daily:day')}?{urlencode({'day': day.isoformat()})}"


def _county_url(county: Area, day: date, page: str = "county") -> str:
    where = reverse(f"supplies:daily:{page}", args=[county.public_id])
    return f"{where}?{urlencode({'day': day.isoformat()})}"


def _board_file(
    request: StaffRequest, last: date, found: list[queries.Row], kind: str
) -> HttpResponseBase:
    """Who reported which day, a line for each county and day."""
    head = [_("County code"), _("County"), _("Day"), _("State"), _("Version"), _("Filed")]
    rows: list[list[object]] = [
        [
            row.county.code,
            row.county.display_short,
            cell.day,
            cell.state.label,
            "" if cell.report is None else cell.report.version,
            "" if cell.report is None else cell.report.created_at,
        ]
        for row in found
        for cell in row.cells
    ]
    return _sent(request, f"reported-{last.isoformat()}", head, rows, kind)


def _sent(
    request: StaffRequest, name: str, head: list[str], rows: list[list[object]], kind: str
) -> HttpResponseBase:
    user = request.user
    mark = export.note("supplies-daily", user, by=user, at=request.now, kind=kind, rows=len(rows))
    write = export.csv_response if kind == "csv" else export.xlsx_response
    return write(f"fangkong-{name}", head, iter(rows), mark)


def _export(
    request: StaffRequest,
    day: date,
    reports: Iterable[DailyReport],
    lines: dict[int, Any],
    kind: str,
    own: Sequence[rules.Sums] = (),
) -> HttpResponseBase:
    """Reports as a file, a line for each county and item; a nil report without stock has one.

    ``own``: the prefecture's own stores, which no county reports: below, with no version.
    """
    said = words.heads()
    head = [
        _("County code"), _("County"), _("Day"), _("Version"), _("Nil report"), _("Item code"),
        _("Item"), _("Unit"), *(said[name] for name in words.COLUMNS), _("Remark"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for one in reports:
        start = [one.county.code, one.county.display_short, one.day, one.version]
        start.append(_("yes") if one.nil else "")
        blank = ["", "", "", *("" for _name in words.COLUMNS), one.remark]
        goods = [
            [line.item.code, line.item.display_name, line.item.get_unit_display()]
            + [getattr(line, name) for name in words.COLUMNS]
            + [one.remark]
            for line in lines[one.pk]
        ]
        rows += [[*start, *rest] for rest in goods or [blank]]
    items = queries.items_of(own)
    for item, line in words.ordered(own, items):
        names = [item.code, item.display_name, item.get_unit_display()]
        start = ["", _("The prefecture's own stores"), day, "", ""]
        rows.append([*start, *names, *(getattr(line, name) for name in words.COLUMNS), ""])
    return _sent(request, f"stock-{day.isoformat()}", head, rows, kind)
