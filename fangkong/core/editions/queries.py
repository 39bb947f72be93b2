"""Seldom changed things kept in memory, for as long as the database says that they are current.

``kept`` asks for the mark of a name, and makes the thing anew where the mark is another than when
it was made: a change counts at once, in every process. Within a request the mark is read once, by
the statement that finds the token's user (``core.tokens``), so that asking costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from django.apps import apps

from .models import Edition

T = TypeVar("T")

MOST = 32  # things kept under one name, such as the places of different days

_noted: ContextVar[dict[str, str] | None] = ContextVar("editions", default=None)
_kept: dict[str, dict[Hashable, tuple[str, Any]]] = {}


def names() -> list[str]:
    """The names that tables stand under."""
    found = {vars(model).get("edition", "") for model in apps.get_models()}
    return sorted(found - {""})


@contextmanager
def noting() -> Iterator[None]:
    """Within, a mark that was read holds to the end (of a request), unless something is saved."""
    token = _noted.set({})
    try:
        yield
    finally:
        _noted.reset(token)


def note(marks: dict[str, str]) -> None:
    """Marks that another statement has read along."""
    noted = _noted.get()
    if noted is not None:
        noted.update({name: mark for name, mark in marks.items() if mark})


def forget(name: str) -> None:
    """What was noted of a name holds no longer: this request itself has changed something."""
    noted = _noted.get()
    if noted is not None:
        noted.pop(name, None)


def is_noted(name: str) -> bool:
    """Whether the mark is known without asking."""
    return name in (_noted.get() or {})


def mark_of(name: str) -> str:
    """The current mark; "" where there is none yet."""
    noted = _noted.get()
    if noted is not None and name in noted:
        return noted[name]
    marks = dict(Edition.objects.values_list("name", "mark"))  # a handful; asked once
    note(marks)
    return marks.get(name, "")


def kept(name: str, key: Hashable, make: Callable[[], T]) -> T:
    """What ``make`` gives, kept as long as the mark of ``name`` stays.

    It is shared by all threads: nobody may change it. The mark is read before the thing is made,
    so that a change in between is at worst noticed once too often.
    """
    mark = mark_of(name)
    things = _kept.get(name, {})
    found = things.get(key)
    if mark and found is not None and found[0] == mark:
        return cast(T, found[1])
    thing = make()
    if mark:
        current = {k: v for k, v in things.items() if v[0] == mark and k != key}
        newest = dict(list(current.items())[-(MOST - 1) :])
        _kept[name] = {**newest, key: (mark, thing)}  # put in place whole: threads read meanwhile
    return thing
