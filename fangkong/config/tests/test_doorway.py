"""The door of production: who is slow takes no thread, who comes too much is told so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import pytest

from fangkong.config import doorway
from fangkong.config.doorway import IN_MEMORY, MONITORS, THREADS, WAITING, Doorway


def application(environ, start_response):
    """Says back what came, or what the path asks for."""
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/broken/":
        raise ValueError("broken")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Method", environ["PATH_INFO"])])
    if environ["PATH_INFO"] == "/long/":
        return (bytes([n % 256]) * 1000 for n in range(2000))
    if environ["PATH_INFO"] == "/long-at-once/":
        return [b"a" * 2_000_000]
    if environ["PATH_INFO"] == "/breaks-off/":
        return breaks_off()
    if environ["PATH_INFO"] == "/who/":
        return [environ["REMOTE_ADDR"].encode(), environ["SERVER_NAME"].encode()]
    told = [environ.get(name, "") for name in ("HTTP_X_TRUE", "HTTP_COOKIE", "CONTENT_LENGTH")]
    return [body, b"", "|".join(told).encode()]


def breaks_off():
    for _n in range(200):
        yield b"a" * 1000
    raise ValueError("half")


class Fields:
    """The header as granian gives it: a field may stand there twice."""

    def __init__(self, pairs):
        self.pairs = list(pairs)

    def items(self):
        return self.pairs

    def get(self, key):
        return next((value for name, value in self.pairs if name == key), None)


class Client:
    """One request through the door: what is sent, and what came back."""

    def __init__(
        self, path="/", pieces=None, headers=(), leaves=False, silent=False, method="POST"
    ):
        self.silent = silent  # after its pieces
        self.proto, self.method, self.path, self.query_string = "http", method, path, ""
        self.http_version, self.scheme = "1.1", "http"
        self.server, self.client = "127.0.0.1:8000", "[2001:db8::7]:5000"
        self.headers = Fields(headers)
        if pieces is not None and self.headers.get("content-length") is None:
            length = sum(map(len, pieces)) or 1
            self.headers.pairs.append(("content-length", str(length)))
        self.pieces, self.leaves = pieces, leaves
        self.status, self.told, self.body, self.sent = 0, {}, b"", 0
        self.read, self.reads = None, Event()  # a long answer, when it may
        self.reads.set()

    async def __aiter__(self):
        assert self.pieces is not None, "a body was awaited that nobody had announced"
        for piece in self.pieces:
            yield piece
        if not self.pieces or self.silent:
            await asyncio.Event().wait()  # for ever

    def response_bytes(self, status, headers, body):
        self.status, self.told, self.body = status, dict(headers), body

    def response_file(self, status, headers, file):
        """As granian: the file is opened later, and read as the client reads."""
        self.status, self.told = status, dict(headers)
        self.read = asyncio.get_running_loop().run_in_executor(None, self._read, file)

    def _read(self, file):
        with Path(file).open("rb", buffering=0) as there:
            assert self.reads.wait(20)
            while not self.leaves and (piece := there.read(4096)):
                self.body += piece
                self.sent += 1


def through(door, *clients):
    async def all_of_them():
        await asyncio.gather(*(door.__rsgi__(one, one) for one in clients))
        await asyncio.gather(*(one.read for one in clients if one.read is not None))

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
    assert sent.sent > 1
    assert (door.kept, door.inside) == (0, 0)


def test_whoever_asks_for_the_head_alone_is_sent_nothing_of_a_long_answer(door):
    sent = through(door, Client("/long/", method="HEAD"))
    assert (sent.status, sent.body, door.kept) == (200, b"", 0)
    assert sent.told["X-Method"] == "/long/"


def test_a_reader_that_takes_nothing_is_cut_off_and_one_that_is_slow_is_not(door, monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.2)
    ended: list[str] = []
    reads_nothing, slow = Client("/long/"), Client("/long/")
    reads_nothing.reads.clear()

    def cut(client):
        ended.append(client)
        reads_nothing.reads.set()  # its connection is gone, and nobody asks it any more

    monkeypatch.setattr(doorway, "cut", cut)
    through(door, reads_nothing, slow)

    assert ended == [reads_nothing.client]
    assert len(reads_nothing.body) <= 2 * IN_MEMORY
    assert len(slow.body) == 2_000_000
    assert (door.kept, door.inside) == (0, 0)


def test_a_reader_that_takes_a_little_now_and_then_has_an_end_too(door, monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.2)
    monkeypatch.setattr(doorway, "SLOWEST", 10_000_000)
    monkeypatch.setattr(doorway, "cut", lambda _client: None)
    drips = Client("/long/")
    plain, pause = Client._read, Event()

    def drip(self, file):
        with Path(file).open("rb", buffering=0) as there:
            while piece := there.read(4096):
                self.body += piece
                pause.wait(0.02)  # at this pace all of it would take ten seconds

    monkeypatch.setattr(Client, "_read", drip)
    through(door, drips)
    assert 0 < len(drips.body) < 1_000_000
    monkeypatch.setattr(Client, "_read", plain)
    assert len(through(door, Client("/long/")).body) == 2_000_000


def test_an_answer_that_breaks_off_does_not_look_whole(door, monkeypatch):
    ended: list[str] = []
    monkeypatch.setattr(doorway, "cut", ended.append)
    broken = Client("/breaks-off/")
    with pytest.raises(ValueError, match="half"):
        through(door, broken)
    assert ended == [broken.client]
    assert (door.kept, door.inside) == (0, 0)


def test_a_process_keeps_only_so_much_of_long_answers(door, monkeypatch):
    monkeypatch.setattr(doorway, "MOST_KEPT", 1_000_000)
    assert through(door, Client("/long-at-once/")).status == 503
    assert door.kept == 0
    monkeypatch.setattr(doorway, "MOST_KEPT", 2_000_000)
    assert len(through(door, Client("/long-at-once/")).body) == 2_000_000
    assert door.kept == 0


def test_a_process_sends_only_so_many_long_answers_at_once(door, monkeypatch):
    monkeypatch.setattr(doorway, "LONG", 2)
    first, second, third = (Client("/long/", method="GET") for _n in range(3))
    first.reads.clear()
    second.reads.clear()

    async def one_after_another():
        sending = [asyncio.create_task(door.__rsgi__(one, one)) for one in (first, second)]
        while door.long < 2:
            await asyncio.sleep(0)
        short = Client()
        await door.__rsgi__(third, third)
        await door.__rsgi__(short, short)
        first.reads.set()
        second.reads.set()
        await asyncio.gather(*sending, first.read, second.read)
        return short

    short = asyncio.run(one_after_another())
    assert (third.status, short.status) == (503, 200)
    assert len(first.body) == len(second.body) == 2_000_000
    assert (door.long, door.kept, door.inside) == (0, 0, 0)
    assert len(through(door, Client("/long/")).body) == 2_000_000


def test_whoever_leaves_during_a_long_answer_leaves_its_place_to_others(door):
    left = Client("/long/", leaves=True)
    through(door, left)
    assert (left.sent, left.body) == (0, b"")
    assert door.inside == 0


def test_an_application_is_told_who_asks_without_port_and_brackets(door):
    assert through(door, Client("/who/")).body == b"2001:db8::7127.0.0.1"


def test_a_header_with_an_underscore_does_not_pass_for_the_true_one(door):
    headers = [("x-true", "a"), ("x_true", "b"), ("cookie", "a=1"), ("cookie", "b=2")]
    assert through(door, Client(headers=headers)).body == b"a|a=1;b=2|0"


def test_whoever_leaves_before_the_end_of_the_body_starts_nothing(door):
    length = [("content-length", "10")]
    assert through(door, Client(pieces=[b"abc"], headers=length)).status == 0
    assert through(door, Client(pieces=[b"abc" * 3, b"d"], headers=length)).status == 200


def test_a_body_of_no_known_length_is_refused_because_its_end_might_be_missing(door):
    sent = through(door, Client(headers=[("transfer-encoding", "chunked")]))
    assert sent.status == 411
    assert b"Content-Length" in sent.body


def test_a_body_that_never_ends_is_given_up_and_one_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.05)
    slow = Client(pieces=[])  # it has connected, and brings nothing
    assert through(Doorway(application, largest=10), slow).status == 408
    assert through(Doorway(application, largest=10), Client(pieces=[b"a" * 11])).status == 413
    assert through(Doorway(application, largest=10), Client(pieces=[b"a" * 10])).status == 200


def test_what_came_at_once_buys_no_time_to_be_silent_in(monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.05)
    door = Doorway(application, largest=1_000_000)
    length = [("content-length", "1000000")]

    # At two thousand bytes a second these would have bought more than four minutes.
    assert through(door, Client("/", [b"a" * 500_000], length, silent=True)).status == 408
    assert door.held == 0


def test_a_process_keeps_only_so_many_bodies_at_once(monkeypatch):
    monkeypatch.setattr(doorway, "PATIENCE", 0.2)
    monkeypatch.setattr(doorway, "MOST_HELD", 250_000)
    door = Doorway(application, largest=1_000_000)
    length = [("content-length", "1000000")]
    held = [Client("/", [b"a" * 100_000], length, silent=True) for _n in range(3)]
    through(door, *held)

    assert sorted(one.status for one in held) == [408, 408, 503]
    assert door.held == 0
    assert through(door, Client("/", [b"a" * 200_000])).status == 200
    assert door.held == 0


def test_an_application_that_fails_leaves_its_place_to_others(door):
    with pytest.raises(ValueError, match="broken"):
        through(door, Client("/broken/"))
    assert door.inside == 0
    assert through(door, Client()).status == 200


@pytest.mark.parametrize(
    ("path", "kind"), [("/tasks/", "text/html"), ("/api/v1/tasks/", "application/problem+json")]
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
        asked = [asyncio.create_task(door.__rsgi__(c, c)) for c in inside]
        await asyncio.sleep(0)  # let each take its place
        while door.inside < THREADS + WAITING:
            await asyncio.sleep(0)
        await door.__rsgi__(beyond, beyond)
        await door.__rsgi__(health, health)
        gate.set()
        await asyncio.gather(*asked)

    asyncio.run(many())
    assert (beyond.status, beyond.told["retry-after"]) == (503, "2")
    assert beyond.told["content-type"].startswith(kind)
    assert {name.lower(): value for name, value in beyond.told.items()}[
        "x-content-type-options"
    ] == "nosniff"
    assert health.status == 200
    assert {one.status for one in inside} == {200}
    assert door.inside == 0


def test_a_flood_of_questions_after_health_is_sent_away_and_work_goes_on():
    gate = Event()

    def waits(environ, start_response):
        if environ["PATH_INFO"] == "/alive/":
            assert gate.wait(20)
        start_response("200 OK", [])
        return [b"done"]

    door = Doorway(waits, largest=10)
    asking, beyond, work = (
        [Client("/alive/") for _one in range(MONITORS)],
        Client("/alive/"),
        Client(),
    )

    async def many():
        asked = [asyncio.create_task(door.__rsgi__(c, c)) for c in asking]
        while door.healths < MONITORS:
            await asyncio.sleep(0)
        await door.__rsgi__(beyond, beyond)
        await door.__rsgi__(work, work)
        gate.set()
        await asyncio.gather(*asked)

    asyncio.run(many())
    assert (beyond.status, work.status) == (503, 200)
    assert {one.status for one in asking} == {200}
    assert door.healths == 0


def test_what_starts_a_thread_is_started_in_each_process_and_not_before():
    begun: list[str] = []
    door = Doorway(application, largest=10, begin=lambda: begun.append("traces"))
    assert begun == []

    door.__rsgi_init__(asyncio.new_event_loop())

    assert begun == ["traces"]
