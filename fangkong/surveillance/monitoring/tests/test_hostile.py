"""What the reviewer broke once: far cells, unreadable signs, days beyond the calendar, oracles."""

from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter

from fangkong.core.audit.models import AuditLine
from fangkong.surveillance.monitoring import reading

from .factories import World, case

pytestmark = pytest.mark.django_db


def workbook_with(cell: str, row: int) -> bytes:
    """A small workbook into which somebody has written one cell far out."""
    plain = io.BytesIO()
    book = xlsxwriter.Workbook(plain)
    book.add_worksheet().write(0, 0, "姓名")
    book.close()
    far = io.BytesIO()
    added = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(far, "w") as after:
        for entry in before.infolist():
            data = before.read(entry)
            if "worksheets" in entry.filename:
                data = data.replace(b"</sheetData>", added)
            after.writestr(entry, data)
    return far.getvalue()


@pytest.mark.parametrize(
    ("cell", "row", "code"),
    [("A1048576", 1_048_576, "too_many_rows"), ("XFD2", 2, "too_many_columns")],
)
def test_a_cell_far_out_is_refused_before_a_reader_lays_the_sheet_out(cell, row, code):
    with pytest.raises(reading.NotReadable) as refused:
        reading.read(workbook_with(cell, row))
    assert refused.value.code == code


def test_a_cell_nearby_passes_to_the_reader_which_misses_only_the_headings():
    with pytest.raises(reading.NotReadable) as refused:
        reading.read(workbook_with("B2", 2))
    assert refused.value.code == "no_headings"


@pytest.mark.parametrize(
    "address",
    [
        "/surveillance/monitoring/?condition=%00",
        "/surveillance/monitoring/?last=9999-12-31",
        "/surveillance/monitoring/counts/?last=0001-01-01",
        "/surveillance/monitoring/counts/chart/?as_of=9999-12-31T23:59",
        "/api/v1/surveillance/monitoring/counts/?last=0001-01-01",
        "/api/v1/surveillance/monitoring/cases/?county=%00",
    ],
)
def test_days_beyond_the_calendar_and_signs_of_no_record_are_no_fault_of_ours(client, address):
    client.force_login(World().headquarters)
    assert client.get(address).status_code in (200, 400, 422)


def test_the_definitions_in_use_do_not_tell_of_cases_elsewhere(client):
    world = World()
    case(world)
    counts = "/api/v1/surveillance/monitoring/counts/"
    asked = f"{counts}?condition=covid-19&first=2020-02-05&last=2020-02-05"

    client.force_login(world.kangding_cdc)
    assert client.get(asked).json()["definitions"] == []

    client.force_login(world.daofu_cdc)
    assert client.get(asked).json()["definitions"] == ["cn-2020-01"]


def test_pages_of_staff_are_not_kept_on_a_shared_machine(client):
    world = World()
    one = case(world)
    client.force_login(world.daofu_cdc)

    for address in ("/surveillance/monitoring/", one.get_absolute_url()):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_the_rows_to_correct_leave_a_line_in_the_trail(client):
    from fangkong.surveillance.monitoring import imports

    world = World()
    batch = imports.upload(
        content=imports.FileContent(
            "姓名,有效证件号,现住址,病人属于,病例分类,疾病名称,诊断时间,填卡医生\n"
            "扎西,,道孚县,本县区,确诊病例,没有这种病,2020-02-05 08:00,王医生\n".encode()
        ),
        file_name="cards.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=case(world).created_at,
    )
    client.force_login(world.daofu_cdc)

    assert client.get(f"/surveillance/monitoring/import/{batch.public_id}/errors.csv").getvalue()
    assert AuditLine.objects.filter(subject_id=batch.pk, action="core.pages.export").count() == 1
