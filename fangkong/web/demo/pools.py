"""A town is screened in pools of ten, two years on, when the rules allow it. All are made up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.config import demo_day
from fangkong.people.types import Registration
from fangkong.surveillance.testing import pools
from fangkong.surveillance.testing.types import PoolFacts, ResultFacts

from . import history, invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.models import Pool

SCREENED = demo_day.SCREENING
RULE, SIZE, FILLING = "ten-in-one", 10, 4
HOUR = timedelta(hours=1)


def screened(
    *, hospital: Facility, laboratory: Facility, sender: User, tester: User, at: datetime
) -> list[Pool]:
    """Three tubes of the morning: a negative one, a positive one that holds its ten, and one that
    is being filled."""
    begun = at - 3 * HOUR
    full = [_filled(n, SIZE, hospital, laboratory, sender, begun) for n in (1, 2)]
    filling = _filled(3, FILLING, hospital, laboratory, sender, at - HOUR / 2)
    for n, outcome in enumerate(("negative", "positive")):
        tube = pools.close_pool(pool=full[n], done_at=begun + HOUR / 4, by=sender, at=at)
        tube = pools.ship_pool(pool=tube, done_at=begun + HOUR / 2, by=sender, at=at)
        tube = pools.receive_pool(pool=tube, done_at=begun + HOUR, by=tester, at=at)
        ct = {} if outcome == "negative" else {"ORF1ab": 3420, "N": 3310}
        found = ResultFacts(method="rt-pcr", outcome=outcome, ct=ct, tested_at=begun + 2 * HOUR)
        pools.enter_pool_result(pool=tube, facts=found, by=tester, at=at)
    return [*full, filling]


def _filled(
    n: int, persons: int, hospital: Facility, laboratory: Facility, sender: User, then: datetime
) -> Pool:
    facts = PoolFacts(
        condition=invented.CONDITION,
        rule=RULE,
        group="mass-screening",
        specimen_type="oropharyngeal-swab",
    )
    tube = pools.open_pool(
        facts=facts,
        facility=hospital,
        laboratory=laboratory,
        synthetic=True,
        by=sender,
        at=then,
    )
    for place in range(persons):
        stated = _somebody(n, place, hospital.area, then)
        pools.add_to_pool(pool=tube, stated=stated, by=sender, at=then)
    return tube


def _somebody(n: int, place: int, county: Area, at: datetime) -> Registration:
    random = invented.chance("pool", n, place)
    sex = random.choice([invented.MALE, invented.FEMALE])
    return Registration(
        name=invented.name(random, sex, history.table("names"), tibetan=0.75),
        sex=sex,
        age_years=random.randint(3, 80),
        age_on=at.astimezone(invented.ZONE).date(),
        area=county,
        address_detail=f"{county.name_zh}演示社区（虚构）{n * 100 + place}号",
        synthetic=True,
    )
