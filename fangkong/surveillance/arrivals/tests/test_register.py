"""An arrival: placed in a tier, watched where they go, asked nothing twice, whoever sends it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from uuid import uuid4

import pytest

from fangkong.core import clock
from fangkong.core.commands.actions import once
from fangkong.people.models import Person
from fangkong.surveillance.arrivals import actions, queries
from fangkong.surveillance.arrivals.models import Answer, Arrival, Asked, Passage
from fangkong.surveillance.arrivals.types import CheckpointFacts
from fangkong.surveillance.monitoring.tests.test_report import together
from fangkong.surveillance.screening import actions as screening
from fangkong.surveillance.screening.models import Observation
from fangkong.surveillance.screening.tests import factories as contacts
from fangkong.tasks.models import Task

from .factories import AT, DAY, HOUR, World, answers, facts, registered, somebody

pytestmark = pytest.mark.both_databases
TODAY = date(2020, 2, 5)


def test_who_comes_from_hubei_is_placed_and_watched_in_the_county_they_go_to(world):
    made = registered(world)

    assert (made.tier, made.not_yet, made.as_of) == ("ganzi-4-hubei", True, TODAY)
    assert (made.county, made.gate_county, made.area) == (world.daofu, world.kangding, world.town)
    assert (made.unit, made.state, made.left_date) == (world.centre, "waiting", date(2020, 2, 1))
    watch = made.observation
    assert (watch.county, watch.unit, watch.tier) == (world.daofu, world.centre, "ganzi-4-hubei")
    assert (watch.first_date, watch.last_date) == (TODAY, date(2020, 2, 15))
    assert (watch.person.name, watch.person.area) == ("王小山", world.town)
    assert made.person.phones.get().full_number == "13988880001"
    assert Passage.objects.get().checkpoint == world.gate


def test_who_comes_from_where_no_tier_is_told_is_registered_and_not_watched(world):
    made = registered(world, answers(came_from="云南省昆明市"))

    assert (made.tier, made.observation, made.stays[0]["area"]) == ("", None, "5301")
    assert not Observation.objects.exists()


def test_an_announcement_decides_from_its_day_on_and_one_is_judged_anew(world):
    made = registered(world, answers(came_from="湖南省长沙市"))
    assert made.tier == ""
    with pytest.raises(actions.NothingChanged):
        actions.judge_again(arrival=made, by=world.daofu_cdc, at=AT)

    area = {"area": "长沙市", "tier": "ganzi-4-key-area", "source": "州公告第5号"}
    actions.announce(**area, valid_from=TODAY, by=world.headquarters, at=AT)
    made = actions.judge_again(arrival=made, by=world.daofu_cdc, at=AT)

    assert (made.tier, made.observation.last_date) == ("ganzi-4-key-area", date(2020, 2, 15))
    with pytest.raises(actions.AlreadyThere):
        actions.announce(**area, valid_from=TODAY, by=world.headquarters, at=AT)
    wrong = {**area, "tier": "ganzi-17-abroad"}
    with pytest.raises(actions.WrongField) as refused:
        actions.announce(**wrong, valid_from=TODAY, by=world.headquarters, at=AT)
    assert refused.value.field == "tier"


@pytest.mark.parametrize(
    ("changes", "question"),
    [
        ({"came_from": "某个地方"}, "came-from"),
        ({"came_from": "朝阳区"}, "came-from"),
        ({"left_on": "2020-02-06"}, "left-on"),
        ({"left_on": "gestern"}, "left-on"),
        ({"left_on": "2020-W05-6"}, "left-on"),
        ({"came_from": "境外 13800138000"}, "came-from"),
        ({"staying_at": "成都市武侯区"}, "staying-at"),
        ({"staying_at": ""}, "staying-at"),
        ({"passed_through": "四川省成都市；某个地方"}, "passed-through"),
        ({"passed_through": "成都、朝阳区"}, "passed-through"),
        ({"symptoms": "vielleicht"}, "symptoms"),
        ({"mobile": "12345"}, "mobile"),
        ({"identity_number": "510101"}, "identity-number"),
        ({"full_name": ""}, "full-name"),
    ],
)
def test_what_cannot_be_right_is_told_at_its_question_and_keeps_nobody(world, changes, question):
    before = Person.objects.count()
    with pytest.raises(actions.NotAcceptable) as refused:
        registered(world, answers(**changes))

    assert question in [field for field, _text in refused.value.faults]
    assert (Person.objects.count(), Arrival.objects.count()) == (before, 0)


def test_a_vague_origin_is_refused_where_a_part_of_it_was_announced(world):
    actions.announce(
        area="420100", tier="ganzi-4-key-area", valid_from=TODAY, source="公告", by=None, at=AT
    )
    with pytest.raises(actions.NotAcceptable, match="武汉市"):
        registered(world, answers(came_from="湖北"))
    assert registered(world, answers(came_from="湖北其他")).stays[0]["area"] == "42"


def test_each_place_on_the_way_is_read_whatever_stands_between_them(world):
    way = "成都市；重庆市、湖南省长沙市，西安市 兰州市"
    made = registered(world, answers(passed_through=way))
    assert [stay["area"] for stay in made.stays] == ["4201", "4301", "50", "5101", "6101", "6201"]
    none = registered(world, answers(passed_through="无", full_name="李二", mobile=""))
    assert [stay["area"] for stay in none.stays] == ["4201"]


def test_without_rules_for_arrivals_nobody_is_registered(world, monkeypatch):
    with pytest.raises(actions.NoRules):
        registered(world, at=AT + timedelta(days=365 * 4))


# --- Once, twice, late ----------------------------------------------------------------------------


def test_the_same_command_again_is_the_same_arrival(world):
    said = {"facts": facts(), "checkpoint": world.gate, "by": world.guard, "at": AT}
    first = once("k", actions.register, **said)
    again = once("k", actions.register, **said)

    assert (first, Arrival.objects.count(), Asked.objects.count()) == (again, 1, 6)


def test_a_second_checkpoint_of_the_day_adds_what_is_new_and_asks_nothing(world):
    made = registered(world)
    person = made.person
    known = queries.known(person, TODAY, AT + HOUR)
    assert {row.code for row in queries.questions_on(TODAY)} - known.keys() == {
        "identity-number", "school-or-work", "care-needs", "passed-through", "travelled-by",
        "travels-with",
    }  # fmt: skip

    later = actions.register(
        facts=facts({}, temperature=365), person=person, checkpoint=world.own_gate,
        by=world.own_guard, at=AT + HOUR,
    )  # fmt: skip

    assert (later, later.temperature, later.arrived_at) == (made, 365, AT)
    assert Passage.objects.count() == 2
    assert Observation.objects.count() == 1


def forms_of_one_day(world):
    """Three checkpoints' worth of answers, each with the moment at which it was sent."""
    number = {"identity-number": "110101199003074477"}
    return [
        ({**answers(), **number}, world.gate, AT),
        (
            {**answers(came_from="北京市", left_on="2020-01-30"), **number},
            world.own_gate,
            AT + HOUR,
        ),
        ({**answers(symptoms="yes"), **number}, world.gate, AT + 2 * HOUR),
    ]


def test_forms_of_one_day_converge_in_whatever_order_they_arrive(world):
    seen = set()
    for order in permutations(forms_of_one_day(world)):
        for said, gate, moment in order:
            given = {"facts": facts(said, arrived_at=moment), "checkpoint": gate}
            actions.register(**given, by=world.guard, at=AT + 3 * HOUR)
        one = Arrival.objects.get()
        stays = tuple((stay["area"], stay["last"]) for stay in one.stays)
        watch = one.observation
        told = (one.tier, stays, one.arrived_at, tuple(map(str, watch.phases)), watch.last_date)
        seen.add((*told, Passage.objects.count()))
        for table in (Passage, Answer, Asked):
            table.objects.all().delete()
        Arrival.objects.all().delete()
        Observation.objects.all().delete()
    assert len(seen) == 1


def test_a_form_of_before_that_is_sent_late_sends_nobody_to_another_county(world):
    number = {"identity-number": "110101199003074477"}
    early = facts({**answers(staying_at="康定市炉城街道1号"), **number}, arrived_at=AT)
    later = facts({**answers(care_needs="轮椅"), **number}, arrived_at=AT + HOUR)
    given = {"checkpoint": world.gate, "by": world.guard, "at": AT + 3 * HOUR}
    seen = set()
    for order in permutations((early, later)):
        for form in order:
            one = actions.register(facts=form, **given)
        said = {row.question: (row.value, row.answered_at) for row in one.answers.all()}
        assert said["staying-at"] == (answers()["staying-at"], AT + HOUR)
        seen.add((one.area, one.county, one.unit, one.observation.county, *sorted(said.items())))
        actions.receive(arrival=one, by=world.daofu_cdc, at=AT + 4 * HOUR)
        one = actions.register(facts=early, **given)
        assert (one.state, one.county) == ("received", world.daofu)
        for table in (Task, Passage, Answer, Asked):
            table.objects.all().delete()
        Arrival.objects.all().delete()
        Observation.objects.filter(taken_from__isnull=False).delete()
        Observation.objects.all().delete()
    assert len(seen) == 1
    corrected = {**given, "at": AT + 5 * HOUR}
    actions.register(facts=later, **given)
    moved = actions.register(facts=facts(early.answers), **corrected)
    assert moved.county == world.kangding


def test_what_was_told_yesterday_and_is_sent_today_stands_as_from_yesterday(world):
    made = registered(world, facts=facts(arrived_at=AT - DAY))

    told = made.answers.get(question="symptoms")
    assert (told.answered_at, told.valid_until) == (AT - DAY, date(2020, 2, 4))
    assert "symptoms" not in queries.known(made.person, TODAY, AT)


def test_who_arrived_yesterday_is_entered_late_by_the_rules_of_that_day(world):
    made = registered(world, facts=facts(arrived_at=AT - DAY))

    assert (made.arrived_date, made.as_of) == (date(2020, 2, 4), date(2020, 2, 4))
    assert made.observation.last_date == date(2020, 2, 15)
    assert registered(world, facts=facts(arrived_at=AT + 2 * HOUR), person=made.person) != made


# --- Asked although known -------------------------------------------------------------------------


def asked_again():
    return sorted(Asked.objects.filter(again=True).values_list("question", flat=True))


def test_who_is_looked_up_is_asked_nothing_that_is_known(world):
    person = somebody(world, phones=[], area=world.kangding)
    left = [
        row.code
        for row in queries.questions_on(TODAY)
        if row.code not in queries.known(person, TODAY, AT)
    ]
    put = {"person": person, "visit": person.public_id, "checkpoint": world.gate}
    said = {"county": world.kangding, "by": world.guard, "at": AT}

    assert actions.put(**put, **said, questions=left) == 0
    assert actions.put(**put, **said, questions=left) == 0
    assert Asked.objects.count() == len(left)
    assert queries.posts([world.gate], [TODAY])[world.gate.pk, TODAY].again == 0


def test_a_form_that_shows_what_is_known_is_counted_whoever_made_it(world):
    made = registered(world)
    put = {"person": made.person, "checkpoint": world.gate, "county": world.kangding, "by": None}

    again = actions.put(
        **put, visit=made.public_id, questions=["mobile", "symptoms", "care-needs"], at=AT + HOUR
    )
    assert again == 2
    day = actions.put(**put, visit=world.gate.public_id, questions=["symptoms"], at=AT + DAY)
    assert day == 0  # yesterday's answer stands no more
    assert asked_again() == ["mobile", "symptoms"]
    assert queries.posts([world.gate], [TODAY])[world.gate.pk, TODAY].again == 2
    assert queries.figures(world.kangding_cdc, AT + DAY).again == 2
    assert queries.figures(world.daofu_cdc, AT + DAY).again == 0


def test_who_is_known_but_entered_as_a_stranger_was_asked_what_was_known(world):
    number = {"identity-number": "110101199003074477"}
    registered(world, {**answers(), **number})
    registered(world, {**answers(), **number}, at=AT + DAY)

    assert asked_again() == [
        "came-from", "full-name", "identity-number", "left-on", "mobile", "staying-at",
    ]  # fmt: skip
    assert Person.objects.filter(name="王小山").count() == 1


def test_a_journey_of_two_days_is_asked_for_once_and_a_new_one_again(world):
    made = registered(world)
    for days, known in ((2, True), (3, False)):
        later = AT + days * DAY
        found = queries.known(made.person, clock.day_of(later), later)
        assert ("came-from" in found) is known, days
        assert "staying-at" in found
    again = actions.register(
        facts=facts({"symptoms": "no"}), person=made.person, checkpoint=world.gate,
        by=world.guard, at=AT + 2 * DAY,
    )  # fmt: skip
    assert (again.stays, again.observation) == (made.stays, made.observation)


# --- Beside a contact -----------------------------------------------------------------------------


def on_the_way():
    """What somebody is asked whose address the register lacks, and who left Wuhan today."""
    told = answers(left_on="2020-02-05")
    return {name: told[name] for name in ("staying-at", "came-from", "left-on", "symptoms")}


def test_a_contact_who_arrives_stays_in_one_observation_and_the_watchers_are_told(world):
    watch = contacts.watched(world, person=somebody(world))
    made = actions.register(
        facts=facts(on_the_way()),
        person=watch.person,
        checkpoint=world.gate,
        by=world.guard,
        at=AT + HOUR,
    )

    watch.refresh_from_db()
    assert (made.observation, watch.last_date) == (watch, date(2020, 2, 19))
    assert watch.contact_class == "close-contact"
    assert Observation.objects.count() == 1
    task = Task.objects.get(kind="surveillance.arrivals.away")
    assert task.area == world.daofu


def moved_to_kangding(world, person):
    return actions.register(
        facts=facts({"staying-at": "康定市炉城镇1号"}), person=person, checkpoint=world.gate,
        by=world.guard, at=AT + HOUR,
    )  # fmt: skip


def test_who_goes_on_to_another_county_the_same_day_is_watched_there(world):
    made = registered(world)
    before = made.observation

    made = moved_to_kangding(world, made.person)
    watch = made.observation
    before.refresh_from_db()
    assert (made.county, watch.county, watch.unit) == (
        world.kangding, world.kangding, world.other_cdc,
    )  # fmt: skip
    assert (before.ending, watch.taken_from, watch.last_date) == (
        "moved", before, date(2020, 2, 15),
    )  # fmt: skip
    assert queries.watched_by(made) == world.kangding
    assert not Task.objects.filter(kind="surveillance.arrivals.away").exists()
    actions.withdraw(arrival=made, reason="录错人", by=world.kangding_cdc, at=AT + 2 * HOUR)
    watch.refresh_from_db()
    assert watch.ending == "error"


def test_who_is_watched_in_a_third_county_and_changes_the_way_stays_with_those_who_watch(world):
    watch = contacts.watched(world, person=somebody(world))
    kept = registered(world, on_the_way(), person=watch.person, at=AT + HOUR)
    Observation.objects.filter(pk=watch.pk).update(county=world.home)  # neither one nor the other
    Task.objects.all().delete()

    moved_to_kangding(world, watch.person)
    kept.refresh_from_db()
    assert (kept.county, kept.observation, queries.watched_by(kept)) == (
        world.kangding, watch, world.home,
    )  # fmt: skip
    assert Task.objects.get(kind="surveillance.arrivals.away").area == world.home


def test_the_figures_of_a_gate_hold_all_days_that_they_name(world):
    for days in (0, 5, 9):
        registered(
            world,
            answers(mobile="", full_name=f"王{'一二三四五六七八九十'[days]}"),
            at=AT + days * DAY,
        )
    at = AT + 9 * DAY

    for user in (world.kangding_cdc, world.guard, world.daofu_cdc, world.headquarters):
        assert queries.figures(user, at, days=14).total == 3, user
    assert queries.figures(world.own_guard, at, days=14).total == 0
    assert queries.figures(world.guard, at, days=5).total == 2
    assert queries.open_to(world.guard, at).count() == 1


def test_a_contact_that_is_withdrawn_leaves_the_days_of_the_arrival(world):
    made = registered(world)
    exposure = contacts.contact(world, person=made.person)
    watch = Observation.objects.get()
    assert (watch.last_date, watch.contact_class) == (date(2020, 2, 18), "close-contact")

    screening.withdraw(exposure=exposure, reason="录错人", by=world.daofu_cdc, at=AT + HOUR)
    watch.refresh_from_db()
    assert (watch.ending, watch.last_date, watch.contact_class) == ("", date(2020, 2, 15), "")

    actions.withdraw(arrival=made, reason="录错人", by=world.daofu_cdc, at=AT + HOUR)
    watch.refresh_from_db()
    assert watch.ending == "error"
    with pytest.raises(actions.Withdrawn):
        actions.receive(arrival=made, by=world.daofu_cdc, at=AT)


def test_an_arrival_that_is_withdrawn_leaves_the_days_of_the_contact(world):
    watch = contacts.watched(world, person=somebody(world))
    made = registered(world, on_the_way(), person=watch.person, at=AT + HOUR)

    actions.withdraw(arrival=made, reason="录错人", by=world.daofu_cdc, at=AT + HOUR)

    watch.refresh_from_db()
    assert (watch.ending, watch.last_date, watch.tier) == ("", date(2020, 2, 18), "")


# --- With the county ------------------------------------------------------------------------------


def test_a_county_takes_over_or_says_who_did_not_come(world):
    made, other = registered(world), registered(world, answers(full_name="李二", mobile=""))
    assert queries.waiting_count(world.daofu_cdc, AT) == 2
    assert actions.remind(at=AT + DAY) == 1
    assert Task.objects.get(kind="surveillance.arrivals.waiting").params["count"] == 2

    actions.receive(arrival=made, by=world.daofu_cdc, at=AT)
    actions.miss(arrival=other, reason="电话不通", by=world.daofu_cdc, at=AT)

    assert queries.waiting_count(world.daofu_cdc, AT) == 0
    assert Task.objects.get(kind="surveillance.arrivals.missing").area == world.kangding
    for again in (made, other):
        with pytest.raises(actions.AlreadyDecided):
            actions.miss(arrival=again, reason="又一次", by=world.daofu_cdc, at=AT)
    assert actions.remind(at=AT + DAY) == 0


def states(kind):
    """How the tasks of a kind stand, the first in front."""
    rows = Task.objects.filter(kind=f"surveillance.arrivals.{kind}").order_by("pk")
    return [one.state for one in rows]


def test_who_did_not_come_and_is_met_again_waits_anew_and_the_tasks_end(world):
    made = registered(world)
    actions.miss(arrival=made, reason="电话不通", by=world.daofu_cdc, at=AT + HOUR)
    assert queries.open_to(world.guard, AT + 9 * DAY).get() == made  # they have a task to look
    assert not queries.open_to(world.own_guard, AT).exists()

    def met(at, **changes):
        said = {"facts": facts({}, **changes), "person": made.person, "checkpoint": world.own_gate}
        return actions.register(**said, by=world.own_guard, at=at)

    late = met(AT + 2 * HOUR, arrived_at=AT)  # a form of before that comes late
    assert (late.state, states("found")) == ("missing", [])
    again = met(AT + 3 * HOUR)
    assert (again.state, again.reason) == ("waiting", "")
    assert states("missing") == ["done"]
    found = Task.objects.get(kind="surveillance.arrivals.found")
    assert (found.area, found.state) == (world.daofu, "open")
    assert queries.waiting_count(world.daofu_cdc, AT) == 1

    actions.receive(arrival=again, by=world.daofu_cdc, at=AT + 4 * HOUR)
    found.refresh_from_db()
    assert found.state == "done"
    other = registered(world, facts=facts(answers(full_name="李二", mobile="", symptoms="yes")))
    actions.miss(arrival=other, reason="电话不通", by=world.daofu_cdc, at=AT)
    actions.withdraw(arrival=other, reason="录错人", by=world.daofu_cdc, at=AT)
    assert states("symptoms")[-1] == states("missing")[-1] == "cancelled"


def test_each_morning_one_task_holds_all_who_still_wait(world):
    registered(world)
    registered(world, answers(full_name="李二", mobile=""), at=AT + DAY)
    for days in (1, 2, 3):
        assert actions.remind(at=AT + days * DAY) == 1

    rows = Task.objects.filter(kind="surveillance.arrivals.waiting").order_by("pk")
    assert [(one.params["count"], one.state) for one in rows] == [
        (1, "cancelled"), (2, "cancelled"), (2, "open"),
    ]  # fmt: skip


def test_the_ill_stay_ill_in_whatever_order_the_forms_come_and_each_gate_is_told_once(world):
    def met(gate, temperature=None, **said):
        told = facts(said, temperature=temperature)
        return actions.register(
            facts=told, person=made.person, checkpoint=gate, by=world.guard, at=AT + HOUR
        )

    made = registered(world)
    for _again in range(2):
        made = met(world.gate, temperature=385, symptoms="yes")
    made = met(world.gate, temperature=366, symptoms="no")
    assert (made.has_symptoms, made.temperature) == (True, 385)
    assert Task.objects.filter(kind="surveillance.arrivals.symptoms").count() == 1
    met(world.own_gate, symptoms="no")
    assert Task.objects.filter(kind="surveillance.arrivals.symptoms").count() == 1
    met(world.own_gate, symptoms="yes")
    assert Task.objects.filter(kind="surveillance.arrivals.symptoms").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_gates_at_once_make_one_arrival(settings):
    settings.FANGKONG_AREA = "513300"
    world = World()
    person = somebody(world, address_detail="团结社区2号")
    said = {name: text for name, text in on_the_way().items() if name != "staying-at"}
    given = {"facts": facts(said), "person": person, "by": world.guard, "at": AT}
    gates = (world.gate, world.own_gate)
    problems = together(2, lambda n: once(f"k{n}", actions.register, **given, checkpoint=gates[n]))
    assert problems == []
    assert (Arrival.objects.count(), Passage.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
def test_a_strangers_form_sent_twice_at_once_makes_one_person(settings):
    settings.FANGKONG_AREA = "513300"
    world = World()
    given = {"facts": facts(visit=uuid4()), "checkpoint": world.gate}
    before = Person.objects.count()
    problems = together(
        2, lambda n: once(f"k{n}", actions.register, **given, by=world.guard, at=AT)
    )
    assert problems == []
    assert (Person.objects.count() - before, Arrival.objects.count()) == (1, 1)


def test_the_ill_are_seen_to_where_they_stand(world):
    registered(world, facts=facts(answers(symptoms="yes")))
    registered(world, facts=facts(answers(full_name="李二", mobile=""), temperature=378))
    registered(world, facts=facts(answers(full_name="张三", mobile=""), temperature=366))

    found = Task.objects.filter(kind="surveillance.arrivals.symptoms")
    assert [task.area for task in found] == [world.kangding] * 2


def test_fever_at_a_second_checkpoint_is_told_to_its_county_and_names_it(world):
    person = registered(world).person
    hot = {"facts": facts({}, temperature=385), "person": person, "by": world.own_guard}
    actions.register(**hot, checkpoint=world.own_gate, at=AT + HOUR)

    task = Task.objects.get(kind="surveillance.arrivals.symptoms")
    assert (task.area, task.params["checkpoint"]["zh"]) == (world.daofu, "道孚检查点")
    actions.register(**hot, county=world.kangding, at=AT + 2 * HOUR)
    task = Task.objects.filter(kind="surveillance.arrivals.symptoms").latest("pk")
    assert (task.area, task.params["checkpoint"]["zh"]) == (world.kangding, "康定市")


# --- Who sees what --------------------------------------------------------------------------------


def test_each_sees_the_arrivals_of_their_places_and_a_gate_its_own_for_some_days(world):
    made = registered(world)
    who = (
        world.daofu_cdc, world.kangding_cdc, world.guard, world.own_guard, world.doctor,
        world.headquarters, world.inspector, world.stranger,
    )  # fmt: skip

    def seen(at):
        return [queries.open_to(one, at).filter(pk=made.pk).exists() for one in who]

    assert seen(AT) == [True, True, True, False, True, True, True, False]
    assert seen(AT + 4 * DAY) == [True, False, False, False, True, True, True, False]
    may = [queries.open_to_receive(one, AT).exists() for one in who]
    assert may == [True, False, False, False, False, True, False, False]


def test_a_number_finds_anybody_a_name_only_ones_own(world):
    person = somebody(world)
    number = person.documents.get().full_number

    assert queries.find(world.guard, AT, number) == [person]
    assert queries.find(world.guard, AT, person.name) == []
    assert queries.find(world.guard, AT, number[:17]) == []
    assert queries.find(world.daofu_cdc, AT, person.name) == [person]
    assert queries.find(world.kangding_cdc, AT, person.name) == []
    Person.objects.filter(pk=person.pk).update(restricted_at=AT)
    assert queries.find(world.guard, AT, number) == []


def test_a_word_of_the_look_up_is_good_for_its_user_alone_and_for_half_an_hour(world, monkeypatch):
    person = somebody(world)
    word = queries.handle_for(person, person.public_id, world.guard)

    assert queries.by_handle(word, world.guard) == (person, person.public_id)
    assert queries.by_handle(word, world.own_guard) is None
    assert queries.by_handle(word[:-1], world.guard) is None
    assert queries.by_handle("", world.guard) is None
    monkeypatch.setattr(queries, "HANDLE_HOLDS", -1)
    assert queries.by_handle(word, world.guard) is None


def test_a_closed_checkpoint_takes_nobody_and_its_place_may_hold_another(world):
    actions.close(checkpoint=world.gate, by=world.kangding_cdc, at=AT)
    with pytest.raises(actions.Closed):
        registered(world)
    again = actions.set_up(
        facility=world.gate.facility, facts=CheckpointFacts(), by=world.kangding_cdc, at=AT
    )
    with pytest.raises(actions.AlreadyThere):
        actions.set_up(facility=world.gate.facility, facts=CheckpointFacts(), by=None, at=AT)
    with pytest.raises(actions.WrongField):
        actions.set_up(facility=world.centre, facts=CheckpointFacts(), by=None, at=AT)
    for wrong in (CheckpointFacts(duties=("sleep",)), CheckpointFacts(opens=9, closes=8)):
        with pytest.raises(actions.WrongField):
            actions.change_checkpoint(checkpoint=again, facts=wrong, by=None, at=AT)
