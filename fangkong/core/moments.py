"""Moments out of PostgreSQL, which a page of a list reads by the hundred.

Django reads each by Python's own parser of several formats. The server writes ISO 8601, which
Python's C code reads ten times as fast; what is beyond Python's years goes to Django's reader.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


@cache
def _reader() -> type[Any]:
    from django.db.backends.postgresql.psycopg_any import BaseTzLoader  # asks for the driver

    class Moments(BaseTzLoader):  # type: ignore[misc]  # the stubs know no psycopg_any
        timezone = UTC  # Django compares it with the connection's own

        def load(self, data: Any) -> datetime:
            try:
                return datetime.fromisoformat(str(data, "ascii"))
            except ValueError:  # "infinity", the year 10000
                return cast(datetime, super().load(data))

    return Moments


def _connected(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if connection.vendor == "postgresql" and connection.timezone == UTC:
        adapters = cast(Any, connection.connection).adapters
        if adapters.get_loader(adapters.types["timestamptz"].oid, 0) is not _reader():
            adapters.register_loader("timestamptz", _reader())


def listen() -> None:
    """Prepare every connection that is opened from now on."""
    connection_created.connect(_connected, dispatch_uid="fangkong.moments")
