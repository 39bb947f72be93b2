"""What arrivals do by the clock, and whom the nightly destruction leaves alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fangkong.core.queue.actions import schedule
from fangkong.core.retention.queries import hold

from . import actions, queries


@schedule("surveillance.arrivals.remind", "0 8 * * *")
def remind(at: datetime) -> None:
    """At eight each county reads how many arrivals up to the day before nobody took over."""
    actions.remind(at=at)


@hold("people.Person")
def arrived(ids: list[int], at: datetime) -> Iterable[int]:
    """Whoever arrived is kept as long as the arrival."""
    return queries.persons_kept(ids, at)
