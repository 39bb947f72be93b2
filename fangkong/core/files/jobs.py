"""What files do by the clock, and when the personal data of their record are destroyed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Model

from fangkong.core.backup import hooks
from fangkong.core.queue.actions import schedule
from fangkong.core.retention.actions import along

from . import actions, queries


@schedule("core.files.orphans", "20 * * * *")
def orphans(at: datetime) -> None:
    """Every hour forgotten uploads go."""
    actions.remove_orphans(at=at)


@schedule("core.files.sweep", "40 3 * * *")
def sweep(at: datetime) -> None:
    """Every night contents that no row names go."""
    actions.sweep(at)


@hooks.invariant("core.files.digests")
def files_are_whole() -> list[str]:
    """In every proof of a backup: each file is what was sent once."""
    return [f"stored file {public_id} is damaged" for public_id in queries.damaged()]


@along
def with_record(model: type[Model], ids: list[UUID], at: datetime) -> None:
    """A photo shows as much as the words beside it."""
    actions.destroy_of(subject_type=model._meta.label_lower, ids=ids, by=None, at=at)
