"""The moving percentile and the fixed threshold, on tables that can be worked out by hand."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from epistat import Flag, fixed_threshold, moving_percentile
from epistat.result import ARRAYS, Floats

NAN = float("nan")


def three_years(now: float) -> Floats:
    """156 weeks, two more, and now; the 15 blocks of the last week are 1, 2 … 15."""
    weeks = np.full(159, 50.0)
    for year in (1, 2, 3):
        for k in range(-2, 3):
            weeks[158 - 52 * year + k] = 5 * (year - 1) + k + 3
    weeks[158] = now
    return weeks[np.newaxis]


@pytest.mark.parametrize(
    ("percentile", "definition", "upper"),
    [
        (50, "linear", 8), (80, "linear", 12.2), (90, "linear", 13.6), (100, "linear", 15),
        (50, "weibull", 8), (80, "weibull", 12.8), (80, "inverted_cdf", 12),
    ],
)  # fmt: skip
def test_the_golden_block_table(percentile: float, definition: str, upper: float) -> None:
    answer = moving_percentile(
        three_years(9),
        every="week",
        percentile=percentile,
        definition=definition,
    )
    assert answer.upper[0, -1] == upper
    assert answer.expected[0, -1] == 8
    assert answer.flags[0, :158].tolist() == [Flag.SHORT_HISTORY] * 158


def test_a_count_above_the_percentile_alarms_and_one_at_it_only_if_reaching_is_enough() -> None:
    above = moving_percentile(three_years(9), every="week", percentile=50)
    at = moving_percentile(three_years(8), every="week", percentile=50)
    reaching = moving_percentile(three_years(8), every="week", percentile=50, strict=False)

    assert above.alarm[0, -1]
    assert not at.alarm[0, -1]
    assert reaching.alarm[0, -1]


def test_a_percentile_that_is_a_whole_number_is_found_equal() -> None:
    """0.8 of the way between ranks must not come out as 11.999999999999998."""
    weeks = three_years(12)
    weeks[0, 158 - 104 - 2 : 158 - 104 + 3] = [6, 7, 8, 9, 10]
    weeks[0, 158 - 156 - 2 : 158 - 156 + 3] = [11, 12, 12, 17, 18]

    answer = moving_percentile(weeks, every="week", percentile=80, strict=False)

    assert answer.upper[0, -1] == 12
    assert answer.alarm[0, -1]


def test_a_signal_below_the_minimum_is_held_back_and_says_so() -> None:
    quiet = np.zeros((1, 159))
    quiet[0, -1] = 2

    held = moving_percentile(quiet, every="week", minimum=3)
    let_go = moving_percentile(quiet, every="week", minimum=2)

    assert not held.alarm[0, -1]
    assert held.flags[0, -1] == Flag.BELOW_MINIMUM
    assert held.answered[0, -1]
    assert let_go.alarm[0, -1]


def test_a_known_outbreak_leaves_the_history_but_not_the_present() -> None:
    weeks = three_years(14)
    mask = np.arange(159) == 158 - 156 + 2  # the block of 15 cases

    answer = moving_percentile(weeks, every="week", percentile=100, excluded=mask)
    now_too = moving_percentile(
        weeks, every="week", percentile=100, excluded=mask | (np.arange(159) == 158)
    )

    assert answer.upper[0, -1] == 14
    assert now_too.observed[0, -1] == 14


def test_three_usable_blocks_are_too_few_unless_three_are_asked_for() -> None:
    mask = np.ones(159, dtype=bool)
    mask[[158 - 52, 158 - 104, 158 - 156]] = False

    few = moving_percentile(three_years(40), every="week", excluded=mask)
    enough = moving_percentile(three_years(40), every="week", excluded=mask, min_blocks=3)

    assert few.flags[0, -1] == Flag.TOO_FEW_POINTS
    assert enough.alarm[0, -1]


def test_a_young_series_is_judged_when_fewer_blocks_are_asked_for() -> None:
    weeks = three_years(40)[:, -60:]

    assert not moving_percentile(weeks, every="week").answered.any()
    assert moving_percentile(weeks, every="week", min_blocks=5).answered[0, -1]
    assert not moving_percentile(weeks, every="week", min_blocks=6).answered[0, -1]


@pytest.mark.parametrize(("year_days", "weekday_kept"), [(364, True), (365, False)])
def test_a_year_of_364_days_compares_like_weekdays(year_days: int, weekday_kept: bool) -> None:
    """Cases only on one Saturday a year ago: is it in the block of the week that ends today?"""
    today = date(2020, 2, 7)  # a Friday
    days = np.zeros((1, 364 + 7))
    assert (today - timedelta(days=364)).weekday() == today.weekday()
    days[0, 0] = 9  # 364 + 6 days ago, the Saturday that begins the week of a year ago

    answer = moving_percentile(
        days,
        every="day",
        years=1,
        half=0,
        year_days=year_days,
        min_blocks=1,
    )

    assert (answer.expected[0, -1] == 9) == weekday_kept


MONDAYS = np.datetime64("2012-12-31") + 7 * np.arange(600)


def the_same_week(now: str, *others: str) -> Floats:
    """Mondays with 9 cases in these weeks and none besides."""
    counts = np.zeros((1, len(MONDAYS)))
    counts[0, np.isin(MONDAYS, np.array([now, *others], "datetime64[D]"))] = 9
    return counts


@pytest.mark.parametrize(
    "weeks",
    [
        # 2015 and 2020 have a week 53; its neighbours, and those of a year later.
        ("2020-12-21", "2019-12-23", "2018-12-24", "2017-12-18"),
        ("2020-12-28", "2019-12-30", "2018-12-31", "2017-12-25"),
        ("2021-01-04", "2020-01-06", "2019-01-07", "2018-01-01"),
        ("2021-12-27", "2020-12-28", "2019-12-30", "2018-12-24"),
        ("2016-12-26", "2015-12-28", "2014-12-29", "2013-12-23"),
    ],
)
def test_with_dates_a_week_is_compared_with_its_season_on_both_sides_of_a_week_53(
    weeks: tuple[str, ...],
) -> None:
    counts, t = the_same_week(*weeks), int(np.searchsorted(MONDAYS, np.datetime64(weeks[0])))

    dated = moving_percentile(counts, every="week", half=0, min_blocks=3, dates=MONDAYS)
    by_steps = moving_percentile(counts, every="week", half=0, min_blocks=3)

    assert dated.expected[0, t] == 9
    # The oldest of the three weeks is 157 weeks ago, not 156.
    assert by_steps.expected[0, t] != 9


def test_the_29th_of_february_is_compared_with_the_first_days_of_march() -> None:
    counts = the_same_week("2016-02-29", "2015-03-02", "2014-03-03", "2013-03-04")
    dated = moving_percentile(counts, every="week", half=0, dates=MONDAYS, min_blocks=3)
    assert dated.expected[0, MONDAYS.tolist().index(date(2016, 2, 29))] == 9


def test_with_dates_the_history_is_long_enough_a_week_later_after_a_week_53() -> None:
    begin = int(np.searchsorted(MONDAYS, np.datetime64("2017-12-25")))
    dates = MONDAYS[begin : begin + 159]  # the first, and 156, 157 and 158 weeks later
    counts = np.ones((1, 159))

    dated = moving_percentile(counts, every="week", half=0, dates=dates, last=3)
    by_steps = moving_percentile(counts, every="week", half=0, last=3)

    assert dates[-3] == np.datetime64("2020-12-21")
    assert dated.flags[0].tolist() == [Flag.SHORT_HISTORY, 0, 0]
    assert by_steps.flags[0].tolist() == [0, 0, 0]


def test_with_dates_days_are_compared_with_like_weekdays_and_do_not_drift() -> None:
    """Ten years of 364 days are twelve days short; 365 days lose the day of the week."""
    dates = np.datetime64("2010-01-01") + np.arange(11 * 366)
    now = int(np.searchsorted(dates, np.datetime64("2020-06-30")))  # a Tuesday
    counts = np.zeros((1, now + 1))
    counts[0, np.searchsorted(dates, np.datetime64("2010-06-29"))] = 9  # the Tuesday ten years ago
    options: dict[str, Any] = {"every": "day", "years": 10, "half": 0, "percentile": 100}

    dated = moving_percentile(counts, dates=dates[: now + 1], **options)
    by_steps = moving_percentile(counts, **options)
    told = moving_percentile(counts, dates=dates[: now + 1], year_days=364, **options)

    assert dated.upper[0, now - 1 :].tolist() == [0, 9]  # the last day of its block
    assert by_steps.upper[0, now] == 0
    np.testing.assert_array_equal(told.upper, by_steps.upper)


def test_a_month_is_compared_with_the_same_month_and_its_neighbours() -> None:
    months = np.arange(48) % 12
    counts = np.where(months == 6, 20.0, 1.0)[np.newaxis]  # every July
    counts[0, 42], counts[0, 46] = 15, 15  # the last July and November

    answer = moving_percentile(counts, every="month", half=0, min_blocks=3)
    around = moving_percentile(counts, every="month", half=1)

    assert answer.upper[0, [42, 46]].tolist() == [20, 1]
    assert answer.alarm[0, [42, 46]].tolist() == [False, True]
    assert around.expected[0, 42] == (3 * 20 + 6) / 9
    assert np.flatnonzero(around.answered[0])[0] == 3 * 12 + 1


def test_a_year_that_is_told_counts_rows_and_asks_no_dates() -> None:
    counts = np.random.default_rng(9).poisson(3, (2, 300)).astype(np.float64)
    by_week = moving_percentile(counts, every="week")
    told = moving_percentile(counts, every="week", year=52, dates=MONDAYS[:300])
    in_tens = moving_percentile(counts, every="week", year=36, half=1)  # of ten days
    in_months = moving_percentile(counts, every="month", half=1)
    twelve = moving_percentile(counts, every="week", year=12, half=1)

    np.testing.assert_array_equal(told.upper, by_week.upper)
    np.testing.assert_array_equal(twelve.upper, in_months.upper)
    blocks = [299 - 36 * back + k for back in (1, 2, 3) for k in (-1, 0, 1)]
    np.testing.assert_allclose(in_tens.expected[:, -1], counts[:, blocks].mean(axis=1))


def test_the_last_columns_have_the_answer_of_the_whole() -> None:
    rng = np.random.default_rng(8)
    counts = rng.poisson(3, (5, len(MONDAYS))).astype(np.float64)
    counts[1, 500] = counts[3, -1] = NAN
    for dates in (None, MONDAYS):
        whole = moving_percentile(counts, every="week", dates=dates)
        last = moving_percentile(counts, every="week", dates=dates, last=200)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(last, name), getattr(whole, name)[:, -200:])
    assert moving_percentile(counts, every="week", last=0).upper.shape == (5, 0)
    assert moving_percentile(counts[:, :0], every="week", dates=MONDAYS[:0]).upper.size == 0


@pytest.mark.parametrize(
    ("every", "dates", "problem"),
    [
        ("week", MONDAYS[:9], "shape"),
        ("day", MONDAYS[:10], "one day apart"),
        ("week", MONDAYS[0] + np.arange(10), "one week apart"),
        ("week", np.append(MONDAYS[:9], MONDAYS[12]), "one week apart"),
        ("week", np.full(10, np.datetime64("NaT")), "one week apart"),
    ],
)
def test_dates_that_do_not_fit_are_refused(every: Any, dates: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        moving_percentile(np.ones((1, 10)), every=every, dates=dates)


def test_daily_counts_are_judged_as_sums_of_seven_days() -> None:
    days = np.ones((1, 364 * 3 + 14 + 12))
    days[0, -3:] = 5

    answer = moving_percentile(days, every="day")

    assert answer.observed[0, -1] == 19
    assert answer.upper[0, -1] == 7
    assert np.flatnonzero(answer.answered[0])[0] == 364 * 3 + 14 + 6
    assert answer.alarm[0, -4:].tolist() == [False, True, True, True]


def test_a_missing_day_silences_its_seven_windows() -> None:
    days = np.ones((1, 364 * 3 + 14 + 30))
    days[0, -20] = NAN

    flags = moving_percentile(days, every="day").flags[0]

    assert (flags[-20:-13] == Flag.MISSING_NOW).all()
    assert flags[-13] == 0


def test_more_cases_never_take_a_signal_away_and_are_never_less_unusual() -> None:
    answers = [moving_percentile(three_years(now), every="week") for now in range(40)]
    alarms = [bool(answer.alarm[0, -1]) for answer in answers]
    p = [float(answer.p[0, -1]) for answer in answers]

    assert alarms == sorted(alarms)
    assert p == sorted(p, reverse=True)
    assert p[0] == 1


def test_a_case_where_there_never_was_one_is_unusual_but_not_impossible() -> None:
    quiet = np.zeros((1, 159))
    quiet[0, -1] = 1

    answer = moving_percentile(quiet, every="week")

    assert answer.alarm[0, -1]
    assert 0.01 < answer.p[0, -1] < 0.05


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"every": "hour"}, "every"),
        ({"year": 52}, "year_days"),
        ({"every": "week", "year": 1}, "year must be at least 2"),
        ({"every": "month", "half": 6}, "smaller half"),
        ({"every": "week", "year": 4}, "smaller half"),
        ({"every": "month", "dates": ["2020-01-01"]}, "leave them out"),
        ({"percentile": 101}, "percentile"),
        ({"years": 0}, "years"),
        ({"half": 26}, "half"),
        ({"year_days": 366}, "year_days"),
        ({"minimum": NAN}, "minimum"),
        ({"min_blocks": 16}, "min_blocks"),
        ({"definition": "guess"}, "definition"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        moving_percentile([[1.0]], **{"every": "day", **options})


def test_one_case_of_plague_signals_and_no_news_does_not() -> None:
    answer = fixed_threshold([[0, 1, NAN]])

    assert answer.alarm.tolist() == [[False, True, False]]
    assert answer.answered.tolist() == [[True, True, False]]


def test_each_series_can_have_its_own_fixed_threshold() -> None:
    assert fixed_threshold([[9, 10], [9, 10]], [[10], [20]]).alarm.tolist() == [
        [False, True],
        [False, False],
    ]
    with pytest.raises(ValueError, match="threshold"):
        fixed_threshold([[1]], 0)
