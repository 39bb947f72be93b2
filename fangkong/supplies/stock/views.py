"""Pages of the stock: what there is, an item, a place, a lot, the sheets of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells, export
from fangkong.core.permissions import Permission, allowed

from . import actions, forms, queries, rules, serial_views, step_views, tables, words
from .models import Balance, Entry, Item, Lot, Move, Place
from .types import CATALOGUE, HOLD, KEEP, NOT_ALONE, VIEW, PlaceKind, Standing

SHOWN_DAYS = 30  # of the curve
BURN_DAYS = 14  # over which use a day is counted
SHOWN = 20  # lines of the ledger on a page that leads to the whole


def _amount(name: str) -> Callable[[Any], str]:
    """A quantity of an item's board in words, nothing for none."""
    return lambda one: words.amount(getattr(one, name), one) if getattr(one, name) else ""


def _reserve(one: Item, at: datetime) -> SafeString:
    told = words.reserve(one.fit, one)
    if not told:
        return SafeString("")
    tone = "bad" if one.standing == Standing.LOW else "good"
    return cells.badge(tone, told)


def _coming(one: Item, at: datetime) -> SafeString:
    if not one.coming:
        return SafeString("")
    amount = words.amount(one.coming, one)
    if one.arrives is None:
        return format_html("{}", amount)
    if one.arrives < clock.day_of(at):
        late = _("due %(day)s") % {"day": one.arrives}
        return format_html("{} {}", amount, cells.badge("warn", late))
    return format_html('{} <span class="text-secondary text-nowrap">{}</span>', amount, one.arrives)


def _standing(one: Item, at: datetime) -> SafeString:
    standing = Standing(one.standing)
    if standing not in TONES:
        return format_html('<span class="text-secondary">{}</span>', standing.label)
    return cells.badge(TONES[standing], standing.label)


TONES = {Standing.LOW: "bad", Standing.BAD: "bad", Standing.SOON: "warn", Standing.HERE: "good"}


def _here(one: Item, at: datetime) -> SafeString:
    told = words.amount(one.here, one)
    if one.here or one.least:
        return format_html("{}", told)
    return format_html('<span class="fk-nothing text-secondary">{}</span>', told)


BOARD = pages.Listing[Item](
    name="stock",
    title=gettext_lazy("Stock"),
    columns=[
        pages.Column(
            "name",
            gettext_lazy("Item"),
            lambda one: one.display_name,
            order="name_zh",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column(
            "kind",
            pgettext_lazy("of an item", "Class"),
            lambda one: one.get_kind_display(),
            order="kind",
        ),
        pages.Column(
            "here",
            gettext_lazy("In stock"),
            lambda one: words.amount(one.here, one),
            order="here",
            draw=_here,
            number=True,
        ),
        pages.Column(
            "standing",
            gettext_lazy("State"),
            lambda one: Standing(one.standing).label,
            order="standing",
            draw=_standing,
        ),
        pages.Column("packs", gettext_lazy("In packs"), lambda one: words.in_packs(one.here, one)),
        pages.Column(
            "low",
            gettext_lazy("Reserve"),
            lambda one: words.reserve(one.fit, one),
            draw=_reserve,
            number=True,
        ),
        pages.Column(
            "coming",
            gettext_lazy("Promised and on the way"),
            _amount("coming"),
            order="coming",
            draw=_coming,
            number=True,
        ),
        pages.Column("first", gettext_lazy("Earliest expiry"), lambda one: one.first or ""),
        pages.Column(
            "soon", gettext_lazy("Expiring soon"), _amount("soon"), order="soon", number=True
        ),
        pages.Column(
            "spoiled", gettext_lazy("Expired"), _amount("spoiled"), order="spoiled", number=True
        ),
        pages.Column(
            "kept_back",
            gettext_lazy("Held back"),
            _amount("kept_back"),
            order="kept_back",
            number=True,
        ),
        pages.Column(
            "arrives", gettext_lazy("First expected"), lambda one: one.arrives or "", optional=True
        ),
        pages.Column("code", gettext_lazy("Code"), lambda one: one.code, optional=True),
        pages.Column("standard", gettext_lazy("Standard"), lambda one: one.standard, optional=True),
    ],
    order="standing",
    page_size=500,  # the whole catalogue of a prefecture on one page
    filters=forms.BoardFilter,
    empty=gettext_lazy("The catalogue is empty. Take it from the rule pack, or add an item."),
)

HOLDINGS = pages.Listing[Balance](
    name="holdings",
    title=gettext_lazy("Lots and places"),
    columns=[
        pages.Column(
            "item",
            gettext_lazy("Item"),
            lambda row: row.item.display_name,
            order="item__name_zh",
            url=lambda row: row.item.get_absolute_url(),
        ),
        pages.Column(
            "place",
            gettext_lazy("Place"),
            lambda row: row.place.display_name,
            url=lambda row: row.place.get_absolute_url(),
        ),
        pages.Column(
            "lot",
            gettext_lazy("Lot"),
            lambda row: words.lot(row.lot),
            url=lambda row: row.lot.get_absolute_url(),
        ),
        pages.Column(
            "quantity",
            gettext_lazy("Quantity"),
            lambda row: words.amount(row.quantity, row.item),
            number=True,
        ),
        pages.Column(
            "until",
            gettext_lazy("Last good day"),
            lambda row: row.lot.expires_on or "",
            order="until",
        ),
        pages.Column("earmark", gettext_lazy("Earmarked for"), lambda row: row.lot.earmark),
        pages.Column("held", gettext_lazy("Held back"), lambda row: row.lot.held_back_why),
    ],
    order="until",
    filters=forms.HoldingFilter,
    empty=gettext_lazy("Nothing is in stock here."),
)

PLACES = pages.Listing[Place](
    name="stock_places",
    title=gettext_lazy("Places of stock"),
    columns=[
        pages.Column(
            "mark",
            gettext_lazy("Mark"),
            lambda one: one.mark,
            order="mark",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("name", gettext_lazy("Name"), lambda one: one.display_name),
        pages.Column(
            "kind",
            pgettext_lazy("of stock", "Kind"),
            lambda one: one.get_kind_display(),
            order="kind",
        ),
        pages.Column(
            "county",
            gettext_lazy("County"),
            lambda one: one.county.display_short if one.county else "",
        ),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: _("closed") if one.closed_at else pgettext("a place", "open"),
        ),
    ],
    order="mark",
    empty=gettext_lazy("No place of stock was opened."),
)

ENTRIES = pages.Listing[Entry](
    name="entries",
    title=gettext_lazy("Sheets of the ledger"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column(
            "kind",
            pgettext_lazy("entry of the ledger", "Kind"),
            lambda one: one.get_kind_display(),
        ),
        pages.Column("place", gettext_lazy("Place"), lambda one: one.place.display_name),
        pages.Column("moved", gettext_lazy("Moved"), lambda one: one.moved_at, order="moved_at"),
        pages.Column(
            "booked", gettext_lazy("Booked"), lambda one: one.created_at, order="created_at"
        ),
        pages.Column("other", gettext_lazy("Brought or taken by"), lambda one: one.other),
        pages.Column(
            "synthetic",
            gettext_lazy("Demonstration"),
            lambda one: _("made up") if one.synthetic else "",
        ),
        pages.Column("note", gettext_lazy("Note"), lambda one: one.note, optional=True),
    ],
    order="-booked",
    filters=forms.EntryFilter,
    empty=gettext_lazy("Nothing was booked yet."),
)

LEDGER = pages.Listing[Move](
    name="ledger",
    title=gettext_lazy("Ledger"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Sheet"),
            lambda one: one.entry.number,
            url=lambda one: one.entry.get_absolute_url(),
        ),
        pages.Column(
            "moved", gettext_lazy("Moved"), lambda one: one.entry.moved_at, order="entry__moved_at"
        ),
        pages.Column(
            "kind",
            pgettext_lazy("entry of the ledger", "Kind"),
            lambda one: one.entry.get_kind_display(),
        ),
        pages.Column("lot", gettext_lazy("Lot"), lambda one: words.lot(one.lot)),
        pages.Column(
            "from", pgettext_lazy("of goods", "From"), lambda one: one.source.display_name
        ),
        pages.Column("to", pgettext_lazy("of goods", "To"), lambda one: one.target.display_name),
        pages.Column(
            "quantity",
            gettext_lazy("Quantity"),
            lambda one: words.amount(one.quantity, one.item),
            number=True,
        ),
    ],
    order="-moved",
    empty=gettext_lazy("Nothing was booked yet."),
)


# --- What there is --------------------------------------------------------------------------------


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """Every item with what the user's places hold of it."""
    user, at = request.user, request.now
    page = {"may_keep": _may(request, KEEP), "may_change": _may(request, CATALOGUE)}
    return pages.listing(
        request,
        BOARD,
        queries.board(user, at),
        template="supplies/stock/index.html",
        context=page,
    )


@allowed(VIEW)
def holdings(request: StaffRequest) -> HttpResponseBase:
    """What is where, lot by lot, earliest expiry first."""
    return pages.listing(request, HOLDINGS, queries.whole_balances(request.user, request.now))


@allowed(VIEW)
def item(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One item: where it is, how the stock went, what will not be used in time."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.board(user, at, public_id))
    day = clock.day_of(at)
    keys = _keys(request)
    rows = list(queries.balances_open_to(user, at).filter(item=found))
    if export.wanted(request):
        return export.table(request, f"stock-{found.code}", found, *tables.holdings(rows))
    used = queries.used_a_day(found, keys, day - timedelta(days=BURN_DAYS - 1), day)
    a_day = sum(used.values())
    usable = [row for row in rows if row.place.kind != PlaceKind.TRANSIT]
    good = sum(row.quantity for row in usable if queries.holding(row).good_on(day))
    page = {
        "item": found,
        "here": words.amount(found.here, found),
        "packs": words.in_packs(found.here, found),
        "reserve": words.reserve(found.fit, found),
        "low": found.fit is not None and found.fit < found.least,
        "a_day": round(a_day, 1),
        "burn_days": BURN_DAYS,
        "cover": rules.days_of_cover(good, a_day),
        "rows": [(row, words.amount(row.quantity, found), _tone(row, day)) for row in rows],
        "wasting": _wasting(usable, used, day, found),
        "chart": _curve(request, found, keys),
        "moves": _told(queries.moves_open_to(user, at).filter(item=found).order_by("-pk")[:SHOWN]),
        "may_keep": _may(request, KEEP),
        "may_change": _may(request, CATALOGUE),
        "has_serials": queries.serials_open_to(user, at).filter(lot__item=found).exists(),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/item.html", page)


@allowed(VIEW)
def item_curve(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The figures of the item's chart."""
    found = get_object_or_404(queries.items(), public_id=public_id)
    return pages.chart_json(_curve(request, found, _keys(request)))


@allowed(VIEW)
def ledger(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """Every line of an item at the user's places."""
    found = get_object_or_404(queries.items(), public_id=public_id)
    rows = queries.moves_open_to(request.user, request.now).filter(item=found)
    page = {"item": found}
    return pages.listing(request, LEDGER, rows, template="supplies/stock/ledger.html", context=page)


def _curve(request: StaffRequest, found: Item, keys: list[int]) -> pages.Chart:
    day = clock.day_of(request.now)
    days = queries.curve(found, keys, day - timedelta(days=SHOWN_DAYS - 1), day)
    return pages.Chart(
        title=_("Stock of each evening"),
        url=reverse("supplies:stock:item_curve", args=[found.public_id]),
        x=[one.day.isoformat() for one in days],
        series=[
            pages.Series(_("came in"), [one.came for one in days]),
            pages.Series(_("went out"), [-one.went for one in days]),
            pages.Series(_("in stock"), [one.held for one in days], kind="line"),
        ],
        unit=found.get_unit_display(),
        x_label=_("Day"),
        as_of=request.now,
        note=_("By when the goods moved; moves between your own places are left out."),
    )


def _wasting(
    rows: list[Balance], used: dict[int, float], day: Any, found: Item
) -> list[tuple[Balance, str]]:
    """What will expire before it is used, place by place, at the pace of the last days."""
    by_key = {(row.place_id, row.lot_id): row for row in rows}
    told = []
    for place in dict.fromkeys(row.place_id for row in rows):
        held = [queries.holding(row) for row in rows if row.place_id == place]
        told += [
            (by_key[place, one.lot], words.amount(one.quantity, found))
            for one in rules.wasting(held, used.get(place, 0), day)
        ]
    return told


def _tone(row: Balance, day: Any) -> str:
    """How a lot stands: "bad", "warn" or nothing."""
    one = queries.holding(row)
    if not one.good_on(day):
        return "bad"
    soon = one.expires_on is not None and one.expires_on <= day + timedelta(days=queries.SOON)
    return "warn" if soon else ""


def _told(moves: Any) -> list[tuple[Move, str]]:
    return [(one, words.amount(one.quantity, one.item)) for one in moves]


# --- Places ---------------------------------------------------------------------------------------


@allowed(VIEW)
def places(request: StaffRequest) -> HttpResponseBase:
    """The stores and wards of the user."""
    return pages.listing(
        request,
        PLACES,
        queries.stores_open_to(request.user, request.now),
        template="supplies/stock/places.html",
        context={"may_keep": _may(request, KEEP)},
    )


@allowed(KEEP)
def open_place(request: StaffRequest) -> HttpResponse:
    """A facility keeps goods from now on."""
    rows = queries.facilities_to_open(request.user, request.now).order_by("area__code", "name_zh")
    form = forms.PlaceForm(request.POST or None, facilities=rows)
    if done := pages.carry_out(request, form, actions.open_place, form.asked):
        messages.success(request, _("The place is open."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Open a place of stock"),
        submit=pgettext("a place", "Open"),
        context={"back_url": reverse("supplies:stock:places")},
    )


@allowed(VIEW)
def place(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One place: what it holds, what came and went last."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.places_open_to(user, at), public_id=public_id)
    day = clock.day_of(at)
    rows = list(queries.balances_open_to(user, at).filter(place=found))
    if export.wanted(request):
        return export.table(request, f"stock-{found.mark}", found, *tables.holdings(rows))
    entries = queries.entries_open_to(user, at).filter(place=found).order_by("-pk")[:SHOWN]
    page = {
        "place": found,
        "rows": [(row, words.amount(row.quantity, row.item), _tone(row, day)) for row in rows],
        "entries": list(entries),
        "closings": queries.closings_of(found),
        "next_month": _month_to_close(found, day),
        "owed": queries.releases_open_to(user, at)
        .filter(place=found, settled_at__isnull=True)
        .order_by("pk")[:SHOWN],
        "may_keep": queries.place_open_to(user, at, public_id, KEEP) is not None,
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/place.html", page)


@allowed(KEEP)
@require_POST
def close_place(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Nothing is kept here any more."""
    rows = queries.places_open_to(request.user, request.now, KEEP)
    found = get_object_or_404(rows, public_id=public_id)
    form = forms.StepForm(request.POST)
    if pages.carry_out(request, form, actions.close_place, place=found):
        messages.success(request, _("The place is closed."))
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect(found)


# --- Goods in and out -----------------------------------------------------------------------------


@allowed(KEEP)
def receive(request: StaffRequest) -> HttpResponse:
    """Goods come in."""
    user, at = request.user, request.now
    form = forms.ReceiveForm(
        request.POST or None,
        items=queries.items(),
        places=queries.places_to_choose(user, at),
        initial={"place": request.GET.get("place", ""), **_first_line(request)},
    )
    if done := pages.carry_out(request, form, actions.receive, form.asked):
        messages.success(request, _("Booked as %(number)s.") % {"number": done.result.number})
        return redirect(done.result)
    return _sheet(request, form, _("Receive goods"), _("Book in"), ["place"])


@allowed(KEEP)
def issue(request: StaffRequest) -> HttpResponse:
    """Goods leave, used up or to another place."""
    user, at = request.user, request.now
    form = forms.IssueForm(
        request.POST or None,
        items=queries.items(),
        places=queries.places_to_choose(user, at),
        targets=queries.targets_in_house(user, at),
        initial={"source": request.GET.get("place", ""), **_first_line(request)},
    )
    if done := pages.carry_out(request, form, actions.issue, form.asked):
        messages.success(request, _("Booked as %(number)s.") % {"number": done.result.number})
        return redirect(done.result)
    return _sheet(request, form, _("Issue goods"), _("Book out"), ["source", "target"])


def _first_line(request: StaffRequest) -> dict[str, str]:
    """The item that the page before led here with."""
    found = queries.item_by_code(request.GET.get("item", ""))
    return {} if found is None else {"item_0": forms.named(found)}


def _sheet(
    request: StaffRequest, form: forms.LinesForm, title: str, submit: str, places: list[str]
) -> HttpResponse:
    context = {
        "back_url": reverse("supplies:stock:index"),
        "places": [form[name] for name in places],
        "papers": [form[name] for name in ("other", "moved_at", "note")],
    }
    return pages.form(
        request,
        form,
        title=title,
        submit=submit,
        template="supplies/stock/sheet.html",
        context=context,
    )


@allowed(VIEW)
def entries(request: StaffRequest) -> HttpResponseBase:
    """The sheets of the ledger, the last booked in front."""
    return pages.listing(request, ENTRIES, queries.entries_open_to(request.user, request.now))


@allowed(VIEW)
def entry(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One sheet: what moved, by whom and why; whoever keeps its place may take it back."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.entries_open_to(user, at), public_id=public_id)
    if export.wanted(request):
        table = tables.moves(queries.moves_of(found), queries.packages_on(found))
        return export.table(request, f"sheet-{found.number}", found, *table)
    back = queries.reversal_of(found)
    may = queries.entries_to_reverse(user, at).filter(pk=found.pk).exists()
    packages = queries.packages_on(found)
    page = {
        "entry": found,
        "moves": _told(queries.moves_of(found)),
        "packages": serial_views.grouped([(one, "") for one in packages], user, at),
        "reversal": back,
        "may_reverse": may
        and back is None
        and found.reverses_id is None
        and found.kind not in NOT_ALONE,
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/entry.html", page)


@allowed(KEEP)
def reverse_entry(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Take a sheet back, whole."""
    rows = queries.entries_to_reverse(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    form = forms.ReasonForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.reverse, entry=found):
        messages.success(request, _("Taken back by %(number)s.") % {"number": done.result.number})
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Take back %(number)s") % {"number": found.number},
        submit=_("Take back the whole sheet"),
        context={"back_url": found.get_absolute_url()},
    )


# --- Lots -----------------------------------------------------------------------------------------


@allowed(VIEW)
def lot(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One lot: its label, who holds it, where it went."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.lots_open_to(user, at), public_id=public_id)
    may_hold = _may(request, HOLD)
    # Whoever may recall a lot has to reach all who have it.
    rows = (
        queries.holders(found) if may_hold else queries.balances_open_to(user, at).filter(lot=found)
    )
    moves = queries.moves_open_to(user, at).filter(lot=found).order_by("-pk")
    if export.wanted(request):
        by_holder = request.GET.get("of") == "holders"
        table = tables.holdings(rows) if by_holder else tables.moves(moves)
        return export.table(request, f"lot-{found.public_id}", found, *table)
    page = {
        "lot": found,
        "named": words.lot(found),
        "rows": [(row, words.amount(row.quantity, found.item)) for row in rows],
        "moves": _told(moves[:SHOWN]),
        "may_hold": may_hold,
        "may_let_go": may_hold and queries.may_let_go(found, user, at),
        "may_lose": bool(_kept_rows(request, found)),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/lot.html", page)


@allowed(HOLD)
def hold(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Nobody may issue the lot any more."""
    return _judge(
        request, public_id, actions.hold, _("Hold a lot back"), _("Hold it back everywhere")
    )


@allowed(HOLD)
def let_go(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The lot may be issued again."""
    return _judge(request, public_id, actions.let_go, _("Let a lot go"), _("Let it go"))


def _judge(
    request: StaffRequest, public_id: UUID, action: Callable[..., Lot], title: str, submit: str
) -> HttpResponse:
    rows = queries.lots_open_to(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    return step_views.with_reason(request, found, action, title, submit, lot=found)


@allowed(KEEP)
def lose(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Goods of a lot are gone without being used."""
    found = get_object_or_404(queries.lots_open_to(request.user, request.now), public_id=public_id)
    rows = _kept_rows(request, found)
    if not rows:
        raise Http404
    form = forms.LossForm(request.POST or None, lot=found, rows=rows)
    if done := pages.carry_out(request, form, actions.lose, form.asked):
        messages.success(request, _("Booked as %(number)s.") % {"number": done.result.number})
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Write off goods"),
        submit=_("Write off"),
        context={"back_url": found.get_absolute_url()},
    )


def _kept_rows(request: StaffRequest, found: Lot) -> list[Balance]:
    """What places that the user keeps hold of a lot."""
    mine = queries.places_open_to(request.user, request.now, KEEP).values("pk")
    return list(queries.holders(found).filter(place__in=mine))


# --- Catalogue ------------------------------------------------------------------------------------


@allowed(CATALOGUE)
@require_POST
def take_catalogue(request: StaffRequest) -> HttpResponse:
    """Add the items of the rule pack in force that the catalogue lacks."""
    form = forms.StepForm(request.POST)
    items = queries.items_of_pack(clock.day_of(request.now))
    if done := pages.carry_out(request, form, actions.take_catalogue, items=items):
        said = ngettext("%(n)d item is new.", "%(n)d items are new.", done.result)
        messages.success(request, said % {"n": done.result})
    for text in form.non_field_errors():
        messages.warning(request, str(text))
    return redirect("supplies:stock:index")


@allowed(CATALOGUE)
def new_item(request: StaffRequest) -> HttpResponse:
    """Add an item to the catalogue."""
    form = forms.ItemForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.add_item, form.asked):
        messages.success(request, _("The item stands in the catalogue."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Add an item"),
        submit=_("Add"),
        context={"back_url": reverse("supplies:stock:index")},
    )


@allowed(CATALOGUE)
def change_item(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Correct an item of the catalogue."""
    found = get_object_or_404(queries.items(), public_id=public_id)
    form = pages.editing(forms.ItemForm(request.POST or None, item=found), found)
    if done := pages.carry_out(request, form, actions.change_item, form.asked, item=found):
        messages.success(request, _("The item is changed."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Change an item"),
        submit=_("Save"),
        context={"back_url": found.get_absolute_url()},
    )


def _month_to_close(found: Place, day: date) -> date | None:
    """The month that can be closed now; none while it is not over."""
    month = rules.next_month(found.closed_through, day)
    return month if rules.month_of(month)[1] < day else None


# --- What the pages share -------------------------------------------------------------------------


def _may(request: StaffRequest, permission: Permission) -> bool:
    return bool(request.user.scope(permission, request.now))


def _keys(request: StaffRequest) -> list[int]:
    """The user's stores and wards, by key."""
    return list(queries.stores_open_to(request.user, request.now).values_list("pk", flat=True))
