"""Whom the nightly destruction leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fangkong.core.retention.queries import hold

from . import queries


@hold("people.Person")
def found(ids: list[int], at: datetime) -> Iterable[int]:
    """Who was found with symptoms is kept as long as the finding."""
    return queries.persons_kept(ids, at)
