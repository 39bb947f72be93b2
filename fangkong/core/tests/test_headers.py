"""The exact headers of every kind of answer (security.md 2.3)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from fangkong.core import headers

# A policy by directive, as docs/decisions and security.md 2.3 have it.
PAGE = {
    "default-src": "'none'",
    "script-src": "'nonce-R'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "htmx default",
    "report-uri": "/core/violations/",
    "report-to": "csp",
}


def policy(answer: Any) -> dict[str, str]:
    text = re.sub(r"'nonce-[^']{16,}'", "'nonce-R'", answer["Content-Security-Policy"])
    parts = [part.strip().partition(" ") for part in text.split(";") if part.strip()]
    return {name: value for name, _, value in parts}


@pytest.fixture
def staff(client, db):
    from fangkong.accounts.tests import factories

    client.force_login(factories.user())
    return client


KINDS = {
    "page": "/",
    "sign-in": "/accounts/login/",
    "piece": "/accounts/roles/",
    "api": "/api/v1/tasks/",
    "api without such an address": "/api/v1/none/",
    "forbidden": "/trail/",
    "missing": "/no/such/page/",
    "unreadable": "/tasks/?x=%00",
    "redirect": "/accounts/logout",
    "alive": "/alive/",
    "script": "/static/web/dist/manifest.json",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_carries_the_headers(staff, kind):
    answer = staff.get(KINDS[kind], headers={"HX-Request": "true"} if kind == "piece" else {})

    expected = {**headers.ALWAYS, "Content-Security-Policy": answer["Content-Security-Policy"]}
    assert {name: answer[name] for name in headers.ALWAYS} == expected
    found = policy(answer)
    assert found["default-src"] == "'none'" and found["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(found) and "strict-dynamic" not in str(found)


# Every answer, letter by letter: what stands in the code is not what these are compared with.
EXACT = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), browsing-topics=(), camera=(), "
    "display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), serial=(), usb=(), publickey-credentials-create=(self), "
    "publickey-credentials-get=(self)",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
RUNS_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
OF_PAGES = (
    "default-src 'none'; script-src 'nonce-R'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx default; "
    "report-uri /core/violations/; report-to csp"
)
# Whatever draws no page of ours asks for no nonce: an empty list lets no script run at all.
NO_SCRIPT = OF_PAGES.replace("script-src 'nonce-R'", "script-src")
ANSWERS = {
    "page": ("/", 200, OF_PAGES),
    "sign-in": ("/accounts/login/", 302, NO_SCRIPT),
    "api": ("/api/v1/tasks/", 200, NO_SCRIPT),
    "api refused": ("/api/v1/people/", 403, NO_SCRIPT),
    "api without such an address": ("/api/v1/none/", 404, NO_SCRIPT),
    "list as a file": ("/places/facilities/?export=csv", 200, NO_SCRIPT),
    "static file": ("/static/web/dist/manifest.json", 200, RUNS_NOTHING),
    "forbidden": ("/trail/", 403, OF_PAGES),
    "missing": ("/no/such/page/", 404, OF_PAGES),
    "unreadable": ("/tasks/?x=%00", 400, OF_PAGES),
    "number in the address": ("/people/13800001111/", 400, OF_PAGES),
}


def literally(answer: Any) -> dict[str, str]:
    """All headers that protect, the directives of the policy in the order of the written one."""
    found = policy(answer)
    order = [name for name in PAGE if name in found] + [name for name in found if name not in PAGE]
    text = "; ".join(f"{name} {found[name]}".strip() for name in order)
    return {**{name: answer.get(name, "") for name in EXACT}, "Content-Security-Policy": text}


@pytest.fixture
def served(db, settings):
    """Over TLS, as a real installation is."""
    from fangkong.accounts.tests import factories
    from fangkong.core.roles import Role
    from fangkong.places.tests.factories import world

    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    client = Client(raise_request_exception=False)
    client.force_login(factories.staff(Role.EDITOR, area=world()["513300"]))
    return client


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_headers_are_literally_these(served, kind):
    path, status, written = ANSWERS[kind]

    answer = served.get(path, secure=True)

    assert answer.status_code == status
    assert literally(answer) == {**EXACT, "Content-Security-Policy": written}


def test_the_headers_of_an_error_of_ours_are_literally_these(served, monkeypatch):
    monkeypatch.setattr("fangkong.core.clock.now", lambda: 1 / 0)

    answer = served.get("/", secure=True)

    assert answer.status_code == 500
    assert literally(answer) == {**EXACT, "Content-Security-Policy": NO_SCRIPT}


def test_a_page_has_exactly_the_written_policy(staff):
    answer = staff.get("/")

    assert policy(answer) == PAGE
    assert answer["Reporting-Endpoints"] == 'csp="/core/violations/"'
    first, second = (staff.get("/")["Content-Security-Policy"] for _ in range(2))
    assert first != second  # a nonce is used once


def test_an_error_of_ours_carries_them_too(staff, settings, monkeypatch):
    monkeypatch.setattr("fangkong.core.clock.now", lambda: 1 / 0)
    staff.raise_request_exception = False

    answer = staff.get("/")

    assert answer.status_code == 500
    assert answer["Content-Security-Policy"] and answer["Permissions-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]


def test_static_files_run_nothing_by_themselves(client):
    from fangkong.web.templatetags.web import DIST

    script = next(DIST.glob("**/*.js")).relative_to(DIST)
    answer = client.get(f"/static/web/dist/{script.as_posix()}")

    assert answer.status_code == 200
    assert answer["Content-Security-Policy"] == headers.NOTHING
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def report(directive: str = "script-src-elem", **more: Any) -> list[dict[str, Any]]:
    body = {
        "effectiveDirective": directive,
        "blockedURL": "https://evil.example/?name=zhaxi",
        "documentURL": "http://localhost/people/01908a3e-5b1c-7c3e-9d2f-3f6f2b7f8c11/?q=zhaxi",
        "sample": "alert('zhaxi')",
        **more,
    }
    return [{"type": "csp-violation", "body": body}]


def sent(client: Client, body: Any) -> int:
    address = reverse("core:violations:index")
    return client.post(address, body, content_type="application/reports+json").status_code


def test_a_report_leaves_a_line_without_addresses_or_texts(db, caplog):
    assert sent(Client(enforce_csrf_checks=True), report()) == 204

    [line] = [one for one in caplog.records if one.message == "policy breached"]
    assert (line.directive, line.blocked, line.page) == (
        "script-src-elem", "https", "people:detail",
    )  # fmt: skip
    assert "zhaxi" not in str(line.__dict__) and "01908a3e" not in str(line.__dict__)


def test_the_older_format_is_read_as_well(client, db, caplog):
    old = {"csp-report": {"violated-directive": "img-src", "blocked-uri": "inline"}}
    assert sent(client, old) == 204
    assert [one.blocked for one in caplog.records if one.message == "policy breached"] == ["inline"]


def test_a_flood_of_reports_writes_a_bounded_number_of_lines(client, db, caplog, monkeypatch):
    from django.core.cache import cache

    cache.clear()
    for _ in range(30):
        assert sent(client, report() * 20) == 204
    assert len([one for one in caplog.records if one.message == "policy breached"]) == 60
    cache.clear()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[[[", b"[1, null]", b'{"csp-report": 3}', b"\xff" * 10, b"[" * 5000]
)
def test_nonsense_is_taken_and_forgotten(client, db, caplog, body):
    answer = client.post(
        reverse("core:violations:index"), body, content_type="application/reports+json"
    )
    assert answer.status_code == 204
    assert not [one for one in caplog.records if one.message == "policy breached"]


def test_a_large_report_is_not_read(client, db):
    assert sent(client, report(sample="x" * 70_000)) == 413
