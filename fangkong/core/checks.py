"""What `fangkong check` looks at beside Django's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from fangkong.core import database_checks


@register(Tags.database)
def is_made(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """An empty database has lost nothing: it was never made."""
    return [
        Error(
            "The database is empty",
            hint="Run `fangkong migrate`, or `fangkong run`, which does it too.",
            id="fangkong.E004",
        )
        for alias in databases or []
        if _is_empty(alias)
    ]


def _is_empty(alias: str) -> bool:
    return not MigrationRecorder(connections[alias]).applied_migrations()


@register(Tags.database)
def triggers_stand(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Every table must have its triggers, or changes of rows would leave nothing in the trail."""
    from fangkong.core.audit import triggers

    return [
        Error(
            f"The audit trail misses changes: {len(wrong)} triggers are gone or altered, "
            f"such as {wrong[0]}",
            hint="Find out who did this. `fangkong migrate` makes them anew.",
            id="fangkong.E002",
        )
        for alias in databases or []
        if not _is_empty(alias) and (wrong := triggers.problems(alias))
    ]


@register(Tags.database)
def walls_stand(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """On PostgreSQL every table with persons' data has its wall between the counties."""
    from fangkong.core.walls import policies

    return [
        Error(
            f"Tables stand open to forgetful queries: {', '.join(wrong)} have no wall",
            hint="`fangkong migrate` puts the walls up again.",
            id="fangkong.E003",
        )
        for alias in databases or []
        if not _is_empty(alias) and (wrong := policies.missing(alias))
    ]


register(Tags.database)(database_checks.keeps_what_it_acknowledged)
register(Tags.database, deploy=True)(database_checks.is_fit_for_production)
