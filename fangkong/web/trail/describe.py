"""The trail in words: kinds of records, and the story of one."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.http import Http404
from django.utils.functional import Promise

from fangkong.core.audit import describe, queries
from fangkong.core.audit.describe import Step
from fangkong.core.audit.models import AuditLine


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
    lines = queries.history_of(row, limit=100)
    return Story(kind(label), key, lines, describe.steps(row))
