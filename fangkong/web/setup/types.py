"""The import whose columns, reasons and desk the set-up shares with page and command."""

from __future__ import annotations

from fangkong.core.imports.types import Kind, kind_named


def areas() -> Kind:
    """Areas from a file."""
    return kind_named("places.areas")
