"""Audit lines in words: rooms name their verbs, ``{{ line|verb }}`` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from fangkong.core.audit import describe
from fangkong.core.audit.models import AuditLine
from fangkong.core.audit.types import SEE_TRAIL, words

register = template.Library()


@register.filter
def verb(line: AuditLine) -> str:
    """What was done, in the language of the page; the dotted verb where nobody named it."""
    return str(words(line.action))


@register.simple_tag(takes_context=True)
def row_changes(context: dict[str, Any], history: Sequence[AuditLine]) -> list[describe.Step]:
    """What the database saw of the record of a history, for those who may read the trail."""
    request = context.get("request")
    if request is None or not history or "trail" not in request.GET:
        return []
    if not request.user.scope(SEE_TRAIL, request.now):
        return []
    return describe.steps_of(history[0].subject_type, history[0].subject_id, limit=50)


@register.simple_tag(takes_context=True)
def may_read_trail(context: dict[str, Any]) -> bool:
    """Whether the reader of the page reads the trail."""
    request = context.get("request")
    return request is not None and bool(request.user.scope(SEE_TRAIL, request.now))
