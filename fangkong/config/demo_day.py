"""Which day a demonstration lives on: a small file beside its database."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

DEFAULT = date(2020, 2, 5)
SCREENING = date(2022, 2, 5)  # ten persons may share a tube by then


def stored_day(data: Path) -> date | None:
    """The demonstration's day, or None where this is no demonstration or the file is damaged."""
    try:
        return date.fromisoformat(json.loads((data / "demo.json").read_text())["day"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def begin(data: Path, day: date) -> None:
    """Make this installation a demonstration of a day, now and at every later start."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "demo.json").write_text(json.dumps({"day": day.isoformat()}))
    _tell(day)


def end(data: Path) -> None:
    """Take the day away again, when the demonstration could not be loaded."""
    (data / "demo.json").unlink(missing_ok=True)
    _tell(None)


def _tell(day: date | None) -> None:
    """Let this process know, whose settings were read before."""
    from django.conf import settings

    settings.FANGKONG_TODAY = day
    settings.FANGKONG_DEMO = day is not None
