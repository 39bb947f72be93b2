"""Read files, for those who may see the record they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Min, QuerySet, Sum

from fangkong.core.record import Record

from . import rules, types
from .models import StoredFile
from .types import Use

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

DAY = timedelta(days=1)


def open_to(user: AbstractBaseUser, public_id: UUID, at: datetime) -> StoredFile | None:
    """The file, if this user may see its record; an upload not yet used only its sender sees."""
    file = StoredFile.objects.filter(public_id=public_id).first()
    if file is None:
        return None
    if file.subject_id is None:
        return file if file.created_by_id == user.pk else None
    return file if types.sees(file.use)(user, file.subject_id, at) else None


def of(use: Use, subject: Record) -> QuerySet[StoredFile]:
    """The files of a record that the caller has already found to be open to its user."""
    return StoredFile.objects.filter(
        use=use.name, subject_type=subject._meta.label_lower, subject_id=subject.public_id
    ).order_by("pk")


def sent_by(use: Use, user: AbstractBaseUser, ids: Iterable[UUID]) -> list[StoredFile]:
    """Which of these a user has uploaded for a use, whatever became of them."""
    found = StoredFile.objects.filter(use=use.name, created_by=user.pk, public_id__in=list(ids))
    return list(found.order_by("pk"))


def sent_today(user: AbstractBaseUser, at: datetime) -> tuple[int, int, datetime]:
    """How many files and bytes a user has sent in the last 24 hours, and since when."""
    found = StoredFile.objects.filter(created_by=user.pk, created_at__gt=at - DAY).aggregate(
        count=Count("pk"), size=Sum("size", default=0), first=Min("created_at")
    )
    return found["count"], found["size"], found["first"] or at


def orphans(at: datetime) -> QuerySet[StoredFile]:
    """Uploads of more than a day ago that no record has taken."""
    return StoredFile.objects.filter(subject_id=None, created_at__lt=at - DAY).order_by("pk")


def damaged() -> list[str]:
    """Whose content is not as it was stored: the public ids; reads every file.

    What is gone is not meant: a backup may lack what was thrown away while it was made.
    """
    return [
        str(file.public_id) for file in StoredFile.objects.order_by("pk") if not _is_whole(file)
    ]


def _is_whole(file: StoredFile) -> bool:
    try:
        with file.path.open("rb") as content:
            return rules.digest(content) == file.sha256
    except FileNotFoundError:
        return True
    except OSError:
        return False
