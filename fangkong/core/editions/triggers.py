"""The triggers that give a name another mark. They stand and fall with those of the trail."""

from __future__ import annotations

from django.apps import apps

from fangkong.core.append_only import Trigger

START = "fk_edition_"
_SET = "ON CONFLICT (name) DO UPDATE SET mark = excluded.mark"
_EVERY_VERB = 4 + 8 + 16 + 32  # as pg_trigger keeps INSERT, DELETE, UPDATE and TRUNCATE


def expected(vendor: str) -> list[Trigger]:
    """Those that a database of this kind must have."""
    found = []
    for model in apps.get_models():
        if name := vars(model).get("edition", ""):
            table = model._meta.db_table
            found += _sqlite(table, name) if vendor == "sqlite" else [_postgresql(table, name)]
    return found


def _sqlite(table: str, name: str) -> list[Trigger]:
    made = []
    for verb in ("insert", "update", "delete"):
        text = (
            f'CREATE TRIGGER {START}{table}_{verb} AFTER {verb.upper()} ON "{table}" BEGIN '  # noqa: S608  # our names
            "INSERT INTO core_edition (name, mark) "
            f"VALUES ('{name}', lower(hex(randomblob(16)))) {_SET}; END"
        )
        made.append(Trigger(f"{START}{table}_{verb}", (text,), text))
    return made


def _postgresql(table: str, name: str) -> Trigger:
    trigger = f"{START}{table}"
    body = (
        "\nBEGIN\nINSERT INTO core_edition (name, mark) "  # our names
        f"VALUES ('{name}', gen_random_uuid()::text) {_SET};\nRETURN NULL;\nEND\n"
    )
    return Trigger(
        trigger,
        (
            f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$${body}$$",
            f"CREATE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "
            f'"{table}" FOR EACH STATEMENT EXECUTE FUNCTION {trigger}()',
        ),
        f"{table} O {_EVERY_VERB} {body}",
    )
