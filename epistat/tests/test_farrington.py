"""Farrington's methods agree with their plain twin, and say why they do not answer."""

import warnings
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epistat import Detection, Flag, farrington, farrington_flexible
from epistat.calendar import Shape, baselines
from epistat.result import ARRAYS, Floats
from epistat.seasonal import PRESETS
from epistat.tests.examples import examples
from epistat.tests.plain_farrington import Settings
from epistat.tests.plain_farrington import farrington as plain

NAN = float("nan")
WEEKS = 330


def weeks_like(seed: int, level: float, wild: float, holes: int) -> Floats:
    """Weekly counts with a season, a trend, past outbreaks and missing weeks."""
    rng = np.random.default_rng(seed)
    t = np.arange(WEEKS)
    mean = level * np.exp(0.5 * np.cos(2 * np.pi * t / 52) + rng.normal(0, 0.002) * t)
    counts = rng.poisson(rng.gamma(1 / wild, mean * wild)).astype(np.float64)
    for start in rng.integers(0, WEEKS - 6, 3):
        counts[start : start + 4] += rng.poisson(3 * level + 3)
    counts[rng.integers(0, WEEKS, holes)] = NAN
    return counts


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    years = draw(st.integers(1, 5))
    seasons = draw(st.sampled_from([1, 4, 10]))
    return {
        "years": years,
        "half": draw(st.integers(1, 4)),
        "seasons": seasons,
        "skip": draw(st.sampled_from([3, 26])),
        "alpha": draw(st.sampled_from([0.005, 0.05])),
        "method": draw(st.sampled_from(["nb_plugin", "delta", "muan"])),
        "power": draw(st.sampled_from(["2/3", "1/2", "none"])),
        "trend": draw(st.booleans()),
        "trend_p": draw(st.sampled_from([0.05, 1.0])),
        "reweight": draw(st.booleans()),
        "outlier": draw(st.sampled_from([1.0, 2.58])),
        "limit": draw(st.sampled_from([(5, 4), (0, 1)])),
    }


def rare(**chosen: Any) -> dict[str, Any]:
    """Settings of cases so rare that one decides."""
    return {
        "half": 2, "seasons": 1, "skip": 3, "alpha": 0.005, "method": "nb_plugin", "power": "1/2",
        "trend": True, "trend_p": 1.0, "reweight": True, "outlier": 2.58, "limit": (0, 1), **chosen,
    }  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(
    options(),
    st.integers(0, 2**32),
    st.sampled_from([0.01, 0.05, 0.2, 1.0, 8.0, 5000.0]),
    st.sampled_from([0.01, 0.5]),
    st.sampled_from([0, 40]),
    st.booleans(),
    st.booleans(),
)
# A past without a case has the threshold 0 on the scale of roots too.
@example(rare(years=2, method="delta"), 4194493868, 0.01, 0.5, 40, False, False)
@example(
    rare(years=2, method="delta", seasons=10, skip=26, alpha=0.05, outlier=1.0),
    112498856,
    0.01,
    0.01,
    40,
    False,
    False,
)
# One case, in the first week of the history: a trend without end.
@example(rare(years=5, half=1, alpha=0.05, reweight=False), 6781026, 0.05, 0.01, 40, True, False)
@example(
    rare(years=3, seasons=4, skip=26, method="muan", alpha=0.05, trend_p=0.05, outlier=1.0),
    2344293476,
    0.01,
    0.01,
    0,
    True,
    True,
)
@example(
    rare(years=4, skip=26, method="delta", reweight=False, outlier=1.0),
    1899106691,
    0.05,
    0.01,
    0,
    False,
    True,
)
@example(rare(years=3, half=4, skip=26, method="delta", power="2/3", trend_p=0.05, reweight=False),
         2055706386, 0.05, 0.01, 0, True, False)  # fmt: skip
# Nearly Poisson, where an incomplete beta function loses eight digits.
@example(rare(years=3, half=4, seasons=10, skip=26, method="muan", trend=False, reweight=False,
              outlier=1.0, limit=(5, 4)), 34075, 0.2, 0.01, 40, False, False)  # fmt: skip
def test_farrington_is_its_twin(
    chosen: dict[str, Any], seed: int, level: float, wild: float, holes: int,
    dated: bool, populated: bool,
) -> None:  # fmt: skip
    y = weeks_like(seed, level, wild, holes)
    first = date(2015, 1, 5) + timedelta(weeks=seed % 60)
    dates = [first + timedelta(weeks=week) for week in range(WEEKS)] if dated else None
    people = np.linspace(9_000, 11_000, WEEKS) if populated else None
    fast = farrington_flexible(y[np.newaxis], dates=dates, population=people, **chosen)
    for k in (0, 5, 120, 262, 271, 300, WEEKS - 1):
        day, trend = plain(y, k, Settings(**chosen), dates, people)
        assert fast.answered[0, k] == (day is not None), f"week {k}"
        if day is None:
            continue
        ours = [float(getattr(fast, name)[0, k]) for name in ("expected", "upper", "p", "score")]
        # The score of a week out of season is a difference over a difference of tiny numbers.
        np.testing.assert_allclose(ours, day[:4], rtol=1e-8, atol=1e-9, err_msg=f"week {k}")
        assert bool(fast.alarm[0, k]) == day[4]
        assert bool(fast.flags[0, k] & Flag.TREND) == trend
        if chosen["method"] != "delta" and day[1] < 1e9:
            assert ours[1] == day[1]


def test_farrington_of_1996_is_the_flexible_one_by_its_preset() -> None:
    y = weeks_like(3, 6.0, 0.4, 5)[np.newaxis]
    old = farrington(y)
    flexible = farrington_flexible(y, **PRESETS["farrington1996"])
    both = old.answered & flexible.answered & ~np.isnan(old.upper)
    assert both.sum() > 50
    # They differ in the error of the expected number only: dispersion 1 at least, or as it is.
    np.testing.assert_allclose(old.upper[both], flexible.upper[both], rtol=0.02)
    np.testing.assert_array_equal(old.expected, flexible.expected)


def noisy(series: int, weeks: int = 300) -> Floats:
    rng = np.random.default_rng(11)
    level = 10 ** rng.uniform(-1, 2, (series, 1))
    counts = rng.poisson(rng.gamma(2, level / 2, (series, weeks))).astype(np.float64)
    counts[rng.random(counts.shape) < 0.01] = NAN
    return counts


@pytest.mark.parametrize("method", ["nb_plugin", "delta", "muan"])
def test_a_case_more_never_takes_an_alarm_away(method: Any) -> None:
    counts = noisy(200)
    counts[::9, -1] = 4 * counts[::9, -1] + 5
    more = counts.copy()
    more[:, -1] += 1
    before = farrington_flexible(counts, method=method, last=1)
    after = farrington_flexible(more, method=method, last=1)
    assert before.alarm.any()
    assert not (before.alarm & ~after.alarm).any()
    np.testing.assert_array_equal(before.expected, after.expected)
    assert (after.p[before.answered] <= before.p[before.answered]).all()


def same(one: Detection, other: Detection) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_series_has_the_same_answer_alone_and_among_others() -> None:
    counts = noisy(150)
    together = farrington_flexible(counts, last=20)
    for row in (0, 77, 149):
        alone = farrington_flexible(counts[[row]], last=20)
        for name in ARRAYS:
            np.testing.assert_allclose(
                getattr(alone, name)[0], getattr(together, name)[row], rtol=1e-10, err_msg=name
            )
    halves = [farrington_flexible(part, last=20) for part in (counts[:70], counts[70:])]
    joined = Detection(*(np.concatenate([getattr(half, name) for half in halves])
                         for name in ARRAYS))  # fmt: skip
    same(joined, together)


def test_the_last_weeks_alone_are_the_last_of_all_weeks() -> None:
    counts = noisy(20)
    whole, end = farrington_flexible(counts), farrington_flexible(counts, last=3)
    assert end.upper.shape == (20, 3)
    for name in ARRAYS:
        np.testing.assert_allclose(
            getattr(end, name), getattr(whole, name)[:, -3:], rtol=1e-10, err_msg=name
        )


def test_what_cannot_be_judged_says_why_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(4)
    good = rng.poisson(6, 300).astype(np.float64)
    bad = {
        "zeros": np.zeros(300), "one value": np.full(300, 7.0), "missing": np.full(300, NAN),
        "infinite": np.where(np.arange(300) % 9 == 0, np.inf, good), "negative": good - 5,
        "huge": good * 1e9 / 6, "constant and huge": np.full(300, 1e9),
        "missing now": np.append(good[:-1], NAN), "one case": np.eye(1, 300, 100)[0],
    }  # fmt: skip
    counts = np.array([good, *bad.values()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("nb_plugin", "delta", "muan"):
            for compat in (None, "R"):
                answer = farrington_flexible(counts, method=method, compat=compat)
                alone = farrington_flexible(good[np.newaxis], method=method, compat=compat)
                np.testing.assert_allclose(answer.upper[0], alone.upper[0], rtol=1e-10)
                unanswered = ~answer.answered
                assert (answer.flags[unanswered] & Flag.NO_ANSWER > 0).all()
                assert not answer.alarm[unanswered].any()
                silent = np.isnan(answer.upper) & answer.answered
                assert (answer.flags[silent] & Flag.FEW_CASES > 0).all()
        last = dict(zip(["good", *bad], farrington_flexible(counts).flags[:, -1], strict=True))
    assert last["zeros"] == Flag.FLAT_HISTORY | Flag.FEW_CASES
    assert last["missing"] == Flag.MISSING_NOW | Flag.TOO_FEW_POINTS
    assert last["missing now"] & Flag.NO_ANSWER == Flag.MISSING_NOW
    assert last["constant and huge"] & Flag.NO_ANSWER == 0
    assert last["huge"] & Flag.NO_ANSWER == 0


def test_five_cases_after_years_of_none_alarm_and_four_do_not() -> None:
    quiet = np.zeros((2, 300))
    quiet[:, -1] = [5, 4]
    answer = farrington_flexible(quiet)
    assert answer.alarm[:, -1].tolist() == [True, False]
    assert answer.upper[0, -1] == 0
    assert answer.flags[1, -1] & Flag.FEW_CASES
    assert not farrington_flexible(quiet, compat="R").answered[:, -1].any()


@pytest.mark.parametrize("power", ["2/3", "1/2", "none"])
def test_after_years_of_none_the_threshold_is_0_on_every_scale(power: Any) -> None:
    quiet = np.zeros((2, 300))
    quiet[0, -1] = 1
    for method in (farrington, farrington_flexible):
        options = {"method": "delta"} if method is farrington_flexible else {}
        answer = method(quiet, power=power, limit=(0, 1), last=1, **options)
        assert answer.upper[:, 0].tolist() == [0, 0]
        assert answer.alarm[:, 0].tolist() == [True, False]
        assert answer.p[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize("method", ["nb_plugin", "delta", "muan"])
def test_a_trend_without_end_is_not_kept_and_the_next_steepest_is(where: str, method: Any) -> None:
    options: dict[str, Any] = {
        "seasons": 1, "half": 2, "skip": 3, "limit": (0, 1), "method": method, "last": 1,
    }  # fmt: skip
    weeks = [299 - 52 * year + near for year in range(1, 6) for near in range(-2, 3)]
    ends = (min(weeks), 1) if where == "first" else (max(weeks), -1)
    counts = np.zeros((3, 300))
    counts[:, ends[0]] = 3
    counts[1, ends[0] + ends[1]] = 1  # one case elsewhere, and there is a steepest
    counts[2, ends[0] - ends[1]] = 1  # a week that is not in the history
    answer = farrington_flexible(counts, **options)
    kept = (answer.flags[:, 0] & Flag.TREND) > 0
    # A trend that rises above all counts ever seen is not kept either.
    assert kept.tolist() == [False, where == "first", False]
    np.testing.assert_allclose(answer.expected[[0, 2], 0], 3 / 25)
    assert (answer.flags[:, 0] & Flag.NO_ANSWER).tolist() == [0, 0, 0]


def test_cases_in_each_seasons_own_first_week_are_a_trend_without_end_too() -> None:
    y = np.zeros(400)
    options: dict[str, Any] = {"seasons": 4, "limit": (0, 1), "years": 3}
    day, _ = plain(y, 399, Settings(**options))
    assert day is not None
    (base,) = (found for found, columns in baselines(Shape(3, 3, 4, 26), 400, 399))
    for season in base.seasons[:3]:
        y[399 + base.lags[season][0]] = 2
    endless = farrington_flexible(y[np.newaxis], last=1, **options)
    assert not endless.flags[0, 0] & Flag.TREND
    y[399 + base.lags[base.seasons[1]][5]] = 1
    assert farrington_flexible(y[np.newaxis], last=1, **options).flags[0, 0] & Flag.TREND


def test_a_trend_so_steep_that_its_numbers_leave_the_computer_is_that_of_the_twin() -> None:
    y = np.zeros(400)
    ago = 52 * 5
    y[399 - ago - 2 : 399 - ago + 3] = 10**6, 61_000, 3_700, 227, 14  # a factor of 16 a week
    options: dict[str, Any] = {"seasons": 1, "half": 2, "skip": 3, "limit": (0, 1)}
    day, kept = plain(y, 399, Settings(**options))
    answer = farrington_flexible(y[np.newaxis], last=1, **options)
    assert day is not None and kept and answer.flags[0, 0] & Flag.TREND
    assert answer.expected[0, 0] == pytest.approx(day[0], abs=1e-300)
    assert answer.upper[0, 0] == day[1] == 0


def test_a_missing_week_does_not_silence_the_weeks_after_it_as_in_r() -> None:
    y = np.full((1, 300), 5.0) + np.arange(300) % 3
    y[0, 296] = NAN
    ours, as_r = farrington_flexible(y), farrington_flexible(y, compat="R")
    assert not np.isnan(ours.upper[0, 297:]).any()
    assert np.isnan(as_r.upper[0, 297:]).all()


def test_the_first_answer_comes_when_the_same_week_of_all_years_is_known() -> None:
    y = np.arange(300.0)[np.newaxis] % 7 + 2
    answer = farrington_flexible(y)
    assert np.flatnonzero(answer.answered[0])[0] == 260
    assert (answer.flags[0, :260] == Flag.SHORT_HISTORY).all()
    assert farrington_flexible(y[:, :100]).flags.all()
    assert farrington_flexible(np.empty((0, 300))).alarm.shape == (0, 300)
    assert farrington_flexible(np.empty((3, 0))).alarm.shape == (3, 0)


def test_the_season_does_not_slip_after_years_of_53_weeks() -> None:
    days = np.datetime64("2010-01-04") + 7 * np.arange(700)
    shape = Shape(years=11, half=0, seasons=1, skip=1)
    eleven_years = 4018  # days, three of them 29 February
    for dates, most in ((days, 4), (None, 15)):
        (found,) = (base for base, columns in baselines(shape, 700, dates=dates) if 699 in columns)
        slip = abs(-7 * found.lags.min() - eleven_years)
        assert slip <= most
        assert (slip > 4) == (dates is None)


def test_a_population_that_grows_is_no_outbreak() -> None:
    people = np.linspace(10_000, 10_000, 300)
    people[-1] = 40_000
    y = np.full((1, 300), 10.0) + np.arange(300) % 3
    y[0, -1] = 42
    assert farrington_flexible(y).alarm[0, -1]
    assert not farrington_flexible(y, population=people).alarm[0, -1]
    people[-1] = 0
    gone = farrington_flexible(y, population=people)
    assert not gone.answered[0, -1]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"alpha": 1}, "alpha"), ({"method": "x"}, "method"), ({"power": "x"}, "power"),
        ({"years": 0}, "years"), ({"half": -1}, "half"), ({"seasons": 50}, "windows"),
        ({"limit": (5, 0)}, "limit"), ({"compat": "SAS"}, "compat"), ({"trend_p": 2}, "trend_p"),
        ({"dates": ["2020-01-01"]}, "dates"), ({"skip": -1}, "skip"), ({"outlier": -1}, "outlier"),
        ({"dates": np.arange("2020-01", "2045-01", dtype="datetime64[M]")}, "one week apart"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        farrington_flexible(np.ones((1, 300)), **options)
