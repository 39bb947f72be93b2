"""The fast functions agree with the plain twins on any input, and with themselves in any batch."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epistat import Detection, Flag, c1, c2, c3, fixed_threshold, moving_percentile
from epistat.percentile import Definition
from epistat.result import ARRAYS, Floats
from epistat.tests import plain
from epistat.tests.examples import examples

BIG = st.integers(10_000_000, 1_000_000_000)
COUNT = st.one_of(st.integers(0, 3), st.integers(0, 40), BIG, st.just(float("nan")))
DAYS = st.lists(COUNT, max_size=40)
FLAT = st.tuples(st.integers(0, 5), st.integers(0, 30)).map(lambda c: [float(c[0])] * c[1])
SERIES = st.tuples(FLAT, DAYS).map(lambda parts: [*parts[0], *parts[1]])


@st.composite
def years_of_counts(draw: st.DrawFn, steps: int) -> Floats:
    """Long series cheaply: a seed, a level, and a few holes, zeros and floods put in."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    level = draw(st.sampled_from([0.0, 0.1, 1.0, 12.0, 3e7]))
    counts = rng.poisson(level, draw(st.integers(0, steps))).astype(np.float64)
    for value in draw(st.lists(st.sampled_from([np.nan, 0.0, 2e8]), max_size=6)):
        start = draw(st.integers(0, steps))
        counts[start : start + draw(st.integers(1, 200))] = value
    return counts


def assert_as_plain(answer: Detection, days: Sequence[plain.Day]) -> None:
    assert answer.answered[0].tolist() == [day is not None for day in days]
    numbers = answer.expected, answer.upper, answer.p, answer.score
    for t, day in enumerate(days):
        if day is None:
            assert not answer.alarm[0, t]
            continue
        fast = [float(column[0, t]) for column in numbers]
        np.testing.assert_allclose(fast, day[:4], rtol=1e-9, atol=1e-12, err_msg=f"t = {t}")
        assert answer.alarm[0, t] == day[4], f"t = {t}"


@settings(deadline=None)
@given(SERIES, st.integers(3, 9), st.sampled_from([0.001, 0.05]), st.sampled_from([0.0, 0.5]))
@example([5.0] * 20, 7, 0.001, 0.0)
@example([], 7, 0.001, 0.0)
def test_c1_and_c2_are_their_twins(
    days: list[float], baseline: int, alpha: float, min_sigma: float
) -> None:
    y = np.array(days, dtype=np.float64)
    options: dict[str, Any] = {"baseline": baseline, "alpha": alpha, "min_sigma": min_sigma}
    for chart, guard in ((c1, 0), (c2, 2)):
        twin = plain.shewhart(y, guard, baseline, alpha, min_sigma)
        assert_as_plain(chart(y[np.newaxis], **options), twin)


@settings(deadline=None)
@given(SERIES, st.integers(3, 9), st.sampled_from([0.0, 0.5]))
@example([*[5.0] * 12, 6.0, 0.0, 0.0], 7, 0.0)
def test_c3_is_its_twin(days: list[float], baseline: int, min_sigma: float) -> None:
    y = np.array(days, dtype=np.float64)
    answer = c3(y[np.newaxis], baseline=baseline, min_sigma=min_sigma)
    assert_as_plain(answer, plain.c3(y, baseline, min_sigma=min_sigma))


@settings(max_examples=examples(40), deadline=None)
@given(
    years_of_counts(260),
    st.fixed_dictionaries(
        {
            "percentile": st.sampled_from([0, 50, 62.5, 80, 90, 100]),
            "years": st.integers(1, 3),
            "half": st.integers(0, 3),
            "strict": st.booleans(),
            "minimum": st.sampled_from([0, 1, 3]),
            "min_blocks": st.sampled_from([None, 1]),
            "definition": st.sampled_from(["linear", "weibull", "inverted_cdf"]),
        }
    ),
    st.lists(st.integers(0, 259), max_size=8),
    st.none() | st.dates(date(1996, 1, 1), date(2023, 1, 1)),
)
def test_weekly_moving_percentile_is_its_twin(
    y: Floats, options: dict[str, Any], known_outbreaks: list[int], begin: date | None
) -> None:
    excluded = np.isin(np.arange(len(y)), known_outbreaks)
    options["dates"] = begin and [begin + timedelta(weeks=t) for t in range(len(y))]
    answer = moving_percentile(y[np.newaxis], every="week", excluded=excluded, **options)
    assert_as_plain(answer, plain.moving_percentile(y, every="week", excluded=excluded, **options))


@settings(max_examples=examples(12), deadline=None)
@given(
    years_of_counts(900),
    st.sampled_from([None, 364, 365]),
    st.sampled_from([None, 2]),
    st.booleans(),
    st.none() | st.dates(date(1996, 1, 1), date(2023, 1, 1)),
)
def test_daily_moving_percentile_is_its_twin(
    y: Floats, year_days: Any, min_blocks: int | None, has_outbreak: bool, begin: date | None
) -> None:
    dates = begin and [begin + timedelta(days=t) for t in range(len(y))]
    options: dict[str, Any] = {
        "years": 2, "half": 1, "year_days": year_days, "min_blocks": min_blocks, "every": "day",
        "dates": dates,
    }  # fmt: skip
    excluded = (np.arange(len(y)) // 50 == 3) & has_outbreak
    answer = moving_percentile(y[np.newaxis], excluded=excluded, **options)
    assert_as_plain(answer, plain.moving_percentile(y, excluded=excluded, **options))


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=25), st.integers(0, 100))
def test_the_plain_percentiles_are_numpys(numbers: list[int], percentile: int) -> None:
    names: tuple[Definition, ...] = ("linear", "weibull", "inverted_cdf")
    for name in names:
        ours = plain.percentile_of(numbers, percentile, name)
        if name == "inverted_cdf" and len(numbers) * percentile % 100 == 0:
            continue  # here NumPy's rounding decides which of two neighbours it takes
        theirs = np.percentile(np.array(numbers), percentile, method=name)
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize("method", ["c1", "c2", "c3", "mpm", "fixed"])
def test_a_series_has_the_same_answer_alone_and_among_thousands(method: str) -> None:
    rng = np.random.default_rng(7)
    counts = rng.poisson(4, (700, 200)).astype(np.float64)
    counts[rng.random(counts.shape) < 0.01] = np.nan
    judges: dict[str, Callable[[Floats], Detection]] = {
        "c1": c1, "c2": c2, "c3": c3, "fixed": fixed_threshold,
        "mpm": lambda y: moving_percentile(y, every="week", min_blocks=3),
    }  # fmt: skip
    judge = judges[method]
    together, alone = judge(counts), judge(counts[[531]])
    for name in ARRAYS:
        np.testing.assert_allclose(
            getattr(together, name)[531], getattr(alone, name)[0], rtol=1e-12
        )
    reasons = together.flags & np.uint8(Flag.NO_ANSWER)
    assert ((reasons != 0) == ~together.answered).all()
    assert not together.alarm[~together.answered].any()
    assert not np.isnan(together.upper[together.answered]).any()
