"""Who acts, in which request and at what moment: what the database's triggers write down.

The triggers (``triggers.py``) ask this of the connection. SQLite calls functions registered on each
connection of ours; a foreign connection lacks them and cannot write (decision 0014). PostgreSQL
reads a setting local to the transaction, which goes out in front of each writing statement, in the
same message: no statement more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.functional import empty

from fangkong.core import clock
from fangkong.core.in_front import setting, with_setting
from fangkong.core.origin import client_address, parsed
from fangkong.core.request_id import request_id

if TYPE_CHECKING:
    from django.http import HttpRequest

SETTING = "fangkong.facts"
# At the start, or behind another statement of the same message (core.messages).
_WRITES = re.compile(
    r"(?:\A|;)\s*(?:INSERT|UPDATE|DELETE|MERGE|WITH|TRUNCATE|EXECUTE)\b", re.IGNORECASE
)
_ODD = re.compile(r"[^A-Za-z0-9:._-]")


@dataclass(frozen=True)
class _Facts:
    by_id: int | None = None
    at: datetime | None = None
    request: HttpRequest | None = None


_NOBODY = _Facts()
_facts: ContextVar[_Facts] = ContextVar("audit_facts", default=_NOBODY)


@contextmanager
def acting(
    *, by_id: int | None = None, at: datetime | None = None, request: HttpRequest | None = None
) -> Iterator[None]:
    """Whatever is written within is done by this user (or the user of this request), at ``at``."""
    token = _facts.set(_Facts(by_id, at, request))
    try:
        yield
    finally:
        _facts.reset(token)


def by_id() -> int | None:
    """Who acts, as far as it is known by now; asks no database."""
    facts = _facts.get()
    if facts.request is None:
        return facts.by_id
    # A user nobody has asked for yet stays unasked: this runs in the middle of a statement.
    user = facts.request.__dict__.get("user")
    user = getattr(user, "_wrapped", user)
    return None if user is None or user is empty else cast("int | None", user.pk)


def ip() -> str:
    """The address that the request at hand comes from; "" for a job or a command."""
    request = _facts.get().request
    if request is None:
        return ""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    found = parsed(
        client_address(request.META.get("REMOTE_ADDR", ""), forwarded, settings.FANGKONG_PROXIES)
    )
    return "" if found is None else str(found)


def token_id() -> int | None:
    """The token by which a program acts for its user."""
    token = getattr(_facts.get().request, "fk_token", None)
    return None if token is None else cast(int, token.pk)


def moment() -> datetime:
    """The moment of the request or job at hand, or the present one."""
    return (_facts.get().at or clock.now()).astimezone(UTC)


def lend(connection: Any) -> None:
    """Let a connection of Python's ``sqlite3`` write to our tables: it tells the triggers who."""
    connection.create_function("fangkong_by", 0, by_id)
    connection.create_function("fangkong_request", 0, request_id.get)
    connection.create_function("fangkong_at", 0, _moment_for_sqlite)


def _moment_for_sqlite() -> str:
    return _in_text(_facts.get().at or clock.now())


@lru_cache(maxsize=64)  # asked for by every row that is written
def _in_text(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def stamp() -> str:
    """Who acts, as the setting tells PostgreSQL until the transaction ends."""
    who = by_id()
    # No sign in it can end the text, and none is a placeholder.
    asked = _ODD.sub("", request_id.get())
    return f"{'' if who is None else who}|{moment().isoformat()}|{asked}"


def _stamp(
    execute: Callable[..., Any], sql: object, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Put the facts in front of each writing statement (Django's ``execute_wrapper``)."""
    if not isinstance(sql, str) or not _WRITES.search(sql):
        return execute(sql, params, many, context)
    if many:  # each of its statements would need them: once for the whole transaction instead
        context["cursor"].cursor.execute(setting(SETTING, stamp()))
        return execute(sql, params, many, context)
    answer = execute(*with_setting(SETTING, stamp(), sql, params), many, context)
    context["cursor"].cursor.nextset()  # past the answer to SET
    return answer


def _connected(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if connection.vendor == "sqlite":
        lend(connection.connection)
    elif _stamp not in connection.execute_wrappers:
        # In front: those added for a while are taken off at the end.
        connection.execute_wrappers.insert(0, _stamp)


def listen() -> None:
    """Prepare every connection that is opened from now on."""
    connection_created.connect(_connected, dispatch_uid="fangkong.audit")
