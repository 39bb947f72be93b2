"""Set up receivers, write events into the outbox, and deliver them.

At least once, and in no promised order: a receiver knows an event by its id, and asks the API for
the record as it is now.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import outbound
from fangkong.core.audit import actions as audit
from fangkong.core.editions import queries as editions
from fangkong.core.queue import actions as queue
from fangkong.core.record import new_public_id, stamps
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown

from . import rules
from .models import Delivery, Receiver
from .types import TRIAL, events

if TYPE_CHECKING:
    from fangkong.accounts.models import User

DELIVER = "core.webhooks.deliver"
TIMEOUT = 5.0  # seconds for one receiver; the others wait as long at most
BATCH = 100  # of one receiver in a minute
CLEARED_AT_ONCE = 1000
ANSWERS_KEPT = 24  # tries of one delivery that are remembered: three rounds


class UnknownEvent(Refused):
    """Only events that the house knows can be asked for."""

    status = 422


class NameMissing(Refused):
    """A receiver without a name could not be told from the others."""

    status = 422


class NotHttps(outbound.WrongAddress):
    """What is told would travel in the open."""


class AlreadyStopped(Refused):
    """The receiver was stopped before."""


class NotRunning(Refused):
    """Only a receiver that hears is paused."""


class NotPaused(Refused):
    """Only a paused receiver is resumed."""


class NotParked(Refused):
    """Only a delivery that was given up is repeated by hand."""


@transaction.atomic
def subscribe(*, label: str, url: str, events_: Sequence[str], by: User, at: datetime) -> Receiver:
    """Set up a receiver. Its ``secret`` is shown to whoever did, once."""
    name = shown(label)
    if not name:
        raise NameMissing(_("Give the receiver a name that says which system it is."))
    if not events_ or not set(events_) <= set(events()):
        raise UnknownEvent(_("Choose at least one event of the list."))
    try:
        target = outbound.check_written(url)
        if target.scheme != "https" and not target.trusted:
            raise NotHttps(
                _("Write https://. Over http anybody on the way reads what is told and answers.")
            )
    except outbound.WrongAddress as problem:
        problem.field = "url"  # type: ignore[attr-defined]  # where a form shows it
        raise
    receiver = Receiver.objects.create(
        label=name, url=url, events=sorted(set(events_)), **stamps(by, at)
    )
    audit.record(
        "core.webhooks.subscribe", receiver, by=by, at=at, detail={"events": receiver.events}
    )
    return receiver


@transaction.atomic
def stop(*, receiver: Receiver, by: User, at: datetime) -> Receiver:
    """Tell a receiver nothing any more; what waits is given up."""
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.stopped_at is not None:
        raise AlreadyStopped(_("This webhook was stopped before."))
    receiver.stopped_at = at
    receiver.touch(by, at)
    receiver.save(update_fields=["stopped_at", "changed_at", "changed_by"])
    waiting = Delivery.objects.filter(receiver=receiver, state=Delivery.State.WAITING)
    waiting.update(state=Delivery.State.PARKED, due_at=None, problem="stopped")
    audit.record("core.webhooks.stop", receiver, by=by, at=at)
    return receiver


@transaction.atomic
def pause(*, receiver: Receiver, by: User, at: datetime) -> Receiver:
    """Keep events for a receiver that cannot hear now, such as while it is repaired."""
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.state != "open":
        raise NotRunning(_("This webhook is paused or removed already."))
    receiver.paused_at = at
    receiver.touch(by, at)
    receiver.save(update_fields=["paused_at", "changed_at", "changed_by"])
    _waiting(receiver).update(due_at=None)
    audit.record("core.webhooks.pause", receiver, by=by, at=at)
    return receiver


@transaction.atomic
def resume(*, receiver: Receiver, by: User, at: datetime) -> Receiver:
    """Deliver again, first what has waited; the worker takes it up within a minute."""
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.state != "paused":
        raise NotPaused(_("This webhook is not paused."))
    receiver.paused_at = None
    receiver.touch(by, at)
    receiver.save(update_fields=["paused_at", "changed_at", "changed_by"])
    _waiting(receiver).update(due_at=at)
    audit.record("core.webhooks.resume", receiver, by=by, at=at)
    return receiver


@transaction.atomic
def renew_secret(*, receiver: Receiver, by: User, at: datetime) -> Receiver:
    """Give a receiver a new secret, where the old one was lost or seen by others.

    For a day deliveries are signed with both, so that none is refused while it is being copied.
    """
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.state == "stopped":
        raise AlreadyStopped(_("This webhook was stopped before."))
    receiver.renewed += 1
    receiver.renewed_at = at
    receiver.touch(by, at)
    receiver.save(update_fields=["renewed", "renewed_at", "changed_at", "changed_by"])
    audit.record("core.webhooks.renew_secret", receiver, by=by, at=at)
    return receiver


def _waiting(receiver: Receiver) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(receiver=receiver, state=Delivery.State.WAITING)


@transaction.atomic
def try_out(*, receiver: Receiver, by: User, at: datetime) -> Delivery:
    """Send a signed delivery that names no record, to see whether the receiver understands."""
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.state != "open":
        raise NotRunning(_("This webhook is paused or removed: nothing is sent to it."))
    delivery = Delivery.objects.create(
        event_id=new_public_id(),
        receiver=receiver,
        event=TRIAL,
        subject_type="",
        subject_public_id=None,
        occurred_at=at,
        due_at=at + rules.WINDOW,
    )
    queue.enqueue(DELIVER, delivery.pk, by=by, at=at)
    audit.record("core.webhooks.try_out", receiver, by=by, at=at)
    return delivery


def announce(event: str, subject: models.Model, *, at: datetime) -> None:
    """Write an event into the outbox, within the transaction of what happened.

    One row for each receiver; where nobody listens it asks nothing, or only whether that still
    holds.
    """
    wanted = {
        pk: paused_at
        for pk, names, paused_at in editions.kept("receivers", "all", _listening)
        if event in names
    }
    if not wanted:
        return
    event_id = new_public_id()
    rows = [
        Delivery(
            event_id=event_id,
            receiver_id=pk,
            event=event,
            subject_type=subject._meta.label_lower,
            subject_public_id=getattr(subject, "public_id", None),
            occurred_at=at,
            # Its job runs at once; where that is lost the row falls due a little later.
            due_at=None if paused_at else at + rules.WINDOW,
        )
        for pk, paused_at in wanted.items()
    ]
    for row in Delivery.objects.bulk_create(rows):
        if row.due_at is not None:
            queue.enqueue(DELIVER, row.pk, by=None, at=at)


def _listening() -> list[tuple[int, list[str], datetime | None]]:
    rows = Receiver.objects.filter(stopped_at__isnull=True)
    return list(rows.order_by("pk").values_list("pk", "events", "paused_at"))


def deliver(*, delivery_id: int, at: datetime) -> Delivery.State:
    """Try one delivery now. The receiver's slowness or fault is noted and stops nobody else."""
    delivery = Delivery.objects.select_related("receiver").get(pk=delivery_id)
    if delivery.state != Delivery.State.WAITING or delivery.receiver.state != "open":
        return Delivery.State(delivery.state)
    if (rested := _rests_until(delivery.receiver_id)) is not None and at < rested:
        # It was queued before a slow try of another: its turn comes again.
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.WAITING).exclude(
            due_at=None
        ).update(due_at=rested)
        return Delivery.State.WAITING
    begun = monotonic()
    status, problem = _sent(delivery, at)
    return _noted(delivery, status, problem, at, monotonic() - begun)


def _rests_until(receiver_id: int) -> datetime | None:
    """Until when a receiver is left alone because its last try took long; None where it was quick.

    Counted from the moment at which that try began.
    """
    tried = Delivery.objects.filter(receiver_id=receiver_id, tried_at__isnull=False)
    last = tried.order_by("-tried_at", "-pk").values_list("tried_at", "answers").first()
    if last is None or last[0] is None or not last[1]:
        return None
    took = float(last[1][-1].get("ms", 0)) / 1000
    rest = rules.rest_after(took)
    return last[0] + timedelta(seconds=took) + rest if rest else None


@transaction.atomic
def _noted(
    delivery: Delivery, status: int | None, problem: str, at: datetime, took: float
) -> Delivery.State:
    """What became of a try. The receiver may have been paused or removed while it ran."""
    # In the order of ``stop`` and ``pause``: the receiver, then its deliveries.
    receiver = Receiver.objects.select_for_update().get(pk=delivery.receiver_id)
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)
    good = status is not None and 200 <= status < 300
    delivery.tries += 1
    delivery.tried_at, delivery.status, delivery.problem = at, status, problem
    said = {"at": at.isoformat(), "status": status, "problem": problem, "ms": round(took * 1000)}
    delivery.answers = [*delivery.answers, said][-ANSWERS_KEPT:]
    pause = None if good else rules.wait_after(delivery.tries)
    if good:
        delivery.state = Delivery.State.DELIVERED
    elif pause is None or receiver.state == "stopped":
        delivery.state = Delivery.State.PARKED
    waits = delivery.state == Delivery.State.WAITING and receiver.state == "open"
    delivery.due_at = at + pause if pause and waits else None
    delivery.save(
        update_fields=["tries", "tried_at", "status", "problem", "state", "due_at", "answers"]
    )
    return Delivery.State(delivery.state)


def _sent(delivery: Delivery, at: datetime) -> tuple[int | None, str]:
    """The receiver's status, or none and what went wrong by name. No redirect is followed."""
    body = body_of(delivery)
    timestamp = int(at.timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Fangkong",
        "Fangkong-Event-Id": str(delivery.event_id),
        "Fangkong-Timestamp": str(timestamp),
        "Fangkong-Signature": ",".join(
            f"v1={rules.signature(one, timestamp, body)}" for one in delivery.receiver.secrets(at)
        ),
    }
    try:
        answer = outbound.post(
            delivery.receiver.url, body=body, headers=headers, timeout=TIMEOUT, largest=64 * 1024
        )
    except Refused as problem:
        return None, type(problem).__name__
    return answer.status, "" if answer.ok else "NotAccepted"


def body_of(delivery: Delivery) -> bytes:
    """What is sent: ids and types only."""
    told = {
        "id": str(delivery.event_id),
        "event": delivery.event,
        "occurred_at": delivery.occurred_at.isoformat(),
        "subject": {
            "type": delivery.subject_type,
            "id": str(delivery.subject_public_id) if delivery.subject_public_id else None,
        },
    }
    return json.dumps(told, separators=(",", ":")).encode()


def deliver_due(at: datetime) -> int:
    """Put what is due again into the queue, one job each; the number.

    Some of each receiver, so that one with many does not stand before all others; of one whose last
    try took long a single one, and none while it rests.
    """
    due = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lte=at)
    queued = 0
    for receiver_id in due.order_by("receiver_id").values_list("receiver_id", flat=True).distinct():
        rested = _rests_until(receiver_id)
        if rested is not None and at < rested:
            continue
        most = BATCH if rested is None else 1
        for row in due.filter(receiver_id=receiver_id).order_by("due_at", "pk")[:most]:
            with transaction.atomic():
                # Until the job has run the row is not due, so that it is queued once.
                Delivery.objects.filter(pk=row.pk).update(due_at=at + rules.WINDOW)
                queue.enqueue(DELIVER, row.pk, by=None, at=at)
            queued += 1
    return queued


def forget(*, at: datetime) -> int:
    """Clear what was delivered longer ago than the outbox is kept, and what a receiver that was
    removed has not got; how many. One line of the trail for each receiver.

    What was given up for a receiver that still hears stays: somebody may send it again.
    """
    until = at - timedelta(days=settings.FANGKONG_OUTBOX_DAYS)
    over = Delivery.objects.filter(tried_at__lt=until, state=Delivery.State.DELIVERED)
    given_up = Delivery.objects.filter(receiver__stopped_at__lt=until, state=Delivery.State.PARKED)
    gone = 0
    for receiver in Receiver.objects.order_by("pk"):
        for rows in (over, given_up):
            while count := _cleared(receiver, rows.filter(receiver=receiver), at):
                gone += count
    return gone


@transaction.atomic
def _cleared(receiver: Receiver, rows: models.QuerySet[Delivery], at: datetime) -> int:
    """Some of them, with their line."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:CLEARED_AT_ONCE])
    if keys:
        audit.record(
            "core.webhooks.forget", receiver, by=None, at=at, detail={"deliveries": len(keys)}
        )
        Delivery.objects.filter(pk__in=keys).delete()
    return len(keys)


@transaction.atomic
def shorten_waits(at: datetime, far: timedelta) -> None:
    """The clock was set back: what waited by the clock before waits as long by the clock that is.

    What has been taken since then is due again within a moment, and is left.
    """
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__gt=at + rules.WINDOW)
    waiting.update(due_at=models.F("due_at") - far)


@transaction.atomic
def repeat(*, delivery: Delivery, by: User, at: datetime) -> Delivery:
    """Try a delivery anew that was given up."""
    delivery = Delivery.objects.select_for_update().select_related("receiver").get(pk=delivery.pk)
    if delivery.receiver.state != "open":
        raise NotRunning(_("This webhook is paused or removed: nothing is sent to it."))
    if delivery.state != Delivery.State.PARKED:
        raise NotParked(_("Only a delivery that was given up can be repeated."))
    delivery.state, delivery.tries = Delivery.State.WAITING, 0
    delivery.due_at = at + rules.WINDOW
    delivery.save(update_fields=["state", "tries", "due_at"])
    queue.enqueue(DELIVER, delivery.pk, by=by, at=at)
    audit.record("core.webhooks.repeat", delivery.receiver, by=by, at=at)
    return delivery


@transaction.atomic
def repeat_all(*, receiver: Receiver, by: User, at: datetime) -> Receiver:
    """Try everything anew that was given up for a receiver, as after days on which it was down."""
    receiver = Receiver.objects.select_for_update().get(pk=receiver.pk)
    if receiver.state != "open":
        raise NotRunning(_("This webhook is paused or removed: nothing is sent to it."))
    given_up = Delivery.objects.filter(receiver=receiver, state=Delivery.State.PARKED)
    count = given_up.update(state=Delivery.State.WAITING, tries=0, due_at=at)
    if not count:
        raise NotParked(_("Nothing was given up for this webhook."))
    detail = {"deliveries": count}
    audit.record("core.webhooks.repeat_all", receiver, by=by, at=at, detail=detail)
    return receiver
