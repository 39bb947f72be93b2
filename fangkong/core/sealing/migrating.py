"""For migrations: seal a column that held plain text, batch by batch, and the way back.

Usable after the column has become a SealedTextField in the migration's state. Stopped halfway it
goes on: what is sealed already is left. Wants ``atomic = False``, so that batches are kept.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython
from django.db.migrations.state import StateApps

from . import keys
from .fields import BlindIndexField, Sealed, SealedTextField, fields_of

BATCH = 500


def seal_rows(*labels: str) -> RunPython:
    """An operation that seals all sealed fields of these models (``"people.Phone"``)."""

    def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for label in labels:
            _each_batch(apps.get_model(label), editor.connection.alias, _seal)

    def backwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
        for label in labels:
            _each_batch(apps.get_model(label), editor.connection.alias, _open)

    return RunPython(forwards, backwards)


def _each_batch(
    model: type[models.Model],
    using: str,
    change: Callable[[models.Model, SealedTextField, str], str],
) -> None:
    fields = fields_of(model)
    blind = [f for f in model._meta.concrete_fields if isinstance(f, BlindIndexField)]
    last = 0
    while True:
        with transaction.atomic(using=using):
            rows = list(model._base_manager.using(using).filter(pk__gt=last).order_by("pk")[:BATCH])
            for row in rows:
                stored = {f.name: row.__dict__[f.name] for f in fields}
                new = {f.name: Sealed(change(row, f, stored[f.name])) for f in fields}
                plain = {f.name: _plain(row, f, stored[f.name]) for f in fields}
                index = {f.name: f.of_plain(plain[f.of]) for f in blind}
                model._base_manager.using(using).filter(pk=row.pk).update(**new, **index)
        if not rows:
            return
        last = rows[-1].pk


def _plain(row: models.Model, field: SealedTextField, stored: str) -> str:
    return field.opened(row, stored) if keys.key_of(stored) else str(stored)


def _seal(row: models.Model, field: SealedTextField, stored: str) -> str:
    return stored if keys.key_of(stored) else field.sealed(row, str(stored))


def _open(row: models.Model, field: SealedTextField, stored: str) -> str:
    return _plain(row, field, stored)
