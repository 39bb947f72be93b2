"""Print pages and lists as PDF: A4, with who printed it and when on every sheet."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit import sights
from fangkong.core.audit.types import How
from fangkong.core.refusals import Refused

from .child import NO_FONT, NO_PANGO, TOO_LONG

SECONDS = 90
MOST_ROWS = 2000
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-cjk"
STYLE = Path(__file__).parent / "paper.css"


class NotPrinted(Refused):
    """The page cannot be printed: too long, or something is missing on the server."""

    status = 422


class CannotPrint(NotPrinted):
    """The server lacks what printing needs."""

    status = 503


def sheet(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    title: str | Promise,
    name: str,
    subject: Model,
) -> HttpResponse:
    """One record as PDF. ``template`` extends core/printing/sheet.html; leaves a line in the trail.

    ``name`` is the file's name: never a person's.
    """
    user, at = _who(request)
    made = pdf(_page(request, template, {**context, "title": title}))
    sights.opened(request, subject, how=How.PRINTED)
    audit.record("core.printing.print", subject, by=user, at=at)
    return _answer(made, name)


def plain_sheet(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, name: str
) -> HttpResponse:
    """A sheet about no single record; the caller leaves the line in the trail."""
    return _answer(pdf(_page(request, template, context)), name)


def table(
    request: HttpRequest,
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | Promise,
    name: str,
) -> HttpResponse:
    """A list as PDF. The caller leaves the line in the trail, as for every export."""
    shown = list(rows)
    if len(shown) > MOST_ROWS:
        raise NotPrinted(
            _("Not more than %(most)d rows can be printed. Narrow the list, or export it.")
            % {"most": MOST_ROWS}
        )
    context = {"title": title, "head": head, "rows": shown, "wide": len(head) > 6}
    return _answer(pdf(_page(request, "core/printing/table.html", context)), name)


def pdf(html: str) -> bytes:
    """The page as PDF. ``NotPrinted`` says what to do where that does not work."""
    asked = [sys.executable, "-m", "fangkong.core.printing.child"]
    try:
        done = subprocess.run(
            asked, input=html.encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotPrinted(_("Printing took too long. Narrow the list, or export it.")) from None
    if done.returncode in (NO_PANGO, NO_FONT):
        raise CannotPrint(
            _("Printing needs packages of the system. Ask the operator to run: %(command)s")
            % {"command": f"sudo apt-get install {PACKAGES}"}
        )
    if done.returncode == TOO_LONG:
        raise NotPrinted(_("This would be too many sheets. Narrow the list, or export it."))
    if done.returncode != 0:
        raise NotPrinted(_("The page could not be printed. Narrow the list, or export it."))
    return done.stdout


def _page(request: HttpRequest, template: str, context: Mapping[str, Any]) -> str:
    user, at = _who(request)
    shown = {
        **context,
        "printed_by": user.display_name,
        "printed_as": user.get_username(),
        "printed_at": at.astimezone(clock.zone()),
        "style": STYLE.read_text("utf-8"),
    }
    return render_to_string(template, shown)


def _who(request: Any) -> tuple[Any, Any]:
    return request.user, request.now


def _answer(made: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(made, content_type="application/pdf")
    answer["Content-Disposition"] = content_disposition_header(True, f"{name}.pdf") or "attachment"
    answer["Cache-Control"] = "private, no-store"
    return answer
