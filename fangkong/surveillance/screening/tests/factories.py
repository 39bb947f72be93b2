"""A county with a health centre in its town, a case, and people who were with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.people.models import Person
from fangkong.people.tests import factories as people
from fangkong.places.tests.factories import facility
from fangkong.surveillance.monitoring import actions as reporting
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as monitoring
from fangkong.surveillance.screening import actions
from fangkong.surveillance.screening.models import Exposure, Observation, Visit
from fangkong.surveillance.screening.types import ExposureFacts, VisitFacts

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TODAY = date(2020, 2, 5)


class World(monitoring.World):
    """Daofu has a case, its CDC, and a health centre in the town; Kangding has a CDC."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = facility(self.town, "鲜水镇卫生院", kind="health_centre")
        self.cdc = facility(self.daofu, "道孚县疾控中心", kind="county_cdc")
        self.other_cdc = facility(self.kangding, "康定市疾控中心", kind="county_cdc")
        self.doctor = staff(Role.HOSPITAL, facility=self.centre)
        self.inspector = staff(Role.INSPECTOR, area=self.home)
        self.stranger = staff(Role.STORE_KEEPER, area=self.daofu)
        self.case = monitoring.case(self, 1)


def somebody(world: World, n: int = 1, **changes: object) -> Person:
    """A person of the town, or of another area."""
    area = changes.pop("area", world.town)
    code = "513301" if area == world.kangding else "513326"
    facts = {"documents": [people.resident_id(code, order=700 + n)], "phones": [], **changes}
    return people.person(area, name=f"泽仁{'甲乙丙丁戊己庚辛壬癸'[n % 10]}", **facts)


def facts(**changes: object) -> ExposureFacts:
    values: dict[str, object] = {
        "kind": "lived-or-worked",
        "setting": "home",
        "first_date": date(2020, 2, 1),
        "last_date": date(2020, 2, 4),
    }
    return ExposureFacts(**{**values, **changes})


def contact(world: World, n: int = 1, *, at: datetime = AT, **changes: object) -> Exposure:
    said: dict[str, object] = {"case": world.case, "facts": facts(), "by": world.daofu_cdc}
    if "person" not in changes and "stated" not in changes:
        said["person"] = somebody(world, n)
    return actions.expose(**{**said, **changes}, at=at)


def watched(world: World, n: int = 1, *, at: datetime = AT, **changes: object) -> Observation:
    made = contact(world, n, at=at, **changes).observation
    assert made is not None
    return Observation.objects.get(pk=made.pk)


def visited(
    observation: Observation, world: World, *, at: datetime = AT, **changes: object
) -> Visit:
    return actions.visit(
        observation=observation, facts=VisitFacts(**changes), by=world.doctor, at=at
    )


def ill(world: World, watch: Observation, n: int = 9, **changes: object) -> Case:
    """The person of an observation gets a card of their own, two days later."""
    number = watch.person.documents.get().full_number
    who = replace(monitoring.person(n), name=watch.person.name, id_number=number, birth_date=None)
    said = {"onset_date": TODAY + DAY, "diagnosed_at": AT + 2 * DAY, **changes}
    return reporting.report(
        person=replace(who, sex="9"),
        case=monitoring.facts(**said),
        facility=world.hospital,
        area=world.town,
        by=world.clinician,
        at=AT + 2 * DAY,
    )
