"""Tails of counts, beside chances added up one by one."""

from math import exp, log1p

import numpy as np
import pytest

from epistat.tails import upper_quantile, upper_tail


def chances(mean: float, ratio: float, most: int) -> list[float]:
    """Of 0 … ``most`` cases, each from the one before; of a negative binomial."""
    e = ratio - 1
    found = [exp(-mean / e * log1p(e))]
    for k in range(most):
        found.append(found[-1] * (mean + e * k) / ((k + 1) * ratio))
    return found


@pytest.mark.parametrize("e", [1e-12, 5e-9, 1e-8, 9e-8, 1.1e-7, 1e-5, 0.01])
@pytest.mark.parametrize("mean", [0.3, 1.6739, 40.0])
def test_counts_that_are_nearly_poisson_lose_no_digits(e: float, mean: float) -> None:
    each = chances(mean, 1 + e, 150)
    counts = np.arange(1, 80, 7, dtype=np.float64)
    exact = [sum(each[int(count) :]) for count in counts]
    np.testing.assert_allclose(upper_tail(counts, mean, 1 + e), exact, rtol=2e-9, atol=1e-13)
    for alpha in (0.3, 0.01):
        least = next(q for q in range(150) if sum(each[q + 1 :]) <= alpha)
        assert upper_quantile(alpha, mean, 1 + e) == least
