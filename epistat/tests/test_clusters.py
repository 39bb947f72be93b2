"""Scans find what was planted, say nothing of chance, and agree with their twin and with R."""

from typing import Any

import numpy as np
import pytest

from epistat import Flag, circles, place_rule, scan, spread, standardised
from epistat import clusters as module
from epistat.clusters import gumbel
from epistat.result import Floats
from epistat.tests import plain_scan, scan_reference
from epistat.tests.scan_reference import needs_reference

MODELS = ("poisson", "bernoulli", "permutation", "expectation")
each = pytest.mark.parametrize("model", MODELS)
PERIODS = 6


def some_data(seed: int, places: int = 12) -> tuple[Floats, Floats, Floats]:
    """Places on a grid (so that distances tie), counts, and how many people could be cases."""
    rng = np.random.default_rng(seed)
    where = rng.permutation([[x, y] for x in range(4) for y in range(5)])[:places].astype(float)
    people = rng.integers(8, 30, (places, PERIODS)).astype(float)
    counts = rng.poisson(people / 9).astype(float)
    return where, np.minimum(counts, people), people


def base_of(model: str, people: Floats) -> Floats | None:
    return {"permutation": None, "expectation": people / 9}.get(model, people)


def run(model: Any, counts: Floats, where: Floats, people: Floats, **options: Any) -> Any:
    return scan(counts, circles(where), model=model, base=base_of(model, people), **options)


@each
@pytest.mark.parametrize("seed", range(12))
def test_every_cluster_is_that_of_the_twin(model: str, seed: int) -> None:
    where, counts, people = some_data(seed)
    least, shortest = 1 + seed % 4, 1 + seed % 2
    found = run(
        model, counts, where, people, longest=4, shortest=shortest, least=least, replicates=0,
        most=4,
    )  # fmt: skip
    base = base_of(model, people)
    scores = plain_scan.scores(
        model,
        counts,
        people if base is None else base,
        plain_scan.sets_of_places(where, np.ones(len(where)), 0.5),
        range(shortest, 5),
        least,
        PERIODS,
    )
    chosen = plain_scan.greedy(scores, 4)
    assert [one.score for one in found.clusters] == pytest.approx(
        [score for _, score in chosen], rel=1e-9, abs=1e-9
    )
    # Where two cylinders score the same, either may be told.
    for one in found.clusters:
        cylinder = frozenset(one.places.tolist()), one.duration
        assert scores[cylinder] == pytest.approx(one.score, rel=1e-9, abs=1e-9)
        inside = np.ix_(one.places, range(one.start, PERIODS))
        assert one.observed == counts[inside].sum()
        assert one.observed > one.expected
        assert one.relative_risk > 1


@each
@pytest.mark.parametrize("earlier", [0, 2])
def test_the_best_score_of_a_replicate_is_that_of_the_twin(model: Any, earlier: int) -> None:
    where, counts, people = some_data(3)
    zones = circles(where)
    base = base_of(model, people)
    found = scan(
        counts, zones, model=model, base=base, longest=3, replicates=6, seed=5, earlier=earlier,
        least=1,
    )  # fmt: skip
    data = module._Data.of(counts, zones, model, base, 1.0)
    sets = plain_scan.sets_of_places(where, np.ones(len(where)), 0.5)
    for i in range(6):
        stream = np.random.Generator(np.random.Philox(key=[5, i]))
        dealt = data.draw(stream, 3 + earlier).astype(float)
        # The rest of the cases lie in periods that no cylinder reaches.
        whole = np.zeros(counts.shape)
        whole[:, -dealt.shape[1] :] = dealt
        best = 0.0
        for back in range(earlier + 1):
            for places in sets:
                for h in range(1, 4):
                    inside = np.ix_(sorted(places), range(PERIODS - back - h, PERIODS - back))
                    best = max(
                        best,
                        plain_scan.score(
                            model, whole[inside].sum(), data.expected[inside].sum(),
                            counts.sum(), people.sum(),
                        ),
                    )  # fmt: skip
        assert found.maxima[i] == pytest.approx(best, rel=1e-9)


@each
def test_threads_and_batches_change_nothing(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, counts, people = some_data(1)
    whole = run(model, counts, where, people, replicates=70, threads=3)
    for batch in (1, 7, 64):
        monkeypatch.setattr(module, "BATCH", batch)
        again = run(model, counts, where, people, replicates=70)
        np.testing.assert_array_equal(again.maxima, whole.maxima)
        assert [one.p for one in again.clusters] == [one.p for one in whole.clusters]
    shorter = run(model, counts, where, people, replicates=20)
    np.testing.assert_array_equal(shorter.maxima, whole.maxima[:20])
    other = run(model, counts, where, people, replicates=20, seed=1)
    assert (other.maxima != shorter.maxima).any()


@each
def test_without_a_cluster_p_is_even(model: str) -> None:
    """Of 300 data sets by chance about a tenth has p <= 0.1: within four standard deviations."""
    rng = np.random.default_rng(8)
    where, _, people = some_data(0)
    people = np.repeat(people[:, :1], PERIODS, axis=1)
    low = 0
    for seed in range(300):
        counts = rng.poisson(people / 9).astype(float)
        found = run(model, np.minimum(counts, people), where, people, replicates=19, seed=seed)
        low += bool(found.clusters) and found.clusters[0].p <= 0.1
    assert abs(low - 30) <= 4 * np.sqrt(300 * 0.1 * 0.9)


@each
def test_a_planted_cluster_is_found_and_told_when_it_began(model: str) -> None:
    where = np.array([[x, y] for x in range(6) for y in range(6)], float)
    rng = np.random.default_rng(2)
    people = np.full((36, 10), 90.0)
    counts = rng.poisson(people / 30).astype(float)
    planted = [8, 13, 14, 15, 20]
    counts[planted, -3:] += 7
    best = run(model, counts, where, people * 0.3, replicates=199).clusters[0]
    assert sorted(best.places.tolist()) == planted
    assert (best.start, best.duration, best.radius) == (7, 3, 1.0)
    assert best.p == 1 / 200
    assert best.p_gumbel < 1e-4
    assert best.recurrence == 1 / best.p_gumbel


def test_a_rise_everywhere_is_no_cluster_for_the_permutation() -> None:
    where = np.array([[x, y] for x in range(6) for y in range(6)], float)
    rng = np.random.default_rng(2)
    seen = {"permutation": 0, "expectation": 0}
    for seed in range(20):
        counts = rng.poisson(3, (36, 10)).astype(float)
        counts[:, -2:] = rng.poisson(5, (36, 2))
        for model in seen:
            base = {"expectation": np.full(36, 3.0)}.get(model)
            found = scan(counts, circles(where), model=model, base=base, replicates=19, seed=seed)
            seen[model] += found.clusters[0].p <= 0.05
    assert seen["expectation"] == 20
    assert seen["permutation"] <= 4


@each
def test_a_case_more_in_the_cluster_makes_it_stronger(model: str) -> None:
    for seed in range(8):
        where, counts, people = some_data(seed)
        before = run(model, counts, where, people + 9, replicates=0).clusters[0]
        counts[before.places[0], -1] += 1
        after = run(model, counts, where, people + 9, replicates=0).clusters[0]
        assert after.score > before.score


def test_the_unit_of_the_base_and_the_order_of_the_places_do_not_matter() -> None:
    where, counts, people = some_data(4)
    one = run("poisson", counts, where, people, replicates=0)
    other = run("poisson", counts, where, people * 1000, replicates=0)
    assert [c.score for c in one.clusters] == pytest.approx([c.score for c in other.clusters])
    order = np.random.default_rng(0).permutation(len(where))
    moved = run("poisson", counts[order], where[order], people[order], replicates=0)
    assert moved.clusters[0].score == pytest.approx(one.clusters[0].score, rel=1e-12)
    assert set(order[moved.clusters[0].places]) == set(one.clusters[0].places.tolist())


@each
def test_chance_deals_as_the_model_says(model: Any) -> None:
    where, counts, people = some_data(6)
    base = base_of(model, people)
    data = module._Data.of(counts, circles(where), model, base, 1.0)
    drawn = np.array(
        [data.draw(np.random.Generator(np.random.Philox(i)), PERIODS) for i in range(3000)]
    )
    expected = data.expected * (counts.sum() / people.sum() if model == "bernoulli" else 1)
    error = np.abs(drawn.mean(axis=0) - expected) / np.sqrt(expected / 3000)
    assert error.max() < 5
    if model == "permutation":
        assert (drawn.sum(axis=1) == counts.sum(axis=0)).all()
        assert (drawn.sum(axis=2) <= counts.sum(axis=1)).all()
    if model in ("poisson", "bernoulli"):
        assert (drawn.sum(axis=(1, 2)) == counts.sum()).all()
    if model == "bernoulli":
        assert (drawn <= people).all()


def test_many_cases_are_dealt_as_few_are() -> None:
    """Above as many cases as cells other algorithms deal; means and margins stay."""
    where, counts, people = some_data(6)
    for model in ("poisson", "permutation"):
        data = module._Data.of(counts * 40, circles(where), model, base_of(model, people), 1.0)
        assert data.total > counts.size
        drawn = np.array(
            [data.draw(np.random.Generator(np.random.Philox(i)), 3) for i in range(2000)]
        )
        error = np.abs(drawn.mean(axis=0) - data.expected[:, -3:])
        assert (error / np.sqrt(data.expected[:, -3:] / 2000)).max() < 5
        if model == "permutation":
            assert (drawn.sum(axis=1) == 40 * counts.sum(axis=0)[-3:]).all()


def test_noisy_places_are_weighed_down_and_their_chance_is_wide() -> None:
    rng = np.random.default_rng(5)
    where = np.array([[x, y] for x in range(5) for y in range(5)], float)
    mean, ratio = np.full((25, 8), 6.0), np.full(25, 4.0)
    low = {1.0: 0, 4.0: 0}
    for seed in range(60):
        counts = rng.negative_binomial(mean / 3, 1 / 4).astype(float)
        for assumed in low:
            found = scan(
                counts, circles(where), model="expectation", base=mean, ratio=ratio / 4 * assumed,
                replicates=19, seed=seed,
            )  # fmt: skip
            low[assumed] += bool(found.clusters) and found.clusters[0].p <= 0.05
    assert low[1.0] > 50, "Poisson calls the noise of negative binomial counts a cluster"
    assert low[4.0] <= 9
    measured = spread(rng.negative_binomial(2.0, 0.25, (3, 4000)), np.full((3, 1), 6.0))
    assert measured == pytest.approx([4, 4, 4], rel=0.1)
    assert spread([[np.nan, 2.0]], [[2.0, 2.0]]).tolist() == [1.0]


def test_a_missing_count_is_left_out_with_its_base() -> None:
    where, counts, people = some_data(9)
    gap = counts.copy()
    gap[3, -1] = np.nan
    found = run("poisson", gap, where, people, replicates=0)
    without = people.copy()
    without[3, -1] = 0
    counts[3, -1] = 0
    same = run("poisson", counts, where, without, replicates=0)
    assert [one.score for one in found.clusters] == [one.score for one in same.clusters]


def test_nothing_is_found_where_there_is_nothing() -> None:
    where, counts, people = some_data(9)
    for model in MODELS:
        nothing = run(model, counts * 0, where, people)
        assert nothing.clusters == ()
        assert np.isnan(nothing.critical)
    flat = scan(np.ones((12, 4)), circles(where), replicates=9)
    assert flat.clusters == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"counts": [[1.5] * 2] * 3}, "whole numbers"),
        ({"counts": [[-1] * 2] * 3}, "whole numbers"),
        ({"counts": [[np.inf] * 2] * 3}, "whole numbers"),
        ({"counts": [[1, 2]]}, "a row for a place"),
        ({"model": "normal"}, "model must be one of"),
        ({"model": "bernoulli"}, "needs a base"),
        ({"model": "expectation"}, "needs a base"),
        ({"model": "bernoulli", "base": [1, 1, 1]}, "not below the cases"),
        ({"model": "bernoulli", "base": [9.5, 9, 9]}, "whole numbers"),
        ({"model": "permutation", "base": [1, 1, 1]}, "no base"),
        ({"model": "permutation", "counts": [[np.nan, 1]] * 3}, "every count"),
        ({"base": [1, 0, 1]}, "where the base is 0"),
        ({"base": [1, -1, 1]}, "0 or more"),
        ({"base": [[1, 1, 1]]}, "base needs the shape"),
        ({"model": "expectation", "base": [2, 2, 2], "ratio": 0.5}, "ratio must be 1 or more"),
        ({"longest": 3}, "longest must lie"),
        ({"shortest": 2}, "shortest must lie"),
        ({"longest": 2, "earlier": 1}, "more than the periods"),
        ({"replicates": -1}, "replicates"),
        ({"threads": 0}, "threads"),
        ({"least": 0}, "least"),
    ],
)  # fmt: skip
def test_impossible_questions_are_refused(change: dict[str, Any], why: str) -> None:
    asked: dict[str, Any] = {"counts": [[2, 2]] * 3, **change}
    with pytest.raises(ValueError, match=why):
        scan(asked.pop("counts"), circles([[0, 0], [1, 1], [2, 5]], share=1), **asked)


def test_the_gumbel_tail_agrees_with_the_replicates_where_both_can_tell() -> None:
    where, counts, people = some_data(2)
    found = run("poisson", counts, where, people, replicates=3000)
    for share in (0.5, 0.2, 0.05):
        assert gumbel(float(np.quantile(found.maxima, 1 - share)), found.maxima) == pytest.approx(
            share, rel=0.2
        )
    assert np.isnan(gumbel(3.0, [1.0]))
    assert np.isnan(gumbel(3.0, [1.0, 1.0]))


def test_progress_is_told_to_the_end() -> None:
    where, counts, people = some_data(2)
    seen: list[tuple[int, int]] = []
    run("poisson", counts, where, people, replicates=130, threads=2,
        progress=lambda done, whole: seen.append((done, whole)))  # fmt: skip
    assert seen == [(64, 130), (128, 130), (130, 130)]


# --- Zones ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 1.0])
def test_zones_are_those_of_the_twin(share: float) -> None:
    for seed in range(6):
        where, _, people = some_data(seed)
        zones = circles(where, population=people[:, 0], share=share)
        sets = [
            frozenset(zones.members(int(centre), int(size) + 1).tolist())
            for centre, size in np.argwhere(zones.ends)
        ]
        assert len(sets) == len(set(sets)) == len(zones)
        assert set(sets) == plain_scan.sets_of_places(where, people[:, 0], share)


def test_zones_keep_to_radius_and_size_and_places_at_one_point_go_together() -> None:
    zones = circles([[0, 0], [0, 0], [3, 0], [9, 0]], share=1, radius=3)
    members = [
        sorted(zones.members(int(c), int(s) + 1).tolist()) for c, s in np.argwhere(zones.ends)
    ]
    assert members == [[0, 1], [0, 1, 2], [2], [3]]
    assert len(circles([[0, 0], [1, 0], [3, 0]], share=1, most=1)) == 3
    assert len(circles([[0, 0], [1, 0]], population=[9, 1], share=0.5)) == 1


def test_distances_on_the_earth_are_those_of_a_great_circle() -> None:
    chengdu, kangding = [30.657, 104.066], [30.05, 101.96]
    zones = circles([chengdu, kangding], earth=True, share=1)
    assert zones.distance[0, 1] == pytest.approx(213, abs=3)
    over_the_date_line = circles([[0, 179.9], [0, -179.9]], earth=True, share=1)
    assert over_the_date_line.distance[0, 1] == pytest.approx(22.2, abs=0.1)


@pytest.mark.parametrize(
    ("where", "options", "why"),
    [
        ([1, 2], {}, "shape"),
        ([[1, np.nan]], {}, "two coordinates"),
        ([[91, 0]], {"earth": True}, "latitude"),
        ([[1, 1]], {"share": 0}, "share"),
        ([[1, 1]], {"most": 0}, "most"),
        ([[1, 1]], {"radius": -1}, "radius"),
        ([[1, 1]], {"population": [0]}, "population"),
        ([[1, 1]], {"population": [1, 2]}, "population"),
    ],
)
def test_impossible_zones_are_refused(where: Any, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        circles(where, **options)


def test_standardised_cases_follow_the_rates_of_the_strata() -> None:
    cases = np.array([[[1.0, 3], [2, 2]], [[0, np.nan], [1, 1]]])
    people = np.array([[[10.0, 30], [20, 20]], [[5, 50], [5, 10]]])
    expected = standardised(cases, people)
    assert expected == pytest.approx(np.array([[1 + 0.5, 3], [2 + 0.5, 2 + 1.0]]))
    assert standardised([[0, 0]], [[0, 0]]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="strata"):
        standardised([1, 2], [3, 4])


# --- Place rules ----------------------------------------------------------------------------------


def test_a_place_rule_counts_the_days_of_its_window_and_no_more() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.6, (6, 40)).astype(float)
    rule = np.array([[2], [3], [4], [5], [5], [8]])
    answer = place_rule(counts, cases=rule, days=7)
    for place in range(6):
        for day in range(40):
            known = counts[place, max(day - 6, 0) : day + 1].sum()
            assert answer.observed[place, day] == known
            assert answer.alarm[place, day] == (known >= rule[place, 0])
    early = (answer.flags[:, :6] & np.uint8(Flag.SHORT_HISTORY)) > 0
    assert (early == ~answer.alarm[:, :6]).all()


def test_a_place_rule_that_is_met_needs_no_missing_day() -> None:
    answer = place_rule([[1, np.nan, 1, 0], [0, np.nan, 1, 0]], cases=2, days=3)
    assert answer.alarm[0].tolist() == [False, False, True, False]
    assert answer.answered[0].tolist() == [False, False, True, False]
    assert not answer.answered[1].any()
    assert place_rule([[1.0]], cases=1).alarm.all()


@pytest.mark.parametrize(("cases", "days"), [(0, 7), (5, 0), (np.nan, 7)])
def test_impossible_place_rules_are_refused(cases: float, days: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        place_rule([[1, 2]], cases=cases, days=days)


# --- R --------------------------------------------------------------------------------------------


@needs_reference
@pytest.mark.parametrize("name", scan_reference.NAMES)
def test_every_score_and_the_best_cluster_are_rs(name: str) -> None:
    found = scan_reference.compare(name)
    assert found.scores >= 200
    # The leukaemia scores are differences of numbers around 1e7, in R as in ours.
    assert found.worst < (1e-8 if name == "NYleukemia" else 1e-9)
    assert found.best_is_the_same
    assert abs(found.p - found.p_of_r) < 4 * np.sqrt(max(found.p_of_r, 0.005) / 99)
