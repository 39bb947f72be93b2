"""Nowcast and back-projection: R's numbers, the plain twins', and what must always hold."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epistat import (
    Flag,
    Nowcast,
    Triangle,
    back_project,
    dirichlet,
    draw,
    generalised_dirichlet,
    lawless,
    triangle_of_dates,
    triangle_of_matrix,
)
from epistat.nowcast import reverse_hazards
from epistat.result import Floats
from epistat.scores import wis
from epistat.tests import plain_nowcast as plain
from epistat.tests.examples import examples
from epistat.tests.reference import OURS, REFERENCE, columns, numbers

NOW = REFERENCE / "nowcast"
LEVELS = [0.025, 0.5, 0.975]

needs_reference = pytest.mark.skipif(
    not NOW.is_dir(), reason="the real outbreak is not beside the repository"
)


def outbreak() -> Triangle:
    """Ours, as known on 5 April."""
    rows = columns(OURS / "nowcast_line_list.csv")
    return triangle_of_dates(rows["event"], rows["report"], now="2020-04-05", max_delay=10)


def hus() -> Triangle:
    rows = columns(NOW / "linelist_hus.csv")
    return triangle_of_dates(rows["dHosp"], rows["dReport"], now="2011-06-01", max_delay=15)


def misses(answer: Nowcast, rows: dict[str, list[str]]) -> Floats:
    """How many cases we lie above R at median and limits, (days, 3)."""
    names = ("low", "median", "high") if "low" in rows else ("lo95", "median", "hi95")
    of_r = np.array([numbers(rows[name]) for name in names]).T
    apart: Floats = answer.quantiles[0, -len(of_r) :] - of_r
    return apart


@pytest.mark.parametrize(
    ("name", "nowcast"),
    [
        ("flat", lambda t: dirichlet(t, window=25, levels=LEVELS)),
        (
            "corrected",
            lambda t: generalised_dirichlet(t, window=25, prior=(15, 0.75), levels=LEVELS),
        ),
    ],
)
def test_our_own_outbreak_has_rs_nowcast(name: str, nowcast: Any) -> None:
    rows = columns(OURS / f"nowcast_{name}.csv")
    answer = nowcast(outbreak())
    # R draws the delays 20,000 times for "corrected"; "flat" is worked out.
    np.testing.assert_allclose(
        answer.mean[0, -10:], numbers(rows["mean"]), rtol=1e-9 if name == "flat" else 0.01
    )
    assert np.abs(misses(answer, rows)).max() <= (0 if name == "flat" else 1)


def test_lawless_as_r_has_it_and_as_it_should_be() -> None:
    rows = columns(OURS / "nowcast_lawless.csv")
    as_r = lawless(outbreak(), window=25, levels=LEVELS, compat="R")
    assert np.abs(misses(as_r, rows)).max() == 0
    right = lawless(outbreak(), window=25, levels=LEVELS)
    np.testing.assert_array_equal(right.mean, as_r.mean)
    assert (right.sd[0, -10:] > as_r.sd[0, -10:]).all(), "R loses the main term"


def test_our_own_outbreak_is_projected_back_as_by_r() -> None:
    rows = columns(OURS / "nowcast_back_projection.csv")
    incubation = [0, 0.1, 0.25, 0.3, 0.2, 0.1, 0.05]
    answer = back_project(numbers(rows["observed"])[np.newaxis], incubation)
    np.testing.assert_allclose(answer.infections[0], numbers(rows["infections"]), rtol=1e-9)


@needs_reference
@pytest.mark.parametrize("name", ["bnb_0601_D15_m20", "lawless_0601_D15_m14", "unif_0601"])
def test_the_triangle_of_a_real_line_list_is_rs(name: str) -> None:
    rows = columns(NOW / f"triangle_hus__{name}.csv")
    of_r = np.array([numbers(rows[f"d{d}"]) for d in range(16)]).T
    np.testing.assert_array_equal(hus().counts[0], of_r)


@needs_reference
@pytest.mark.parametrize(
    ("name", "window", "sliding"),
    [
        ("lawless_0601_D15_m14", 14, True), ("lawless_0601_D15_m20", 20, True),
        ("bnb_0601_D15_m20", 20, False), ("trunc_0601_D15_m20", 20, False),
        ("notrunc_0601_D15", None, False),
    ],
)  # fmt: skip
def test_delays_and_shares_of_a_real_outbreak_are_rs(
    name: str, window: int | None, sliding: bool
) -> None:
    rows = columns(NOW / f"delay_hus__{name}.csv")
    n_x, total = reverse_hazards(hus(), window=window, sliding=sliding)
    assert n_x[0].tolist() == numbers(rows["n_x"]).tolist()
    assert total[0].tolist() == numbers(rows["N_x"]).tolist()
    answer = NOWCASTS[name](hus())
    np.testing.assert_allclose(answer.share[0, -16:][::-1], numbers(rows["delayCDF"]), rtol=1e-9)


PRIOR = (50, 50**2 / 3000)
NOWCASTS: dict[str, Any] = {
    "lawless_0601_D15_m14": lambda t: lawless(t, window=14, levels=LEVELS, compat="R"),
    "lawless_0601_D15_m20": lambda t: lawless(t, window=20, levels=LEVELS, compat="R"),
    "bnb_0601_D15_m20": lambda t: dirichlet(t, window=20, levels=LEVELS),
    "notrunc_0601_D15": lambda t: dirichlet(t, prior=PRIOR, levels=LEVELS),
    "trunc_0601_D15_m20": lambda t: generalised_dirichlet(t, window=20, prior=PRIOR, levels=LEVELS),
}


@needs_reference
@pytest.mark.parametrize("name", NOWCASTS)
def test_a_real_outbreak_has_rs_nowcast(name: str) -> None:
    rows = columns(NOW / f"nowcast_hus__{name}.csv")
    answer = NOWCASTS[name](hus())
    apart = np.abs(misses(answer, rows))
    if name.startswith("lawless"):
        assert apart.max() == 0
        return
    # R looks no further than 300 cases: of the last day it has all (72 % of "bnb") below that.
    within = slice(None, -2) if name.startswith("trunc") else slice(None, -1)
    assert apart[within].max() <= (0 if name.startswith("bnb") else 1)
    np.testing.assert_allclose(
        answer.mean[0, -16:][within][:-1], numbers(rows["mean_of_pmf"])[within][:-1], rtol=0.01
    )
    if not name.startswith("bnb"):
        assert (apart[-2:] <= 0.04 * numbers(rows["hi95"])[-2:, np.newaxis]).all()
        np.testing.assert_allclose(
            answer.mean[0, -2:], numbers(rows["mean_of_pmf"])[-2:], rtol=0.02
        )


@needs_reference
def test_lawless_by_definition_and_back_projection_of_a_real_outbreak_are_rs() -> None:
    rows = columns(NOW / "lawlessdef_hus__lawless_0601_D15_m20.csv")
    answer = lawless(hus(), window=20)
    for ours, theirs in (
        (answer.reported, "reported"), (answer.share, "W"), (answer.mean, "Nhat"),
        (answer.sd**2, "var_total"),
    ):  # fmt: skip
        np.testing.assert_allclose(ours[0], numbers(rows[theirs]), rtol=1e-9)
    rows, incubation = (columns(NOW / f"backproj_{name}.csv") for name in ("hus", "incubation"))
    back = back_project(numbers(rows["observed"])[np.newaxis], numbers(incubation["pmf"]))
    np.testing.assert_allclose(back.infections[0], numbers(rows["lambda"]), rtol=1e-9)


CELL = st.one_of(st.integers(0, 9), st.integers(0, 3), st.just(float("nan")))


@st.composite
def triangles(draw_: st.DrawFn, holes: bool = True) -> Floats:
    days, delays = draw_(st.integers(1, 9)), draw_(st.integers(2, 5))
    cell = CELL if holes else st.integers(0, 9)
    flat = draw_(st.lists(cell, min_size=days * delays, max_size=days * delays))
    return np.array(flat, dtype=np.float64).reshape(days, delays)


@settings(deadline=None)
@given(triangles(), st.sampled_from([None, 4, 6]), st.booleans())
def test_hazards_and_lawless_are_their_twins(
    cells: Floats, window: int | None, sliding: bool
) -> None:
    triangle = triangle_of_matrix(cells)
    n_x, total = reverse_hazards(triangle, window=window, sliding=sliding)
    assert [*zip(n_x[0], total[0], strict=True)] == plain.hazards(
        triangle.counts[0], window, sliding
    )
    answer = lawless(triangle, window=window)
    for t in range(len(cells)):
        twin = plain.lawless(triangle.counts[0], t, window)
        assert answer.answered[0, t] == (twin is not None)
        if twin is not None:
            assert answer.mean[0, t] == pytest.approx(twin[0], rel=1e-9, abs=1e-12)
            assert answer.sd[0, t] ** 2 == pytest.approx(twin[1], rel=1e-6, abs=1e-9)


@settings(deadline=None, max_examples=examples(15))
@given(triangles(holes=False), st.booleans())
def test_closed_forms_are_what_draws_of_delays_and_cases_come_to(cells: Floats, flat: bool) -> None:
    triangle = triangle_of_matrix(cells + 1)
    mean, size = (np.inf, 1.0) if flat else (12.0, 2.0)
    levels = [0.1, 0.5, 0.9]
    nowcast = dirichlet if flat else generalised_dirichlet
    answer = nowcast(triangle, prior=(mean, size), levels=levels)
    for t in range(len(cells)):
        drawn = plain.by_draws(triangle.counts[0], t, mean=mean, size=size, dirichlet=flat)
        total = answer.reported[0, t] + drawn
        for i, level in enumerate(levels):
            q = answer.quantiles[0, t, i]
            assert (total <= q).mean() > level - 0.02
            assert (total < q).mean() < level + 0.02
        if not flat and answer.share[0, t] < 1:
            assert answer.mean[0, t] == pytest.approx(total.mean(), rel=0.05)


def test_the_flat_nowcast_is_a_beta_negative_binomial() -> None:
    triangle = triangle_of_matrix([[6, 3, 1], [8, 4, 2], [5, 2, 0], [7, 0, 0]])
    answer = dirichlet(triangle, levels=[0.05, 0.5, 0.95])
    a = 0.1 + np.array([26, 9, 3])
    below = np.cumsum([plain.beta_negative_binomial(8, a[0], a[1] + a[2], k) for k in range(400)])
    expected = [7 + np.searchsorted(below, level) for level in (0.05, 0.5, 0.95)]
    assert answer.quantiles[0, -1].tolist() == expected
    assert answer.mean[0, -1] == pytest.approx(7 + 8 * (a[1] + a[2]) / (a[0] - 1))


def test_a_last_day_of_which_nothing_can_be_known_says_so_and_cuts_nothing_off() -> None:
    never_at_once = triangle_of_matrix([[0, 30]] * 10 + [[0, 0]])
    flat = dirichlet(never_at_once)
    assert flat.mean[0, -1] == np.inf
    assert flat.quantiles[0, -1, -1] == np.inf
    assert flat.flags[0, -1] == Flag.FEW_CASES
    told = generalised_dirichlet(never_at_once)
    assert np.isfinite(told.quantiles[0, -1]).all()
    assert told.flags[0].tolist() == [0] * 10 + [Flag.FEW_CASES]
    assert told.mean[0, -1] == pytest.approx(30, rel=0.1), "what is usual"


def test_cases_reported_late_are_not_known_early() -> None:
    rows = columns(OURS / "nowcast_line_list.csv")
    early = triangle_of_dates(rows["event"], rows["report"], now="2020-03-25", max_delay=14)
    late = triangle_of_dates(rows["event"], rows["report"], now="2020-04-25", max_delay=14)
    assert early.first == late.first == np.datetime64("2020-03-01")
    assert early.counts.shape == (1, 25, 15)
    known = ~np.isnan(early.counts)
    np.testing.assert_array_equal(early.counts[known], late.counts[:, :25][known])
    assert known[0, -1].tolist() == [True] + [False] * 14
    truth = late.reported[0, :25]
    answer = generalised_dirichlet(early)
    assert (answer.reported[0] <= truth).all()
    inside = (answer.quantiles[0, :, 1] <= truth) & (truth <= answer.quantiles[0, :, -2])
    assert inside.mean() >= 0.9


def weekly(seed: int, share_at_weekends: float) -> Floats:
    """140 days of about 30 cases; on two days of the week fewer reports are made, and later."""
    rng = np.random.default_rng(seed)
    days, delays = 140, 8
    cells = np.zeros((days, delays))
    for t in range(days):
        hazard = np.where((t + np.arange(delays)) % 7 < 2, 0.35 * share_at_weekends, 0.35)
        hazard[-1] = 1.0
        left = rng.poisson(30)
        for d in range(delays):
            cells[t, d] = rng.binomial(left, hazard[d])
            left -= cells[t, d]
    return cells


def weekday_errors(share: float) -> tuple[float, float]:
    """Mean WIS of the last days over two weeks of evenings: without and with the weekday."""
    scores: list[list[float]] = [[], []]
    for seed in range(3):
        cells = weekly(seed, share)
        for now in range(110, 124):
            triangle = triangle_of_matrix(cells[: now + 1])
            truth = cells[now - 2 : now + 1].sum(axis=1)
            for i, with_weekday in enumerate((False, True)):
                answer = generalised_dirichlet(triangle, window=84, weekday=with_weekday)
                scores[i].append(float(wis(truth, answer.quantiles[0, -3:]).total.mean()))
    return float(np.mean(scores[0])), float(np.mean(scores[1]))


def test_knowing_the_weekday_helps_where_offices_close_and_harms_nowhere() -> None:
    without, with_weekday = weekday_errors(share=0.1)
    assert with_weekday < 0.95 * without
    without, with_weekday = weekday_errors(share=1.0)
    assert with_weekday < 1.03 * without


def all_nowcasts(triangle: Triangle) -> dict[str, Floats]:
    answers = {
        "lawless": lawless(triangle), "flat": dirichlet(triangle),
        "corrected": generalised_dirichlet(triangle),
        "weekday": generalised_dirichlet(triangle, weekday=True, prior=(5, 1)),
    }  # fmt: skip
    return {
        f"{kind} {name}": getattr(answer, name)
        for kind, answer in answers.items()
        for name in ("reported", "share", "mean", "sd", "quantiles", "flags")
    }


def many_triangles(series: int) -> Floats:
    rng = np.random.default_rng(9)
    level = 10 ** rng.uniform(-1, 2, (series, 1, 1))
    return rng.poisson(level * np.exp(-np.arange(6) / 2), (series, 40, 6)).astype(np.float64)


def test_a_batch_cut_in_two_has_the_same_nowcasts() -> None:
    cells = many_triangles(30)
    whole = all_nowcasts(triangle_of_matrix(cells))
    cut = cells[:1], cells[1:13], cells[13:]
    parts = [all_nowcasts(triangle_of_matrix(part)) for part in cut]
    for name, values in whole.items():
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_allclose(joined, values, rtol=1e-9, err_msg=name)


def test_a_missing_cell_silences_its_day_and_hardly_moves_the_others() -> None:
    cells = many_triangles(1) + 20
    hole = cells.copy()
    hole[0, 30, 2] = np.nan
    before, after = (all_nowcasts(triangle_of_matrix(each)) for each in (cells, hole))
    for kind in ("lawless", "flat", "corrected", "weekday"):
        flags = after[f"{kind} flags"][0]
        assert flags[30] == Flag.MISSING_NOW
        assert np.isnan(after[f"{kind} mean"][0, 30])
        others = np.arange(40) != 30
        assert not (flags[others] & np.uint8(Flag.NO_ANSWER)).any()
        np.testing.assert_allclose(
            after[f"{kind} mean"][0, others], before[f"{kind} mean"][0, others], rtol=0.02
        )


def test_bad_triangles_are_flagged_and_leave_the_others_alone() -> None:
    good = many_triangles(1)
    bad = np.stack([
        np.zeros((40, 6)), np.full((40, 6), np.nan), np.full((40, 6), -1.0),
        np.full((40, 6), np.inf), np.full((40, 6), 1e300),
        np.where(np.arange(6) == 5, 9.0, 0.0) * np.ones((40, 1)),
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        among = all_nowcasts(triangle_of_matrix(np.concatenate([good, bad])))
        alone = all_nowcasts(triangle_of_matrix(good))
        huge = generalised_dirichlet(triangle_of_matrix(np.full((1, 40, 6), 2e5)))
        for days in range(1, 4):
            all_nowcasts(triangle_of_matrix(np.ones((2, days, 6))))
    for name, values in alone.items():
        np.testing.assert_allclose(among[name][:1], values, rtol=1e-9, err_msg=name)
    assert (among["corrected flags"][2:6] & Flag.MISSING_NOW).all()
    np.testing.assert_array_equal(among["corrected mean"][1, :34], 0)
    np.testing.assert_allclose(huge.mean[0], 1.2e6, rtol=0.01)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"series": [0, -1]}, "series must be 0 or more"),
        ({"series": [0, 2], "rows": 2}, "series must be 0 or more, below 2"),
        ({"cases": [1, -1]}, "cases must be numbers of 0 or more"),
        ({"cases": [1, np.nan]}, "cases must be numbers of 0 or more"),
    ],
)
def test_a_line_list_names_no_series_and_no_number_of_cases_that_cannot_be(
    wrong: dict[str, Any], problem: str
) -> None:
    days = ["2020-02-01", "2020-02-03"]
    with pytest.raises(ValueError, match=problem):
        triangle_of_dates(days, days, max_delay=2, **wrong)
    right = triangle_of_dates(days, days, max_delay=2, series=[0, 1], rows=2, cases=[1, 0])
    assert right.counts.shape == (2, 3, 3)


def test_histories_that_are_drawn_are_the_nowcast() -> None:
    triangle = outbreak()
    for answer in (
        generalised_dirichlet(triangle, prior=(15, 0.75)),
        generalised_dirichlet(triangle, prior=(15, 0.75), weekday=True),
        lawless(triangle),
    ):
        drawn = draw(answer, 40_000, seed=4)[0]
        np.testing.assert_allclose(drawn.mean(axis=0), answer.mean[0], rtol=0.03)
        np.testing.assert_allclose(drawn.std(axis=0)[-8:], answer.sd[0, -8:], rtol=0.06)
        assert (drawn >= answer.reported[0]).all()
    two = triangle_of_matrix(np.concatenate([triangle.counts, triangle.counts]))
    both = draw(generalised_dirichlet(two), 50, seed=4, keys=[7, 3])
    alone = draw(generalised_dirichlet(triangle), 50, seed=4, keys=[3])
    np.testing.assert_array_equal(both[1], alone[0])
    assert (both[0] != both[1]).any()


@settings(deadline=None, max_examples=examples(25))
@given(
    st.lists(st.one_of(st.integers(0, 30), st.just(float("nan"))), min_size=6, max_size=20),
    st.integers(1, 25),
)
def test_back_projection_is_its_twin(onsets: list[float], steps: int) -> None:
    y = np.array(onsets, dtype=np.float64)
    f = [0.1, 0.2, 0.4, 0.3]
    answer = back_project(y[np.newaxis], f, steps=steps, tolerance=1e-300)
    if not np.nansum(y):
        assert (answer.flags == Flag.UNDEFINED).all()
        return
    np.testing.assert_allclose(
        answer.infections[0], plain.back_project(y, f, int(answer.steps[0])), rtol=1e-9, atol=1e-12
    )


def test_back_projection_finds_the_days_of_infection_and_keeps_its_scale() -> None:
    infections = np.zeros(60)
    infections[20:26] = 200
    f = np.array([0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.1])
    onsets = np.convolve(infections, f)[:60]
    answer = back_project(onsets[np.newaxis], f)
    centre = (np.arange(60) * answer.infections[0]).sum() / answer.infections[0].sum()
    assert centre == pytest.approx(22.5, abs=0.05)
    assert answer.infections[0].sum() == pytest.approx(1200, rel=0.01)
    tenfold = back_project(np.stack([onsets * 10, np.zeros(60)]), f)
    np.testing.assert_allclose(tenfold.infections[0], 10 * answer.infections[0], rtol=1e-9)
    assert (tenfold.flags[1] == Flag.UNDEFINED).all()
    assert answer.flags[0, -1] == Flag.FEW_CASES
    assert answer.seen[-1] == 0


def of_one(event: str, report: str, max_delay: int = 3, **options: Any) -> Triangle:
    return triangle_of_dates([event], [report], max_delay=max_delay, **options)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: triangle_of_matrix([1, 2]), "series, days, delays"),
        (lambda: of_one("2020-01-02", "2020-01-01"), "before the event"),
        (lambda: of_one("2020-01-02", "2020-01-03", max_delay=0), "at least 1 day"),
        (lambda: triangle_of_dates([], [], max_delay=3), "give now and first"),
        (lambda: of_one("2020-01-02", "2020-01-03", now="2019-01-01"), "before the first day"),
        (lambda: of_one("2020-01-02", "NaT"), "a date for each"),
        (lambda: generalised_dirichlet(triangle_of_matrix([[1, 2, 3]]), window=1), "at least 2"),
        (lambda: dirichlet(triangle_of_matrix([[1, 2]]), prior=(0, 1)), "above 0"),
        (lambda: lawless(triangle_of_matrix([[1, 2]]), levels=[0.5, 0.1]), "rise"),
        (lambda: draw(lawless(triangle_of_matrix([[1, 2]])), 5, seed=1, keys=[1, 2]), "one whole"),
        (lambda: back_project([[1, 2]], [0.9, 0.9]), "at most 1"),
        (lambda: back_project([[1, 2]], [0, 1], smoothing=1), "even"),
    ],
)
def test_impossible_options_are_refused_with_a_reason(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_young_day_without_a_report_says_that_lawless_cannot_tell() -> None:
    cells = [[3, 3], [4, 4], [0, 0], [0, 0]]
    answer = lawless(triangle_of_matrix(cells))
    assert answer.mean[0, -2:].tolist() == [0, 0]
    few = (answer.flags[0] & Flag.FEW_CASES) != 0
    assert few.tolist() == [False, False, False, True]  # the day before is complete
    assert not lawless(triangle_of_matrix([*cells[:3], [5, 0]])).flags.any()


def test_without_any_report_the_flat_nowcast_says_that_it_has_no_mean() -> None:
    nothing = dirichlet(triangle_of_matrix(np.zeros((12, 5))))
    endless = np.isinf(nothing.mean[0])
    assert endless[-4:].all()
    few = (nothing.flags[0] & Flag.FEW_CASES) != 0
    assert few[endless].all()
    assert not few[:-4].any()


def test_quantiles_of_millions_of_unreported_cases_are_numbers() -> None:
    cells = np.tile([4e6, 4e6], (40, 1))
    cells[:, 1] += np.arange(40) * 1e4
    for answer in (
        dirichlet(triangle_of_matrix(cells)), generalised_dirichlet(triangle_of_matrix(cells)),
    ):  # fmt: skip
        last = answer.quantiles[0, -1]
        assert np.isfinite(last).all()
        assert (np.diff(last) >= 0).all()
        middle = last[len(last) // 2]
        assert middle == pytest.approx(answer.mean[0, -1], abs=0.1 * answer.sd[0, -1])
        assert last[-1] - middle == pytest.approx(2.33 * answer.sd[0, -1], rel=0.1)
