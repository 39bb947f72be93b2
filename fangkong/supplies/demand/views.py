"""Pages of demand: who runs out first, a place, an item, what was asked for, a look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells, export
from fangkong.core.permissions import allowed
from fangkong.core.record import address
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock import words as amounts
from fangkong.supplies.stock.models import Item, Place

from . import actions, figures, forms, queries, words
from .models import Need
from .queries import Cover
from .types import ASK, VIEW, NeedState

if TYPE_CHECKING:
    from django.db.models import Model

WORST = 12  # lines of those that run out first
COLUMNS = 12  # items of the heat map
ROWS = 100  # places of it; all stand in the files


def _state(one: Need, at: object) -> SafeString:
    tones = {NeedState.OPEN: "warn", NeedState.ANSWERED: "good"}
    tone = tones.get(NeedState(one.state), "")
    return cells.badge(tone, one.get_state_display())


NEEDS = pages.Listing[Need](
    name="needs",
    title=gettext_lazy("Needs"),
    columns=[
        pages.Column(
            "asked",
            gettext_lazy("Asked"),
            lambda one: one.created_at,
            order="created_at",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("place", gettext_lazy("Place"), lambda one: one.place.display_name),
        pages.Column(
            "county",
            gettext_lazy("County"),
            lambda one: one.place.county.display_short if one.place.county else "",
        ),
        pages.Column("first", gettext_lazy("From"), lambda one: one.first_day, order="first_day"),
        pages.Column("last", gettext_lazy("To"), lambda one: one.last_day, order="last_day"),
        pages.Column("reason", gettext_lazy("What it is needed for"), lambda one: one.reason),
        pages.Column(
            "state",
            pgettext_lazy("of a need", "State"),
            lambda one: one.get_state_display(),
            draw=_state,
        ),
        pages.Column(
            "late",
            gettext_lazy("Late"),
            lambda one: _("asked after its first day") if one.late else "",
        ),
        pages.Column("room", gettext_lazy("Reported by"), lambda one: one.room, optional=True),
        pages.Column(
            "synthetic",
            gettext_lazy("Demonstration"),
            lambda one: _("made up") if one.synthetic else "",
            optional=True,
        ),
    ],
    order="-asked",
    filters=forms.NeedFilter,
    empty=gettext_lazy("Nothing was asked for."),
)


# --- Who runs out first ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Heat:
    """The cover of places by item: items in the order of the worst cover, and a row a place.

    ``places``: how many there are; those that run out first are shown, each with its address. Cells
    are made here, for a template asks for the address of six hundred one by one.
    """

    items: list[Item]
    rows: list[tuple[Place, str, list[tuple[Item, str]]]]
    places: int


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """Who runs out first, and the cover of every place by item."""
    counties = _counties(request)
    form = forms.BoardFilter(request.GET, counties=counties)
    asked: dict[str, Any] = dict(form.asked())
    said = form.chosen()
    if county := said.get("county"):
        rows = stock.places_to_choose(request.user, request.now, VIEW)
        asked["places"] = list(rows.filter(county__code=county))
    asked["kind"] = said.get("kind") or ""
    if not export.wanted(request):  # the page shows the first of those that lie still
        asked["still"] = WORST
    found = queries.covers(request.user, request.now, **asked)
    if export.wanted(request):
        return _export(request, found)
    pages.forms.dress(form)
    page = {
        "form": form,
        "days": asked["days"],
        "worst": [_told(one) for one in found[:WORST] if one.days is not None],  # worst first
        "heat": _heat(found),
        "unknown": [one for one in found if one.days is None][:WORST],
        "may_ask": bool(request.user.scope(ASK, request.now)),
        "query": request.GET.urlencode(),
    }
    return render(request, "supplies/demand/index.html", page)


def _counties(request: StaffRequest) -> list[Any]:
    places = stock.places_to_choose(request.user, request.now, VIEW)
    found = {one.county.code: one.county for one in places if one.county is not None}
    return [found[code] for code in sorted(found)]


def _heat(found: Sequence[Cover]) -> Heat:
    items: dict[int, Item] = {}
    covers: dict[tuple[int, int], Cover] = {}
    places: dict[int, Place] = {}
    for one in found:
        if one.days is None:
            continue
        if len(items) < COLUMNS:
            items.setdefault(one.item.pk, one.item)
        places.setdefault(one.place.pk, one.place)
        covers[one.place.pk, one.item.pk] = one
    known = set(items)
    reached = [one for one in places.values() if any((one.pk, key) in covers for key in known)]
    rows = []
    for place in reached[:ROWS]:
        here = address("supplies:demand:place", place.public_id)
        row: list[tuple[Item, str]] = []
        for item in items.values():
            cell = covers.get((place.pk, item.pk))
            row.append((item, "–" if cell is None else _cell(cell, f"{here}{item.code}/")))
        rows.append((place, here, row))
    return Heat(list(items.values()), rows, len(reached))


def _cell(one: Cover, url: str) -> SafeString:
    return format_html(
        '<a class="fk-badge" data-tone="{}" href="{}">{}</a>', one.tone, url, words.cover(one)
    )


def _told(one: Cover) -> dict[str, Any]:
    """A cover as the pages say it."""
    return {
        "one": one,
        "days": words.cover(one),
        "stock": amounts.amount(one.stock, one.item),
        "a_day": words.a_day(one.a_day),
        "burn": words.a_day(one.burn.a_day),
        "basis": words.BASES[one.basis],
        "coming": amounts.amount(sum(each.quantity for each in one.counted), one.item)
        if one.counted
        else "",
        "missing": amounts.amount(one.missing, one.item) if one.missing else "",
    }


def _export(
    request: StaffRequest,
    found: Sequence[Cover],
    name: str = "supplies-cover",
    subject: Model | None = None,
) -> HttpResponseBase:
    """The whole board, or the covers of a place or an item, as a file."""
    head = [
        _("Place"), _("County"), _("Item"), _("Unit"), _("In stock"), _("Used a day"),
        _("Days with stock"), _("Need a day"), _("Rests on"), _("On the way"), _("Days of cover"),
        _("Looked ahead (days)"), _("Reserve (days)"), _("Missing to the reserve"),
    ]  # fmt: skip
    rows = [
        [
            one.place.display_name,
            one.place.county.display_short if one.place.county else "",
            one.item.display_name,
            one.item.get_unit_display(),
            one.stock,
            None if one.burn.a_day is None else round(one.burn.a_day, 2),
            one.burn.days,
            round(one.a_day, 2),
            str(words.BASES[one.basis]),
            sum(each.quantity for each in one.counted),
            None if one.days is None else int(one.days * 10) / 10,
            one.horizon,
            one.reserve,
            one.missing,
        ]
        for one in found
    ]
    return export.table(request, name, subject or request.user, head, rows)


# --- A place, an item, an item at a place ---------------------------------------------------------


@allowed(VIEW)
def place(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One place: what lasts how long, what is on its way, what was asked for."""
    found = _place(request, public_id)
    user, at = request.user, request.now
    rows = queries.covers(user, at, places=[found])
    if export.wanted(request):
        return _export(request, rows, f"cover-{found.mark}", found)
    needs = queries.needs_open_to(user, at).filter(place=found).order_by("-pk")[:WORST]
    reserves = queries.norms_on(clock.day_of(at)).reserves(
        found.facility.kind if found.facility else ""
    )
    page = {
        "place": found,
        "rows": [_told(one) for one in rows],
        "needs": list(needs),
        "reserves": [(one, words.text(one.name), words.text(one.clause.text)) for one in reserves],
        "may_ask": queries.place_to_ask(user, at, public_id) is not None,
        "days": 30,
    }
    return render(request, "supplies/demand/place.html", page)


@allowed(VIEW)
def item(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One item: how long it lasts at which place."""
    found = get_object_or_404(stock.items(), public_id=public_id)
    rows = queries.covers(request.user, request.now, item=found)
    if export.wanted(request):
        return _export(request, rows, f"cover-{found.code}", found)
    page = {
        "item": found,
        "rows": [_told(one) for one in rows],
        "chart": figures.by_place(found, rows, request.now),
        "days": 30,
    }
    return render(request, "supplies/demand/item.html", page)


@allowed(VIEW)
def item_chart(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The figures of the item's chart."""
    found = get_object_or_404(stock.items(), public_id=public_id)
    rows = queries.covers(request.user, request.now, item=found)
    return pages.chart_json(figures.by_place(found, rows, request.now))


@allowed(VIEW)
def cover(request: StaffRequest, public_id: UUID, code: str) -> HttpResponseBase:
    """One item at one place: how its stock goes, and what the need rests on."""
    one = _cover(request, public_id, code)
    if export.wanted(request):
        return _days(request, one)
    page = {
        **_told(one),
        "place": one.place,
        "item": one.item,
        "alone": words.days(one.alone, one.horizon),
        "chart": _chart(request, one),
        "arrivals": [
            (each, amounts.amount(each.quantity, one.item), not each.counts_on(one.today))
            for each in one.coming
        ],
    }
    return render(request, "supplies/demand/cover.html", page)


@allowed(VIEW)
def cover_chart(request: StaffRequest, public_id: UUID, code: str) -> JsonResponse:
    """The figures of its chart."""
    return pages.chart_json(_chart(request, _cover(request, public_id, code)))


def _chart(request: StaffRequest, one: Cover) -> pages.Chart:
    keys = [one.place.public_id, one.item.code]
    return figures.ahead(one, reverse("supplies:demand:cover_chart", args=keys), request.now)


def _days(request: StaffRequest, one: Cover) -> HttpResponseBase:
    """How the stock of an item at a place goes, day by day."""
    chart = _chart(request, one)
    head = [_("Day"), *(f"{each.name} ({chart.unit})" for each in chart.series)]
    rows: list[list[object]] = [[day, *values] for day, values in chart.rows]
    return export.table(request, f"cover-{one.place.mark}-{one.item.code}", one.place, head, rows)


def _place(request: StaffRequest, public_id: UUID) -> Place:
    found = stock.place_open_to(request.user, request.now, public_id, VIEW)
    if found is None:
        raise Http404
    return found


def _cover(request: StaffRequest, public_id: UUID, code: str) -> Cover:
    where = _place(request, public_id)
    what = get_object_or_404(stock.items(), code=code)
    return queries.cover(where, what, request.now)


# --- A look ahead, and the norms ------------------------------------------------------------------


@allowed(VIEW)
def ahead(request: StaffRequest) -> HttpResponseBase:
    """What heads that are foreseen will need, and how long the goods last then. Nothing is kept."""
    user, at = request.user, request.now
    places = stock.places_to_choose(user, at, VIEW)
    form = forms.AheadForm(
        request.GET if "who" in request.GET else None,
        places=places,
        norms=queries.norms_on(clock.day_of(at)),
    )
    rows: list[dict[str, Any]] = []
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        found = queries.covers(
            user,
            at,
            days=said["days"],
            strategy=said["strategy"],
            places=[said["place"]],
            forecasts={said["place"].pk: [form.forecast()]},
        )
        if export.wanted(request):
            return _ahead_file(
                request, said["place"], [one for one in found if one.days is not None]
            )
        rows = [
            {
                **_told(one),
                "need": amounts.number(round(sum(one.need))),
                "high": amounts.number(round(sum(one.high))),
                "days_high": words.days(one.days_high, one.horizon),
            }
            for one in found
            if one.days is not None
        ]
    pages.forms.dress(form)
    page = {"form": form, "rows": rows, "query": request.GET.urlencode()}
    return render(request, "supplies/demand/ahead.html", page, status=pages.status_of(form))


def _ahead_file(request: StaffRequest, place: Place, found: Sequence[Cover]) -> HttpResponseBase:
    head = [
        _("Item"), _("Unit"), _("Likely need in all"), _("High need in all"), _("In stock"),
        _("On the way"), _("Days of cover"), _("By the high forecast"), _("Rests on"),
    ]  # fmt: skip
    rows: list[list[object]] = [
        [
            one.item.display_name,
            one.item.get_unit_display(),
            round(sum(one.need)),
            round(sum(one.high)),
            one.stock,
            sum(each.quantity for each in one.counted),
            None if one.days is None else int(one.days * 10) / 10,
            None if one.days_high is None else int(one.days_high * 10) / 10,
            str(words.BASES[one.basis]),
        ]
        for one in found
    ]
    return export.table(request, f"ahead-{place.mark}", place, head, rows)


@allowed(VIEW)
def norms(request: StaffRequest) -> HttpResponseBase:
    """How much each role uses a day, by the rule pack, with its source."""
    found = queries.norms_on(clock.day_of(request.now))
    named = {one.code: one for one in stock.items()}
    rows = [
        {
            "who": words.text(found.roles[one.who].name),
            "exposure": found.roles[one.who].exposure,
            "item": named.get(one.item),
            "name": words.text(one.name),
            "amounts": [
                words.amount(amount) for amount in (one.conventional, one.contingency, one.crisis)
            ],
            "clause": words.text(one.clause.text),
            "source": words.text(one.clause.source.title),
            "from_memory": one.clause.from_memory,
        }
        for one in found.norms
        if one.who in found.roles
    ]
    if export.wanted(request):
        return _norms_file(request, rows)
    return render(request, "supplies/demand/norms.html", {"rows": rows})


def _norms_file(request: StaffRequest, rows: Sequence[dict[str, Any]]) -> HttpResponseBase:
    head = [
        _("Role"), _("Level"), _("Item"), _("Unit"), pgettext("norms", "with enough of it"),
        pgettext("norms", "sparing"), pgettext("norms", "in want"), _("Source"), _("Clause"),
        _("from memory"),
    ]  # fmt: skip
    told: list[list[object]] = [
        [
            row["who"],
            row["exposure"],
            row["name"] if row["item"] is None else row["item"].display_name,
            "" if row["item"] is None else row["item"].get_unit_display(),
            *row["amounts"],
            row["source"],
            row["clause"],
            _("yes") if row["from_memory"] else "",
        ]
        for row in rows
    ]
    return export.table(request, "supply-norms", request.user, head, told)


# --- Needs ----------------------------------------------------------------------------------------


@allowed(VIEW)
def needs(request: StaffRequest) -> HttpResponseBase:
    """What was asked for, the last in front."""
    return pages.listing(
        request,
        NEEDS,
        queries.needs_open_to(request.user, request.now),
        template="supplies/demand/needs.html",
        context={"may_ask": bool(request.user.scope(ASK, request.now))},
    )


@allowed(VIEW)
def need(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One need: for which days, what, and what became of it."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.needs_open_to(user, at), public_id=public_id)
    lines = queries.lines_of([found]).get(found.pk, [])
    pack = queries.norms_on(clock.day_of(at))
    if export.wanted(request):
        head = [_("Item or role"), _("Quantity"), _("Unit"), _("Heads a day")]
        told: list[list[object]] = [
            [
                words.line(one, pack)[0],
                one.quantity,
                "" if one.item is None or one.quantity is None else one.item.get_unit_display(),
                one.heads,
            ]
            for one in lines
        ]
        return export.table(request, f"need-{found.public_id}", found, head, told)
    may = queries.need_open_to(user, at, public_id, ASK) is not None
    page = {
        "need": found,
        "span": words.span(found),
        "lines": [(one, *words.line(one, pack)) for one in lines],
        "newer": queries.replaced_by(found),
        "may_withdraw": may and found.state == NeedState.OPEN,
        "may_replace": may and found.state == NeedState.OPEN and forms.fits(lines),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/demand/need.html", page)


@allowed(ASK)
def ask(request: StaffRequest) -> HttpResponse:
    """A place asks for goods."""
    return _ask(request, None)


@allowed(ASK)
def replace(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Ask otherwise than before."""
    rows = queries.needs_open_to(request.user, request.now, ASK)
    old = get_object_or_404(rows, public_id=public_id)
    if not forms.fits(queries.lines_of([old]).get(old.pk, [])):
        raise Http404  # a machine asked for more than the page has lines
    return _ask(request, old)


def _ask(request: StaffRequest, old: Need | None) -> HttpResponse:
    user, at = request.user, request.now
    form = forms.AskForm(
        request.POST or None,
        items=stock.items(),
        places=stock.places_to_choose(user, at, ASK),
        norms=queries.norms_on(clock.day_of(at)),
        old=None if old is None else (old, queries.lines_of([old]).get(old.pk, [])),
        **({} if old is not None else {"initial": {"place": request.GET.get("place", "")}}),
    )
    if done := pages.carry_out(request, form, actions.ask, form.asked, replaces=old):
        messages.success(request, _("It is asked for."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Ask for goods") if old is None else _("Ask otherwise"),
        submit=_("Ask"),
        template="supplies/demand/ask.html",
        context={
            "back_url": reverse("supplies:demand:needs") if old is None else old.get_absolute_url()
        },
    )


@allowed(ASK)
def withdraw(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It is not needed after all."""
    rows = queries.needs_open_to(request.user, request.now, ASK)
    found = get_object_or_404(rows, public_id=public_id)
    form = forms.ReasonForm(request.POST or None)
    if pages.carry_out(request, form, actions.withdraw, need=found):
        messages.success(request, _("The need is withdrawn."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_("Withdraw a need"),
        submit=_("Withdraw"),
        context={"back_url": found.get_absolute_url()},
    )
