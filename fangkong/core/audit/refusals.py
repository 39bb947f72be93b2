"""What was tried and not let through leaves a line too: the page, the record's id, who and whence.

Not what was sent, and not what the record is: to the asker a foreign record is none. A flood fills
no disk: beyond ``PER_USER`` an hour, or ``OF_ALL``, the last line says that more are not written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Write:
    """A call that is still to be made; equal to another that would write the same."""

    call: Callable[..., object]
    said: tuple[object, ...]
    how: dict[str, object]

    def __call__(self) -> None:
        self.call(*self.said, **self.how)


_waiting: ContextVar[list[_Write] | None] = ContextVar("what_stands", default=None)


def stands(write: Callable[..., object], *said: object, **how: object) -> None:
    """Write a line or a sight that stands although the action that leaves it is rolled back.

    When the request is over, and once, however often the action was tried; at once where there is
    no request, as in an import, whose refused rows do not undo the others, and which undoes what
    it writes of a chunk before it does the chunk again.
    """
    one, waiting = _Write(write, said, how), _waiting.get()
    if waiting is None:
        one()
    elif one not in waiting:
        waiting.append(one)


@contextmanager
def standing() -> Iterator[None]:
    """Around a request, outside all transactions: what ``stands`` was given is written at the end.

    Also where the request broke, and each although another could not be written. What kept the
    first from it goes up: nothing is told without its line.
    """
    waiting: list[_Write] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
        _write_all(waiting)


def _write_all(waiting: list[_Write]) -> None:
    failed: list[Exception] = []
    for write in waiting:
        try:
            write()
        except Exception as problem:  # whatever it is, the others are written
            failed.append(problem)
    if failed:
        raise failed[0]


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
