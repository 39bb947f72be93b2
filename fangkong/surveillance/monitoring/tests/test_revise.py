"""A revised card, and its review by the county."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fangkong.core.audit import queries as audit
from fangkong.surveillance.monitoring import actions, describe, queries
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.types import ReviewState
from fangkong.tasks import queries as tasks
from fangkong.tasks.models import Task

from .factories import AT, case, facts, person

LATER = AT + timedelta(hours=3)


def test_a_revised_card_changes_the_case_the_counts_and_leaves_the_first_card(world):
    one = case(world, case_class="suspected")

    one = actions.revise(case=one, facts=facts(), reason="核酸阳性", by=world.clinician, at=LATER)

    assert one.case_class == "confirmed"
    assert [card.case_class for card in queries.cards_of(one)] == ["confirmed", "suspected"]
    assert one.report_due_at == AT + timedelta(hours=1)  # the clock of the first card stays
    assert one.review_due_at == LATER + timedelta(hours=2)
    assert queries.check_counts().right
    newest = describe.stories(queries.cards_of(one))[0]
    assert [(before, after) for _, before, after in newest.changes] == [("疑似病例", "确诊病例")]


def test_a_revision_needs_a_reason(world):
    one = case(world)
    with pytest.raises(actions.ReasonMissing):
        actions.revise(
            case=one,
            facts=facts(severity="severe"),
            reason="\u200b" * 9,
            by=world.clinician,
            at=LATER,
        )
    assert one.cards.count() == 1


def test_a_revision_that_says_nothing_new_is_refused(world):
    one = case(world)
    with pytest.raises(actions.NothingChanged):
        actions.revise(case=one, facts=facts(), reason="没有", by=world.clinician, at=LATER)
    assert one.cards.count() == 1


def test_a_revision_that_contradicts_itself_is_refused(world):
    one = case(world)
    with pytest.raises(actions.NotAcceptable):
        actions.revise(
            case=one,
            facts=facts(died_on=date(2020, 1, 1)),
            reason="死亡",
            by=world.clinician,
            at=LATER,
        )


def revised(world, one, **changes):
    """The fields that a revised card is refused for."""
    new = facts(**changes)
    try:
        actions.revise(case=one, facts=new, reason="订正", by=world.clinician, at=LATER)
    except actions.NotAcceptable as refused:
        return [(fault.code, fault.field) for fault in refused.faults]
    return []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"onset_date": date(1800, 1, 1)}, [("birth_after_onset", "birth_date")]),
        ({"onset_date": date(1969, 12, 31)}, [("birth_after_onset", "birth_date")]),
        ({"onset_date": date(1970, 1, 1)}, []),
        ({"onset_date": None, "died_on": date(1960, 1, 1)}, [("death_before_birth", "died_on")]),
        ({"onset_date": None, "died_on": date(2019, 10, 1)}, []),
        ({"relation": "moon"}, [("not_one_of", "relation")]),
        ({"relation": ""}, [("missing", "relation")]),
    ],
)
def test_a_revised_card_is_held_against_the_days_of_its_patient_as_the_first_one_is(
    world, changes, found
):
    assert revised(world, case(world), **changes) == found


def test_where_the_birth_date_is_not_known_the_age_says_what_cannot_be(world):
    one = actions.report(
        person=person(1, birth_date=None, id_number="", age_years=5),
        case=facts(),
        facility=world.hospital,
        area=world.town,
        by=world.clinician,
        at=AT,
    )
    assert revised(world, one, onset_date=date(2013, 1, 1)) == [("before_birth", "onset_date")]
    assert revised(world, one, onset_date=date(2015, 1, 1)) == []


def test_a_revised_card_may_not_say_that_the_patient_belongs_where_the_case_does_not_count(world):
    here = case(world)
    assert revised(world, here, relation="same-prefecture") == [("counts_elsewhere", "relation")]
    assert revised(world, here, relation="foreign") == []
    there = actions.report(
        person=person(2),
        case=facts(relation="same-prefecture"),
        facility=world.hospital,
        area=world.kangding,
        by=world.clinician,
        at=AT,
    )
    assert revised(world, there) == [("counts_elsewhere", "relation")]  # of this county
    assert revised(world, there, relation="same-prefecture", severity="severe") == []


def test_a_patient_from_elsewhere_may_be_said_to_be_from_further_off(world):
    one = actions.report(
        person=person(1, address="成都市武侯区"),
        case=facts(relation="same-province"),
        facility=world.hospital,
        by=world.clinician,
        at=AT,
    )
    assert revised(world, one, relation="other-province") == []


def test_what_the_cards_of_an_old_file_never_said_may_stay_unsaid(world):
    one = case(world)
    Case.objects.filter(pk=one.pk).update(relation="", doctor="")
    assert revised(world, one, relation="", doctor="", severity="severe") == []


def test_the_county_accepts_a_card_once(world):
    one = actions.review(case=case(world), card=1, accept=True, by=world.daofu_cdc, at=LATER)
    assert (one.review_state, one.reviewed_at) == (ReviewState.ACCEPTED, LATER)
    with pytest.raises(actions.NotWaiting):
        actions.review(
            case=one, card=1, accept=False, reason="地址不详", by=world.daofu_cdc, at=LATER
        )


def test_a_card_is_returned_with_a_reason_and_waits_again_once_it_is_revised(world):
    one = case(world)
    with pytest.raises(actions.ReasonMissing):
        actions.review(case=one, card=1, accept=False, by=world.daofu_cdc, at=LATER)

    one = actions.review(
        case=one, card=1, accept=False, reason="发病日期有误", by=world.daofu_cdc, at=LATER
    )
    assert (one.review_state, one.review_reason) == (ReviewState.RETURNED, "发病日期有误")

    one = actions.revise(
        case=one,
        facts=facts(onset_date=date(2020, 2, 2)),
        reason="更正发病日期",
        by=world.clinician,
        at=LATER,
    )
    assert (one.review_state, one.review_reason) == (ReviewState.WAITING, "")


def test_a_returned_card_is_a_task_of_its_facility_until_it_is_sent_again(world):
    one = case(world)
    said = {"card": 1, "accept": False, "by": world.daofu_cdc, "at": LATER}
    actions.review(case=one, reason="发病日期有误", **said)

    task = Task.objects.get()
    assert (task.kind, task.facility, task.owner_role, task.params) == (
        "surveillance.monitoring.returned",
        world.hospital,
        "hospital",
        {"number": one.number},
    )
    assert task.due_at == LATER + timedelta(hours=2)  # as a report of this disease
    assert task in tasks.mine(world.clinician, LATER)
    new = facts(onset_date=date(2020, 2, 2))
    actions.revise(case=one, facts=new, reason="更正发病日期", by=world.clinician, at=LATER)
    task.refresh_from_db()
    assert (task.state, task.done_by) == ("done", world.clinician)


def test_whoever_sent_a_card_accepts_it_only_with_a_reason_that_stays(world):
    one = case(world, case_class="suspected")
    new = facts(severity="severe")
    one = actions.revise(case=one, facts=new, reason="病情加重", by=world.daofu_cdc, at=LATER)
    own = {"case": one, "card": 2, "accept": True, "by": world.daofu_cdc, "at": LATER}
    with pytest.raises(actions.ReasonMissing, match="本人报送"):
        actions.review(**own)

    one = actions.review(**own, reason="夜间只有本人值班，已电话核实")

    assert (one.review_state, one.review_reason) == ("accepted", "夜间只有本人值班，已电话核实")
    line = audit.history_of(one)[0]
    assert (line.action, line.reason) == ("surveillance.monitoring.accept", one.review_reason)


def test_what_a_colleague_accepts_needs_no_words_and_keeps_none(world):
    one = actions.review(
        case=case(world), card=1, accept=True, reason="好", by=world.daofu_cdc, at=LATER
    )
    assert one.review_reason == ""
