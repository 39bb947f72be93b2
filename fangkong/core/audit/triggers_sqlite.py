"""The triggers in SQLite's words. Who acts is asked of functions of our own connections."""

from __future__ import annotations

from collections.abc import Sequence

from fangkong.core.append_only import Trigger

from .tables import Column, Table

_AT_ONCE = 40  # a function takes 127 arguments in older libraries


def watching(table: Table) -> list[Trigger]:
    """One trigger for each verb; an UPDATE that changes nothing leaves nothing."""
    differs = " OR ".join(f"OLD.{c} IS NOT NEW.{c}" for c in _names(table))
    return [
        _trigger(table, "insert", "NEW", "", "'{}'"),
        _trigger(table, "update", "NEW", f"WHEN {differs} ", _changes(table)),
        _trigger(table, "delete", "OLD", "", _last_values(table)),
    ]


def _trigger(table: Table, verb: str, row: str, when: str, changes: str) -> Trigger:
    name = f"fk_audit_{table.name}_{verb}"
    key = f'{row}."{table.pk}"' if table.pk_is_number else "0"
    text = (
        f'CREATE TRIGGER {name} AFTER {verb.upper()} ON "{table.name}" {when}BEGIN '  # noqa: S608  # our names
        "INSERT INTO core_rowchange "
        "(at, table_name, row_id, verb, by_id, request_id, role, changes) VALUES "
        f"(fangkong_at(), '{table.name}', {key}, '{verb}', fangkong_by(), fangkong_request(), '', "
        f"{changes}); END"
    )
    return Trigger(name, (text,), text)


def _names(table: Table) -> list[str]:
    return [f'"{name}"' for name in (table.pk, *(column.name for column in table.columns))]


def _changes(table: Table) -> str:
    """{column: [old, new]} of those that differ; a merge patch leaves out what is NULL."""
    pairs = []
    for column in table.columns:
        old, new = f'OLD."{column.name}"', f'NEW."{column.name}"'
        said = f"json_array({old}, {new})" if column.shown else "'changed'"
        pairs.append(f"'{column.name}', CASE WHEN {old} IS NOT {new} THEN {said} END")
    key = f'"{table.pk}"'
    pairs.append(
        f"'pk', CASE WHEN OLD.{key} IS NOT NEW.{key} THEN json_array(OLD.{key}, NEW.{key}) END"
    )
    return _object(pairs)


def _last_values(table: Table) -> str:
    shown: list[Column] = [column for column in table.columns if column.shown]
    return _object([f"'{column.name}', OLD.\"{column.name}\"" for column in shown])


def _object(pairs: Sequence[str]) -> str:
    made = "'{}'"
    for start in range(0, len(pairs), _AT_ONCE):
        made = f"json_patch({made}, json_object({', '.join(pairs[start : start + _AT_ONCE])}))"
    return made
