"""What the detector compares: the views of a day, and what is known of viewers and persons."""

from __future__ import annotations

from datetime import date

from fangkong.accounts import queries as accounts
from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.audit.types import How
from fangkong.people import queries as people
from fangkong.surveillance.monitoring import queries as monitoring

from . import rules


def unusual_views(day: date) -> list[rules.Found]:
    """The findings of a day's views, ready to be kept."""
    start = clock.start_of(day)
    rows = audit.all_sights().filter(
        at__gte=start,
        at__lt=clock.next_day(start),
        how__in=[How.OPENED, How.REVEALED],
        subject_type="people.person",
    )
    views = [rules.View(*row) for row in rows.values_list("by_id", "subject_id", "at")]
    seen = {view.person for view in views}
    at_work = monitoring.persons_with_cases(seen)
    persons = {
        key: rules.Known(surname, county, key in at_work)
        for key, (surname, county) in people.surnames(seen).items()
    }
    viewers = accounts.neighbourhoods({view.viewer for view in views}, day)
    return rules.unusual(
        views,
        persons,
        {key: surname for key, (surname, _counties) in viewers.items()},
        {key: counties for key, (_surname, counties) in viewers.items()},
    )
