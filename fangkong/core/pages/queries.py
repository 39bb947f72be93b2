"""Read the saved views of a user."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from .models import SavedView
from .types import View

# A list page must not pay a statement for them. Another process may show what was saved here this
# many seconds late.
KEPT = 60


def views_of(user: Any, path: str) -> list[View]:
    """The user's views of the list at a path, by name; none for a visitor."""
    if user.pk is None:
        return []
    found = cache.get(_key(user.pk))
    if found is None:
        found = [
            View(row.public_id, row.name, row.path, row.query, row.is_default)
            for row in owned_by(user)
        ]
        cache.set(_key(user.pk), found, KEPT)
    return [view for view in found if view.path == path]


def owned_by(user: Any) -> QuerySet[SavedView]:
    """The views that a user may change: the own ones."""
    return SavedView.objects.filter(owner=user).order_by("name", "pk")


def forget(user: Any) -> None:
    """Read the user's views anew next time."""
    cache.delete(_key(user.pk))


def _key(pk: int) -> str:
    return f"core.pages.views:{pk}"
