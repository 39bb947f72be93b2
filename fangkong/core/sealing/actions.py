"""Take keys into use, and seal everything anew with the current one while others work."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from django.db import models, transaction

from fangkong.core.audit import actions as audit

from . import keys, queries
from .fields import Sealed, SealedTextField
from .models import SealingKey

BATCH = 200
PASSES = 5


def make_ring_where_new(at: datetime) -> None:
    """The first start makes the ring; KeyRingProblem where data need one that is not there."""
    if keys.path().exists() or queries.needed():
        queries.verify()
        keys.ring(fresh=True)
    else:
        keys.make(at)


@transaction.atomic
def enrol(*, at: datetime) -> SealingKey:
    """Note in the database that the ring's current key is needed from now on."""
    current = keys.ring(fresh=True).current
    known = SealingKey.objects.filter(key_id=current, retired_at=None).first()
    if known is not None:
        return known
    row, _new = SealingKey.objects.update_or_create(
        key_id=current,
        defaults={
            "first_used_at": at,
            "retired_at": None,
            "proof": keys.seal(current, queries.bound_to(current)),
            "index_proof": keys.blind(current, queries.INDEX_COLUMN),
        },
    )
    audit.record("core.sealing.enrol", row, by=None, at=at, detail={"key": current})
    return row


@transaction.atomic
def add_key(*, at: datetime) -> SealingKey:
    """A new key in the ring, which seals from now on. What is sealed already stays readable."""
    queries.verify()
    keys.add(at)
    return enrol(at=at)


def rotate(*, at: datetime, say: Callable[[str], None] = lambda _text: None) -> int:
    """Seal everything with the current key, in small transactions; the number of values sealed.

    Stopped halfway it goes on where it stopped; with nothing to do it does nothing. Rows that are
    changed meanwhile are left to who changes them, who uses the current key as well.
    """
    queries.verify()
    current = enrol(at=at)
    _let_servers_notice()
    total = 0
    for _pass in range(PASSES):
        done = sum(_reseal(model, field, current.key_id, say) for model, field in _all())
        total += done
        if not done:
            break
    _finish(current=current, rows=total, at=at)
    return total


def _all() -> list[tuple[type[models.Model], SealedTextField]]:
    return list(queries.sealed_fields())


def _let_servers_notice() -> None:
    """Servers look at the ring every two seconds; until then they seal with the key before."""
    age = time.time() - keys.path().stat().st_mtime
    time.sleep(max(0.0, min(2 * keys.LOOK_AGAIN_SECONDS, 2 * keys.LOOK_AGAIN_SECONDS - age)))


def _reseal(
    model: type[models.Model], field: SealedTextField, current: str, say: Callable[[str], None]
) -> int:
    last, done = 0, 0
    while True:
        last, sealed = _reseal_batch(model, field, current, last)
        done += sealed
        if not last:
            if done:
                say(f"{field.model._meta.label}.{field.name}: {done}")
            return done


@transaction.atomic
def _reseal_batch(
    model: type[models.Model], field: SealedTextField, current: str, after: int
) -> tuple[int, int]:
    """One batch beyond an id: the last id looked at (0 at the end), and how many were sealed."""
    name = field.name
    rows = list(
        model._base_manager.filter(pk__gt=after)
        .exclude(**{name: ""})
        .only("pk", "public_id", name)
        .order_by("pk")[:BATCH]
    )
    done = 0
    for row in rows:
        old: Sealed = row.__dict__[name]
        if keys.key_of(old) == current:
            continue
        new = Sealed(field.sealed(row, field.opened(row, old)))
        done += model._base_manager.filter(pk=row.pk, **{name: old}).update(**{name: new})
    return (rows[-1].pk if rows else 0), done


@transaction.atomic
def _finish(*, current: SealingKey, rows: int, at: datetime) -> None:
    """Keys that nothing is sealed with any more are needed no longer, except for old backups."""
    still = set(queries.in_use())
    retired = 0
    for key in SealingKey.objects.filter(retired_at=None).exclude(pk=current.pk):
        if key.key_id not in still:
            key.retired_at = at
            key.save(update_fields=["retired_at"])
            retired += 1
    if rows or retired:
        detail = {"key": current.key_id, "values": rows, "retired": retired}
        audit.record("core.sealing.rotate", current, by=None, at=at, detail=detail)
