"""The door of production: who is slow takes no thread, who comes too much is told so."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from fangkong.config import doorway
from fangkong.config.doorway import THREADS, WAITING, Doorway


def application(environ, start_response):
    """Says back what came, or what the path asks for."""
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/broken/":
        raise ValueError("broken")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Method", environ["PATH_INFO"])])
    if environ["PATH_INFO"] == "/long/":
        return (bytes([n % 256]) * 1000 for n in range(2000))
    told = [environ.get(name, "") for name in ("HTTP_X_TRUE", "HTTP_COOKIE", "CONTENT_LENGTH")]
    return [body, b"", "|".join(told).encode()]


class Client:
    """One request through the door: what is sent, and what came back."""

    def __init__(self, path="/", pieces=(b"",), headers=(), leaves=False):
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "http_version": "1.1",
            "headers": list(headers),
            "client": ("192.0.2.7", 5000),
        }
        self.pieces, self.leaves = list(pieces), leaves
        self.status, self.headers, self.body = 0, {}, b""

    async def receive(self):
        if self.pieces:
            piece = self.pieces.pop(0)
            more = bool(self.pieces) or self.leaves
            return {"type": "http.request", "body": piece, "more_body": more}
        if not self.leaves:
            await asyncio.Event().wait()  # for ever
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = dict(message["headers"])
        else:
            self.body += message["body"]
            self.whole = not message.get("more_body", False)


def through(door, *clients):
    async def all_of_them():
        await asyncio.gather(*(door(one.scope, one.receive, one.send) for one in clients))

    asyncio.run(all_of_them())
    return clients[0]


@pytest.fixture
def door():
    return Doorway(application, largest=1_000_000)


def test_a_body_in_pieces_comes_in_whole_and_its_length_is_told(door):
    sent = through(door, Client(pieces=[b"abc", b"def"]))
    assert (sent.status, sent.body) == (200, b"abcdef||6")


def test_a_long_answer_goes_out_whole_and_in_order(door):
    sent = through(door, Client("/long/"))
    assert sent.body == b"".join(bytes([n % 256]) * 1000 for n in range(2000))
    assert sent.whole


def test_a_header_with_an_underscore_does_not_pass_for_the_true_one(door):
    headers = [(b"x-true", b"a"), (b"x_true", b"b"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    assert through(door, Client(headers=headers)).body == b"a|a=1;b=2|0"


def test_whoever_leaves_before_the_end_of_the_body_starts_nothing(door):
    assert through(door, Client(pieces=[b"abc"], leaves=True)).status == 0


def test_a_body_that_never_ends_is_given_up_and_one_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.05)
    slow = Client(pieces=[])  # it has connected, and brings nothing
    assert through(Doorway(application, largest=10), slow).status == 408
    assert through(Doorway(application, largest=10), Client(pieces=[b"a" * 11])).status == 413
    assert through(Doorway(application, largest=10), Client(pieces=[b"a" * 10])).status == 200


def test_an_application_that_fails_leaves_its_place_to_others(door):
    with pytest.raises(ValueError, match="broken"):
        through(door, Client("/broken/"))
    assert door.inside == 0
    assert through(door, Client()).status == 200


@pytest.mark.parametrize(
    ("path", "kind"), [("/tasks/", b"text/html"), ("/api/v1/tasks/", b"application/problem+json")]
)
def test_those_beyond_the_queue_are_told_to_come_again_and_health_is_answered(path, kind):
    gate = Event()

    def waits(environ, start_response):
        if environ["PATH_INFO"] not in ("/alive/",):
            assert gate.wait(20)
        start_response("200 OK", [])
        return [b"done"]

    door = Doorway(waits, largest=10)
    inside = [Client(path) for _place in range(THREADS + WAITING)]
    beyond, health = Client(path), Client("/alive/")

    async def many():
        asked = [asyncio.create_task(door(c.scope, c.receive, c.send)) for c in inside]
        await asyncio.sleep(0)  # let each take its place
        while door.inside < THREADS + WAITING:
            await asyncio.sleep(0)
        await door(beyond.scope, beyond.receive, beyond.send)
        await door(health.scope, health.receive, health.send)
        gate.set()
        await asyncio.gather(*asked)

    asyncio.run(many())
    assert (beyond.status, beyond.headers[b"retry-after"]) == (503, b"2")
    assert beyond.headers[b"content-type"].startswith(kind)
    assert beyond.headers[b"x-content-type-options"] == b"nosniff"
    assert health.status == 200
    assert {one.status for one in inside} == {200}
    assert door.inside == 0
