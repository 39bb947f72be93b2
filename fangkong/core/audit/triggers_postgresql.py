"""The triggers in PostgreSQL's words: one run per statement, however many rows it writes.

A writer that says nothing of itself (psql, a foreign program) is noted with its database role.
"""

from __future__ import annotations

from collections.abc import Sequence

from fangkong.core.append_only import Trigger

from .context import SETTING
from .tables import Column, Table

_AT_ONCE = 40  # a function takes 100 arguments
_KINDS = {
    "insert": 4,
    "update": 16,
    "delete": 8,
    "truncate": 32,
}  # as pg_trigger keeps them
_ROWS = {
    "insert": "REFERENCING NEW TABLE AS new_rows ",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows ",
    "delete": "REFERENCING OLD TABLE AS old_rows ",
    "truncate": "",
}


def watching(table: Table) -> list[Trigger]:
    """One trigger for each verb; an UPDATE that changes nothing leaves nothing."""
    key = f'"{table.pk}"'
    row = "{}." + key if table.pk_is_number else "0"
    names = [f'"{column.name}"' for column in table.columns]
    old = ", ".join(f"o.{name}" for name in (key, *names))
    new = ", ".join(f"n.{name}" for name in (key, *names))
    both = f"coalesce({row.format('n')}, {row.format('o')})" if table.pk_is_number else "0"
    return [
        _trigger(table, "insert", row.format("n"), "'{}'::jsonb", "new_rows n"),
        _trigger(
            table,
            "update",
            both,
            _changes(table),
            # FULL: a row whose key changes is in one table each, and missed in neither.
            f"old_rows o FULL JOIN new_rows n ON o.{key} = n.{key} "
            f"WHERE ({old}) IS DISTINCT FROM ({new})",
        ),
        _trigger(table, "delete", row.format("o"), _last_values(table), "old_rows o"),
        _trigger(table, "truncate", "0", "'{}'::jsonb", "(SELECT 1) once"),
    ]


def _trigger(table: Table, verb: str, row: str, changes: str, source: str) -> Trigger:
    name = f"fk_audit_{table.name}_{verb}"
    # PL/pgSQL takes its variables for columns and the other way round: no column is named so. What
    # all rows share is read from the setting once.
    body = (
        "\nDECLARE fangkong_said text[] := "
        f"string_to_array(nullif(current_setting('{SETTING}', true), ''), '|');\n"
        "fangkong_at timestamptz := coalesce(fangkong_said[2]::timestamptz, clock_timestamp());\n"
        "fangkong_by bigint := nullif(fangkong_said[1], '')::bigint;\n"
        "fangkong_request text := coalesce(fangkong_said[3], '');\n"
        "fangkong_role text := CASE WHEN fangkong_said IS NULL THEN session_user ELSE '' END;\n"
        "BEGIN\nINSERT INTO core_rowchange "
        "(at, table_name, row_id, verb, by_id, request_id, role, changes)\n"
        f"SELECT fangkong_at, '{table.name}', {row}, '{verb}', fangkong_by, "
        f"fangkong_request, fangkong_role, {changes}\nFROM {source};\n"
        "RETURN NULL;\nEND\n"
    )
    return Trigger(
        name,
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
            f'CREATE TRIGGER {name} AFTER {verb.upper()} ON "{table.name}" {_ROWS[verb]}'
            f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
        ),
        f"{table.name} O {_KINDS[verb]} {body}",
    )


def _value(column: Column, row: str) -> str:
    return f'{row}."{column.name}"' + ("::text" if column.as_text else "")


def _changes(table: Table) -> str:
    """{column: [old, new]} of those that differ."""
    pairs = []
    for column in table.columns:
        old, new = _value(column, "o"), _value(column, "n")
        said = f"jsonb_build_array({old}, {new})" if column.shown else "'\"changed\"'::jsonb"
        pairs.append(f"'{column.name}', CASE WHEN {old} IS DISTINCT FROM {new} THEN {said} END")
    key = f'o."{table.pk}", n."{table.pk}"'
    pairs.append(
        f"'pk', CASE WHEN {key.replace(', ', ' IS DISTINCT FROM ')} "
        f"THEN jsonb_build_array({key}) END"
    )
    return _object(pairs)


def _last_values(table: Table) -> str:
    shown = [column for column in table.columns if column.shown]
    return _object([f"'{column.name}', {_value(column, 'o')}" for column in shown])


def _object(pairs: Sequence[str]) -> str:
    parts = [
        f"jsonb_build_object({', '.join(pairs[start : start + _AT_ONCE])})"
        for start in range(0, len(pairs), _AT_ONCE)
    ]
    return f"jsonb_strip_nulls({' || '.join(parts)})" if parts else "'{}'::jsonb"
