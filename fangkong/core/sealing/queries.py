"""Which keys are needed, and whether the ring holds them."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connection, models
from django.db.models.functions import Substr

from . import keys
from .ciphers import NotAuthentic
from .fields import SealedTextField, fields_of
from .models import SealingKey

INDEX_COLUMN = b"core_sealingkey\0index"


def bound_to(key_id: str) -> bytes:
    """What the proof of a key is tied to."""
    return f"core_sealingkey\0proof\0{key_id}".encode()


def needed() -> list[SealingKey]:
    """The keys that data of this database are sealed with; none before the first start."""
    if SealingKey._meta.db_table not in connection.introspection.table_names():
        return []
    return list(SealingKey.objects.filter(retired_at=None).order_by("pk"))


def verify() -> None:
    """KeyRingProblem, in one line, where the ring lacks a needed key or holds another one."""
    rows = needed()
    if not rows:
        return
    held = keys.ring(fresh=True)
    for row in rows:
        if row.key_id not in held.keys:
            raise keys.unknown(row.key_id)
        try:
            keys.unseal(row.proof, bound_to(row.key_id))
            right = row.index_proof == keys.blind(row.key_id, INDEX_COLUMN)
        except NotAuthentic:
            right = False
        if not right:
            raise keys.KeyRingProblem(
                f"the key ring {keys.path()} does not belong to this database: its keys are others."
                " Put back the right ring (docs/running.md, Keys)."
            )


def sealed_fields() -> Iterator[tuple[type[models.Model], SealedTextField]]:
    """Every sealed field of the house, with its model."""
    for model in apps.get_models():
        for field in fields_of(model):
            yield model, field


def in_use() -> dict[str, int]:
    """How many values each key has sealed. Reads every table with sealed fields."""
    counts: dict[str, int] = {}
    for model, field in sealed_fields():
        ids = (
            model._base_manager.exclude(**{field.name: ""})
            .annotate(_key=Substr(field.name, 1, 9, output_field=models.CharField()))
            .values_list("_key")
            .annotate(n=models.Count("pk"))
            .order_by("_key")
        )
        for key_id, n in ids:
            counts[key_id] = counts.get(key_id, 0) + n
    return counts
