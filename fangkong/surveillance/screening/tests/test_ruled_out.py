"""A case is ruled out: nobody is kept for it, and a contact who became it is watched again."""

from __future__ import annotations

from datetime import date

import pytest

from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening import actions, jobs, queries
from fangkong.surveillance.screening.models import Observation
from fangkong.tasks.models import Task

from .factories import AT, DAY, HOUR, TODAY, contact, facts, ill, somebody, watched

pytestmark = pytest.mark.both_databases
TOLD = "surveillance.screening.card"


def revised(world, case=None, at=AT + HOUR, **changes):
    case = case or world.case
    said = cases.facts(**{"case_class": "discarded", **changes})
    monitoring.revise(case=case, facts=said, reason="复核结果更正", by=world.clinician, at=at)
    case.refresh_from_db()
    return case


def anew(world, case=None, at=AT + 2 * HOUR):
    return actions.judge_anew(case=case or world.case, by=world.daofu_cdc, at=at)


def ended(watch) -> tuple[str, date | None]:
    watch.refresh_from_db()
    return watch.ending, watch.ended_date


def test_whoever_is_watched_because_of_a_case_that_was_ruled_out_is_released_at_once(world):
    alone, by_hand = watched(world), contact(world, 2).observation
    jobs.onsets(AT + HOUR)
    assert not Task.objects.filter(kind=TOLD).exists()
    revised(world)

    jobs.onsets(AT + HOUR)
    jobs.onsets(AT + HOUR)

    task = Task.objects.get(kind=TOLD)
    assert (task.area, task.params["count"]) == (world.daofu, 2)
    assert task.due_at == AT + 3 * HOUR
    assert ended(alone) == ("", None)  # nothing happens by itself
    anew(world)
    assert ended(alone) == ended(by_hand) == ("ruled_out", TODAY)
    task.refresh_from_db()
    assert task.state == "done"
    with pytest.raises(actions.NothingChanged):
        anew(world)
    # They were watched until that day: the figure of the day before does not change.
    codes, counties = ["covid-19"], [world.daofu.pk]
    assert queries.watched_at(codes, counties, TODAY) == 0


def test_who_was_with_another_case_too_is_watched_for_that_one_alone(world):
    other = cases.case(world, 3, onset_date=date(2020, 1, 30))
    person = somebody(world)
    days = {"first_date": date(2020, 1, 30), "last_date": date(2020, 1, 31)}
    contact(world, person=person, case=other, facts=facts(**days))
    watch = watched(world, person=person)
    assert watch.last_date == date(2020, 2, 18)
    revised(world)

    anew(world)

    assert ended(watch) == ("", None)
    assert watch.last_date == date(2020, 2, 14)
    assert not queries.otherwise(world.case, TODAY)


def test_a_case_that_stands_again_has_its_contacts_watched_for_the_days_that_are_left(world):
    watch = watched(world)
    revised(world)
    anew(world)
    revised(world, at=AT + DAY, case_class="confirmed")
    jobs.onsets(AT + DAY + HOUR)
    assert Task.objects.get(kind=TOLD, state="open").params["count"] == 1

    anew(world, at=AT + DAY + HOUR)

    again = Observation.objects.get(person_id=watch.person_id, ending="")
    assert (again.first_date, again.last_date) == (TODAY + DAY, date(2020, 2, 18))
    assert not queries.otherwise(world.case, TODAY + DAY)


def test_a_contact_whose_own_case_was_ruled_out_is_watched_again_while_days_are_left(world):
    watch = watched(world)
    own = ill(world, watch)
    jobs.convert(AT + 2 * DAY)
    assert ended(watch) == ("case", TODAY + 2 * DAY)
    revised(world, own, AT + 3 * DAY, onset_date=TODAY + DAY, diagnosed_at=AT + 2 * DAY)
    jobs.onsets(AT + 3 * DAY)
    assert Task.objects.get(kind=TOLD).params["number"] == own.number

    anew(world, own, AT + 3 * DAY)

    again = Observation.objects.get(person_id=watch.person_id, ending="")
    assert (again.first_date, again.last_date) == (TODAY + 3 * DAY, date(2020, 2, 18))
    assert not queries.otherwise(own, TODAY + 3 * DAY)
    assert not queries.otherwise(own, date(2020, 2, 19))  # and nobody once the term is over


def test_a_judgement_of_one_contact_keeps_nobody_for_a_case_that_was_ruled_out(world):
    made = contact(world)
    revised(world)

    said = {"contact_class": "", "reason": "未同室", "by": world.daofu_cdc}
    actions.judge(exposure=made, **said, at=AT + HOUR)
    assert ended(made.observation)[0] == "error"
    said["contact_class"] = "close-contact"
    actions.judge(exposure=made, **said, at=AT + HOUR)

    assert not Observation.objects.filter(ending="").exists()
