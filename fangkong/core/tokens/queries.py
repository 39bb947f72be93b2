"""Whose token it is, and which tokens there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet

from fangkong.core import messages, permissions
from fangkong.core.editions import queries as editions

from . import rules
from .models import Token
from .types import MANAGE

if TYPE_CHECKING:
    from fangkong.accounts.models import User


def holding(secret: str, at: datetime) -> Token | None:
    """The valid token of a secret with its user and what a user's scope is made of, in one
    statement; none for a closed account.

    The marks of what is kept in memory come along (``core.editions``). Nothing of a token or of
    its user is kept: whoever is revoked stands outside from the next request on.
    """
    if not rules.looks_like_one(secret):
        return None
    ask = _asked()
    moment = connection.ops.adapt_datetimefield_value(at)
    (rows,) = messages.send(messages.Statement(ask.sql, [rules.digest(secret), moment], "token"))
    if not rows:
        return None
    token = ask.tokens.read(rows[0])
    user = ask.users.read(rows[0], len(ask.tokens.fields))
    start = len(ask.tokens.fields) + len(ask.users.fields)
    end = start + len(ask.along.fields)
    found = [ask.along.read(row, start) for row in rows if row[start] is not None]
    editions.note(dict(zip(ask.marks, rows[0][end:], strict=True)))
    user.take_along(found)
    token.user = user
    return token


@dataclass(frozen=True)
class _Asked:
    sql: str
    tokens: messages.Reader[Token]
    users: messages.Reader[Any]
    along: messages.Reader[Any]
    marks: list[str]


@cache
def _asked() -> _Asked:
    """The statement of ``holding``, made once: it is sent with every request of a machine.

    The user's class says by ``along`` which rows of its own a scope is made of.
    """
    users = cast(Any, get_user_model())
    relation = users._meta.get_field(users.along)
    along = relation.related_model
    tokens = messages.Reader(Token, "t")
    people, rows = messages.Reader(users, "u"), messages.Reader(along, "a")
    marks = editions.names()
    columns = [tokens.columns, people.columns, rows.columns]
    columns += [f"(SELECT mark FROM core_edition WHERE name = '{name}')" for name in marks]  # noqa: S608  # our names
    sql = (
        f"SELECT {', '.join(columns)} FROM {Token._meta.db_table} t"  # noqa: S608  # as above
        f" JOIN {users._meta.db_table} u ON u.id = t.user_id AND u.is_active"
        f" LEFT JOIN {along._meta.db_table} a ON a.{relation.field.column} = u.id"
        " WHERE t.digest = %s AND t.revoked_at IS NULL AND t.expires_at > %s ORDER BY a.id"
    )
    return _Asked(sql, tokens, people, rows, marks)


def open_to(user: User, at: datetime) -> QuerySet[Token]:
    """One's own tokens; for administrators everybody's."""
    rows = Token.objects.select_related("user", "created_by")
    if user.scope(MANAGE, at):
        return rows
    return rows.filter(user=user)


def grantable(user: User, at: datetime) -> list[permissions.Permission]:
    """The permissions that a user holds somewhere, and may give to a token."""
    return [p for p in permissions.declared() if user.scope(p, at)]
