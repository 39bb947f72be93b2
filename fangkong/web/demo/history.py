"""Read the demonstration's own data files. No Django."""

from __future__ import annotations

import csv
import tomllib
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fangkong.packs.types import Text

from .rules import Arrivals, County, Day, Groups, History, Split

FOLDER = Path(__file__).resolve().parent / "data"
TEXTS = ("about", "shift", "derivation")


def table(name: str) -> dict[str, Any]:
    """One TOML file of the folder ``data``."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def read() -> History:
    """The history as the files tell it."""
    told = table("ganzi_2020")
    derived = told["derivation"]
    return History(
        days=tuple(_days()),
        splits=tuple(Split(s["day"], s["counties"], tuple(s["sources"])) for s in told["splits"]),
        imports=tuple(Arrivals(a["day"], a["county"], a["cases"]) for a in derived["imports"]),
        rest=derived["rest"],
        groups=tuple(_groups(row) for row in told["groups"]),
        counties={code: _county(code, row) for code, row in told["counties"].items()},
        import_place=told["origins"]["imports"],
        rest_places=tuple(told["origins"]["rest"]),
        sources={row["code"]: text(row) for row in told["sources"]},
        texts={name: text(told[name]) for name in TEXTS},
    )


def text(row: dict[str, Any]) -> Text:
    """The words of a row in both languages."""
    return Text(zh=row["zh"], en=row["en"])


def _days() -> list[Day]:
    with (FOLDER / "daily.csv").open(encoding="utf-8", newline="") as file:
        return [
            Day(
                day=date.fromisoformat(row["day"]),
                as_of=datetime.fromisoformat(row["as_of"]),
                confirmed=int(row["confirmed"]),
                cured=int(row["cured"]),
                dead=int(row["dead"]),
                listed_under=date.fromisoformat(row["listed_under"]),
                sources=tuple(row["sources"].split()),
            )
            for row in csv.DictReader(file)
        ]


def _groups(row: dict[str, Any]) -> Groups:
    return Groups(**{name: row[name] for name in Groups.__dataclass_fields__})


def _county(code: str, row: dict[str, Any]) -> County:
    return County(code, text(row), row["file"], row["hospital"], row.get("old_code", code))


def default_day() -> date:
    """The day of the demonstration where none is chosen."""
    day: date = table("ganzi_2020")["default_day"]
    return day
