"""Promises that every detector keeps."""

import copy
import pickle
import warnings
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest

import epistat
from epistat import Detection, Flag
from epistat.result import ARRAYS, Floats

Judge = Callable[[Floats], Detection]

METHODS: dict[str, Judge] = {
    "adaptive": lambda y: epistat.adaptive(y, years=3),
    "adaptive by day": lambda y: epistat.adaptive(y, every="day"),
    "c1": epistat.c1,
    "c2": epistat.c2,
    "c3": epistat.c3,
    "farrington": epistat.farrington,
    "noufaily": epistat.farrington_flexible,
    "bayes1": lambda y: epistat.bayes(y, years=0),
    "bayes2": epistat.bayes,
    "bayes3": lambda y: epistat.bayes(y, years=2, half=4, current=False),
    "rki2": epistat.rki,
    "cdc": epistat.cdc,
    "moving percentile": lambda y: epistat.moving_percentile(y, every="week"),
    "fixed": epistat.fixed_threshold,
    "cusum": lambda y: epistat.cusum(y, training=250),
    "cusum anscombe nb": lambda y: epistat.cusum(
        y, training=270, transform="anscombe_nb", mean="season", reset=True
    ),
    "lr": lambda y: epistat.glr(y, training=250, theta=0.4),
    "lr nb": lambda y: epistat.glr(y, training=250, theta=0.4, alpha=None),
    "glr": lambda y: epistat.glr(y, training=270, trend=True),
    "glr refit": lambda y: epistat.glr(y, training=280, window=6, refit=True),
    "glr nb": lambda y: epistat.glr(y, training=290, alpha=0.3, window=6),
    "glr epidemic": lambda y: epistat.glr(y, training=290, change="epidemic", window=6),
    "outbreak p": lambda y: epistat.outbreak_p(y, first=30),
}
each = pytest.mark.parametrize("judge", METHODS.values(), ids=list(METHODS))
WEEKS = 300


def counts_like_surveillance(series: int) -> Floats:
    rng = np.random.default_rng(23)
    level = 10 ** rng.uniform(-1, 2, (series, 1))
    counts = rng.poisson(rng.gamma(2, level / 2, (series, WEEKS))).astype(np.float64)
    counts[rng.random(counts.shape) < 0.005] = np.nan
    counts[::7, -1] = 4 * counts[::7, -2] + 6
    return counts


def assert_same(one: Detection, other: Detection) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@each
def test_a_case_more_today_never_takes_an_alarm_away(judge: Judge) -> None:
    counts = counts_like_surveillance(150)
    more = counts.copy()
    more[:, -1] += np.arange(150) % 3 + 1
    before, after = judge(counts), judge(more)
    assert before.alarm[:, -1].any()
    assert not (before.alarm[:, -1] & ~after.alarm[:, -1]).any()


@each
def test_the_threshold_is_where_alarms_begin(judge: Judge) -> None:
    counts = counts_like_surveillance(60)
    counts[:, -1] = 8  # the low-count rule is not asked here
    before = judge(counts)
    if not np.array_equal(before.observed, counts, equal_nan=True):
        pytest.skip("the number judged is a sum of several weeks")
    upper = before.upper[:, -1]
    above, below = counts.copy(), counts.copy()
    above[:, -1] = np.maximum(np.floor(upper * (1 + 1e-12)) + 1, 5)
    below[:, -1] = np.maximum(np.ceil(upper * (1 - 1e-12)) - 1, 0)
    known = np.isfinite(upper) & ((before.flags[:, -1] & np.uint8(Flag.FEW_CASES)) == 0)
    assert known.sum() > 30
    above[~known, -1] = below[~known, -1] = 8
    assert judge(above).alarm[known, -1].all()
    quiet = known & (upper > below[:, -1]) & (upper >= 1)
    few = (judge(below).flags[:, -1] & np.uint8(Flag.FEW_CASES)) != 0
    assert quiet.any()
    assert not judge(below).alarm[quiet & ~few, -1].any()


@each
def test_a_batch_cut_in_two_has_the_same_answers(judge: Judge) -> None:
    counts = counts_like_surveillance(90)
    halves = [judge(part) for part in (counts[:1], counts[1:37], counts[37:])]
    joined: Any = [np.concatenate([getattr(half, name) for half in halves]) for name in ARRAYS]
    assert_same(Detection(*joined), judge(counts))


@each
def test_bad_series_are_flagged_and_leave_the_others_alone(judge: Judge) -> None:
    rng = np.random.default_rng(4)
    good = rng.poisson(6, WEEKS).astype(np.float64)
    bad = [
        np.zeros(WEEKS), np.full(WEEKS, 7.0), np.full(WEEKS, np.nan), np.full(WEEKS, np.inf),
        np.where(np.arange(WEEKS) % 9 == 0, np.inf, good), good - 5, good * 1e9 / 6,
        np.full(WEEKS, 1e9), np.append(good[:-1], np.nan), np.eye(1, WEEKS, 100)[0],
        np.eye(1, WEEKS, WEEKS - 1)[0] * 1e9,
    ]  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = judge(np.array([good, *bad]))
        alone = judge(good[np.newaxis])
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(answer, name)[0], getattr(alone, name)[0], name)
    silent = ~answer.answered
    assert ((answer.flags & np.uint8(Flag.NO_ANSWER)) != 0)[silent].all()
    assert not answer.alarm[silent].any()
    assert silent[3].all(), "infinite counts are no counts"
    bare = np.isnan(answer.upper) & answer.answered
    assert ((answer.flags & np.uint8(Flag.FEW_CASES)) != 0)[bare].all()


@each
def test_a_short_series_is_answered_with_a_reason_or_a_number(judge: Judge) -> None:
    for weeks in range(12):
        answer = judge(np.ones((2, weeks)))
        assert answer.alarm.shape == (2, weeks)
        assert (answer.answered | (answer.flags > 0)).all()
    assert judge(np.empty((0, 40))).alarm.shape == (0, 40)


@each
def test_the_counts_that_are_given_are_not_changed(judge: Judge) -> None:
    counts = counts_like_surveillance(5)
    before = counts.copy()
    judge(counts)
    np.testing.assert_array_equal(counts, before)


@pytest.mark.parametrize(
    "method", [epistat.farrington, epistat.farrington_flexible, epistat.adaptive]
)
def test_the_unit_of_a_population_does_not_matter(method: Any) -> None:
    counts = counts_like_surveillance(60)
    people = np.linspace(90_000, 110_000, WEEKS)
    one = method(counts, population=people, last=8)
    thousand = method(counts, population=people / 1000, last=8)
    np.testing.assert_allclose(thousand.upper, one.upper, rtol=1e-9)
    np.testing.assert_allclose(thousand.p, one.p, rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(thousand.alarm, one.alarm)
    assert one.alarm.any()


@pytest.mark.parametrize("method", [epistat.c1, epistat.c2, epistat.c3])
def test_counts_a_hundred_times_as_high_have_thresholds_as_high(method: Any) -> None:
    counts = counts_like_surveillance(60)
    one, hundred = method(counts), method(100 * counts)
    np.testing.assert_allclose(hundred.upper, 100 * one.upper, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(hundred.alarm, one.alarm)
    np.testing.assert_array_equal(hundred.flags, one.flags)


@pytest.mark.parametrize("method", [epistat.farrington, epistat.farrington_flexible])
def test_counts_and_people_twice_as_many_expect_twice_as_many(method: Any) -> None:
    counts = 3 * counts_like_surveillance(60)
    people = np.linspace(90_000, 110_000, WEEKS)
    options = {"last": 8, "reweight": False, "trend": False}
    one = method(counts, population=people, **options)
    two = method(2 * counts, population=2 * people, **options)
    np.testing.assert_allclose(two.expected, 2 * one.expected, rtol=1e-6, atol=1e-6)


def test_p_and_score_that_are_asked_for_later_are_the_same_after_pickling_and_copying() -> None:
    counts = counts_like_surveillance(40)
    for judge in (epistat.c1, epistat.c3, epistat.bayes):
        answer = judge(counts)
        sent = pickle.loads(pickle.dumps(judge(counts)))  # what we pickled ourselves
        assert_same(sent, answer)
        assert_same(copy.deepcopy(judge(counts)), answer)
        assert answer.p is answer.p
        with pytest.raises(FrozenInstanceError):
            answer.p = answer.score
        assert not hasattr(answer, "pvalue")


def test_a_series_is_judged_alike_beside_fractions_great_numbers_and_missing_ones() -> None:
    whole = counts_like_surveillance(4)[:1].round()
    beside = np.concatenate([whole, whole + 0.25, whole * 1e9, np.where(whole > 9, np.nan, whole)])
    for judge in (epistat.c1, epistat.c2, epistat.c3, epistat.bayes):
        together = judge(beside)
        for row, series in enumerate(beside):
            alone = judge(series[np.newaxis])
            for name in ARRAYS:
                np.testing.assert_array_equal(getattr(together, name)[[row]], getattr(alone, name))


def test_a_method_says_whether_a_number_at_its_threshold_alarms() -> None:
    assert not epistat.c1([[1, 2, 3]]).at_upper
    assert epistat.fixed_threshold([[1]], 1).at_upper
    counts = np.repeat(counts_like_surveillance(60), 2, axis=0)
    for judge in (
        epistat.c2,
        epistat.bayes,
        epistat.cusum,
        epistat.glr,
        lambda y: epistat.glr(y, theta=0.7),
        lambda y: epistat.moving_percentile(y, every="week", minimum=0, strict=False),
        lambda y: epistat.moving_percentile(y, every="week", minimum=0, strict=True),
    ):
        answer = judge(counts[:8])
        known = answer.answered & ~np.isnan(answer.upper)
        at = answer.observed == answer.upper
        over = answer.observed > answer.upper
        assert (answer.alarm == (over | (at & answer.at_upper)))[known].all()


def test_counts_beyond_belief_are_missing_and_nothing_warns() -> None:
    counts = counts_like_surveillance(3)
    counts[0, -1], counts[1, 100], counts[2, 50:60] = 1e300, 1e300, np.inf
    interval = [0, 0.5, 0.3, 0.2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = epistat.c1(counts)
        assert answer.flags[0, -1] & Flag.MISSING_NOW
        for judge in (epistat.bayes, epistat.rki, epistat.cdc, epistat.outbreak_p, epistat.cusum):
            found = judge(counts)
            assert not np.isinf(found.expected).any()
            assert found.p.shape == found.score.shape == counts.shape
        epistat.cori(counts, interval)
        epistat.wallinga_teunis(counts, interval)
        for model in ("loglinear", "poisson", "quasipoisson", "negbin"):
            epistat.growth_rate(counts, model=model)


@pytest.mark.parametrize("model", ["loglinear", "poisson", "quasipoisson", "negbin"])
def test_growth_is_the_same_to_the_last_bit_alone_and_beside_others(model: Any) -> None:
    counts = counts_like_surveillance(12)[:, :40]
    together = epistat.growth_rate(counts, model=model)
    for row, series in enumerate(counts):
        alone = epistat.growth_rate(series[np.newaxis], model=model)
        for field in fields(together):
            one, all_ = getattr(alone, field.name), getattr(together, field.name)
            if isinstance(all_, np.ndarray) and len(all_) == len(counts):
                np.testing.assert_array_equal(all_[[row]], one, err_msg=field.name)
