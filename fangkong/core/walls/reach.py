"""Whose rows the statements of a request may see; told to PostgreSQL in front of each statement.

A request sees what its user's offices reach; a visitor sees nothing. Jobs, commands and actions
(which got their record through a query that took the user) see all. The setting holds for the one
message that carries it, or to the end of its transaction, where the next statement says it anew:
nothing is left behind on a pooled connection. A connection that says nothing sees nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from fangkong.core.in_front import setting, with_setting
from fangkong.core.permissions import NOWHERE, Scope

SETTING = "fangkong.reach"
# (what is reached, the id of the user)
Reach = tuple[Scope, int | None]
EVERYTHING: Reach = (Scope(everywhere=True), None)
NOTHING: Reach = (NOWHERE, None)

_asked: ContextVar[Callable[[], Reach]] = ContextVar("reach", default=lambda: EVERYTHING)


@contextmanager
def reaching(reach: Callable[[], Reach]) -> Iterator[None]:
    """Statements within see the rows of ``reach``, which is asked when one needs it."""
    token = _asked.set(reach)
    try:
        yield
    finally:
        _asked.reset(token)


@contextmanager
def everything() -> Iterator[None]:
    """Statements within see every row: for actions, whose records came through a scoped query."""
    with reaching(lambda: EVERYTHING):
        yield


def of_request(request: Any) -> Callable[[], Reach]:
    """What the user of a request reaches by all offices together."""

    def reach() -> Reach:
        user = request.user
        if not user.is_authenticated:
            return NOTHING
        return cast(Scope, user.reach(request.now)), cast(int, user.pk)

    return reach


def told(reach: Reach) -> str:
    """The setting's value: all, counties, areas, facilities, user, opened persons; ids only."""
    scope, user_id = reach
    lists = [
        ",".join(map(str, sorted(ids)))
        for ids in (scope.county_ids, scope.area_ids, scope.facility_ids)
    ]
    opened = ",".join(sorted(str(key) for key in scope.person_keys))
    return "|".join(["all" if scope.everywhere else "", *lists, str(user_id or ""), opened])


@cache
def _walled() -> re.Pattern[str]:
    tables = {model._meta.db_table for model in apps.get_models() if "wall" in vars(model)}
    # What a statement that PostgreSQL keeps (core.messages) is about, its name does not say.
    return re.compile(rf"\b(?:{'|'.join([*sorted(tables), 'EXECUTE'])})\b")


def _tell(
    execute: Callable[..., Any], sql: object, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Put the reach in front of each statement over a walled table (``execute_wrapper``)."""
    if not isinstance(sql, str) or not _walled().search(sql):
        return execute(sql, params, many, context)
    reach = told(_asked.get()())
    cursor = context["cursor"].cursor
    if many or getattr(cursor, "name", None):
        said = setting(SETTING, reach)
        return _tell_apart(execute, sql, params, many, context, said)
    answer = execute(*with_setting(SETTING, reach, sql, params), many, context)
    cursor.nextset()  # past the answer to SET
    return answer


def _tell_apart(
    execute: Callable[..., Any],
    sql: str,
    params: Any,
    many: bool,
    context: dict[str, Any],
    said: str,
) -> Any:
    """For executemany and for cursors on the server, which take one statement only.

    Outside a transaction in one of their own: a setting for longer would stay with a connection,
    or with another's where a pool stands between. Such a cursor keeps its rows (WITH HOLD).
    """
    connection = context["connection"]
    plain = connection.connection
    with connection.wrap_database_errors, ExitStack() as stack:
        if not connection.in_atomic_block:
            stack.enter_context(plain.transaction())
        plain.execute(said)
        return execute(sql, params, many, context)


def _connected(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if connection.vendor == "postgresql" and _tell not in connection.execute_wrappers:
        # In front: those added for a while are taken off at the end.
        connection.execute_wrappers.insert(0, _tell)


def listen() -> None:
    """Prepare every connection that is opened from now on."""
    connection_created.connect(_connected, dispatch_uid="fangkong.walls")
