"""What was tried and not let through leaves a line too: the page, the record's id, who and whence.

Not what was sent, and not what the record is: to the asker a foreign record is none. A flood fills
no disk: beyond ``PER_USER`` an hour, or ``OF_ALL``, the last line says that more are not written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast
from uuid import UUID

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from . import actions

log = logging.getLogger(__name__)

HOUR = 60 * 60
PER_USER = 30
OF_ALL = 1000


Write = Callable[[], object]
_waiting: ContextVar[list[Write] | None] = ContextVar("what_stands", default=None)


def stands(write: Write) -> None:
    """Write a line or a sight that stands although the action that leaves it is rolled back.

    When the request is over; at once where there is none, as in an import, whose refused rows do
    not undo the others.
    """
    waiting = _waiting.get()
    if waiting is None:
        write()
    else:
        waiting.append(write)


@contextmanager
def standing() -> Iterator[None]:
    """Around a request, outside all transactions: what ``stands`` was given is written at the end.

    Also where the request broke. The database's refusal goes up: nothing is told without its line.
    """
    waiting: list[Write] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
        for write in waiting:
            write()


def note(request: HttpRequest, response: HttpResponseBase) -> None:
    """Leave the line of an answer that refused a signed-in user; nothing for any other."""
    match = request.resolver_match
    if match is None or response.status_code not in (403, 404):
        return
    asked = _record_id(match.kwargs)
    if (response.status_code == 404 and asked is None) or not request.user.is_authenticated:
        return  # an address without a record that is not there was mistyped
    by: Any = request.user
    of_user, of_all = _counted(f"refused:{by.pk}"), _counted("refused")
    if of_user > PER_USER or of_all > OF_ALL:
        return
    detail: dict[str, object] = {
        "page": _page(match)[:100],
        "status": response.status_code,
    }
    if of_user == PER_USER or of_all == OF_ALL:
        detail["more"] = "not written within this hour"
    try:
        actions.refused(asked, by=by, at=cast(Any, request).now, detail=detail)
    except DatabaseError as problem:  # the answer stands without it, as on a full disk
        log.error("refusal not noted", extra={"error": type(problem).__name__})


def _page(match: ResolverMatch) -> str:
    """The page's name; of the machines' door, where names repeat, the form of the address."""
    return match.route if match.route.startswith("api/") else match.view_name.replace(":", ".")


def _record_id(kwargs: dict[str, Any]) -> UUID | None:
    """The public id in the address; the last, where a record belongs to another."""
    found = None
    for value in kwargs.values():
        try:
            found = UUID(str(value))  # the machines' door has it as text
        except ValueError:
            continue
    return found


def _counted(name: str) -> int:
    """How many there were within the hour; too many where nothing can be counted."""
    cache.add(name, 0, HOUR)
    try:
        return cache.incr(name)
    except ValueError:
        return OF_ALL + 1
