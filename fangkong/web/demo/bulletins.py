"""The bulletins of the demonstration, counted from its cards, and who reported each day.

Their figures fit the published ones, for the invented cards do; the texts are the house's own.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from fangkong.places import queries as places
from fangkong.surveillance.bulletins import actions, queries

from . import invented, rules

if TYPE_CHECKING:
    from .outbreak import Stage

DAY = timedelta(days=1)
ORDER = "州应急指挥部通知（演示）· Notice of the headquarters (demonstration)"
DUE_HOUR = 9
NIL_DAYS = 3  # of which facilities said that they had no case
SILENT = 7  # of so many facilities one has said nothing yet


def tell(stage: Stage, first: date, yesterday: date, at: datetime) -> int:
    """Daily reporting since the first case; a bulletin each morning until the day before yesterday.
    Yesterday's draft lies ready for who tries the house. Gives the number of bulletins."""
    hq = stage.staff["hq"]
    begun = datetime.combine(first, time(12), invented.ZONE)
    actions.order(
        condition=invented.CONDITION,
        first_day=first,
        due_hour=DUE_HOUR,
        basis=ORDER,
        by=hq,
        at=begun,
    )
    made = 0
    for day in rules.days_between(first, yesterday):
        midnight = datetime.combine(day + DAY, time(0, 10), invented.ZONE)
        if midnight > at:
            break
        for area, condition in queries.series_due(day):
            draft = actions.prepare_by_itself(area=area, condition=condition, day=day, at=midnight)
            made += 1
            if day < yesterday:
                actions.issue(bulletin=draft, by=hq, at=midnight + timedelta(hours=8))
    for day in rules.days_between(max(first, yesterday - (NIL_DAYS - 1) * DAY), yesterday):
        _say_nil(stage, day)
    return made


def _say_nil(stage: Stage, day: date) -> None:
    """The facilities without a case say so in the evening; some of them have not yet."""
    counties = [one.pk for one in places.counties_of_home(day)]
    facilities = queries.reporting_facilities(counties, day)
    cards = queries.cards_by_facility(invented.CONDITION, day, [one.pk for one in facilities])
    for n, facility in enumerate(facilities):
        if facility.pk in cards or n % SILENT == SILENT - 1:
            continue
        actions.report_nil(
            facility=facility,
            condition=invented.CONDITION,
            day=day,
            by=stage.staff["hq"],
            at=datetime.combine(day, time(21, n % 60), invented.ZONE),
        )
