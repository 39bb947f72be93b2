"""A hospital that takes swabs, a laboratory that tests them, and others that have no business."""

from __future__ import annotations

from datetime import datetime, timedelta

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import facility
from fangkong.surveillance.monitoring.tests import factories as monitoring
from fangkong.surveillance.testing import actions
from fangkong.surveillance.testing.models import Result, Specimen
from fangkong.surveillance.testing.types import RequestFacts, ResultFacts

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class World(monitoring.World):
    """Daofu's hospital sends to the prefecture's laboratory, which stands in Kangding."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = facility(self.kangding, "甘孜州疾控中心检验所", kind="laboratory")
        self.other_bench = facility(self.kangding, "康定市检验所", kind="laboratory")
        self.technician = staff(Role.LABORATORY, facility=self.bench)
        self.other_technician = staff(Role.LABORATORY, facility=self.other_bench)
        self.other_clinician = staff(Role.HOSPITAL, facility=self.other_hospital)
        self.stranger = staff(Role.WARD_STAFF, facility=self.hospital)
        self.person = people.person(self.daofu)


def facts(**changes: object) -> RequestFacts:
    values: dict[str, object] = {
        "condition": "covid-19",
        "group": "fever-clinic",
        "specimen_type": "oropharyngeal-swab",
    }
    return RequestFacts(**{**values, **changes})


def found(outcome: str = "negative", **changes: object) -> ResultFacts:
    values: dict[str, object] = {"method": "rt-pcr", "outcome": outcome}
    return ResultFacts(**{**values, **changes})


def requested(world: World, *, at: datetime = AT, **changes: object) -> Specimen:
    said: dict[str, object] = {
        "facts": facts(),
        "person": world.person,
        "facility": world.hospital,
        "laboratory": world.bench,
        "by": world.clinician,
    }
    return actions.request(**{**said, **changes}, at=at)


def surface(world: World, site: str = "三病区门把手", **changes: object) -> Specimen:
    said = facts(group="surfaces", specimen_type="environment", site=site)
    return requested(world, facts=said, person=None, **changes)


def collected(world: World, *, at: datetime = AT, **changes: object) -> Specimen:
    return actions.collect(specimen=requested(world, at=at, **changes), by=world.clinician, at=at)


def shipped(world: World, *, at: datetime = AT, **changes: object) -> Specimen:
    made = collected(world, at=at, **changes)
    return actions.ship(specimen=made, by=world.clinician, at=at)


def received(world: World, *, at: datetime = AT, **changes: object) -> Specimen:
    made = shipped(world, at=at, **changes)
    return actions.receive(specimen=made, by=world.technician, at=at)


def reported(world: World, outcome: str = "negative", **changes: object) -> Result:
    made = received(world, **changes)
    return actions.enter_result(
        specimen=made, facts=found(outcome), by=world.technician, at=made.changed_at
    )
