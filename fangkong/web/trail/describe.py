"""The trail in words: kinds of records, fields, old and new values, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from fangkong.core.audit import queries
from fangkong.core.audit.models import AuditLine, RowChange

CHANGED = "changed"
_STAMPS = ("changed_at", "changed_by_id")  # the line itself says who and when


@dataclass(frozen=True)
class Step:
    """One change of a row: the fields in words with old and new value."""

    change: RowChange
    fields: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Story:
    name: str | Promise
    key: int
    lines: list[AuditLine]
    steps: list[Step]


def kind(label: str) -> str | Promise:
    """What sort of record it is: people.person -> Person."""
    try:
        return apps.get_model(label)._meta.verbose_name or label
    except (LookupError, ValueError):
        return label


def story(label: str, key: int) -> Story:
    """All that is known of one record; 404 for a kind of record that there is not."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404 from None
    if key >= 2**63:
        raise Http404
    row = model(pk=key)
    steps = [
        Step(change, _fields(model, change)) for change in queries.row_changes_of(row, limit=100)
    ]
    return Story(kind(label), key, queries.history_of(row, limit=100), steps)


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
