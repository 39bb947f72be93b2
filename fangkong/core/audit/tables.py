"""Which tables the triggers watch, and which of their columns they may write down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

# Not watched, and why. Everything else is, also what a package brings.
UNWATCHED = {
    "core_auditline": "the trail itself; append-only and sealed",
    "core_rowchange": "the trail itself; append-only and sealed",
    "core_sight": "the trail itself; append-only and sealed",
    "core_seal": "the trail itself; append-only and chained",
    "core_command": "one row per command with who, what and when: a log of its own",
    "core_edition": "a random mark; the change that brought it leaves its own row",
    "core_tick": "the minutes at which schedules fired; kept for 40 days",
    "django_session": "changes with every page; signing in and out leaves lines of its own",
    "usersessions_usersession": "changes with every page, as sessions do",
    "django_tasks_database_dbtaskresult": "the queue's own state; core_job tells of each job",
    "people_namepart": "what persons are searched by, made of their names by a trigger",
    "core_importchunk": "the rows of a file, heavy and passing; the run, and what it enters, tell",
    "supplies_balance": "sums of the ledger's moves, which leave their own rows",
    "django_content_type": "written by migrate alone",
    "auth_permission": "written by migrate alone; the house declares permissions in code",
}

# Columns that change all the time and say nothing of what was done; a change of them alone leaves
# no row.
UNWATCHED_COLUMNS = {
    "core_job": {
        "done": "how far a job has come",
        "total": "how far it has to go",
        "seen_at": "the worker's sign of life",
    },
}

# A column so named holds a secret or what stands for a personal value.
_SECRET = re.compile(
    r"(^|_)(password|secret|token|digest|hash|fingerprint|print|cipher|sealed|blind|otp|key)(_|$)"
)


def holds_secret(name: str) -> bool:
    """Whether a column so named holds a secret or what stands for a personal value."""
    return _SECRET.search(name) is not None


_PLAIN = (models.BooleanField, models.IntegerField, models.DateField, models.ForeignKey)


@dataclass(frozen=True)
class Column:
    """One column; ``shown`` ones are written down with old and new value, others as "changed"."""

    name: str
    shown: bool
    as_text: bool = False


@dataclass(frozen=True)
class Table:
    name: str
    pk: str
    pk_is_number: bool
    columns: tuple[Column, ...]


def watched() -> list[Table]:
    """Every watched table, by name."""
    found = [table_of(model) for model in _models() if model._meta.db_table not in UNWATCHED]
    return sorted(found, key=lambda table: table.name)


def append_only() -> list[str]:
    """The tables of models that say ``append_only = True``, by name."""
    return sorted(m._meta.db_table for m in _models() if getattr(m, "append_only", False))


def _models() -> list[type[models.Model]]:
    every = apps.get_models(include_auto_created=True)
    return [model for model in every if model._meta.managed and not model._meta.proxy]


def table_of(model: type[models.Model]) -> Table:
    """What the triggers need to know of a model's table."""
    key = model._meta.pk
    assert key is not None
    passing = UNWATCHED_COLUMNS.get(model._meta.db_table, {})
    columns = tuple(
        Column(str(field.column), is_shown(model, field), isinstance(field, models.JSONField))
        for field in model._meta.local_concrete_fields
        if not field.primary_key
        and not getattr(field, "generated", False)
        and field.column not in passing
    )
    numbers = (models.IntegerField, models.AutoField, models.BigAutoField)
    return Table(model._meta.db_table, str(key.column), isinstance(key, numbers), columns)


def is_shown(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    """Whether a column's values may stand in the trail.

    Not what the model declares personal, nor secrets, nor ciphertext. Of tables of packages, which
    declare nothing, only numbers, days and keys.
    """
    pii = getattr(model, "pii", None)
    if pii is None:
        return isinstance(field, _PLAIN)
    sealed = type(field).__module__.startswith("fangkong.core.sealing")
    return not (
        field.name in pii
        or isinstance(field, models.BinaryField)
        or sealed
        or _SECRET.search(field.name)
    )
