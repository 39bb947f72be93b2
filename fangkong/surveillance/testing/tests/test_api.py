"""Testing for machines: the whole way, repeats, refusals with their place, and lists."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.core.audit import queries as audit
from fangkong.core.tokens import actions as tokens
from fangkong.places.tests.factories import facility
from fangkong.surveillance.testing.models import Result, Specimen

from .factories import AT, collected, facts, received, reported, requested, shipped, surface

pytestmark = pytest.mark.both_databases

API = "/api/v1/surveillance/testing/"


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


def body(world, **changes):
    said = {
        "condition": "covid-19",
        "group": "fever-clinic",
        "specimen_type": "oropharyngeal-swab",
        "person": str(world.person.public_id),
        "facility": str(world.hospital.public_id),
        "laboratory": str(world.bench.public_id),
    }
    return {**said, **changes}


def test_a_tube_goes_its_whole_way_by_machine(ask, world, client):
    made = ask(world.daofu_cdc, "specimens/", **body(world)).json()
    at = f"specimens/{made['id']}/"
    ask(world.clinician, f"{at}collect/", key="c")
    ask(world.clinician, f"{at}ship/", key="s")
    ask(world.technician, f"{at}receive/", key="r")
    said = {"method": "rt-pcr", "outcome": "positive", "ct": {"N": 2150}}
    told = ask(world.technician, f"{at}results/", key="t", **said)

    assert told.status_code == 201
    assert (told.json()["state"], told.json()["outcome"], told.json()["clock"]) == (
        "reported",
        "positive",
        "on_time",
    )
    shown = client.get(f"{API}{at}").json()
    assert [step["state"] for step in shown["steps"]] == [
        "requested",
        "collected",
        "shipped",
        "received",
        "tested",
        "reported",
    ]
    assert [(one["ct"], one["channel"]) for one in shown["results"]] == [({"N": 2150}, "api")]
    assert world.person.name not in json.dumps(shown, ensure_ascii=False)


def test_the_same_request_again_gets_the_first_answer(ask, world):
    first = ask(world.daofu_cdc, "specimens/", **body(world))
    again = ask(world.daofu_cdc, "specimens/", **body(world))

    assert first.json() == again.json()
    assert Specimen.objects.count() == 1


def test_whose_test_is_requested_is_noted_as_seen(ask, world):
    ask(world.daofu_cdc, "specimens/", **body(world))

    seen = audit.sights_of(world.person)[0]
    assert (seen.by, seen.how) == (world.daofu_cdc, "api")


def test_another_key_for_a_request_that_waits_is_a_conflict(ask, world):
    ask(world.daofu_cdc, "specimens/", **body(world))

    assert ask(world.daofu_cdc, "specimens/", key="k2", **body(world)).status_code == 409


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"group": "no-such"}, "/group"),
        ({"specimen_type": "environment"}, "/specimen_type"),
        ({"number": "S513326200000010"}, "/number"),
        ({"collected_at": "2020-02-05T11:00:00+08:00"}, "/collected_at"),
        ({"site": "door"}, "/site"),
    ],
)
def test_a_request_that_is_wrong_says_where(ask, world, changes, place):
    told = ask(world.daofu_cdc, "specimens/", **body(world, **changes))

    assert told.status_code == 422
    assert [one["where"] for one in told.json()["errors"]] == [place]


@pytest.mark.parametrize("name", ["person", "facility", "laboratory", "case"])
def test_what_the_asker_does_not_see_is_not_there(ask, world, name):
    known = ask(world.kangding_cdc, "specimens/", **body(world))
    nobodys = {name: "01900000-0000-7000-8000-000000000000"}

    assert known.status_code == 404
    assert ask(world.daofu_cdc, "specimens/", key="k2", **body(world, **nobodys)).status_code == 404


def test_a_step_out_of_order_tells_how_the_tube_stands(ask, world):
    specimen = requested(world)

    told = ask(world.clinician, f"specimens/{specimen.public_id}/ship/")

    assert told.status_code == 409
    assert specimen.number in told.json()["detail"]


def test_another_laboratory_finds_nothing(ask, world):
    at = f"specimens/{shipped(world).public_id}/"

    assert ask(world.other_technician, f"{at}receive/").status_code == 404
    assert ask(world.clinician, f"{at}receive/").status_code == 403
    assert ask(world.technician, f"{at}receive/").status_code == 200


def test_a_correction_says_on_which_state_it_was_decided(ask, world, client):
    result = reported(world)
    at = f"specimens/{result.specimen.public_id}/"
    said = {"method": "rt-pcr", "outcome": "positive", "replaces": 1, "reason": "wrong well"}
    client.force_login(world.technician)
    tag = client.get(f"{API}{at}").headers["ETag"]

    assert ask(world.technician, f"{at}results/correct/", **said).status_code == 428
    stale = ask(world.technician, f"{at}results/correct/", match='"old"', **said)
    assert stale.status_code == 412
    assert ask(world.technician, f"{at}results/correct/", match=tag, **said).status_code == 200
    assert Result.objects.count() == 2


def test_a_result_is_taken_back_by_its_laboratory_on_the_state_it_saw(ask, world, client):
    result = reported(world)
    at = f"specimens/{result.specimen.public_id}/"
    said = {"replaces": 1, "reason": "tubes exchanged"}
    client.force_login(world.technician)
    tag = client.get(f"{API}{at}").headers["ETag"]
    path = f"{at}results/withdraw/"

    assert ask(world.daofu_cdc, path, match=tag, **said).status_code == 403
    assert ask(world.technician, path, **said).status_code == 428
    assert ask(world.technician, path, match=tag, **{**said, "reason": ""}).status_code == 422
    told = ask(world.technician, path, key="w", match=tag, **said)
    assert (told.status_code, told.json()["state"], told.json()["outcome"]) == (
        200, "tested", "invalid",
    )  # fmt: skip
    again = ask(world.technician, path, key="x", match="*", **{**said, "replaces": 2})
    assert again.status_code == 409
    assert Result.objects.count() == 2


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 2),
        ("state=received", 1),
        ("state=lost", 0),
        ("outcome=positive", 0),
        ("until=2020-02-05T00:00:00Z", 0),
        ("since=2020-02-05T00:00:00Z", 2),
    ],
)
def test_a_list_is_narrowed(world, client, query, n):
    received(world)
    surface(world)
    client.force_login(world.daofu_cdc)

    assert len(client.get(f"{API}specimens/?{query}").json()["rows"]) == n


def test_a_number_finds_its_tube_however_it_is_typed(world, client):
    specimen = requested(world)
    surface(world)
    client.force_login(world.daofu_cdc)

    typed = f"{specimen.number[:7]}-{specimen.number[7:9]}-{specimen.number[9:]}".lower()

    rows = client.get(f"{API}specimens/?number={typed}").json()["rows"]
    assert [row["number"] for row in rows] == [specimen.number]


def test_a_list_costs_the_same_few_statements_whatever_its_size(world, client):
    client.force_login(world.technician)
    collected(world)
    client.get(f"{API}specimens/")
    counts = []
    for kind in ("sputum", "stool", "blood"):
        with CaptureQueriesContext(connection) as asked:
            client.get(f"{API}specimens/")
        counts.append(len(asked))
        collected(world, facts=facts(specimen_type=kind))

    assert len(set(counts)) == 1


def test_the_codes_of_a_day_are_told(world, client):
    client.force_login(world.technician)

    told = client.get(f"{API}choices/").json()

    assert told["on"] == AT.date().isoformat()
    assert {one["code"]: one["hours"] for one in told["groups"]}["fever-clinic"] == 6
    assert told["methods"][0]["targets_of"] == {"covid-19": ["ORF1ab", "N"]}
    assert client.get(f"{API}choices/?on=1990-01-01").status_code == 422


# --- What a token was made without ----------------------------------------------------------------


@pytest.fixture
def machine(client):
    """A program with a token of a user that was given these permissions and no others."""

    def send(user, path, *permissions, **body):
        token = tokens.make(
            user=user,
            label="LIS",
            permissions=list(permissions),
            may_write=True,
            expires_at=AT + timedelta(days=30),
            by=user,
            at=AT,
        )
        headers = {
            "Authorization": f"Bearer {token.secret}",
            "Idempotency-Key": str(uuid4()),
            "Accept-Language": "en",
        }
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return send


REQUEST, PERSONS, PLACES = "surveillance.testing.request", "people.view", "places.view"


def test_a_token_names_the_places_of_its_scope_and_is_told_what_it_lacks_for_others(machine, world):
    cdc, away = world.daofu_cdc, str(facility(world.kangding, "康定实验室").public_id)

    near = str(facility(world.daofu, "道孚县疾控中心实验室", kind="county_cdc").public_id)
    own = machine(cdc, "specimens/", REQUEST, PERSONS, **body(world, laboratory=near))
    lab = facility(world.kangding, "康定市医院检验科", kind="hospital")
    far = body(world, laboratory=str(lab.public_id), specimen_type="nasopharyngeal-swab")
    other = machine(cdc, "specimens/", REQUEST, PERSONS, **far)
    nobody = machine(cdc, "specimens/", REQUEST, PERSONS, **{**far, "laboratory": str(uuid4())})
    whole = machine(cdc, "specimens/", REQUEST, PERSONS, PLACES, **far)
    bare = machine(cdc, "specimens/", REQUEST, PLACES, **body(world))
    sent_for = machine(cdc, "specimens/", REQUEST, PERSONS, PLACES, **body(world, facility=away))

    assert own.status_code == 201
    assert (other.status_code, whole.status_code) == (403, 201)
    assert other.json()["detail"] == (
        "The token was made without: places.view (See areas and facilities). Make one that has it."
    )
    assert other.content == nobody.content  # whether there is such a place stays untold
    assert bare.status_code == 403 and "people.view (See persons, masked)" in bare.json()["detail"]
    assert sent_for.status_code == 404  # no permission would open another county's


def test_a_token_without_the_permission_of_the_operation_is_told_its_name(machine, world):
    told = machine(world.daofu_cdc, "specimens/", PLACES, **body(world))

    assert told.status_code == 403 and REQUEST in told.json()["detail"]
    stranger = machine(world.technician, "specimens/", PLACES, **body(world))
    assert stranger.json()["detail"] == "Your roles do not allow this."
