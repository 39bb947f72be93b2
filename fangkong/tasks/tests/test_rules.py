from __future__ import annotations

from datetime import timedelta

import pytest

from fangkong.tasks import rules

from .factories import AT

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("left", "state"),
    [
        (timedelta(hours=20), "ok"),
        (timedelta(hours=6, minutes=1), "ok"),
        (timedelta(hours=6), "soon"),
        (timedelta(0), "soon"),
        (timedelta(seconds=-1), "late"),
    ],
)
def test_a_task_of_a_day_is_soon_in_its_last_quarter_and_late_after_its_end(left, state):
    given = AT - timedelta(hours=24)
    assert rules.due_state(given, AT, AT - left) == state


def test_a_task_of_a_month_is_soon_only_in_its_last_twelve_hours():
    given = AT - timedelta(days=30)
    assert rules.due_state(given, AT, AT - 13 * HOUR) == "ok"
    assert rules.due_state(given, AT, AT - 12 * HOUR) == "soon"


def test_a_done_task_keeps_how_it_stood_when_it_was_done():
    given, due = AT, AT + HOUR
    much_later = AT + 100 * HOUR
    assert rules.due_state(given, due, much_later, done_at=due) == "ok"
    assert rules.due_state(given, due, much_later, done_at=due + timedelta(minutes=1)) == "late"


@pytest.mark.parametrize(
    ("state", "after", "may"),
    [
        ("open", "accepted", True),
        ("open", "done", True),
        ("accepted", "open", True),
        ("accepted", "accepted", False),
        ("done", "open", False),
        ("done", "cancelled", False),
        ("cancelled", "done", False),
    ],
)
def test_done_and_cancelled_are_final(state, after, may):
    assert rules.may_follow(state, after) is may


def test_the_ladder_of_a_township_leads_over_its_county_to_the_home_prefecture_and_ends_there():
    chain = ["513326100", "513326", "513300", "510000", "000000"]
    assert rules.ladder(chain, "513300") == ["513326", "513300"]
    assert rules.ladder(chain[1:], "513300") == ["513300"]


def test_the_home_area_itself_has_nobody_above():
    assert rules.ladder(["513300", "510000", "000000"], "513300") == []
    assert rules.ladder(["513221", "513200"], "513300") == []


def test_the_first_step_comes_when_overdue_and_the_next_a_day_later():
    due = AT
    assert rules.next_climb(2, 0, due, None) == due
    assert rules.next_climb(2, 1, due, due + HOUR) == due + 25 * HOUR
    assert rules.next_climb(2, 2, due, due + 25 * HOUR) is None
    assert rules.next_climb(0, 0, due, None) is None


@pytest.mark.parametrize(
    ("text", "is_proof"),
    [
        ("已电话核实", True),
        ("Called the hospital", True),
        ("done well", True),
        ("已办", False),
        ("done", False),
        ("  ! ", False),
        ("\u3164 \u3164", False),  # letters that show nothing
        ("do\u200bne", False),  # one word
        ("", False),
    ],
)
def test_a_proof_says_more_than_one_word(text, is_proof):
    assert rules.is_proof(text) is is_proof
