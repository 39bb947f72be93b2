"""What the reviewer broke once: unreadable signs, days beyond the calendar, oracles."""

from __future__ import annotations

import pytest

from fangkong.core.audit.models import AuditLine

from .factories import World, case

pytestmark = pytest.mark.django_db


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
            "姓名,有效证件号,现住址,病人属于,人群分类,病例分类,疾病名称,诊断时间,填卡医生\n"
            "扎西,,道孚县,本县区,牧民,确诊病例,没有这种病,2020-02-05 08:00,王医生\n".encode()
        ),
        file_name="cards.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=case(world).created_at,
    )
    client.force_login(world.daofu_cdc)

    assert client.get(f"/surveillance/monitoring/import/{batch.public_id}/errors.csv").getvalue()
    assert AuditLine.objects.filter(subject_id=batch.pk, action="core.pages.export").count() == 1
