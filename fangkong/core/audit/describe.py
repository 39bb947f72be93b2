"""What the database saw of a row, in words: fields with old and new value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.translation import gettext as _

from . import queries
from .models import RowChange

CHANGED = "changed"
_STAMPS = ("changed_at", "changed_by_id")  # the line itself says who and when


@dataclass(frozen=True)
class Step:
    """One change of a row: the fields in words with old and new value."""

    change: RowChange
    fields: list[tuple[str, str, str]]


def steps(row: models.Model, limit: int = 100) -> list[Step]:
    """The newest changes of a row, newest first; personal values are never among them."""
    model = type(row)
    return [Step(one, _fields(model, one)) for one in queries.row_changes_of(row, limit=limit)]


def steps_of(label: str, key: int, limit: int = 100) -> list[Step]:
    """The same by the row's kind and key; nothing for a kind that no room has any more."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return []
    return steps(model(pk=key), limit)


def _fields(model: type[models.Model], change: RowChange) -> list[tuple[str, str, str]]:
    """(label, old, new) of each column that the row change shows."""
    labels = {field.column: str(field.verbose_name) for field in model._meta.concrete_fields}
    found = []
    for column, values in change.changes.items():
        if column in _STAMPS:
            continue
        label = labels.get(column, column)
        if values == CHANGED:
            found.append((label, "", _("changed, not shown")))
        elif change.verb == RowChange.Verb.UPDATE and isinstance(values, list):
            found.append((label, _said(values[0]), _said(values[1])))
        else:
            found.append((label, _said(values), ""))
    return found


def _said(value: Any) -> str:
    return "–" if value in (None, "") else str(value)
