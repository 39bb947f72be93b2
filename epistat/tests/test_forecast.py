"""The renewal forecast: its mean is the renewal equation's, and its spread tells the truth."""

import warnings
from typing import Any

import numpy as np
import pytest

from epistat import (
    Flag,
    cori,
    discrete_interval,
    draw,
    forecast,
    generalised_dirichlet,
    growth_of_reproduction,
    triangle_of_matrix,
)
from epistat.renewal import scatter
from epistat.result import Floats
from epistat.scores import HUB_LEVELS, coverage, wis
from epistat.tests import plain_nowcast as plain

INTERVAL = np.array([0, 0.15, 0.3, 0.25, 0.15, 0.1, 0.05])


def test_with_a_known_r_and_poisson_cases_the_mean_follows_the_renewal_equation() -> None:
    rng = np.random.default_rng(2)
    counts = rng.poisson(30, (1, 40)).astype(np.float64)
    sure: dict[str, Any] = {"prior_mean": 1.2, "prior_sd": 1e-4, "size": np.inf}
    answer = forecast(counts, INTERVAL, paths=20_000, seed=3, **sure)
    assert answer.reproduction[0] == pytest.approx(1.2, rel=1e-3)
    expected = plain.renewal(counts[0].tolist(), INTERVAL.tolist(), 1.2, 14)
    np.testing.assert_allclose(answer.mean[0], expected, rtol=0.01)
    # The first day is Poisson; with a size its variance is mean + mean²/size.
    assert answer.sd[0, 0] ** 2 == pytest.approx(expected[0], rel=0.05)
    wide = forecast(counts, INTERVAL, paths=20_000, seed=3, **{**sure, "size": 5.0})
    assert wide.sd[0, 0] ** 2 == pytest.approx(expected[0] + expected[0] ** 2 / 5, rel=0.05)
    np.testing.assert_allclose(wide.mean[0], expected, rtol=0.03)


def test_r_is_drawn_from_its_posterior() -> None:
    counts = np.random.default_rng(4).poisson(8, (1, 30)).astype(np.float64)
    prior: dict[str, Any] = {"prior_mean": 2, "prior_sd": 3}
    answer = forecast(counts, INTERVAL, paths=40_000, seed=1, size=np.inf, horizon=1, **prior)
    posterior = cori(counts, INTERVAL, **prior)
    assert answer.reproduction[0] == pytest.approx(posterior.mean[0, -1], rel=0.01)
    force = counts[0, ::-1][:6] @ INTERVAL[1:]
    variance = posterior.mean[0, -1] * force + (posterior.sd[0, -1] * force) ** 2
    assert answer.sd[0, 0] ** 2 == pytest.approx(variance, rel=0.05)


def epidemics(series: int, days: int, ratio: float, size: float) -> Floats:
    """Renewal with negative binomial cases, from 40 cases a day."""
    rng = np.random.default_rng(11)
    run = np.full((series, days), 40.0)
    for t in range(7, days):
        mean = ratio * run[:, t - np.arange(1, 7)] @ INTERVAL[1:]
        run[:, t] = rng.poisson(mean * rng.gamma(size, 1 / size, series))
    return run


def test_quantiles_hold_as_many_truths_as_they_say() -> None:
    run = epidemics(150, 54, 1.2, 12.0)
    answer = forecast(run[:, :40], INTERVAL, seed=5, paths=600)
    truth = run[:, 40:]
    assert answer.quantiles.shape == (150, 14, 23)
    assert coverage(truth, answer.quantiles, HUB_LEVELS, 0.5) == pytest.approx(0.5, abs=0.1)
    assert coverage(truth, answer.quantiles, HUB_LEVELS, 0.95) == pytest.approx(0.95, abs=0.05)
    naive = np.repeat(np.quantile(run[:, 33:40], HUB_LEVELS, axis=1).T[:, np.newaxis], 14, axis=1)
    assert wis(truth, answer.quantiles).total.mean() < wis(truth, naive).total.mean()


def test_how_much_cases_scatter_is_found_again() -> None:
    sizes = [scatter(row, INTERVAL) for row in epidemics(300, 60, 1.0, 8.0)]
    assert np.median(sizes) == pytest.approx(8.0, rel=0.35)
    poisson = [scatter(row, INTERVAL) for row in epidemics(60, 60, 1.0, 1e6)]
    assert np.median(poisson) > 50
    assert scatter(np.full(60, 40.0), INTERVAL) == np.inf
    assert scatter([3.0] * 9, INTERVAL) == np.inf, "too few days to tell"


def test_growth_goes_on_and_drift_widens() -> None:
    rate = float(growth_of_reproduction(1.4, INTERVAL))
    counts = np.round(50 * np.exp(rate * np.arange(40)))[np.newaxis]
    answer = forecast(counts, INTERVAL, seed=1, size=np.inf)
    expected = counts[0, -1] * np.exp(rate * np.arange(1, 15))
    np.testing.assert_allclose(answer.mean[0], expected, rtol=0.05)
    drifting = forecast(counts, INTERVAL, seed=1, size=np.inf, drift=0.05)
    assert (drifting.sd[0, 3:] > 1.2 * answer.sd[0, 3:]).all()
    assert (np.diff(answer.quantiles[0], axis=1) >= 0).all()


def test_from_the_nowcast_the_forecast_is_higher_than_from_what_is_reported() -> None:
    rng = np.random.default_rng(6)
    cells = rng.multinomial(60, [0.3, 0.3, 0.2, 0.1, 0.1], size=60).astype(np.float64)
    triangle = triangle_of_matrix(cells)
    nowcast = generalised_dirichlet(triangle, weekday=False)
    from_nowcast = forecast(draw(nowcast, 800, seed=2), INTERVAL, seed=2)
    from_reports = forecast(triangle.reported, INTERVAL, seed=2)
    assert from_nowcast.mean[0, 0] == pytest.approx(60, rel=0.25)
    assert from_reports.mean[0, 0] < 0.7 * from_nowcast.mean[0, 0]
    median = from_nowcast.quantiles[0, 6, 11]
    assert 40 < median < 85


def test_a_series_has_the_same_forecast_alone_and_among_others() -> None:
    run = epidemics(6, 40, 1.0, 10.0)
    together = forecast(run, INTERVAL, seed=9, keys=[5, 1, 8, 0, 3, 2], paths=200)
    alone = forecast(run[[2]], INTERVAL, seed=9, keys=[8], paths=200)
    np.testing.assert_array_equal(together.quantiles[2], alone.quantiles[0])
    again = forecast(run[[2]], INTERVAL, seed=9, keys=[8], paths=200)
    np.testing.assert_array_equal(again.quantiles, alone.quantiles)
    other = forecast(run[[2]], INTERVAL, seed=10, keys=[8], paths=200)
    assert (other.quantiles != alone.quantiles).any()


def test_a_missing_day_hardly_moves_the_forecast() -> None:
    run = epidemics(1, 40, 1.0, 1e6)
    hole = run.copy()
    hole[0, 36] = np.nan
    before, after = (forecast(y, INTERVAL, seed=1, paths=4000, size=50.0) for y in (run, hole))
    assert after.answered.all()
    np.testing.assert_allclose(after.mean[0, :7], before.mean[0, :7], rtol=0.12)


def test_bad_series_are_flagged_and_leave_the_others_alone() -> None:
    good = epidemics(1, 40, 1.0, 10.0)
    bad = np.stack([
        np.zeros(40), np.full(40, np.nan), np.full(40, -2.0), np.full(40, np.inf),
        np.append(np.full(30, 9.0), np.full(10, np.nan)), np.full(40, 1e300), np.full(40, 1e9),
    ])  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        among = forecast(np.concatenate([good, bad]), INTERVAL, seed=1, paths=200)
        alone = forecast(good, INTERVAL, seed=1, paths=200)
        short = forecast(np.ones((2, 5)), INTERVAL, seed=1, paths=200)
    np.testing.assert_array_equal(among.quantiles[0], alone.quantiles[0])
    assert among.flags[1:7].tolist() == [Flag.UNDEFINED] + [Flag.TOO_FEW_POINTS] * 5
    assert np.isnan(among.quantiles[1:7]).all()
    assert among.answered[7]
    assert short.flags.tolist() == [Flag.SHORT_HISTORY] * 2
    assert forecast(np.empty((0, 40)), INTERVAL, seed=1).mean.shape == (0, 14)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"horizon": 15}, "1 to 14 days"), ({"window": 0}, "at least 1 day"),
        ({"size": 0}, "above 0"), ({"drift": -1}, "0 or more"), ({"paths": 5}, "at least 100"),
        ({"levels": [0.5, 0.2]}, "rise"), ({"keys": [-1]}, "0 or more"),
        ({"prior_sd": 0}, "above 0"),
    ],
)  # fmt: skip
def test_impossible_options_are_refused_with_a_reason(options: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        forecast(np.ones((1, 40)), INTERVAL, seed=1, **options)


def test_an_interval_that_ends_with_the_history_is_refused_a_longer_one_forecasts_more() -> None:
    counts = [[50.0] * 6 + [0.0] * 6]

    def last_day(length: int) -> float:
        interval = discrete_interval(10, 5, length)
        answer = forecast(counts, interval, size=np.inf, prior_sd=0.01, seed=1)
        return float(answer.mean[0, -1])

    with pytest.raises(ValueError, match="ends after 11 days; give all of it, or 26 days"):
        last_day(12)
    assert last_day(26) == pytest.approx(15.2, abs=0.3)
    # An interval that is told whole may be as short as it is.
    assert forecast(counts, [0, 0.5, 0.5], seed=1).mean.shape == (1, 14)
