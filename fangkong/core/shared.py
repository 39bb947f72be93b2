"""Rows that are kept in memory and shared by all requests (``core.editions``): nobody writes them.

One that a view changes would be changed for everybody, in no database and in no trail. So a write
to it is an error in the program, and told where it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from django.db import models

T = TypeVar("T", bound="Shareable")
_MARK = "_is_shared"


class SharedByAll(RuntimeError):
    """Somebody writes to a record that all requests share.

    No TypeError or AttributeError: Django's prefetch passes over those without a word.
    """

    def __init__(self, record: models.Model) -> None:
        super().__init__(
            f"{type(record).__name__} {record.pk} is kept in memory for all requests: read it from "
            "the database to change it, or take a copy.copy of it"
        )


class Shareable(models.Model):
    """A table whose rows may be shared; a copy of one, or one that is read anew, is one's own."""

    class Meta:
        abstract = True

    def __setattr__(self, name: str, value: object) -> None:
        if _MARK in self.__dict__:
            raise SharedByAll(self)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if _MARK in self.__dict__:
            raise SharedByAll(self)
        super().__delattr__(name)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made of."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != _MARK}

    def __copy__(self) -> Self:
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__getstate__())
        return made

    def save(self, *args: Any, **kwargs: Any) -> None:
        if _MARK in self.__dict__:
            raise SharedByAll(self)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        if _MARK in self.__dict__:
            raise SharedByAll(self)
        return super().delete(*args, **kwargs)


def shared(rows: Iterable[T]) -> list[T]:
    """The rows, of which none can be written any more."""
    found = list(rows)
    for row in found:
        row.__dict__[_MARK] = True
    return found
