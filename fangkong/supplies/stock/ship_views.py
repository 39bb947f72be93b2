"""Pages of shipments: what is on the way from and to the user's places, and each step of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.files import queries as files
from fangkong.core.files import receiving
from fangkong.core.pages import cells, export
from fangkong.core.permissions import allowed

from . import queries, serial_views, ship_forms, shipping, step_views, tables, words
from .models import Transfer
from .types import KEEP, PROOF, VIEW, ShipmentState

_TONES = {
    ShipmentState.PREPARED: "neutral",
    ShipmentState.SENT: "info",
    ShipmentState.DISPUTED: "bad",
    ShipmentState.DONE: "good",
}
Rows = Callable[[Any, datetime], QuerySet[Transfer]]


def badge(one: Transfer, at: datetime) -> SafeString:
    """The state; late is what should have arrived before now."""
    late = one.state == ShipmentState.SENT and one.expected_at is not None and one.expected_at < at
    tone = "warn" if late else _TONES.get(ShipmentState(one.state), "neutral")
    said = _("late, on the way") if late else one.get_state_display()
    return cells.badge(tone, said)


SHIPMENTS = pages.Listing[Transfer](
    name="stock_shipments",
    title=gettext_lazy("Shipments"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.number,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column(
            "from", pgettext_lazy("of goods", "From"), lambda one: one.source.display_name
        ),
        pages.Column("to", pgettext_lazy("of goods", "To"), lambda one: one.target.display_name),
        pages.Column(
            "state", gettext_lazy("State"), lambda one: one.get_state_display(), draw=badge
        ),
        pages.Column("sent", pgettext_lazy("of goods", "Sent"), lambda one: one.sent_at or ""),
        pages.Column(
            "expected", pgettext_lazy("of goods", "Expected"), lambda one: one.expected_at or ""
        ),
        pages.Column(
            "arrived", pgettext_lazy("of goods", "Arrived"), lambda one: one.arrived_at or ""
        ),
        pages.Column(
            "prepared",
            pgettext_lazy("of goods", "Prepared"),
            lambda one: one.created_at,
            order="created_at",
        ),
        pages.Column("carrier", gettext_lazy("Carried by"), lambda one: one.carrier, optional=True),
        pages.Column("plate", gettext_lazy("Number plate"), lambda one: one.plate, optional=True),
    ],
    order="-prepared",
    filters=ship_forms.ShipmentFilter,
    empty=gettext_lazy("Nothing was sent to or from here yet."),
)


@allowed(VIEW)
def shipments(request: StaffRequest) -> HttpResponseBase:
    """From and to the user's places, the last prepared first."""
    return pages.listing(
        request,
        SHIPMENTS,
        queries.shipments_open_to(request.user, request.now),
        template="supplies/stock/shipments.html",
        context={"may_keep": bool(request.user.scope(KEEP, request.now))},
    )


@allowed(KEEP)
def prepare(request: StaffRequest) -> HttpResponse:
    """Write down what is to go to another store."""
    user, at = request.user, request.now
    form = ship_forms.ShipmentForm(
        request.POST or None,
        items=queries.items(),
        places=queries.places_to_choose(user, at),
        targets=queries.targets_to_choose(),
        initial={"source": request.GET.get("place", "")},
    )
    if done := pages.carry_out(request, form, shipping.prepare, form.asked):
        messages.success(request, _("Prepared. Send it when the vehicle leaves."))
        return redirect(done.result)
    context = {
        "back_url": reverse("supplies:stock:shipments"),
        "places": [form[name] for name in ("source", "target")],
        "papers": [form[name] for name in ("carrier", "plate", "phone", "expected_at", "note")],
    }
    return pages.form(
        request,
        form,
        title=_("Goods for another store"),
        submit=_("Prepare"),
        template="supplies/stock/sheet.html",
        context=context,
    )


@allowed(VIEW)
def shipment(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One shipment: what was sent, what became of it, what can be done."""
    found = _found(request, public_id, queries.shipments_open_to)
    if export.wanted(request):
        table = tables.shipment_lines(queries.shipment_lines(found), queries.packages_along(found))
        return export.table(request, f"shipment-{found.number}", found, *table)
    return _page(request, found)


@allowed(KEEP)
@require_POST
def dispatch(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The goods leave."""
    found = _found(request, public_id, queries.shipments_sent_by)
    form = ship_forms.DispatchForm(request.POST, at=request.now)
    if pages.carry_out(request, form, shipping.dispatch, shipment=found):
        messages.success(request, _("Sent."))
        return redirect(found)
    return _page(request, found, step=form, status=422)


@allowed(KEEP)
def arrive(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say line by line what arrived."""
    found = _found(request, public_id, queries.shipments_coming_to)
    lines = queries.shipment_lines(found)
    form = ship_forms.ArrivalForm(request.POST or None, request.FILES or None, lines=lines)

    def asked() -> dict[str, object]:
        said = form.cleaned_data
        kept = receiving.taken(request, PROOF, said["attachments"], pages.key_of(request))
        return {"told": form.told(), "remark": said["remark"], "files": kept}

    if pages.carry_out(request, form, shipping.arrive, asked, shipment=found):
        messages.success(request, _("Received."))
        return redirect(found)
    others = [form["remark"], form["attachments"]]
    return _lines_page(request, found, form, _("Receive a shipment"), _("Book in"), others)


@allowed(KEEP)
def settle(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say what became of what was missing."""
    found = _found(request, public_id, queries.shipments_sent_by)
    lines = [one for one in queries.shipment_lines(found) if one.outstanding]
    form = ship_forms.SettleForm(request.POST or None, lines=lines)
    if pages.carry_out(request, form, shipping.settle, form.asked, shipment=found):
        messages.success(request, _("Done."))
        return redirect(found)
    title = _("What became of the rest")
    return _lines_page(request, found, form, title, _("Settle"), [form["reason"]])


@allowed(KEEP)
def bring_back(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The goods come back before they arrived."""
    found = _found(request, public_id, queries.shipments_sent_by)
    return step_views.with_reason(
        request, found, shipping.bring_back, _("Bring it back"), shipment=found
    )


@allowed(KEEP)
def tell_way(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say who carries it, and when it is expected."""
    found = _found(request, public_id, queries.shipments_sent_by)
    form = pages.editing(ship_forms.WayForm(request.POST or None, shipment=found), found)
    if pages.carry_out(request, form, shipping.tell_way, form.asked, shipment=found):
        messages.success(request, _("Done."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_("Who carries it, and when it arrives"),
        submit=_("Save"),
        context={"back_url": found.get_absolute_url()},
    )


@allowed(KEEP)
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It is not sent."""
    found = _found(request, public_id, queries.shipments_sent_by)
    return step_views.with_reason(
        request, found, shipping.cancel, _("Do not send it"), shipment=found
    )


def _found(request: StaffRequest, public_id: UUID, rows: Rows) -> Transfer:
    return get_object_or_404(rows(request.user, request.now), public_id=public_id)


def _lines_page(
    request: StaffRequest,
    found: Transfer,
    form: pages.Form,
    title: str,
    submit: str,
    others: list[Any],
) -> HttpResponse:
    context = {"back_url": found.get_absolute_url(), "shipment": found, "others": others}
    return pages.form(
        request,
        form,
        title=title,
        submit=submit,
        template="supplies/stock/shipment_lines.html",
        context=context,
    )


def _page(
    request: StaffRequest, found: Transfer, *, step: pages.Form | None = None, status: int = 200
) -> HttpResponse:
    user, at = request.user, request.now
    sends = queries.shipments_sent_by(user, at).filter(pk=found.pk).exists()
    takes = queries.shipments_coming_to(user, at).filter(pk=found.pk).exists()
    lines = []
    for one in queries.shipment_lines(found):
        told = (one.sent, one.received, one.broken, one.returned, one.lost, one.outstanding)
        shown = [words.amount(n, one.lot.item) if n else "–" for n in (*told, one.extra)]
        lines.append((one, shown))
    along = queries.packages_along(found)
    wishes = [(one, words.amount(one.quantity, one.item)) for one in queries.wishes_of(found)]
    state = found.state
    if step is None and sends and state == ShipmentState.PREPARED:
        step = ship_forms.DispatchForm(at=at)
    if step is not None:
        pages.forms.dress(step)
    page = {
        "shipment": found,
        "badge": badge(found, at),
        "step": step,
        "packages": serial_views.grouped([(one, str(x.label)) for one, x in along], user, at),
        "lines": lines,
        "wishes": wishes,
        "files": files.of(PROOF, found),
        "may_tell_way": sends and state in (ShipmentState.PREPARED, ShipmentState.SENT),
        "may_send": sends and state == ShipmentState.PREPARED,
        "may_bring_back": sends and state == ShipmentState.SENT,
        "may_settle": sends and state == ShipmentState.DISPUTED,
        "may_receive": takes and state == ShipmentState.SENT,
        "history": audit.history_of(found),
    }
    drawn = render(request, "supplies/stock/shipment.html", page, status=status)
    return drawn if step is None else pages.with_camera(drawn)
