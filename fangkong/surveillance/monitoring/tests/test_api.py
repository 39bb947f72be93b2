"""Monitoring for machines: files, counts, and refusals as problem documents."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.surveillance.monitoring import actions
from fangkong.surveillance.monitoring.models import Case

from .factories import AT, case, facts, line, table

API = "/api/v1/surveillance/monitoring/"
BODY = {
    "patient": {"name": "扎西德吉", "address": "道孚县鲜水镇", "birth_date": "1970-01-01"},
    "case": {
        "condition": "covid-19",
        "case_class": "confirmed",
        "diagnosed_at": "2020-02-05T09:00:00+08:00",
        "onset_date": "2020-02-01",
        "doctor": "王医生",
    },
}


@pytest.fixture
def machine(client, world):
    client.force_login(world.clinician)
    return client


def send(machine, world, key="k", patient=None, **judged):
    body = {
        "patient": {**BODY["patient"], **(patient or {})},
        "case": {**BODY["case"], **judged},
        "facility": str(world.hospital.public_id),
    }
    headers = {"Idempotency-Key": key}
    return machine.post(f"{API}cases/", json.dumps(body), "application/json", headers=headers)


def send_file(machine, world, data: bytes, key="k"):
    return machine.post(
        f"{API}imports/",
        {
            "file": SimpleUploadedFile("cards.csv", data),
            "facility": str(world.hospital.public_id),
        },
        headers={"Idempotency-Key": key},
    )


def test_a_case_carries_its_clock_and_no_name(machine, world):
    made = send(machine, world).json()
    assert (made["patient"], made["county"], made["area"]) == ("扎某某", "513326", "513326100")
    assert (made["report_clock"], made["review_clock"]) == ("on_time", "on_time")
    due = datetime.fromisoformat(made["report_due_at"])
    assert due == AT + timedelta(hours=1)  # diagnosed at nine, two hours


def test_a_report_after_two_hours_is_late_and_on_the_minute_is_not(machine, world):
    late = send(machine, world, diagnosed_at="2020-02-05T07:59:00+08:00").json()
    kept = send(
        machine,
        world,
        key="k2",
        patient={"name": "白玛"},
        diagnosed_at="2020-02-05T08:00:00+08:00",
    ).json()
    assert (late["report_clock"], kept["report_clock"]) == ("late", "on_time")


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ({"case_class": "probable"}, "NotAcceptable"),
        ({"onset_date": "2020-02-06"}, "NotAcceptable"),
        ({"diagnosed_at": "2012-02-05T08:00:00+08:00"}, "NotAcceptable"),
        ({"diagnosed_at": "2020-02-05T09:00:00"}, "Refused"),  # in which zone?
        ({"diagnosed_at": "yesterday"}, "Invalid"),
        ({"origin": "moon"}, "Invalid"),
    ],
)
def test_a_wrong_card_is_refused_with_a_problem_and_nothing_is_reported(
    machine, world, judged, said
):
    answer = send(machine, world, **judged)
    assert (answer.status_code, answer.json()["title"]) == (422, said)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("judged", "patient"),
    [
        ({"severity": "x" * 500}, {}),
        ({"doctor": "x" * 500}, {}),
        ({"remark": "x" * 5000}, {}),
        ({"origin_place": "x" * 5000}, {}),
        ({"relation": "x" * 500}, {}),
        ({"relation": "moon"}, {}),
        ({"course": "x" * 500}, {}),
        ({"course": "slow"}, {}),
        ({"doctor": "a\x00b"}, {}),
        ({"doctor": "\u200b"}, {}),
        ({}, {"name": "\u200b\u00ad"}),
        ({}, {"name": "x" * 500}),
        ({}, {"name": ""}),
        ({}, {"age_years": 10**9}),
        ({}, {"age_years": -1}),
        ({}, {"phone": "x" * 500}),
        ({}, {"id_kind": "resident_id", "id_number": "123"}),
        ({}, {"occupation": "x" * 500}),
        ({}, {"workplace": "x" * 5000}),
        ({}, {"address": "x" * 5000}),
        ({}, {"address": ""}),
    ],
)
def test_what_a_file_would_be_refused_for_a_machine_is_refused_for_too(
    machine, world, judged, patient
):
    answer = send(machine, world, patient=patient, **judged)
    assert answer.status_code == 422
    assert not Case.objects.exists()


def test_a_hospital_reports_for_itself_only(machine, world):
    body = {**BODY, "facility": str(world.other_hospital.public_id)}
    answer = machine.post(
        f"{API}cases/", json.dumps(body), "application/json", headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 404
    assert not Case.objects.exists()


def test_a_file_is_checked_confirmed_and_imported(machine, world):
    data = table(line(1), line(2, case_class="也许")).encode("gb18030")
    made = send_file(machine, world, data)
    assert made.status_code == 201
    batch = made.json()
    assert (batch["state"], batch["ok"], batch["errors"]) == ("ready", 1, 1)
    assert [(row["line"], row["outcome"]) for row in batch["rows"]] == [(3, "error")]
    assert not Case.objects.exists()

    path = f"{API}imports/{batch['id']}/"
    confirmed = machine.post(f"{path}confirm/", headers={"Idempotency-Key": "c"}).json()
    assert confirmed["state"] == "running"
    kit.enter(run=ImportRun.objects.get(), at=AT)
    done = machine.get(path).json()
    assert (done["state"], done["imported"], done["errors"]) == ("done", 1, 1)


def test_a_file_sent_twice_under_one_key_is_one_import(machine, world):
    data = table(line(1)).encode()
    first, again = send_file(machine, world, data), send_file(machine, world, data)
    assert first.json()["id"] == again.json()["id"]
    assert send_file(machine, world, table(line(2)).encode()).json()["title"] == "KeyReused"
    assert ImportRun.objects.count() == 1


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"\xff\xff\xff"])
def test_a_file_that_is_no_table_is_refused(machine, world, data):
    answer = send_file(machine, world, data)
    assert (answer.status_code, answer.json()["title"]) == (422, "BadFile")
    assert not ImportRun.objects.exists()


def test_counts_say_their_definitions_and_what_was_known_when(machine, world):
    one = case(world, case_class="suspected")
    later = AT + timedelta(hours=2)
    actions.revise(case=one, facts=facts(), reason="核酸阳性", by=world.clinician, at=later)

    def asked(**more):
        query = {"condition": "covid-19", "first": "2020-02-01", "last": "2020-02-05", **more}
        return machine.get(f"{API}counts/", query).json()

    now, then = asked(), asked(as_of=AT.isoformat())
    row = {"county": "513326", "day": "2020-02-05", "n": 1}
    assert now["counts"] == [{**row, "case_class": "confirmed"}]
    assert then["counts"] == [{**row, "case_class": "suspected"}]
    assert now["definitions"] == ["cn-2020-01"]
    assert asked(basis="onset")["counts"][0]["day"] == "2020-02-01"
    assert asked(condition="measles")["counts"] == []


def test_a_made_up_cursor_is_refused(machine, world):
    assert machine.get(f"{API}cases/?after=nonsense").status_code == 400
