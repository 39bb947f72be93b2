"""Finding, joining and checking the files of rule packs.

A pack may extend another (``extends``): it then inherits that pack's rows, a row of its own with
the same code takes the place of the inherited one, and ``[drop]`` names those it leaves out
(``"*"``: all of a section).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from fangkong.packs import types as t
from fangkong.packs.reader import read
from fangkong.packs.table import Raw, Table, rows

SHIPPED = Path(__file__).parent / "data"

SECTIONS = (
    "sources",
    "clauses",
    "conditions",
    "report_clocks",
    "case_classes",
    "severity",
    "occupations",
    "residence_relations",
    "identity_documents",
    "warning_rules",
    "warning_clocks",
    "place_rules",
    "count_definitions",
    "privacy_terms",
    "specimen_types",
    "test_methods",
    "test_groups",
    "pool_rules",
    "tested_singly",
    "test_judgements",
    "exposure_kinds",
    "contact_classes",
    "contact_windows",
    "contact_rules",
    "watch_terms",
    "incubations",
    "origin_tiers",
    "screening_questions",
    "card_checks",
    "supply_items",
    "supply_substitutes",
    "supply_roles",
    "supply_norms",
    "supply_reserves",
    "supply_disclosures",
    "supply_dailies",
    "supply_papers",
)
# In [drop]: all inherited rows of a section.
EVERY_ROW = "*"
SETTINGS = ("moving_percentile", "adaptive", "ears", "load")


def load(folders: Iterable[Path]) -> tuple[t.Pack, ...]:
    """Read every ``*.toml`` of the folders, by jurisdiction and first day.

    PackError where a folder is missing, a file is not understood, or two issued packs of one
    jurisdiction hold on the same day.
    """
    raws = _raws(_files(folders))
    packs = [read(file, _inherit(raws, pack_id, ())) for pack_id, (file, _) in raws.items()]
    _refuse_unknown_neighbours(packs)
    _refuse_overlaps(packs)
    return tuple(sorted(packs, key=lambda pack: (pack.jurisdiction, pack.valid_from, pack.id)))


def _files(folders: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for folder in folders:
        if not folder.is_dir():
            raise t.PackError(f"{folder}: there is no such folder of rule packs; check the path")
        files += sorted(folder.glob("*.toml"))
    return files


def _raws(files: Iterable[Path]) -> dict[str, tuple[str, Raw]]:
    """The files as plain tables, by the id in their header."""
    raws: dict[str, tuple[str, Raw]] = {}
    for path in files:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as problem:
            raise t.PackError(f"{path.name}: not a TOML file: {problem}") from problem
        except UnicodeDecodeError as problem:
            raise t.PackError(f"{path.name}: not UTF-8; save the file as UTF-8") from problem
        except OSError as problem:
            raise t.PackError(f"{path.name}: cannot be read: {problem.strerror}") from problem
        header = Table(path.name, "pack", raw.get("pack", {}))
        pack_id = header.code("id")
        if pack_id in raws:
            header.refuse(
                "id", f"{pack_id!r} is also the id in {raws[pack_id][0]}; give one another id"
            )
        _check_shape(path.name, raw)
        raws[pack_id] = path.name, raw
    return raws


def _check_shape(file: str, raw: Raw) -> None:
    """Only known sections, each a list of tables with codes that differ."""
    whole = Table(file, "the file", raw)
    whole.skip(("pack", "drop", *SETTINGS, *SECTIONS))
    whole.end()
    for key in ("pack", "drop", *SETTINGS):
        if whole.has(key):
            Table(file, key, raw[key])
    for section in SECTIONS:
        seen: set[str] = set()
        for row in rows(file, section, raw):
            code = row.code()
            if code in seen:
                row.refuse("code", f"{code!r} is used twice; give one row another code")
            seen.add(code)


def _inherit(raws: Mapping[str, tuple[str, Raw]], pack_id: str, heirs: tuple[str, ...]) -> Raw:
    """The pack's tables on top of those of the pack it extends."""
    file, raw = raws[pack_id]
    header = Table(file, "pack", raw["pack"])
    base_id = header.words("extends", "")
    drop = Table(file, "drop", raw.get("drop", {}))
    if not base_id:
        if raw.get("drop"):
            header.refuse("extends", "missing; [drop] leaves out rows of the pack it extends")
        return raw
    if base_id in (*heirs, pack_id):
        header.refuse("extends", f"{base_id!r} extends this pack in turn; break the circle")
    if base_id not in raws:
        header.refuse("extends", f"there is no pack {base_id!r}; known: {', '.join(raws)}")
    base = _inherit(raws, base_id, (*heirs, pack_id))
    merged = {key: raw.get(key, base.get(key)) for key in SETTINGS if key in raw or key in base}
    for section in SECTIONS:
        merged[section] = _merge(drop, section, base.get(section, []), raw.get(section, []))
    drop.end()
    return {**merged, "pack": raw["pack"]}


def _merge(drop: Table, section: str, base: list[Raw], own: list[Raw]) -> list[Raw]:
    """Inherited rows in their order, replaced where the pack has its own, then its new rows."""
    dropped = drop.many(section)
    known = {row["code"] for row in base}
    if dropped == (EVERY_ROW,):
        dropped = tuple(known)
    for code in dropped:
        if code not in known:
            drop.refuse(section, f"the extended pack has no row {code!r}; correct or remove it")
    mine = {row["code"]: row for row in own}
    kept = [mine.pop(row["code"], row) for row in base if row["code"] not in dropped]
    return [*kept, *mine.values()]


def _refuse_unknown_neighbours(packs: Sequence[t.Pack]) -> None:
    ids = {pack.id for pack in packs}
    for pack in packs:
        if pack.replaces and pack.replaces not in ids:
            Table(pack.file, "pack", {}).refuse(
                "replaces", f"there is no pack {pack.replaces!r}; known: {', '.join(sorted(ids))}"
            )


def _refuse_overlaps(packs: Sequence[t.Pack]) -> None:
    """Two issued packs of one jurisdiction never hold on the same day."""
    issued = [pack for pack in packs if pack.status == "issued"]
    in_order = sorted(issued, key=lambda pack: (pack.jurisdiction, pack.valid_from))
    for before, after in pairwise(in_order):
        if before.jurisdiction == after.jurisdiction and before.covers(after.valid_from):
            end = before.valid_to or "without an end"
            raise t.PackError(
                f'{after.file}, pack, key "valid_from": {after.valid_from} is still covered by'
                f" {before.id} in {before.file} (to {end}); set its valid_to to the day before"
            )
