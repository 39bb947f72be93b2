"""The outbreak of Daofu in 2020 as daily counts, and what runs make of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from fangkong.core import clock
from fangkong.places.models import Area
from fangkong.surveillance.monitoring.models import DailyCount
from fangkong.surveillance.monitoring.types import Basis
from fangkong.surveillance.warning import actions
from fangkong.surveillance.warning.models import DetectionRun, Signal
from fangkong.surveillance.warning.types import Trigger

COVID, FLU = "covid-19", "influenza"
# Diagnosed cases by day; before 2 February there were none.
DAOFU = {date(2020, 2, 2): 1, date(2020, 2, 3): 2, date(2020, 2, 4): 2, date(2020, 2, 5): 2}


def moment(day: date, hour: int = 20) -> datetime:
    """A moment of a day in the deployment's zone."""
    return datetime.combine(day, time(hour), tzinfo=clock.zone())


def reported(
    county: Area, days: Mapping[date, int], condition: str = COVID, case_class: str = "confirmed"
) -> None:
    """Counts as monitoring keeps them; a day named again gets the new number."""
    for day, n in days.items():
        DailyCount.objects.update_or_create(
            county=county,
            condition=condition,
            basis=Basis.REPORTED,
            day=day,
            case_class=case_class,
            definition="cn-2020-01",
            defaults={"n": n},
        )


def counted_for_years(county: Area, since: date = date(2016, 1, 4)) -> None:
    """The first case of a register: since its day a day without cases is one."""
    reported(county, {since: 1}, FLU)


def outbreak(county: Area, until: date = date(2020, 2, 5)) -> None:
    """The counts of Daofu up to a day."""
    reported(county, {day: n for day, n in DAOFU.items() if day <= until})


def detected(day: date, at: datetime | None = None, **facts: Any) -> DetectionRun:
    """A run over a day, carried out at eight in the evening of it."""
    at = at or moment(day)
    run = actions.request_run(day=day, trigger=Trigger.ON_DEMAND, by=None, at=at)
    return actions.detect(run=run, by=None, at=at, **facts)


def raised(county: Area, day: date = date(2020, 2, 5)) -> Signal:
    """The one open signal of a county with the outbreak of Daofu."""
    outbreak(county, day)
    detected(day)
    return Signal.objects.get(area=county)


def listed(signal: Signal) -> datetime:
    """When a signal was put on the list; the test fails where it was not."""
    assert signal.listed_at is not None
    return signal.listed_at
