"""Those who work while things break: clients that send report cards and insist on an answer."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

CASES = "/api/v1/surveillance/monitoring/cases/"
GIVE_UP = 120.0  # seconds after which a client calls a card lost
# What a machine that others share may take for a start or some answers; nothing is measured by it.
PATIENCE = 240.0
GONE = (OSError, http.client.HTTPException)
NAMES = "扎西卓玛次仁央金平措德吉旺堆曲珍洛桑拉姆"


def until(
    holds: Callable[[], object],
    seconds: float,
    what: object,
    process: subprocess.Popen[bytes] | None = None,
) -> float:
    """Ask until it holds; the seconds that it took. Fails after them, or where its process ends."""
    begin = monotonic()
    pause = Event()
    while not holds():
        dead = process is not None and process.poll() is not None
        if dead or monotonic() - begin > seconds:
            told = what() if callable(what) else what
            raise AssertionError(f"waited {monotonic() - begin:.1f} s for {told}")
        pause.wait(0.02)
    return monotonic() - begin


def ask(
    port: int,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
    timeout: float = 15,
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        sent = None if body is None else json.dumps(body).encode()
        kind = {} if sent is None else {"Content-Type": "application/json"}
        link.request(method, path, sent, {**kind, **(headers or {})})
        answer = link.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        link.close()


def ready(port: int) -> bool:
    try:
        return ask(port, "GET", "/alive/", timeout=2)[0] == 200
    except GONE:
        return False


@dataclass
class Told:
    """What the clients were told."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # mark of the card: id of the case
    refused: dict[int, int] = field(default_factory=dict)  # status: how often
    unanswered: int = 0  # tries whose answer was lost on the way
    repeated: int = 0  # answers that were those of an earlier try
    given_up: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # answers that no client should get
    gaps: list[float] = field(default_factory=list)  # seconds from a failed try to a good answer
    clients: list[Client] = field(default_factory=list)


class Client(Thread):
    """Sends one card after the other; a card without an answer is sent again with its key."""

    def __init__(
        self,
        number: int,
        port: int,
        token: str,
        facility: str,
        told: Told,
        *,
        dice: random.Random,
        keeps_key: bool = True,
        lock: Lock,
        pace: float = 0.0,
        loses: float = 0.0,
    ) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.number, self.port, self.token, self.facility = number, port, token, facility
        self.told, self.dice, self.keeps_key, self.lock = told, dice, keeps_key, lock
        self.pace, self.loses = pace, loses
        self.over, self.rest = Event(), Event()
        self.link: http.client.HTTPConnection | None = None

    def run(self) -> None:
        count = 0
        while not self.over.is_set():
            count += 1
            self._report(f"{self.number}-{count}")
            if self.pace:
                self.over.wait(self.pace)

    def _report(self, mark: str) -> None:
        body, key = card(mark, self.facility, self.dice), str(uuid.uuid4())
        begin = monotonic()
        failed_at = 0.0
        while monotonic() - begin < GIVE_UP:
            try:
                status, headers, text = self._send(body, key)
            except GONE:
                self._drop()
                with self.lock:
                    self.told.unanswered += 1
                status, headers, text = 0, {}, b""
            if status in (200, 201):
                with self.lock:
                    self.told.acknowledged[mark] = json.loads(text)["id"]
                    self.told.repeated += headers.get("idempotency-replayed") == "true"
                    if failed_at:
                        self.told.gaps.append(monotonic() - failed_at)
                return
            if status:
                with self.lock:
                    self.told.refused[status] = self.told.refused.get(status, 0) + 1
                    if status not in (409, 503, 507) or "retry-after" not in headers:
                        self.told.wrong.append(f"{status} {text[:300]!r}")
                        return
            failed_at = failed_at or monotonic()
            if not self.keeps_key:
                key = str(uuid.uuid4())
            self.rest.wait(0.1)  # also after the end: the last card is asked for until it is known
        with self.lock:
            self.told.given_up.append(mark)

    def _send(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
        if self.link is None:
            self.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        self.link.request("POST", CASES, json.dumps(body).encode(), headers)
        if self.dice.random() < self.loses:
            # The work is done, and the network goes with its answer.
            self.link.sock.recv(1)
            raise ConnectionResetError
        answer = self.link.getresponse()
        text = answer.read()
        if answer.will_close:
            self._drop()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, text

    def _drop(self) -> None:
        if self.link is not None:
            self.link.close()
        self.link = None


def card(mark: str, facility: str, dice: random.Random) -> dict[str, Any]:
    """A card that only its key protects from being reported twice; ``mark`` is in its remark.

    "Ill once more" is said of everybody, or the house would know a second card by the person.
    """
    name = "".join(dice.choices(NAMES, k=4))
    born = f"{dice.randrange(1930, 2000)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
    return {
        "patient": {
            "name": name,
            "birth_date": born,
            "address": "道孚县鲜水镇",
            "occupation": "herder",
        },
        "case": {
            "condition": "covid-19",
            "case_class": "confirmed",
            "diagnosed_at": f"2020-02-04T{dice.randrange(24):02}:{dice.randrange(60):02}:00+08:00",
            "onset_date": "2020-02-01",
            "relation": "same-county",
            "doctor": "王医生",
            "remark": mark,
        },
        "facility": facility,
        "new_illness": True,
    }


@contextmanager
def sending(
    port: int,
    token: str,
    facility: str,
    *,
    clients: int,
    dice: random.Random,
    keeps_key: bool = True,
    pace: float = 0.0,
    loses: float = 0.0,
) -> Iterator[Told]:
    """Clients at work; at the end each has its last answer. ``loses`` of the answers get lost."""
    told, lock = Told(), Lock()
    people = [
        Client(
            number,
            port,
            token,
            facility,
            told,
            dice=random.Random(dice.random()),
            keeps_key=keeps_key,
            lock=lock,
            pace=pace,
            loses=loses,
        )
        for number in range(clients)
    ]
    told.clients.extend(people)
    for one in people:
        one.start()
    try:
        yield told
    finally:
        for one in people:
            one.over.set()
        for one in people:
            one.join(GIVE_UP + 20)
