"""Who reaches what: page by page, role by role, and never a name on the way."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from fangkong.core.audit import queries as audit
from fangkong.core.imports.models import ImportRun
from fangkong.surveillance.monitoring import actions, imports
from fangkong.surveillance.monitoring.models import Case

from .factories import AT, case, facts, id_number, line, person, table, uploaded

API = "/api/v1/surveillance/monitoring/"
SECRETS = (person().name, id_number(1), "13888880001", "团结社区1号")
ANY = "00000000-0000-7000-8000-000000000000"


def url(name, *args):
    return reverse(f"surveillance:monitoring:{name}", args=args)


def of_kangding(world):
    """A case and a file of the other county, whose hospital is not that of Daofu."""
    made = actions.report(
        person=person(2),
        case=facts(),
        facility=world.other_hospital,
        area=world.kangding,
        by=world.kangding_cdc,
        at=AT,
    )
    batch = imports.upload(
        content=imports.FileContent(table(line(3), line(4, phone="1")).encode()),
        file_name="kangding.csv",
        facility=world.other_hospital,
        by=world.kangding_cdc,
        at=AT,
    )
    return made, batch


def pages_of(made: Case, batch: ImportRun) -> list[str]:
    return [
        url("detail", made.public_id),
        url("revise", made.public_id),
        url("import_detail", batch.public_id),
        url("import_progress", batch.public_id),
        url("import_errors", batch.public_id),
        f"{API}cases/{made.public_id}/",
        f"{API}imports/{batch.public_id}/",
    ]


def commands_on(made: Case, batch: ImportRun) -> list[str]:
    return [
        url("revise", made.public_id),
        url("import_confirm", batch.public_id),
        url("import_cancel", batch.public_id),
        f"{API}imports/{batch.public_id}/confirm/",
    ]


@pytest.mark.parametrize("who", ["daofu_cdc", "clinician"])
def test_nothing_of_another_county_is_there(client, world, who):
    made, batch = of_kangding(world)
    client.force_login(getattr(world, who))

    for path in pages_of(made, batch):
        assert client.get(path).status_code == 404, path
    for path in commands_on(made, batch):
        answer = client.post(path, {"_key": "k"}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 404, path
    batch.refresh_from_db()
    assert batch.state == "ready"


def test_the_same_pages_are_there_for_the_county_itself(client, world):
    made, batch = of_kangding(world)
    client.force_login(world.kangding_cdc)
    assert [client.get(path).status_code for path in pages_of(made, batch)] == [200] * 7


def test_lists_exports_and_the_api_leave_the_other_county_out(client, world):
    own, (other, _batch) = case(world), of_kangding(world)
    client.force_login(world.daofu_cdc)

    for path in (url("index"), f"{url('index')}?county=513301", f"{API}cases/"):
        assert other.number not in client.get(path).content.decode()
    csv = b"".join(client.get(f"{url('index')}?export=csv")).decode()
    assert own.number in csv and other.number not in csv
    assert client.get(f"{API}cases/?county=513301").json()["rows"] == []


def test_the_headquarters_see_every_county(client, world):
    own, (other, _batch) = case(world), of_kangding(world)
    client.force_login(world.headquarters)
    page = client.get(url("index")).content.decode()
    assert own.number in page and other.number in page


def test_a_hospital_sees_what_it_reported_and_nothing_else_of_its_county(client, world):
    own = case(world)
    other = actions.report(
        person=person(2),
        case=facts(relation="same-prefecture"),
        facility=world.other_hospital,
        area=world.town,
        by=world.kangding_cdc,
        at=AT,
    )
    assert other.county == own.county
    client.force_login(world.clinician)
    page = client.get(url("index")).content.decode()
    assert own.number in page and other.number not in page
    assert client.get(url("detail", own.public_id)).status_code == 200
    assert client.get(url("detail", other.public_id)).status_code == 404


def test_the_auditor_reads_and_neither_reports_nor_revises_nor_imports(client, world):
    made = case(world)
    client.force_login(world.auditor)
    page = client.get(url("detail", made.public_id))
    assert page.status_code == 200
    assert url("revise", made.public_id) not in page.content.decode()
    assert url("report") not in client.get(url("index")).content.decode()
    for name, *args in (["report"], ["imports"], ["revise", made.public_id]):
        assert client.get(url(name, *args)).status_code == 403
        assert client.post(url(name, *args), {"_key": "k"}).status_code == 403
    for path in ("imports/", f"cases/{made.public_id}/revise/"):
        answer = client.post(
            API + path, {}, content_type="application/json", headers={"Idempotency-Key": "k"}
        )
        assert answer.status_code in (403, 422)
    assert Case.objects.count() == 1 and made.cards.count() == 1
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("index", []),
        ("report", []),
        ("counts", []),
        ("counts_chart", []),
        ("counts_map", []),
        ("imports", []),
        ("import_template", ["csv"]),
        ("detail", [ANY]),
        ("revise", [ANY]),
        ("import_detail", [ANY]),
        ("import_progress", [ANY]),
        ("import_errors", [ANY]),
    ],
)
def test_who_is_not_signed_in_is_asked_to(client, world, name, args):
    answer = client.get(url(name, *args))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("path", ["cases/", f"cases/{ANY}/", f"imports/{ANY}/"])
def test_a_machine_that_is_not_signed_in_gets_401(client, world, path):
    assert client.get(API + path).status_code == 401


# --- Names ---


def test_no_name_number_or_phone_leaves_the_list_the_export_or_the_api(client, world):
    made = case(world)
    client.force_login(world.daofu_cdc)
    shown = [
        client.get(url("index")).content.decode(),
        client.get(url("detail", made.public_id)).content.decode(),
        b"".join(client.get(f"{url('index')}?export=csv")).decode(),
        str(client.get(f"{API}cases/").json()),
        str(client.get(f"{API}cases/{made.public_id}/").json()),
    ]
    for text in shown:
        assert made.number in text
        assert not [secret for secret in SECRETS if secret in text]
        assert "扎某某" in text


def test_an_excel_export_is_masked_as_well(client, world):
    made = case(world)
    client.force_login(world.daofu_cdc)
    data = b"".join(client.get(f"{url('index')}?export=xlsx"))
    sheet = CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0)
    cells = {str(cell) for row in sheet.to_python() for cell in row}
    assert {made.number, "扎某某"} <= cells
    assert not cells & set(SECRETS)


def test_no_name_stands_in_an_address_or_a_title(client, world):
    made = case(world)
    client.force_login(world.daofu_cdc)
    for path in (url("index"), url("detail", made.public_id), url("revise", made.public_id)):
        text = client.get(path).content.decode()
        title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
        addresses = re.findall(r'(?:href|action|src|hx-get)="([^"]*)"', text)
        assert title and addresses
        for said in (title[1], *addresses):
            assert "扎" not in said and not re.search(r"\d{17}[\dX]", said)


def test_finding_a_patient_puts_the_name_in_no_address(client, world):
    case(world)
    case(world, 2)
    client.force_login(world.daofu_cdc)
    answer = client.post(url("find"), {"text": "扎西"})
    assert answer.status_code == 200
    assert not re.findall(r'(?:href|action)="[^"]*(?:扎|%E6%89%8E)', answer.content.decode())


def test_the_trail_of_a_report_and_an_import_names_nobody(world):
    made = case(world)
    batch = uploaded(world, line(2), line(3, phone="1"))
    for record in (made, batch):
        for entry in audit.history_of(record):
            assert not [s for s in (*SECRETS, person(2).name) if s in str(entry.detail)]


def test_the_page_of_a_file_shows_no_name_number_or_phone_of_its_rows(client, world):
    batch = uploaded(world, line(1), line(2, case_class="也许"))
    client.force_login(world.clinician)
    for tab in ("ok", "error"):
        text = client.get(f"{batch.get_absolute_url()}?tab={tab}").content.decode()
        hidden = (person(1).name, person(2).name, id_number(1), id_number(2), "13888880002")
        assert not [secret for secret in hidden if secret in text]


# --- What a list costs ---


def test_the_list_needs_the_same_few_statements_for_one_case_and_for_three(client, world):
    client.force_login(world.daofu_cdc)

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as taken:
            assert client.get(url("index")).status_code == 200
        return [q["sql"] for q in taken.captured_queries]

    case(world, 1)
    statements()  # caches of places and packs are warm from here on
    of_one = statements()
    case(world, 2)
    case(world, 3)
    of_three = statements()
    assert len(of_one) == len(of_three)
    assert len(of_one) <= 6, "\n".join(of_one)
