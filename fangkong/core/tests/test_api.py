"""The machines' door says no in one way: an RFC 9457 problem that names what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from fangkong.accounts.tests import factories
from fangkong.core.commands import actions as commands
from fangkong.core.roles import Role
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility, world

pytestmark = pytest.mark.django_db
AREAS = "/api/v1/places/areas/"
FACILITIES = "/api/v1/places/facilities/"
NEW = {"name_zh": "八美镇卫生院", "kind": "health_centre", "area": "513326"}


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def client(areas):
    """Signed in as the county CDC of Daofu."""
    signed_in = Client()
    signed_in.force_login(factories.staff(Role.COUNTY_CDC, area=areas["513326"]))
    signed_in.cookies["django_language"] = "en"
    return signed_in


def send(client, data=NEW, **headers):
    return client.post(
        FACILITIES, json.dumps(data), content_type="application/json", headers=headers
    )


def problem(response):
    """The problem document of a refusal: its status twice, a title, and words."""
    assert response["Content-Type"] == "application/problem+json"
    told = response.json()
    assert told["type"] == "about:blank"
    assert told["status"] == response.status_code
    assert told["title"] and told["detail"]
    return told


def test_a_stranger_is_asked_to_sign_in(areas):
    told = problem(Client().get(AREAS, headers={"accept-language": "en"}))

    assert (told["status"], told["title"]) == (401, "Unauthorized")
    assert told["detail"] == "Sign in first."


def test_a_refusal_speaks_the_language_of_who_asks(areas):
    told = problem(Client().get(AREAS, headers={"accept-language": "zh-hans"}))

    assert told["detail"] == "请先登录。"


def test_another_role_is_forbidden_and_nothing_is_written(areas):
    hospital = Client()
    hospital.force_login(factories.staff(Role.HOSPITAL, area=areas["513326"]))

    told = problem(send(hospital, idempotency_key=str(uuid4())))

    assert (told["status"], told["title"]) == (403, "Forbidden")
    assert hospital.get(FACILITIES).status_code == 200
    assert not Facility.objects.exists()


def test_what_is_not_there_and_what_is_not_yours_get_the_same_answer(client, areas):
    ours = facility(areas["513326"])
    theirs = facility(areas["513221"], "汶川县人民医院")

    assert client.get(f"{FACILITIES}{ours.public_id}/").status_code == 200
    foreign = problem(client.get(f"{FACILITIES}{theirs.public_id}/"))
    unknown = problem(client.get(f"{FACILITIES}{uuid4()}/"))
    assert foreign == unknown
    assert (foreign["status"], foreign["title"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"name_zh": ""}, "name_zh"),
        ({"name_zh": None}, "name_zh"),
        ({"kind": "castle"}, "kind"),
        ({"capacity_beds": -1}, "capacity_beds"),
        ({"lon": 181}, "lon"),
    ],
)
def test_a_wrong_field_is_named(client, changed, where):
    told = problem(send(client, {**NEW, **changed}, idempotency_key=str(uuid4())))

    assert (told["status"], told["title"]) == (422, "Invalid")
    assert [(error["in"], error["where"]) for error in told["errors"]] == [("body", f"/{where}")]
    assert not Facility.objects.exists()


def test_every_wrong_field_is_named_at_once(client):
    told = problem(send(client, {"kind": "castle"}, idempotency_key=str(uuid4())))

    assert {error["where"] for error in told["errors"]} == {"/name_zh", "/kind", "/area"}


@pytest.mark.parametrize("size", ["0", "-1", "201", "1000", "9" * 30, "abc", "1.5", "２", "1e2"])
def test_a_size_outside_1_to_200_is_told_and_not_guessed(client, size):
    told = problem(client.get(AREAS, {"size": size}))

    assert (told["status"], told["title"]) == (422, "Invalid")
    assert [(error["in"], error["where"]) for error in told["errors"]] == [("query", "size")]


@pytest.mark.parametrize("size", ["1", "200", "007", ""])
def test_a_size_within_is_taken(client, size):
    assert client.get(AREAS, {"size": size}).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_refused_key_is_told_by_the_name_of_its_header(client, language):
    """Machines have no forms and no pages."""
    client.cookies["django_language"] = language
    key = str(uuid4())
    none = problem(send(client))
    empty = problem(send(client, idempotency_key="k" * 65))
    assert send(client, idempotency_key=key).status_code == 201
    other = problem(send(client, {**NEW, "name_zh": "色须镇卫生院"}, idempotency_key=key))

    assert [(told["status"], told["title"]) for told in (none, empty, other)] == [
        (400, "KeyMissing"),
        (400, "KeyMissing"),
        (422, "KeyReused"),
    ]
    for told in (none, empty, other):
        assert "Idempotency-Key" in told["detail"]
        assert not {"form", "page", "表单", "页面"} & set(told["detail"].lower().split())
        assert "表单" not in told["detail"] and "页面" not in told["detail"]
    assert Facility.objects.count() == 1


@pytest.mark.parametrize("key", ["", " ", "\t", "\u3000", "a b", "k\x7f", "é"])
def test_a_key_that_is_blank_or_holds_blanks_is_none(client, key):
    told = problem(send(client, idempotency_key=key))

    assert (told["status"], told["title"]) == (400, "KeyMissing")
    assert not Facility.objects.exists()
    assert send(client, idempotency_key="!" * 63 + "~").status_code == 201


@pytest.mark.parametrize("body", ["", "{", "[]", '"text"', "\x00"])
def test_a_body_that_is_no_object_is_a_problem_and_no_crash(client, body):
    answer = client.post(
        FACILITIES,
        body,
        content_type="application/json",
        headers={"Idempotency-Key": str(uuid4())},
    )

    assert problem(answer)["status"] in (400, 422)
    assert not Facility.objects.exists()


@pytest.mark.parametrize("cursor", ["made-up", "W10", "%00", "🦬"])
def test_a_made_up_cursor_is_told_and_does_not_start_from_the_beginning(client, cursor):
    told = problem(client.get(AREAS, {"after": cursor}))

    assert told["status"] == 400
    assert told["detail"] == "The cursor is not valid. Start again without it."


def test_following_next_shows_every_row_once_and_then_ends(client):
    seen, after, pages = [], "", 0
    while pages == 0 or after:
        told = client.get(AREAS, {"size": 3, "after": after}).json()
        assert len(told["rows"]) <= 3
        seen += [row["code"] for row in told["rows"]]
        after, pages = told["next"], pages + 1

    assert seen == [row["code"] for row in client.get(AREAS).json()["rows"]]
    assert pages == 4


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_write_without_a_fitting_key_is_refused(client, key):
    told = problem(send(client, idempotency_key=key))

    assert (told["status"], told["title"]) == (400, "KeyMissing")
    assert not Facility.objects.exists()


def test_a_key_does_its_work_once_and_takes_no_other_content(client):
    key = str(uuid4())
    first, again = send(client, idempotency_key=key), send(client, idempotency_key=key)
    other = problem(send(client, {**NEW, "name_zh": "另一家"}, idempotency_key=key))

    assert (first.status_code, again.json()) == (201, first.json())
    assert (other["status"], other["title"]) == (422, "KeyReused")
    assert Facility.objects.count() == 1


def test_a_refused_write_leaves_its_key_free_for_another_try(client):
    key = str(uuid4())

    told = problem(send(client, {**NEW, "org_code": "914403001922038217"}, idempotency_key=key))

    assert (told["status"], told["title"]) == (422, "WrongOrgCode")
    assert send(client, idempotency_key=key).status_code == 201


def test_another_site_cannot_write_with_the_session_of_staff(areas):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(factories.staff(Role.COUNTY_CDC, area=areas["513326"]))

    assert problem(send(browser, idempotency_key=str(uuid4())))["status"] == 403
    assert browser.get(AREAS).status_code == 200
    assert not Facility.objects.exists()


def test_the_schema_is_for_staff(client):
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Fangkong"
    assert problem(Client().get("/api/v1/openapi.json"))["status"] == 401


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nothing/", "/api/v2/places/areas/"])
def test_an_unknown_address_is_told_as_a_problem(client, path):
    assert problem(client.get(path))["status"] == 404
    assert problem(client.post(path))["status"] == 404


def test_a_wrong_method_is_told_as_a_problem_with_the_right_ones(client):
    answer = client.delete(AREAS)

    assert problem(answer)["status"] == 405
    assert answer["Allow"] == "GET"


def test_head_is_answered_as_get_without_a_body(client):
    whole, head = client.get(AREAS), client.head(AREAS)

    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == whole["ETag"]
    assert problem(Client().get(AREAS))["status"] == Client().head(AREAS).status_code == 401


def test_a_file_that_is_missing_is_told_as_a_part_of_the_body(client):
    answer = client.post("/api/v1/core/files/tasks.proof/", headers={"Idempotency-Key": "k"})

    assert [(e["in"], e["where"]) for e in problem(answer)["errors"]] == [("body", "/file")]


def test_signs_that_cannot_be_read_are_told_as_a_problem(client):
    assert problem(client.get(AREAS, {"level": "a\0b"}))["status"] == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", "{}", 415),
        ("", "{}", 415),
        ("application/json", "{", 400),
        ("application/json", '{"lon": NaN}', 400),
        ("application/json", "[" * 100_000, 400),
        ("application/json", " " * (10 * 1024 * 1024 + 1), 413),
    ],
)
def test_a_body_that_is_no_json_or_too_long_is_refused(client, kind, body, status):
    answer = client.post(
        FACILITIES, body, content_type=kind, headers={"idempotency-key": str(uuid4())}
    )

    assert problem(answer)["status"] == status


def test_what_is_wrong_with_a_field_is_said_in_the_language_of_who_asks(areas):
    staff = factories.staff(Role.COUNTY_CDC, area=areas["513326"])
    said = {}
    for language in ("en", "zh-hans"):
        browser = Client()
        browser.force_login(staff)
        browser.cookies["django_language"] = language
        told = problem(send(browser, {**NEW, "name_zh": ""}, idempotency_key=str(uuid4())))
        said[language] = told["errors"][0]["text"]

    assert said == {"en": "This needs at least 1 characters.", "zh-hans": "至少需要 1 个字符。"}


def test_a_repeat_says_that_it_is_one(client):
    key = str(uuid4())
    first, again = send(client, idempotency_key=key), send(client, idempotency_key=key)

    assert not first.has_header("Idempotency-Replayed")
    assert again["Idempotency-Replayed"] == "true"
    assert (first.status_code, first.content) == (again.status_code, again.content)


def test_a_key_that_is_being_worked_on_is_not_taken_again(client):
    key = str(uuid4())
    user = client.get(AREAS).wsgi_request.user
    with commands.alone(key, user):
        answer = send(client, idempotency_key=key)

    assert problem(answer)["title"] == "InProgress"
    assert answer["Retry-After"] == "1"
    assert send(client, idempotency_key=key).status_code == 201


def test_what_is_known_already_is_not_sent_again(client, areas):
    one = facility(areas["513326"])
    path = f"{FACILITIES}{one.public_id}/"
    tag = client.get(path)["ETag"]

    for address in (path, AREAS):
        known = client.get(address)["ETag"]
        assert client.get(address, headers={"if-none-match": known}).status_code == 304
        assert client.get(address, headers={"if-none-match": '"0-0"'}).status_code == 200
    facility(areas["513326"], "另一家")
    assert client.get(path, headers={"if-none-match": tag}).status_code == 304


def test_a_change_of_what_somebody_else_changed_is_refused(client):
    made = send(client, idempotency_key=str(uuid4())).json()
    path = f"{FACILITIES}{made['id']}/"
    seen = client.get(path)["ETag"]

    def put(name, tag):
        return client.put(
            path,
            json.dumps({**NEW, "name_zh": name}),
            content_type="application/json",
            headers={"idempotency-key": str(uuid4()), "if-match": tag},
        )

    assert put("甲卫生院", seen).status_code == 200
    assert problem(put("乙卫生院", seen))["title"] == "Stale"
    assert client.get(path).json()["name_zh"] == "甲卫生院"
    assert put("乙卫生院", client.get(path)["ETag"]).status_code == 200


# Other protocols, with their own keys and answers: surveillance/exchange/tests/test_messages.py.
FOREIGN = ("/exchange/fhir/", "/exchange/hl7/")


# Questions too long or too personal for an address: they write nothing.
ASKS = ("search", "/demand/projection/", "/stock/scan/")


def asks_in_its_body(name: str) -> bool:
    """Is a POST only a question?"""
    return any(part in name for part in ASKS)


def test_every_operation_says_what_it_may_answer(client):
    schema = client.get("/api/v1/openapi.json").json()
    operations = [
        (f"{method} {path}", told)
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
    ]

    assert schema["openapi"] == "3.1.0"
    assert len(operations) > 25
    for name, told in operations:
        said = told["responses"]
        assert {"400", "401", "403", "422", "429", "503"} <= set(said), name
        assert told["tags"] and told["summary"] and told["security"], name
        if name.endswith(FOREIGN):
            continue
        for status, answer in said.items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
        taken = {one["name"] for one in told["parameters"]}
        writes = name.startswith(("post", "put")) and not asks_in_its_body(name)
        assert ("Idempotency-Key" in taken) == writes, name


def test_no_body_takes_a_field_that_it_does_not_have(client):
    schema = client.get("/api/v1/openapi.json").json()
    named = schema["components"]["schemas"]
    taken = {}
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            sent = told.get("requestBody", {}).get("content", {}).get("application/json")
            if sent:
                one = sent["schema"]
                if "allOf" in one:  # a body that may be left out
                    (one,) = one["allOf"]
                taken[f"{method} {path}"] = named[one["$ref"].rsplit("/", 1)[1]]

    assert len(taken) > 60
    assert [
        name for name, one in taken.items() if one.get("additionalProperties") is not False
    ] == []


def test_the_page_for_machines_names_every_write_that_needs_a_state(client):
    schema = client.get("/api/v1/openapi.json").json()
    needed = {
        f"{method.upper()} {re.sub(r'{[^}]*}', '…', path.removeprefix('/api/v1'))}"
        for path, methods in schema["paths"].items()
        for method, told in methods.items()
        if any(one["name"] == "If-Match" and one.get("required") for one in told["parameters"])
    }
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
    block = text.split("`If-Match` is required by")[1].split("```")[1]

    assert {re.sub(" +", " ", line) for line in block.strip().splitlines()} == needed


# Codes that follow from the rules or the places of a day, the cursor, the number of a tube and of a
# package: told by the operation.
TOLD_BY_THE_OPERATION = {
    *("area", "condition", "county", "after", "number", "tier"),
    *("gtin", "serial"),
}
NEEDED = {"condition": "covid-19", "first": "2020-02-01", "last": "2020-02-05"}


def codes_of(schema, one) -> list[str] | None:
    """The codes that a parameter takes, None where it takes none but numbers and days."""
    found = []
    for part in one["schema"].get("anyOf", [one["schema"]]):
        if "$ref" in part:
            part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
        found += part.get("enum", [])
        if part.get("type") == "string" and not {"enum", "format"} & set(part):
            return []
    return found or None


def test_a_parameter_that_narrows_a_list_takes_its_codes_alone_and_names_them(client):
    schema = client.get("/api/v1/openapi.json").json()
    free, told = set(), []
    for path, methods in schema["paths"].items():
        asked = [
            one for one in methods.get("get", {}).get("parameters", []) if one["in"] == "query"
        ]
        for one in asked:
            codes = codes_of(schema, one)
            if codes == []:
                free.add(one["name"])
            if not codes:
                continue
            others = {o["name"]: NEEDED[o["name"]] for o in asked if o["required"]}
            answer = problem(client.get(path, {**others, one["name"]: "no-such-code"}))
            assert answer["status"] == 422, (path, one["name"])
            (error,) = answer["errors"]
            assert (error["in"], error["where"]) == ("query", one["name"])
            assert all(code in error["text"] for code in codes), error
            told.append((path.removeprefix("/api/v1/"), one["name"]))
    assert free == TOLD_BY_THE_OPERATION
    assert {
        ("tasks/", "whose"),
        ("tasks/", "state"),
        ("core/webhooks/deliveries/", "state"),
        ("places/areas/", "level"),
        ("places/facilities/", "kind"),
        ("surveillance/monitoring/counts/", "basis"),
        ("surveillance/testing/specimens/", "outcome"),
        ("surveillance/warning/signals/", "state"),
    } <= set(told)


def test_a_parameter_that_an_operation_does_not_have_is_told_with_the_nearest(client):
    """All operations: a slip on a list would widen what is found."""
    schema = client.get("/api/v1/openapi.json").json()
    lists = 0
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            known = [one["name"] for one in told["parameters"] if one["in"] == "query"]
            lists += "size" in known
            address = path.replace("{use}", "any")
            address = re.sub(r"{\w+}", "01900000-0000-7000-8000-000000000000", address)
            slips = [f"{name}_" for name in known] or ["conuty"]
            query = "&".join(f"{slip}=x" for slip in slips)
            answer = problem(getattr(client, method)(f"{address}?{query}"))
            assert answer["status"] == 422, (method, path)
            assert [one["where"] for one in answer["errors"]] == slips
            for one, name in zip(answer["errors"], known, strict=False):
                assert one["in"] == "query" and f"“{name}”" in one["text"], (path, one)
            for name in known:  # what the schema tells is known
                answer = client.get(f"{address}?{name}=")
                errors = answer.json().get("errors", [])
                assert not any("no such parameter" in one["text"] for one in errors), (path, name)
    assert lists >= 10


def test_a_slip_in_a_parameter_finds_nothing_instead_of_everything(client):
    told = problem(client.get(f"{FACILITIES}?conuty=513326&sise=3"))
    assert [(one["where"], one["text"]) for one in told["errors"]] == [
        ("conuty", "There is no such parameter. Did you mean “county”?"),
        ("sise", "There is no such parameter. Did you mean “size”?"),
    ]
    far = problem(client.get(f"{FACILITIES}?x=1"))["errors"][0]["text"]
    assert far == "There is no such parameter. Known here: after, county, kind, size."
    assert problem(Client().get(f"{FACILITIES}?conuty=513326"))["status"] == 401


def test_the_codes_that_are_told_are_those_of_the_records(client):
    from fangkong.core.webhooks.models import Delivery
    from fangkong.tasks.models import Task

    schema = client.get("/api/v1/openapi.json").json()

    def codes(path, name):
        parameters = schema["paths"][f"/api/v1/{path}"]["get"]["parameters"]
        return codes_of(schema, next(one for one in parameters if one["name"] == name))

    assert codes("core/webhooks/deliveries/", "state") == Delivery.State.values
    assert codes("tasks/", "state") == Task.State.values


@pytest.mark.parametrize(
    ("path", "query"),
    [("places/facilities/", "county=999999"), ("surveillance/warning/signals/", "county=5133")],
)
def test_a_county_that_is_none_is_told_with_those_there_are(client, path, query):
    told = problem(client.get(f"/api/v1/{path}?{query}"))
    assert [error["where"] for error in told["errors"]] == ["county"]
    assert "513326" in told["errors"][0]["text"]
    assert client.get(f"/api/v1/{path}?county=513326").status_code == 200


@pytest.mark.parametrize("query", ["level=", "on=", "level=county"])
def test_a_parameter_left_empty_narrows_nothing(client, query):
    found = client.get(f"{AREAS}?{query}")
    assert found.status_code == (422 if query == "on=" else 200)


def test_every_answer_to_a_get_carries_the_etag_that_the_schema_tells(client):
    schema = client.get("/api/v1/openapi.json").json()
    for path, methods in schema["paths"].items():
        if "get" in methods:
            tag = methods["get"]["responses"]["200"]["headers"]["ETag"]
            assert tag["required"], path


def test_an_address_of_the_door_is_in_the_schema(client):
    """No operation is left out of the inventory."""
    from fangkong.config.api import api

    listed = client.get("/api/v1/openapi.json").json()["paths"]
    served = [
        operation
        for bound in api._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    ]

    assert sum(len(methods) for methods in listed.values()) == len(served)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND"])
def test_a_page_is_asked_in_the_ways_of_a_browser_only(client, method):
    answer = client.generic(method, "/accounts/login/")

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    assert not answer.content
