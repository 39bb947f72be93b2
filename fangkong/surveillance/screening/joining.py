"""When two records of a person are joined: contacts and observations that cannot both stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.people.duplicates.types import Obstacle

from . import queries


def contacts_stand(kept: int, gone: int, _at: datetime) -> Iterator[Obstacle]:
    """Each contact that was entered of both, or of the case's own person."""
    for exposure in queries.exposed_twice(kept, gone):
        text = _("Both are entered as the same contact of a case. Withdraw this one, then join.")
        yield Obstacle(text, exposure.get_absolute_url())
    for exposure in queries.exposed_to_themselves(kept, gone):
        text = _(
            "One is entered as a contact of the other's case, which is their own then. Withdraw"
            " this contact, then join."
        )
        yield Obstacle(text, exposure.get_absolute_url())


def observations_stand(kept: int, gone: int, _at: datetime) -> Iterator[Obstacle]:
    """Both are under observation for the same disease: a person has one that is open."""
    for observation in queries.watched_twice(kept, gone):
        text = _(
            "Both are under observation for the same disease. End this one as opened in error,"
            " then join."
        )
        yield Obstacle(text, observation.get_absolute_url())
