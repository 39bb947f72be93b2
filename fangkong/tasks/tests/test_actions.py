from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils.translation import override

from fangkong.core.audit import actions as trail
from fangkong.core.audit import queries as audit
from fangkong.core.roles import Role
from fangkong.tasks import actions, queries, types
from fangkong.tasks.models import Task

from .factories import AT, assigned, staff

HOUR = timedelta(hours=1)
VERIFY = types.declare_kind("tests.verify", "Verify the signal: %(condition)s in %(area)s")


def verbs(task):
    return [line.action for line in audit.history_of(task)]


def test_the_title_of_a_task_speaks_the_language_of_the_page(daofu):
    params = {
        "condition": types.words("新冠肺炎", "COVID-19"),
        "area": types.words("道孚", "Daofu"),
    }
    task = assigned(daofu, kind=VERIFY.code, params=params)
    with override("en"):
        assert task.title == "Verify the signal: COVID-19 in Daofu"
    with override("zh-hans"):
        assert task.title == "Verify the signal: 新冠肺炎 in 道孚"


def test_a_title_with_a_value_missing_shows_a_dash_and_is_no_error(daofu):
    assert assigned(daofu, kind=VERIFY.code, params={}).title == "Verify the signal: — in —"


def test_a_kind_that_no_room_declared_is_refused(daofu):
    with pytest.raises(actions.UnknownKind):
        assigned(daofu, kind="kitchen.soup.cook")


def test_a_task_is_due_within_a_year(daofu):
    assert assigned(daofu, due_at=AT + timedelta(days=366)).unfinished
    with pytest.raises(actions.DueTooLate):
        assigned(daofu, due_at=AT + timedelta(days=367))


def test_a_task_is_not_moved_beyond_a_year_either(daofu, headquarters):
    task = assigned(daofu)
    with pytest.raises(actions.DueTooLate):
        actions.reassign(
            task=task,
            area=daofu,
            role=Role.COUNTY_CDC,
            reason="More time",
            due_at=AT + timedelta(days=367),
            by=headquarters,
            at=AT,
        )


def test_a_task_cannot_be_due_before_it_is_given(daofu):
    with pytest.raises(actions.DueInThePast):
        assigned(daofu, due_at=AT)


def test_the_owner_accepts_and_finishes_with_proof(daofu, daofu_cdc):
    task = actions.accept(task=assigned(daofu), by=daofu_cdc, at=AT + HOUR)
    assert (task.state, task.owner) == ("accepted", daofu_cdc)

    task = actions.finish(task=task, proof=" 已到现场核实 ", by=daofu_cdc, at=AT + HOUR)

    assert (task.state, task.proof, task.done_by) == ("done", "已到现场核实", daofu_cdc)
    assert task.due_state(AT + 9 * HOUR) == "ok"
    assert verbs(task) == ["tasks.finish", "tasks.accept", "tasks.assign"]


def test_a_task_is_not_done_without_proof(daofu, daofu_cdc):
    with pytest.raises(actions.ProofMissing):
        actions.finish(task=assigned(daofu), proof="ok", by=daofu_cdc, at=AT)
    assert Task.objects.get().state == "open"


def test_signs_that_show_nothing_are_taken_out_of_a_task(daofu, daofu_cdc):
    said = {"area": daofu, "role": Role.HOSPITAL, "due_at": AT + HOUR, "by": daofu_cdc, "at": AT}
    with pytest.raises(actions.TextMissing):
        actions.give(text="\u200b\u3164", **said)
    given = actions.give(text="\u200b清点口罩\ufeff", note="\u200b", **said)
    assert (given.title, given.note) == ("清点口罩", "")

    mine = assigned(daofu)
    done = actions.finish(task=mine, proof="\u200b已到现场核实", by=daofu_cdc, at=AT)
    assert done.proof == "已到现场核实"


@pytest.mark.parametrize("who", ["kangding_cdc", "headquarters", "auditor"])
def test_nobody_but_the_owner_finishes(who, daofu, request):
    task = assigned(daofu)
    with pytest.raises(actions.NotTheOwner):
        actions.finish(
            task=task, proof="Called the hospital", by=request.getfixturevalue(who), at=AT
        )


def test_another_role_of_the_same_county_is_not_the_owner(daofu):
    hospital = staff("hospital", Role.HOSPITAL, daofu)
    with pytest.raises(actions.NotTheOwner):
        actions.accept(task=assigned(daofu), by=hospital, at=AT)


def test_a_task_is_finished_once(daofu, daofu_cdc):
    task = assigned(daofu)
    actions.finish(task=task, proof="Called the hospital", by=daofu_cdc, at=AT)
    with pytest.raises(actions.Closed):
        actions.finish(task=task, proof="Called them again", by=daofu_cdc, at=AT)


def test_two_colleagues_do_not_accept_the_same_task(daofu, daofu_cdc):
    task = assigned(daofu)
    actions.accept(task=task, by=daofu_cdc, at=AT)
    with pytest.raises(actions.AlreadyAccepted):
        actions.accept(task=task, by=staff("second", Role.COUNTY_CDC, daofu), at=AT)


def test_the_headquarters_takes_a_task_back_with_a_reason(daofu, headquarters):
    task = actions.cancel(task=assigned(daofu), reason="Given twice", by=headquarters, at=AT)
    assert (task.state, task.cancel_reason, task.escalates_at) == ("cancelled", "Given twice", None)


def test_nothing_is_taken_back_without_a_reason_or_by_the_owner(daofu, headquarters, daofu_cdc):
    task = assigned(daofu)
    with pytest.raises(actions.ReasonMissing):
        actions.cancel(task=task, reason=" \u200b", by=headquarters, at=AT)
    with pytest.raises(actions.NotTheOwner):
        actions.cancel(task=task, reason="Too much work", by=daofu_cdc, at=AT)


def test_a_task_given_to_another_county_is_open_again_there(
    daofu, kangding, headquarters, daofu_cdc, kangding_cdc
):
    task = actions.accept(task=assigned(daofu), by=daofu_cdc, at=AT)
    task = actions.reassign(
        task=task,
        area=kangding,
        role=Role.COUNTY_CDC,
        reason="The patient lives there",
        by=headquarters,
        at=AT,
    )
    assert (task.state, task.owner, task.county) == ("open", None, kangding)
    assert queries.owns(kangding_cdc, task, AT) and not queries.owns(daofu_cdc, task, AT)


def test_a_county_gives_tasks_within_itself_only(daofu, kangding, daofu_cdc):
    said: dict[str, Any] = {
        "text": "Count the masks",
        "role": Role.HOSPITAL,
        "due_at": AT + HOUR,
        "at": AT,
    }
    assert actions.give(area=daofu, by=daofu_cdc, **said).title == "Count the masks"
    with pytest.raises(actions.NotWithin):
        actions.give(area=kangding, by=daofu_cdc, **said)


def test_finishing_for_a_record_finishes_only_its_own_open_tasks_of_that_kind(daofu, daofu_cdc):
    served = assigned(daofu)
    kind = types.MANUAL.code
    first, other = assigned(daofu, source=served), assigned(daofu, source=assigned(daofu))

    done = actions.finish_for(source=served, kind=kind, proof="已核实排除", by=daofu_cdc, at=AT)

    assert [task.pk for task in done] == [first.pk]
    assert Task.objects.get(pk=other.pk).state == "open"
    again = actions.finish_for(source=served, kind=kind, proof="已核实排除", by=daofu_cdc, at=AT)
    assert again == []


# --- Escalation ---


def test_an_overdue_task_of_a_county_climbs_once_to_the_prefecture(daofu, areas):
    task = assigned(daofu)

    early = actions.escalate_overdue(AT + 2 * HOUR - timedelta(seconds=1))
    assert early == types.Escalation(climbed=0, failed=0)

    assert actions.escalate_overdue(AT + 2 * HOUR).climbed == 1
    task.refresh_from_db()
    assert (task.escalation_level, task.escalated_to) == (1, areas["513300"])
    assert task.escalates_at is None
    assert actions.escalate_overdue(AT + 99 * HOUR).climbed == 0
    assert verbs(task)[0] == "tasks.escalate" and len(verbs(task)) == 2


def test_a_township_s_task_climbs_to_the_county_and_a_day_later_to_the_prefecture(areas):
    task = assigned(areas["513326100"])
    late = AT + 2 * HOUR

    assert [actions.escalate_overdue(late + n * HOUR).climbed for n in (0, 1, 23, 24, 49)] == [
        1, 0, 0, 1, 0
    ]  # fmt: skip
    task.refresh_from_db()
    assert (task.escalation_level, task.escalated_to) == (2, areas["513300"])


def test_a_task_of_the_headquarters_has_nowhere_to_climb(areas):
    task = assigned(areas["513300"], role=Role.HEADQUARTERS)
    assert task.escalates_at is None
    assert actions.escalate_overdue(AT + 99 * HOUR).climbed == 0


def test_a_finished_task_does_not_climb(daofu, daofu_cdc):
    actions.finish(task=assigned(daofu), proof="Called the hospital", by=daofu_cdc, at=AT)
    assert actions.escalate_overdue(AT + 9 * HOUR).climbed == 0


def test_one_failing_task_does_not_keep_the_others_from_climbing(daofu, kangding, monkeypatch):
    broken, sound = assigned(daofu), assigned(kangding)
    record = trail.record

    def fails_for_the_first(action, subject, **more):
        if subject.pk == broken.pk:
            raise RuntimeError("the disk hiccups")
        return record(action, subject, **more)

    monkeypatch.setattr(trail, "record", fails_for_the_first)

    assert actions.escalate_overdue(AT + 3 * HOUR) == types.Escalation(climbed=1, failed=1)
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert (broken.escalation_level, sound.escalation_level) == (0, 1)
