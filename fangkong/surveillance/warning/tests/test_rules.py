"""The rules by hand. Daofu, cases by day of diagnosis:

day          02-01  02-02  02-03  02-04  02-05
cases            0      1      2      2      2
in 7 days        0      1      3      5      7

Adaptive regression: three years of zeros expect none, so that one case is unusual, but below 3 it
    is held back: from 02-03 on.
Single case (1):   02-02 on, as soon as one stands in the seven days.
Moving percentile: P80 of 15 blocks of zeros is 0, so count > 0, but not below 3: from 02-03 on.
C1, z = 3, s at least 0.5: 02-03: m = 1/7, s = 0.5, U = 1.64 < 2 alarm.
    02-04: m = 3/7, s = 0.787, U = 2.79 > 2 none.  02-05: m = 5/7, s = 0.951, U = 3.57 > 2 none.
C2 leaves two days out: 02-03 and 02-04: m = 0, U = 1.5 < 2 alarm.
    02-05: m = 1/7, s = 0.5, U = 1.64 < 2 alarm.
C3 sums max(0, C2 - 1) of three days, z = 2: 02-02: 1 none; 02-03: 1 + 3 alarm, then always while
    there are cases: on 02-06 the sum is 5.7, but a day without a case alarms nobody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils.translation import override
from scipy.stats import norm

from fangkong.packs import queries as packs
from fangkong.surveillance.warning import detection, rules, types

from .factories import DAOFU

PACK = packs.pack("cn-2020-01")
DAY = date(2020, 2, 5)
COVID = rules.plan_for(PACK, "covid-19", DAY)
FLU = rules.plan_for(PACK, "influenza", DAY)
A, F, P = rules.ADAPTIVE, rules.FIXED, rules.PERCENTILE
C1, C2, C3 = rules.C1, rules.C2, rules.C3


def found(counts, plan) -> rules.Finding:
    """The finding of the one series; the test fails where there is none."""
    (finding,) = detection.judge(counts, plan)
    assert finding is not None
    return finding


def series(last, days=1120):
    """Daofu's counts until a day, with three years of zeros before."""
    counts = np.zeros((1, days))
    for day, n in DAOFU.items():
        if day <= last:
            counts[0, days - 1 - (last - day).days] = n
    return counts


@pytest.mark.parametrize("wrong", [-1, np.inf])
def test_a_sum_of_cases_that_cannot_be_is_refused_and_not_taken_for_unknown(wrong):
    counts = series(date(2020, 2, 3))
    counts[0, 7] = wrong

    with pytest.raises(ValueError, match="the sums of cases are wrong"):
        detection.judge(counts, COVID)


def test_a_day_that_is_not_known_is_no_wrong_sum():
    counts = series(date(2020, 2, 3))
    counts[0, 7] = np.nan

    assert found(counts, COVID).methods


@pytest.mark.parametrize(
    ("day", "methods"),
    [
        (date(2020, 2, 1), None),
        (date(2020, 2, 2), [F]),
        (date(2020, 2, 3), [A, F, C2, C1, C3]),
        (date(2020, 2, 4), [A, F, C2, C3]),
        (date(2020, 2, 5), [A, F, C2, C3]),
        (date(2020, 2, 6), [A, F]),
    ],
)
def test_daofu_is_found_on_the_day_of_its_first_case_and_by_every_method_on_the_next(day, methods):
    (finding,) = detection.judge(series(day), COVID)
    assert (finding.methods if finding else None) == methods


@pytest.mark.parametrize(
    ("day", "methods"), [(date(2020, 2, 2), None), (date(2020, 2, 3), [A, P, C2, C1, C3])]
)
def test_a_disease_without_a_single_case_rule_waits_for_the_second_day(day, methods):
    (finding,) = detection.judge(series(day), FLU)
    assert (finding.methods if finding else None) == methods


def test_the_finding_of_5_february_counts_seven_days_against_none_expected():
    finding = found(series(DAY), COVID)
    assert (finding.observed, finding.day_count) == (7, 2)
    assert finding.expected == pytest.approx(0, abs=0.05)
    assert finding.threshold == 0
    assert finding.excess == pytest.approx(7, abs=0.05)
    assert finding.p is not None and finding.p < 1e-6
    assert finding.fixed
    assert finding.curve[-5:] == (0, 1, 2, 2, 2) and len(finding.curve) == 28
    c2 = next(alarm for alarm in finding.alarms if alarm.method == C2)
    assert (c2.observed, c2.expected, c2.threshold) == pytest.approx((2, 1 / 7, 1 / 7 + 1.5))


def test_a_threshold_that_is_only_reached_raises_nothing():
    """15 blocks of 4 cases: P70 is 4; 4 cases now are not above it, 5 are."""
    counts = np.zeros((2, 1120))
    for year in range(1, 4):
        for k in range(-2, 3):
            counts[:, 1119 - 364 * year + 7 * k] = 4
    counts[:, -3] = [4, 5]  # three days ago, so that EARS keeps silent today
    quiet, loud = detection.judge(counts, replace(FLU, alpha=None))
    assert quiet is None
    assert loud is not None and loud.methods == [P]
    assert (loud.expected, loud.threshold) == (4, 4)


def test_a_new_register_without_three_years_is_still_watched_by_the_other_methods():
    finding = found(series(date(2020, 2, 3), days=60), COVID)
    assert finding.methods == [F, C2, C1, C3]
    assert finding.p is not None


def test_the_plan_follows_the_pack():
    assert (COVID.fixed, COVID.percentile, COVID.minimum) == (1, None, 3)
    assert (COVID.alpha, COVID.adaptive_years, COVID.adaptive_minimum) == (0.0065, 3, 3)
    assert (FLU.fixed, FLU.percentile, FLU.minimum, FLU.years, FLU.half) == (None, 70, 3, 3, 2)
    assert FLU.alpha == 0.0065
    assert FLU.strict and FLU.history_days == 3 * 365 + 1 + 21


def test_a_pack_without_the_adaptive_regression_is_watched_by_the_moving_percentile():
    older = replace(PACK, warning=replace(PACK.warning, adaptive=None))
    plan = rules.plan_for(older, "covid-19", DAY)
    assert (plan.alpha, plan.percentile) == (None, 80)
    assert plan.history_days == 3 * 364 + 21
    assert found(series(DAY), plan).methods == [P, F, C2, C3]


def test_covid_left_the_single_case_list_on_8_january_2023():
    assert rules.plan_for(PACK, "covid-19", date(2023, 1, 7)).fixed == 1
    assert rules.plan_for(PACK, "covid-19", date(2023, 1, 8)).fixed is None


def test_a_code_that_the_pack_does_not_know_is_watched_as_usual():
    plan = rules.plan_for(PACK, "dancing-plague", DAY)
    assert (plan.fixed, plan.percentile, plan.alpha) == (None, None, 0.0065)
    assert rules.disease_class(PACK, "dancing-plague", DAY) == "other"


# --- Rank ---


def test_the_less_probable_comes_first_then_the_greater_excess_then_the_graver_class():
    improbable = rules.rank(1e-8, 3, "C")
    probable = rules.rank(1e-3, 300, "A")
    assert improbable > probable
    assert rules.rank(1e-3, 9, "C") > rules.rank(1.01e-3, 8, "A")
    assert rules.rank(1e-3, 8, "A") > rules.rank(1e-3, 8, "B") > rules.rank(1e-3, 8, "other")


def test_a_signal_without_a_probability_stands_behind_those_with_one():
    assert rules.rank(None, 99, "A") < rules.rank(0.5, 0, "other")
    assert rules.rank(0.0, 1, "B") == rules.rank(1e-40, 1, "B")


# --- Episodes ---


def past(state="new", day=DAY, last=None, seen=None):
    return rules.Past(state, day, last or day, seen)


def after(days):
    return DAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("known", "day", "observed", "step"),
    [
        (None, DAY, 1, "raise"),
        (past("new"), after(1), 9, "update"),
        (past("verifying"), after(1), 1, "update"),
        (past("new"), DAY, 7, "update"),
        (past("new"), after(-1), 9, "keep"),
        (past("answered", seen=7), after(1), 7, "keep"),
        (past("answered", seen=7), after(1), 8, "raise"),
        (past("answered", seen=7), after(14), 3, "keep"),  # 13 quiet days
        (past("answered", seen=7), after(15), 3, "raise"),  # 14 quiet days
        (past("answered", last=after(5), seen=7), after(15), 3, "keep"),
        (past("answered", seen=7), after(-1), 9, "keep"),
        (past("superseded"), DAY, 1, "raise"),
    ],
)
def test_an_open_signal_is_carried_on_and_an_answered_one_raised_only_for_news(
    known, day, observed, step
):
    assert rules.episode(known, day, observed) == step


def test_only_an_untouched_signal_falls_and_only_by_a_run_over_its_own_day():
    assert rules.is_void("new", DAY, DAY)
    assert not rules.is_void("verifying", DAY, DAY)
    assert not rules.is_void("new", DAY, after(1))


# --- Load ---


@pytest.mark.parametrize(("counties", "allowed"), [(18, 5), (10, 3), (3, 1), (1, 1), (0, 1)])
def test_the_budget_allows_three_tenths_of_a_signal_per_county_and_week(counties, allowed):
    assert rules.allowance(counties) == allowed


def test_single_cases_know_no_budget_and_the_others_fill_it_by_rank():
    candidates = [("a", 1.0, False), ("b", 3.0, False), ("c", 2.0, False), ("plague", 0.0, True)]
    assert rules.to_list(candidates, listed=0, allowed=2) == ["plague", "b", "c"]
    assert rules.to_list(candidates, listed=1, allowed=2) == ["plague", "b"]
    assert rules.to_list(candidates, listed=5, allowed=2) == ["plague"]


# --- Clocks and words ---


def test_a_single_case_has_two_hours_and_any_other_signal_a_day():
    assert rules.answer_hours(PACK, single_case=True) == 2
    assert rules.answer_hours(PACK, single_case=False) == 24


def test_shares_of_nothing_are_nothing_and_the_median_is_the_middle():
    assert rules.share(0, 0) is None and rules.share(1, 4) == 0.25
    assert rules.median([]) is None
    assert rules.median([5, 1, 9]) == 5 and rules.median([1, 2, 3, 10]) == 2.5


def reason(finding, day=DAY):
    return types.reason(
        observed=finding.observed,
        day_count=finding.day_count,
        day=day,
        expected=finding.expected,
        threshold=finding.threshold,
        facts=finding.facts,
    )


def weekly_cases(usual, now):
    """Five years with as many cases in each week, on its last day, and others in the last one."""
    counts = np.zeros((1, 7 * 265))
    counts[0, 6::7] = usual
    counts[0, -1] = now
    return counts


def test_the_reason_says_how_many_how_many_were_expected_and_how_many_are_usual():
    finding = found(weekly_cases([4, 5, 6, 5, 4, 6] * 44 + [5], 14), COVID)
    assert finding.methods[0] == A
    with override("en"):
        assert reason(finding) == (
            "14 cases in the 7 days to 2020-02-05; 4.9 expected; up to 12 are usual"
        )
    with override("zh-hans"):
        assert reason(finding) == "截至 2020-02-05 的 7 天内 14 例；预期 4.9 例；正常上限 12 例"
        assert reason(found(series(DAY), COVID)) == (
            "截至 2020-02-05 的 7 天内 7 例；预期无病例；出现 1 例即属异常"
        )


def test_the_numbers_of_a_signal_are_those_of_the_adaptive_regression_whatever_raised_it():
    """Six cases where five are usual are no alarm of it, but its p ranks the single-case signal."""
    finding = found(weekly_cases([5] * 265, 6), COVID)
    assert A not in finding.methods and finding.methods[0] == F
    assert finding.expected == pytest.approx(5, abs=0.2)
    assert finding.p is not None and finding.p > 0.1


def test_the_score_of_a_signal_is_told_in_standard_deviations_whatever_the_method():
    """14 cases where at most 12 are usual: p is 0.0012, as far out as 3 sd of a normal count."""
    finding = found(weekly_cases([4, 5, 6, 5, 4, 6] * 44 + [5], 14), COVID)
    assert finding.p is not None and finding.score == pytest.approx(norm.isf(finding.p))
    assert 2.5 < norm.isf(finding.p) < 4


def test_the_reason_of_an_older_signal_by_the_moving_percentile_stays_readable():
    finding = found(series(DAY), replace(COVID, alpha=None, percentile=80))
    with override("en"):
        assert reason(finding) == (
            "7 cases in the 7 days to 2020-02-05; none expected; P80 of 15 earlier periods is 0"
        )


def test_the_reason_of_a_single_case_names_the_rule():
    day = date(2020, 2, 2)
    finding = found(series(day), COVID)
    with override("en"):
        assert reason(finding, day) == (
            "1 case in the 7 days to 2020-02-02; none expected; a single case raises a signal"
        )


def test_the_reason_of_an_ears_alarm_names_the_day_and_its_limit():
    counts = np.zeros((1, 1120))
    counts[0, -1] = 2  # below the minimum of three of the methods that look at years
    finding = found(counts, FLU)
    with override("en"):
        assert reason(finding) == (
            "2 cases in the 7 days to 2020-02-05; none expected; "
            "2 on the last day, where EARS C2 allows 1.5"
        )


def test_a_threshold_never_looks_as_high_as_the_count_above_it():
    said: dict[str, Any] = {"observed": 2, "day": DAY, "expected": 0.0, "facts": {"headline": C3}}
    with override("en"):
        text = types.reason(day_count=1, threshold=0.98, **said)
    assert text.endswith("1 on the last day, where EARS C3 allows 0.9")
