"""Destroy personal data whose term is over: emptied or replaced, the row itself stays.

Counts, links and the audit trail go on to fit together. Done again it does nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, models, transaction

from fangkong.core.audit import actions as audit
from fangkong.core.privacy import PSEUDONYM

from . import queries

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

log = logging.getLogger(__name__)

# (table, public ids of its emptied rows, moment)
Along = Callable[[type[models.Model], list[UUID], datetime], None]
_along: list[Along] = []


def along(call: Along) -> Along:
    """What names a record by its public id, such as its files, is destroyed with it."""
    if call not in _along:
        _along.append(call)
    return call


def destroy_due(*, at: datetime) -> dict[str, int]:
    """Everything that is due, batch by batch, persons before their numbers; rows by model."""
    done: dict[str, int] = {}
    for model, term in sorted(queries.classes(), key=lambda one: bool(one[1].along)):
        if term.by_room:
            continue
        for ids in queries.due(model, term, at):
            if count := _emptied(model, ids, at):
                done[model._meta.label] = done.get(model._meta.label, 0) + count
    return done


def _emptied(model: type[models.Model], ids: list[int], at: datetime) -> int:
    """How many could be emptied: all at once, or each alone where the database refuses that.

    A row that stays full is noted in the log, is due again the next night, and keeps no other.
    """
    try:
        destroy(model=model, ids=ids, by=None, at=at)
    except DatabaseError as problem:
        if len(ids) > 1:
            return sum(_emptied(model, [pk], at) for pk in ids)
        # Without its text: PostgreSQL names the failing row there, with all its values.
        kind = type(problem).__name__
        facts = {"table": model._meta.db_table, "row": ids[0], "problem": kind}
        log.error("not destroyed", extra=facts)
        return 0
    return len(ids)


@transaction.atomic
def destroy(
    *,
    model: type[models.Model],
    ids: Collection[int],
    by: AbstractBaseUser | None,
    at: datetime,
    reason: str = "",
    keep: Collection[str] = (),
) -> None:
    """Empty the personal fields of these rows, by what each declares; one line of the trail.

    ``keep`` names fields that stay. What belongs to the rows goes along unless a field stays.
    """
    rows = list(model._base_manager.select_for_update().filter(pk__in=list(ids)).order_by("pk"))
    if not rows:
        return
    fields = {name: one for name, one in queries.personal(model).items() if name not in keep}
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
        # What was empty says nothing and stays so.
        names = [name for name in masked if getattr(row, name)]
        found.filter(pk=row.pk).update(
            **{name: f"{PSEUDONYM}{secrets.token_hex(8)}" for name in names}
        )
    keys = [key for row in rows if (key := getattr(row, "public_id", None))]
    for call in _along if keys and not keep else ():
        call(model, keys, at)
    detail: dict[str, object] = {"model": model._meta.label, "rows": len(rows), "to": rows[-1].pk}
    if keep:
        detail["kept"] = sorted(keep)
    audit.record("core.retention.destroy", rows[0], by=by, at=at, reason=reason, detail=detail)
