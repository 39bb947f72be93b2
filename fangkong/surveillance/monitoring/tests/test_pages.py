"""The pages and the API: who sees what, and what a form says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.commands.states import version
from fangkong.core.imports import actions as kit
from fangkong.core.imports import reading
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.types import Outcome
from fangkong.surveillance.monitoring import imports, queries
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.types import Origin

from .factories import AT, CARD, case, id_number
from .test_imports import HEAD, row, upload

LIST = "/surveillance/monitoring/"
API = "/api/v1/surveillance/monitoring/"


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def signed_in(client):
    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


def test_the_list_masks_the_patient_and_leads_to_the_case(world, signed_in):
    one = case(world)
    page = text(signed_in(world.daofu_cdc).get(LIST))
    assert one.number in page
    assert "扎某某" in page
    assert "扎西德吉" not in page


def test_another_county_finds_no_case_and_no_page_of_it(world, signed_in):
    one = case(world)
    client = signed_in(world.kangding_cdc)
    assert one.number not in text(client.get(LIST))
    for path in ("", "revise/"):
        assert client.get(f"{LIST}{one.public_id}/{path}").status_code == 404
    for path in ("accept/", "return/"):
        assert client.post(f"{LIST}{one.public_id}/{path}", {"_key": "k"}).status_code == 404
    assert client.get(f"{API}cases/{one.public_id}/").status_code == 404
    one.refresh_from_db()
    assert one.review_state == "waiting"


def test_a_laboratory_is_not_let_in_at_all(world, signed_in):
    client = signed_in(world.laboratory)
    for path in ("", "report/", "import/", "counts/"):
        assert client.get(LIST + path).status_code == 403


def test_the_reporting_hospital_sees_a_case_of_another_county_but_does_not_review_it(
    world, signed_in
):
    one = case(world)
    client = signed_in(world.clinician)
    assert client.get(one.get_absolute_url()).status_code == 200
    assert client.post(f"{one.get_absolute_url()}accept/", {"_key": "k"}).status_code == 403


def statements(client, path: str) -> int:
    with CaptureQueriesContext(connection) as taken:
        assert client.get(path).status_code == 200
    return len(taken)


def test_the_list_takes_as_many_statements_for_three_cases_as_for_one(world, signed_in):
    client = signed_in(world.daofu_cdc)
    case(world, 1)
    client.get(LIST)
    of_one = statements(client, LIST)
    case(world, 2)
    case(world, 3)
    assert statements(client, LIST) == of_one


def test_the_list_itself_is_one_statement(world, signed_in):
    case(world)
    client = signed_in(world.daofu_cdc)
    client.get(LIST)
    with CaptureQueriesContext(connection) as taken:
        client.get(LIST)
    about_cases = [q for q in taken.captured_queries if 'FROM "surveillance_case"' in q["sql"]]
    assert len(about_cases) == 1
    assert "COUNT(" not in about_cases[0]["sql"]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("county=513326", 1),
        ("county=513301", 0),
        ("condition=measles", 0),
        ("case_class=confirmed", 1),
        ("first=2020-02-05&last=2020-02-05", 1),
        ("first=2020-02-06", 0),
        ("review=waiting", 1),
        ("review=accepted", 0),
        ("clock=overdue", 0),
        ("clock=late", 0),
        ("county=nowhere", 0),
    ],
)
def test_filters_narrow_the_list_and_a_wrong_one_shows_nothing(world, signed_in, query, shown):
    one = case(world)
    page = text(signed_in(world.headquarters).get(f"{LIST}?{query}"))
    assert (one.number in page) == bool(shown)


def test_a_review_that_ran_out_of_time_is_listed_as_overdue(world, signed_in, monkeypatch):
    one = case(world)
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=3))
    assert one.number in text(signed_in(world.daofu_cdc).get(f"{LIST}?clock=overdue"))
    assert [c.pk for c in queries.overdue(world.daofu_cdc, AT + timedelta(hours=3))] == [one.pk]


@pytest.mark.parametrize("wanted", ["513326-2020-00001", "扎西", "zhaxi", "zxdj"])
def test_a_case_is_found_by_its_number_or_by_its_patient(world, signed_in, wanted):
    one = case(world)
    response = signed_in(world.daofu_cdc).post(f"{LIST}find/", {"text": wanted})
    assert response["Location"] == one.get_absolute_url()


@pytest.mark.parametrize("wanted", ["513326-2020-00001", "扎西", id_number(1), "13888880001"])
def test_another_county_finds_nobody(world, signed_in, wanted):
    case(world)
    response = signed_in(world.kangding_cdc).post(f"{LIST}find/", {"text": wanted})
    assert (response.status_code, response.context["cases"]) == (200, [])


def send(client, world, key: str = "k1", **changes: str):
    card = {**CARD, "facility": str(world.hospital.public_id), "_key": key, **changes}
    return client.post(f"{LIST}report/", card)


def test_the_form_reports_a_case_with_what_the_number_tells(world, signed_in):
    response = send(signed_in(world.clinician), world)
    one = Case.objects.get()
    assert response["Location"] == one.get_absolute_url()
    assert (one.person.sex, one.person.birth_date.year) == ("1", 1970)
    assert one.area == world.town


def test_the_form_sent_twice_reports_once_and_both_answers_lead_to_the_case(world, signed_in):
    client = signed_in(world.clinician)
    first, second = send(client, world), send(client, world)
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1


def test_the_form_says_every_fault_at_its_field_and_keeps_what_was_typed(world, signed_in):
    response = send(
        signed_in(world.clinician),
        world,
        id_number="513326197001010019",
        onset_date="2020-02-06",
        address="天上人间",
    )
    assert response.status_code == 422
    assert set(response.context["form"].errors) >= {"id_number", "onset_date", "address"}
    assert "天上人间" in text(response)
    assert not Case.objects.exists()


def test_the_form_leads_to_the_case_that_is_reported_already(world, signed_in):
    client = signed_in(world.clinician)
    send(client, world)
    response = send(client, world, key="k2")
    assert response.status_code == 422
    assert Case.objects.get().get_absolute_url() in text(response)


def test_a_hospital_cannot_report_for_another(world, signed_in):
    response = send(signed_in(world.clinician), world, facility=str(world.other_hospital.public_id))
    assert "facility" in response.context["form"].errors


def test_a_pupil_needs_a_school(world, signed_in):
    response = send(signed_in(world.clinician), world, occupation="student")
    assert "workplace" in response.context["form"].errors


def test_the_form_of_a_revision_is_filled_and_sends_a_second_card(world, signed_in):
    one = case(world)
    client = signed_in(world.clinician)
    form = client.get(f"{one.get_absolute_url()}revise/").context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    sent["diagnosed_at"] = "2020-02-05T09:00"
    sent |= {"case_class": "suspected", "reason": "复核", "_key": "k", "_seen": version(one)}
    response = client.post(f"{one.get_absolute_url()}revise/", sent)
    assert response.status_code == 302, response.context["form"].errors
    one.refresh_from_db()
    assert (one.case_class, one.cards.count()) == ("suspected", 2)
    page = text(client.get(one.get_absolute_url()))
    assert "复核" in page


def test_the_county_returns_a_card_with_a_reason_and_not_without(world, signed_in):
    one = case(world)
    client = signed_in(world.daofu_cdc)
    assert (
        client.post(f"{one.get_absolute_url()}return/", {"_key": "a", "card": 1}).status_code == 422
    )
    client.post(f"{one.get_absolute_url()}return/", {"_key": "b", "card": 1, "reason": "地址不详"})
    assert "地址不详" in text(client.get(one.get_absolute_url()))


def test_the_page_of_a_case_shows_no_full_name_number_or_phone(world, signed_in):
    one = case(world)
    page = text(signed_in(world.daofu_cdc).get(one.get_absolute_url()))
    for secret in ("扎西德吉", id_number(1), "13888880001", "团结社区1号"):
        assert secret not in page


def test_an_upload_is_checked_shown_confirmed_and_the_wrong_rows_come_back(world, signed_in):
    client = signed_in(world.daofu_cdc)
    file = "\n".join([HEAD, row(1), row(2, case_class="也许"), ""]).encode()
    response = client.post(
        f"{LIST}import/",
        {
            "_key": "k",
            "facility": str(world.hospital.public_id),
            "file": SimpleUploadedFile("cards.csv", file),
        },
    )
    batch = ImportRun.objects.get()
    assert response["Location"] == batch.get_absolute_url()
    page = text(client.get(batch.get_absolute_url()))
    assert "也许" in page

    client.post(f"{batch.get_absolute_url()}confirm/", {"_key": "c"})
    batch.refresh_from_db()
    kit.enter(run=batch, at=AT)

    assert "也许" not in text(client.get(f"{batch.get_absolute_url()}?tab=imported"))
    assert f"?batch={batch.public_id}" in text(
        client.get(f"{batch.get_absolute_url()}?tab=imported")
    )

    back = b"".join(client.get(f"{batch.get_absolute_url()}errors.csv")).decode("utf-8-sig")
    head, line, mark = back.splitlines()
    assert head.startswith(HEAD)
    assert line.startswith("扎西,")
    assert "也许" in line.rsplit(",", 1)[1]
    assert mark.startswith("# Fangkong")  # who took the file, and when
    corrected = back.replace(",也许,", ",确诊病例,")
    again = imports.upload(
        content=imports.FileContent(corrected.encode()),
        file_name="again.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=AT,
    )
    assert (again.ok, again.errors) == (1, 0)


def test_a_file_of_another_kind_is_refused_on_the_page(world, signed_in):
    response = signed_in(world.daofu_cdc).post(
        f"{LIST}import/",
        {
            "_key": "k",
            "facility": str(world.hospital.public_id),
            "file": SimpleUploadedFile("cards.csv", b"%PDF-1.7"),
        },
    )
    assert response.status_code == 422
    assert "PDF" in text(response)


def test_an_import_of_another_county_is_not_found(world, signed_in):
    batch = upload(world, row(1))
    client = signed_in(world.kangding_cdc)
    assert client.get(batch.get_absolute_url()).status_code == 404
    assert client.post(f"{batch.get_absolute_url()}confirm/", {"_key": "k"}).status_code == 404
    assert client.get(f"{batch.get_absolute_url()}errors.csv").status_code == 404


def test_the_live_piece_answers_only_when_something_is_new(world, signed_in):
    batch = upload(world, row(1))
    client = signed_in(world.daofu_cdc)
    first = client.get(f"{batch.get_absolute_url()}progress/")
    assert first.status_code == 200
    same = client.get(
        f"{batch.get_absolute_url()}progress/", headers={"If-None-Match": first["ETag"]}
    )
    assert same.status_code == 304
    kit.confirm(run=batch, by=world.daofu_cdc, at=AT)
    new = client.get(
        f"{batch.get_absolute_url()}progress/", headers={"If-None-Match": first["ETag"]}
    )
    assert new.status_code == 200


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_template_has_headings_that_are_read_again(world, signed_in, kind):
    response = signed_in(world.daofu_cdc).get(
        reverse("surveillance:monitoring:import_template", args=[kind])
    )
    data = b"".join(response.streaming_content)
    with pytest.raises(reading.NotReadable) as problem:
        reading.read(data, imports.CARDS.known(), 3, reading.Caps())
    assert problem.value.code == "no_rows"  # and nothing else is wrong with it


def test_the_curve_and_the_map_say_the_same_as_the_table(world, signed_in):
    case(world)
    client = signed_in(world.headquarters)
    page = client.get(f"{LIST}counts/")
    assert page.context["asked"].total == 1
    curve = json.loads(client.get(page.context["chart"].url).content)
    assert sum(sum(series["values"]) for series in curve["series"]) == 1
    counties = json.loads(client.get(page.context["area_map"].url).content)["areas"]
    assert {area["code"]: area["value"] for area in counties}["513326"] == 1


def test_the_map_names_every_county_and_gives_figures_of_ones_own_alone(world, signed_in):
    case(world)
    client = signed_in(world.kangding_cdc)
    page = client.get(f"{LIST}counts/")
    areas = json.loads(client.get(page.context["area_map"].url).content)["areas"]
    values = {area["code"]: area["value"] for area in areas}
    assert (values["513301"], values["513326"]) == (0, None)


def test_the_counts_page_shows_what_was_known_at_a_time(world, signed_in):
    case(world)
    client = signed_in(world.headquarters)
    before = client.get(f"{LIST}counts/?as_of=2020-02-05T09:59")
    assert before.context["asked"].total == 0
    after = client.get(f"{LIST}counts/?as_of=2020-02-05T10:00")
    assert after.context["asked"].total == 1


def test_an_export_of_the_list_is_on_record_and_masked(world, signed_in):
    case(world)
    data = b"".join(signed_in(world.daofu_cdc).get(f"{LIST}?export=csv")).decode()
    assert "扎某某" in data
    assert "扎西德吉" not in data
    assert audit.lines().order_by("-id")[0].action == "core.pages.export"


def test_the_api_reports_revises_and_reviews(world, signed_in, monkeypatch):
    client = signed_in(world.clinician)
    judged = {
        "condition": "covid-19",
        "case_class": "suspected",
        "diagnosed_at": "2020-02-05T09:00:00+08:00",
        "onset_date": "2020-02-01",
        "relation": "same-county",
        "doctor": "王医生",
    }
    patient = {"name": "扎西德吉", "address": "道孚县鲜水镇", "birth_date": "1970-01-01"}
    body = {
        "patient": {**patient, "occupation": "herder"},
        "case": judged,
        "facility": str(world.hospital.public_id),
    }

    def post(path: str, content: object, key: str, **more: str):
        headers = {"Idempotency-Key": key, **more}
        return client.post(
            API + path, json.dumps(content), content_type="application/json", headers=headers
        )

    made = post("cases/", body, "k1")
    assert (made.status_code, made.json()["number"]) == (201, "513326-2020-00001")
    assert made.json()["report_clock"] == "on_time"
    assert post("cases/", body, "k1").json()["id"] == made.json()["id"]
    assert post("cases/", body, "k2").status_code == 409
    assert post("cases/", body, "").status_code == 400
    public_id = made.json()["id"]
    revised = {"case": {**judged, "case_class": "confirmed"}, "reason": "核酸阳性"}
    revise, review = f"cases/{public_id}/revise/", f"cases/{public_id}/review/"
    assert post(revise, revised, "k3").status_code == 428
    seen = {"If-Match": client.get(f"{API}cases/{public_id}/")["ETag"]}
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=1))
    assert post(revise, revised, "k3", **seen).json()["case_class"] == "confirmed"
    assert post(revise, revised, "k3b", **seen).status_code == 412
    assert post(review, {"accept": True, "card": 2}, "k4").status_code == 403
    client.force_login(world.daofu_cdc)
    assert post(review, {"accept": True}, "k5").status_code == 422
    assert post(review, {"accept": True, "card": 1}, "k5").json()["title"] == "NewerCard"
    reviewed = post(review, {"accept": True, "card": 2}, "k5")
    assert reviewed.json()["review_state"] == "accepted"
    assert len(client.get(f"{API}cases/{public_id}/").json()["cards"]) == 2


def test_the_api_lists_cases_page_by_page(world, signed_in):
    for n in (1, 2, 3):
        case(world, n, at=AT + timedelta(minutes=n))
    client = signed_in(world.daofu_cdc)
    first = client.get(f"{API}cases/?size=2").json()
    second = client.get(f"{API}cases/?size=2&after={first['next']}").json()
    numbers = [one["number"][-1] for one in first["rows"] + second["rows"]]
    assert numbers == ["3", "2", "1"]


def test_a_case_imported_from_elsewhere_and_an_imported_row_are_two_words_in_chinese():
    with translation.override("zh-hans"):
        assert str(Origin.IMPORT.label) == "输入病例"
        assert str(Outcome.IMPORTED.label) == "已导入"
