"""Migrations run without the triggers, which are made anew as soon as they are done."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate

from . import triggers


def listen(core: AppConfig) -> None:
    """Called when core loads."""
    pre_migrate.connect(_before, sender=core, dispatch_uid="fangkong.audit")
    post_migrate.connect(_after, sender=core, dispatch_uid="fangkong.audit")


def _before(using: str, plan: list[Any], **kwargs: object) -> None:
    if plan and connections[using].vendor in ("sqlite", "postgresql"):
        triggers.remove(using)


def _after(using: str, **kwargs: object) -> None:
    triggers.install(using)
