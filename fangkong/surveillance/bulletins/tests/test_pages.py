"""Bulletins and daily reporting on their pages and for machines."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.roles import Role
from fangkong.surveillance.bulletins import actions
from fangkong.surveillance.bulletins.models import Bulletin, DailyReporting, NilReport
from fangkong.surveillance.bulletins.types import BulletinState
from fangkong.surveillance.monitoring.tests.factories import AT, case

API = "/api/v1/surveillance/bulletins/"
YESTERDAY = AT.date() - timedelta(days=1)
EVENING = AT - timedelta(hours=13)


@pytest.fixture
def second(world):
    return staff(Role.HEADQUARTERS, area=world.home)


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


@pytest.fixture
def order(world):
    return actions.order(
        condition="covid-19", first_day=date(2020, 2, 1), due_hour=9, basis="通知第3号",
        by=world.headquarters, at=AT,
    )  # fmt: skip


def page(name, found=None):
    return reverse(f"surveillance:bulletins:{name}", args=[found.public_id] if found else [])


def sent(client, user, url, **data):
    client.force_login(user)
    data.setdefault("_key", str(uuid4()))
    return client.post(url, data, headers={"Accept-Language": "en"})


def read(client, user, url):
    client.force_login(user)
    return client.get(url, headers={"Accept-Language": "en"})


def test_from_counting_to_the_issue_on_the_pages(world, second, client):
    case(world, 1, at=EVENING, diagnosed_at=EVENING - timedelta(hours=1))
    asked = {"area": "513300", "condition": "covid-19", "day": YESTERDAY.isoformat()}
    answer = sent(client, world.headquarters, page("new"), **asked)
    found = Bulletin.objects.get()
    assert answer.status_code == 302 and answer["Location"] == found.get_absolute_url()
    own = read(client, world.headquarters, answer["Location"]).content.decode()
    assert "somebody else checks and issues them" in own and page("issue", found) not in own

    form = read(client, world.headquarters, page("change", found)).content.decode()
    assert "n-county-513326" in form and "n-sex-1" in form
    seen = found.changed_at
    fields = _fields(client.get(page("change", found)))
    answer = client.post(page("change", found), {**fields, "n-total": "2", "reason": "phone"})
    assert answer.status_code == 302
    found.refresh_from_db()
    assert found.figures.total == 2 and found.changed_at >= seen
    detail = found.get_absolute_url()
    other = read(client, second, found.get_absolute_url()).content.decode()
    assert "It cannot be issued like this" in other and "County sums to 1, the total is 2" in other
    refused = pressed(client, second, detail, page("issue", found), _confirmed="yes")
    assert refused.status_code == 422 and "sums to 1" in refused.content.decode()

    sent(client, world.headquarters, page("recount", found))
    unsure = pressed(client, second, detail, page("issue", found))
    assert unsure.status_code == 200 and Bulletin.objects.get().state == BulletinState.DRAFT
    pressed(client, second, detail, page("issue", found), _confirmed="yes")

    found.refresh_from_db()
    assert (found.state, found.number) == (BulletinState.ISSUED, 1)
    told = read(client, world.clinician, found.get_absolute_url()).content.decode()
    assert "1 new case on 4 February 2020" in told and "新增" in told
    assert page("change", found) not in told and page("correct", found) not in told
    begun = pressed(
        client, second, detail, page("correct", found), **{"correct-reason": "one more"}
    )
    assert Bulletin.objects.get(corrects=found).get_absolute_url() == begun["Location"]
    assert sent(client, second, page("correct", found)).status_code == 422


def pressed(client, user, where, url, **data):
    """Send a form of a page as a browser does, with all that the page put into it."""
    page_ = read(client, user, where).content.decode()
    form = page_.split(f'action="{url}"')[1].split("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    return sent(client, user, url, **{**hidden, **data})


def _fields(answer):
    form = answer.context["form"]
    told = {f.html_name: "" if f.value() is None else f.value() for f in form}
    body = answer.content.decode()
    for name in ("_seen", "_key"):
        if f'name="{name}" value="' in body:
            told[name] = body.split(f'name="{name}" value="')[1].split('"')[0]
    return told


def test_wrong_figures_stand_beside_their_fields(world, client):
    found = actions.prepare(
        area=world.home, condition="covid-19", day=YESTERDAY, by=world.headquarters, at=AT
    )
    client.force_login(world.headquarters)
    fields = _fields(client.get(page("change", found)))

    answer = client.post(
        page("change", found), {**fields, "n-total": "-1", "n-new": "", "reason": "x"}
    )

    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert "n-total" in errors
    answer = client.post(page("change", found), {**fields, "n-new": "", "reason": "电话"})
    assert list(answer.context["form"].errors) == ["n-new"]


def test_a_hospital_says_no_case_with_one_button(world, order, client):
    url = f"{page('daily')}?condition=covid-19&day={YESTERDAY.isoformat()}"
    told = read(client, world.clinician, url).content.decode()
    assert "Not reported yet" in told and "No case at 道孚县人民医院" in told
    asked = {
        "facility": world.hospital.public_id, "condition": "covid-19",
        "day": YESTERDAY.isoformat(),
    }  # fmt: skip
    answer = sent(client, world.clinician, page("nil"), **asked)

    assert answer.status_code == 302 and NilReport.objects.get().day == YESTERDAY
    told = read(client, world.clinician, url).content.decode()
    assert "Not reported yet" not in told and "no case" in told
    for user, facility, status in (
        (world.clinician, world.other_hospital, 404),
        (world.kangding_cdc, world.hospital, 404),
        (world.auditor, world.hospital, 403),
    ):
        answer = sent(client, user, page("nil"), **{**asked, "facility": facility.public_id})
        assert answer.status_code == status
    late = sent(client, world.clinician, page("nil"), **{**asked, "day": "2020-01-01"})
    assert late.status_code == 302  # told on the page that nothing is asked for
    assert NilReport.objects.count() == 1


def test_daily_reporting_is_ordered_and_ended_on_its_page(world, client):
    empty = read(client, world.headquarters, page("daily")).content.decode()
    assert "Daily reporting of no disease is ordered." in empty
    asked = {
        "condition": "covid-19", "first_day": "2020-02-01", "due_hour": "9", "basis": "通知第3号",
    }  # fmt: skip
    assert sent(client, world.headquarters, page("order"), **asked).status_code == 302
    found = DailyReporting.objects.get()
    assert sent(client, world.headquarters, page("order"), **asked).status_code == 422
    last = {f"{found.pk}-last_day": "2020-02-05"}
    pressed(client, world.headquarters, page("daily"), page("end", found), **last)
    found.refresh_from_db()
    assert found.last_day == AT.date()
    assert sent(client, world.daofu_cdc, page("order"), **asked).status_code == 403


def test_lists_charts_and_paper(world, second, order, client):
    found = actions.prepare(
        area=world.home, condition="covid-19", day=YESTERDAY, by=world.headquarters, at=AT
    )
    actions.issue(bulletin=found, by=second, at=AT)
    told = read(client, world.auditor, page("index")).content.decode()
    assert found.get_absolute_url() in told
    curve = read(client, world.auditor, page("chart", found)).json()
    assert curve["x"] == [YESTERDAY.isoformat()]
    areas = read(client, world.auditor, page("daily_map")).json()["areas"]
    assert {one["code"]: one["value"] for one in areas} == {
        "513301": 0, "513326": 0, "513328": None,
    }  # fmt: skip
    paper = read(client, world.auditor, f"{found.get_absolute_url()}?print")
    assert paper.content.startswith(b"%PDF")
    rows = read(client, world.auditor, f"{page('index')}?export=csv")
    assert b"2020-02-04" in b"".join(rows.streaming_content)


def test_a_machine_prepares_changes_issues_and_corrects(world, second, ask, client, monkeypatch):
    said = {"area": "513300", "condition": "covid-19", "day": YESTERDAY.isoformat()}
    made = ask(world.headquarters, "", **said)
    assert made.status_code == 201
    again = ask(world.headquarters, "", **said)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json() == made.json()
    one = f"{made.json()['id']}/"
    assert made.json()["figures"]["total"] == 0 and made.json()["published_at"] is None
    tag = read(client, world.headquarters, API + one)["ETag"]
    assert ask(world.headquarters, f"{one}change/", key="a").status_code == 428
    wrong = ask(
        world.headquarters, f"{one}change/", key="b", match=tag,
        figures={"county:513326": -4, "moon": 1}, reason="phone",
    )  # fmt: skip
    assert wrong.status_code == 422
    assert {error["where"] for error in wrong.json()["errors"]} == {
        "/figures/county:513326", "/figures/moon",
    }  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(minutes=1))
    done = ask(
        world.headquarters, f"{one}change/", key="c", match=tag, figures={"cured": 0},
        reason="phone",
    )  # fmt: skip
    assert done.json()["figures"]["cured"] == 0 and done.json()["counted"]["cured"] is None
    stale = ask(second, f"{one}issue/", key="d", match=tag)
    assert stale.status_code == 412
    tag = read(client, second, API + one)["ETag"]
    issued = ask(second, f"{one}issue/", key="e", match=tag).json()
    assert issued["number"] == 1 and "no new case on 4 February 2020" in issued["text_en"]
    begun = ask(second, f"{one}correct/", key="f", reason="one more")
    assert begun.json()["corrects"] == issued["id"]
    assert ask(second, f"{begun.json()['id']}/drop/", key="g", reason="no").json()["state"] == (
        "dropped"
    )
    told = read(client, world.clinician, f"{API}?area=513300&state=issued").json()
    assert [row["id"] for row in told["rows"]] == [issued["id"]]
    elsewhere = ask(world.daofu_cdc, "", key="h", **said)
    (fault,) = elsewhere.json()["errors"]
    assert elsewhere.status_code == 422 and "513326" in fault["text"]
    assert (fault["in"], fault["where"]) == ("body", "/area")


def test_a_machine_reports_no_case_and_reads_who_has_reported(world, order, ask, client):
    said = {"facility": str(world.hospital.public_id), "condition": "covid-19",
            "day": YESTERDAY.isoformat()}  # fmt: skip
    made = ask(world.clinician, "daily/nil/", **said)
    assert made.status_code == 201 and made.json()["late"] is True  # ten o'clock; due at nine
    assert ask(world.clinician, "daily/nil/", key="l", **said).json()["id"] == made.json()["id"]
    assert ask(world.kangding_cdc, "daily/nil/", key="m", **said).status_code == 404
    url = f"{API}daily/?condition=covid-19&day={YESTERDAY.isoformat()}"
    told = read(client, world.headquarters, url).json()
    assert (told["facilities"], told["reported"], told["nil"]) == (2, 1, 1)
    assert {line["standing"] for line in told["lines"]} == {"nil", "overdue"}
    assert read(client, world.headquarters, f"{API}daily/?condition=influenza").status_code == 422
