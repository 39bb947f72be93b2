"""Other systems are told of events: signed, at least once, and one that fails stops no other."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client

from fangkong.accounts.tests import factories
from fangkong.accounts.tests.factories import AT
from fangkong.core import outbound
from fangkong.core.audit.models import AuditLine
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.core.webhooks import actions, rules
from fangkong.core.webhooks.models import Delivery, Receiver
from fangkong.core.webhooks.types import declare_event
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility, world

from .conftest import HAPPENED

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[4]
HOOKS = "/api/v1/core/webhooks/"


def happened(areas) -> Delivery | None:
    name = f"第{Facility.objects.count()}卫生院"
    actions.announce(HAPPENED, facility(areas["513326"], name), at=AT)
    return Delivery.objects.order_by("-pk").first()


def test_an_event_is_told_by_ids_only_and_signed(subscribe, other, areas):
    receiver = subscribe()
    delivery = happened(areas)

    assert actions.deliver(delivery_id=delivery.pk, at=AT) == "delivered"
    _path, headers, body = other.heard[0]
    told = json.loads(body)
    assert set(told) == {"id", "event", "occurred_at", "subject"}
    assert told["subject"] == {
        "type": "places.facility",
        "id": str(delivery.subject_public_id),
    }
    assert "卫生院" not in body.decode()
    stamp = int(headers["Fangkong-Timestamp"])
    signed = rules.signature(receiver.secret, stamp, body)
    assert headers["Fangkong-Signature"] == f"v1={signed}"
    assert headers["Fangkong-Event-Id"] == told["id"]
    assert signed != rules.signature(receiver.secret, stamp + 1, body)


@pytest.mark.parametrize("label", ["", " ", "\u200b\u3164"])
def test_a_receiver_without_a_name_is_not_set_up(administrator, label):
    with pytest.raises(actions.NameMissing):
        actions.subscribe(
            label=label, url="https://192.0.2.1/", events_=[HAPPENED], by=administrator, at=AT
        )


def test_what_is_rolled_back_is_told_to_nobody(subscribe, areas):
    subscribe()
    with transaction.atomic():
        happened(areas)
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()
    assert not Job.objects.filter(name=actions.DELIVER).exists()


def test_only_those_hear_of_an_event_who_asked_for_it(subscribe, areas):
    subscribe("/ok", declare_event("core.webhooks.other", "Other"))

    assert happened(areas) is None


@pytest.mark.parametrize(
    ("path", "status", "problem"), [("/broken", 500, "NotAccepted"), ("/moved", 302, "NotAccepted")]
)
def test_a_receiver_that_fails_or_sends_us_on_is_tried_again_later(
    subscribe, other, areas, path, status, problem
):
    subscribe(path)
    delivery = happened(areas)

    assert actions.deliver(delivery_id=delivery.pk, at=AT) == "waiting"
    delivery.refresh_from_db()
    assert (delivery.status, delivery.problem, delivery.tries) == (status, problem, 1)
    assert delivery.due_at == AT + timedelta(seconds=10)
    assert [heard[0] for heard in other.heard] == [path]


def test_a_slow_receiver_is_given_up_in_time(subscribe, other, areas, monkeypatch):
    monkeypatch.setattr(actions, "TIMEOUT", 0.3)
    subscribe("/slow")
    delivery = happened(areas)

    assert actions.deliver(delivery_id=delivery.pk, at=AT) == "waiting"
    delivery.refresh_from_db()
    assert (delivery.status, delivery.problem) == (None, "TooSlow")


def test_one_receiver_that_fails_holds_up_no_other(subscribe, other, areas):
    subscribe("/broken")
    subscribe("/ok")
    happened(areas)
    broken, fine = Delivery.objects.order_by("pk")

    states = [actions.deliver(delivery_id=one.pk, at=AT) for one in (broken, fine)]

    assert states == ["waiting", "delivered"]
    assert broken.event_id == fine.event_id
    assert Job.objects.filter(name=actions.DELIVER).count() == 2


def test_after_eight_tries_a_delivery_is_parked_and_can_be_repeated(
    subscribe, administrator, areas
):
    receiver = subscribe("/broken")
    delivery = happened(areas)
    at, waits = AT, []
    for _try in range(rules.TRIES):
        actions.deliver(delivery_id=delivery.pk, at=at)
        delivery.refresh_from_db()
        if delivery.due_at:
            waits.append((delivery.due_at - at).total_seconds())
            at = delivery.due_at

    assert waits == [10, 40, 160, 640, 2560, 10240, 21600]
    assert (delivery.state, delivery.due_at) == ("parked", None)
    again = actions.repeat(delivery=delivery, by=administrator, at=at)
    assert (again.state, again.tries) == ("waiting", 0)
    with pytest.raises(actions.NotParked):
        actions.repeat(delivery=delivery, by=administrator, at=at)
    assert AuditLine.objects.filter(action="core.webhooks.repeat", subject_id=receiver.pk).exists()


def test_what_is_due_is_queued_once(subscribe, areas):
    subscribe("/broken")
    delivery = happened(areas)
    actions.deliver(delivery_id=delivery.pk, at=AT)

    assert actions.deliver_due(AT + timedelta(seconds=9)) == 0
    assert actions.deliver_due(AT + timedelta(seconds=10)) == 1
    assert actions.deliver_due(AT + timedelta(seconds=11)) == 0


def test_a_delivery_that_arrived_is_not_sent_again(subscribe, other, areas):
    subscribe()
    delivery = happened(areas)
    for _time in range(2):
        actions.deliver(delivery_id=delivery.pk, at=AT)

    assert len(other.heard) == 1


def test_a_stopped_receiver_hears_nothing_any_more(subscribe, other, administrator, areas):
    receiver = subscribe()
    waiting = happened(areas)
    actions.stop(receiver=receiver, by=administrator, at=AT)

    assert actions.deliver(delivery_id=waiting.pk, at=AT) == "parked"
    assert happened(areas).pk == waiting.pk
    assert other.heard == []
    with pytest.raises(actions.AlreadyStopped):
        actions.stop(receiver=receiver, by=administrator, at=AT)


@pytest.mark.parametrize(("act", "state"), [(actions.stop, "parked"), (actions.pause, "waiting")])
def test_who_is_removed_or_paused_while_a_try_runs_is_not_tried_again(
    subscribe, administrator, areas, monkeypatch, act, state
):
    receiver = subscribe("/broken")
    waiting = happened(areas)
    sent = actions._sent

    def meanwhile(delivery, at):
        act(receiver=receiver, by=administrator, at=at)
        return sent(delivery, at)

    monkeypatch.setattr(actions, "_sent", meanwhile)

    assert actions.deliver(delivery_id=waiting.pk, at=AT) == state
    assert actions.deliver_due(AT + timedelta(days=2)) == 0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://169.254.169.254/", "file:///etc"])
def test_an_inner_address_that_nobody_allowed_is_refused(administrator, url):
    with pytest.raises(outbound.WrongAddress):
        actions.subscribe(label="x", url=url, events_=[HAPPENED], by=administrator, at=AT)
    assert not Receiver.objects.exists()


def test_an_event_that_the_house_does_not_know_is_refused(administrator):
    with pytest.raises(actions.UnknownEvent):
        actions.subscribe(
            label="x", url="https://example.org/", events_=["no.such"], by=administrator, at=AT
        )


def test_the_secret_is_told_once_and_only_administrators_ask(client, other, administrator, areas):
    def send(user):
        client.force_login(user)
        return client.post(
            HOOKS,
            json.dumps({"name": "x", "url": f"http://127.0.0.1:{other.port}/ok",
                        "events": [HAPPENED]}),
            content_type="application/json",
            headers={"idempotency-key": "k"},
        )  # fmt: skip

    first, again = send(administrator), send(administrator)
    assert first.json()["secret"] == Receiver.objects.get().secret
    assert again.json()["secret"] == ""
    assert "whsec_" not in client.get(HOOKS).content.decode()
    assert send(factories.staff(Role.COUNTY_CDC, area=areas["513326"])).status_code == 403
    assert client.get(HOOKS).status_code == 403
    assert client.get(f"{HOOKS}deliveries/").status_code == 403


def test_a_paused_receiver_misses_nothing_and_hears_all_of_it_later(
    subscribe, other, administrator, areas
):
    receiver = subscribe()
    before = happened(areas)
    actions.pause(receiver=receiver, by=administrator, at=AT)
    meanwhile = happened(areas)

    assert actions.deliver(delivery_id=before.pk, at=AT) == "waiting"
    assert actions.deliver_due(AT + timedelta(days=2)) == 0
    assert other.heard == []
    with pytest.raises(actions.NotRunning):
        actions.pause(receiver=receiver, by=administrator, at=AT)

    later = AT + timedelta(days=2)
    actions.resume(receiver=receiver, by=administrator, at=later)
    assert actions.deliver_due(later) == 2
    for one in (before, meanwhile):
        assert actions.deliver(delivery_id=one.pk, at=later) == "delivered"
    assert len(other.heard) == 2
    with pytest.raises(actions.NotPaused):
        actions.resume(receiver=receiver, by=administrator, at=later)


def test_a_delivery_whose_job_was_lost_falls_due_by_itself(subscribe, areas):
    subscribe()
    happened(areas)

    assert actions.deliver_due(AT + timedelta(minutes=4)) == 0
    assert actions.deliver_due(AT + timedelta(minutes=5)) == 1


def test_every_try_is_kept_with_its_answer(subscribe, areas):
    subscribe("/broken")
    delivery = happened(areas)
    for minute in range(3):
        actions.deliver(delivery_id=delivery.pk, at=AT + timedelta(minutes=minute))

    delivery.refresh_from_db()
    assert [(one["status"], one["problem"]) for one in delivery.answers] == [
        (500, "NotAccepted")
    ] * 3


# --- What the documentation tells a receiver to do ------------------------------------------------


@pytest.fixture
def receive():
    """The receiver that docs/api.md shows."""
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    code = text.split("```python\n", 1)[1].split("```", 1)[0]
    names: dict[str, Any] = {}
    exec(code, names)  # our own text
    return names["receive"]


def test_the_receiver_of_the_documentation_takes_each_event_once_and_nothing_forged(
    subscribe, other, areas, receive
):
    receiver = subscribe("/broken")
    delivery = happened(areas)
    hours_late = AT + timedelta(hours=7)
    for at in (AT, hours_late):
        actions.deliver(delivery_id=delivery.pk, at=at)
    (_path, first, body), (_path, again, same) = other.heard

    def take(headers, body, at, secret=receiver.secret):
        return receive(headers, body, secret, at.timestamp())

    assert take(first, body, AT)["event"] == HAPPENED
    assert take(again, same, hours_late) is None  # the same event, signed anew
    for headers, content, at in [
        (first, body.replace(b"tested", b"forged"), AT),
        ({**first, "Fangkong-Timestamp": "1"}, body, AT),
        (first, body, AT + timedelta(minutes=6)),  # replayed by somebody else
    ]:
        with pytest.raises(ValueError, match="signed"):
            take(headers, content, at)
    with pytest.raises(ValueError, match="not signed"):
        take(first, body, AT, secret="whsec_other")


def test_a_renewed_secret_signs_beside_the_old_one_for_a_day(
    subscribe, other, areas, receive, administrator
):
    receiver = subscribe()
    old = receiver.secret
    receiver = actions.renew_secret(receiver=receiver, by=administrator, at=AT)
    assert receiver.secret != old

    def heard_by(secret, at):
        delivery = happened(areas)
        assert actions.deliver(delivery_id=delivery.pk, at=at) == "delivered"
        _path, headers, body = other.heard[-1]
        return receive(headers, body, secret, at.timestamp())

    for secret in (old, receiver.secret):
        assert heard_by(secret, AT + timedelta(hours=23))
    later = AT + timedelta(hours=24)
    assert heard_by(receiver.secret, later)
    with pytest.raises(ValueError, match="not signed"):
        heard_by(old, later)
    second = actions.renew_secret(receiver=receiver, by=administrator, at=later)
    assert old not in second.secrets(later) and len(set(second.secrets(later))) == 2
    actions.stop(receiver=second, by=administrator, at=later)
    with pytest.raises(actions.AlreadyStopped):
        actions.renew_secret(receiver=second, by=administrator, at=later)


# --- The page -------------------------------------------------------------------------------------

PAGE = "/core/webhooks/"


def press(client, path, **sent):
    return client.post(f"{PAGE}{path}", {"_key": str(uuid4()), "_confirmed": "yes", **sent})


@pytest.fixture
def desk(client, administrator):
    client.force_login(administrator)
    client.cookies["django_language"] = "en"
    return client


def set_up(desk, other, **more):
    asked = {"label": "省平台", "url": f"http://127.0.0.1:{other.port}/ok", "events": [HAPPENED]}
    return press(desk, "new/", **(asked | more))


def test_a_secret_is_shown_once_and_on_no_other_page(desk, other):
    key = str(uuid4())
    first, again = (set_up(desk, other, _key=key) for _time in range(2))
    receiver = Receiver.objects.get()

    assert receiver.secret in first.content.decode()
    assert "whsec_" not in again.content.decode() and "sent twice" in again.content.decode()
    for address in (PAGE, f"{PAGE}{receiver.public_id}/"):
        assert "whsec_" not in desk.get(address).content.decode()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_who_send_the_form_at_the_same_moment_one_is_told_the_secret(other):
    by = factories.staff(Role.ADMINISTRATOR, area=world()["513300"])
    key, desks = str(uuid4()), [Client(), Client()]
    for desk in desks:
        desk.force_login(by)

    answers = at_once(lambda n: set_up(desks[n], other, _key=key).content.decode())

    secret = Receiver.objects.get().secret
    assert sorted(secret in text for text in answers) == [False, True]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://169.254.169.254/latest/", "inner network"),
        ("http://[::ffff:127.0.0.1]/", "inner network"),
        ("ftp://example.org/", "http"),
        ("http://93.184.215.14/hook", "https"),
        ("http://user:word@example.org/", ""),
    ],
)
def test_an_address_that_may_not_be_asked_is_refused_beside_its_field(desk, other, url, said):
    answer = set_up(desk, other, url=url)
    text = answer.content.decode()

    assert answer.status_code == 422
    assert 'id="id_url_error"' in text
    assert said in text
    assert not Receiver.objects.exists()


def test_a_host_that_nobody_knows_is_told_beside_its_field_too(desk, other, monkeypatch):
    def unknown(host, port):
        raise OSError(host)

    monkeypatch.setattr(outbound, "_resolve", unknown)
    text = set_up(desk, other, url="https://no-such-host.example/").content.decode()

    assert 'id="id_url_error"' in text and "No such host was found" in text
    assert not Receiver.objects.exists()


def test_nobody_waits_to_write_while_a_name_is_looked_up(desk, other, client, monkeypatch):
    inside, outside = [], len(connection.savepoint_ids)

    def slow(host, port):
        inside.append(len(connection.savepoint_ids))
        return ["93.184.215.14"]

    monkeypatch.setattr(outbound, "_resolve", slow)
    body = {"name": "x", "url": "https://platform.example/", "events": [HAPPENED]}
    assert set_up(desk, other, url=body["url"]).status_code == 200
    headers = {"idempotency-key": "k"}
    made = client.post(HOOKS, json.dumps(body), "application/json", headers=headers)
    said = {"label": "群", "way": "wecom", "url": body["url"], "_key": "n"}
    assert client.post("/core/notices/channels/new/", said).status_code == 302

    assert made.status_code == 201 and inside == [outside] * 3
    monkeypatch.setattr(outbound, "_resolve", lambda host, port: ["10.0.0.7"])
    headers = {"idempotency-key": "l", "accept-language": "en"}
    told = client.post(HOOKS, json.dumps(body), "application/json", headers=headers).json()
    assert [one["where"] for one in told["errors"]] == ["/url"] and "inner" in told["detail"]
    refused = client.post("/core/notices/channels/new/", {**said, "_key": "o"})
    assert refused.status_code == 422 and "url" in refused.context["form"].errors


def test_a_trial_is_sent_and_its_tries_are_shown(desk, other):
    set_up(desk, other)
    receiver = Receiver.objects.get()
    assert press(desk, f"{receiver.public_id}/try/").status_code == 302
    delivery = Delivery.objects.get()
    actions.deliver(delivery_id=delivery.pk, at=AT)

    told = json.loads(other.heard[0][2])
    assert (told["event"], told["subject"]["id"]) == ("core.webhooks.trial", None)
    assert "Trial" in desk.get(f"{PAGE}{receiver.public_id}/").content.decode()
    text = desk.get(f"{PAGE}deliveries/{delivery.public_id}/").content.decode()
    assert "204" in text and "core.webhooks.trial" in text


def test_a_webhook_is_paused_resumed_and_removed_by_its_buttons(desk, other):
    set_up(desk, other)
    receiver = Receiver.objects.get()
    for verb, state in [("pause", "paused"), ("resume", "open"), ("stop", "stopped")]:
        assert press(desk, f"{receiver.public_id}/{verb}/").status_code == 302
        receiver.refresh_from_db()
        assert receiver.state == state
    for verb in ("pause", "resume", "stop", "try"):
        assert press(desk, f"{receiver.public_id}/{verb}/").status_code == 409
    text = desk.get(f"{PAGE}{receiver.public_id}/").content.decode()
    assert "Webhook removed" in text and f"{receiver.public_id}/try/" not in text


def test_a_new_secret_is_asked_for_first_and_shown_once(desk, other, client, areas):
    set_up(desk, other)
    receiver = Receiver.objects.get()
    old, path, key = receiver.secret, f"{receiver.public_id}/renew-secret/", str(uuid4())

    asked = press(desk, path, _confirmed="").content.decode()
    assert "signs along for 24 hours" in asked and "whsec_" not in asked
    first, again = (press(desk, path, _key=key).content.decode() for _time in range(2))
    receiver.refresh_from_db()
    assert receiver.renewed == 1 and receiver.secret != old
    assert receiver.secret in first and "whsec_" not in again
    assert "Secret renewed" in desk.get(f"{PAGE}{receiver.public_id}/").content.decode()

    headers = {"idempotency-key": "n"}
    told = [client.post(f"{HOOKS}{path}", headers=headers).json()["secret"] for _time in range(2)]
    receiver.refresh_from_db()
    assert told == [receiver.secret, ""]
    client.force_login(factories.staff(Role.COUNTY_CDC, area=areas["513326"]))
    assert press(client, path).status_code == 403


def test_removing_names_its_consequence_first(desk, other):
    set_up(desk, other)
    receiver = Receiver.objects.get()

    asked = press(desk, f"{receiver.public_id}/stop/", _confirmed="")

    assert "hears nothing any more" in asked.content.decode()
    receiver.refresh_from_db()
    assert receiver.state == "open"


def test_a_delivery_that_was_given_up_is_tried_again_from_its_page(desk, subscribe, areas):
    subscribe("/broken")
    delivery = happened(areas)
    Delivery.objects.update(state="parked", due_at=None)
    address = f"deliveries/{delivery.public_id}/repeat/"

    assert press(desk, address).status_code == 302
    assert press(desk, address).status_code == 409
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_nobody_but_administrators_reaches_the_page(client, subscribe, areas):
    receiver = subscribe()
    for role in (Role.HEADQUARTERS, Role.SECURITY, Role.AUDITOR):
        client.force_login(factories.staff(role, area=areas["513300"]))
        assert client.get(PAGE).status_code == 403
        assert press(client, f"{receiver.public_id}/stop/").status_code == 403
    assert Receiver.objects.get().state == "open"


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_with_more_receivers(
    desk, subscribe, rows, django_assert_max_num_queries
):
    for _one in range(rows):
        subscribe()
    desk.get(PAGE)
    with django_assert_max_num_queries(6):
        desk.get(PAGE)
