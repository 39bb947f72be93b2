"""The plain twins of nowcast, back-projection and forecast: one series, one day, written slowly."""

from math import exp, inf, isnan, lgamma

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


def hazards(triangle: Series, window: int | None, sliding: bool) -> list[tuple[float, float]]:
    """(n_x, N_x) of one series, counted case by case."""
    last = len(triangle) - 1
    answer = []
    for x in range(triangle.shape[1]):
        n = total = 0.0
        for t in range(last - x + 1):
            oldest = -inf if window is None else last - window - (x if sliding else 0)
            cells = triangle[t, : x + 1]
            if t < oldest or np.isnan(cells).any():
                continue
            n += cells[x]
            total += cells.sum()
        answer.append((n, total))
    return answer


def reported(triangle: Series, t: int) -> float:
    return float(sum(triangle[t, d] for d in range(triangle.shape[1]) if t + d < len(triangle)))


def lawless(triangle: Series, t: int, window: int | None = None) -> tuple[float, float] | None:
    """Mean and variance of the cases of day t, or None."""
    n, last = reported(triangle, t), len(triangle) - 1
    share, spread = 1.0, 0.0
    if isnan(n):
        return None
    for x, (n_x, total) in enumerate(hazards(triangle, window, True)):
        if x <= last - t:
            continue
        if total == 0 or n_x == total:
            return None
        g = n_x / total
        share *= 1 - g
        spread += g / (total * (1 - g))
    return n / share, n * (n + 1) / share**2 * spread + n * (1 - share) / share**2


def by_draws(
    triangle: Series, t: int, *, mean: float, size: float, window: int | None = None,
    dirichlet: bool = False, draws: int = 40_000,
) -> Series:  # fmt: skip
    """Draws of the unreported cases of day t, as the papers would: delays, then cases."""
    rng = np.random.default_rng(17)
    n, last = reported(triangle, t), len(triangle) - 1
    counts = [n_x for n_x, _ in hazards(triangle, window, False)]
    if dirichlet:
        chances = rng.dirichlet([0.1 + n_x for n_x in counts], size=draws)
        share = chances[:, : last - t + 1].sum(axis=1)
    else:
        share = np.ones(draws)
        for x, (n_x, total) in enumerate(hazards(triangle, window, False)):
            if x > last - t:
                share *= 1 - rng.beta(0.1 + n_x, 0.1 * x + total - n_x, size=draws)
    # λ is gamma; what is seen makes it gamma(size + n, rate of the prior + share).
    rate = 0.0 if mean == inf else size / mean
    level = rng.gamma(size + n, 1 / (rate + share))
    return rng.poisson(np.clip(level * (1 - share), 0, 1e15)).astype(np.float64)


def beta_negative_binomial(r: float, a: float, b: float, count: int) -> float:
    def log_beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    ways = lgamma(r + count) - lgamma(r) - lgamma(count + 1)
    return exp(ways + log_beta(a + r, b + count) - log_beta(a, b))


def back_project(y: Series, f: list[float], steps: int) -> Series:
    """So many steps of EMS with weights a quarter, a half, a quarter."""
    days = len(y)
    level = [float(np.nanmean(y))] * days
    for _ in range(steps):
        shared = []
        for s in range(days):
            parts, reach = 0.0, 0.0
            for t in range(s, min(s + len(f), days)):
                if isnan(y[t]):
                    continue
                mean = sum(level[t - d] * f[d] for d in range(len(f)) if d <= t)
                reach += f[t - s]
                parts += f[t - s] * y[t] / mean if mean > 0 else 0.0
            shared.append(level[s] * parts / reach if reach > 0 else 0.0)
        level = []
        for s in range(days):
            near = [(w, shared[s + i]) for i, w in ((-1, 0.25), (0, 0.5), (1, 0.25))
                    if 0 <= s + i < days]  # fmt: skip
            level.append(sum(w * v for w, v in near) / sum(w for w, _ in near))
    return np.array(level)


def renewal(history: list[float], w: list[float], ratio: float, horizon: int) -> list[float]:
    """Expected cases if R stays and nothing is left to chance."""
    run = list(history)
    for _ in range(horizon):
        run.append(ratio * sum(w[s] * run[-s] for s in range(1, len(w)) if s <= len(run)))
    return run[len(history) :]
