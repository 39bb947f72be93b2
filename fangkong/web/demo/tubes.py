"""The specimens of the demonstration: those that confirmed its cases, and those still on their way.

All are made up, as the persons are.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing.types import RequestFacts, ResultFacts

from . import invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility
    from fangkong.surveillance.models import Case, Specimen

HOUR = timedelta(hours=1)
SWAB, SPUTUM, STOOL = "oropharyngeal-swab", "sputum", "stool"


def proof_of(
    case: Case, *, laboratory: Facility, sender: User, tester: User, at: datetime
) -> Specimen:
    """The swab that proved a case: taken hours before the diagnosis, entered with the card."""
    random = invented.chance("tube", case.number)
    taken = case.diagnosed_at - timedelta(minutes=random.randint(200, 420))
    made = testing.request(
        facts=RequestFacts(
            condition=case.condition,
            group="fever-clinic",
            specimen_type=SWAB,
            onset_date=case.onset_date,
        ),
        person=case.person,
        case=case,
        facility=case.facility,
        laboratory=laboratory,
        collected_at=taken,
        synthetic=True,
        by=sender,
        at=at,
    )
    testing.ship(specimen=made, done_at=taken + HOUR, by=sender, at=at)
    testing.receive(specimen=made, done_at=taken + 2 * HOUR, by=tester, at=at)
    ct = {"ORF1ab": random.randint(1900, 3500), "N": random.randint(1900, 3500)}
    found = ResultFacts(method="rt-pcr", outcome="positive", ct=ct, tested_at=case.diagnosed_at)
    testing.enter_result(specimen=made, facts=found, by=tester, at=at)
    return made


def on_the_way(
    *, hospital: Facility, laboratory: Facility, sender: User, tester: User, at: datetime
) -> int:
    """What a laboratory finds in the morning: tubes at each step, one of them past its promise."""
    patients = list(monitoring.open_to(sender, at).filter(facility=hospital).order_by("pk")[:4])
    made = 0
    for case, kind, hours, steps in zip(
        patients, (SPUTUM, STOOL, SPUTUM, STOOL), (14, 4, 3, 0), (3, 2, 1, 0), strict=False
    ):
        facts = RequestFacts(condition=case.condition, group="patient", specimen_type=kind)
        _take(facts, case, hospital, laboratory, sender, tester, at - hours * HOUR, steps, at)
        made += 1
    for site, hours in (("发热门诊门把手", 5), ("隔离病区呼叫按钮", 2)):
        facts = RequestFacts(
            condition=invented.CONDITION,
            group="surfaces",
            specimen_type="environment",
            site=site,
        )
        _take(facts, None, hospital, laboratory, sender, tester, at - hours * HOUR, 3, at)
        made += 1
    for n, site in enumerate(("护士站台面", "电梯按钮", "污水排放口"), start=1):
        facts = RequestFacts(
            condition=invented.CONDITION,
            group="surfaces",
            specimen_type="environment",
            site=site,
        )
        then = at - (20 + n) * HOUR
        tube = _take(facts, None, hospital, laboratory, sender, tester, then, 3, at)
        found = ResultFacts(method="rt-pcr", outcome="negative", tested_at=then + 5 * HOUR)
        testing.enter_result(specimen=tube, facts=found, by=tester, at=at)
        made += 1
    return made


def _take(
    facts: RequestFacts,
    case: Case | None,
    hospital: Facility,
    laboratory: Facility,
    sender: User,
    tester: User,
    then: datetime,
    steps: int,
    at: datetime,
) -> Specimen:
    """A tube that has gone so many steps beyond its request."""
    made = testing.request(
        facts=facts,
        person=None if case is None else case.person,
        case=case,
        facility=hospital,
        laboratory=laboratory,
        collected_at=then if steps else None,
        synthetic=True,
        by=sender,
        at=at,
    )
    if steps > 1:
        testing.ship(specimen=made, done_at=min(then + HOUR, at), by=sender, at=at)
    if steps > 2:
        testing.receive(specimen=made, done_at=min(then + 2 * HOUR, at), by=tester, at=at)
    return made
