"""A request that changes something reads it anew itself."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save

from .queries import forget


def _changed(sender: type[Any], **kwargs: object) -> None:
    if name := vars(sender).get("edition", ""):
        forget(name)


def listen() -> None:
    """Called when core loads."""
    post_save.connect(_changed, dispatch_uid="fangkong.editions")
    post_delete.connect(_changed, dispatch_uid="fangkong.editions")
