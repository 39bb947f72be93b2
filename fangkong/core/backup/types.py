"""What a backup says of itself, and why one cannot be made or used."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


class BackupProblem(Exception):
    """A backup cannot be made, read or restored; the text says in one line what to do."""


@dataclass(frozen=True)
class Table:
    """What a table held: its rows, the digest of their content in the order of their key."""

    rows: int
    sha256: str
    highest: int | None = None  # the highest id: the watermark


@dataclass(frozen=True)
class File:
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a restore is compared with. It lies, encrypted, at the end of the backup."""

    version: str
    made_at: str
    made_by: str
    database: str  # sqlite or postgresql
    migrations: list[str]  # app.name of each that was applied
    tables: dict[str, Table]
    files: dict[str, File]
    sequences: dict[str, int | None] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)  # uploads deleted while the backup ran
    marks: dict[str, str] = field(default_factory=dict)  # what rooms noted, such as the audit head

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        """The manifest as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Manifest:
        """The manifest from plain values; KeyError or TypeError where it is none."""
        return cls(
            **{
                **plain,
                "tables": {name: Table(**one) for name, one in plain["tables"].items()},
                "files": {name: File(**one) for name, one in plain["files"].items()},
            }
        )
