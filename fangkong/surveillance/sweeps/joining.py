"""When two records of a person are joined: findings that cannot both stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.people.duplicates.types import Obstacle

from . import queries


def stands(kept: int, gone: int, _at: datetime) -> Iterator[Obstacle]:
    """Both were found with symptoms on one day of one sweep: it was one."""
    for finding in queries.found_twice(kept, gone):
        text = _("Both were found with symptoms on the same day of a sweep; this cannot be joined.")
        yield Obstacle(text, finding.get_absolute_url())
