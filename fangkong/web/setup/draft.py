"""What was answered so far, kept in a file beside the data: a broken connection loses nothing.

Neither names of staff nor passwords are among it; they come with the last step only.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings


def folder() -> Path:
    """The folder of the draft, for nobody but this account of the machine."""
    path = Path(settings.FANGKONG_DATA) / "setup"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def read() -> dict[str, Any]:
    """The answers by step; nothing where the file is damaged."""
    try:
        found = json.loads((folder() / "draft.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(step: str, answer: dict[str, Any]) -> None:
    """Remember the answer of a step."""
    _write("draft.json", json.dumps({**read(), step: answer}, ensure_ascii=False).encode())


def keep_file(data: bytes) -> None:
    """Remember the file as it came, until its columns are matched."""
    _write("given", data)


def given() -> bytes:
    """The file as it came; empty where there is none."""
    path = folder() / "given"
    return path.read_bytes() if path.is_file() else b""


def keep_rows(fields: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    """Remember the rows under our own headings, as ``fangkong setup --places`` takes them."""
    out = io.StringIO()
    table = csv.DictWriter(out, fieldnames=list(fields))
    table.writeheader()
    table.writerows(rows)
    _write("places.csv", out.getvalue().encode())


def places() -> Path | None:
    """The file of ``keep_rows``; None where no file was given."""
    path = folder() / "places.csv"
    return path if path.is_file() else None


def forget_places() -> None:
    """The shipped areas are enough."""
    for name in ("given", "places.csv"):
        (folder() / name).unlink(missing_ok=True)


def forget() -> None:
    """The house is set up."""
    forget_places()
    (folder() / "draft.json").unlink(missing_ok=True)
    folder().rmdir()


def _write(name: str, data: bytes) -> None:
    path = folder() / name
    path.touch(mode=0o600)
    path.write_bytes(data)
