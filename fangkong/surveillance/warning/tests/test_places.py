"""Clusters in schools, villages and hospitals, and outbreaks that nothing is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils.translation import override

from fangkong.packs import queries as packs
from fangkong.packs.types import Text
from fangkong.places.tests.factories import area as an_area
from fangkong.places.tests.factories import facility
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.facts import PlacedCase
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.warning import investigating, placing, queries, rules
from fangkong.surveillance.warning.models import Investigation, Signal
from fangkong.tasks import queries as tasks

from .factories import (
    COVID,
    answered,
    detected,
    found_on_site,
    moment,
    outbreak,
    raised,
    reported,
)

PACK = packs.pack("cn-2020-01")
DAY = date(2020, 2, 5)
AT = moment(DAY)
HOUR = timedelta(hours=1)
SCHOOL = "道孚县第一小学三年级二班"
COUNTED = frozenset({"suspected", "probable", "confirmed"})


def pupil(n, day=DAY, condition="measles", **said):
    usual: dict[str, object] = {
        "case_class": "confirmed",
        "village_id": None,
        "occupation": "student",
    }
    usual |= {"workplace": SCHOOL, "county_id": 7}
    return PlacedCase(case_id=n, condition=condition, day=day, **{**usual, **said})


def found(cases, day=DAY, pack=PACK, villages=None):
    return placing.clusters(cases, pack, day, classes=lambda code: COUNTED, villages=villages or {})


# --- The rules by hand ----------------------------------------------------------------------------


def test_ten_of_measles_in_one_school_within_a_week_warn_and_nine_do_not():
    ten = [pupil(n, DAY - timedelta(days=n % 7)) for n in range(10)]
    ((series, finding),) = found(ten).items()
    assert series[:2] == (7, "measles")
    assert (finding.observed, finding.threshold, finding.place.name) == (10, 10, "道孚县第一小学")
    assert finding.facts == {"headline": "place_rule", "days": 7, "rule": "school-10"}
    assert finding.fixed and finding.less is None and finding.more.observed == 11
    assert found(ten[1:]) == {}
    # The tenth a day too early, elsewhere, of another disease, discarded, or no pupil at all.
    for other in (
        {"day": DAY - timedelta(days=7)},
        {"workplace": "道孚县第二小学"},
        {"county_id": 8},
        {"condition": "rubella"},
        {"case_class": "discarded"},
        {"occupation": "herder"},
        {"workplace": ""},
    ):
        assert found([*ten[1:], replace(ten[0], **other)]) == {}, other


def test_spelling_and_class_do_not_tell_two_schools_apart():
    names = ("道孚县第一小学", " 道孚县第一小学 一（1）班", "道孚县　第一小学四年级", SCHOOL)
    keys = {rules.institution("school", name).key for name in names}
    assert len(keys) == 1
    assert rules.institution("school", "道孚县第二小学").key not in keys
    assert rules.institution("ward", "道孚县人民医院内科").name == "道孚县人民医院"
    assert rules.institution("school", "Daofu Primary").name == "Daofu Primary"
    assert (
        rules.institution("school", "daofu  primary").key
        == rules.institution("school", "Ｄaofu Primary").key
    )
    assert rules.institution("school", "  ") is None


def test_the_forms_of_a_disease_count_for_it_and_of_two_rules_the_higher_tells():
    five = [pupil(n, condition="typhoid" if n % 2 else "paratyphoid") for n in range(5)]
    assert [key[1] for key in found(five)] == ["typhoid-paratyphoid"]
    hepatitis = [pupil(n, condition="hepatitis-a") for n in range(5)]
    assert [key[1] for key in found(hepatitis)] == ["hepatitis-a"]
    low = next(rule for rule in PACK.warning.places if rule.code == "school-hfmd")
    high = replace(low, code="school-hfmd-outbreak", cases=10)
    plan = replace(PACK.warning, places=(high, low))
    for n, code in ((9, "school-hfmd"), (10, "school-hfmd-outbreak")):
        sick = [pupil(i, condition="hand-foot-mouth") for i in range(n)]
        (finding,) = found(sick, pack=replace(PACK, warning=plan)).values()
        assert finding.facts["rule"] == code


def test_a_village_is_where_people_live_and_a_ward_is_its_staff():
    homes = [
        pupil(n, condition="hand-foot-mouth", village_id=31, occupation="child-at-home")
        for n in range(3)
    ]
    ((series, finding),) = found(homes, villages={31: Text(zh="麻孜村", en="Mazi")}).items()
    assert (series[2], finding.place.name) == ("village:31", "麻孜村")
    assert found(homes[:2]) == {}
    staff = [
        pupil(n, condition="tuberculosis", occupation="health-worker", workplace="县人民医院儿科")
        for n in range(3)
    ]
    (finding,) = found(staff).values()
    assert finding.facts["rule"] == "ward-3"


def test_two_of_covid_were_a_cluster_until_september_2020_and_five_from_then_on():
    last, next_ = date(2020, 9, 14), date(2020, 9, 15)
    for day, cases, warns in ((last, 2, True), (next_, 4, False), (next_, 5, True)):
        sick = [pupil(n, day, COVID) for n in range(cases)]
        assert bool(found(sick, day)) is warns
    assert found([pupil(n, date(2023, 1, 8), COVID) for n in range(9)], date(2023, 1, 8)) == {}


# --- In the house ---------------------------------------------------------------------------------


def ill(county, hospital, n, at=AT, workplace=SCHOOL, **person):
    """A pupil with COVID-19, reported through the door."""
    return monitoring.report(
        person=cards.person(n, occupation="student", workplace=workplace, **person),
        case=cards.facts(diagnosed_at=at - HOUR),
        facility=hospital,
        area=person.get("area", county),
        by=None,
        at=at,
    )


@pytest.fixture
def school(areas, daofu, daofu_cdc):
    """Two pupils of one school, one of them in a class of its own; the day is judged."""
    hospital = facility(daofu)
    for n in (1, 2):
        ill(daofu, hospital, n, workplace=SCHOOL if n == 1 else "道孚县第一小学")
    detected(DAY, at=AT)
    return Signal.objects.exclude(place_key="").get()


def test_a_cluster_is_a_signal_of_its_own_with_the_clock_of_a_rule(school, daofu, daofu_cdc):
    assert (school.place_kind, school.place, school.observed) == ("school", "道孚县第一小学", 2)
    assert (school.methods, school.single_case) == (["place_rule"], True)
    assert school.due_at == AT + 2 * HOUR
    assert tasks.for_source(school).count() == 1
    county = Signal.objects.get(place_key="")  # the county's own signal stands beside it
    assert county.area == school.area and county.condition == school.condition
    with override("en"):
        assert school.reason == (
            "2 cases in the 14 days to 2020-02-05; all in one school or kindergarten, where a rule"
            " warns from 2 on"
        )
    # A second run carries both on and doubles none; a task's title names no place.
    detected(DAY, at=AT)
    assert Signal.objects.count() == 2
    assert "小学" not in tasks.for_source(school).get().title


def test_a_third_pupil_after_the_answer_is_news(school, daofu, daofu_cdc):
    answered(school, daofu_cdc, "watch", at=AT + HOUR)
    detected(DAY, at=AT + HOUR)
    assert Signal.objects.filter(place_key=school.place_key).count() == 1
    ill(daofu, facility(daofu, "道孚县中藏医院"), 3, at=AT + 2 * HOUR)
    detected(DAY, at=AT + 3 * HOUR)
    newest = Signal.objects.filter(place_key=school.place_key).latest("pk")
    assert (newest.pk != school.pk, newest.observed) == (True, 3)


def test_a_cluster_falls_with_the_card_that_made_it_one(school, daofu):
    case = Case.objects.order_by("pk").first()
    discarded = replace(cards.facts(diagnosed_at=AT - HOUR), case_class="discarded", severity="")
    monitoring.revise(case=case, facts=discarded, reason="两次核酸检测阴性", by=None, at=AT + HOUR)
    detected(DAY, at=AT + HOUR)
    school.refresh_from_db()
    assert (school.state, tasks.for_source(school).get().state) == ("superseded", "cancelled")


def test_pages_and_machines_show_the_place_its_cases_and_the_rule(
    client, school, daofu_cdc, kangding_cdc, evening, daofu
):
    client.force_login(daofu_cdc)
    english = {"Accept-Language": "en"}
    page = client.get(school.get_absolute_url(), headers=english).content.decode()
    assert "道孚县第一小学" in page and "Rule of a place" in page and "by a rule" in page
    assert len(queries.cases_behind(daofu_cdc, school, AT)) == 2
    curve = client.get(
        reverse("surveillance:warning:curve", args=[school.public_id]), headers=english
    ).json()
    assert [series["name"] for series in curve["series"]][1:] == [
        "Cases in 14 days",
        "A rule warns from here on",
    ]
    assert curve["series"][1]["values"][-1] == 2 and set(curve["series"][2]["values"]) == {2}
    listed = client.get(reverse("surveillance:warning:index")).content.decode()
    assert "道孚县第一小学" in listed
    rows = client.get("/api/v1/surveillance/warning/signals/").json()["rows"]
    assert {row["place"] for row in rows} == {"", "道孚县第一小学"}
    client.force_login(kangding_cdc)
    assert client.get(school.get_absolute_url()).status_code == 404
    assert "小学" not in client.get(reverse("surveillance:warning:index")).content.decode()


def test_a_village_is_found_through_a_grid_cell_too(areas, daofu):
    town = areas["513326100"]
    village = an_area("513326100201", town, level="village", name_zh="麻孜村")
    grid = an_area("513326100201-G1", village, level="grid", name_zh="麻孜村一网格")
    hospital = facility(daofu)
    for n, home in ((1, village), (2, grid)):
        ill(home, hospital, n, workplace="" if n == 3 else f"学校{n}", area_id=home.pk)
    detected(DAY, at=AT)
    (signal,) = Signal.objects.filter(place_kind="village")
    assert (signal.place, signal.observed) == ("麻孜村", 2)


# --- Known outbreaks ------------------------------------------------------------------------------


def an_outbreak_every_february(county, by, condition="measles"):
    """Measles in February of 2018 and 2019, five weeks each, else nothing; five cases now."""
    for year in (2018, 2019):
        first = date(year, 1, 15)
        reported(county, {first + timedelta(days=n): 3 for n in range(42)}, condition)
    reported(county, {DAY - timedelta(days=n): 1 for n in range(5)}, condition)


def known(county, year, conclusion="outbreak", condition="measles"):
    """An investigation of that year that found an outbreak."""
    first, last = date(year, 1, 15), date(year, 2, 26)
    return Investigation.objects.create(
        area=county,
        condition=condition,
        condition_zh="麻疹",
        condition_en="measles",
        due_at=moment(last),
        created_at=moment(first),
        changed_at=moment(last),
        reported_at=moment(last),
        cases_found=126,
        first_onset=first,
        last_day=last,
        conclusion=conclusion,
        concluded_at=moment(last) if conclusion else None,
    )


def methods(county, condition="measles"):
    detected(DAY)
    signal = Signal.objects.filter(area=county, condition=condition).first()
    return set(signal.methods) if signal else set()


def test_outbreaks_of_past_years_hide_the_next_one_until_they_are_known(kangding, daofu_cdc):
    an_outbreak_every_february(kangding, daofu_cdc)
    assert not methods(kangding) & {"moving_percentile", "adaptive"}
    for year in (2018, 2019):
        known(kangding, year)
    assert methods(kangding) >= {"moving_percentile", "adaptive"}
    alarm = Signal.objects.get(area=kangding).alarms.get(method="moving_percentile")
    assert (alarm.expected, alarm.threshold) == (0, 0)  # of the five quiet weeks of 2017


@pytest.mark.parametrize("other", ["no_event", "another county", "another disease"])
def test_only_an_outbreak_of_that_disease_and_county_is_left_out(other, kangding, daofu, daofu_cdc):
    an_outbreak_every_february(kangding, daofu_cdc)
    for year in (2018, 2019):
        known(
            daofu if other == "another county" else kangding,
            year,
            conclusion="no_event" if other == "no_event" else "outbreak",
            condition="rubella" if other == "another disease" else "measles",
        )
    assert not methods(kangding) & {"moving_percentile", "adaptive"}


def test_the_days_of_a_running_outbreak_are_judged_though_nothing_is_compared_with_them(
    daofu, daofu_cdc
):
    signal = answered(raised(daofu), daofu_cdc, "confirmed_outbreak")
    (one,) = queries.known_outbreaks(date(2019, 1, 1), DAY, PACK)
    assert (one.first, one.last) == (DAY - timedelta(days=6), DAY)
    assert one.conditions == {COVID}
    investigating.report_findings(
        investigation=signal.investigation, findings=found_on_site(), by=daofu_cdc, at=AT
    )
    (one,) = queries.known_outbreaks(date(2019, 1, 1), DAY, PACK)
    assert one.first == date(2020, 1, 28)  # the onset that the team reported
    outbreak(daofu)
    reported(daofu, {DAY + timedelta(days=1): 9})
    detected(DAY + timedelta(days=1))
    newest = Signal.objects.latest("pk")
    assert (newest.observed, "adaptive" in newest.methods) == (16, True)
    assert queries.known_outbreaks(DAY + timedelta(days=30), DAY, PACK) == []


def test_a_suspicion_is_no_known_outbreak(daofu, daofu_cdc):
    answered(raised(daofu), daofu_cdc, "suspected_event")
    assert queries.known_outbreaks(date(2019, 1, 1), DAY, PACK) == []


# --- The list -------------------------------------------------------------------------------------


def test_the_list_says_what_would_change_the_place_of_a_signal(
    client, daofu, kangding, areas, headquarters, kangding_cdc, evening
):
    reported(kangding, {DAY: 1})
    strong = raised(daofu)
    weak = Signal.objects.get(area=kangding)
    rows = [strong, weak]
    queries.learn_standing(rows, headquarters, AT)
    first, second = strong.standing, weak.standing
    assert (first.position, first.more, first.less, first.of) == (1, 1, 1, 2)
    # One case fewer in Kangding leaves none, and so no signal. COVID-19 was managed as class A.
    assert (second.position, second.less, second.as_a) == (2, None, None)
    with override("en"):
        assert second.changes == [
            "One more case: no change",
            "One case fewer: no signal any more",
        ]
    # Whoever sees one county only reads places among its own signals.
    queries.learn_standing([weak], kangding_cdc, AT)
    assert (weak.standing.position, weak.standing.of) == (1, 1)

    client.force_login(headquarters)
    english = {"Accept-Language": "en"}
    page = client.get(reverse("surveillance:warning:index"), headers=english).content.decode()
    assert "One case fewer: no signal any more" in page
    told = client.get(f"/api/v1/surveillance/warning/signals/{weak.public_id}/").json()
    assert told["standing"]["position"] == 2 and told["standing"]["less"] is None


def test_one_more_case_may_change_the_order(areas, daofu, kangding, headquarters):
    reported(kangding, {DAY: 6}, "influenza")
    reported(daofu, {DAY: 6}, "influenza")
    detected(DAY)
    one, other = Signal.objects.order_by("pk")
    queries.learn_standing([one, other], headquarters, AT)
    assert (one.standing.position, other.standing.position) == (1, 1)
    assert (one.standing.more, one.standing.less, one.standing.as_a) == (1, 2, 1)
    with override("en"):
        assert one.standing.changes[1:] == [
            "One case fewer: place 2 instead of 1",
            "If its disease were managed as class A: no change",
        ]


def test_what_a_rule_demands_ranks_at_least_as_what_is_just_beyond_chance():
    assert rules.rank(None, 1, "B", by_rule=True) >= rules.rank(rules.RULE_P, 0, "C")
    assert rules.rank(1e-9, 1, "B", by_rule=True) == rules.rank(1e-9, 1, "B")
    assert rules.position(3.0, [5.0, 3.0, 1.0]) == 2


def test_the_weekly_load_is_the_packs(areas, daofu, kangding, monkeypatch):
    assert rules.budget_of(PACK) == 0.3
    assert rules.budget_of(replace(PACK, warning=replace(PACK.warning, load=None))) == 0.3
    load = replace(PACK.warning.load, signals_per_county_week=2.0)
    generous = replace(PACK, warning=replace(PACK.warning, load=load))
    monkeypatch.setattr(queries.monitoring, "pack_on", lambda day: generous)
    reported(kangding, {DAY: 9}, "influenza")
    reported(daofu, {DAY: 4}, "influenza")
    assert detected(DAY).options["budget"] == 2.0
    assert not queries.unlisted().exists()
