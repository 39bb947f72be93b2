"""Other systems are told of events: signed, at least once, and one that fails stops no other."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction

from fangkong.accounts.tests import factories
from fangkong.accounts.tests.factories import AT
from fangkong.core import outbound
from fangkong.core.audit.models import AuditLine
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.core.webhooks import actions, rules
from fangkong.core.webhooks.models import Delivery, Receiver
from fangkong.core.webhooks.types import declare_event
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility, world

pytestmark = pytest.mark.django_db
HAPPENED = declare_event("core.webhooks.tested", "Tested")
HOOKS = "/api/v1/core/webhooks/"


class Other:
    """Another system on this machine, which the operator has allowed; ``answer`` is its mood."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.go_on = threading.Event()
        other = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                other.heard.append((self.path, dict(self.headers), body))
                status = {"/ok": 204, "/broken": 500, "/moved": 302, "/slow": 200}[self.path]
                if self.path == "/slow":
                    other.go_on.wait(20)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", f"http://127.0.0.1:{other.port}/ok")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                other.heard.append((self.path, {}, b""))

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def other(settings) -> Iterator[Other]:
    there = Other()
    settings.FANGKONG_OUTBOUND_ALLOW = [f"127.0.0.1:{there.port}"]
    yield there
    there.go_on.set()
    there.server.shutdown()
    there.server.server_close()


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def administrator(areas):
    return factories.staff(Role.ADMINISTRATOR, area=areas["513300"])


@pytest.fixture
def subscribe(other, administrator):
    def made(path="/ok", *events) -> Receiver:
        return actions.subscribe(
            label="省平台",
            url=f"http://127.0.0.1:{other.port}{path}",
            events_=list(events) or [HAPPENED],
            by=administrator,
            at=AT,
        )

    return made


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
