"""The door to the rule packs: which rules hold here, on this day?

``folder`` names a folder with packs of your own beside the shipped ones; where it is not given, the
environment variable FANGKONG_PACKS is asked. Packs are read once per folder and process.
"""

from __future__ import annotations

import os
from datetime import date
from functools import lru_cache
from pathlib import Path

from fangkong.packs import loader, rules
from fangkong.packs.rules import (
    case_class,
    case_classes,
    condition,
    count_definition,
    deadline,
    differences,
    jurisdictions,
    listed,
    managed_as,
    name,
    named,
    report_deadline,
    review_deadline,
    severities,
    subtype,
    warning_rules,
)
from fangkong.packs.types import Pack, UnknownCode

__all__ = [
    "all_packs",
    "case_class",
    "case_classes",
    "condition",
    "count_definition",
    "deadline",
    "differences",
    "in_force",
    "jurisdictions",
    "listed",
    "managed_as",
    "name",
    "named",
    "pack",
    "report_deadline",
    "review_deadline",
    "severities",
    "subtype",
    "warning_rules",
]


def all_packs(*, folder: Path | None = None) -> tuple[Pack, ...]:
    """Every pack, drafts too, by jurisdiction and first day; PackError where one is broken."""
    chosen = str(folder or os.environ.get("FANGKONG_PACKS", ""))
    return _read_once(chosen)


def pack(pack_id: str, *, folder: Path | None = None) -> Pack:
    """The pack with this id; UnknownCode if there is none."""
    for candidate in all_packs(folder=folder):
        if candidate.id == pack_id:
            return candidate
    raise UnknownCode(f"there is no rule pack {pack_id!r}")


def in_force(area_code: str, on: date, *, folder: Path | None = None) -> Pack:
    """The pack in force for an area on a day; NoPackInForce where none is."""
    return rules.in_force(all_packs(folder=folder), area_code, on)


@lru_cache(maxsize=8)
def _read_once(folder: str) -> tuple[Pack, ...]:
    folders = [loader.SHIPPED, Path(folder)] if folder else [loader.SHIPPED]
    return loader.load(folders)
