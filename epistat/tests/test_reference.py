"""epistat answers as R does: on our own series, and on the real ones where they are at hand."""

import numpy as np
import pytest

from epistat import Detection, Flag
from epistat.tests import reference
from epistat.tests.reference import OURS, REFERENCE, Case

TOLERANCE = 1e-9
LOOSER = {
    # R's residual is approximated, ours is exact; the alarms are the same.
    "agona__cusum_anscombeNegBin_mNULL": 0.01,
    # R stops fitting mean and dispersion in turns a little before the maximum.
    "shadar__glrnb_estalpha_glr": 1e-4,
    "k1__glrnb_estalpha_S2": 1e-4,
}

# Where R's own rounding decides: a slope of exactly 0 is kept or dropped by its last digits.
TREND_BY_ROUNDING = {"edge_const", "edge_tiny"}

needs_reference = pytest.mark.skipif(
    not (REFERENCE / "detect").is_dir(), reason="the real series are not beside the repository"
)


def check(case: Case) -> None:
    answer = reference.ask(case)
    if case.option("change") == "epi":
        check_epidemic(case, answer)
        return
    returns_statistic = case.option("ret") == "value"
    found = reference.compare(
        case, answer, {"upperbound": "score" if returns_statistic else "upper"}
    )
    assert found.alarms == []
    if returns_statistic:
        assert found.missing["score"] == 0
        assert found.columns["score"] < LOOSER.get(case.name, TOLERANCE)
        return
    if case.function in ("farringtonFlexible", "farrington") and case.corrected:
        # A history without a case is answered by us, with a threshold of 0.
        assert found.missing["upper"] == 0 or (answer.flags & Flag.FLAT_HISTORY).any()
    else:
        assert found.missing["upper"] == 0
    assert found.columns["upper"] < LOOSER.get(case.name, TOLERANCE)
    if case.function == "farringtonFlexible":
        check_model(case)


def check_epidemic(case: Case, answer: Detection) -> None:
    """R's search for the epidemic alternative stops short: it finds none better than ours."""
    rows = reference.output(case.name)
    ours = answer.score[0, [int(row["t"]) - 1 for row in rows]]
    of_r = np.array([reference.number(row["upperbound"]) for row in rows])
    until = int(answer.alarm[0, case.first - 1 :].argmax()) if answer.alarm.any() else len(rows)
    assert until > 50
    assert (ours[:until] >= of_r[:until] - 1e-6).all()
    assert np.isclose(ours[:until], of_r[:until], atol=1e-6).mean() > 0.7


def check_model(case: Case) -> None:
    """Expected number, score, p and trend are R's too."""
    answer = reference.ask(case)
    rows = reference.output(case.name)
    units = reference.series(case.series).units
    cells = (
        np.array([units.index(row["unit"]) for row in rows]),
        np.array([int(row["t"]) for row in rows]) - 1,
    )
    p = np.array([reference.number(row["pvalue"]) for row in rows])
    flat = (answer.flags[cells] & Flag.FLAT_HISTORY) > 0
    np.testing.assert_allclose(answer.p[cells][~flat], p[~flat], rtol=1e-6, atol=1e-13)
    if case.series not in TREND_BY_ROUNDING:
        kept = [row["trend_used"] == "1" for row in rows]
        assert ((answer.flags[cells] & Flag.TREND) > 0).tolist() == kept
    if not case.corrected:
        found = reference.compare(case, answer, {"expected": "expected", "score": "score"})
        assert found.missing == {"expected": 0, "score": 0}
        assert found.columns["expected"] < TOLERANCE
        assert found.columns["score"] < 1e-6


CASES = reference.cases()
OUR_CASES = reference.cases(OURS)


@pytest.mark.parametrize("case", OUR_CASES, ids=[case.name for case in OUR_CASES])
def test_our_own_series_are_answered_as_by_r(case: Case) -> None:
    check(case)


@needs_reference
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_series_of_the_reference_is_answered_as_by_r(case: Case) -> None:
    check(case)


def test_rare_cases_missing_weeks_and_trends_without_end_are_answered_as_by_r() -> None:
    """400 questions drawn by ``make_farrington.R``; one week of one series each."""
    trends = 0
    for number, (row, answer) in enumerate(reference.rare(), 2):
        names = ("expected", "upper", "p", "score")
        ours = [float(getattr(answer, name)[0, 0]) for name in names]
        of_r = [reference.number(row[name]) for name in names]
        np.testing.assert_allclose(ours, of_r, rtol=1e-6, atol=1e-9, err_msg=f"line {number}")
        assert answer.alarm[0, 0] == (row["alarm"] == "TRUE"), f"line {number}"
        trend = bool(answer.flags[0, 0] & Flag.TREND)
        assert trend == (row["trend"] == "1"), f"line {number}"
        trends += trend
    assert 20 < trends < 380


def test_there_are_cases_to_compare() -> None:
    assert len(OUR_CASES) >= 6
    assert not (REFERENCE / "detect").is_dir() or len(CASES) >= 131
