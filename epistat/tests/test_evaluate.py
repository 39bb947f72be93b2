"""The benchmark is the published one, and the measures are what R's own runs give."""

import numpy as np
import pytest

import epistat
from epistat import Detection
from epistat.evaluate import (
    SCENARIOS,
    WEEKS,
    Scenario,
    as_table,
    at_rate,
    episodes,
    evaluate,
    inject,
    labelled,
    measure,
    simulate,
)
from epistat.result import Floats
from epistat.tests import benchmark_reference, reference
from epistat.tests.reference import REFERENCE, table

needs_reference = pytest.mark.skipif(
    not (REFERENCE / "sim42").is_dir(), reason="R's runs are not beside the repository"
)


def plain_mean(scenario: Scenario, t: int) -> float:
    log_mean = scenario.level + scenario.trend * t
    for j in range(1, scenario.harmonics + 1):
        log_mean += scenario.cosine * np.cos(2 * np.pi * j * t / 52)
        log_mean += scenario.sine * np.sin(2 * np.pi * j * t / 52)
    return float(np.exp(log_mean))


def test_there_are_forty_two_scenarios_in_the_order_of_the_paper() -> None:
    assert len(SCENARIOS) == len(set(SCENARIOS)) + 0 == 42
    assert [s.harmonics for s in SCENARIOS[:6]] == [0, 1, 2, 0, 1, 2]
    assert [s.trend for s in SCENARIOS[:6]] == [0, 0, 0, 0.0025, 0.0025, 0.0025]
    for scenario in SCENARIOS:
        for t in (1, 77, 624):
            assert scenario.mean[t - 1] == pytest.approx(plain_mean(scenario, t), rel=1e-12)


@pytest.mark.parametrize("number", [2, 8, 13, 22, 33, 41])
def test_counts_have_the_mean_and_the_dispersion_of_their_scenario(number: int) -> None:
    scenario = SCENARIOS[number]
    some = simulate(replicates=400, scenarios=[scenario], seed=4)
    assert some.clean is not None
    counts = some.clean[:, :312]  # before all outbreaks
    mean = scenario.mean[:312]
    # Four standard errors: a size of (m + m^2) / (d m) would miss the variance by far.
    total = counts.sum()
    assert abs(total - 400 * mean.sum()) < 4 * np.sqrt(400 * scenario.dispersion * mean.sum())
    pearson = ((counts - mean) ** 2 / mean).mean()
    assert pearson == pytest.approx(scenario.dispersion, rel=0.06)


def test_outbreaks_come_where_and_as_large_as_they_should() -> None:
    some = simulate(replicates=500, seed=2, scenarios=SCENARIOS[24:25])
    assert some.clean is not None
    cases = some.counts - some.clean
    assert (cases >= 0).all()
    assert ((cases > 0) == some.outbreak).all()
    assert not some.outbreak[:, :575].any()
    assert set(some.start.tolist()) == set(range(575, 624))
    assert (some.size == np.arange(500) % 10 + 1).all()
    first = np.where(some.outbreak.any(axis=1), some.outbreak.argmax(axis=1), some.start)
    assert (first >= some.start).all()
    inside = some.start < 616  # nearly all cases fall within eight weeks
    sd = np.sqrt(3 * np.exp(2.5))
    expected = (some.size * sd)[inside].sum()
    assert abs(cases[inside].sum() - expected) < 5 * np.sqrt(expected)
    weeks = np.arange(WEEKS) - some.start[:, np.newaxis]
    shares = [cases[inside][weeks[inside] == week].sum() / cases[inside].sum() for week in range(3)]
    assert shares == pytest.approx([0.5, 0.417, 0.07], abs=0.02)


def test_a_series_has_the_same_numbers_alone_and_among_others() -> None:
    whole = simulate(replicates=4, seed=9)
    again = simulate(replicates=4, seed=9)
    np.testing.assert_array_equal(whole.counts, again.counts)
    later = simulate(replicates=2, first=2, seed=9)
    rows = (np.arange(len(whole.counts)) % 4) >= 2
    np.testing.assert_array_equal(later.counts, whole.counts[rows])
    assert (simulate(replicates=1, seed=8).counts != whole.counts[::4]).any()
    assert len(np.unique(whole.counts[:, :300], axis=0)) == len(whole.counts)


def test_measures_of_a_case_that_can_be_counted_by_hand() -> None:
    outbreak = np.array([[0, 0, 1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 0, 0]], bool)
    alarm = np.array([[1, 0, 0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]], bool)
    found = measure(labelled(np.ones((2, 8)), outbreak), alarm)
    assert (found.outbreaks, found.pod, found.pod1, found.delay) == (2, 0.5, 0.0, 1.0)
    assert (found.sensitivity, found.specificity) == (1 / 3, 10 / 13)
    assert (found.ppv, found.npv, found.fpr) == (1 / 4, 10 / 12, 3 / 13)
    assert found.f1 == pytest.approx(2 * 0.25 / 3 / (0.25 + 1 / 3))
    assert episodes(outbreak) == [(0, 2, 3), (0, 6, 6)]
    last = measure(labelled(np.ones((2, 8)), outbreak, judged=2), alarm[:, -2:])
    assert (last.outbreaks, last.fpr) == (1, 0.0)


def test_a_method_that_never_or_always_alarms_is_measured_as_such() -> None:
    some = simulate(replicates=10, scenarios=SCENARIOS[12:18])

    def always(counts: Floats) -> Detection:
        return epistat.fixed_threshold(counts + 1)

    found = evaluate({"always": always, "never": lambda y: epistat.fixed_threshold(y, 1e9)}, some)
    seen = some.outbreak[:, -49:].any(axis=1).mean()
    assert found["always"].pod == pytest.approx(seen)
    assert (found["always"].fpr, found["always"].delay, found["always"].sensitivity) == (1, 0, 1)
    assert (found["never"].fpr, found["never"].pod, found["never"].specificity) == (0, 0, 1)
    assert np.isnan(found["never"].ppv)
    assert np.isnan(found["never"].delay)
    assert "–" in as_table(found)


def test_larger_outbreaks_are_found_more_often() -> None:
    found = evaluate(
        {"noufaily": lambda y: epistat.farrington_flexible(y, last=49)},
        simulate(replicates=20, seed=3),
    )["noufaily"]
    assert found.pod_by_size[1] < 0.25
    assert found.pod_by_size[10] > 0.7
    assert 0.002 < found.fpr < 0.008
    assert found.answered > 0.75


def test_at_one_rate_of_false_alarms_methods_can_be_compared() -> None:
    some = simulate(replicates=10, seed=3)
    assert some.clean is not None
    score, clean = (epistat.bayes(y, last=49).score for y in (some.counts, some.clean))
    found, cut = at_rate(some, score, clean, 0.02)
    assert (clean > cut).mean() <= 0.02
    assert found.fpr == pytest.approx(0.02, abs=0.001)
    assert at_rate(some, score, clean, 0.1)[0].pod > found.pod


def test_outbreaks_are_put_into_real_series_and_nothing_else_is_touched() -> None:
    rng = np.random.default_rng(6)
    counts = rng.poisson(rng.gamma(2, 4, (200, 300))).astype(float)
    counts[rng.random(counts.shape) < 0.05] = np.nan
    put = inject(counts, k=6, seed=1)
    assert put.clean is not None
    np.testing.assert_array_equal(put.clean, counts)
    np.testing.assert_array_equal(np.isnan(put.counts), np.isnan(counts))
    more = np.nan_to_num(put.counts - counts)
    assert ((more > 0) == put.outbreak).all()
    assert not put.outbreak[:, :251].any()
    assert (put.start >= 251).all()
    whole = put.start < 292
    # A gamma of shape 2 and scale 4 has the variance 32, the counts of it 8 + 32.
    assert more[whole].sum() / whole.sum() == pytest.approx(6 * np.sqrt(40) * 0.95, rel=0.08)
    np.testing.assert_array_equal(inject(counts, k=6, seed=1).start, put.start)
    # Days: the same outbreak, over seven times as many columns.
    days = inject(np.ones((50, 800)), k=6, judged=200, every="day", seed=1)
    spread = [np.ptp(np.flatnonzero(row)) for row in days.outbreak if row.sum() > 8]
    assert 7 < np.mean(spread) < 35
    silent = inject(np.zeros((3, 80)), k=2)
    assert silent.outbreak.any(axis=1).all() or (silent.counts.sum(axis=1) <= 2).all()


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: simulate(replicates=0), "replicates"),
        (lambda: inject([[1, 2]], judged=3), "judged"),
        (lambda: inject([[1.0] * 60], k=0), "k must"),
        (lambda: labelled([[1, 2]], [[True]]), "one shape"),
        (lambda: labelled([[1, 2]], [[True, False]], judged=3), "judged"),
        (lambda: measure(labelled([[1]], [[True]]), [[True, True]]), "shape"),
        (lambda: measure(labelled([[1]], [[True]]), [[True]], [[True, True]]), "shape"),
        (lambda: at_rate(labelled([[1]], [[True]]), [[1]], [[1]], 1.0), "rate"),
        (
            lambda: evaluate(
                {"few": lambda y: epistat.bayes(y, last=2)}, simulate(replicates=1, seed=1)
            ),
            "fewer than",
        ),
    ],
)
def test_impossible_questions_are_refused(ask, why) -> None:
    with pytest.raises(ValueError, match=why):
        ask()


@needs_reference
@pytest.mark.parametrize("name", [n for n in benchmark_reference.METHODS if n != "glrnb"])
def test_alarms_and_measures_of_ten_replicates_are_rs(name: str) -> None:
    check_benchmark(name)


@needs_reference
@pytest.mark.long
def test_alarms_and_measures_of_the_glr_chart_are_rs() -> None:
    check_benchmark("glrnb")


def check_benchmark(name: str) -> None:
    rows, of_r, clean_of_r = benchmark_reference.alarms(name)
    some = benchmark_reference.some(rows)
    # Our measures of R's alarms are those that were published with them.
    (published,) = [
        row for row in table(benchmark_reference.FOLDER / "benchmark_table.csv")
        if row["algo"] == name and row["engine"] == "R"
    ]  # fmt: skip
    found = measure(some, of_r, clean_of_r)
    names = {"FPR": "fpr", "FPRmed": "fpr_median", "FPRmax": "fpr_max", "POD": "pod",
             "POD1": "pod1", "sens": "sensitivity", "spec": "specificity", "PPV": "ppv",
             "NPV": "npv", "F1": "f1", "delay": "delay"}  # fmt: skip
    # OutbreakP alarms in the one series whose outbreak has no case before week 624: R counted it.
    near = {"POD": 0.0024, "POD1": 0.0024, "delay": 0.001} if name == "outbreakP" else {}
    for column, ours in names.items():
        expected = pytest.approx(float(published[column]), abs=near.get(column, 2e-6))
        assert getattr(found, ours) == expected, column
    for k in (1, 2, 3, 5, 7, 10):
        if published[f"POD_k{k}"] and (name, k) != ("outbreakP", 1):
            assert found.pod_by_size[k] == pytest.approx(float(published[f"POD_k{k}"]), abs=2e-6)
    # Our alarms are R's.
    method = benchmark_reference.METHODS[name]
    assert some.clean is not None
    for counts, alarms in ((some.counts, of_r), (some.clean, clean_of_r)):
        answer = method(counts)
        differ = answer.alarm[:, -49:] != alarms
        if name == "outbreakP":
            # R multiplies the factors from the first on: of many cases they come to 0, an alarm
            # is lost for good. Ours adds logarithms.
            assert not (alarms & ~answer.alarm[:, -49:]).any()
            differ = differ[counts.sum(axis=1) < 8000]
            assert len(differ) > 200
        assert not differ.any()


@needs_reference
def test_labelled_series_are_measured_as_r_measures_them() -> None:
    """The counts of hits, misses and false alarms of R's algo.quality."""
    compared = 0
    for row in table(REFERENCE / "quality.csv"):
        name = row["series"]
        if "farrington" in row["algorithm"] or "cusum" in row["algorithm"]:
            continue
        marks = table(REFERENCE / "series" / f"{name}_state.csv")
        outbreak = np.array([[mark["state"] == "1" for mark in marks]])
        first, last = (int(part) for part in row["range"].split(":"))
        counts = reference.series(name).counts
        options = {
            "algo.bayes": {"years": 0},
            "algo.rki": {"years": 2, "half": 4, "current": False},
        }
        judge = epistat.bayes if row["algorithm"] == "algo.bayes" else epistat.rki
        answer = judge(counts, **options[row["algorithm"]])
        part = slice(first - 1, last)
        some = labelled(counts[:, part], outbreak[:, part])
        found = measure(some, answer.alarm[:, part])
        false, rest = float(row["FP"]), float(row["TN"])
        assert found.fpr == pytest.approx(false / (false + rest))
        assert found.outbreaks == len(episodes(outbreak[:, part]))
        compared += 1
    assert compared >= 8


def test_a_method_that_does_not_answer_is_not_praised_for_keeping_quiet() -> None:
    outbreak = np.array([[0, 0, 0, 0, 1, 1]], bool)
    alarm = np.array([[1, 0, 0, 0, 1, 0]], bool)
    answered = np.array([[1, 1, 0, 0, 1, 0]], bool)
    some = labelled(np.ones((1, 6)), outbreak)
    found = measure(some, alarm, answered=answered)
    assert (found.fpr, found.specificity, found.npv) == (1 / 2, 1 / 2, 1.0)
    assert (found.sensitivity, found.answered) == (1 / 2, 1 / 2)
    clean = measure(some, alarm, alarm, answered, answered)
    assert clean.fpr == 2 / 3
    assert np.isnan(measure(some, alarm & False, answered=answered & False).fpr)
    head, line = as_table({"mine": found}).splitlines()
    assert head.split()[-1] == "answered"
    assert line.split()[-1] == "50.0"


def test_delay_is_told_by_size_for_outbreaks_that_were_found() -> None:
    some = simulate(replicates=20, scenarios=SCENARIOS[12:15])
    found = evaluate({"bayes": epistat.bayes, "never": lambda y: epistat.c1(y, alpha=1e-300)}, some)
    one = found["bayes"]
    assert set(one.delay_by_size) <= set(one.pod_by_size)
    shares = [(one.pod_by_size[k], wait) for k, wait in one.delay_by_size.items()]
    # Each size has as many outbreaks as another, so that the whole is their mean by finds.
    whole = sum(pod * wait for pod, wait in shares) / sum(pod for pod, _ in shares)
    assert whole == pytest.approx(one.delay, rel=0.2)
    assert found["never"].delay_by_size == {}
    head = as_table(found).splitlines()[0]
    assert head.split()[-10:] == [f"d={k}" for k in range(1, 11)]
