"""Webhooks for administrators: receivers, a trial, what was delivered, pause and removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import answered_on, once
from fangkong.core.outgoing import told
from fangkong.core.permissions import allowed

from . import actions, queries
from .forms import DeliveryFilter, ReceiverForm
from .models import Delivery, Receiver
from .types import MANAGE, TRIAL, events


def _url(receiver: Receiver) -> str:
    return reverse("core:webhooks:detail", args=[receiver.public_id])


def _delivery_url(delivery: Delivery) -> str:
    return reverse("core:webhooks:delivery", args=[delivery.public_id])


def words_of(event: str) -> str:
    """An event in words; its name where this version does not know it any more."""
    return str(_("Trial") if event == TRIAL else events().get(event, event))


RECEIVERS = pages.Listing[Any](
    name="webhooks",
    title=_("Webhooks"),
    columns=[
        pages.Column("label", pgettext_lazy("thing", "Name"), lambda r: r.label, url=_url),
        pages.Column("url", pgettext_lazy("web", "Address"), lambda r: r.url),
        pages.Column("events", _("Events"), lambda r: "; ".join(words_of(e) for e in r.events)),
        pages.Column("made", _("Made"), lambda r: r.created_at, order="created_at"),
        pages.Column("state", _("State"), lambda r: r.state, piece="core/webhooks/_state.html"),
    ],
    order="-made",
    empty=_("No webhook yet. With one, another system is told at once of what happened here."),
)
DELIVERIES = pages.Listing[Any](
    name="deliveries",
    title=_("Deliveries"),
    columns=[
        pages.Column("event", _("Event"), lambda d: words_of(d.event), url=_delivery_url),
        pages.Column("at", _("Happened"), lambda d: d.occurred_at, order="occurred_at"),
        pages.Column(
            "state",
            _("State"),
            lambda d: d.get_state_display(),
            piece="core/webhooks/_delivery_state.html",
        ),
        pages.Column("tries", _("Tries"), lambda d: d.tries),
        pages.Column("status", _("Answer"), lambda d: d.status or told(d.problem)),
        pages.Column("due", _("Next try"), lambda d: d.due_at if d.state == "waiting" else None),
    ],
    order="-at",
    filters=DeliveryFilter,
    empty=_("Nothing was delivered yet. Send a trial to see whether the receiver understands."),
)


@allowed(MANAGE)
def index(request: Any) -> HttpResponseBase:
    """The newest receivers first."""
    rows = queries.open_to(request.user, request.now)
    return pages.listing(request, RECEIVERS, rows, template="core/webhooks/index.html")


@allowed(MANAGE)
@never_cache
def new(request: Any) -> HttpResponse:
    """Set up a receiver; its secret is shown on the answer to this request only."""
    form = ReceiverForm(request.POST or None)
    if done := pages.carry_out(request, form, actions.subscribe, form.cleaned):
        receiver = done.result
        shown = {"receiver": receiver, "secret": "" if done.again else receiver.secret}
        return render(request, "core/webhooks/made.html", shown)
    return pages.form(request, form, title=_("New webhook"), submit=_("Set up"))


@allowed(MANAGE)
def detail(request: Any, public_id: UUID) -> HttpResponseBase:
    """One receiver with what was delivered to it, the newest first."""
    receiver = _receiver(request, public_id)
    rows = queries.deliveries(request.user, request.now).filter(receiver=receiver)
    shown = {
        "title": receiver.label,
        "receiver": receiver,
        "given_up": rows.filter(state=Delivery.State.PARKED).exists(),
        "wanted": [words_of(event) for event in receiver.events],
        "history": audit.history_of(receiver),
    }
    template = "core/webhooks/detail.html"
    return pages.listing(request, DELIVERIES, rows, template=template, context=shown)


@allowed(MANAGE)
def delivery(request: Any, public_id: UUID) -> HttpResponse:
    """One delivery: each try with the answer, and what was sent."""
    found = _delivery(request, public_id)
    shown = {
        "delivery": found,
        "words": words_of(found.event),
        "answers": [{**one, "at": datetime.fromisoformat(one["at"])} for one in found.answers],
        "body": actions.body_of(found).decode(),
    }
    return render(request, "core/webhooks/delivery.html", shown)


@require_POST
@allowed(MANAGE)
def try_out(request: Any, public_id: UUID) -> HttpResponse:
    """Send a trial."""
    text = _("A trial is on its way; look here again in a moment.")
    return _done(request, public_id, actions.try_out, text)


@require_POST
@allowed(MANAGE)
def pause(request: Any, public_id: UUID) -> HttpResponse:
    """Keep what happens until the receiver is resumed."""
    return _done(request, public_id, actions.pause, _("Paused: what happens is kept for later."))


@require_POST
@allowed(MANAGE)
def resume(request: Any, public_id: UUID) -> HttpResponse:
    """Deliver again."""
    text = _("Resumed: what has waited is delivered within a few minutes.")
    return _done(request, public_id, actions.resume, text)


@require_POST
@allowed(MANAGE)
def repeat_all(request: Any, public_id: UUID) -> HttpResponse:
    """Try everything anew that was given up."""
    text = _("What was given up is tried again within a few minutes.")
    return _done(request, public_id, actions.repeat_all, text)


@require_POST
@allowed(MANAGE)
@never_cache
def renew_secret(request: Any, public_id: UUID) -> HttpResponse:
    """Give a receiver a new secret, shown on the answer to this request only."""
    receiver = _receiver(request, public_id)
    text = _(
        "“%(name)s” gets a new secret. The old one signs along for 24 hours; then only the new "
        "one does."
    ) % {"name": receiver.label}
    if page := pages.unconfirmed(
        request, text, submit=_("Renew the secret"), back_url=_url(receiver)
    ):
        return page
    done, again = answered_on(
        None,
        pages.key_of(request),
        actions.renew_secret,
        receiver=receiver,
        by=request.user,
        at=request.now,
    )
    shown = {"receiver": done, "secret": "" if again else done.secret, "renewed": True}
    return render(request, "core/webhooks/made.html", shown)


@require_POST
@allowed(MANAGE)
def stop(request: Any, public_id: UUID) -> HttpResponse:
    """Remove a receiver; its deliveries stay readable."""
    receiver = _receiver(request, public_id)
    text = _(
        "“%(name)s” hears nothing any more, and what waits for it is given up. "
        "This cannot be undone."
    ) % {"name": receiver.label}
    if page := pages.unconfirmed(request, text, submit=_("Remove"), back_url=_url(receiver)):
        return page
    return _done(request, public_id, actions.stop, _("The webhook is removed."))


@require_POST
@allowed(MANAGE)
def repeat(request: Any, public_id: UUID) -> HttpResponse:
    """Try a delivery anew that was given up."""
    found = _delivery(request, public_id)
    once(pages.key_of(request), actions.repeat, delivery=found, by=request.user, at=request.now)
    messages.success(request, _("The delivery is tried again."))
    return redirect(_delivery_url(found))


def _done(
    request: Any, public_id: UUID, action: Callable[..., object], text: str | Promise
) -> HttpResponse:
    receiver = _receiver(request, public_id)
    once(pages.key_of(request), action, receiver=receiver, by=request.user, at=request.now)
    messages.success(request, str(text))
    return redirect(_url(receiver))


def _receiver(request: Any, public_id: UUID) -> Receiver:
    return get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)


def _delivery(request: Any, public_id: UUID) -> Delivery:
    return get_object_or_404(queries.deliveries(request.user, request.now), public_id=public_id)
