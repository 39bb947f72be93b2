"""Destroy personal data whose term is over: emptied or replaced, the row itself stays.

Counts, links and the audit trail go on to fit together. Done again it does nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models, transaction

from fangkong.core.audit import actions as audit
from fangkong.core.privacy import PSEUDONYM

from . import queries

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def destroy_due(*, at: datetime) -> dict[str, int]:
    """Everything that is due, batch by batch, persons before their numbers; rows by model."""
    done: dict[str, int] = {}
    for model, term in sorted(queries.classes(), key=lambda one: bool(one[1].along)):
        if term.by_room:
            continue
        for ids in queries.due(model, term, at):
            destroy(model=model, ids=ids, by=None, at=at)
            done[model._meta.label] = done.get(model._meta.label, 0) + len(ids)
    return done


@transaction.atomic
def destroy(
    *,
    model: type[models.Model],
    ids: Iterable[int],
    by: AbstractBaseUser | None,
    at: datetime,
    reason: str = "",
) -> None:
    """Empty the personal fields of these rows, by what each declares; one line of the trail."""
    rows = list(model._base_manager.select_for_update().filter(pk__in=list(ids)).order_by("pk"))
    if not rows:
        return
    fields = queries.personal(model)
    empty = {
        name: queries.empty_value(model._meta.get_field(name))
        for name, one in fields.items()
        if one.destroy == "erase"
    }
    masked = [name for name, one in fields.items() if one.destroy == "pseudonymise"]
    found = model._base_manager.filter(pk__in=[row.pk for row in rows])
    if empty:
        found.update(**empty)
    for row in rows if masked else ():
        found.filter(pk=row.pk).update(
            **{name: f"{PSEUDONYM}{secrets.token_hex(8)}" for name in masked}
        )
    audit.record(
        "core.retention.destroy",
        rows[0],
        by=by,
        at=at,
        reason=reason,
        detail={"model": model._meta.label, "rows": len(rows), "to": rows[-1].pk},
    )
