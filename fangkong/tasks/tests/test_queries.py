from __future__ import annotations

from datetime import timedelta

from fangkong.core.roles import Role
from fangkong.tasks import actions, queries, types

from .factories import AT, assigned, staff

HOUR = timedelta(hours=1)


def test_my_tasks_are_those_of_my_office_the_overdue_first(daofu, kangding, daofu_cdc):
    later = assigned(daofu, due_at=AT + 5 * HOUR)
    late = assigned(daofu, due_at=AT + HOUR)
    assigned(kangding)
    assigned(daofu, role=Role.HOSPITAL)

    assert list(queries.mine(daofu_cdc, AT + 2 * HOUR)) == [late, later]


def test_counts_tell_open_accepted_late_and_raised(daofu, daofu_cdc):
    actions.accept(task=assigned(daofu, due_at=AT + HOUR), by=daofu_cdc, at=AT)
    assigned(daofu, due_at=AT + 9 * HOUR)
    actions.escalate_overdue(AT + 2 * HOUR)

    found = queries.counts(daofu_cdc, AT + 2 * HOUR)
    assert found == types.Counts(open=1, accepted=1, late=1, escalated=1)
    assert found.waiting == 2


def test_the_headquarters_sees_to_what_climbed_to_it_and_not_to_the_rest(daofu, headquarters):
    late = assigned(daofu)
    assigned(daofu, due_at=AT + 9 * HOUR)
    assert list(queries.mine(headquarters, AT)) == []

    actions.escalate_overdue(AT + 2 * HOUR)

    assert list(queries.mine(headquarters, AT + 2 * HOUR)) == [late]


def test_the_headquarters_and_the_auditor_see_every_task_but_a_county_its_own(
    daofu, kangding, headquarters, auditor, daofu_cdc
):
    own, foreign = assigned(daofu), assigned(kangding)
    for user in (headquarters, auditor):
        assert set(queries.open_to(user, AT)) == {own, foreign}
    assert set(queries.open_to(daofu_cdc, AT)) == {own}


def test_a_hospital_sees_its_own_tasks_and_not_those_of_the_county_cdc(daofu):
    hospital = staff("hospital", Role.HOSPITAL, daofu)
    own = assigned(daofu, role=Role.HOSPITAL)
    assigned(daofu)
    assert list(queries.open_to(hospital, AT)) == [own]


def test_the_tasks_of_a_record_are_found_by_it(daofu):
    served = assigned(daofu)
    task = assigned(daofu, source=served)
    assert list(queries.for_source(served)) == [task]
    assert list(queries.for_source(task)) == []
