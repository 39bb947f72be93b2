"""Pieces of sentences that every language joins in its own way."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def listed(names: Iterable[object]) -> str:
    """Some names in a row, in the language of the page: fever, cough; 发热、咳嗽."""
    return _(", ").join(str(name) for name in names)


def listed_apart(lines: Iterable[object]) -> str:
    """Some phrases in a row, each of which may hold a comma: one; another."""
    return pgettext("between phrases", "; ").join(str(line) for line in lines)
