"""Monitoring for machines: files, counts, and refusals as problem documents."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from fangkong.core.audit import queries as audit
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.surveillance.monitoring import actions
from fangkong.surveillance.monitoring.models import Case

from .factories import AT, case, facts, line, person, table

API = "/api/v1/surveillance/monitoring/"
BODY = {
    "patient": {
        "name": "扎西德吉",
        "address": "道孚县鲜水镇",
        "birth_date": "1970-01-01",
        "occupation": "herder",
    },
    "case": {
        "condition": "covid-19",
        "case_class": "confirmed",
        "diagnosed_at": "2020-02-05T09:00:00+08:00",
        "onset_date": "2020-02-01",
        "relation": "same-county",
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


def test_the_same_card_again_is_told_word_for_word_the_same(machine, world):
    first, again = send(machine, world), send(machine, world)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert Case.objects.count() == 1


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
        ({"diagnosed_at": "2020-02-05T09:00:00"}, "Invalid"),  # in which zone?
        ({"diagnosed_at": "0001-01-01T00:00:00+14:00"}, "Invalid"),
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


def wrong(answer) -> dict[str, str]:
    """What is wrong with what was sent, by its place."""
    assert answer.status_code == 422, answer.content
    assert {error["in"] for error in answer.json()["errors"]} <= {"body", "query"}
    return {error["where"]: error["text"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("judged", "patient", "place", "codes"),
    [
        ({"relation": "moon"}, {}, "/case/relation", ["same-county", "other-province", "foreign"]),
        ({"severity": "moon"}, {}, "/case/severity", ["asymptomatic", "mild", "critical"]),
        ({"case_class": "moon"}, {}, "/case/case_class", ["suspected", "confirmed"]),
        ({}, {"occupation": "moon"}, "/patient/occupation", ["herder", "student", "unknown"]),
        ({}, {"id_kind": "moon"}, "/patient/id_kind", ["resident_id", "passport"]),
        ({"course": "moon"}, {}, "/case/course", ["acute", "chronic"]),
        ({"origin": "moon"}, {}, "/case/origin", ["unknown", "local", "import"]),
        ({}, {"sex": "moon"}, "/patient/sex", ["1", "2", "9"]),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_choice_that_is_none_is_refused_with_the_codes_that_are_taken(
    machine, world, language, judged, patient, place, codes
):
    machine.cookies["django_language"] = language
    answer = send(machine, world, patient=patient, **judged)

    told = wrong(answer)
    assert list(told) == [place]
    for code in codes:
        assert code in told[place]
    assert "本县区" not in answer.content.decode()
    assert answer.json()["title"] in ("Invalid", "NotAcceptable")


def test_every_fault_of_a_card_is_told_at_once_each_at_its_place(machine, world):
    answer = send(
        machine,
        world,
        patient={"occupation": "", "address": "天上人间", "birth_date": None},
        relation="same-county",
        doctor=" ",
        died_on="2020-02-06",
    )
    assert answer.json()["title"] == "NotAcceptable"
    assert set(wrong(answer)) == {
        "/patient/occupation",
        "/patient/address",
        "/patient/birth_date",
        "/case/doctor",
        "/case/died_on",
    }
    assert not Case.objects.exists()


def test_what_the_register_of_persons_refuses_is_told_at_its_place_too(machine, world):
    told = wrong(send(machine, world, patient={"id_number": "513326197001010019"}))
    assert list(told) == ["/patient/id_number"]


@pytest.mark.parametrize("part", ["relation", "doctor"])
def test_what_every_card_says_is_a_key_that_may_not_be_left_out(machine, world, part):
    body = {**BODY, "facility": str(world.hospital.public_id)}
    body["case"] = {name: value for name, value in BODY["case"].items() if name != part}
    answer = machine.post(
        f"{API}cases/", json.dumps(body), "application/json", headers={"Idempotency-Key": "k"}
    )
    assert list(wrong(answer)) == [f"/case/{part}"]


def test_a_revised_card_is_refused_at_its_place(machine, world):
    one = case(world)
    judged = {**BODY["case"], "severity": "mild", "onset_date": "1800-01-01"}
    answer = machine.post(
        f"{API}cases/{one.public_id}/revise/",
        json.dumps({"case": {**judged, "relation": "moon"}, "reason": "订正"}),
        "application/json",
        headers={"Idempotency-Key": "k", "If-Match": "*"},
    )
    assert set(wrong(answer)) == {"/case/relation", ""}  # born after onset: no field of this card


def test_a_machine_changes_one_fact_of_a_card_and_loses_no_other(machine, world):
    travelled = {
        "origin": "import",
        "origin_place": "武汉市",
        "remark": "同车两人",
        "severity": "mild",
    }
    one = send(machine, world, **travelled).json()
    read = machine.get(f"{API}cases/{one['id']}/")
    judged = read.json()["judged"]
    assert judged["relation"], judged["doctor"]

    answer = machine.post(
        f"{API}cases/{one['id']}/revise/",
        json.dumps({"case": {**judged, "onset_date": "2020-01-31"}, "reason": "发病日期更正"}),
        "application/json",
        headers={"Idempotency-Key": "r", "If-Match": read["ETag"]},
    )

    assert answer.status_code == 200
    after = machine.get(f"{API}cases/{one['id']}/").json()
    assert after["judged"] == {**judged, "onset_date": "2020-01-31"}
    assert [field for field, _before, _after in after["cards"][0]["changes"]] == ["发病日期"]


def test_what_a_card_judges_is_told_to_whoever_may_revise_it_alone(client, world):
    one = case(world)
    for reader, told in ((world.clinician, True), (world.auditor, False)):
        client.force_login(reader)
        answer = client.get(f"{API}cases/{one.public_id}/").json()
        assert (answer["judged"] is not None) is told


def test_of_a_case_of_another_county_a_refusal_tells_nothing_and_the_hit_is_noted(client, world):
    one = case(world)
    client.force_login(world.kangding_cdc)
    patient = {"id_number": person(1).id_number, "name": person(1).name, "sex": "1"}
    body = {"patient": patient, "relation": "same-prefecture"}

    def refused(key, **judged):
        theirs = SimpleNamespace(hospital=world.other_hospital)
        return send(client, theirs, key, **body, **judged).json()

    for key, dates in (("same", {}), ("later", {"diagnosed_at": "2020-02-05T09:30:00+08:00"})):
        told = refused(key, **dates)
        assert told["title"] == "AlreadyReported"
        assert one.number not in told["detail"]

    seen = audit.sights_of(one.person)
    assert [(sight.by, sight.how) for sight in seen] == [(world.kangding_cdc, "found")] * 2


def test_a_machine_matches_the_columns_of_a_file_with_other_headings(machine, world):
    text = table(line(1)).replace("病人属于", "归属")
    batch = send_file(machine, world, text.encode()).json()
    assert (batch["state"], batch["missing"]) == ("matching", ["relation"])

    def sent(key, fields):
        return machine.post(
            f"{API}imports/{batch['id']}/match/",
            json.dumps({"fields": fields}),
            "application/json",
            headers={"Idempotency-Key": key},
        )

    as_read = [column["field"] for column in batch["columns"]]
    refused = sent("short", as_read[:-1])
    assert (refused.status_code, refused.json()["title"]) == (422, "WrongColumns")
    fields = [
        "relation" if column["heading"] == "归属" else column["field"]
        for column in batch["columns"]
    ]
    matched = sent("whole", fields).json()
    assert (matched["state"], matched["missing"], matched["ok"]) == ("ready", [], 1)


def test_another_county_matches_no_columns_of_this_file(client, machine, world):
    batch = send_file(machine, world, table(line(1)).replace("病人属于", "归属").encode()).json()
    client.force_login(world.kangding_cdc)
    answer = client.post(
        f"{API}imports/{batch['id']}/match/",
        json.dumps({"fields": []}),
        "application/json",
        headers={"Idempotency-Key": "k"},
    )
    assert answer.status_code == 404


def test_the_codes_of_a_day_are_told_for_each_disease(machine, world):
    told = machine.get(f"{API}choices/").json()
    assert (told["pack"], told["on"]) == ("cn-2020-01", "2020-02-05")
    covid = next(row for row in told["conditions"] if row["code"] == "covid-19")
    assert {"confirmed", "asymptomatic"} <= set(covid["case_classes"])
    assert covid["severities"][:2] == ["asymptomatic", "mild"]
    measles = next(row for row in told["conditions"] if row["code"] == "measles")
    assert measles["severities"] == []
    hepatitis = next(row for row in told["conditions"] if row["code"] == "viral-hepatitis")
    asking = {form["code"] for form in hepatitis["forms"] if form["asks_course"]}
    assert asking == {"hepatitis-b", "hepatitis-c"}
    relations = {row["code"]: row["lives"] for row in told["relations"]}
    assert relations["same-prefecture"] == ["prefecture"]
    assert {"code": "herder", "name_zh": "牧民", "name_en": "Herder", "asks_school": False} in told[
        "occupations"
    ]
    assert "passport" in [row["code"] for row in told["id_kinds"]]


def test_the_codes_of_another_day_are_those_of_its_rules(machine, world):
    before = machine.get(f"{API}choices/?on=2020-01-19").json()
    assert "covid-19" not in [row["code"] for row in before["conditions"]]
    assert list(wrong(machine.get(f"{API}choices/?on=1990-01-01"))) == ["on"]


def test_every_code_that_is_told_is_taken(machine, world):
    told = machine.get(f"{API}choices/").json()
    for n, row in enumerate(told["occupations"]):
        patient = {"name": f"白玛{n}", "occupation": row["code"], "workplace": "道孚小学一班"}
        assert send(machine, world, key=f"o{n}", patient=patient).status_code == 201
    covid = next(row for row in told["conditions"] if row["code"] == "covid-19")
    for n, code in enumerate(covid["severities"]):
        patient = {"name": f"泽仁{n}"}
        assert send(machine, world, f"s{n}", patient, severity=code).status_code == 201


@pytest.mark.parametrize(
    ("path", "query", "place", "said"),
    [
        ("cases/", "condition=nosuch", "condition", "covid-19"),
        ("cases/", "county=999999", "county", "513326"),
        ("cases/", "since=0001-01-01T00:00:00%2B14:00", "since", ""),
        ("cases/", "since=2020-02-05T09:00", "since", "2020-02-05T09:00+08:00"),
        ("cases/", "until=9999-12-31T23:59:59-14:00", "until", ""),
        ("cases/", "since=2020-02-05T09:00Z&until=2020-02-04T09:00Z", "until", "since"),
        ("counts/", "condition=nosuch&first=2020-02-01&last=2020-02-05", "condition", "measles"),
        ("counts/", "condition=&first=2020-02-01&last=2020-02-05", "condition", "measles"),
        ("counts/", "condition=covid-19&first=2020-02-05&last=2020-02-04", "last", "first"),
        ("counts/", "condition=covid-19&first=1990-01-01&last=1990-01-02", "last", ""),
        (
            "counts/",
            "condition=covid-19&first=2020-02-01&last=2020-02-05&as_of=2020-02-05T10:11%2B08:00",
            "as_of",
            "",
        ),
        (
            "counts/",
            "condition=covid-19&first=2020-02-01&last=2020-02-05&basis=moon",
            "basis",
            "onset",
        ),
    ],
)
def test_what_can_mean_nothing_is_told_by_its_parameter_and_not_answered_with_nothing(
    machine, world, path, query, place, said
):
    told = wrong(machine.get(f"{API}{path}?{query}"))
    assert list(told) == [place]
    assert said in told[place]


@pytest.mark.parametrize(
    "query",
    [
        "condition=covid-19&county=513326&since=2020-02-05T09:00:00Z&until=2020-02-05T09:00:00Z",
        "condition=&county=",
        "condition=influenza-h7n9",  # a disease of another pack
    ],
)
def test_what_means_something_is_answered(machine, world, query):
    assert machine.get(f"{API}cases/?{query}").status_code == 200


def test_a_sender_whose_clock_is_ahead_gets_what_is_known_now(machine, world):
    query = "condition=covid-19&first=2020-02-05&last=2020-02-05&as_of=2020-02-05T10:05%2B08:00"
    told = machine.get(f"{API}counts/?{query}").json()
    assert datetime.fromisoformat(told["as_of"]) == AT
