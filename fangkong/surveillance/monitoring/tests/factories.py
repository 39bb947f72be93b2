"""Areas, facilities, staff and cards for the tests of monitoring."""

from __future__ import annotations

from datetime import date, datetime

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.people.rules import check_digit
from fangkong.places.tests.factories import facility
from fangkong.places.tests.factories import world as areas
from fangkong.surveillance.monitoring import actions
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.types import CaseFacts, PersonFacts

ZONE = AT.tzinfo


class World:
    """Ganzi around Daofu, with two hospitals and staff who may or may not."""

    def __init__(self) -> None:
        places = areas()
        self.home = places["513300"]
        self.daofu = places["513326"]
        self.kangding = places["513301"]
        self.town = places["513326100"]
        self.hospital = facility(self.daofu, "道孚县人民医院")
        self.other_hospital = facility(self.kangding, "康定市人民医院")
        self.clinician = staff(Role.HOSPITAL, facility=self.hospital)
        self.daofu_cdc = staff(Role.COUNTY_CDC, area=self.daofu)
        self.kangding_cdc = staff(Role.COUNTY_CDC, area=self.kangding)
        self.headquarters = staff(Role.HEADQUARTERS, area=self.home)
        self.laboratory = staff(Role.LABORATORY, facility=self.hospital)


def id_number(n: int, born: date = date(1970, 1, 1)) -> str:
    """A citizen's number of Daofu that passes its check digit; ``n`` below 1000."""
    first = f"513326{born:%Y%m%d}{n:03d}"
    return first + check_digit(first)


def person(n: int = 1, **changes: object) -> PersonFacts:
    facts: dict[str, object] = {
        "name": f"扎西德吉{'一二三四五六七八九十'[n % 10]}",
        "sex": "1" if n % 2 else "2",
        "birth_date": date(1970, 1, 1),
        "id_kind": "resident_id",
        "id_number": id_number(n),
        "phone": f"1388888{n:04d}",
        "occupation": "herder",
        "address": "团结社区1号",
    }
    return PersonFacts(**{**facts, **changes})


def facts(**changes: object) -> CaseFacts:
    values: dict[str, object] = {
        "condition": "covid-19",
        "case_class": "confirmed",
        "diagnosed_at": datetime(2020, 2, 5, 9, tzinfo=ZONE),
        "severity": "mild",
        "onset_date": date(2020, 2, 1),
        "relation": "same-county",
        "doctor": "王医生",
    }
    return CaseFacts(**{**values, **changes})


def case(world: World, n: int = 1, *, at: datetime = AT, **changes: object) -> Case:
    return actions.report(
        person=person(n),
        case=facts(**changes),
        facility=world.hospital,
        area=world.town,
        by=world.clinician,
        at=at,
    )
