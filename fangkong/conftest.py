"""Emptying the tables after a test with real transactions must get past the append-only triggers.

The database refuses DELETE on these tables, which is what they are for. PostgreSQL is emptied with
TRUNCATE and needs no help; on SQLite the triggers are lifted for that moment and put back.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.backends.sqlite3.operations import DatabaseOperations


@pytest.fixture(scope="session", autouse=True)
def _empty_append_only_tables() -> Iterator[None]:
    # Reached through the wrapper's module: importing operations first runs in a circle.
    assert DatabaseWrapper.ops_class is DatabaseOperations
    plain = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            plain(self, sql_list)
            for _name, sql in triggers:
                cursor.execute(sql)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        yield
