"""Noting who saw whom, said from a page or an API operation in one line.

``opened(request, case)`` before the page is drawn. It asks nothing of the caller but the record:
the persons are found by its keys, the place by the address.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from . import actions
from .actions import Ids
from .queries import person_keys
from .types import How


def opened(request: HttpRequest, record: Model | Iterable[Model], *, how: How | None = None) -> int:
    """Whose records this request shows; returns how many persons were noted."""
    machine = request.path.startswith("/api/")
    return actions.seen(record, **_by(request), how=how or (How.API if machine else How.OPENED))


def listed(request: HttpRequest, rows: QuerySet[Any], *, how: How) -> int:
    """The persons of a list that leaves the house: a file, a print, an answer to a machine."""
    by = _by(request)
    return sum(
        int(actions.seen(Ids(table, rows.values_list(key, flat=True)), **by, how=how))
        for table, key in person_keys(cast(Any, rows.model))
    )


def taken(request: HttpRequest, table: str, keys: Iterable[int], *, how: How = How.API) -> int:
    """The persons of these keys, in rows that a machine takes away, or that leave in a file."""
    return actions.seen(Ids(table, keys), **_by(request), how=how)


def _by(request: HttpRequest) -> dict[str, Any]:
    match = request.resolver_match
    place = match.view_name.replace(":", ".") if match else ""
    by: AbstractBaseUser = cast(AbstractBaseUser, request.user)
    at: datetime = cast(Any, request).now
    return {"by": by, "at": at, "place": place[:100]}
