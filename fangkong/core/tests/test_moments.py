"""Moments come out of PostgreSQL as they went in, to the microsecond and in UTC."""

from __future__ import annotations

from datetime import UTC

import pytest
from django.db import DataError, connection
from hypothesis import given
from hypothesis import strategies as st

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_is_read_as_it_was_written(moment):
    if connection.vendor != "postgresql":
        return  # SQLite keeps texts, which Django reads
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz, %s::timestamptz", [moment, None])
        read, nothing = cursor.fetchone()

    assert (read, nothing) == (moment, None)
    assert read.tzinfo is UTC


@pytest.mark.parametrize("beyond", ["infinity", "10000-01-01 00:00+00", "0001-01-01 00:00+00 BC"])
def test_a_moment_beyond_the_years_of_python_is_refused_as_before(beyond):
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [beyond])
        with pytest.raises(DataError):
            cursor.fetchone()


def test_no_connection_reads_moments_in_the_slow_way():
    if connection.vendor != "postgresql":
        return
    connection.ensure_connection()
    adapters = connection.connection.adapters

    reader = adapters.get_loader(adapters.types["timestamptz"].oid, 0)

    assert reader.__module__ == "fangkong.core.moments"
