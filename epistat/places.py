"""Place rules: so many cases within so many days in one school, class, village or hospital.

Health bureaus set such rules by disease and kind of place; they differ by province and year, so the
numbers are the caller's. A scan (:func:`epistat.scan`) asks whether cases lie closer together than
chance would have them; a place rule asks nothing of chance.
"""

import numpy as np
from numpy.typing import ArrayLike

from epistat.result import Detection, Flag, Floats, as_counts, mark


def place_rule(counts: ArrayLike, *, cases: ArrayLike, days: int = 7) -> Detection:
    """Alarm where a place has at least ``cases`` cases within ``days`` days, with today.

    ``counts``: (places, days), cases by day; NaN is missing. ``cases``: one number, or (places, 1)
    where kinds of places differ; above 0. ``observed`` is the number of known cases of the last
    ``days`` days, ``upper`` the rule, ``score`` observed / upper; nothing is expected and there is
    no p (NaN).

    A rule that the known cases meet alarms whatever else is missing. Where they do not and a day is
    missing, there is no answer: MISSING_NOW for today, else TOO_FEW_POINTS; SHORT_HISTORY before
    the first ``days`` days are over. "5 in a school or 2 in a class" are two calls; a rule of
    deaths is one on the counts of deaths.

    >>> answer = place_rule([[0, 2, 0, 0, 3, 0, 0, 0]], cases=5, days=4)
    >>> answer.observed, answer.alarm[0, 4]
    (array([[0., 2., 2., 2., 5., 3., 3., 3.]]), np.True_)
    """
    array = as_counts(counts)
    if days < 1:
        raise ValueError("days must be at least 1")
    upper = np.broadcast_to(np.asarray(cases, dtype=np.float64), array.shape)
    if not (upper > 0).all():
        raise ValueError("cases must be above 0")
    missing = np.isnan(array)
    answer = Detection.blank(array.shape)
    answer.observed[:] = _recent(np.where(missing, 0.0, array), days)
    answer.upper[:] = upper
    answer.score[:] = answer.observed / upper
    answer.alarm[:] = answer.observed >= upper
    open_ = ~answer.alarm
    mark(answer.flags, open_ & missing, Flag.MISSING_NOW)
    gap = _recent(missing.astype(np.float64), days) > 0
    mark(answer.flags, open_ & gap & ~missing, Flag.TOO_FEW_POINTS)
    mark(answer.flags[:, : days - 1], open_[:, : days - 1], Flag.SHORT_HISTORY)
    return answer


def _recent(values: Floats, days: int) -> Floats:
    """Sums of the last ``days`` days, fewer at the beginning."""
    sums = values.copy()
    for back in range(1, min(days, values.shape[1])):
        sums[:, back:] += values[:, :-back]
    return sums
