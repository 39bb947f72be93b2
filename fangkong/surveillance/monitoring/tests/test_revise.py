"""A revised card, and its review by the county."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fangkong.surveillance.monitoring import actions, describe, queries
from fangkong.surveillance.monitoring.types import ReviewState

from .factories import AT, case, facts

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
