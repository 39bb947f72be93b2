"""From a contact to an observation, its visits and its end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fangkong.accounts.tests.factories import staff
from fangkong.core.audit.models import AuditLine
from fangkong.core.commands.actions import once
from fangkong.core.free_text import NumberInText
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.people.types import Registration
from fangkong.places.tests.factories import facility
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring import types as monitoring_types
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening import actions, jobs, queries
from fangkong.surveillance.screening.models import Exposure, Observation, Visit
from fangkong.surveillance.screening.types import VisitFacts
from fangkong.surveillance.testing.tests import factories as specimens
from fangkong.tasks.models import Task

from .factories import AT, DAY, HOUR, TODAY, contact, facts, ill, somebody, visited, watched

pytestmark = pytest.mark.both_databases
LATER = date(2020, 2, 25)  # the fifth plan: from two days before the onset


def at_hour(day: date, hour: int = 10):
    return AT + (day - TODAY) + timedelta(hours=hour - 10)


# --- Contacts ---


def test_a_contact_is_judged_at_once_by_the_rules_of_the_day_and_watched(world):
    made = contact(world)

    assert (made.judged_class, made.contact_class, made.pack, made.clause) == (
        "close-contact",
        "close-contact",
        "cn-2020-01",
        "contact-v3",
    )
    assert (made.window_first, made.window_last, made.counted_date) == (
        date(2020, 2, 1),
        None,
        date(2020, 2, 4),
    )
    watch = Observation.objects.get()
    assert (watch.first_date, watch.last_date) == (TODAY, date(2020, 2, 18))
    assert (watch.phases[0]["place"], watch.visits_a_day, watch.central_first) == ("home", 2, None)
    assert (watch.unit, watch.county) == (world.centre, world.daofu)
    told = set(AuditLine.objects.values_list("action", flat=True))
    assert {"surveillance.screening.expose", "surveillance.screening.open"} <= told


def test_days_before_the_window_make_no_contact_and_nobody_is_watched(world):
    made = contact(world, facts=facts(first_date=date(2020, 1, 20), last_date=date(2020, 1, 31)))

    assert (made.contact_class, made.observation_id, made.clause) == ("", None, "contact-v3")
    assert made.window_first == date(2020, 2, 1)
    assert not Observation.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_date": TODAY + DAY, "last_date": TODAY + DAY}, "first_date"),
        ({"first_date": TODAY, "last_date": TODAY - DAY}, "last_date"),
        ({"kind": "same-room"}, "kind"),  # of a later plan
        ({"setting": "moon"}, "setting"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(world, changes, field):
    with pytest.raises(actions.NotAcceptable) as told:
        contact(world, facts=facts(**changes))

    assert field in dict(told.value.faults)
    assert not Exposure.objects.exists()


def test_nobody_is_their_own_contact(world):
    with pytest.raises(actions.Themselves):
        contact(world, person=world.case.person)


def test_a_number_of_a_person_in_the_place_is_refused(world):
    with pytest.raises(NumberInText):
        contact(world, facts=facts(place="住13800138000家"))


def test_the_same_days_twice_are_refused_and_other_days_are_not(world):
    person = somebody(world)
    contact(world, person=person)

    with pytest.raises(actions.AlreadyEntered):
        contact(world, person=person, facts=facts(first_date=date(2020, 2, 4), last_date=TODAY))

    contact(world, person=person, facts=facts(first_date=TODAY, last_date=TODAY))
    contact(world, person=person, facts=facts(kind="same-ward"))
    assert Exposure.objects.count() == 3
    assert Observation.objects.count() == 1


def test_the_same_key_enters_one_contact(world):
    said = {"case": world.case, "facts": facts(), "person": somebody(world)}
    for _ in range(2):
        once("k1", actions.expose, **said, by=world.daofu_cdc, at=AT)

    assert Exposure.objects.count() == 1


def test_who_is_not_known_is_registered_with_the_contact_or_not_at_all(world):
    stated = Registration(name="洛桑", area=world.town)

    with pytest.raises(actions.NotAcceptable):
        contact(world, stated=stated, facts=facts(kind="no-such"))
    made = contact(world, stated=stated)

    assert made.person.name == "洛桑"
    assert made.person.county == world.daofu


def test_a_discarded_case_has_no_contacts_and_a_dead_one_none_after_the_death(world):
    dead = cases.case(world, 2, died_on=date(2020, 2, 3), severity="critical")
    with pytest.raises(actions.WrongField, match="2020-02-03"):
        contact(world, case=dead, facts=facts(first_date=date(2020, 2, 4)))
    contact(world, case=dead)

    said = cases.facts(case_class="discarded")
    monitoring.revise(case=world.case, facts=said, reason="误报", by=world.clinician, at=AT + HOUR)
    world.case.refresh_from_db()
    with pytest.raises(actions.CaseDiscarded):
        contact(world, 3, at=AT + HOUR)


def test_since_nobody_is_judged_a_contact_the_refusal_names_the_clause(world):
    with pytest.raises(actions.NoRules, match=r"nobody is judged|不再判定接触者"):
        contact(world, at=at_hour(date(2023, 2, 1)))


def test_a_contact_who_lives_in_another_county_is_watched_there(world):
    made = contact(world, person=somebody(world, area=world.kangding))

    assert (made.county, made.case_county) == (world.kangding, world.daofu)
    assert Observation.objects.get().unit == world.other_cdc


def test_without_a_health_centre_the_county_visits(world):
    assert watched(world, person=somebody(world, area=world.daofu)).unit == world.cdc


def test_a_later_exposure_lengthens_the_one_observation_and_never_shortens_it(world):
    person = somebody(world)
    watch = watched(world, person=person)
    other = cases.case(world, 2)

    contact(world, person=person, case=other, facts=facts(last_date=date(2020, 2, 2)))
    watch.refresh_from_db()
    assert watch.last_date == date(2020, 2, 18)

    contact(world, person=person, case=other, facts=facts(first_date=TODAY, last_date=TODAY))
    watch.refresh_from_db()
    assert (watch.first_date, watch.last_date, watch.since) == (TODAY, date(2020, 2, 19), TODAY)
    assert set(Exposure.objects.values_list("observation_id", flat=True)) == {watch.pk}


def test_who_is_found_after_the_term_is_entered_and_not_watched(world):
    made = contact(world, at=at_hour(LATER), facts=facts(kind="same-room"))

    assert made.contact_class == "close-contact"
    assert made.observation_id is None


def test_a_contact_of_a_contact_is_judged_by_its_own_rule(world):
    day = date(2021, 11, 3)
    case = cases.case(
        world,
        2,
        at=at_hour(day),
        onset_date=day - 2 * DAY,
        diagnosed_at=at_hour(day, 8),
    )
    between = contact(
        world,
        1,
        case=case,
        at=at_hour(day),
        facts=facts(kind="same-room", first_date=day - 3 * DAY, last_date=day - DAY),
    )
    kind = queries.kinds("covid-19", day, "contact")[0].code
    said = facts(kind=kind, first_date=day - DAY, last_date=day)

    second = contact(world, 2, case=case, through=between, at=at_hour(day), facts=said)

    assert second.contact_class == "contact-of-contact"
    with pytest.raises(actions.Themselves):
        contact(
            world, case=case, through=between, person=between.person, at=at_hour(day), facts=said
        )
    with pytest.raises(actions.WrongField):  # not two in between
        contact(world, 3, case=case, through=second, at=at_hour(day), facts=said)


def test_who_judges_otherwise_says_why_and_the_term_follows(world):
    made = contact(world, facts=facts(first_date=date(2020, 1, 20), last_date=date(2020, 1, 31)))

    with pytest.raises(actions.ReasonMissing):
        actions.judge(
            exposure=made, contact_class="close-contact", reason="", by=world.daofu_cdc, at=AT
        )
    with pytest.raises(actions.NothingChanged):
        actions.judge(exposure=made, contact_class="", reason="流调", by=world.daofu_cdc, at=AT)
    actions.judge(
        exposure=made,
        contact_class="close-contact",
        reason="发病日有误",
        by=world.daofu_cdc,
        at=AT,
    )

    made.refresh_from_db()
    assert (made.judged_class, made.contact_class) == ("", "close-contact")
    assert Observation.objects.get().last_date == date(2020, 2, 14)


def test_a_withdrawn_contact_ends_what_rested_on_it_alone(world):
    person = somebody(world)
    first = contact(world, person=person)
    more = contact(world, person=person, facts=facts(first_date=TODAY, last_date=TODAY))
    watch = Observation.objects.get()

    actions.withdraw(exposure=more, reason="录错人", by=world.daofu_cdc, at=AT)
    watch.refresh_from_db()
    assert (watch.last_date, watch.ending) == (date(2020, 2, 18), "")

    actions.withdraw(exposure=first, reason="录错人", by=world.daofu_cdc, at=AT)
    watch.refresh_from_db()
    assert (watch.ending, watch.ended_date, watch.reason) == ("error", TODAY, "录错人")
    with pytest.raises(actions.Withdrawn):
        actions.withdraw(exposure=first, reason="录错人", by=world.daofu_cdc, at=AT)
    contact(world, person=person)  # the days may be entered anew
    assert Observation.objects.filter(ending="").count() == 1


# --- Visits ---


def test_a_visit_is_one_of_its_half_day_and_a_second_one_is_told_of_the_first(world):
    watch = watched(world)
    visited(watch, world, temperature=366)

    with pytest.raises(actions.AlreadyVisited):
        visited(watch, world, at=AT + HOUR)
    visited(watch, world, at=AT + 4 * HOUR)

    assert list(Visit.objects.order_by("pk").values_list("part", "met", "temperature")) == [
        ("morning", "well", 366),
        ("afternoon", "well", None),
    ]
    assert not Task.objects.exists()


def test_a_late_visit_counts_on_its_day_and_one_outside_the_days_is_refused(world):
    watch = watched(world)

    visit = visited(watch, world, at=AT + 2 * DAY, done_at=AT + DAY)
    assert visit.day == TODAY + DAY
    assert AuditLine.objects.filter(action="surveillance.screening.visit").get().detail["late"]
    for when in (AT - DAY, AT + 5 * DAY):
        with pytest.raises(actions.NotAcceptable):
            visited(watch, world, at=AT + 2 * DAY, done_at=when)
    with pytest.raises(actions.NotAcceptable):
        visited(watch, world, at=AT + 30 * DAY)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"symptoms": ("cough",)}, "symptoms"),
        ({"temperature": 385}, "symptoms"),
        ({"found": False}, "not_found"),
    ],
)
def test_the_county_is_told_of_symptoms_and_of_who_was_not_found(world, said, kind):
    visited(watched(world), world, **said)

    task = Task.objects.get()
    assert task.kind == f"surveillance.screening.{kind}"
    assert (task.area, task.owner_role) == (world.daofu, "county_cdc")


def test_a_corrected_visit_stays_in_its_half_day_and_says_something_new(world):
    visit = visited(watched(world), world, temperature=366)
    said = {"visit": visit, "by": world.doctor, "at": AT + HOUR}

    with pytest.raises(actions.NothingChanged):
        actions.correct_visit(facts=VisitFacts(temperature=366), **said)
    with pytest.raises(actions.WrongField):
        actions.correct_visit(
            facts=VisitFacts(done_at=AT + 4 * HOUR), **{**said, "at": AT + 5 * HOUR}
        )
    actions.correct_visit(facts=VisitFacts(temperature=386, symptoms=("cough",)), **said)

    visit.refresh_from_db()
    assert (visit.met, visit.temperature, visit.symptoms) == ("ill", 386, ["cough"])
    assert Task.objects.count() == 1


def test_a_household_is_visited_in_one_go_and_who_cannot_be_is_told(world):
    first, second, third = (watched(world, n) for n in range(3))
    visited(first, world)
    said = {"by": world.doctor, "at": AT}

    told = actions.visit_many(observations=[first, second, third], **said)

    assert told["entered"] == 2
    assert [one["id"] for one in told["refused"]] == [str(first.public_id)]
    for wrong in ([], [first] * 201):
        with pytest.raises(actions.WrongField):
            actions.visit_many(observations=wrong, **said)


# --- The onset was revised ---


def revised(world, onset, at=AT + HOUR):
    said = cases.facts(onset_date=onset)
    monitoring.revise(case=world.case, facts=said, reason="更正发病日期", by=world.clinician, at=at)
    world.case.refresh_from_db()


def early(world, n=2):
    days = {"first_date": date(2020, 1, 20), "last_date": date(2020, 1, 31)}
    return contact(world, n, facts=facts(**days))


def test_an_earlier_onset_makes_contacts_that_were_none_and_the_county_reads_it_once(world):
    none, close = early(world), contact(world, 1)
    jobs.onsets(AT + HOUR)
    assert not Task.objects.filter(kind="surveillance.screening.onset").exists()
    revised(world, date(2020, 1, 28))

    jobs.onsets(AT + 2 * HOUR)
    jobs.onsets(AT + 2 * HOUR)

    task = Task.objects.get(kind="surveillance.screening.onset")
    assert (task.area, task.params["count"]) == (world.daofu, 2)  # the window of both moved
    actions.judge_anew(case=world.case, by=world.daofu_cdc, at=AT + 3 * HOUR)

    none.refresh_from_db()
    close.refresh_from_db()
    assert (none.contact_class, none.window_first) == ("close-contact", date(2020, 1, 28))
    assert none.observation.last_date == date(2020, 2, 14)
    assert (close.contact_class, close.observation.last_date) == (
        "close-contact",
        date(2020, 2, 18),
    )
    task.refresh_from_db()
    assert task.state == "done"
    with pytest.raises(actions.NothingChanged):
        actions.judge_anew(case=world.case, by=world.daofu_cdc, at=AT + 3 * HOUR)


def test_a_later_onset_ends_what_rested_on_it_and_leaves_what_was_judged_by_hand(world):
    watch, by_hand = watched(world), contact(world, 2)
    actions.judge(exposure=by_hand, contact_class="", reason="未同室", by=world.daofu_cdc, at=AT)
    revised(world, TODAY)

    actions.judge_anew(case=world.case, by=world.daofu_cdc, at=AT + 2 * HOUR)

    watch.refresh_from_db()
    by_hand.refresh_from_db()
    assert watch.ending == "error"
    assert (by_hand.judged_class, by_hand.contact_class) == ("", "")
    actions_told = AuditLine.objects.filter(action="surveillance.screening.judge_anew")
    assert actions_told.count() == 2


# --- Ends ---


def test_nobody_is_released_before_the_term_and_later_only_with_the_last_day_or_a_reason(world):
    watch = watched(world)
    last = at_hour(watch.last_date)

    for when in (AT, last):
        with pytest.raises(actions.NotOver):
            actions.release(observation=watch, by=world.daofu_cdc, at=when)
    with pytest.raises(actions.ReasonMissing):
        actions.release(observation=watch, by=world.daofu_cdc, at=last + DAY)
    visited(watch, world, at=last)
    done = actions.release(observation=watch, by=world.daofu_cdc, at=last)

    assert (done.ending, done.ended_date) == ("term", watch.last_date)
    for late in (
        lambda: actions.release(observation=watch, by=world.daofu_cdc, at=last),
        lambda: visited(watch, world, at=last + 4 * HOUR),
        lambda: actions.assign(observation=watch, unit=world.cdc, by=world.daofu_cdc, at=last),
    ):
        with pytest.raises(actions.Ended, match="2020-02-18"):
            late()


def test_an_end_before_the_term_is_death_or_error_with_a_reason(world):
    watch = watched(world)
    said = {"observation": watch, "by": world.daofu_cdc, "at": AT}

    for ending, reason in (("term", "到期"), ("case", "确诊"), ("death", ""), ("", "录错")):
        with pytest.raises(actions.WrongField):
            actions.end(ending=ending, reason=reason, **said)
    assert actions.end(ending="death", reason="车祸", **said).ending == "death"


def test_another_county_takes_over_to_the_same_last_day(world):
    watch = watched(world)
    said = {"observation": watch, "reason": "返回康定", "by": world.daofu_cdc}

    for wrong in (world.daofu, world.home):
        with pytest.raises(actions.NoSuchPlace):
            actions.hand_over(county=wrong, **said, at=AT + DAY)
    there = actions.hand_over(county=world.kangding, **said, at=AT + DAY)

    watch.refresh_from_db()
    assert (watch.ending, there.taken_from) == ("moved", watch)
    assert (there.first_date, there.last_date) == (TODAY + DAY, watch.last_date)
    assert (there.county, there.unit) == (world.kangding, world.other_cdc)
    assert Exposure.objects.get().county == world.kangding
    with pytest.raises(actions.Ended):
        actions.hand_over(county=world.kangding, **said, at=AT + DAY)


def test_whoever_was_ill_at_the_last_visit_is_released_only_with_a_reason(world):
    watch = watched(world)
    last = at_hour(watch.last_date)
    visited(watch, world, at=last, symptoms=("cough",))
    visited(watch, world, at=last + 4 * HOUR, found=False)

    with pytest.raises(actions.ReasonMissing, match=r"症状|symptoms"):
        actions.release(observation=watch, by=world.daofu_cdc, at=last + DAY)
    done = actions.release(
        observation=watch, reason="核酸两次阴性", by=world.daofu_cdc, at=last + DAY
    )

    assert (done.ending, done.reason) == ("term", "核酸两次阴性")


def test_whoever_is_well_again_at_the_last_visit_needs_no_reason(world):
    watch = watched(world)
    last = at_hour(watch.last_date)
    visited(watch, world, at=last, symptoms=("cough",))
    visited(watch, world, at=last + 4 * HOUR)

    done = actions.release(observation=watch, by=world.daofu_cdc, at=last + 5 * HOUR)

    assert done.ending == "term"


def test_an_overdue_observation_is_released_and_not_handed_over(world):
    watch = watched(world)
    with pytest.raises(actions.Refused, match="2020-02-18"):
        actions.hand_over(
            observation=watch,
            county=world.kangding,
            reason="返回康定",
            by=world.daofu_cdc,
            at=AT + 30 * DAY,
        )


def test_a_unit_of_the_same_county_may_be_named(world):
    watch = watched(world)
    said = {"observation": watch, "by": world.daofu_cdc, "at": AT}

    with pytest.raises(actions.NothingChanged):
        actions.assign(unit=world.centre, **said)
    for wrong in (world.other_cdc, world.hospital):
        with pytest.raises(actions.NoSuchPlace):
            actions.assign(unit=wrong, **said)
    assert actions.assign(unit=world.cdc, **said).unit == world.cdc


# --- Conversion and alarms ---


def test_who_becomes_a_case_is_watched_no_more_with_the_card_and_stays_in_the_chain(world):
    watch, other = watched(world, 1), watched(world, 2)
    case = ill(world, watch)

    watch.refresh_from_db()
    other.refresh_from_db()
    assert (watch.ending, watch.case, other.ending) == ("case", case, "")
    jobs.convert(AT + 2 * DAY)  # the round of each minute finds nothing more to do
    (line,) = AuditLine.objects.filter(action="surveillance.screening.convert")
    assert line.by is None
    with pytest.raises(actions.Ended):
        actions.convert(observation=watch, case=case, by=None, at=AT + 2 * DAY)
    found = queries.joined(world.case, world.daofu_cdc, AT + 2 * DAY)
    assert [(link.source, link.target) for link in found.links] == [(world.case.pk, case.pk)]
    assert found.contacts == {world.case.pk: 2}


def test_a_suspected_case_is_watched_on_until_it_is_decided(world):
    watch = watched(world)
    case = ill(world, watch, case_class="suspected", severity="")
    watch.refresh_from_db()
    assert watch.is_open and queries.to_convert(TODAY + 2 * DAY) == []

    said = cases.facts(onset_date=TODAY + DAY, diagnosed_at=AT + 2 * DAY)
    monitoring.revise(case=case, facts=said, reason="核酸", by=world.clinician, at=AT + 3 * DAY)
    watch.refresh_from_db()
    assert (watch.ending, watch.case, watch.ended_date) == ("case", case, TODAY + 3 * DAY)


def test_a_positive_result_of_a_watched_person_ends_the_observation_in_the_same_moment(world):
    watch = watched(world)
    case = ill(world, watch, case_class="suspected", severity="")
    world.bench = facility(world.kangding, "甘孜州疾控中心检验所", kind="laboratory")
    world.technician, world.person = staff(Role.LABORATORY, facility=world.bench), case.person
    result = specimens.reported(world, "positive", at=AT + 3 * DAY)

    case.refresh_from_db()
    watch.refresh_from_db()
    assert (result.outcome, case.case_class) == ("positive", "confirmed")
    assert (watch.ending, watch.case) == ("case", case)


def test_an_older_illness_and_a_card_that_is_refused_end_no_observation(world):
    watch = watched(world)
    with pytest.raises(monitoring.NotAcceptable):
        ill(world, watch, onset_date=TODAY + 20 * DAY)
    watch.refresh_from_db()
    assert watch.is_open
    before = ill(world, watch, onset_date=TODAY - 10 * DAY, diagnosed_at=AT - 9 * DAY)
    watch.refresh_from_db()
    assert (watch.ending, before.person) == ("", watch.person)


def test_a_case_of_a_file_is_found_within_a_minute(world, monkeypatch):
    watch = watched(world)
    monkeypatch.setattr(monitoring_types, "_case_listeners", [])  # files tell nobody
    case = ill(world, watch)
    assert queries.to_convert(TODAY + 2 * DAY) == [(watch, case)]
    jobs.convert(AT + 2 * DAY)
    watch.refresh_from_db()
    assert watch.case == case


def test_a_revision_is_looked_at_by_the_queue_at_once_where_the_case_has_contacts(world):
    alone = cases.case(world, 8)
    said = cases.facts(severity="severe")
    monitoring.revise(case=alone, facts=said, reason="病情", by=world.clinician, at=AT + HOUR)
    assert not Job.objects.filter(name="surveillance.screening.revised").exists()

    watched(world)
    moved = cases.facts(onset_date=TODAY, diagnosed_at=AT - HOUR)
    monitoring.revise(case=world.case, facts=moved, reason="问清", by=world.clinician, at=AT + HOUR)
    job = Job.objects.get(name="surveillance.screening.revised")
    assert job.subject_id == world.case.pk
    jobs.revised(job.subject_id, AT + HOUR, lambda done, total: None)
    jobs.onsets(AT + HOUR)  # and is told once
    assert Task.objects.filter(kind="surveillance.screening.onset").count() == 1


def test_who_is_a_case_already_is_entered_for_the_chain_and_not_watched(world):
    case = cases.case(world, 2)

    made = contact(world, person=case.person, facts=facts(last_date=date(2020, 2, 1)))

    assert made.contact_class == "close-contact"
    assert not Observation.objects.exists()


def test_the_unit_is_told_of_yesterday_and_the_county_of_what_nobody_made_up_for(world):
    first, second = watched(world, 1), watched(world, 2)
    visited(first, world)

    assert actions.alarm(at=AT + DAY) == 1
    task = Task.objects.get()
    assert (task.kind, task.facility, task.owner_role) == (
        "surveillance.screening.missed",
        world.centre,
        "hospital",
    )
    assert task.params == {"day": "2020-02-05", "count": 1}

    visited(first, world, at=AT + DAY)
    actions.alarm(at=AT + 2 * DAY)
    left = Task.objects.get(kind="surveillance.screening.left")
    assert (left.area, left.owner_role, left.params["count"]) == (world.daofu, "county_cdc", 1)
    visited(second, world, at=AT + 2 * DAY)
    visited(first, world, at=AT + 2 * DAY)
    assert actions.alarm(at=AT + 3 * DAY) == 0
