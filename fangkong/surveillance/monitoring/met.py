"""What is said of cases that cards turn out to belong to: of those elsewhere no more than that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from fangkong.core.audit import actions as audit
from fangkong.core.audit import refusals
from fangkong.core.audit.types import How

from . import queries
from .facts import Reason

if TYPE_CHECKING:
    from fangkong.accounts.models import User

    from .models import Case

ELSEWHERE = Reason("reported_elsewhere")


def elsewhere(cases: Iterable[Case], *, by: User | None, at: datetime) -> frozenset[int]:
    """Keys of those of these cases that ``by`` may not open.

    Whoever sends a number and a disease learns from the answer that its person has the disease:
    that is a view of the person. It is noted, also where the card itself is refused.
    """
    found = {case.pk: case for case in cases}
    if by is None or not found:
        return frozenset()
    own = set(queries.open_to(by, at).filter(pk__in=[*found]).values_list("pk", flat=True))
    hidden = [case for key, case in found.items() if key not in own]
    if hidden:
        place = "surveillance.monitoring.met"
        refusals.stands(audit.seen, hidden, by=by, at=at, how=How.FOUND, place=place)
    return frozenset(case.pk for case in hidden)
