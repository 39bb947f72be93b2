"""The pages of arrivals: look up first, ask what is not known, hand over, figures, checkpoints."""

from __future__ import annotations

import json
import re
from datetime import date
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core import clock, finders
from fangkong.core.audit.models import AuditLine, Sight
from fangkong.core.pages.editing import editing_of
from fangkong.people import queries as people
from fangkong.places.tests.factories import facility
from fangkong.surveillance.arrivals import actions
from fangkong.surveillance.arrivals.models import Arrival, Asked, Checkpoint, RiskArea
from fangkong.surveillance.arrivals.types import CheckpointFacts

from .factories import AT, DAY, HOUR, answers, facts, registered, somebody


def url(name, *args):
    return reverse(f"surveillance:arrivals:{name}", args=args)


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


def links(answer):
    return [found.replace("&amp;", "&") for found in re.findall(r'href="([^"]+)"', text(answer))]


def to_ask(answer):
    return next(link for link in links(answer) if "/register/ask/?" in link)


def test_who_is_looked_up_is_asked_only_what_is_not_known(look, world):
    person = registered(world, {**answers(), "identity-number": "110101199003074477"}).person
    browser = look(world.own_guard)

    found = browser.post(url("find"), {"text": "110101199003074477"})
    page = text(found)
    assert person.name not in page
    assert Sight.objects.filter(subject_id=person.pk, place="surveillance.arrivals.find").exists()
    asking = to_ask(found)
    assert person.name not in unquote(asking) and "1101" not in unquote(asking)

    form = browser.get(asking).context["form"]
    assert [row.code for row in form.questions] == [
        "school-or-work", "care-needs", "passed-through", "travelled-by", "travels-with",
    ]  # fmt: skip
    assert Asked.objects.filter(again=True).count() == 0
    sent = send(browser, asking, visit=form.initial["visit"])
    assert sent.status_code == 302
    made = Arrival.objects.get()
    assert made.passages.count() == 2
    page = text(browser.get(sent.headers["Location"]))
    assert "康定东检查点" in page and "道孚检查点" in page
    assert made.get_absolute_url() in text(browser.get(url("find")))

    again = next(link for link in links(browser.get(asking)) if "again=mobile" in link)
    shown = browser.get(url("ask") + again)
    assert "mobile" in shown.context["form"].fields
    assert Asked.objects.filter(again=True, question="mobile").count() == 1
    browser.get(url("ask") + again)
    assert Asked.objects.filter(again=True).count() == 1


def test_somebody_new_is_entered_with_what_was_typed_and_told_what_to_do(look, world):
    browser = look(world.guard)
    nobody = browser.post(url("find"), {"text": "13988880001"})
    assert "Nobody is known by this" in text(nobody)
    asking = to_ask_nobody(nobody)
    blank = browser.post(asking, {"typed": "1", "mobile": "13988880001"})
    assert (blank.status_code, blank.context["form"].errors) == (200, {})
    assert blank.context["form"].initial["mobile"] == "13988880001"

    wrong = send(browser, asking, visit=visit(blank), **answers(came_from="某个地方"))
    assert (wrong.status_code, "came-from" in wrong.context["form"].errors) == (422, True)
    assert not Arrival.objects.exists()
    done = send(browser, asking, key="k2", visit=visit(blank), **answers())
    made = Arrival.objects.get()
    assert done.headers["Location"].startswith(made.get_absolute_url())
    page = text(browser.get(done.headers["Location"]))
    for said in ("Hubei", "2020-02-05 to 2020-02-15: at home", "Next person", "stay where they"):
        assert said in page, said
    assert "王小山" not in page and "团结社区" not in page


def test_who_is_ill_is_kept_apart_and_whoever_registers_them_is_told_so(look, world):
    browser = look(world.guard)
    well = registered(world, answers(came_from="云南省昆明市"))
    page = text(browser.get(well.get_absolute_url()))
    assert "Nothing more is asked" in page and "Keep the person apart" not in page
    actions.register(
        facts=facts({}, temperature=381), person=well.person, checkpoint=world.gate,
        by=world.guard, at=AT + HOUR,
    )  # fmt: skip

    page = text(browser.get(well.get_absolute_url()))
    assert "Keep the person apart" in page and "Nothing more is asked" not in page
    listed = browser.get(url("index"), {"col": ["person", "ill"]})
    assert "Symptoms or fever" in text(listed)
    withdrawn = {"arrival": well, "reason": "Entered for another person", "by": world.daofu_cdc}
    actions.withdraw(**withdrawn, at=AT + HOUR)
    assert "Keep the person apart" not in text(browser.get(well.get_absolute_url()))


def to_ask_nobody(answer):
    (found,) = re.findall(r'action="([^"]+/register/ask/[^"]+)"', text(answer))
    return found.replace("&amp;", "&")


def visit(answer):
    return answer.context["form"].initial["visit"]


def test_the_same_form_sent_twice_is_one_arrival(look, world):
    browser = look(world.guard)
    asking = to_ask_nobody(browser.post(url("find"), {"text": "王小山"}))
    blank = browser.post(asking, {"typed": "1", "full-name": "王小山"})
    said = {"visit": visit(blank), **answers()}
    first, again = send(browser, asking, **said), send(browser, asking, **said)

    assert first.headers["Location"] == again.headers["Location"]
    assert Arrival.objects.count() == 1


def test_who_adds_to_an_arrival_that_they_may_not_see_is_led_back_and_told_the_tier(look, world):
    number = "110101199003074477"
    bound = answers(staying_at="康定市炉城镇1号")
    made = registered(world, {**bound, "identity-number": number})
    browser = look(world.doctor)
    asking = to_ask(browser.post(url("find"), {"text": number}))

    sent = browser.post(asking, {"_key": "k", "visit": visit(browser.get(asking))}, follow=True)
    assert (sent.status_code, sent.request["PATH_INFO"]) == (200, url("find"))
    assert "Hubei" in text(sent)
    assert browser.get(made.get_absolute_url()).status_code == 404


@pytest.mark.both_databases
def test_whoever_registers_sees_the_arrival_at_a_second_checkpoint_and_without_one(
    look, world, monkeypatch
):
    number = "110101199003074477"
    bound = answers(staying_at="康定市炉城镇1号")  # neither guard nor doctor is of Kangding
    browser = look(world.doctor)
    blank = browser.post(to_ask_nobody(browser.post(url("find"), {"text": number})), {"typed": "1"})
    said = {"visit": visit(blank), **bound, "identity-number": number}
    done = send(browser, blank.request["PATH_INFO"] + "?" + blank.request["QUERY_STRING"], **said)
    made = Arrival.objects.get()
    assert (made.county, made.checkpoint) == (world.kangding, None)
    assert browser.get(done.headers["Location"]).status_code == 200
    assert made.get_absolute_url() in text(browser.get(url("find")))

    browser = look(world.own_guard)
    assert browser.get(made.get_absolute_url()).status_code == 404
    asking = to_ask(browser.post(url("find"), {"text": number}))
    sent = send(
        browser, asking, key="s", visit=browser.get(asking).context["form"].initial["visit"]
    )
    page = browser.get(sent.headers["Location"])
    assert (page.status_code, "道孚检查点" in text(page)) == (200, True)
    assert made.get_absolute_url() in text(browser.get(url("find")))
    assert look(world.kangding_cdc).get(made.get_absolute_url()).status_code == 200
    assert look(world.guard).get(made.get_absolute_url()).status_code == 404

    monkeypatch.setattr(clock, "now", lambda: AT + 4 * DAY)
    for user in (world.doctor, world.own_guard):
        assert look(user).get(made.get_absolute_url()).status_code == 404


def test_an_old_or_foreign_word_leads_back_to_the_look_up(look, world):
    for word in ("", "nonsense"):
        answer = look(world.guard).get(f"{url('ask')}?who={word}")
        assert (answer.status_code, answer.headers["Location"]) == (302, url("find"))
    assert look(world.inspector).get(url("find")).status_code == 403
    assert look(world.stranger).get(url("index")).status_code == 403


def test_a_county_takes_over_and_a_guard_does_not(look, world):
    made = registered(world)
    browser = look(world.guard)
    assert browser.get(made.get_absolute_url()).status_code == 200
    assert send(browser, url("receive", made.public_id)).status_code == 403
    assert send(look(world.kangding_cdc), url("receive", made.public_id)).status_code == 404

    browser = look(world.daofu_cdc)
    assert "Take over" in text(browser.get(made.get_absolute_url()))
    refused = send(browser, url("miss", made.public_id), key="m", **{"miss-reason": ""})
    assert refused.status_code == 422
    assert send(browser, url("receive", made.public_id), key="r").status_code == 302
    again = send(browser, url("receive", made.public_id), key="s")
    assert (again.status_code, "taken over already" in text(again)) == (422, True)
    page = send(browser, url("withdraw", made.public_id), key="w", **{"withdraw-reason": "录错"})
    assert page.status_code == 302
    made.refresh_from_db()
    assert (made.withdrawn_at, made.observation.ending) == (AT, "error")
    assert "was withdrawn" in text(browser.get(made.get_absolute_url()))


def test_lists_and_figures_narrow_and_send_as_many_statements_for_one_as_for_three(look, world):
    browser = look(world.daofu_cdc)

    def statements(path):
        with CaptureQueriesContext(connection) as made:
            assert browser.get(path).status_code == 200
        return len([one for one in made if "session" not in one["sql"]])

    paths = (url("index"), url("figures"), url("checkpoints"))
    registered(world)
    for path in paths:
        statements(path)
    one = [statements(path) for path in paths]
    registered(world, answers(full_name="李二", mobile=""))
    registered(world, answers(full_name="张三", mobile="", came_from="云南"))
    assert [statements(path) for path in paths] == one

    def shown(query):
        return len(browser.get(f"{url('index')}?{query}").context["rows"])

    found = [
        shown(q) for q in ("tier=ganzi-4-hubei", "tier=none", "county=513301", "state=missing")
    ]
    assert found == [2, 1, 0, 0]
    assert shown("first=2020-02-06") == 0
    assert shown(f"checkpoint={world.own_gate.public_id}") == 0
    csv = b"".join(browser.get(f"{url('index')}?export=csv").streaming_content).decode()
    assert "王小山" not in csv and "13988880001" not in csv
    assert b"ganzi" not in b"".join(browser.get(url("figures_csv")).streaming_content)
    assert browser.get(url("figures_chart")).json()["kind"] == "stacked"


def test_a_checkpoint_is_set_up_changed_and_closed_by_its_county(look, world, monkeypatch):
    browser = look(world.kangding_cdc)
    page = browser.get(world.gate.get_absolute_url())
    assert "takes temperatures" in text(page)
    assert look(world.daofu_cdc).get(world.gate.get_absolute_url()).status_code == 404

    browser = look(world.kangding_cdc)
    change = url("change_checkpoint", world.gate.public_id)
    seen = editing_of(browser.get(change).context["form"]).carried
    monkeypatch.setattr(clock, "now", lambda: AT + HOUR)  # a later state is another one
    said = {"road": "G318", "duties": ["register", "swab"], "opens": "7", "closes": "22"}
    assert send(browser, change, key="a", _seen=seen, **said).status_code == 302
    world.gate.refresh_from_db()
    assert (world.gate.opens, world.gate.duties) == (7, ["register", "swab"])
    stale = send(browser, change, key="b", _seen=seen, **{**said, "road": "G317"})
    assert stale.status_code == 412

    assert send(browser, url("close", world.gate.public_id), key="c").status_code == 302
    facility = str(world.gate.facility.public_id)
    made = send(browser, url("new_checkpoint"), key="d", facility=facility, duties=["hold"])
    assert made.status_code == 302
    assert Checkpoint.objects.filter(closed_at__isnull=True).count() == 2
    assert look(world.guard).get(url("new_checkpoint")).status_code == 403


def test_headquarters_announces_areas_and_counties_read_them(look, world):
    browser = look(world.headquarters)
    said = {"area": "湖南省长沙市", "tier": "ganzi-4-key-area", "source": "州公告第5号"}
    refused = send(browser, url("announce"), **{**said, "area": "某地", "valid_from": "2020-02-05"})
    assert (refused.status_code, "area" in refused.context["form"].errors) == (422, True)
    assert (
        send(browser, url("announce"), key="b", **said, valid_from="2020-02-05").status_code == 302
    )
    made = RiskArea.objects.get()
    assert (made.code, made.name) == ("4301", "湖南省长沙市")

    page = made.get_absolute_url()
    seen = editing_of(browser.get(page).context["form"]).carried
    said = {"_seen": seen, "valid_to": "2020-02-10"}
    assert send(browser, page, key="e", **said).status_code == 302
    county = look(world.daofu_cdc)
    assert county.get(page).context["form"] is None
    assert county.post(page, {"_key": "f", "valid_to": "2020-02-11"}).status_code == 405
    assert county.get(url("announce")).status_code == 403
    assert "湖南省长沙市" in text(county.get(url("risk_areas")))


def test_checkpoints_and_announced_areas_are_narrowed(look, world):
    browser = look(world.headquarters)

    def found(name, query):
        rows = browser.get(f"{url(name)}?{query}").context["rows"]
        return {one.facility.name_zh if name == "checkpoints" else one.code for one in rows}

    gates = {world.gate.facility.name_zh, world.own_gate.facility.name_zh}
    actions.close(checkpoint=world.own_gate, by=world.daofu_cdc, at=AT)
    assert found("checkpoints", "") == gates
    for query in ("name=康定", "name=kdd", "state=open", "county=513301"):
        assert found("checkpoints", query) == {world.gate.facility.name_zh}, query
    assert found("checkpoints", "state=closed") == gates - {world.gate.facility.name_zh}
    Checkpoint.objects.filter(pk=world.own_gate.pk).update(road="S303")
    assert found("checkpoints", "name=s303") == {world.own_gate.facility.name_zh}
    assert "王小山" not in text(browser.get(f"{url('checkpoints')}?county=000000&name=%27"))

    for n, (area, last) in enumerate([("湖南省长沙市", date(2020, 2, 3)), ("湖北省武汉市", None)]):
        actions.announce(
            area=area, tier="ganzi-4-key-area", valid_from=date(2020, 2, 1 + n), valid_to=last,
            source=f"州公告第{n}号", by=world.headquarters, at=AT,
        )  # fmt: skip
    for query in ("area=长沙", "area=4301", "area=第0号", "on=2020-02-01"):
        assert found("risk_areas", query) == {"4301"}, query
    assert found("risk_areas", "on=2020-02-04") == {"4201"}
    assert found("risk_areas", "tier=ganzi-4-key-area") == {"4301", "4201"}
    assert found("risk_areas", "on=2020-02-31&tier=none") == set()  # what nobody can choose


def test_the_search_over_everything_finds_arrivals_checkpoints_and_who_is_watched(look, world):
    made = registered(world)

    def found(user, text):
        groups = finders.find(user, AT, text)
        return {one.url for group in groups for one in group.found}

    watch = made.observation.get_absolute_url()
    assert {made.get_absolute_url(), watch} <= found(world.daofu_cdc, "王小山")
    assert made.get_absolute_url() in found(world.guard, "wangxiaoshan")
    assert not {made.get_absolute_url(), watch} & found(world.own_guard, "王小山")
    assert not {made.get_absolute_url(), watch} & found(world.stranger, "王小山")
    assert world.gate.get_absolute_url() in found(world.guard, "kdd")
    assert world.gate.get_absolute_url() not in found(world.own_guard, "康定东")


def test_arrivals_stand_on_the_page_of_their_person(look, world):
    made = registered(world, person=somebody(world))
    page = text(look(world.daofu_cdc).get(made.person.get_absolute_url()))
    assert made.get_absolute_url() in page


SAID = {**answers(), "care-needs": "needs insulin", "school-or-work": "道孚县中学"}


def test_answers_are_shown_in_full_for_a_reason_that_is_noted_and_counted(look, world):
    made = registered(world, SAID)
    page = url("reveal", made.public_id)
    browser = look(world.daofu_cdc)
    shown = text(browser.get(made.get_absolute_url()))
    assert page in shown
    assert "needs insulin" not in shown

    short = send(browser, page, key="short", **{"reveal-reason": "x"})
    assert (short.status_code, "needs insulin" in text(short)) == (422, False)
    named = send(browser, page, key="named", **{"reveal-reason": "ring 13988880001"})
    assert (named.status_code, "needs insulin" in text(named)) == (422, False)
    assert not Sight.objects.filter(how="revealed").exists()
    full = send(browser, page, key="good", **{"reveal-reason": "bring the medicine"})

    assert full.status_code == 200
    assert "needs insulin" in text(full) and "道孚县中学" in text(full)
    assert full.headers["Cache-Control"].startswith("max-age=0")
    line = AuditLine.objects.get(action="surveillance.arrivals.reveal")
    assert (line.by, line.reason, line.subject_id) == (
        world.daofu_cdc, "bring the medicine", made.pk,
    )  # fmt: skip
    sight = Sight.objects.get(how="revealed")
    assert (sight.subject_id, sight.reason) == (made.person_id, "bring the medicine")
    (counted,) = people.revealers(world.auditor, AT)
    assert (counted.user, counted.day) == (world.daofu_cdc, 1)
    assert "needs insulin" not in text(browser.get(made.get_absolute_url()))
    assert "needs insulin" not in json.dumps(list(AuditLine.objects.values()), default=str)


def test_nobody_else_reads_the_answers_and_an_old_reason_opens_nothing(look, world, monkeypatch):
    made = registered(world, SAID)
    page = url("reveal", made.public_id)
    good = {"reveal-reason": "bring the medicine"}
    for user, status in (
        (world.guard, 403),
        (world.inspector, 403),
        (world.stranger, 403),
        (world.doctor, 200),  # whose unit looks after the town
        (world.kangding_cdc, 200),  # met there, for three days
    ):
        assert send(look(user), page, key=f"k{user.pk}", **good).status_code == status, user
    monkeypatch.setattr(clock, "now", lambda: AT + 4 * DAY)
    assert send(look(world.kangding_cdc), page, key="late", **good).status_code == 404
    again = send(look(world.doctor), page, key=f"k{world.doctor.pk}", **good)
    assert (again.status_code, "needs insulin" in text(again)) == (422, False)
    assert "too long ago" in text(again)


def test_a_fault_of_a_question_that_is_not_on_the_form_is_told_with_its_name(look, world):
    said = {**SAID, "identity-number": "110101199003074477", "came-from": "云南省"}
    registered(world, said)
    actions.announce(
        area="530100", tier="ganzi-4-key-area", valid_from=AT.date(), source="公告", by=None, at=AT
    )
    browser = look(world.own_guard)
    asking = to_ask(browser.post(url("find"), {"text": "110101199003074477"})) + "&again=left-on"
    form = browser.get(asking).context["form"]
    assert "left-on" in form.fields and "came-from" not in form.fields

    answer = {"visit": form.initial["visit"], "left-on": "2020-02-03"}
    sent = send(browser, asking, **answer)

    assert sent.status_code == 422
    (problem,) = sent.context["form"].non_field_errors()
    assert problem.startswith("Where you come from: ") and "昆明" in problem
    assert "ask it again above" in problem


def test_pages_ask_as_much_of_the_database_for_one_checkpoint_as_for_six(look, world):
    browser = look(world.headquarters)
    paths = [url(name) for name in ("find", "index", "figures", "checkpoints", "figures_csv")]
    paths += [url("checkpoint", world.gate.public_id), "/api/v1/surveillance/arrivals/checkpoints/"]

    def statements() -> list[int]:
        counts = []
        for path in paths:
            browser.get(path)
            with CaptureQueriesContext(connection) as spent:
                assert browser.get(path).status_code == 200
            counts.append(len(spent))
        return counts

    registered(world, SAID)
    few = statements()
    for n in range(4):
        place = facility(world.daofu, f"检查点{n}", kind="checkpoint")
        gate = actions.set_up(facility=place, facts=CheckpointFacts(), by=world.daofu_cdc, at=AT)
        said = {**SAID, "full-name": f"李{n}", "mobile": f"1398888010{n}"}
        registered(world, said, checkpoint=gate, by=world.daofu_cdc)

    assert statements() == few
