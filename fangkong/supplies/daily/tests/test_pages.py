"""Pages and operations of daily reports, with who is refused."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from fangkong.core.commands.states import version
from fangkong.places.tests.factories import facility
from fangkong.supplies.daily import rules
from fangkong.supplies.daily.models import DailyReport

from .factories import AT, DAY, YESTERDAY, moved

pytestmark = pytest.mark.both_databases

HOME = "/supplies/daily/"
API = "/api/v1/supplies/daily/"


@pytest.fixture
def visit(client):
    def visit(user, path, **form):
        client.force_login(user)
        headers = {"Accept-Language": "en"}
        if form:
            return client.post(path, {"_key": str(uuid4()), **form}, headers=headers)
        return client.get(path, headers=headers)

    return visit


@pytest.fixture
def ask(client):
    def ask(user, path, key="k", match="", **body):
        client.force_login(user)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        headers |= {"If-Match": match} if match else {}
        return client.post(f"{API}{path}", json.dumps(body), "application/json", headers=headers)

    return ask


def filing(world, **more):
    read = rules.digest(list(world.figures().values()))
    return {"read": read, "day": YESTERDAY.isoformat(), "remark": "", **more}


def page_of(county, verb=""):
    return f"{HOME}counties/{county.public_id}/{verb}"


def test_a_county_reads_its_day_files_it_and_corrects_it(visit, world):
    world.bring(500, place=world.there, papers=moved())
    board = visit(world.cdc, HOME).content.decode()
    assert "0 of 1 counties reported" in board
    looked_at = visit(world.cdc, page_of(world.daofu)).content.decode()
    where = page_of(world.daofu, "file/")
    assert where in board
    assert where in looked_at
    page = visit(world.cdc, where).content.decode()
    assert "500" in page
    assert "nil report" not in page
    done = visit(world.cdc, where, **filing(world, remark="箱子受潮"))
    assert done.status_code == 302, done.content.decode()
    report = visit(world.cdc, done["Location"]).content.decode()
    assert "箱子受潮" in report
    assert "Correct it" not in report
    again = visit(world.cdc, page_of(world.daofu))
    assert again["Location"] == done["Location"]
    world.send(60, source=world.there, papers=moved())
    assert "The ledger says otherwise by now" in visit(world.cdc, done["Location"]).content.decode()
    correct = f"{done['Location']}correct/"
    said = {"reason": "补录发出", "_seen": version(DailyReport.objects.get()), **filing(world)}
    fixed = visit(world.cdc, correct, **said)
    assert fixed.status_code == 302, fixed.content.decode()
    assert "This report was corrected" in visit(world.cdc, done["Location"]).content.decode()


def test_whoever_read_old_figures_is_shown_the_new_ones_first(visit, world):
    world.bring(500, place=world.there, papers=moved())
    said = filing(world)
    world.send(60, source=world.there, papers=moved())
    url = page_of(world.daofu, "file/")
    refused = visit(world.cdc, url, **said)
    assert refused.status_code == 422
    page = refused.content.decode()
    assert "Goods moved since you read this" in page
    assert rules.digest(list(world.figures().values())) in page
    assert not DailyReport.objects.exists()


def test_a_nil_report_says_so_before_it_is_filed(visit, world):
    page = visit(world.cdc, page_of(world.daofu, "file/")).content.decode()
    assert "File the nil report" in page
    assert visit(world.cdc, page_of(world.daofu, "file/"), **filing(world)).status_code == 302
    assert "nil report" in visit(world.inspector, HOME).content.decode()


def test_the_day_of_all_counties_goes_into_a_file(visit, world):
    world.bring(500, place=world.there, papers=moved())
    world.filed()
    world.filed(world.kangding, by=world.other)
    page = visit(world.headquarters, f"{HOME}day/?day=2020-02-04").content.decode()
    assert "2 of 2 counties reported" in page
    for kind in ("csv", "xlsx"):
        got = visit(world.headquarters, f"{HOME}day/?day=2020-02-04&export={kind}")
        assert got.status_code == 200
    got = visit(world.headquarters, f"{HOME}day/?day=2020-02-04&export=csv")
    lines = b"".join(got.streaming_content).decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines[1:3]] == ["513301", "513326"]
    assert "mask" in lines[2]


def test_a_report_of_long_ago_is_told_to_differ_but_no_button_leads_nowhere(visit, world):
    days = {"day": YESTERDAY - 31 * DAY, "at": AT - 20 * DAY}
    report = world.filed(**days)
    world.bring(500, place=world.there, papers=moved(32))
    page = visit(world.cdc, report.get_absolute_url()).content.decode()
    assert "The ledger says otherwise by now" in page and "Correct it" not in page
    last = world.filed(day=YESTERDAY - 30 * DAY, at=AT)
    world.bring(500, place=world.there, papers=moved(31))
    assert "Correct it" in visit(world.cdc, last.get_absolute_url()).content.decode()


def test_the_day_that_is_shown_stands_in_the_field(visit, world):
    for path in (HOME, f"{HOME}day/"):
        for asked, shown in (("", "2020-02-04"), ("2020-02-02", "2020-02-02")):
            page = visit(world.inspector, f"{path}?day={asked}").content.decode()
            assert f'value="{shown}"' in page
        # A day that is not over cannot be shown: the field says which one is.
        assert (
            'value="2020-02-04"'
            in visit(world.inspector, f"{path}?day=2020-06-01").content.decode()
        )


def test_the_prefectures_own_stores_are_told_to_the_headquarters_alone(client, visit, world):
    own = world.place(facility(world.home, "甘孜州疾控中心", kind="emergency_store"))
    world.bring(500, place=own, papers=moved())
    said = "The prefecture's own stores"
    page = visit(world.headquarters, f"{HOME}day/").content.decode()
    assert said in page and ">500<" in page
    assert said not in visit(world.cdc, f"{HOME}day/").content.decode()

    def file_of(user):
        got = visit(user, f"{HOME}day/?day=2020-02-04&export=csv")
        return b"".join(got.streaming_content).decode("utf-8-sig").splitlines()[1:]

    world.filed()
    ours = [line for line in file_of(world.headquarters) if said in line]
    assert len(ours) == 1 and ",mask," in ours[0] and ",500," in ours[0]
    assert not any(said in line for line in file_of(world.cdc))
    # Machines.
    address = f"{API}own/figures/"
    got = visit(world.headquarters, f"{address}?day=2020-02-04")
    (line,) = got.json()["lines"]
    assert (line["code"], line["received"], line["closing"]) == ("mask", 500, 500)
    seen = client.get(f"{address}?day=2020-02-04", headers={"If-None-Match": got["ETag"]})
    assert seen.status_code == 304
    assert visit(world.headquarters, f"{address}?day=2020-02-03").json()["nil"]
    assert visit(world.headquarters, f"{address}?day=x").status_code == 422
    assert visit(world.cdc, f"{address}?day=2020-02-04").status_code == 403
    assert visit(world.keeper, f"{address}?day=2020-02-04").status_code == 403


def test_a_form_that_was_tampered_with_is_told_why(visit, world):
    where = page_of(world.daofu, "file/")
    for wrong, text in (
        ({"day": "2020-02-05"}, "This day is not over"),
        ({"day": "nonsense"}, "day"),
        ({"read": ""}, "read"),
    ):
        answer = visit(world.cdc, where, **filing(world, **wrong))
        assert answer.status_code == 422, wrong
        errors = answer.context["form"].errors
        assert text in str(errors) and "fk-" in answer.content.decode()
        assert 'role="alert"' in answer.content.decode()
    assert not DailyReport.objects.exists()


def test_another_county_finds_nothing_and_keepers_are_refused(visit, world):
    report = world.filed()
    for path in (f"reports/{report.public_id}/", f"reports/{report.public_id}/correct/"):
        assert visit(world.other, HOME + path).status_code == 404
        assert visit(world.keeper, HOME + path).status_code == 403
    for verb in ("", "file/"):
        assert visit(world.other, page_of(world.daofu, verb)).status_code == 404
    assert visit(world.inspector, page_of(world.daofu, "file/")).status_code == 403
    assert visit(world.inspector, page_of(world.kangding)).status_code == 200
    assert str(report.public_id) not in visit(world.other, HOME).content.decode()


@pytest.mark.parametrize("day", ["nonsense", "0001-01-01", "9999-12-31", "2020-02-05", ""])
def test_impossible_days_show_yesterday_or_nothing_but_never_an_error(visit, world, day):
    for path in (HOME, f"{HOME}day/", page_of(world.daofu)):
        assert visit(world.inspector, f"{path}?day={day}").status_code == 200


def test_machines_read_file_and_correct(client, ask, world):
    world.bring(500, place=world.there, papers=moved())
    client.force_login(world.cdc)
    url = f"{API}counties/{world.daofu.public_id}/figures/?day=2020-02-04"
    read = client.get(url).json()
    assert (read["nil"], read["report"], read["lines"][0]["received"]) == (False, None, 500)
    body = {
        "county": str(world.daofu.public_id),
        "day": "2020-02-04",
        "digest": read["digest"],
    }
    assert ask(world.other, "reports/", **body).status_code == 404
    made = ask(world.cdc, "reports/", **body)
    assert made.status_code == 201, made.content
    assert ask(world.cdc, "reports/", **body).json()["id"] == made.json()["id"]
    assert ask(world.cdc, "reports/", key="two", **body).status_code == 409
    world.send(60, source=world.there, papers=moved())
    key = made.json()["id"]
    fresh = client.get(url).json()["digest"]
    said = {"digest": fresh, "reason": "补录发出"}
    fixed = ask(world.cdc, f"reports/{key}/correct/", key="d", match="*", **said)
    assert (fixed.status_code, fixed.json()["version"]) == (201, 2)
    for day in ("0001-01-01", "9999-12-31", "x"):
        assert client.get(url.replace("2020-02-04", day)).status_code == 422
        assert client.get(f"{API}reports/?day={day}").status_code == 422
    listed = client.get(f"{API}reports/?day=2020-02-04").json()["rows"]
    assert [one["version"] for one in listed] == [2, 1]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"digest": "0" * 32}, 409),
        ({"digest": "short"}, 422),
        ({"day": "2020-02-05"}, 422),
        ({"day": "2019-12-01"}, 422),
        ({"county": str(uuid4())}, 404),
        ({"remark": "x" * 201}, 422),
        ({"unknown": 1}, 422),
    ],
)
def test_what_a_machine_says_wrongly_is_refused(ask, world, wrong, status):
    said = {
        "county": str(world.daofu.public_id),
        "day": "2020-02-04",
        "digest": rules.digest([]),
        **wrong,
    }
    assert ask(world.cdc, "reports/", **said).status_code == status
    assert not DailyReport.objects.exists()
