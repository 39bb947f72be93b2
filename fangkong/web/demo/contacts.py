"""The contacts of the demonstration: households of the newest cases of Daofu, and a chain of them.

All are made up: who was with whom is not told of the real cases.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.core.refusals import Refused
from fangkong.people.types import Registration
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.screening import actions as screening
from fangkong.surveillance.screening import queries
from fangkong.surveillance.screening.types import ExposureFacts, VisitFacts

from . import history, invented

if TYPE_CHECKING:
    from datetime import date

    from fangkong.accounts.models import User
    from fangkong.surveillance.models import Case, Exposure, Observation

DAOFU = "513326"
DAY = timedelta(days=1)
CASES, HOUSEHOLD = 6, 3


def watched(*, tracer: User, at: datetime) -> int:
    """Contacts of the newest cases, watched since the evening before; gives how many persons.

    Nobody where the rules of that day judge no contacts.
    """
    today = clock.day_of(at)
    evening = datetime.combine(today - DAY, time(17), invented.ZONE)
    known = queries.kinds(invented.CONDITION, clock.day_of(evening))
    if not known:
        return 0
    kind = known[0].code
    open_to = monitoring.open_to(tracer, evening).filter(
        county__code=DAOFU, condition=invented.CONDITION, reported_at__lt=evening
    )
    cases = list(open_to.exclude(onset_date=None).order_by("-onset_date", "pk")[:CASES])
    _chain(cases, kind, tracer, evening)
    watches = []
    for case in cases:
        for n in range(HOUSEHOLD):
            made = _member(case, n, kind, tracer, evening)
            if made.observation is not None:
                watches.append(made.observation)
    _visit(watches, tracer, evening, at)
    return len(watches)


def _member(case: Case, n: int, kind: str, tracer: User, evening: datetime) -> Exposure:
    """Somebody who lived with a case until the day of its diagnosis."""
    random = invented.chance("contact", case.number, n)
    sex = random.choice([invented.MALE, invented.FEMALE])
    name = invented.name(random, sex, history.table("names"), tibetan=0.75)
    last = min(clock.day_of(case.diagnosed_at), clock.day_of(evening))
    stated = Registration(
        name=name,
        sex=sex,
        age_years=random.randint(3, 80),
        age_on=clock.day_of(evening),
        area=case.area,
        address_detail=f"{case.area.name_zh}演示社区（虚构）{case.pk % 90 + 1}号",
        synthetic=True,
    )
    return screening.expose(
        case=case,
        facts=_facts(kind, case.onset_date or last, last),
        stated=stated,
        synthetic=True,
        by=tracer,
        at=evening,
    )


def _chain(cases: list[Case], kind: str, tracer: User, evening: datetime) -> None:
    """Each case met one that fell ill before it: half of them the same, so that it branches."""
    old = sorted(cases, key=lambda one: (one.onset_date, one.pk))
    for n, case in enumerate(old[1:], start=1):
        source = old[(n - 1) // 2]
        begun, onset = source.onset_date, case.onset_date
        if begun is None or onset is None or begun >= onset:
            continue
        last = max(begun, onset - 3 * DAY)
        screening.expose(
            case=source,
            facts=_facts(kind, begun, last),
            person=case.person,
            synthetic=True,
            by=tracer,
            at=evening,
        )


def _facts(kind: str, first: date, last: date) -> ExposureFacts:
    return ExposureFacts(
        kind=kind, setting="home", place="家中（虚构）", first_date=min(first, last), last_date=last
    )


def _visit(watches: list[Observation], tracer: User, evening: datetime, at: datetime) -> None:
    """Most were visited on the first evening, a few not; this morning has begun with two."""
    for n, watch in enumerate(watches):
        if n % 5 != 4:
            _one(watch, VisitFacts(temperature=362 + n % 8), tracer, evening)
    for n, watch in enumerate(watches[:2]):
        ill = n == 1
        found = VisitFacts(
            temperature=376 if ill else 365, symptoms=("fever", "cough") if ill else ()
        )
        _one(watch, found, tracer, at)


def _one(watch: Observation, found: VisitFacts, tracer: User, at: datetime) -> None:
    try:
        screening.visit(observation=watch, facts=found, by=tracer, at=at)
    except Refused:  # two children of one name are one person, who was visited already
        return
