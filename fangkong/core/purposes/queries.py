"""The register of processing, read from the code; and how each purpose was assessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.db.models import QuerySet

from fangkong.core.dossier import queries as dossier
from fangkong.core.privacy import Personal, Retention
from fangkong.core.retention import queries as retention

from . import types
from .models import Assessment
from .types import SEE_PRIVACY, Purpose

if TYPE_CHECKING:
    from fangkong.core.permissions import Scoped

RENEWED_AFTER = timedelta(days=365)  # our own rule: the law names no term for looking again


@dataclass(frozen=True)
class Held:
    """One table of a purpose: its personal fields by kind, its term, and how a person finds it."""

    label: str
    name: str
    fields: tuple[tuple[str, Personal, str], ...]  # the last: what it is called
    term: Retention | None
    kept: str
    gathered: str


@dataclass(frozen=True)
class Entry:
    """One purpose with its tables and its newest assessment."""

    purpose: Purpose
    tables: tuple[Held, ...]
    assessment: Assessment | None
    stale: bool


def held(label: str) -> Held:
    """What a table declares of the personal data in it."""
    model = apps.get_model(label)
    term = vars(model).get("retention")
    about = dossier.about(model)
    return Held(
        label,
        types.called(model),
        tuple(
            (
                name,
                one,
                str(one.called or getattr(model._meta.get_field(name), "verbose_name", name)),
            )
            for name, one in sorted(vars(model).get("pii", {}).items())
        ),
        term if isinstance(term, Retention) else None,
        retention.in_words(model, term) if isinstance(term, Retention) else "",
        dossier.gathered().get(model, "") or str(about.nobody if about else ""),
    )


def register(user: Scoped, at: datetime) -> list[Entry]:
    """Every purpose, for those who answer for the data."""
    if not user.scope(SEE_PRIVACY, at):
        return []
    newest = {one.purpose: one for one in Assessment.objects.order_by("pk").select_related("by")}
    found = []
    for purpose in types.declared():
        last = newest.get(purpose.name)
        stale = last is None or not last.fit or last.at < at - RENEWED_AFTER
        found.append(Entry(purpose, tuple(map(held, purpose.tables)), last, stale))
    return found


def assessments(user: Scoped, at: datetime) -> QuerySet[Assessment]:
    """Every assessment, newest first."""
    rows = Assessment.objects.select_related("by").order_by("-pk")
    return rows if user.scope(SEE_PRIVACY, at) else rows.none()
