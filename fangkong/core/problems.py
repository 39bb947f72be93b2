"""How machines are told what went wrong: problem documents (RFC 9457), the same everywhere."""

from __future__ import annotations

import errno
import json

from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fangkong.packs.types import NoPackInForce

MEDIA_TYPE = "application/problem+json"
# Answers that tell their errors in another protocol's own way (an OperationOutcome).
OWN_WAYS = (MEDIA_TYPE, "application/fhir+json")

# A day that no calendar or no rule knows, or signs that no database takes.
UNREADABLE = (OverflowError, UnicodeEncodeError, DataError, NoPackInForce)
# The database is locked for too long, or gave up a statement that took too long.
BUSY = OperationalError


def problem(
    status: int, title: str, detail: str, *, retry_after: int | None = None, **more: object
) -> HttpResponse:
    """The answer of a refusal: its name as ``title``, and in ``detail`` what to do."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    response = HttpResponse(
        json.dumps(body, ensure_ascii=False, default=str), status=status, content_type=MEDIA_TYPE
    )
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Fangkong"'
    return response


def for_machines(request: HttpRequest) -> bool:
    """Whether a request came through the machines' door."""
    return request.path_info.startswith("/api/")


def told_to_machines(response: HttpResponse) -> HttpResponse:
    """An error that Django answered with a page, as the problem that machines read."""
    if response.status_code < 400 or response["Content-Type"].startswith(OWN_WAYS):
        return response
    told = _plain(response.status_code)
    for name in ("Allow", "Retry-After"):
        if response.has_header(name):
            told[name] = response[name]
    return told


def _plain(status: int) -> HttpResponse:
    if status == 404:
        return problem(404, "NotFound", _("There is no such address. The schema lists them all."))
    if status == 405:
        return problem(405, "MethodNotAllowed", _("This address does not take this method."))
    if status == 403:
        return problem(403, "Forbidden", _("Your roles do not allow this."))
    if status in (503, 507):
        return busy()
    if status >= 500:
        text = _("Something went wrong here. Try again with the same key; nothing is done twice.")
        return problem(status, "ServerError", text)
    return problem(status, "Unreadable", _("The request cannot be read. Compare the schema."))


def broken() -> HttpResponse:
    """For what nothing else answered."""
    return _plain(500)


def unreadable() -> HttpResponse:
    """For values that can be read but not kept."""
    text = _("A day or a sign in the request lies beyond what can be kept.")
    return problem(400, "Unreadable", text)


def out_of_service(fact: BaseException | None) -> int:
    """507 where the disk is full, 503 where the database does not answer, else 500."""
    text = str(fact)
    if isinstance(fact, OSError) and fact.errno in (errno.ENOSPC, errno.EDQUOT):
        return 507
    if isinstance(fact, OperationalError):
        full = "is full" in text or "No space left" in text or "could not extend file" in text
        return 507 if full else 503
    return 500


def busy(fact: BaseException | None = None) -> HttpResponse:
    """For a database that did not answer in time, or that has no space left to write."""
    if out_of_service(fact) == 507:
        text = _(
            "The disk of the server is full: nothing can be saved, and no person be shown, for who "
            "sees one is noted. Counts go on. Tell the administrator."
        )
        return problem(507, "DiskFull", text, retry_after=60)
    text = _("The database is busy. Try again in a moment with the same key.")
    return problem(503, "Busy", text, retry_after=2)


def too_many(wait: int) -> HttpResponse:
    """For somebody who asks too often."""
    return problem(429, "TooMany", _("Too many requests. Wait a little."), retry_after=wait)


def plain_page(status: int, **words: str) -> HttpResponse:
    """A page in both languages that needs no database, no session, no template and no script."""
    return HttpResponse(plain_text(status, **words), status=status)


def plain_text(status: int, *, zh_title: str, title: str, zh: str, text: str) -> str:
    """Such a page as text, for a door that answers before Django does."""
    return _PAGE.format(status=status, zh_title=zh_title, title=title, zh=zh, text=text)


_PAGE = """<!doctype html>
<html lang="zh-Hans">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{status} {zh_title} · {title}</title>
<link rel="stylesheet" href="/static/web/dist/plain.css"></head>
<body><main>
<p class="code">{status}</p>
<section><h1>{zh_title}</h1><p>{zh}</p></section>
<section lang="en"><h2>{title}</h2><p>{text}</p></section>
<p><a href="/">首页 <span lang="en">Home</span></a></p>
</main></body></html>"""
