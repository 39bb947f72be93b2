"""CUSUM, LR, GLR and OutbreakP agree with plain twins and say what they cannot tell."""

from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import isotonic_regression, minimize_scalar

from epistat import Flag, cusum, glr, outbreak_p
from epistat.result import Floats
from epistat.tests.examples import examples

TRANSFORMS = [
    "rossi", "standard", "anscombe", "anscombe2nd", "pearson_nb", "anscombe_nb", "none",
]  # fmt: skip


def normal(x: float, m: float, transform: str, alpha: float) -> float:
    """The count x, made normal."""
    variance = m + alpha * m * m
    spread, _ = quad(lambda u: (u + alpha * u * u) ** (-1 / 3), min(x, m), max(x, m))
    return {
        "rossi": (x - 3 * m + 2 * (x * m) ** 0.5) / (2 * m**0.5),
        "standard": (x - m) / m**0.5,
        "anscombe": 1.5 * (x ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6),
        "anscombe2nd": 1.5 * (x ** (2 / 3) - m ** (2 / 3) + m ** (-1 / 3) / 9) / m ** (1 / 6),
        "pearson_nb": (x - m) / variance**0.5,
        "anscombe_nb": (spread if x > m else -spread) / variance ** (1 / 6),
        "none": x,
    }[transform]


def weeks(seed: int, level: float, n: int) -> Floats:
    counts = np.random.default_rng(seed).poisson(level, n).astype(np.float64)
    counts[-n // 4 :] += np.random.default_rng(seed + 1).poisson(level / 2, n - n * 3 // 4)[
        : n // 4
    ]
    return counts


@settings(max_examples=examples(40), deadline=None)
@given(
    st.integers(0, 2**20), st.sampled_from([0.3, 4.0, 900.0]), st.sampled_from(TRANSFORMS),
    st.booleans(),
)  # fmt: skip
def test_cusum_is_its_twin(seed: int, level: float, transform: Any, reset: bool) -> None:
    y = weeks(seed, level, 40)
    answer = cusum(y[np.newaxis], training=20, transform=transform, reset=reset, alpha=0.2)
    m = float(y[:20].mean()) or 0.5 / 20
    total = 0.0
    for t in range(20, 40):
        total = max(0.0, total + normal(y[t], m, transform, 0.2) - 1.04)
        assert answer.score[0, t] == pytest.approx(total, rel=1e-7, abs=1e-7)
        if abs(total - 2.26) > 1e-6:
            assert answer.alarm[0, t] == (total > 2.26)
        total = 0.0 if reset and answer.alarm[0, t] else total


def gain(x: Floats, m: Floats, before: Floats, alpha: float, change: str, size: float) -> float:
    """Log likelihood of the weeks with the higher mean over that with the normal one."""
    high = m * np.exp(size) if change == "intercept" else m + size * before
    if alpha == 0:
        return float(np.sum(x * np.log(high / m) - (high - m)))
    return float(np.sum(
        x * np.log(high / m) - (x + 1 / alpha) * np.log((1 + alpha * high) / (1 + alpha * m))
    ))  # fmt: skip


@example(14898, 6.0, 0.0, "epidemic", None)
@settings(max_examples=examples(15), deadline=None)
@given(
    st.integers(0, 2**20), st.sampled_from([0.5, 6.0]), st.sampled_from([0.0, 0.3]),
    st.sampled_from(["intercept", "epidemic"]), st.sampled_from([None, 4]),
)  # fmt: skip
def test_glr_is_its_twin(
    seed: int, level: float, alpha: float, change: Any, window: int | None
) -> None:
    y = weeks(seed, level, 24)
    m = np.full(24, level)
    answer = glr(
        y[np.newaxis], training=8, mean=m, alpha=alpha, change=change, window=window, threshold=3
    )
    # A case of the week before may stand for many: 14 after 1, where 6 are usual, are 8 each.
    begin, most = 8, 60 if change == "epidemic" else 6
    for t in range(8, 24):
        best = 0.0
        for k in range(max(begin, t - window if window else begin), t + 1):
            here = slice(k, t + 1)
            x, mean, before = y[here], m[here], y[k - 1 : t]
            found = minimize_scalar(
                lambda size: -gain(x, mean, before, alpha, change, size),  # noqa: B023 - used at once
                bounds=(0, most), method="bounded", options={"xatol": 1e-9},
            )  # fmt: skip
            best = max(best, -found.fun)
        assert answer.score[0, t] == pytest.approx(best, rel=1e-5, abs=1e-5)
        if answer.alarm[0, t]:
            begin = t + 1


@settings(max_examples=examples(40), deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0.5, 6.0, 400.0]), st.sampled_from([0.0, 0.3]))
def test_lr_is_its_twin(seed: int, level: float, alpha: float) -> None:
    y = weeks(seed, level, 40)
    answer = glr(y[np.newaxis], training=10, mean=level, alpha=alpha, theta=0.5)
    total = 0.0
    for t in range(10, 40):
        one = y[t : t + 1], np.array([level]), np.zeros(1)
        total = max(0.0, total + gain(*one, alpha, "intercept", 0.5))
        assert answer.score[0, t] == pytest.approx(total, rel=1e-9, abs=1e-9)
        assert answer.alarm[0, t] == (total > 5)
        total = 0.0 if total > 5 else total


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=25))
def test_outbreak_p_is_its_twin(counts: list[int]) -> None:
    answer = outbreak_p([counts])
    for t in range(1, len(counts)):
        y = np.array(counts[: t + 1], np.float64)
        rising, mean = isotonic_regression(y).x, y.mean()
        some = y > 0
        score = float(np.prod((rising[some] / mean) ** y[some]))
        assert answer.score[0, t] == pytest.approx(score, rel=1e-9)
        assert answer.alarm[0, t] == (answer.score[0, t] > 100)


def refitted(y: Floats, training: int, theta: float | None) -> list[tuple[float, float, bool]]:
    """LR or GLR (Poisson, no season) with the mean of all weeks up to the last alarm."""
    answers = []
    begin, mean, total = training, float(np.nanmean(y[:training])), 0.0
    for t in range(training, len(y)):
        if np.isnan(y[t]):
            answers.append((mean, np.nan, False))
            continue
        if theta is None:
            total = 0.0
            for since in range(begin, t + 1):
                part = y[since : t + 1][~np.isnan(y[since : t + 1])]
                x, m = part.sum(), mean * len(part)
                total = max(total, x * log(x / m) - (x - m) if x > m else 0.0)
            alarm = total >= 5
        else:
            total = max(0.0, total + theta * y[t] + (1 - np.exp(theta)) * mean)
            alarm = total > 5
        answers.append((mean, total, alarm))
        if alarm:
            begin, mean, total = t + 1, float(np.nanmean(y[: t + 1])), 0.0
    return answers


@pytest.mark.parametrize("theta", [None, 0.4])
def test_with_refit_the_mean_is_that_of_all_weeks_up_to_the_alarm(theta: float | None) -> None:
    rng = np.random.default_rng(12)
    counts = rng.poisson(np.repeat([[3, 7, 16], [5, 5, 5], [2, 9, 1]], 30, axis=1)).astype(float)
    counts[0, [40, 70]] = np.nan

    answer = glr(counts, training=30, harmonics=0, theta=theta, refit=True)

    for i, y in enumerate(counts):
        twin = refitted(y, 30, theta)
        ours = np.column_stack([answer.expected[i, 30:], answer.score[i, 30:]])
        np.testing.assert_allclose(ours, [day[:2] for day in twin], rtol=1e-7, atol=1e-9)
        assert answer.alarm[i, 30:].tolist() == [day[2] for day in twin]
    assert answer.alarm[0].sum() >= 2
    assert answer.alarm.sum() < glr(counts, training=30, harmonics=0, theta=theta).alarm.sum()


@pytest.mark.parametrize(
    "options",
    [
        {"theta": 0.4}, {"theta": 0.4, "alpha": None}, {"alpha": 0.2, "window": 6},
        {"alpha": None, "trend": True, "window": 5}, {"change": "epidemic", "window": 6},
    ],
)  # fmt: skip
def test_refit_goes_on_as_a_chart_that_was_trained_up_to_the_alarm(options: Any) -> None:
    """From one alarm to the next a chart of its own, of each series alone."""
    rng = np.random.default_rng(13)
    level = np.array([[4.0], [7.0]]) * np.repeat([1.0, 2.0, 3.5], [80, 20, 20])
    counts = rng.poisson(level * (1 + 0.3 * np.sin(np.arange(120) / 52 * 2 * np.pi)))
    whole = glr(counts, training=80, refit=True, **options)
    for i in range(2):
        begin, alarms = 80, 0
        while begin < 120:
            alone = glr(counts[[i]], training=begin, **options)
            later = np.flatnonzero(alone.alarm[0])
            end = int(later[0]) + 1 if later.size else 120
            for name in ("expected", "upper", "score", "alarm"):
                ours, theirs = getattr(whole, name)[i], getattr(alone, name)[0]
                np.testing.assert_allclose(ours[begin:end], theirs[begin:end], rtol=1e-9)
            begin, alarms = end, alarms + bool(later.size)
        assert alarms >= 1


def test_what_cannot_be_fitted_again_is_refused_or_left_alone() -> None:
    with pytest.raises(ValueError, match="refit"):
        glr([[1.0, 2.0]], training=1, mean=1.0, refit=True)
    empty = np.zeros((1, 40))
    empty[0, 30:] = 9  # no case to learn from, then many
    answer = glr(empty, training=20, harmonics=0, refit=True)
    assert not answer.answered.any()
    assert (answer.flags[0, 20:] == Flag.TOO_FEW_POINTS).all()
    assert glr([[*[2.0] * 20, 30.0]], training=20, harmonics=0, refit=True).alarm[0, -1]


def test_a_training_without_a_case_is_told_and_guarded() -> None:
    y = np.zeros((1, 60))
    y[0, -1] = 3
    ours, as_r = cusum(y, training=50), cusum(y, training=50, compat="R")
    assert ours.alarm[0, -1]
    assert ours.flags[0, -1] == Flag.FLAT_HISTORY
    assert as_r.flags[0, -1] == Flag.UNDEFINED
    assert not as_r.alarm.any()
    assert glr(y, training=50).flags[0, -1] == Flag.TOO_FEW_POINTS


def test_a_missing_week_adds_no_evidence_and_takes_none() -> None:
    y = np.array([[3.0, 5, 4, 4] * 10 + [9, np.nan, 9, 9]])
    dense = np.delete(y, 41, axis=1)
    for chart in (cusum, glr):
        options: dict[str, Any] = {} if chart is cusum else {"harmonics": 0}
        with_hole, without = (chart(c, training=40, **options) for c in (y, dense))
        np.testing.assert_allclose(with_hole.score[0, 42:], without.score[0, 41:], rtol=1e-12)
        assert with_hole.flags[0, 41] == Flag.MISSING_NOW
        assert np.isfinite(with_hole.upper[0, 41])


def test_a_chart_with_reset_stops_alarming_and_without_goes_on() -> None:
    y = np.array([[3.0, 5, 4, 4] * 10 + [40, 4, 4, 4]])
    assert cusum(y, training=40).alarm[0, 40:].tolist() == [True] * 4
    assert cusum(y, training=40, reset=True).alarm[0, 40:].tolist() == [True, False, False, False]


def test_the_dispersion_of_a_negative_binomial_is_found() -> None:
    rng = np.random.default_rng(5)
    y = rng.poisson(rng.gamma(1 / 0.4, 20 * 0.4, (40, 400))).astype(np.float64)
    loose = glr(y, training=390, alpha=0.0, threshold=5).alarm.any(axis=1).mean()
    fitted = glr(y, training=390, alpha=None, threshold=5).alarm.any(axis=1).mean()
    assert loose > 0.5  # as Poisson, much is an outbreak
    assert fitted < 0.2


@pytest.mark.parametrize(
    ("chart", "options", "problem"),
    [
        (cusum, {"transform": "x"}, "transform"), (cusum, {"h": 0}, "h must"),
        (cusum, {"k": -1}, "k must"), (cusum, {"mean": "x"}, "mean"), (cusum, {"mean": -1}, "mean"),
        (cusum, {"training": -1}, "training"), (glr, {"threshold": 0}, "threshold"),
        (glr, {"theta": -log(2)}, "theta"), (glr, {"alpha": -1}, "alpha"),
        (glr, {"theta": 1, "change": "epidemic"}, "intercept"), (glr, {"window": 0}, "window"),
        (glr, {"mean": 3, "alpha": None}, "alpha"), (outbreak_p, {"threshold": 0}, "threshold"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused(chart: Any, options: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        chart(np.ones((1, 80)), **options)
