"""Areas, facilities, staff and cards for the tests of monitoring."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime

import xlsxwriter

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.core.roles import Role
from fangkong.people.rules import check_digit
from fangkong.places.tests.factories import facility
from fangkong.places.tests.factories import world as areas
from fangkong.surveillance.monitoring import actions, columns, imports
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
        self.auditor = staff(Role.AUDITOR, area=self.home)
        self.laboratory = staff(Role.LABORATORY, facility=self.hospital)


def id_number(n: int, born: date = date(1970, 1, 1)) -> str:
    """A citizen's number of Daofu that passes its check digit; ``n`` below 1000."""
    first = f"513326{born:%Y%m%d}{n:03d}"
    return first + check_digit(first)


# What the form, a machine and a file are sent, by code; a file takes codes like words.
CARD = {
    "name": "扎西德吉",
    "id_kind": "resident_id",
    "id_number": id_number(1),
    "address": "道孚县鲜水镇团结社区1号",
    "relation": "same-county",
    "occupation": "herder",
    "condition": "covid-19",
    "case_class": "confirmed",
    "diagnosed_at": "2020-02-05T09:00",
    "onset_date": "2020-02-01",
    "doctor": "王医生",
}


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


# --- Files ---

LINE = {
    "sex": "女",
    "birth_date": "1970-1-1",
    "relation": "本县区",
    "address": "道孚县鲜水镇团结社区1号",
    "occupation": "牧民",
    "case_class": "确诊病例",
    "condition": "新冠肺炎",
    "onset_date": "2020-2-1",
    "diagnosed_at": "2020-02-05 09:00",
    "severity": "轻型",
    "doctor": "王医生",
}


def line(n: int = 1, **changes: str) -> dict[str, str]:
    """A row of a file by field: the person of ``person(n)``, confirmed at nine."""
    said = person(n)
    who = {"name": said.name, "id_number": said.id_number, "phone": said.phone}
    return {**LINE, **who, "sex": "男" if n % 2 else "女", **changes}


def table(*lines: dict[str, str], delimiter: str = ",", language: int = 0) -> str:
    """A file of these rows with the headings of our template, 0 in Chinese and 1 in English."""
    fields = list(dict.fromkeys(field for each in lines for field in each))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow([columns.HEADINGS[field][language] for field in fields])
    writer.writerows([each.get(field, "") for field in fields] for each in lines)
    return text.getvalue()


def workbook(*lines: dict[str, object]) -> bytes:
    """The same as XLSX; moments and numbers become cells of their own kind."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for column, field in enumerate(lines[0]):
        sheet.write(0, column, columns.HEADINGS[field][0])
        for row, each in enumerate(lines, start=1):
            sheet.write(row, column, each[field])
    book.close()
    return file.getvalue()


def uploaded(world: World, *lines: dict[str, str], name: str = "cards.csv") -> ImportRun:
    """A file of the hospital of Daofu, sent by its clinician."""
    return imports.upload(
        content=imports.FileContent(table(*lines).encode()),
        file_name=name,
        facility=world.hospital,
        by=world.clinician,
        at=AT,
    )


def imported(world: World, *lines: dict[str, str]) -> ImportRun:
    """The file checked, confirmed and imported; the batch as it is then."""
    batch = kit.confirm(run=uploaded(world, *lines), by=world.clinician, at=AT)
    return kit.enter(run=batch, at=AT)


def outcomes(batch: ImportRun) -> list[str]:
    """What became of each row, in the order of the file."""
    return [row.outcome for row in rows_of(batch)]
