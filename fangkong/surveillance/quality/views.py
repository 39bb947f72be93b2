"""Pages of the quality of report cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import sights
from fangkong.core.audit.types import How
from fangkong.core.pages import export
from fangkong.core.permissions import allowed
from fangkong.core.printing import sheets as printing
from fangkong.surveillance.monitoring import words as cases
from fangkong.surveillance.monitoring.types import VIEW

from . import figures, queries, rules, words
from .types import Dimension

if TYPE_CHECKING:
    from fangkong.surveillance.monitoring.models import Case


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The rates of the cards of a period, by unit, and the cards at fault; also as a file."""
    page = figures.shown(request.user, request.now, request.GET)
    if request.GET.get("export") in ("csv", "xlsx", "pdf") and page.problem is None:
        return _file(request, page, request.GET["export"])
    found = page.found
    context = {
        "page": page,
        "form": page.form,
        "chart": figures.chart(page),
        "looked": [(one.value, one.label) for one in Dimension],
        "rows": [_row(page, card) for card in found[: figures.MOST_SHOWN]],
        "found": len(found),
        "most": figures.MOST_SHOWN,
    }
    return render(
        request,
        "surveillance/quality/index.html",
        context,
        status=page.problem.status if page.problem else 200,
    )


@allowed(VIEW)
def chart(request: StaffRequest) -> JsonResponse:
    """The chart as JSON."""
    return pages.chart_json(figures.chart(figures.shown(request.user, request.now, request.GET)))


def of_case(request: HttpRequest, case: object) -> str:
    """What is found in a card, on the page of its case (a slot): who reviews it reads it there."""
    asker, one = cast(Any, request), cast("Case", case)
    card = queries.of_case(one, asker.now)
    if card is None or not card.audit.findings:
        return ""
    by = rules.by_dimension(card.audit.findings)
    found = [
        (
            Dimension(dimension),
            [(words.named(card.definition, f), words.clause(card.definition, f)) for f in them],
        )
        for dimension, them in by.items()
    ]
    return render_to_string("surveillance/quality/_of_case.html", {"found": found}, request)


def _row(page: figures.Shown, card: queries.Judged) -> dict[str, object]:
    return {"card": card, "condition": _condition(card), "found": _found(page, card)}


def _condition(card: queries.Judged) -> str:
    return cases.condition(card.definition, card.condition, clock.day_of(card.diagnosed_at))


def _found(page: figures.Shown, card: queries.Judged) -> list[tuple[Dimension, str]]:
    """What is looked at in a card: the dimension, and the finding in words."""
    return [(Dimension(one.dimension), words.named(card.definition, one)) for one in page.of(card)]


def _file(request: StaffRequest, page: figures.Shown, kind: str) -> HttpResponseBase:
    """A line for every finding: numbers of cards alone, yet their persons are noted as seen."""
    found = page.found
    how = How.PRINTED if kind == "pdf" else How.EXPORTED
    sights.taken(request, "people.person", {card.person_id for card in found}, how=how)
    mark = export.note(
        "card-quality", request.user, by=request.user, at=request.now, kind=kind, rows=len(found)
    )

    def lines() -> Iterator[list[object]]:
        for card in found:
            for dimension, name in _found(page, card):
                what = [card.number, _condition(card), card.reported_at]
                yield [*what, str(dimension.label), name]

    name = "fangkong-card-quality"
    head = [_("Number"), _("Disease"), _("Reported"), _("Judged by"), _("Found in the card")]
    if kind == "pdf":
        texts = ([export.plain(cell) for cell in line] for line in lines())
        return printing.table(request, head, texts, title=_("Card quality"), name=name)
    write = export.csv_response if kind == "csv" else export.xlsx_response
    return write(name, head, lines(), mark)
