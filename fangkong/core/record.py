"""The base of every table: a public id, and who made and last changed the row, and when."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import get_script_prefix, reverse
from django.utils.encoding import force_str
from uuid_utils import compat

from fangkong.core.privacy import Personal

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


def new_public_id() -> UUID:
    """A UUIDv7: it sorts by the time it was made, and does not tell how many came before."""
    return compat.uuid7()


def address(page: str, key: UUID) -> str:
    """Where a record's page is: ``reverse(page, args=[key])``, which a list asks row by row."""
    before, after = _around_key(page, get_script_prefix())
    return f"{before}{key}{after}"


@lru_cache(maxsize=256)
def _around_key(page: str, prefix: str) -> tuple[str, str]:
    """What stands before and after the key; ``prefix``: where the whole site stands."""
    key = UUID(int=0)
    before, _key, after = reverse(page, args=[key]).partition(str(key))
    return before, after


class Stamps(TypedDict):
    created_by: AbstractBaseUser | None
    created_at: datetime
    changed_by: AbstractBaseUser | None
    changed_at: datetime


def stamps(by: AbstractBaseUser | None, at: datetime) -> Stamps:
    """The four fields of a new row: ``Card.objects.create(**stamps(by, at), …)``.

    ``by`` is None when the system itself acts, such as a nightly run.
    """
    return {"created_by": by, "created_at": at, "changed_by": by, "changed_at": at}


def stamp_of_an_import() -> models.ForeignKey[Any, Any]:
    """``created_by`` or ``changed_by`` of a table that files of many thousand rows go into.

    PostgreSQL checks each key of each row by a query of its own, which took a quarter of an
    import's time in the database. Who acts comes from the session or the job and is nobody that
    the sender of a file could name; the line of the trail holds the same user, checked; and no
    account is ever deleted (PROTECT holds here as elsewhere).
    """
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )


class Record(models.Model):
    """A row that people work with. Its ``public_id`` is the only id in URLs, files and the API."""

    pii: ClassVar[dict[str, Personal]]

    # Nobody asks for all that a user made or changed, but the trail, which has its own index: two
    # indexes less to keep for every row that is written. A table that is asked so names its own.
    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    changed_at = models.DateTimeField(editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        abstract = True

    def touch(self, by: AbstractBaseUser | None, at: datetime) -> None:
        """Note who changes this row and when; the caller saves."""
        self.changed_by_id = None if by is None else by.pk
        self.changed_at = at

    def _get_FIELD_display(self, field: models.Field[Any, Any]) -> Any:  # noqa: N802  # Django's name
        """A choice in words, as Django's own, which translates all of them to tell one.

        In a list of 500 rows that was a third of the page's time.
        """
        value = getattr(self, field.attname)
        names: dict[Any, Any] = dict(field.flatchoices)
        return force_str(names.get(value, value), strings_only=True)
