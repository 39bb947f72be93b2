"""The checkpoints of the demonstration and who came through them: all made up."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.places import actions as places
from fangkong.places.types import FacilityFacts, FacilityKind
from fangkong.surveillance.arrivals import actions as arrivals
from fangkong.surveillance.arrivals import queries
from fangkong.surveillance.arrivals.types import ArrivalFacts, CheckpointFacts

from . import history, invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.models import Checkpoint

DAY = timedelta(days=1)
DAYS, A_DAY = 4, 5
ORIGINS = ("湖北省武汉市", "四川省成都市", "湖北省黄冈市", "重庆市", "湖南省长沙市", "四川省雅安市")
# County, name in both languages, road.
PLACES = (
    ("513322", "泸定大渡河检查点（演示）", "Luding checkpoint (demonstration)", "G318"),
    ("513326", "道孚八美检查点（演示）", "Bamei checkpoint (demonstration)", "G350"),
)


def stand(counties: dict[str, Area], at: datetime) -> list[Facility]:
    """The places at which the checkpoints stand."""
    return [
        places.add_facility(
            facts=FacilityFacts(
                name_zh=zh,
                name_en=en,
                kind=FacilityKind.CHECKPOINT.value,
                area_id=counties[code].pk,
                synthetic=True,
                source_zh="演示用，虚构",
                source_en="Made up for the demonstration",
            ),
            by=None,
            at=at,
        )
        for code, zh, en, _road in PLACES
    ]


def came(*, sites: list[Facility], guard: User, hq: User, at: datetime) -> int:
    """Arrivals of the last days at both checkpoints; gives how many.

    Nobody where the rules of the day place no arrivals in tiers.
    """
    first = at - DAYS * DAY
    posts = [
        arrivals.set_up(
            facility=site,
            facts=CheckpointFacts(
                road=road, duties=("register", "temperature", "disinfect", "hold")
            ),
            synthetic=True,
            by=hq,
            at=first,
        )
        for site, (_code, _zh, _en, road) in zip(sites, PLACES, strict=True)
    ]
    today = clock.day_of(at)
    if not queries.condition_on(today):
        return 0
    _announce(hq, at)
    count = 0
    for n in range(DAYS * A_DAY):
        day = today - timedelta(days=n // A_DAY)
        moment = datetime.combine(day, time(7 + n % A_DAY, 11 * (n % 5)), invented.ZONE)
        if moment < at and queries.condition_on(day):
            _one(n, posts[n % 2], moment, guard, at)
            count += 1
    return count


def _announce(hq: User, at: datetime) -> None:
    day = clock.day_of(at) - 2 * DAY
    tiers = [row for row in queries.tiers_on(day) if row.by_announcement]
    if not tiers:
        return
    arrivals.announce(
        area="湖南省长沙市",
        tier=tiers[0].code,
        valid_from=day,
        source="演示公告（虚构）",
        synthetic=True,
        by=hq,
        at=at - 2 * DAY,
    )


def _one(n: int, post: Checkpoint, moment: datetime, guard: User, at: datetime) -> None:
    random = invented.chance("arrival", n)
    sex = random.choice([invented.MALE, invented.FEMALE])
    goes = random.choice(["道孚县", "炉霍县", "康定市"])
    answers = {
        "full-name": invented.name(random, sex, history.table("names"), tibetan=0.6),
        "mobile": f"1540{5000000 + n:07d}",
        "staying-at": f"{goes}演示社区（虚构）{n + 1}号",
        "came-from": ORIGINS[n % len(ORIGINS)],
        "left-on": (clock.day_of(moment) - timedelta(days=n % 3)).isoformat(),
        "symptoms": "yes" if n == 3 else "no",
    }
    made = arrivals.register(
        facts=ArrivalFacts(
            answers=answers,
            shown=tuple(answers),
            temperature=377 if n == 3 else 362 + n % 6,
            arrived_at=moment,
        ),
        checkpoint=post,
        synthetic=True,
        by=guard,
        at=moment,
    )
    if clock.day_of(moment) < clock.day_of(at) - DAY:
        arrivals.receive(arrival=made, by=None, at=moment + DAY)
