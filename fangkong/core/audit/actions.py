"""Write to the audit trail. Each action does so once, in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models

from fangkong.core.request_id import request_id

from .models import AuditLine

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Plain = str | int | float | bool | None
Detail = Mapping[str, object]


def record(
    action: str,
    subject: models.Model,
    *,
    by: AbstractBaseUser | None,
    at: datetime,
    reason: str = "",
    detail: Detail | None = None,
) -> AuditLine:
    """Add the one line of an action: room.part.verb, done to ``subject``.

    ``detail`` holds plain values that help a reader: old and new states, amounts, codes. Never
    personal data: name only the fields that changed (see ``changes``).
    """
    return AuditLine.objects.create(
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        subject_public_id=getattr(subject, "public_id", None),
        by_id=None if by is None else by.pk,
        at=at,
        reason=reason,
        detail=dict(detail or {}),
        request_id=request_id.get(),
    )


def changes(
    record: models.Model, new: Mapping[str, object], *, personal: frozenset[str] | None = None
) -> dict[str, list[Plain] | str]:
    """What an edit changes, ready for ``detail``: ``{field: [old, new]}``.

    Fields that the model declares personal (or that ``personal`` names) show only that they
    changed. Call it before the new values are set.
    """
    hidden = frozenset(getattr(record, "pii", {})) if personal is None else personal
    found: dict[str, list[Plain] | str] = {}
    for field, value in new.items():
        old = getattr(record, field)
        if old != value:
            found[field] = "changed" if field in hidden else [_plain(old), _plain(value)]
    return found


def _plain(value: object) -> Plain:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value.pk) if isinstance(value, models.Model) else str(value)
