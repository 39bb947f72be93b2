"""Emptying the tables after a test with real transactions must get past our triggers.

The database refuses DELETE and TRUNCATE on append-only tables, which is what they are for. On
SQLite the triggers are lifted for that moment and put back; on PostgreSQL the tables' owner may
switch them off.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresqlWrapper
from django.db.backends.postgresql.operations import DatabaseOperations as PostgresqlOperations
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.backends.sqlite3.operations import DatabaseOperations

TRIGGERS = """
DO $$ DECLARE one regclass; BEGIN
  FOR one IN SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal LOOP
    EXECUTE format('ALTER TABLE %s {} TRIGGER USER', one);
  END LOOP;
END $$
"""


@pytest.fixture(scope="session", autouse=True)
def _empty_append_only_tables() -> Iterator[None]:
    # Reached through the wrapper's module: importing operations first runs in a circle.
    assert DatabaseWrapper.ops_class is DatabaseOperations
    assert PostgresqlWrapper.ops_class is PostgresqlOperations
    plain = DatabaseOperations.execute_sql_flush
    plain_on_postgresql = PostgresqlOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor, transaction.atomic():
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _sql in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            plain(self, sql_list)
            for _name, sql in triggers:
                cursor.execute(sql)

    def flush_on_postgresql(self: PostgresqlOperations, sql_list: list[str]) -> None:
        with transaction.atomic(), self.connection.cursor() as cursor:
            cursor.execute(TRIGGERS.format("DISABLE"))
            plain_on_postgresql(self, sql_list)
            cursor.execute(TRIGGERS.format("ENABLE"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        patch.setattr(PostgresqlOperations, "execute_sql_flush", flush_on_postgresql)
        yield
