"""``fangkong places``: load the directory of areas and facilities, or bring it up to date."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from fangkong.core import clock
from fangkong.places import actions, rules
from fangkong.places.models import Area, Facility
from fangkong.places.types import (
    AliasKind,
    AreaFacts,
    CountKind,
    FacilityFacts,
    FacilityKind,
)

DATA = Path(__file__).resolve().parents[2] / "data"


class Said(TypedDict):
    """Where a row is known from."""

    source_zh: str
    source_en: str


@dataclass(frozen=True)
class Tables:
    """The files of the folder ``data``, read but not yet believed."""

    areas: list[dict[str, str]]
    successions: list[dict[str, str]]
    aliases: list[dict[str, str]]
    populations: list[dict[str, str]]
    facilities: list[dict[str, str]]
    sources: dict[str, dict[str, str]] = field(default_factory=dict)

    def said(self, row: dict[str, str]) -> Said:
        """The sources of a row in both languages."""
        named = [self.sources[name] for name in row["sources"].split()]
        return {
            "source_zh": "；".join(source["zh"] for source in named),
            "source_en": "; ".join(source["en"] for source in named),
        }


def read(folder: Path = DATA) -> Tables:
    """All files of the folder."""

    def table(name: str) -> list[dict[str, str]]:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return Tables(
        areas=table("areas"),
        successions=table("successions"),
        aliases=table("aliases"),
        populations=table("populations"),
        facilities=table("facilities"),
        sources=tomllib.loads((folder / "sources.toml").read_text(encoding="utf-8")),
    )


def faults(tables: Tables) -> Iterator[str]:
    """Every sentence about what is wrong in the files."""
    codes = {row["code"] for row in tables.areas}
    before: set[str] = set()
    for row in tables.areas:
        if not rules.code_fits(row["code"], row["level"]):
            yield f"areas.csv: {row['code']} is no code of a {row['level']}"
        if row["parent"] and row["parent"] not in before:
            yield f"areas.csv: {row['code']} stands before its parent {row['parent']}"
        before.add(row["code"])
    for name, rows, columns in (
        ("successions.csv", tables.successions, ("before", "after")),
        ("aliases.csv", tables.aliases, ("code",)),
        ("populations.csv", tables.populations, ("code",)),
        ("facilities.csv", tables.facilities, ("area",)),
    ):
        for row in rows:
            for column in columns:
                if row[column] not in codes:
                    yield f"{name}: there is no area {row[column]}"
    for name, rows, words in (
        ("aliases.csv", tables.aliases, AliasKind.values),
        ("populations.csv", tables.populations, CountKind.values),
        ("facilities.csv", tables.facilities, FacilityKind.values),
    ):
        for row in rows:
            if row["kind"] not in words:
                yield f"{name}: {row['kind']} is none of {', '.join(words)}"
    for rows in (tables.areas, tables.aliases, tables.populations, tables.facilities):
        for row in rows:
            for source in row["sources"].split():
                if source not in tables.sources:
                    yield f"sources.toml: there is no [{source}]"


def of_district(tables: Tables, home: str) -> list[dict[str, str]]:
    """The facilities of the prefecture that is served, or that the served county lies in."""
    areas = {row["code"]: row for row in tables.areas}

    def upwards(code: str) -> Iterator[str]:
        while code:
            yield code
            code = areas[code]["parent"] if code in areas else ""

    levels = {code: row["level"] for code, row in areas.items()}
    district = next((code for code in upwards(home) if levels.get(code) == "prefecture"), home)
    return [row for row in tables.facilities if district in upwards(row["area"])]


@transaction.atomic
def load(tables: Tables, at: datetime) -> dict[str, int]:
    """Write the files through the actions; what is as it was stays untouched. Gives row counts."""
    areas = _load_areas(tables, at)
    for row in tables.successions:
        actions.link_succession(
            before=areas[row["before"]],
            after=areas[row["after"]],
            on=date.fromisoformat(row["on"]),
            by=None,
            at=at,
            **tables.said(row),
        )
    for row in tables.aliases:
        actions.put_alias(
            area=areas[row["code"]],
            text=row["text"],
            language=row["language"],
            kind=row["kind"],
            by=None,
            at=at,
            **tables.said(row),
        )
    for row in tables.populations:
        actions.put_population(
            area=areas[row["code"]],
            year=int(row["year"]),
            count=int(row["people"]),
            kind=row["kind"],
            by=None,
            at=at,
            **tables.said(row),
        )
    _load_facilities(tables, areas, at)
    return {"areas": len(areas), "facilities": len(tables.facilities)}


def _load_areas(tables: Tables, at: datetime) -> dict[str, Area]:
    areas: dict[str, Area] = {}
    for row in tables.areas:
        facts = AreaFacts(
            code=row["code"],
            level=row["level"],
            parent_id=areas[row["parent"]].pk if row["parent"] else None,
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            name_bo=row["name_bo"],
            short_zh=row["short_zh"],
            short_en=row["short_en"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=_or_none(date.fromisoformat, row["valid_to"]),
            lon=_or_none(Decimal, row["lon"]),
            lat=_or_none(Decimal, row["lat"]),
            area_km2=_or_none(int, row["area_km2"]),
            **tables.said(row),
        )
        areas[row["code"]] = actions.put_area(facts=facts, by=None, at=at)
    return areas


def _load_facilities(tables: Tables, areas: dict[str, Area], at: datetime) -> None:
    """Add the facilities that are missing; what staff have since corrected is left alone."""
    for row in tables.facilities:
        area = areas[row["area"]]
        if Facility.objects.filter(area=area, name_zh=row["name_zh"]).exists():
            continue
        facts = FacilityFacts(
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            kind=row["kind"],
            area_id=area.pk,
            **tables.said(row),
        )
        actions.add_facility(facts=facts, by=None, at=at)


def _or_none(read: Any, text: str) -> Any:
    return read(text) if text else None


class Command(BaseCommand):
    help = "Load the directory of areas and facilities, or bring it up to date."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only look whether the files are right"
        )
        parser.add_argument(
            "--areas-only", action="store_true", help="no facilities: who is served is not known"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tables = read()
        if found := list(faults(tables)):
            raise CommandError("\n".join(found))
        if options["check"]:
            self.stdout.write("places: the files are right")
            return
        home = settings.FANGKONG_AREA
        facilities = [] if options["areas_only"] else of_district(tables, home)
        counts = load(replace(tables, facilities=facilities), clock.now())
        self.stdout.write(
            "places: " + ", ".join(f"{count} {name}" for name, count in counts.items())
        )
