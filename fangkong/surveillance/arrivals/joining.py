"""When two records of a person are joined: arrivals that cannot both stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.people.duplicates.types import Obstacle

from . import queries


def stands(kept: int, gone: int, _at: datetime) -> Iterator[Obstacle]:
    """Both were registered as arrivals of the same day: it was one."""
    for arrival in queries.arrived_twice(kept, gone):
        text = _("Both were registered as arriving on the same day. Withdraw this one, then join.")
        yield Obstacle(text, arrival.get_absolute_url())
