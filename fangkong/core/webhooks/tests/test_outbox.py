"""A slow receiver holds up no other, and the outbox does not grow for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fangkong.accounts.tests.factories import AT
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.retention import nights
from fangkong.core.webhooks import actions, jobs, rules
from fangkong.core.webhooks.models import Delivery

from .test_webhooks import happened

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_a_receiver_that_does_not_answer_is_asked_once_and_left_alone_for_a_while(
    subscribe, other, areas, monkeypatch
):
    monkeypatch.setattr(actions, "TIMEOUT", 0.3)
    monkeypatch.setattr(rules, "SLOW", 0.2)
    silent, good = subscribe("/slow"), subscribe("/ok")
    for _event in range(3):
        happened(areas)

    for one in Delivery.objects.order_by("pk"):
        actions.deliver(delivery_id=one.pk, at=AT)

    assert [path for path, _headers, _body in other.heard] == ["/slow", "/ok", "/ok", "/ok"]
    assert set(good.deliveries.values_list("state", flat=True)) == {"delivered"}
    waits = silent.deliveries.order_by("pk")
    assert [one.tries for one in waits] == [1, 0, 0]  # who was not asked has lost no try
    assert all(one.due_at > AT + timedelta(seconds=3) for one in waits)

    # While it rests nothing is queued for it; afterwards one, though three are due.
    assert actions.deliver_due(AT + timedelta(seconds=3)) == 0
    later = AT + timedelta(minutes=1)
    assert actions.deliver_due(later) == 1
    other.go_on.set()  # it is well again, and quick
    assert actions.deliver(delivery_id=waits[0].pk, at=later) == "delivered"
    for one in waits[1:]:
        assert actions.deliver(delivery_id=one.pk, at=later) == "delivered"


def test_a_quick_refusal_keeps_nobody_waiting(subscribe, other, areas):
    subscribe("/broken")
    for _event in range(3):
        happened(areas)
    for one in Delivery.objects.order_by("pk"):
        actions.deliver(delivery_id=one.pk, at=AT)

    assert len(other.heard) == 3
    assert actions.deliver_due(AT + timedelta(minutes=1)) == 3


def test_one_receiver_with_many_due_leaves_room_for_the_others(
    subscribe, areas, administrator, monkeypatch
):
    monkeypatch.setattr(actions, "BATCH", 2)
    full = subscribe()
    for _event in range(4):
        happened(areas)
    subscribe()
    late = happened(areas)

    assert actions.deliver_due(AT + timedelta(minutes=6)) == 3
    late.refresh_from_db()
    assert late.due_at > AT + timedelta(minutes=6)
    assert full.deliveries.filter(due_at__gt=AT + timedelta(minutes=6)).count() == 2


def test_what_was_delivered_is_cleared_after_its_term_and_what_waits_for_somebody_is_not(
    subscribe, administrator, areas, settings, monkeypatch
):
    settings.FANGKONG_OUTBOX_DAYS = 30
    monkeypatch.setattr(nights, "require_plausible", lambda at: None)
    good, broken, removed = subscribe(), subscribe("/broken"), subscribe("/broken")
    happened(areas)
    for one in Delivery.objects.all():
        actions.deliver(delivery_id=one.pk, at=AT)
    Delivery.objects.filter(receiver=broken).update(state="parked", due_at=None)
    actions.stop(receiver=removed, by=administrator, at=AT)

    jobs.forget(AT + timedelta(days=30))
    assert Delivery.objects.count() == 3
    assert not AuditLine.objects.filter(action="core.webhooks.forget").exists()

    jobs.forget(AT + timedelta(days=30, minutes=1))
    assert [one.receiver for one in Delivery.objects.all()] == [broken]
    lines = AuditLine.objects.filter(action="core.webhooks.forget").order_by("subject_id")
    assert [(line.subject_id, line.detail) for line in lines] == [
        (good.pk, {"deliveries": 1}),
        (removed.pk, {"deliveries": 1}),
    ]
    jobs.forget(AT + timedelta(days=31))
    assert lines.count() == 2


def test_a_clock_in_doubt_clears_nothing(subscribe, areas, monkeypatch):
    subscribe()
    delivery = happened(areas)
    actions.deliver(delivery_id=delivery.pk, at=AT)

    def doubt(at):
        raise nights.ClockInDoubt(AT, at)

    monkeypatch.setattr(nights, "require_plausible", doubt)
    with pytest.raises(nights.ClockInDoubt):
        jobs.forget(AT + timedelta(days=400))
    assert Delivery.objects.count() == 1


def test_everything_given_up_for_a_receiver_is_tried_anew_at_once(
    client, subscribe, other, administrator, areas, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: AT)
    receiver, another = subscribe(), subscribe()
    for _event in range(3):
        happened(areas)
    Delivery.objects.update(state="parked", due_at=None, tries=8)
    client.force_login(administrator)
    page = f"/core/webhooks/{receiver.public_id}/"
    address = f'action="{page}repeat/"'
    assert address in client.get(page).content.decode()

    assert client.post(f"{page}repeat/", {"_key": "k"}).status_code == 302

    assert set(receiver.deliveries.values_list("state", "tries")) == {("waiting", 0)}
    assert set(another.deliveries.values_list("state", flat=True)) == {"parked"}
    assert actions.deliver_due(AT) == 3
    line = AuditLine.objects.get(action="core.webhooks.repeat_all")
    assert (line.subject_id, line.detail) == (receiver.pk, {"deliveries": 3})
    assert address not in client.get(page).content.decode()
    with pytest.raises(actions.NotParked):
        actions.repeat_all(receiver=receiver, by=administrator, at=AT)
    actions.pause(receiver=another, by=administrator, at=AT)
    with pytest.raises(actions.NotRunning):
        actions.repeat_all(receiver=another, by=administrator, at=AT)
