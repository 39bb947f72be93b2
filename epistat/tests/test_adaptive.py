"""The default warning score: its formula, its promises, and that it is the better one."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from epistat import Detection, Flag, adaptive
from epistat.evaluate import evaluate
from epistat.result import ARRAYS, Floats
from epistat.tests import default_score, plain_adaptive
from epistat.tests.default_score import CHOSEN_ON, REPORTED_ON, scenarios
from epistat.tests.examples import examples

WEEKS = 300


def seasonal(series: int, level: float = 6.0, seed: int = 5) -> Floats:
    rng = np.random.default_rng(seed)
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)
    return rng.poisson(rng.gamma(4, level * season / 4, (series, WEEKS))).astype(np.float64)


def flagged(answer: Detection, flag: Flag) -> NDArray[np.bool_]:
    return (answer.flags & np.uint8(flag)) != 0


# --- The formula ---


@settings(max_examples=examples(15), deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.05, 1.0, 9.0, 300.0]),
    st.sampled_from([40, 130, 300]),
    st.fixed_dictionaries(
        {
            "alpha": st.sampled_from([0.001, 0.05]),
            "years": st.sampled_from([2, 8]),
            "half_life": st.sampled_from([1.0, 3.0]),
            "guard": st.integers(0, 4),
        }
    ),
    st.booleans(),
)
def test_it_is_its_plain_twin(
    seed: int, level: float, time: int, options: dict[str, Any], has_people: bool
) -> None:
    rng = np.random.default_rng(seed)
    y = rng.poisson(rng.gamma(3, level / 3, time)).astype(np.float64)
    y[time // 2 : time // 2 + 3] += rng.poisson(5 * level + 3)
    y[rng.random(time) < 0.03] = np.nan
    if has_people:
        options = {**options, "population": np.linspace(9e4, 12e4, time)}

    answer = adaptive(y[np.newaxis], last=20, **options)

    twin = plain_adaptive.adaptive(y, first=time - 20, **options)
    for t, day in enumerate(twin):
        assert answer.answered[0, t] == (day is not None)
        if day is not None:
            numbers = answer.expected, answer.upper, answer.p, answer.score
            ours = [float(column[0, t]) for column in numbers]
            np.testing.assert_allclose(ours, day[:4], rtol=1e-7, atol=1e-9)
            assert answer.alarm[0, t] == day[4]


def test_a_season_a_trend_and_a_higher_level_of_late_are_expected() -> None:
    weeks = np.arange(WEEKS)
    rng = np.random.default_rng(2)
    season = rng.poisson(20 * (1 + 0.6 * np.cos(2 * np.pi * (weeks - WEEKS) / 52)), (40, WEEKS))
    trend = rng.poisson(20 * np.exp((weeks - WEEKS) / 52 * 0.2), (40, WEEKS))
    # A level that wanders, and stands twice as high in the last weeks.
    wander = np.exp(0.5 * np.sin(2 * np.pi * weeks / 37))
    wander[-30:] = 2.0
    level = rng.poisson(20 * wander, (40, WEEKS))
    for counts, expected in ((season, 32), (trend, 20), (level, 40)):
        now = adaptive(counts, last=1)
        assert np.median(now.expected) == pytest.approx(expected, rel=0.15)
    flat = rng.poisson(20, (40, WEEKS))
    assert np.median(adaptive(flat, last=1).expected) == pytest.approx(20, rel=0.05)


def test_a_past_outbreak_does_not_hide_the_next() -> None:
    calm = seasonal(40, level=10)
    struck = calm.copy()
    struck[:, 200:203] += 150
    without, after = (adaptive(counts, last=1).upper for counts in (calm, struck))
    assert (after < 1.25 * without + 2).all()


def test_the_days_are_judged_as_the_weeks_they_end() -> None:
    counts = seasonal(3)
    days = np.zeros((3, WEEKS * 7))
    days[:, 6::7] = counts  # all cases of a week on its last day
    calendar = np.datetime64("2010-01-04") + 7 * np.arange(WEEKS)
    weeks = adaptive(counts, dates=calendar, last=10)
    answer = adaptive(days, every="day", last=64)
    for name in ARRAYS:
        np.testing.assert_array_equal(
            getattr(answer, name)[:, ::7], getattr(weeks, name), err_msg=name
        )
    assert answer.observed.shape == (3, 64)


# --- What holds whatever comes ---


@settings(max_examples=examples(25), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0.01, 1e4))
def test_the_more_cases_the_smaller_p_and_no_alarm_is_lost(
    seed: int, more: int, level: float
) -> None:
    counts = np.random.default_rng(seed).poisson(level, (4, 120)).astype(np.float64)
    higher = counts.copy()
    higher[:, -1] += more
    before, after = adaptive(counts, last=1), adaptive(higher, last=1)
    assert (after.p <= before.p).all()
    assert (after.score >= before.score).all()
    assert not (before.alarm & ~after.alarm).any()
    np.testing.assert_array_equal(before.upper, after.upper)


def test_the_last_weeks_alone_and_any_batch_have_the_same_answer() -> None:
    counts = seasonal(130)
    counts[::9, 100:140] = np.nan
    whole = adaptive(counts, last=3)
    for rows in (slice(0, 1), slice(5, 70), slice(129, 130)):
        part = adaptive(counts[rows], last=3)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows], name)
    long = adaptive(counts[:6], last=40)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(long, name)[:, -3:], getattr(whole, name)[:6], name)


THREADED = """
import hashlib, numpy as np
from epistat import Uncertain, UncertainInterval, adaptive, cori
counts = np.random.default_rng(1).poisson(5, (150, 400))
answer = adaptive(counts, last=2)
belief = UncertainInterval(Uncertain(8.4, 1, 5.4, 11.4), Uncertain(3.8, 0.5, 2.3, 5.3))
spread = cori(20 * counts[:, :100], belief)
rows = cori(counts[:20], np.random.default_rng(2).dirichlet(np.ones(90), 60) * (np.arange(90) > 0))
arrays = answer.p, answer.expected, spread.quantiles, rows.quantiles
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
"""


def test_the_number_of_threads_changes_neither_scores_nor_reproduction_numbers() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", THREADED], env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            check=True, capture_output=True, text=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1


def test_counts_and_people_a_hundred_times_as_many_expect_a_hundred_times_as_many() -> None:
    counts = 5 * seasonal(20, level=30)
    people = np.linspace(9e4, 11e4, WEEKS)
    one = adaptive(counts, population=people, last=4)
    many = adaptive(100 * counts, population=100 * people, last=4)
    np.testing.assert_allclose(many.expected, 100 * one.expected, rtol=0.02)


def test_an_alarm_below_the_minimum_is_held_back_with_a_reason() -> None:
    counts = np.zeros((1, WEEKS))
    counts[0, -1] = 1
    assert adaptive(counts, last=1).alarm.all()
    held = adaptive(counts, last=1, minimum=3)
    assert not held.alarm.any()
    assert flagged(held, Flag.BELOW_MINIMUM).all()


# --- Short, empty and bad histories ---


def test_a_young_series_is_answered_after_half_a_year_and_cautiously() -> None:
    counts = np.random.default_rng(8).poisson(6, (50, WEEKS)).astype(np.float64)
    answer = adaptive(counts)
    young = flagged(answer, Flag.SHORT_HISTORY)
    assert young[:, :27].all()
    assert not young[:, 27:].any()
    assert answer.answered[:, 27:].all()
    # Nobody knows the season yet: what is allowed is more than later on.
    early, late = answer.upper[:, 27:40].mean(), answer.upper[:, -13:].mean()
    assert late < early < 3 * late
    assert answer.alarm[:, 27:79].mean() < 0.01


def test_years_without_a_case_expect_none_and_say_so() -> None:
    counts = np.zeros((2, WEEKS))
    counts[1, -1] = 2
    answer = adaptive(counts, last=1)
    assert (answer.expected < 0.02).all()
    assert answer.alarm[:, 0].tolist() == [False, True]
    assert flagged(answer, Flag.FLAT_HISTORY).all()


@pytest.mark.parametrize("level", [1.0, 1e3, 1e9])
def test_a_flood_among_zeros_is_answered(level: float) -> None:
    counts = np.zeros((1, WEEKS))
    counts[0, 100] = level
    answer = adaptive(counts, last=60)
    assert answer.answered.all()
    assert np.isfinite(answer.upper).all()
    assert (answer.expected < level / 50 + 0.01).all()


def test_too_many_missing_weeks_are_a_reason() -> None:
    counts = seasonal(1)
    counts[0, 15:290] = np.nan
    answer = adaptive(counts, last=1)
    assert flagged(answer, Flag.TOO_FEW_POINTS).all()
    assert not flagged(answer, Flag.SHORT_HISTORY).any()


def test_without_the_population_of_now_there_is_no_answer() -> None:
    people = np.full(WEEKS, 1e5)
    people[-1] = np.nan
    answer = adaptive(seasonal(2), population=people, last=1)
    assert flagged(answer, Flag.UNDEFINED).all()
    assert not answer.alarm.any()


@pytest.mark.parametrize(
    "options",
    [
        {"every": "month"}, {"alpha": 0}, {"alpha": 1}, {"years": 0}, {"half_life": 0},
        {"guard": -1}, {"minimum": -1}, {"dates": ["2020-01-01"]},
        {"dates": np.repeat(np.datetime64("2020-01-01"), WEEKS)},
    ],
)  # fmt: skip
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|need"):
        adaptive(seasonal(1), **options)


# --- It is the better score ---


def test_it_finds_more_and_sooner_than_noufaily_at_no_more_false_alarms() -> None:
    """The claim of the page of verification, on 10 replicates of each scenario."""
    lines = default_score.on_scenarios(scenarios(REPORTED_ON[:1], 10))[:7]
    theirs, ours, own = lines[0], lines[1], lines[6]
    assert ours.fpr <= theirs.fpr
    assert ours.pod > theirs.pod + 1
    assert ours.pod1 > theirs.pod1 + 1
    assert ours.wait < theirs.wait
    assert own.fpr < theirs.fpr
    assert own.pod > theirs.pod


def test_the_seeds_it_is_reported_on_had_no_part_in_choosing() -> None:
    assert not set(CHOSEN_ON) & set(REPORTED_ON)


@pytest.mark.long
def test_the_figures_of_the_page_are_those_of_the_benchmark() -> None:
    lines = default_score.on_scenarios(scenarios(REPORTED_ON))
    for line, said in zip(lines, default_score.stored()["scenarios"], strict=True):
        assert line.method == said["method"]
        for name in ("fpr", "pod", "pod1", "delay", "wait"):
            assert getattr(line, name) == pytest.approx(said[name], abs=0.02), line.method
    for theirs, ours in ((lines[0], lines[1]), (lines[3], lines[4])):
        assert ours.pod > theirs.pod + 2
        assert ours.pod1 > theirs.pod1 + 2
        assert ours.delay < theirs.delay


def test_evaluate_knows_it() -> None:
    judge: Callable[[Floats], Detection] = lambda y: adaptive(y, last=49)  # noqa: E731  # typed
    measures = evaluate({"adaptive": judge}, scenarios((3,), 1))["adaptive"]
    assert measures.answered == 1
    assert measures.fpr < 0.01
