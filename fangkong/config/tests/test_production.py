"""``fangkong serve``: several processes behind a proxy, careful about what it believes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.journeys.server import command, free_port, wait_until_ready
from tools import migrated as kept

WORKERS = 2


def environment(data: Path, **more: str) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items()
           if not k.startswith(("FANGKONG_", "DATABASE_URL", "REDIS_URL"))}  # fmt: skip
    return {**own, "FANGKONG_DATA": str(data), "PYTHONUNBUFFERED": "1", **more}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory, django_db_setup) -> Path:
    """A database that is up to date and has one account."""
    data = tmp_path_factory.mktemp("serve") / "data"
    data.mkdir(0o700)
    kept.take(kept.template(), data / "fangkong.sqlite3")  # where there is none, it is made
    for words, typed in (["migrate"], ""), (["places"], ""), (
        ["admin", "zhou", "--name", "周宁"], "Zx8-wolke-brunnen\n",
    ):  # fmt: skip
        subprocess.run(command(*words), env=environment(data), input=typed, text=True, check=True,
                       capture_output=True)  # fmt: skip
    return data


@contextmanager
def serving(data: Path, **more: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    log = data / "serve.log"
    with log.open("wb") as sink:
        server = subprocess.Popen(
            command("serve", "--port", str(port), "--workers", str(WORKERS)),
            env=environment(data, **more), stdout=sink, stderr=sink,
        )  # fmt: skip
        try:
            wait_until_ready(f"http://localhost:{port}", server, log)
            yield port, server
        finally:
            if server.poll() is None:
                server.terminate()
                server.wait(30)


@pytest.fixture(scope="module")
def port(migrated) -> Iterator[int]:
    with serving(migrated) as (port, _server):
        yield port


def ask(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    line = HTTPConnection("localhost", port, timeout=20)
    line.request("GET", path, headers={n.replace("_", "-"): v for n, v in headers.items()})
    answer = line.getresponse()
    found = (answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
    line.close()
    return found


def test_pages_api_files_and_health_are_served(port):
    status, headers, body = ask(port, "/accounts/login/")
    assert status == 200 and b"id_password" in body
    assert "script-src 'nonce-" in headers["content-security-policy"]
    assert "granian" not in str(headers).casefold()
    style = body.decode().split('rel="stylesheet" href="', 1)[1].split('"', 1)[0]
    status, headers, _body = ask(port, style)
    assert status == 200 and "immutable" in headers["cache-control"]
    assert ask(port, "/api/v1/places/areas/")[0] == 401
    assert ask(port, "/api/v1/places/areas/")[1]["content-type"] == "application/problem+json"
    assert ask(port, "/healthz")[0] == 200
    assert ask(port, "/metrics")[0] in (401, 403, 404)
    assert ask(port, "/setup/")[0] == 404


def raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("localhost", port), 20) as line:
        line.sendall(sent)
        line.settimeout(20)
        try:
            return line.recv(200)
        except ConnectionError:
            return b""


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(port):
    head = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n\r\n"

    assert b" 413 " in raw(port, head)


def test_headers_without_end_are_refused(port):
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 2_000_000 + b"\r\n\r\n"

    said = raw(port, head)
    assert said == b"" or said.split(b" ", 2)[1] in (b"400", b"431")
    assert ask(port, "/healthz")[0] == 200  # and the others go on


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", ""])
def test_another_host_name_is_not_answered(port, host):
    assert ask(port, "/accounts/login/", Host=host)[0] == 400


def test_a_claimed_host_or_scheme_of_a_stranger_changes_nothing(port):
    status, headers, body = ask(
        port, "/tasks/", X_Forwarded_Host="evil.example", X_Forwarded_Proto="https",
        X_Original_URL="/metrics",
    )  # fmt: skip

    assert status == 302 and "evil" not in headers["location"] + body.decode()


def guess(port: int, forwarded: str) -> None:
    """A wrong password from behind ``forwarded``."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    address = f"http://localhost:{port}/accounts/login/"
    page = browser.open(address, timeout=20).read().decode()
    token = page.split('name="csrfmiddlewaretoken" value="', 1)[1].split('"', 1)[0]
    sent = {"login": "nobody", "password": "guess", "csrfmiddlewaretoken": token}
    asked = urllib.request.Request(address, urlencode(sent).encode(),
                                   {"X-Forwarded-For": forwarded})  # fmt: skip
    browser.open(asked, timeout=20).read()


def networks(data: Path) -> list[str]:
    with sqlite3.connect(data / "fangkong.sqlite3") as database:
        return [
            row[0] for row in database.execute("SELECT network FROM accounts_signin ORDER BY id")
        ]


def test_the_address_of_a_browser_is_believed_from_the_own_proxy_only(migrated, tmp_path):
    data = shutil.copytree(migrated, tmp_path / "data")
    with serving(data) as (port, _server):
        guess(port, "203.0.113.9")
    assert networks(data)[-1] in ("127.0.0.0/24", "::/48")
    with serving(data, FANGKONG_PROXIES="127.0.0.1,::1") as (port, _server):
        guess(port, "198.51.100.7, 203.0.113.9")  # the last hop is what our proxy saw
    assert networks(data)[-1] == "203.0.113.0/24"


def test_a_request_that_has_begun_is_answered_when_it_is_told_to_stop(migrated, tmp_path):
    data = shutil.copytree(migrated, tmp_path / "data")
    body = b"x" * 1000
    with serving(data) as (port, server), socket.create_connection(("localhost", port), 20) as line:
        line.settimeout(25)
        line.sendall(
            b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
            + body[:10]
        )
        ask(port, "/healthz")  # by now it has been taken in
        server.send_signal(signal.SIGTERM)
        line.sendall(body[10:])
        assert line.recv(12) == b"HTTP/1.1 403"  # no CSRF token: answered, not cut off
        assert server.wait(30) == 0


@pytest.mark.parametrize(
    ("more", "host", "said"),
    [
        ({"FANGKONG_DEBUG": "1"}, "127.0.0.1", "FANGKONG_DEBUG"),
        ({}, "0.0.0.0", "FANGKONG_HTTPS"),  # refused
    ],
)
def test_careless_settings_are_refused_in_one_line(migrated, more, host, said):
    ended = subprocess.run(
        command("serve", "--host", host, "--port", str(free_port())),
        env=environment(migrated, **more), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 2
    assert said in ended.stderr and len(ended.stderr.splitlines()) == 1


@pytest.mark.django_db
def test_the_production_settings_pass_the_check_for_deployment(migrated):
    more = {"FANGKONG_HTTPS": "1", "FANGKONG_HOSTS": "fangkong.example",
            "FANGKONG_SECRET_KEY": "k" * 20 + "0123456789abcdefghijABCDEFGHIJ-_xyz"}  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING",
         "--settings", "fangkong.config.settings"],
        env=environment(migrated, **more), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout


# What takes much memory and is needed by few pages: loaded where it is used.
HEAVY = {"numpy", "scipy", "epistat", "xlsxwriter", "python_calamine", "PIL", "weasyprint"}
TOLD = """
import sys
import django
django.setup()
from fangkong.config import production
production.load_for_all()
from django.db import connections
opened = [one.alias for one in connections.all(initialized_only=True) if one.connection]
print(*(name for name in sys.modules if "." not in name), *opened)
print(*(name for name in sys.modules if name.endswith(".views") or name.endswith(".api")))
"""


def test_a_server_that_starts_loads_all_pages_and_nothing_heavy(migrated):
    told = subprocess.run(
        [sys.executable, "-c", TOLD], text=True, check=True, capture_output=True,
        env=environment(migrated, DJANGO_SETTINGS_MODULE="fangkong.config.settings"),
        cwd=Path(__file__).parents[3],
    ).stdout.splitlines()  # fmt: skip

    assert not HEAVY & set(told[0].split())
    assert "default" not in told[0].split()  # no connection that the processes would share
    assert {"fangkong.surveillance.monitoring.views", "fangkong.people.api"} <= set(told[1].split())


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells it")
def test_the_processes_of_one_server_share_most_of_what_they_hold(migrated, tmp_path):
    with serving(shutil.copytree(migrated, tmp_path / "data")) as (port, server):
        for _page in range(WORKERS * 5):
            assert ask(port, "/accounts/login/")[0] == 200
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        held = [memory_of(child) for child in children]

    assert len(held) == WORKERS
    assert all(own < shared / 2 for own, shared in held)


def memory_of(pid: str) -> tuple[int, int]:
    """What a process alone has written to, and what it shares with its like, in kB."""
    lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    told = {words[0]: int(words[1]) for words in lines if words[-1] == "kB"}
    return told["Private_Dirty:"], told["Shared_Dirty:"]
