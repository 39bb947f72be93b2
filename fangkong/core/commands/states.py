"""Two people at one record: a write says on which state of the record it was decided."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused


class Stale(Refused):
    """The record is no longer as the sender saw it."""

    status = 412


class Unconditional(Refused):
    """A write that replaces what others may have changed must say what it was decided on."""

    status = 428


@dataclass(frozen=True)
class On:
    """The record that a write changes, and the tags of the states that it may follow."""

    record: models.Model
    tags: frozenset[str]


def on(record: models.Model, tags: Iterable[str]) -> On:
    """Tags as pages and ETags carry them: what follows a "-" only describes the answer."""
    return On(record, frozenset(tag.strip().strip('"').partition("-")[0] for tag in tags))


def version(record: models.Model) -> str:
    """The state of a record as it was read; the same in a form, in an ETag and in ``If-Match``.

    The moment of the last change, for that is what ``touch`` notes; a digest of the row for a
    table that notes none. "0" for a row that is not there yet.
    """
    if record.pk is None:
        return "0"
    if isinstance(moment := getattr(record, "changed_at", None), datetime):
        return _of_moment(moment)
    values = [
        f"{one.attname}={one.value_from_object(record)!r}" for one in record._meta.concrete_fields
    ]
    return mark("\n".join(values))


def mark(text: str) -> str:
    """A short keyed digest: it tells equal from other, and nothing else."""
    key = str(settings.SECRET_KEY).encode()
    return hmac.new(key, f"state\n{text}".encode(), hashlib.sha256).hexdigest()[:16]


def _of_moment(moment: datetime) -> str:
    return f"{int(moment.timestamp() * 1_000_000):x}"


def refuse_stale(asked: On) -> None:
    """Lock the record and compare its state with the sender's; within the action's transaction."""
    model = type(asked.record)
    rows = model._base_manager.select_for_update().filter(pk=asked.record.pk)
    if any(one.name == "changed_at" for one in model._meta.concrete_fields):
        moment = rows.values_list("changed_at", flat=True).first()
        now = "0" if moment is None else _of_moment(cast(Any, moment))
    else:
        row = rows.first()
        now = "0" if row is None else version(row)
    if now not in asked.tags:
        raise Stale(_("The record has changed meanwhile. Read it again, then decide."))
