"""What EARS says about days that are missing, flat, few or very many."""

import numpy as np
import pytest

from epistat import Flag, c1, c2, c3

NAN = float("nan")
WEEK = [2.0, 4, 3, 3, 2, 4, 3]  # mean 3, so that sums stay easy


def test_ten_cases_after_a_quiet_week_alarm_and_five_do_not() -> None:
    assert c1([[*WEEK, 10]]).alarm[0, -1]
    assert not c1([[*WEEK, 5]]).alarm[0, -1]


def test_a_missing_day_silences_itself_and_nobody_else() -> None:
    answer = c1([[*WEEK, NAN, 3, 9]])

    assert answer.answered[0].tolist() == [False] * 8 + [True, True]
    assert answer.flags[0, 7] == Flag.MISSING_NOW
    assert answer.alarm[0, -1]
    assert answer.upper[0, 7] > 3  # what would have been too many is still known


def test_four_known_days_are_a_baseline_and_three_are_not() -> None:
    four = c1([[2, NAN, 3, NAN, 2, NAN, 3, 9]])
    three = c1([[2, NAN, 3, NAN, 2, NAN, NAN, 9]])

    assert four.expected[0, -1] == 2.5
    assert four.alarm[0, -1]
    assert three.flags[0, -1] == Flag.TOO_FEW_POINTS
    assert np.isnan(three.upper[0, -1])


def test_the_first_week_is_too_short_a_history() -> None:
    assert (c1([WEEK]).flags == Flag.SHORT_HISTORY).all()
    assert np.flatnonzero(c2([WEEK * 2]).answered[0])[0] == 9
    assert np.flatnonzero(c3([WEEK * 2]).answered[0])[0] == 11


def test_one_case_after_a_flat_week_is_infinitely_far_and_none_is_not() -> None:
    one, none = c1([[0] * 7 + [1]]), c1([[0] * 8])

    assert one.score[0, -1] == np.inf
    assert one.alarm[0, -1]
    assert none.score[0, -1] == 0
    assert not none.alarm[0, -1]
    assert one.flags[0, -1] == Flag.FLAT_HISTORY
    assert not c1([[0] * 7 + [1]], min_sigma=0.5).alarm[0, -1]


def test_a_billion_cases_a_day_lose_no_digit() -> None:
    small = c2([[*WEEK, *WEEK, 9]])
    big = c2(np.array([[*WEEK, *WEEK, 9]]) + 1e9)

    np.testing.assert_array_equal(big.upper - 1e9 > 5, small.upper > 5)
    np.testing.assert_allclose(big.score, small.score, rtol=1e-12)


def test_c3_of_r_cannot_see_the_first_day_of_an_outbreak() -> None:
    outbreak = [[*WEEK, *WEEK, 30]]

    assert c3(outbreak).alarm[0, -1]
    assert not c3(outbreak, compat="R").alarm[0, -1]


def test_c3_after_two_terrible_days_alarms_whatever_today_brings() -> None:
    answer = c3([[*WEEK, *WEEK, 30, 30, 0]])

    assert answer.upper[0, -1] == 0
    assert answer.alarm[0, -1]


def test_c3_has_no_threshold_where_its_baseline_is_missing() -> None:
    answer = c3([[2, 4, 3, 3, 9, 9, 9, *[NAN] * 6, 1]])

    assert answer.flags[0, -1] == Flag.TOO_FEW_POINTS
    assert np.isnan(answer.upper[0, -1])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"baseline": 2}, "baseline"),
        ({"alpha": 0}, "alpha"),
        ({"min_sigma": -1}, "min_sigma"),
        ({"compat": "SAS"}, "compat"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        c1([WEEK], **options)


def test_counts_without_series_are_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        c1([1.0, 2.0])


@pytest.mark.parametrize("bad", [-1.0, np.inf, -np.inf, NAN])
def test_what_is_no_count_is_missing_and_spoils_no_other_series(bad: float) -> None:
    answer = c1([[*WEEK, bad], [*WEEK, 10.0]])

    assert answer.flags[:, -1].tolist() == [Flag.MISSING_NOW, 0]
    assert answer.alarm[:, -1].tolist() == [False, True]


def test_nothing_is_answered_with_nothing() -> None:
    assert c1(np.empty((0, 30))).alarm.shape == (0, 30)
    assert c3(np.empty((3, 0))).alarm.shape == (3, 0)
