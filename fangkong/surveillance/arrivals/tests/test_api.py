"""Arrivals for machines: look up, ask, register, hand over; refusals with their place."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.people.models import Person
from fangkong.surveillance.arrivals.models import Arrival, Asked

from .factories import answers, registered, somebody

pytestmark = pytest.mark.both_databases

API = "/api/v1/surveillance/arrivals/"


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", match="", how="post", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        call = getattr(client, how)
        return call(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


@pytest.fixture
def read(client):
    def read(user, path):
        client.force_login(user)
        return client.get(f"{API}{path}")

    return read


def test_a_machine_looks_up_asks_what_is_open_and_registers(ask, read, world):
    person = somebody(world)
    number = person.documents.get().full_number
    found = ask(world.guard, "search/", text=number).json()["persons"]
    assert [one["name"] for one in found] == [person.masked_name]
    who, gate = found[0]["who"], str(world.gate.public_id)

    told = ask(world.guard, "ask/", key="a", who=who, checkpoint=gate).json()
    known = {one["code"] for one in told["known"]}
    assert known == {"full-name", "identity-number"}
    open_ = {one["code"]: one["required"] for one in told["ask"]}
    assert open_["came-from"] and not open_["care-needs"] and not known & open_.keys()

    said = {code: text for code, text in answers().items() if code in open_}
    body = {"who": who, "checkpoint": gate, "answers": said, "temperature": 365}
    first, again = (ask(world.guard, "registered/", key="r", **body) for _n in range(2))
    assert first.status_code == 201
    assert (first.json(), Arrival.objects.count()) == (again.json(), 1)
    assert (first.json()["tier"], first.json()["county"]) == ("ganzi-4-hubei", "513326")
    assert first.json()["ill"] is False
    assert not Asked.objects.filter(again=True).exists()
    assert person.name not in json.dumps(first.json(), ensure_ascii=False)

    path = f"registered/{first.json()['id']}/"
    assert read(world.own_guard, path).status_code == 404
    assert ask(world.kangding_cdc, f"{path}receive/", key="x").status_code == 404
    assert ask(world.daofu_cdc, f"{path}receive/", key="y").json()["state"] == "received"
    assert ask(world.daofu_cdc, f"{path}judge/", key="z").status_code == 422
    assert read(world.daofu_cdc, "registered/?state=received").json()["rows"][0]["id"] in path
    figures = read(world.kangding_cdc, "figures/").json()
    assert (figures["total"], figures["asked_again"]) == (1, 0)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"answers": answers(came_from="某地")}, "/answers/came-from"),
        ({"answers": {**answers(), "shoe-size": "42"}}, "/answers/shoe-size"),
        ({"answers": answers(), "temperature": 200}, "/temperature"),
        ({"answers": answers(), "arrived_at": "2020-02-06T10:00:00+08:00"}, "/arrived_at"),
    ],
)
def test_a_refusal_names_its_place(ask, world, changes, where):
    nobody = ask(world.guard, "search/", text="王").json()["nobody"]
    told = ask(world.guard, "registered/", who=nobody, **changes)

    assert told.status_code == 422
    assert where in [one["where"] for one in told.json()["errors"]]
    assert not Arrival.objects.exists()


def test_a_form_that_is_sent_again_under_another_key_makes_no_second_person(ask, world):
    nobody = ask(world.guard, "search/", text="王").json()["nobody"]
    before = Person.objects.count()
    first, again = (
        ask(world.guard, "registered/", key=key, who=nobody, answers=answers()) for key in "rs"
    )
    assert (first.status_code, again.status_code) == (201, 201), again.content
    assert first.json()["id"] == again.json()["id"]
    assert (Person.objects.count() - before, Arrival.objects.count()) == (1, 1)

    # With the number that was forgotten it is the same person; with another one, or another name,
    # somebody else.
    mine, theirs = (
        answers(identity_number=one) for one in ("513326199003070017", "51332619880102001X")
    )
    whole, beside = (
        ask(world.guard, "registered/", key=f"n{n}", who=nobody, answers=said)
        for n, said in enumerate([mine, theirs])
    )
    assert whole.json()["id"] == first.json()["id"]
    assert beside.json()["id"] != first.json()["id"]
    other = answers(full_name="泽仁卓玛")
    beside = ask(world.guard, "registered/", key="u", who=nobody, answers=other)
    assert beside.json()["id"] != first.json()["id"]
    fresh = ask(world.guard, "search/", text="王").json()["nobody"]
    ask(world.guard, "registered/", key="v", who=fresh, answers=other)
    assert Person.objects.count() - before == 4  # two of one name may come; a form means one


def test_strangers_and_foreign_checkpoints_are_not_found(ask, read, world):
    nobody = ask(world.guard, "search/", text="王").json()["nobody"]
    gate = str(world.own_gate.public_id)
    body = {"who": nobody, "checkpoint": gate, "answers": answers()}

    assert ask(world.guard, "registered/", **body).status_code == 404
    assert ask(world.own_guard, "registered/", **body).status_code == 404  # another's word
    assert ask(world.inspector, "search/", text="王").status_code == 403
    assert read(world.stranger, "registered/").status_code == 403
    assert read(world.guard, f"checkpoints/{gate}/").status_code == 404


def test_checkpoints_and_announcements_by_machine(ask, read, world):
    path = f"checkpoints/{world.gate.public_id}/"
    tag = read(world.kangding_cdc, path).headers["ETag"]
    assert ask(world.kangding_cdc, path, key="a", how="put", road="G317").status_code == 428
    put = {"how": "put", "match": tag, "road": "G317", "duties": ["swab"]}
    assert ask(world.kangding_cdc, path, key="b", **put).json()["road"] == "G317"
    assert ask(world.daofu_cdc, f"{path}close/", key="c").status_code == 404
    assert ask(world.kangding_cdc, f"{path}close/", key="d").json()["closed_at"]
    assert ask(world.kangding_cdc, f"{path}close/", key="e").status_code == 409
    facility = str(world.gate.facility.public_id)
    assert ask(world.kangding_cdc, "checkpoints/", key="f", facility=facility).status_code == 201
    assert ask(world.daofu_cdc, "checkpoints/", key="g", facility=facility).status_code == 404

    area = {
        "area": "长沙",
        "tier": "ganzi-4-key-area",
        "valid_from": "2020-02-05",
        "source": "公告",
    }
    assert ask(world.daofu_cdc, "announced/", key="h", **area).status_code == 403
    made = ask(world.headquarters, "announced/", key="i", **area).json()
    assert made["code"] == "4301"
    wrong = ask(world.headquarters, "announced/", key="j", **{**area, "tier": "no-such"})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "/tier")
    end = f"announced/{made['id']}/end/"
    assert ask(world.headquarters, end, key="l", valid_to="2020-02-01").status_code == 422
    assert ask(world.headquarters, end, key="m", valid_to="2020-02-05").status_code == 200
    assert read(world.guard, "announced/?on=2020-02-06").json()["rows"] == []


def test_the_list_sends_as_many_statements_for_one_row_as_for_three(read, world):
    def statements():
        with CaptureQueriesContext(connection) as made:
            assert read(world.daofu_cdc, "registered/").status_code == 200
        return len([one for one in made if "session" not in one["sql"]])

    registered(world)
    statements()
    one = statements()
    registered(world, answers(full_name="李二", mobile=""))
    registered(world, answers(full_name="张三", mobile=""))
    assert statements() == one


def test_a_machine_is_given_the_answers_for_a_reason(ask, world):
    made = registered(world, {**answers(), "care-needs": "needs insulin"})
    path = f"registered/{made.public_id}/reveal/"

    assert ask(world.daofu_cdc, path, key="a", reason="x").status_code == 422
    assert ask(world.guard, path, key="b", reason="bring the medicine").status_code == 403
    full = ask(world.daofu_cdc, path, key="c", reason="bring the medicine")

    assert full.status_code == 200
    assert full.json()["care-needs"] == "needs insulin"
    assert "no-store" in full.headers["Cache-Control"]
