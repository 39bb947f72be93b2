"""Audit lines in words: rooms name their verbs, ``{{ line|verb }}`` shows them."""

from __future__ import annotations

from django import template

from fangkong.core.audit.models import AuditLine
from fangkong.core.audit.types import words

register = template.Library()


@register.filter
def verb(line: AuditLine) -> str:
    """What was done, in the language of the page; the dotted verb where nobody named it."""
    return str(words(line.action))
