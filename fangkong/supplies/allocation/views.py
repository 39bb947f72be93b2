"""The allocation workbench: plans, one plan beside pro rata and the last one, what was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells, export
from fangkong.core.permissions import allowed
from fangkong.core.queue import queries as queue
from fangkong.places import queries as areas
from fangkong.supplies.demand import words as demand
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock import ship_views as shipments
from fangkong.supplies.stock import words as amounts

from . import actions, forms, queries, sentences
from .models import Plan, Share
from .offices import APPROVE, OVERSEE, PREPARE, VIEW, PlanState

SHOWN = 200  # lines of a plan on its page; all stand in its files
_TONES = {PlanState.READY: "warn", PlanState.APPROVED: "good", PlanState.OVERTAKEN: "bad"}


def _state(one: Plan, at: object) -> SafeString:
    tone = _TONES.get(PlanState(one.state), "")
    return cells.badge(tone, one.get_state_display())


PLANS = pages.Listing[Plan](
    name="plans",
    title=gettext_lazy("Plans of allocation"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            order="number",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("store", gettext_lazy("Store"), lambda one: one.store.display_name),
        pages.Column(
            "mode", pgettext_lazy("of a plan", "Mode"), lambda one: one.get_mode_display()
        ),
        pages.Column("first", gettext_lazy("From"), lambda one: one.first_day, order="first_day"),
        pages.Column("days", gettext_lazy("Days ahead"), lambda one: one.days, number=True),
        pages.Column(
            "state",
            pgettext_lazy("of a plan", "State"),
            lambda one: one.get_state_display(),
            draw=_state,
        ),
        pages.Column(
            "prepared", gettext_lazy("Prepared"), lambda one: one.created_at, order="created_at"
        ),
        pages.Column(
            "by",
            gettext_lazy("Prepared by"),
            lambda one: one.created_by.display_name if one.created_by else "",
        ),
    ],
    order="-prepared",
    filters=forms.PlanFilter,
    empty=gettext_lazy("No plan was prepared."),
)

GIVEN = pages.Listing[Share](
    name="given",
    title=gettext_lazy("What was given"),
    columns=[
        pages.Column("place", gettext_lazy("Place"), lambda one: one.place.display_name),
        pages.Column("item", gettext_lazy("Item"), lambda one: one.item.display_name),
        pages.Column(
            "quantity",
            gettext_lazy("Quantity"),
            lambda one: amounts.amount(one.quantity, one.item),
            number=True,
        ),
        pages.Column(
            "wanted",
            gettext_lazy("Wanted"),
            lambda one: amounts.amount(one.wanted, one.item),
            number=True,
        ),
        pages.Column(
            "approved",
            pgettext_lazy("a plan", "Approved"),
            lambda one: one.plan.approved_at,
            order="plan__approved_at",
        ),
        pages.Column("plan", gettext_lazy("Plan"), lambda one: one.plan.number),
        pages.Column(
            "why",
            pgettext_lazy("of a line", "Why"),
            lambda one: sentences.of_share(one, {one.item.code: one.item.display_name}),
        ),
    ],
    order="-approved",
    empty=gettext_lazy("No plan gave anything to your places."),
)


@allowed(OVERSEE)
def index(request: StaffRequest) -> HttpResponseBase:
    """All plans, the last in front."""
    return pages.listing(
        request,
        PLANS,
        queries.plans_listed(request.user, request.now),
        template="supplies/allocation/index.html",
        context={"may_prepare": bool(request.user.scope(PREPARE, request.now))},
    )


@allowed(VIEW)
def given(request: StaffRequest) -> HttpResponseBase:
    """What approved plans gave to the user's places, each line with its reason."""
    return pages.listing(request, GIVEN, queries.given_to(request.user, request.now))


@allowed(PREPARE)
def new(request: StaffRequest) -> HttpResponse:
    """Prepare a plan out of one store."""
    stores = list(queries.stores())
    if not stores:
        raise Http404
    asked = request.GET.get("store", "")
    today = clock.day_of(request.now)
    there = {one.pk: queries.in_store(one, today) for one in stores if str(one.public_id) == asked}
    if there:
        store = next(one for one in stores if one.pk in there)
    else:  # the store that has most kinds of goods
        there = {one.pk: queries.in_store(one, today) for one in stores}
        store = max(stores, key=lambda one: (len(there[one.pk]), -one.pk))
    goods = [
        (item, there[store.pk][item.pk]) for item in stock.items() if item.pk in there[store.pk]
    ]
    form = forms.PlanForm(
        request.POST or None,
        goods=goods,
        receivers=queries.receivers(store, request.now),
        last=queries.last_approved(store),
        today=today,
    )
    if done := pages.carry_out(request, form, actions.prepare, form.asked, store=store):
        return redirect(done.result)
    choose = forms.StoreForm({"store": str(store.public_id)}, stores=stores)
    pages.forms.dress(choose)
    return pages.form(
        request,
        form,
        title=_("Prepare a plan"),
        submit=_("Reckon"),
        template="supplies/allocation/new.html",
        context={
            "back_url": reverse("supplies:allocation:index"),
            "choose": choose,
            "store": store,
        },
    )


# --- One plan -------------------------------------------------------------------------------------


@allowed(OVERSEE)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One plan: its lines with their reasons, beside pro rata and the last plan."""
    plan = _plan(request, public_id)
    if plan.state == PlanState.SOLVING:
        return render(request, "supplies/allocation/solving.html", _progress(plan))
    if (wanted := export.wanted(request)) and request.GET.get("of") == "store":
        return _store_file(request, plan)
    if wanted:
        return _export(request, plan, wanted)
    form = forms.LinesFilter(request.GET, plan=plan)
    lines = form.narrow(queries.shares_of(plan))
    count = lines.count()
    pages.forms.dress(form)
    may_approve = bool(request.user.scope(APPROVE, request.now)) and plan.state == PlanState.READY
    mine = plan.created_by_id == request.user.pk or queries.changed_by(plan, request.user)
    page = {
        "plan": plan,
        "form": form,
        "rows": list(_rows(plan, lines[:SHOWN])),
        "count": count,
        "shown": SHOWN,
        "items": _items(request, plan),
        "map": _map(plan, request.now),
        "worst": demand.days(plan.told.get("worst"), plan.days),
        "worst_flat": demand.days(plan.told.get("worst_flat"), plan.days),
        "unread": plan.told.get("unread", []),
        "needs": [(one, demand.span(one)) for one in queries.needs_of(plan)[:SHOWN]],
        "shipments": [
            (one, way, "" if way is None else shipments.badge(way, request.now))
            for one, way in queries.shipments_of(plan)
        ],
        "may_change": bool(request.user.scope(PREPARE, request.now))
        and plan.state == PlanState.READY,
        "may_approve": may_approve and not mine,
        "own": may_approve and mine,
        "step": pages.editing(pages.Form(), plan),
        "history": audit.history_of(plan),
    }
    return render(request, "supplies/allocation/detail.html", page)


@allowed(OVERSEE)
def plan_map(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The map of a plan: the worst cover of each county."""
    return pages.map_json(_map(_plan(request, public_id), request.now))


@allowed(OVERSEE)
def progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """How far a large plan has come; the page is loaded anew when it is ready."""
    plan = _plan(request, public_id)
    answer = render(request, "supplies/allocation/_progress.html", _progress(plan))
    if plan.state != PlanState.SOLVING:
        answer["HX-Refresh"] = "true"
    return answer


@allowed(PREPARE)
def adjust(request: StaffRequest, public_id: UUID, line: int) -> HttpResponse:
    """Give a line more or less, with a reason."""
    plan = _plan(request, public_id)
    share = queries.share_of(plan, line)
    if share is None:
        raise Http404
    form = pages.editing(
        forms.AdjustForm(request.POST or None, initial={"quantity": share.quantity}), plan
    )
    if pages.carry_out(request, form, actions.adjust, plan=plan, share=share):
        messages.success(request, _("The line is changed."))
        return redirect(plan)
    names = _names()
    return pages.form(
        request,
        form,
        title=_("Change a line"),
        submit=_("Change"),
        template="supplies/allocation/adjust.html",
        context={
            "back_url": plan.get_absolute_url(),
            "share": share,
            "why": sentences.of_share(share, names),
            "now": amounts.amount(share.quantity, share.item),
        },
    )


@require_POST
@allowed(APPROVE)
def approve(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The goods leave."""
    plan = _plan(request, public_id)
    text = _("The goods of this plan leave the store at once, and the plan never changes again.")
    back = plan.get_absolute_url()
    if page := pages.unconfirmed(request, text, submit=_("Approve"), back_url=back):
        return page
    form = pages.editing(pages.Form(request.POST), plan)
    if pages.carry_out(request, form, actions.approve, plan=plan):
        messages.success(request, _("The plan is approved; its goods have left the store."))
    for problem in form.non_field_errors():
        messages.warning(request, str(problem))
    return redirect(plan)


@allowed(PREPARE)
def drop(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The plan is not followed."""
    plan = _plan(request, public_id)
    form = forms.DropForm(request.POST or None)
    if pages.carry_out(request, form, actions.drop, plan=plan):
        messages.success(request, _("The plan is dropped."))
        return redirect(plan)
    return pages.form(
        request,
        form,
        title=_("Drop a plan"),
        submit=_("Drop"),
        context={"back_url": plan.get_absolute_url()},
    )


def _plan(request: StaffRequest, public_id: UUID) -> Plan:
    rows = queries.plans_open_to(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _names() -> dict[str, str]:
    return {one.code: one.display_name for one in stock.items()}


def _progress(plan: Plan) -> dict[str, Any]:
    live = plan.state == PlanState.SOLVING
    return {"plan": plan, "job": queue.latest_about(queries.JOB, plan.pk), "live": live}


def _rows(plan: Plan, lines: QuerySet[Share]) -> Iterator[dict[str, Any]]:
    """Lines as the page and the file say them."""
    names = _names()
    before = queries.amounts(plan.last)
    for one in lines.iterator(chunk_size=1000):
        last = before.get((one.place_id, one.item_id, one.instead_of_id))
        yield {
            "one": one,
            "quantity": amounts.amount(one.quantity, one.item),
            "wanted": amounts.amount(one.wanted, one.item) if one.wanted else "–",
            "pro_rata": amounts.amount(one.pro_rata, one.item),
            "last": "–" if last is None else amounts.amount(last, one.item),
            "last_number": last,
            "cover": demand.days(one.cover_after, plan.days),
            "tone": _tone(one, plan),
            "why": sentences.of_share(one, names),
        }


def _tone(one: Share, plan: Plan) -> str:
    if one.cover_after is None:
        return ""
    return "good" if one.cover_after >= plan.days else "bad" if one.cover_after < 3 else "warn"


def _items(request: StaffRequest, plan: Plan) -> list[dict[str, Any]]:
    """What becomes of the store's goods, beside what it has now and what is on its way to it."""
    items = {one.code: one for one in stock.items()}
    now = queries.in_store(plan.store, clock.day_of(request.now))
    coming: dict[int, int] = {}
    today = clock.day_of(request.now)
    for one in queries.to_the_store(plan.store, request.now, plan.days):
        if not one.counts_on(today):
            continue
        coming[one.item] = coming.get(one.item, 0) + one.quantity
    names = {code: one.display_name for code, one in items.items()}
    found = []
    for told in plan.told.get("items", []):
        item = items[told["item"]]
        found.append(
            {
                "item": item,
                "numbers": [
                    now.get(item.pk, 0),
                    told["usable"],
                    told["kept_back"],
                    coming.get(item.pk, 0),
                ],
                "now": amounts.amount(now.get(item.pk, 0), item),
                "then": amounts.amount(told["usable"], item),
                "kept": amounts.amount(told["kept_back"], item),
                "coming": amounts.amount(coming[item.pk], item) if item.pk in coming else "–",
                "changed": now.get(item.pk, 0) != told["stock"] and plan.state == PlanState.READY,
                "why": sentences.of_item(told["why"], names),
            }
        )
    return found


def _store_file(request: StaffRequest, plan: Plan) -> HttpResponseBase:
    """What becomes of the store's goods, as a file."""
    head = [
        _("Item"), _("Unit"), _("In the store now"), _("When it was planned"),
        _("Stays in the store"), _("On the way to it"), pgettext("of a line", "Why"),
    ]  # fmt: skip
    rows: list[list[object]] = [
        [row["item"].display_name, row["item"].get_unit_display(), *row["numbers"], row["why"]]
        for row in _items(request, plan)
    ]
    return export.table(request, f"plan-{plan.number}-store", plan, head, rows)


def _map(plan: Plan, at: Any) -> pages.AreaMap:
    """The worst cover of each county, or in the other modes how many lines got less than wanted."""
    counties = areas.counties_of_home(clock.day_of(at))
    by_need = plan.told.get("worst") is not None
    found = queries.worst_by_county(plan) if by_need else queries.short_by_county(plan)
    values = []
    for county in counties:
        value = found.get(county.code)
        label = "–" if value is None else demand.days(value, plan.days) if by_need else str(value)
        values.append(pages.AreaValue(county.code, county.display_short, value, label))
    legend = (
        [
            pages.Band(0, 2.99, _("less than 3 days")),
            pages.Band(3, plan.days - 0.01, _("less than the plan's days")),
            pages.Band(plan.days, None, _("all days of the plan")),
        ]
        if by_need and plan.days > 3
        else [pages.Band(0, 0, _("none")), pages.Band(0.01, None, _("some"))]
    )
    return pages.AreaMap(
        title=_("Worst cover by county") if by_need else _("Lines below what was wanted"),
        url=reverse("supplies:allocation:plan_map", args=[plan.public_id]),
        values=sorted(values, key=lambda one: (one.value is None, one.value or 0, one.code)),
        legend=legend,
        borders=settings.FANGKONG_AREA,
        unit=_("days") if by_need else _("lines"),
        as_of=plan.created_at,
    )


def _export(request: StaffRequest, plan: Plan, kind: str) -> HttpResponseBase:
    lines = queries.shares_of(plan)
    head = [
        _("Place"), _("County"), _("Item"), _("Instead of"), _("Unit"), _("Wanted"),
        _("Reckoned"), _("Quantity"), _("Pro rata"), _("Last plan"), _("Cover before"),
        _("Cover after"), pgettext("of a line", "Why"),
    ]  # fmt: skip

    def cells(row: dict[str, Any]) -> list[object]:
        one: Share = row["one"]
        return [
            one.place.display_name,
            one.place.county.display_short if one.place.county else "",
            one.item.display_name,
            "" if one.instead_of is None else one.instead_of.display_name,
            one.item.get_unit_display(),
            one.wanted,
            one.proposed,
            one.quantity,
            one.pro_rata,
            row["last_number"],
            one.cover_before,
            one.cover_after,
            row["why"],
        ]

    user = request.user
    name = f"plan-{plan.number}"
    mark = export.note(name, plan, by=user, at=request.now, kind=kind, rows=lines.count())
    write = export.csv_response if kind == "csv" else export.xlsx_response
    return write(f"fangkong-{name}", head, (cells(row) for row in _rows(plan, lines)), mark)
