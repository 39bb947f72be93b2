"""The pages of pools, as the one who swabs with a phone uses them, and for machines the same."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.audit.models import Sight
from fangkong.core.roles import Role
from fangkong.people.models import Person
from fangkong.people.tests.factories import person, resident_id
from fangkong.surveillance.testing import queries
from fangkong.surveillance.testing.models import Pool, Specimen

from .pooling import LATER, asked_singly, at_the_bench, filled, opened, persons, told
from .test_pages import _state

API = "/api/v1/surveillance/testing/pools/"


@pytest.fixture(autouse=True)
def later(monkeypatch, today):
    monkeypatch.setattr(clock, "now", lambda: LATER)


@pytest.fixture
def browser(client, world):
    world.person = person(world.daofu, documents=[resident_id("513326", order=99)])
    client.force_login(world.clinician)
    client.cookies["django_language"] = "en"
    return client


def url(name, *args):
    return reverse(f"surveillance:testing:{name}", args=args)


def text(answer):
    return answer.content.decode()


def send(browser, path, key="k", **said):
    return browser.post(path, {"_key": key, **said})


def counter(browser, pool) -> str:
    page = text(browser.get(url("fill", pool.public_id)))
    return re.search(r'id="filled">([^<]*)<', page)[1]


def test_a_pool_is_opened_filled_by_scanning_closed_and_the_next_begun(browser, world):
    said = {
        "rule": "five-in-one", "group": "mass-screening", "condition": "covid-19",
        "specimen_type": "oropharyngeal-swab", "facility": str(world.hospital.public_id),
        "laboratory": str(world.bench.public_id), "number": "tube-0001",
    }  # fmt: skip
    assert "only where fewer than 0.1 % are positive" in text(browser.get(url("open_pool")))
    answer = send(browser, url("open_pool"), **said)
    pool = Pool.objects.get()
    fill = url("fill", pool.public_id)
    assert (answer.headers["Location"], pool.number) == (fill, "TUBE-0001")
    assert counter(browser, pool) == "0 of 5"

    asked = asked_singly(world)
    number = resident_id("513326", order=100).number
    persons(world, 1)
    assert send(browser, fill, "a", number=asked.number.lower()).headers["Location"] == fill
    # The person of this card is known to the county, not to the hospital: registered again.
    answer = send(browser, fill, "b", number=number)
    page = text(answer)
    assert "Not known yet" in page and f'value="{number}"' in page
    new = {"name": "洛桑", "id_kind": "resident_id", "id_number": "", "phone": "13888880009"}
    assert send(browser, fill, "c", **new, address="").headers["Location"] == fill
    assert send(browser, fill, "c", **new, address="").headers["Location"] == fill  # sent twice
    assert counter(browser, pool) == "2 of 5"
    assert Person.objects.filter(name="洛桑").get().county == world.daofu

    # By the phone of somebody whom the hospital knows by now: not twice into one tube.
    page = text(send(browser, fill, "d", number="13888880009"))
    assert "This person is in this tube already." in page
    send(browser, url("close_pool", pool.public_id), "e")
    answer = send(browser, url("next_pool", pool.public_id), "f", number="TUBE-0002")
    second = Pool.objects.latest("pk")
    assert answer.headers["Location"] == url("fill", second.public_id)
    assert (second.rule, second.laboratory) == (pool.rule, pool.laboratory)


def test_of_several_of_a_name_one_is_chosen_and_no_text_stands_in_an_address(browser, world):
    pool = opened(world)
    browser.force_login(world.daofu_cdc)
    one, other = (
        person(world.daofu, name="次仁多吉", documents=[resident_id(order=n)]) for n in (7, 8)
    )
    fill = url("fill", pool.public_id)

    answer = send(browser, fill, number="次仁多吉")
    assert answer.status_code == 200
    assert str(one.public_id) in text(answer) and str(other.public_id) in text(answer)
    assert "次仁多吉" not in text(answer).replace('value="次仁多吉"', "")
    answer = send(browser, fill, "k2", number="-", person=str(other.public_id))

    assert answer.headers["Location"] == fill
    assert [member.person for member in queries.members_of(pool)] == [other]
    assert Sight.objects.filter(subject_type="people.person", subject_id=other.pk).exists()


def test_the_scanner_leads_to_an_open_pool_and_sends_and_receives_closed_ones(browser, world):
    pool, _inside = filled(world, LATER)
    scan = url("scan")

    answer = send(browser, scan, step="collected", number=pool.number)
    assert answer.headers["Location"] == url("fill", pool.public_id)
    send(browser, url("close_pool", pool.public_id), "k1")
    send(browser, scan, "k2", step="shipped", number=pool.number)
    assert pool.number in text(browser.get(f"{scan}?step=shipped"))
    browser.force_login(world.other_technician)
    assert send(browser, scan, "k3", step="received", number=pool.number).status_code == 422
    browser.force_login(world.technician)
    send(browser, scan, "k4", step="received", number=pool.number)

    pool.refresh_from_db()
    assert pool.state == "received"


def test_a_tube_that_nobody_collected_is_received_by_its_number_alone(browser, world):
    asked = asked_singly(world)
    browser.force_login(world.technician)
    assert browser.get(asked.get_absolute_url()).status_code == 404

    send(browser, url("scan"), step="received", number=asked.number)

    assert "Nobody noted when it was collected" in text(browser.get(asked.get_absolute_url()))


def test_the_result_of_a_pool_is_entered_and_corrected_on_pages(browser, world):
    pool, inside = at_the_bench(world, LATER)
    browser.force_login(world.technician)
    said = {"method": "rt-pcr", "outcome": "positive", "tested_at": "", "ct_N": "35.1"}

    page = url("pool_result", pool.public_id)
    answer = send(browser, page, **said, _seen=_state(browser, page))
    assert answer.headers["Location"] == pool.get_absolute_url()
    page = text(browser.get(pool.get_absolute_url()))
    assert page.count("held: pool not negative") == 3 and "N 35.10" in page
    said |= {"outcome": "negative", "ct_N": "", "reason": "样本编号录错", "replaces": "1"}
    page = url("correct_pool", pool.public_id)
    send(browser, page, "k2", **said, _seen=_state(browser, page))

    assert [one.state for one in queries.members_of(pool)] == ["reported"] * 3
    member = text(browser.get(inside[0].get_absolute_url()))
    assert "A negative pool is a result of screening, no diagnosis." in member


def test_the_page_of_a_person_says_that_they_are_held_and_what_was_asked_for(browser, world):
    browser.force_login(world.daofu_cdc)
    pool, inside = at_the_bench(world, LATER, count=1)
    page = inside[0].person.get_absolute_url()
    assert "data-held" not in text(browser.get(page))
    told(world, pool, "grey")

    repeat = Specimen.objects.get(repeats=inside[0])
    shown = text(browser.get(page))
    assert "data-held" in shown and repeat.number in shown

    answer = send(
        browser, url("release", inside[0].public_id), **{"release-reason": "已在外地单检阴性"}
    )
    assert answer.headers["Location"] == inside[0].get_absolute_url()
    assert "data-held" not in text(browser.get(page))
    again = send(browser, url("release", inside[0].public_id), "k2", **{"release-reason": "再次"})
    assert again.status_code == 404


def test_another_countys_staff_find_no_pool_and_no_member(client, world):
    pool, inside = filled(world, LATER)
    for who in (world.kangding_cdc, world.other_clinician, world.stranger):
        client.force_login(who)
        for name in ("pool", "fill"):
            assert client.get(url(name, pool.public_id)).status_code in (403, 404)
        for name in ("close_pool", "ship_pool", "cancel_pool", "next_pool", "take_out"):
            answer = send(client, url(name, pool.public_id), **{"cancel-reason": "不用了"})
            assert answer.status_code in (403, 404)
    client.force_login(world.clinician)
    assert client.get(url("pool_result", pool.public_id)).status_code == 403
    assert pool.state == "requested" and inside[0].state == "collected"


def test_a_person_whom_nobody_may_see_is_not_put_in_by_a_guessed_id(browser, world):
    pool, stranger = opened(world), person(world.kangding, documents=[resident_id("513301")])

    answer = send(browser, url("fill", pool.public_id), number="-", person=str(stranger.public_id))

    assert answer.status_code == 404
    assert queries.members_of(pool) == []


def test_the_list_of_pools_takes_as_many_statements_for_three_as_for_one(browser, world):
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert browser.get(url("pools")).status_code == 200
        return len(caught)

    opened(world)
    statements()
    few = statements()
    for _n in range(2):
        filled(world, LATER, 0)
    assert statements() == few


def test_a_pool_goes_its_whole_way_by_machine(client, world):
    world.person = person(world.daofu, documents=[resident_id("513326", order=99)])
    asked = asked_singly(world)
    cdc = staff(Role.COUNTY_CDC, area=world.daofu)

    def ask(user, path, key, match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    body = {
        "condition": "covid-19", "rule": "five-in-one", "group": "mass-screening",
        "specimen_type": "oropharyngeal-swab", "facility": str(world.hospital.public_id),
        "laboratory": str(world.bench.public_id),
    }  # fmt: skip
    refused = ask(cdc, "", "x", **{**body, "group": "patient"})
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "/group")
    pool = ask(cdc, "", "o", **body).json()
    at = f"{pool['id']}/"
    added = ask(cdc, f"{at}members/", "a", specimen=str(asked.public_id))
    assert (added.status_code, added.json()["members"]) == (201, 1)
    assert ask(cdc, f"{at}members/", "a", specimen=str(asked.public_id)).json()["members"] == 1
    assert ask(cdc, f"{at}members/", "b").status_code == 422
    ask(cdc, f"{at}close/", "c")
    assert ask(cdc, f"{at}members/", "d", person=str(world.person.public_id)).status_code == 409
    ask(cdc, f"{at}ship/", "s")
    ask(world.technician, f"{at}receive/", "r")
    said = {"method": "rt-pcr", "outcome": "positive", "ct": {"N": 3510}}
    assert ask(world.kangding_cdc, f"{at}results/", "t", **said).status_code == 403
    assert ask(world.technician, f"{at}results/", "t", **said).json()["outcome"] == "positive"
    shown = client.get(f"{API}{at}").json()
    assert [one["state"] for one in shown["inside"]] == ["held"]
    assert shown["inside"][0]["repeat"]
    assert shown["inside"][0]["name"] == world.person.masked_name != world.person.name
    held = client.get(f"/api/v1/surveillance/testing/specimens/{asked.public_id}/").json()
    assert (held["held"], held["in_pool"]) == (True, True)
    fix = {**said, "outcome": "negative", "ct": {}, "replaces": 1, "reason": "录错编号"}
    assert ask(world.technician, f"{at}results/correct/", "u", "*", **fix).status_code == 200
    assert client.get(f"{API}{at}").json()["inside"][0]["state"] == "reported"
    assert client.get(f"{API}?number={pool['number']}").json()["rows"][0]["members"] == 1
