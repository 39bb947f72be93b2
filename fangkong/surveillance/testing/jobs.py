"""Whom the nightly destruction of persons leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fangkong.core.retention.queries import hold

from . import queries


@hold("people.Person")
def tested(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever was tested is kept as long as the specimen."""
    return queries.persons_kept(ids, at)
