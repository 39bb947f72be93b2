"""Whom the nightly destruction of persons leaves alone, and when the register is searched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fangkong.core.retention.queries import hold

from . import queries


@hold("people.Person")
def signposts(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever leads to another record is kept as long as that one, so that it can be undone."""
    return queries.signposts_kept(ids)
