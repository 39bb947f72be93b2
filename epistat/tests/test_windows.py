"""Bayes, RKI and CDC agree with their plain twins."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epistat import Flag, bayes, cdc, rki
from epistat.result import ARRAYS, Floats
from epistat.tests import plain
from epistat.tests.examples import examples
from epistat.tests.test_plain_twins import assert_as_plain, years_of_counts
from epistat.windows import _Predictive

NAN = float("nan")
WINDOWS = st.sampled_from([(0, 6, True), (1, 6, True), (2, 4, False), (1, 2, False)])


@settings(max_examples=examples(50), deadline=None)
@given(years_of_counts(200), WINDOWS, st.sampled_from([0.05, 0.001]))
def test_bayes_is_its_twin(y: Floats, window: tuple[int, int, bool], alpha: float) -> None:
    years, half, current = window
    answer = bayes(y[np.newaxis], years=years, half=half, current=current, alpha=alpha)
    assert_as_plain(answer, plain.bayes(y, years, half, current, alpha))


@settings(max_examples=examples(50), deadline=None)
@given(years_of_counts(200), WINDOWS)
def test_rki_is_its_twin(y: Floats, window: tuple[int, int, bool]) -> None:
    years, half, current = window
    answer = rki(y[np.newaxis], years=years, half=half, current=current)
    assert_as_plain(answer, plain.rki(y, years, half, current))


@settings(max_examples=examples(40), deadline=None)
@given(years_of_counts(260), st.integers(1, 3), st.integers(0, 2), st.sampled_from([0.01, 0.3]))
def test_cdc_is_its_twin(y: Floats, years: int, around: int, alpha: float) -> None:
    answer = cdc(y[np.newaxis], years=years, around=around, alpha=alpha)
    assert_as_plain(answer, plain.cdc(y, years, around, alpha))


@pytest.mark.parametrize("method", [bayes, rki, cdc])
def test_the_last_weeks_alone_are_the_last_of_all_weeks(method: Any) -> None:
    counts = np.random.default_rng(3).poisson(9, (40, 300)).astype(np.float64)
    whole, end = method(counts), method(counts, last=2)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(end, name), getattr(whole, name)[:, -2:])


@pytest.mark.parametrize("method", [bayes, rki])
def test_with_dates_the_same_week_of_the_calendar_is_taken(method: Any) -> None:
    dates = np.datetime64("2015-01-05") + 7 * np.arange(320)  # 2015 and 2020 have 53 weeks
    counts = np.random.default_rng(3).poisson(9, (5, 320)).astype(np.float64)
    plain_year = method(counts, years=3, half=2, current=False)
    dated = method(counts, years=3, half=2, current=False, dates=dates)
    assert dated.answered[:, 200:].all()
    assert (plain_year.expected != dated.expected)[:, 250:].mean() > 0.5


def test_six_weeks_are_enough_for_bayes1_and_five_are_not() -> None:
    answer = bayes([[1, 0, 2, 1, 0, 1, 9]], years=0)
    assert answer.flags[0, :6].tolist() == [Flag.SHORT_HISTORY] * 6
    assert answer.alarm[0, 6]
    assert not bayes([[1, 0, 2, 1, 0, 1, 3]], years=0).alarm[0, 6]


@pytest.mark.parametrize(
    ("method", "options", "problem"),
    [
        (bayes, {"years": -1}, "years"), (rki, {"half": -1}, "half"),
        (bayes, {"alpha": 0}, "alpha"),
        (cdc, {"around": 7}, "around"), (cdc, {"years": 0}, "years"),
        (cdc, {"around": -1}, "around"),
        (rki, {"compat": "SAS"}, "compat"), (bayes, {"half": 30}, "windows"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused(method: Any, options: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        method(np.ones((1, 300)), **options)


@pytest.fixture
def _turns() -> Iterator[None]:
    """Threads take turns a thousand times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 1_000)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_turns")
def test_a_thread_gets_limits_for_all_its_counts_while_another_asks_for_fewer() -> None:
    for _again in range(50):
        law = _Predictive(0.05, 12.0)
        asked = [30.0, 3_000.0] * 2
        with ThreadPoolExecutor(4) as threads:
            tables = list(threads.map(law.table, asked))
        assert all(
            table is not None and len(table) > n for n, table in zip(asked, tables, strict=True)
        )
