"""Another system that listens on this machine, and those who set it up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fangkong.accounts.tests import factories
from fangkong.accounts.tests.factories import AT
from fangkong.core.roles import Role
from fangkong.core.webhooks import actions
from fangkong.core.webhooks.models import Receiver
from fangkong.core.webhooks.types import declare_event
from fangkong.places.tests.factories import world

HAPPENED = declare_event("core.webhooks.tested", "Tested")


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
