"""Gauss rules: a few points and weights that stand for a distribution, many distributions at once.

A rule of n points has the first 2n - 1 moments of its distribution, so that the mean of a smooth
function over it is nearly exact. It comes from the three-term recurrence of the polynomials that
are orthogonal on the distribution: the eigenvalues of a matrix (Golub GH, Welsch JH. Calculation of
Gauss quadrature rules. Math Comp 1969;23:221-30). Rows are distributions: (cells, points).
"""

import numpy as np

from epistat.result import Floats

Rule = tuple[Floats, Floats]  # points and weights, both (cells, points)


def beta_rule(a: Floats, b: Floats, size: int) -> Rule:
    """The rule of Beta(a, b) on 0 … 1 (Gauss-Jacobi).

    >>> points, weights = beta_rule(np.array([2.0]), np.array([3.0]), 4)
    >>> ((points**2) * weights).sum().round(12)  # a (a + 1) / ((a + b) (a + b + 1))
    np.float64(0.2)
    """
    alpha, beta = (b - 1)[:, np.newaxis], (a - 1)[:, np.newaxis]  # on -1 … 1
    k = np.arange(size, dtype=np.float64)
    whole = 2 * k + alpha + beta
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = (beta**2 - alpha**2) / (whole * (whole + 2))
    diagonal[:, 0] = ((beta - alpha) / (alpha + beta + 2))[:, 0]
    j = k[1:]
    whole = 2 * j + alpha + beta
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (
            4 * j * (j + alpha) * (j + beta) * (j + alpha + beta)
            / (whole**2 * (whole + 1) * (whole - 1))
        )  # fmt: skip
    # With j = 1 the factor (1 + alpha + beta) stands above and below.
    square[:, 0] = (4 * (1 + alpha) * (1 + beta) / ((2 + alpha + beta) ** 2 * (3 + alpha + beta)))[
        :, 0
    ]
    points, weights = _golub_welsch(diagonal, square)
    return np.clip((points + 1) / 2, 0.0, 1.0), weights


def product_rule(one: Rule, other: Rule) -> Rule:
    """The rule of the product of two independent numbers of 0 … 1, of the size of the first.

    All products of points have the right moments, as many as both rules have.

    >>> two, three = (beta_rule(np.array([a]), np.array([1.0]), 4) for a in (2.0, 3.0))
    >>> points, weights = product_rule(two, three)
    >>> ((points**2) * weights).sum().round(12)  # 1/2 * 3/5
    np.float64(0.3)
    """
    points = (one[0][:, :, np.newaxis] * other[0][:, np.newaxis]).reshape(len(one[0]), -1)
    weights = (one[1][:, :, np.newaxis] * other[1][:, np.newaxis]).reshape(len(one[0]), -1)
    found = rule_of(points, weights, one[0].shape[1])
    return np.clip(found[0], 0.0, 1.0), found[1]


def rule_of(points: Floats, weights: Floats, size: int) -> Rule:
    """The rule of ``size`` points for many points with weights that add up to 1 (Stieltjes)."""
    centre = (weights * points).sum(axis=1, keepdims=True)
    apart = points - centre
    spread = np.sqrt((weights * apart**2).sum(axis=1, keepdims=True))
    z = apart / np.where(spread > 0, spread, 1.0)
    diagonal, square = np.zeros((len(z), size)), np.zeros((len(z), size - 1))
    before, now = np.zeros_like(z), np.ones_like(z)
    for k in range(size):
        diagonal[:, k] = (weights * now * z * now).sum(axis=1)
        after = (z - diagonal[:, [k]]) * now
        if k:
            after -= np.sqrt(square[:, [k - 1]]) * before
        if k < size - 1:
            square[:, k] = (weights * after**2).sum(axis=1)
            norm = np.sqrt(square[:, [k]])
            before, now = now, np.divide(after, norm, out=np.zeros_like(after), where=norm > 0)
    found, chances = _golub_welsch(diagonal, square)
    return centre + spread * found, chances


def _golub_welsch(diagonal: Floats, square: Floats) -> Rule:
    size = diagonal.shape[1]
    matrix = np.zeros((len(diagonal), size, size))
    at = np.arange(size)
    matrix[:, at, at] = diagonal
    matrix[:, at[1:], at[:-1]] = np.sqrt(np.maximum(square, 0.0))
    values, vectors = np.linalg.eigh(matrix)
    weights = vectors[:, 0] ** 2
    return values, weights / weights.sum(axis=1, keepdims=True)
