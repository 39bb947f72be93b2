"""The outbreak of Daofu in 2020 as daily counts, and what runs make of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from fangkong.accounts.models import User
from fangkong.core import clock
from fangkong.core.record import stamps
from fangkong.places.models import Area
from fangkong.surveillance.monitoring.models import DailyCount
from fangkong.surveillance.monitoring.types import Basis
from fangkong.surveillance.warning import actions, investigating, products
from fangkong.surveillance.warning.models import DetectionRun, Investigation, Signal, WarningProduct
from fangkong.surveillance.warning.types import Findings, ProductFacts, Trigger

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


def answered(
    signal: Signal, by: User, outcome: str = "suspected_event", at: datetime | None = None
) -> Signal:
    """A signal that its county answered."""
    return actions.answer(
        signal=signal,
        outcome=outcome,
        note="Five cases share a meal",
        by=by,
        at=at or moment(signal.day),
    )


def found_on_site(**facts: Any) -> Findings:
    """What a team found in Daofu, as far as the test does not say otherwise."""
    usual = {
        "cases_found": 9,
        "at_risk": 120,
        "deaths": 0,
        "setting": "worship",
        "first_onset": date(2020, 1, 28),
        "last_day": date(2020, 2, 5),
        "source": "a gathering of five households",
        "measures": "contacts are observed at home",
    }
    return Findings(**{**usual, **facts})


def investigated(county: Area, by: User, at: datetime | None = None) -> Investigation:
    """An open investigation of another disease in a county, with its first findings."""
    at = at or moment(date(2020, 2, 5))
    signal = Signal.objects.create(
        **stamps(None, at),
        area=county,
        condition="measles",
        condition_zh="麻疹",
        condition_en="measles",
        day=clock.day_of(at),
        last_alarm_day=clock.day_of(at),
        observed=3,
        rank=1.0,
        facts={"headline": "adaptive"},
        methods=["adaptive"],
        listed_at=at,
        due_at=at + timedelta(hours=24),
        raised_by=DetectionRun.objects.latest("pk"),
    )
    found = answered(signal, by, at=at).investigation
    assert found is not None
    return investigating.report_findings(
        investigation=found, findings=found_on_site(), by=by, at=at
    )


def said_to_all(**words: Any) -> ProductFacts:
    """What a product says, as far as the test does not say otherwise."""
    usual = {
        "level": "medium",
        "certainty": "likely",
        "expires_at": moment(date(2020, 2, 19)),
        "title_zh": "减少聚集，发热及时就诊",
        "text_zh": "道孚县近日出现聚集性病例，请减少聚集。",
        "instruction_zh": "出现发热、咳嗽请佩戴口罩到发热门诊就诊。",
        "title_en": "Meet few people; see a doctor when feverish",
        "text_en": "Linked cases occurred in Daofu these days.",
        "basis": "seven linked cases in four days",
    }
    return ProductFacts(**{**usual, **words})


def written(
    area: Area,
    by: User,
    kind: str = "tip",
    condition: str = COVID,
    synthetic: bool = False,
    at: datetime | None = None,
    **words: Any,
) -> WarningProduct:
    """The draft of a warning product."""
    return products.write(
        kind=kind,
        area=area,
        condition=condition,
        facts=said_to_all(**words),
        synthetic=synthetic,
        by=by,
        at=at or moment(date(2020, 2, 5)),
    )


def listed(signal: Signal) -> datetime:
    """When a signal was put on the list; the test fails where it was not."""
    assert signal.listed_at is not None
    return signal.listed_at
