"""Pages of the sources: offers and promises, the door, gifts and what the public is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.cache import never_cache

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells, export
from fangkong.core.permissions import Permission, allowed
from fangkong.core.printing import sheets as printing
from fangkong.core.refusals import Refused
from fangkong.supplies.stock import forms as stock_forms
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock import words as goods
from fangkong.supplies.stock.models import Item
from fangkong.supplies.stock.types import KEEP

from . import actions, forms, queries, rules, tables, words
from . import reports as figures
from .models import Supply, SupplyLine
from .types import DECIDE, OFFER, PUBLISH, VIEW, SupplyState, Verdict

OPEN = (SupplyState.OFFERED, SupplyState.PROMISED)
TONES = {
    SupplyState.OFFERED: "warn",
    SupplyState.PROMISED: "info",
    SupplyState.CLOSED: "good",
    SupplyState.DECLINED: "",
}


def _state(one: Supply, at: Any) -> SafeString:
    late = one.state == SupplyState.PROMISED and one.arrives_on is not None
    if late and one.arrives_on < clock.day_of(at):  # type: ignore[operator]  # late says it is there
        return cells.badge("bad", _("overdue"))
    tone = TONES[SupplyState(one.state)]
    return cells.badge(tone, one.get_state_display())


LIST = pages.Listing[Supply](
    name="sources",
    title=gettext_lazy("Sources of supplies"),
    columns=[
        pages.Column(
            "party",
            pgettext_lazy("of supplies", "From"),
            lambda one: one.display_name,
            order="party",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column(
            "channel",
            gettext_lazy("Channel"),
            lambda one: one.get_channel_display(),
            order="channel",
        ),
        pages.Column("what", gettext_lazy("What"), lambda one: words.what(one), piece=""),
        pages.Column("place", gettext_lazy("For the store"), lambda one: one.place.display_name),
        pages.Column(
            "arrives_on",
            gettext_lazy("Promised for"),
            lambda one: one.arrives_on or "",
            order="day",
        ),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_state_display(),
            order="state",
            draw=_state,
        ),
        pages.Column("earmark", gettext_lazy("Earmarked for"), lambda one: one.earmark),
        pages.Column(
            "entered", gettext_lazy("Entered"), lambda one: one.created_at, order="created_at"
        ),
        pages.Column(
            "code",
            gettext_lazy("Code"),
            lambda one: rules.shown_code(one.code),
            optional=True,
        ),
    ],
    order="-entered",
    filters=forms.SupplyFilter,
    empty=gettext_lazy("Nothing is offered or promised. Enter an offer, an order or a gift."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """What is offered, promised and given, the last entered in front."""
    return pages.listing(
        request,
        LIST,
        queries.listed(request.user, request.now),
        template="supplies/sources/index.html",
        context={"may_offer": _may(request, OFFER), "may_keep": _may(request, KEEP)},
    )


@allowed(OFFER)
def new(request: StaffRequest) -> HttpResponse:
    """Enter an offer, an order or a gift."""
    form = forms.OfferForm(
        request.POST or None,
        items=stock.items(),
        places=queries.places_to_choose(request.user, request.now),
        kept=queries.places_to_choose(request.user, request.now, KEEP),
    )
    if done := pages.carry_out(request, form, actions.offer, form.asked):
        if done.result.state == SupplyState.PROMISED:
            messages.success(request, _("It is entered. Now check what stands at the door."))
            return redirect("supplies:sources:receive", done.result.public_id)
        messages.success(request, _("It is entered. It counts as promised once it is accepted."))
        return redirect(done.result)
    context = {
        "back_url": reverse("supplies:sources:index"),
        "places": [
            form[name]
            for name in (
                "channel",
                "place",
                "party",
                "private",
                "arrives_on",
                "earmark",
                "money",
                "fund",
                "here",
            )
        ],
        "papers": [form["note"]],
    }
    return pages.form(
        request,
        form,
        title=_("Enter a source of supplies"),
        submit=_("Enter"),
        template="supplies/stock/sheet.html",
        context=context,
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One source: what was promised, what came, what the door made of it."""
    user, at = request.user, request.now
    found = _supply(request, public_id, queries.open_to)
    lines = queries.lines_of(found)
    if export.wanted(request):
        at_door = request.GET.get("of") == "door"
        table = tables.door(queries.deliveries_of(found)) if at_door else tables.lines(lines)
        return export.table(request, f"source-{found.public_id}", found, *table)
    closed = found.state == SupplyState.CLOSED
    may_decide = found.state == SupplyState.OFFERED and _mine(found, queries.to_decide(user, at))
    may_change = found.state in OPEN and _mine(found, queries.to_change(user, at))
    promised = found.state == SupplyState.PROMISED
    page = {
        "supply": found,
        "state": _state(found, at),
        "code": rules.shown_code(found.code),
        "money": words.money(found.money) if found.money else "",
        "price": words.money(total) if (total := sum(line.price or 0 for line in lines)) else "",
        "lines": [_line(line) for line in lines],
        "deliveries": [
            (one, goods.amount(one.quantity, one.line.item), queries.taken_back(one))
            for one in queries.deliveries_of(found)
        ],
        "refused": Verdict.REFUSED,
        "may_decide": may_decide,
        "may_put_off": may_change,
        "may_close": promised and may_change,
        "may_reopen": closed and queries.lacks(found) and _mine(found, queries.to_change(user, at)),
        "may_take_money_back": found.money_came_at is not None
        and found.money_by_id != user.pk
        and _mine(found, queries.to_decide(user, at)),
        "may_receive": (promised or closed) and _mine(found, queries.to_receive(user, at)),
        "primary_receive": promised,
        "certifiable": found.given and _came(found, lines),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/sources/detail.html", page)


def _line(line: SupplyLine) -> dict[str, Any]:
    left = queries.missing(line)
    unlike = rules.conformity(line.standard, line.item.standard)
    booked = cast(Any, line).booked
    return {
        "line": line,
        "quantity": goods.amount(line.quantity, line.item),
        "packs": goods.in_packs(line.quantity, line.item),
        "booked": goods.amount(booked, line.item) if booked else "",
        "left": goods.amount(left, line.item) if left else "",
        "price": "" if line.price is None else words.money(line.price),
        "conformity": words.conformity(unlike),
        "tone": words.conformity_tone(unlike),
    }


def _came(found: Supply, lines: list[SupplyLine]) -> bool:
    return found.money_came_at is not None or any(cast(Any, line).booked for line in lines)


@allowed(DECIDE)
def accept(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It is ordered, or the gift is taken."""
    found = _supply(request, public_id, queries.to_decide)
    form = pages.editing(forms.AcceptForm(request.POST or None), found)
    said = (_("Accept"), _("Accept it"), _("It counts as promised."))
    return _step(request, form, found, actions.accept, *said)


@allowed(DECIDE)
def decline(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It is not wanted."""
    found = _supply(request, public_id, queries.to_decide)
    form = pages.editing(stock_forms.ReasonForm(request.POST or None), found)
    said = (_("Decline"), _("Decline it"), _("It is declined."))
    return _step(request, form, found, actions.decline, *said)


@allowed(OFFER)
def put_off(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It comes on another day."""
    found = _supply(request, public_id, queries.to_change)
    form = pages.editing(forms.PutOffForm(request.POST or None), found)
    said = (_("Change the promised day"), _("Change the day"), _("The promised day is changed."))
    return _step(request, form, found, actions.put_off, *said)


@allowed(OFFER)
def close(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Nothing more will come of it."""
    found = _supply(request, public_id, queries.to_change)
    form = pages.editing(stock_forms.ReasonForm(request.POST or None), found)
    said = (_("Nothing more will come"), _("Close it"), _("It is closed."))
    return _step(request, form, found, actions.close, *said)


@allowed(OFFER)
def reopen(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It still comes, though it was closed."""
    found = _supply(request, public_id, queries.to_change)
    form = pages.editing(forms.ReopenForm(request.POST or None), found)
    said = (_("It still comes"), _("Await it again"), _("It is awaited again."))
    return _step(request, form, found, actions.reopen, *said)


@allowed(DECIDE)
def money_back(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The money that was entered as come did not come."""
    found = _supply(request, public_id, queries.to_decide)
    form = pages.editing(stock_forms.ReasonForm(request.POST or None), found)
    done = _("The money is awaited again.")
    if found.why:  # closed by somebody's word, which stands
        done = _(
            "The money is taken back. The source stays closed; open it where money still comes."
        )
    said = (_("Take the money back"), _("It did not come"), done)
    return _step(request, form, found, actions.take_money_back, *said)


@allowed(KEEP)
def receive(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Goods came: check them line by line, and book them in or refuse them."""
    found = _supply(request, public_id, queries.to_receive)
    promised = queries.lines_of(found)
    form = forms.DoorForm(
        request.POST or None, supply=found, promised=promised, items=stock.items()
    )
    form = pages.editing(form, found)
    if done := pages.carry_out(request, form, actions.receive, form.asked, supply=found):
        messages.success(request, _("What came is entered."))
        return redirect(done.result)
    context = {
        "back_url": found.get_absolute_url(),
        "supply": found,
        "papers": [form[name] for name in ("other", "moved_at", "note")],
        "money": form["money"] if form.money_due else None,
    }
    return pages.form(
        request,
        form,
        title=_("Check what came"),
        submit=_("Book it"),
        template="supplies/sources/door.html",
        context=context,
    )


@allowed(VIEW)
def certificate(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The certificate of a gift, to be printed: what came, for what, and the code that traces it.

    The name of a private giver is written on the paper by hand; it is not kept here.
    """
    found = _supply(request, public_id, queries.open_to)
    booked = queries.booked_of(found) if found.given else []
    if not found.given or not (booked or found.money_came_at):
        raise Http404
    context = {
        "supply": found,
        "code": rules.shown_code(found.code),
        "money": words.money(found.money) if found.money_came_at else "",
        "lines": [(item, goods.amount(quantity, item)) for item, quantity in booked],
        "address": request.build_absolute_uri(reverse("supplies:sources:trace")),
    }
    return printing.sheet(
        request,
        "supplies/sources/certificate.html",
        context,
        title=_("Certificate of a gift"),
        name="certificate",
        subject=found,
    )


# --- Offers side by side --------------------------------------------------------------------------


@allowed(VIEW)
def compared(request: StaffRequest) -> HttpResponse:
    """The items of which something is offered or promised."""
    items = list(queries.items_offered(request.user, request.now))
    return render(request, "supplies/sources/compared.html", {"items": items})


@allowed(VIEW)
def compare(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """The offers of an item beside each other: when, for how much, how good, for how long."""
    item = get_object_or_404(stock.items(), public_id=public_id)
    offers = queries.offers(request.user, request.now, item)
    if export.wanted(request):
        return export.table(request, f"offers-{item.code}", item, *tables.offers(offers))
    prices = [one.unit_price for one in offers if one.unit_price is not None]
    best = min(prices, default=None)
    page = {
        "item": item,
        "offers": [
            {
                "offer": one,
                "left": goods.amount(one.left, item),
                "price": words.unit_price(one.unit_price),
                "cheapest": best is not None and one.unit_price == best and len(prices) > 1,
                "conformity": words.conformity(one.conformity),
                "tone": words.conformity_tone(one.conformity),
                "gap": words.gap(one.relief.gap) if one.relief.days is not None else "",
                "gap_tone": "bad" if one.relief.gap else "good",
                "state": _state(one.line.supply, request.now),
            }
            for one in offers
        ],
        "chart": _chart(item, offers) if any(one.relief.days for one in offers) else None,
        "burn_days": queries.BURN_DAYS,
    }
    return render(request, "supplies/sources/compare.html", page)


@allowed(VIEW)
def compare_chart(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The figures of the chart of an item's offers."""
    item = get_object_or_404(stock.items(), public_id=public_id)
    return pages.chart_json(_chart(item, queries.offers(request.user, request.now, item)))


def _chart(item: Item, offers: list[queries.Offer]) -> pages.Chart:
    shown = [one for one in offers if one.relief.days is not None]
    return pages.Chart(
        title=_("Days without, and days that each offer lasts"),
        url=reverse("supplies:sources:compare_chart", args=[item.public_id]),
        x=[one.line.supply.display_name for one in shown],
        series=[
            pages.Series(_("days without until it comes"), [one.relief.gap for one in shown]),
            pages.Series(_("days it lasts"), [round(one.relief.days or 0, 1) for one in shown]),
        ],
        unit=_("days"),
        x_label=pgettext("of supplies", "From"),
    )


# --- What the public is told ----------------------------------------------------------------------


@allowed(PUBLISH)
def publish(request: StaffRequest) -> HttpResponse:
    """Look at what would be told now, and publish it."""
    last = queries.last_report()
    told = figures.told(last, request.now)
    form = forms.PublishForm(request.POST or None, initial={"read": told.digest})
    if done := pages.carry_out(request, form, actions.publish):
        messages.success(request, _("The report is published."))
        return redirect(done.result)
    if form.is_bound:  # what is shown now is what the button publishes
        form.data = {**form.data, "read": told.digest}
    context = {
        "told": _shown(told.contents),
        "since": None if last is None else last.as_of,
        "until": request.now,
        "empty": not told.anything,
        "within": queries.within(clock.day_of(request.now)),
        "back_url": reverse("supplies:sources:reports"),
    }
    return pages.form(
        request,
        form,
        title=_("Publish what became of gifts"),
        submit=_("Publish"),
        template="supplies/sources/publish.html",
        context=context,
    )


@allowed(PUBLISH)
def correct_report(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Tell the same hours anew."""
    found = get_object_or_404(queries.reports(), public_id=public_id)
    told = figures.told(queries.report_before(found), found.as_of)
    form = forms.CorrectForm(request.POST or None, initial={"read": told.digest})
    form = pages.editing(form, found)
    if done := pages.carry_out(request, form, actions.correct_report, report=found):
        messages.success(request, _("The correction is published."))
        return redirect(done.result)
    if form.is_bound:  # what is shown now is what the button publishes
        form.data = {**form.data, "read": told.digest}
    context = {
        "report": found,
        "corrected_by": queries.correction_of(found),
        "changes": [_change(one) for one in figures.changes(found.contents, told.contents)],
        "told": _shown(told.contents),
        "back_url": found.get_absolute_url(),
    }
    return pages.form(
        request,
        form,
        title=_("Correct report no. %(n)s") % {"n": found.number},
        submit=_("Publish the correction"),
        template="supplies/sources/correct.html",
        context=context,
    )


def _change(one: figures.Change) -> dict[str, str]:
    """A line of the preview of a correction: what was told, and what would be."""
    gift, item = one.gift, one.item
    return {
        "from": _("Bought with money that was given")
        if gift is None
        else words.giver(gift["from"], private=gift["private"]),
        "item": "" if item is None else words.either(item, "item"),
        "field": words.told_field(one.field),
        "before": words.told_value(one.field, one.before, "" if item is None else item["unit"]),
        "after": words.told_value(one.field, one.after, "" if item is None else item["unit"]),
    }


def reports(request: HttpRequest) -> HttpResponse:
    """Every report, the last in front; for everybody."""
    page = {
        "reports": list(queries.reports().order_by("-number")[:200]),
        "may_publish": _publishes(request),
    }
    return render(request, "supplies/sources/reports.html", page)


def report(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One report; for everybody."""
    found = get_object_or_404(queries.reports(), public_id=public_id)
    page = {
        "report": found,
        "told": _shown(found.contents),
        "corrected_by": queries.correction_of(found),
        "may_publish": _publishes(request),
    }
    return render(request, "supplies/sources/report.html", page)


def report_csv(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The report as a table, a line for each item of each gift; for everybody."""
    return _report_file(request, public_id, export.csv_response)


def report_xlsx(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The same as an Excel file."""
    return _report_file(request, public_id, export.xlsx_response)


def _report_file(
    request: HttpRequest, public_id: UUID, write: Callable[..., HttpResponseBase]
) -> HttpResponseBase:
    found = get_object_or_404(queries.reports(), public_id=public_id)
    head = [
        _("From whom"), _("Earmarked for"), _("Item"), _("Unit"), _("Came"), _("Given to"),
        _("Used"), _("Lost"), _("Left"), _("Money"),
    ]  # fmt: skip
    told = _shown(found.contents)
    nothing = [""] * 7
    rows: list[list[object]] = [
        [
            gift["from"],
            gift["earmark"],
            goods_["item"],
            goods_["unit"],
            goods_["numbers"]["came"],
            "; ".join(f"{name} {n}" for name, n in goods_["given_plain"]),
            goods_["numbers"]["used"],
            goods_["numbers"]["lost"],
            goods_["numbers"]["left"],
            "",
        ]
        for gift in told["gifts"]
        for goods_ in gift["goods"]
    ]
    rows += [
        [gift["from"], gift["earmark"], *nothing, gift["money"] or f"-{gift['money_back']}"]
        for gift in told["gifts"]
        if gift["money"] or gift["money_back"]
    ]
    for one in told["money_spent"]:
        what = _("Bought with money that was given")
        bought = [what, one["item"], "", one["quantity"], "", "", "", ""]
        rows.append([one["from"], *bought, one["price"]])
    return write(f"gifts-{found.number}", head, rows)


GUESSES = 30  # wrong codes that one address may send in a minute
MINUTE = 60


def _guessed_too_often(request: HttpRequest, *, wrong: bool = False) -> bool:
    """Has this address sent too many wrong codes within a minute? ``wrong``: here is another."""
    name = f"gift-guesses:{request.META.get('REMOTE_ADDR', '')}"
    try:
        if wrong:
            cache.add(name, 0, MINUTE)
            cache.incr(name)
        return int(cache.get(name, 0)) > GUESSES
    except Exception:  # without a cache nothing is counted; 49 bits are not guessed
        return False


@never_cache
def trace(request: HttpRequest) -> HttpResponse:
    """What became of a gift, for whoever has its code; the code never stands in an address."""
    form = forms.TraceForm(request.POST or None)
    found = None
    if request.method == "POST" and form.is_valid():
        if _guessed_too_often(request):
            raise TooManyCodes(_("Too many wrong codes. Wait a minute, then type it again."))
        found = queries.gift_by_code(form.cleaned_data["code"])
        if found is None:
            _guessed_too_often(request, wrong=True)
            form.add_error(
                "code", _("There is no gift with this code. Check it on the certificate.")
            )
    at = cast(Any, request).now
    context: dict[str, Any] = {"found": found}
    if found is not None:
        contents = {"gifts": [], "sums": figures.of_gift(found, until=at)}
        context |= {
            "promised": [
                (line, goods.amount(line.quantity, line.item)) for line in queries.lines_of(found)
            ],
            "deliveries": [
                (one, goods.amount(one.quantity, one.line.item))
                for one in queries.deliveries_of(found)
                if not queries.taken_back(one)
            ],
            "goods": [_goods(one) for one in contents["sums"]],
            "money": words.money(found.money) if found.money else "",
        }
    return pages.form(
        request,
        form,
        title=_("What became of a gift"),
        submit=_("Look it up"),
        template="supplies/sources/trace.html",
        context=context,
    )


class TooManyCodes(Refused):
    """Somebody tries codes of gifts one after the other."""

    status = 429


def _publishes(request: HttpRequest) -> bool:
    user = request.user
    return user.is_authenticated and bool(cast(Any, user).scope(PUBLISH, cast(Any, request).now))


def _shown(contents: dict[str, Any]) -> dict[str, Any]:
    """The figures of a report in the language of the page."""
    money = contents["money"]
    return {
        "gifts": [
            {
                "from": words.giver(gift["from"], private=gift["private"]),
                "earmark": gift["earmark"],
                "to": words.either(gift, "to"),
                "money": words.money(gift["money"]) if gift["money"] > 0 else "",
                "money_back": words.money(-gift["money"]) if gift["money"] < 0 else "",
                "goods": [_goods(one) for one in gift["goods"]],
            }
            for gift in contents["gifts"]
        ],
        "sums": [
            {
                "item": words.either(one, "item"),
                **{
                    name: words.plain_amount(one[name], one["unit"])
                    for name in ("came", "used", "lost", "left")
                },
            }
            for one in contents["sums"]
        ],
        "money_came": words.money(money["came"]) if money["came"] else "",
        "money_spent": [
            {
                "item": words.either(one, "item"),
                "quantity": words.plain_amount(one["quantity"], one["unit"]),
                "price": words.money(one["price"]),
                "from": one["from"],
            }
            for one in money["spent"]
        ],
        "synthetic": contents["synthetic"],
    }


def _goods(one: dict[str, Any]) -> dict[str, Any]:
    def at(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
        return [
            (words.either(row, "to"), words.plain_amount(row["quantity"], one["unit"]))
            for row in rows
        ]

    return {
        "item": words.either(one, "item"),
        "unit": words.unit(one["unit"]),
        "numbers": {name: one[name] for name in ("came", "used", "lost", "left")},
        "given_plain": [(words.either(row, "to"), row["quantity"]) for row in one["given"]],
        "given": at(one["given"]),
        "left_at": at(one["left_at"]),
        **{
            name: words.plain_amount(one[name], one["unit"])
            for name in ("came", "used", "lost", "left")
        },
    }


# --- What the pages share -------------------------------------------------------------------------


def _may(request: StaffRequest, permission: Permission) -> bool:
    return bool(request.user.scope(permission, request.now))


def _mine(found: Supply, rows: Any) -> bool:
    return bool(rows.filter(pk=found.pk).exists())


def _supply(request: StaffRequest, public_id: UUID, rows: Callable[..., Any]) -> Supply:
    return cast(Supply, get_object_or_404(rows(request.user, request.now), public_id=public_id))


def _step(
    request: StaffRequest,
    form: pages.Form,
    found: Supply,
    action: Callable[..., Supply],
    title: str,
    submit: str,
    done: str,
) -> HttpResponse:
    """A step of a source: its form, or the action with a word that it was done."""
    if made := pages.carry_out(request, form, action, supply=found):
        messages.success(request, done)
        return redirect(made.result)
    context = {"back_url": found.get_absolute_url()}
    return pages.form(request, form, title=title, submit=submit, context=context)
