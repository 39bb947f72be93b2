"""What other rooms may use of files: they declare for what files are taken, and who sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import types as audit
from fangkong.core.permissions import Permission

from .kinds import DOCUMENTS, KINDS, MEGABYTE, PHOTOS, Kind

__all__ = ["DOCUMENTS", "KINDS", "MEGABYTE", "PHOTOS", "Kind", "Use", "declare", "show_to", "use"]

# (user, public id of the record that the file belongs to, moment) -> may see it
Sees = Callable[[Any, UUID, datetime], bool]


@dataclass(frozen=True)
class Use:
    """What files are for: which kinds, how large, how many to one record, and who may send them."""

    name: str
    permission: Permission
    kinds: tuple[Kind, ...]
    largest: int = 10 * MEGABYTE  # bytes of one file
    most: int = 10  # files of one record

    def takes(self, kind: Kind) -> bool:
        return kind in self.kinds


_uses: dict[str, Use] = {}
_sees: dict[str, Sees] = {}


def declare(use: Use) -> Use:
    """Make a use known, in the ``types.py`` of the part that keeps the record."""
    if use.name in _uses:
        raise ValueError(f"use of files {use.name} is declared twice")
    _uses[use.name] = use
    return use


def show_to(use: Use, sees: Sees) -> None:
    """Say who sees the files of a use: in ``AppConfig.ready``, with a query of the owning part."""
    _sees[use.name] = sees


def use(name: str) -> Use | None:
    """The use of a name, or None."""
    return _uses.get(name)


def sees(name: str) -> Sees:
    """Who sees the files of a use; nobody where the owning part is gone."""
    return _sees.get(name, lambda user, subject, at: False)


audit.name_verbs(
    {
        "core.files.upload": _("File uploaded"),
        "core.files.attach": _("Files added"),
        "core.files.discard": _("Uploaded file discarded"),
        "core.files.remove_orphans": _("Forgotten uploads removed"),
        "core.files.destroy": _("File destroyed with its record's personal data"),
    }
)
