"""The pages of screening: contacts one after the other, the day of a team, visits and ends."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core import clock
from fangkong.core.pages.editing import editing_of
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening.models import Exposure, Observation, Visit

from .factories import AT, DAY, HOUR, contact, facts, somebody, visited, watched


def url(name, *args):
    return reverse(f"surveillance:screening:{name}", args=args)


def text(answer):
    return answer.content.decode()


@pytest.fixture
def look(client):
    """The client as somebody, in English."""

    def look(user):
        client.force_login(user)
        client.cookies["django_language"] = "en"
        return client

    return look


def send(browser, path, key="k", **said):
    return browser.post(path, {"_key": key, **said})


EXPOSED = {
    "kind": "lived-or-worked",
    "setting": "home",
    "first_date": "2020-02-01",
    "last_date": "2020-02-04",
}
NEW = {
    "name": "尼玛次仁",
    "sex": "1",
    "age_years": "34",
    "id_kind": "resident_id",
    "id_number": "",
    "phone": "13988887777",
    "address": "道孚县鲜水镇团结社区2号",
}


def test_contacts_are_entered_one_after_the_other_from_the_page_of_a_case(look, world):
    browser = look(world.daofu_cdc)
    page = url("contacts", world.case.public_id)
    assert page in text(browser.get(world.case.get_absolute_url()))

    first = send(browser, page, **EXPOSED, **NEW)
    assert first.status_code == 302
    again = browser.get(first.headers["Location"])
    kept = again.context["form"].initial
    assert {name: kept[name] for name in EXPOSED} == EXPOSED
    assert NEW["name"] not in first.headers["Location"]

    person = somebody(world)
    second = send(browser, f"{page}?person={person.public_id}", key="k2", **EXPOSED)
    assert second.status_code == 302

    made = list(Exposure.objects.order_by("pk"))
    assert [one.person.name for one in made] == [NEW["name"], person.name]
    assert made[0].person.county == world.daofu
    shown = text(browser.get(page))
    assert "Close contact" in shown and NEW["name"] not in shown
    assert "2 contacts" in text(browser.get(world.case.get_absolute_url()))


def test_the_page_says_that_the_onset_was_revised_and_judges_anew_with_one_button(look, world):
    made = contact(world)
    said = cases.facts(onset_date=date(2020, 1, 28))
    monitoring.revise(case=world.case, facts=said, reason="更正", by=world.clinician, at=AT + HOUR)
    page, anew = url("contacts", world.case.public_id), url("judge_anew", world.case.public_id)
    assert "makes 1 contact otherwise" in text(look(world.daofu_cdc).get(page))
    assert anew not in text(look(world.auditor).get(page))
    assert send(look(world.kangding_cdc), anew, key="x").status_code == 404
    assert send(look(world.auditor), anew, key="y").status_code == 403

    browser = look(world.daofu_cdc)
    assert send(browser, anew).status_code == 302
    assert send(browser, anew).status_code == 302  # the same press again

    made.refresh_from_db()
    assert made.window_first == date(2020, 1, 28)
    told = text(browser.get(page))
    assert "judged anew" in told and anew not in told
    send(browser, anew, key="again")
    assert "makes no contact of this case otherwise" in text(browser.get(page))


def test_the_person_is_looked_up_first_and_what_was_typed_is_kept_for_a_new_one(look, world):
    browser = look(world.daofu_cdc)
    known = somebody(world, phones=[])
    find = url("find", world.case.public_id)
    number = known.documents.get().full_number

    found = browser.post(find, {"text": number})
    assert f"person={known.public_id}" in text(found)
    assert known.name not in text(found)
    nobody = browser.post(find, {"text": "13700001111"})
    assert nobody.context["form"].initial["phone"] == "13700001111"
    named = browser.post(find, {"text": "格桑"})
    assert named.context["form"].initial["name"] == "格桑"


def test_what_is_refused_is_told_at_its_field_and_keeps_what_was_typed(look, world):
    browser = look(world.daofu_cdc)
    page = url("contacts", world.case.public_id)

    answer = send(browser, page, **{**EXPOSED, "last_date": "2020-02-09"}, **NEW)

    assert answer.status_code == 422
    form = answer.context["form"]
    assert "last_date" in form.errors and form["name"].value() == NEW["name"]
    assert not Exposure.objects.exists()


@pytest.mark.parametrize("key", ["nonsense", "01900000-0000-7000-8000-000000000000"])
def test_nobody_is_entered_who_is_not_there(look, world, key):
    page = url("contacts", world.case.public_id)
    assert look(world.daofu_cdc).get(f"{page}?person={key}").status_code == 404


def test_an_inspector_reads_contacts_and_enters_none(look, world):
    contact(world)
    browser = look(world.inspector)
    page = url("contacts", world.case.public_id)

    assert browser.get(page).context["form"] is None
    assert send(browser, page, **EXPOSED, **NEW).status_code == 405
    assert Exposure.objects.count() == 1


def test_a_contact_shows_why_and_is_judged_otherwise_with_a_reason(look, world):
    made = contact(world)
    browser = look(world.daofu_cdc)
    page = text(browser.get(made.get_absolute_url()))
    assert "2020-02-01" in page and "cn-2020-01" in page

    judge = url("judge", made.public_id)
    refused = send(browser, judge, **{"judge-contact_class": "", "judge-reason": ""})
    assert refused.status_code == 422
    send(browser, judge, key="b", **{"judge-contact_class": "", "judge-reason": "有防护"})

    made.refresh_from_db()
    assert (made.contact_class, Observation.objects.get().ending) == ("", "error")
    assert "judged otherwise" in text(browser.get(url("contacts", world.case.public_id)))


def test_a_contact_is_named_as_the_source_and_withdrawn(look, world):
    made = contact(world)
    browser = look(world.daofu_cdc)

    send(browser, url("name_source", made.public_id), key="a")
    assert Exposure.objects.get().is_source
    again = send(browser, url("name_source", made.public_id), key="b")
    assert again.status_code in (200, 422)
    send(browser, url("withdraw", made.public_id), key="c", **{"withdraw-reason": "录错人"})
    withdrawn = Exposure.objects.get()
    assert (withdrawn.withdrawn_at, withdrawn.is_source) == (AT, False)
    assert "withdrawn" in text(browser.get(made.get_absolute_url()))


def test_after_a_visit_comes_the_next_person_and_at_last_the_page_of_the_day(look, world):
    first, second = watched(world, 1), watched(world, 2)
    browser = look(world.doctor)
    day = text(browser.get(url("today")))
    assert first.person.masked_name in day and first.person.name not in day

    order = list(browser.get(url("today")).context["households"])
    keys = [one["row"].public_id for home in order for one in home["persons"]]
    said = {"found": "yes", "temperature": "36.6", "note": "", "done_at": ""}
    answer = send(browser, url("visit", keys[0]), **said)
    assert answer.headers["Location"] == url("visit", keys[1])
    answer = send(browser, url("visit", keys[1]), key="k2", **{**said, "symptoms": ["cough"]})
    assert answer.headers["Location"] == url("today")

    assert {one.met for one in Visit.objects.all()} == {"well", "ill"}
    assert set(Visit.objects.values_list("temperature", flat=True)) == {366}
    assert second.pk  # both were visited
    assert "Nobody is left" in text(browser.get(url("today")))


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"temperature": "50"}, "temperature"),
        ({"temperature": "36.65"}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"found": "no", "symptoms": ["cough"]}, "found"),
        ({"done_at": "2020-02-05T18:00"}, "done_at"),
        ({"symptoms": ["plague"]}, "symptoms"),
    ],
)
def test_a_visit_that_cannot_be_is_told_at_its_field(look, world, said, field):
    watch = watched(world)

    answer = send(look(world.doctor), url("visit", watch.public_id), **{"found": "yes", **said})

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Visit.objects.exists()


def test_a_visit_is_corrected_and_a_stale_form_is_told(look, world, monkeypatch):
    watch = watched(world)
    visit = visited(watch, world, temperature=366)
    browser = look(world.doctor)
    page = url("correct_visit", watch.public_id, visit.public_id)
    monkeypatch.setattr(clock, "now", lambda: AT + HOUR)  # a later state is another one
    seen = editing_of(browser.get(page).context["form"]).carried
    said = {"found": "yes", "temperature": "38.6", "done_at": "2020-02-05T10:00", "_seen": seen}

    assert send(browser, page, key="a", **said).status_code == 302
    visit.refresh_from_db()
    assert (visit.temperature, visit.met) == (386, "ill")
    stale = send(browser, page, key="b", **{**said, "temperature": "36.7"})
    assert stale.status_code == 412


def test_a_household_is_visited_by_one_button(look, world):
    home = "团结社区9号"
    rows = [watched(world, n, person=somebody(world, n, address_detail=home)) for n in (1, 2, 3)]
    watched(world, 4, person=somebody(world, 4, address_detail="团结社区1号"))
    browser = look(world.doctor)
    sizes = [len(one["persons"]) for one in browser.get(url("today")).context["households"]]
    assert sorted(sizes) == [1, 3]

    nobody = send(browser, url("many"), key="a")
    assert nobody.status_code == 422
    chosen = [str(one.public_id) for one in rows]
    assert send(browser, url("many"), key="b", observations=chosen).status_code == 302
    assert Visit.objects.count() == 3
    gone = send(browser, url("many"), key="c", observations=chosen)
    assert gone.status_code == 422  # they are no longer on the list


def test_the_unit_of_another_place_visits_and_sees_nobody(look, world):
    watch = watched(world)
    for who in (world.clinician, world.kangding_cdc):
        browser = look(who)
        assert browser.get(watch.get_absolute_url()).status_code == 404
        assert browser.get(url("visit", watch.public_id)).status_code == 404
        assert watch.person.masked_name not in text(browser.get(url("today")))
        assert watch.person.masked_name not in text(browser.get(url("index")))
    assert look(world.stranger).get(url("index")).status_code == 403


def test_steps_are_taken_on_the_page_of_the_observation(look, world):
    watch = watched(world)
    browser = look(world.daofu_cdc)
    page = watch.get_absolute_url()
    assert "14 days" in text(browser.get(page)) or "13 days left" in text(browser.get(page))

    early = send(browser, url("release", watch.public_id), key="a", **{"release-reason": ""})
    assert early.status_code in (409, 422) or early.status_code == 200
    assert "2020-02-18" in text(early)
    unit = {"assign-unit": str(world.cdc.public_id)}
    assert send(browser, url("assign", watch.public_id), key="b", **unit).status_code == 302
    refused = send(browser, url("end", watch.public_id), key="c", **{"end-ending": "error"})
    assert refused.status_code == 422
    over = {"hand_over-county": "513301", "hand_over-reason": "返回康定"}
    gone = send(browser, url("hand_over", watch.public_id), key="d", **over)

    watch.refresh_from_db()
    assert (watch.ending, watch.unit) == ("moved", world.cdc)
    assert gone.headers["Location"] == page  # the new one is the other county's
    assert Observation.objects.get(ending="").county == world.kangding


def test_a_unit_visits_and_releases_nobody(look, world):
    watch = watched(world)
    browser = look(world.doctor)
    page = browser.get(watch.get_absolute_url())
    assert page.context["ways"] == [] and page.context["exposures"] == []
    assert send(browser, url("release", watch.public_id)).status_code == 403
    assert browser.get(url("contacts", world.case.public_id)).status_code == 403


def test_the_list_is_narrowed_by_state(look, world, monkeypatch):
    first, second = watched(world, 1), watched(world, 2)
    visited(first, world)
    browser = look(world.daofu_cdc)

    def shown(state):
        rows = text(browser.get(f"{url('index')}?state={state}"))
        return [one.get_absolute_url() in rows for one in (first, second)]

    assert shown("to_visit") == [False, True]
    assert shown("open") == [True, True]
    assert shown("ended") == shown("missed") == shown("to_release") == [False, False]
    monkeypatch.setattr(clock, "now", lambda: AT + DAY)
    assert shown("missed") == [False, True]
    monkeypatch.setattr(clock, "now", lambda: AT + 20 * DAY)
    assert shown("to_release") == [True, True]


def test_list_and_day_send_as_many_statements_for_one_as_for_three(look, world):
    def statements(page):
        with CaptureQueriesContext(connection) as made:
            browser.get(page)
        return len([one for one in made if "django_session" not in one["sql"]])

    browser = look(world.daofu_cdc)
    pages = [url("index"), url("today"), url("contacts", world.case.public_id)]
    watched(world, 1)
    for page in pages:
        browser.get(page)
    one = [statements(page) for page in pages]
    watched(world, 2)
    watched(world, 3)

    assert [statements(page) for page in pages] == one
    assert one[0] <= 6 and one[1] <= 6


def test_a_person_shows_their_observations(look, world):
    watch = watched(world)
    page = text(look(world.daofu_cdc).get(watch.person.get_absolute_url()))
    assert watch.get_absolute_url() in page


def test_a_team_leader_reads_who_is_due_by_unit_and_who_was_missed_where(look, world):
    early = {"at": AT - 2 * DAY, "facts": facts(last_date=date(2020, 2, 2))}
    missed, late = (watched(world, n, **early) for n in (1, 2))
    visited(late, world, at=AT - DAY)
    far = watched(world, 3, **early, person=somebody(world, 3, area=world.kangding))
    browser = look(world.daofu_cdc)

    page = browser.get(url("follow_up"))

    found = page.context["found"]
    (unit,) = found.units
    assert (unit.name, unit.load.watched, unit.load.to_visit, unit.load.missed) == (
        world.centre.display_name, 2, 2, 1,
    )  # fmt: skip
    (township,) = found.townships
    assert (township.name, township.load.missed) == (world.town.display_name, 1)
    rows = {one["code"]: one for one in browser.get(url("follow_up_map")).json()["areas"]}
    assert (rows["513326"]["value"], rows["513301"]["value"]) == (1, None)
    assert "1 missed of 2 under observation" in rows["513326"]["label"]
    for query, there in (
        (rows["513326"]["url"].partition("?")[2], [True, False]),
        (f"{unit.query}&state=to_visit", [True, True]),
        (f"{township.query}&state=missed", [True, False]),
        (f"{township.query}&state=to_release", [False, False]),
    ):
        shown = text(browser.get(f"{url('index')}?{query}"))
        assert [one.get_absolute_url() in shown for one in (missed, late)] == there, query
        assert far.get_absolute_url() not in shown
    whole = look(world.headquarters).get(url("follow_up_map")).json()["areas"]
    assert {one["code"]: one["value"] for one in whole}["513301"] == 1
    assert {one.county.code for one in browser.get(url("follow_up")).context["found"].units} == {
        "513326", "513301",
    }  # fmt: skip
    assert look(world.stranger).get(url("follow_up")).status_code == 403
