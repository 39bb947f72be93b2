"""When two records of a person are joined: requests that cannot both wait for one person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import filled
from fangkong.people.duplicates.types import Obstacle

from . import queries


def stands(kept: int, gone: int, _at: datetime) -> Iterator[Obstacle]:
    """Each test that the same facility has asked for of both, and that nobody has taken yet."""
    for one, other in queries.asked_of_both(kept, gone):
        text = _(
            "The same test is asked for of both, and not taken yet: %(one)s and %(other)s. Cancel"
            " one of the two, then join."
        )
        yield Obstacle(filled(text, one=one.number, other=other.number), other.get_absolute_url())
