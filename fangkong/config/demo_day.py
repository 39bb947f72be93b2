"""Which day a demonstration lives on: a small file beside its database."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path


def stored_day(data: Path) -> date | None:
    """The demonstration's day, or None where this is no demonstration or the file is damaged."""
    try:
        return date.fromisoformat(json.loads((data / "demo.json").read_text())["day"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store_day(data: Path, day: date) -> None:
    """Keep the day for the next start."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "demo.json").write_text(json.dumps({"day": day.isoformat()}))
