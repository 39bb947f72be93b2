"""What is held of one person, as it is given to them; and how a room says it in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# (row, name of a field) -> its value in words, or None where the field speaks for itself
Words = Callable[[Any, str], str | None]
_words: dict[str, Words] = {}


def in_words(label: str) -> Callable[[Words], Words]:
    """A room says the codes of its table in words: ``@in_words("surveillance.Case")``."""

    def register(call: Words) -> Words:
        _words[label] = call
        return call

    return register


def words_of(label: str) -> Words | None:
    """How a table's room says its codes."""
    return _words.get(label)


@dataclass(frozen=True)
class Entry:
    """One value: the field's name, the field in words, the value in words."""

    name: str
    label: str
    value: str


@dataclass(frozen=True)
class Section:
    """The rows of one table about the person; empty fields are left out."""

    table: str
    title: str
    rows: tuple[tuple[Entry, ...], ...]


@dataclass(frozen=True)
class Access:
    """Somebody saw the person's record, or it left the house with a list or a file."""

    at: datetime
    who: str
    way: str
    place: str
    reason: str


@dataclass(frozen=True)
class Deed:
    """Something was done with a record about the person."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True)
class Dossier:
    """All that the house holds of a person at a moment, and who saw it (PIPL 45)."""

    at: datetime
    sections: tuple[Section, ...]
    accesses: tuple[Access, ...]
    deeds: tuple[Deed, ...]
    files: tuple[tuple[str, str], ...]  # (name, kept where) of what staff uploaded

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "as_of": self.at.isoformat(),
            "held": {
                section.table: [{entry.name: entry.value for entry in row} for row in section.rows]
                for section in self.sections
            },
            "seen": [
                {
                    "at": one.at.isoformat(),
                    "by": one.who,
                    "way": one.way,
                    "place": one.place,
                    "reason": one.reason,
                }
                for one in self.accesses
            ],
            "done": [
                {"at": one.at.isoformat(), "by": one.who, "what": one.what} for one in self.deeds
            ],
            "files": [name for name, _stored in self.files],
        }
