"""PostgreSQL's policies, made from what the models say after every ``migrate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.db import connections
from django.db.models import Model
from django.db.models.signals import post_migrate, pre_migrate

from .reach import SETTING
from .types import Wall

POLICY = "fangkong_wall"
_SAID = f"current_setting('{SETTING}', true)"
_PARTS = {"county": 2, "area": 3, "facility": 4}


def walls() -> dict[type[Model], Wall]:
    """The models with a wall."""
    return {model: vars(model)["wall"] for model in apps.get_models() if "wall" in vars(model)}


def _ids(part: int, kind: str = "bigint") -> str:
    """The ids of one part of the setting; fetched once a statement, nothing where nothing is said.

    The list, not a prefix: ``= ANY`` of nothing is never true (security.md, finding 5).
    """
    said = f"nullif(split_part({_SAID}, '|', {part}), '')"
    return f"ANY((SELECT string_to_array({said}, ','))::{kind}[])"


def condition(model: type[Model], there: set[str] | None = None) -> str:
    """When a row is open, in SQL; of other tables only those that are ``there``, or all."""
    wall, table = walls()[model], model._meta.db_table
    open_when = [f"(SELECT split_part({_SAID}, '|', 1) = 'all')"]
    for kind, part in _PARTS.items():
        if column := getattr(wall, kind):
            open_when.append(f"{column} = {_ids(part)}")
    if wall.counties_too:
        open_when.append(f"{wall.counties_too} = {_ids(2)}")
    if wall.facilities_too:
        open_when.append(f"{wall.facilities_too} = {_ids(4)}")
    if wall.stands:
        open_when.append(_stands(model, wall.stands))
    if wall.by:
        open_when.append(f"{wall.by} = {_ids(5)}")
    if wall.opened:
        open_when.append(f"{wall.opened} = {_ids(6, 'uuid')}")
    if wall.through:
        open_when.append(_open_row(model, wall.through, f"{table}.{_column(model, wall.through)}"))
    for other, key in _openers(model):
        if there is not None and other._meta.db_table not in there:
            continue
        column = _column(other, key)
        open_when.append(
            f"EXISTS (SELECT 1 FROM {other._meta.db_table} w "  # noqa: S608  # our names
            f"WHERE w.{column} = {table}.id)"
        )
    return " OR ".join(open_when)


def _stands(model: type[Model], key: str) -> str:
    """Whether the place behind a key is reached."""
    place: Any = model._meta.get_field(key).related_model
    reached = f"w.county_id = {_ids(2)} OR w.facility_id = {_ids(4)}"
    there = f"SELECT w.id FROM {place._meta.db_table} w WHERE {reached}"  # noqa: S608  # our names
    return f"{_column(model, key)} IN ({there})"


def _open_row(model: type[Model], key: str, value: str) -> str:
    """Whether the row behind a key is open: its own policy decides."""
    above: Any = model._meta.get_field(key).related_model
    return f"EXISTS (SELECT 1 FROM {above._meta.db_table} w WHERE w.id = {value})"  # noqa: S608


def _openers(model: type[Model]) -> Iterator[tuple[type[Model], str]]:
    for other, wall in walls().items():
        for key in wall.opens:
            if other._meta.get_field(key).related_model is model:
                yield other, key


def _column(model: type[Model], key: str) -> str:
    field: Any = model._meta.get_field(key)
    return str(field.column)


def install(using: str) -> None:
    """Put up the walls. FORCE: they hold for the tables' owner too, unless it is a superuser."""
    if connections[using].vendor != "postgresql":
        return
    there = set(connections[using].introspection.table_names())
    with connections[using].cursor() as cursor:
        for model in walls():
            table = model._meta.db_table
            if table not in there:  # a migration may lead back to before a table
                continue
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            cursor.execute(f"DROP POLICY IF EXISTS {POLICY} ON {table}")
            cursor.execute(
                f"CREATE POLICY {POLICY} ON {table} "
                f"USING ({condition(model, there)}) WITH CHECK (true)"
            )


def remove(using: str) -> None:
    """Take the walls down while tables are changed."""
    if connections[using].vendor != "postgresql":
        return
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = %s", [POLICY])
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP POLICY {POLICY} ON {table}")
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def missing(using: str) -> list[str]:
    """The tables whose wall is not up; for the checks and ``fangkong doctor``."""
    if connections[using].vendor != "postgresql":
        return []
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname "
            "WHERE p.policyname = %s AND c.relrowsecurity AND c.relforcerowsecurity",
            [POLICY],
        )
        up = {table for (table,) in cursor.fetchall()}
    return sorted(model._meta.db_table for model in walls() if model._meta.db_table not in up)


def listen(core: AppConfig) -> None:
    """Called when core loads."""
    pre_migrate.connect(_before, sender=core, dispatch_uid="fangkong.walls")
    post_migrate.connect(_after, sender=core, dispatch_uid="fangkong.walls")


def _before(using: str, plan: list[Any], **kwargs: object) -> None:
    if plan:
        remove(using)


def _after(using: str, **kwargs: object) -> None:
    install(using)
