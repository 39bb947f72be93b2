"""The part of the page of verification on reproduction numbers, growth, nowcasts and scores."""

from collections.abc import Iterable

import numpy as np

from epistat import (
    back_project,
    dirichlet,
    discrete_interval,
    generalised_dirichlet,
    growth_rate,
    lawless,
    wallinga_teunis,
)
from epistat.result import Floats
from epistat.scores import crps_normal, crps_sample, dawid_sebastiani, log_score, rps, wis
from epistat.tests import test_nowcast, test_reproduction, test_scores
from epistat.tests.reference import columns, numbers
from epistat.tests.test_reproduction import RT

Compared = tuple[tuple[str, ...], int, float, int, str, float]  # for a Row of the page

DRAWN = "R draws at random"
STOPS = "R stops before the maximum"
# What the tests allow where it is not 1e-9: for chance, for a search that stops, and for R's tails.
ALLOWED = {
    "cori, uncertain interval": 0.07,
    "cori, sample of intervals": 0.015,
    "discrete_interval": 1e-7,
    "wallinga_teunis, sd": 0.15,
    "growth_rate, poisson": 1e-5,
    "growth_rate, quasipoisson": 1e-5,
    "growth_rate, negbin": 1e-5,
    "generalised_dirichlet: mean": 0.01,
}


def of_r() -> list[Compared]:
    return [*_cori(), _intervals(), *_cohorts(), *_growth(), *_nowcasts(), _projected(), *_scores()]


def _row(ours: str, theirs: str, outputs: int, pairs: Iterable[tuple[Floats, Floats]],
         note: str = "") -> Compared:  # fmt: skip
    """Relative differences; of numbers below 1e-6 in parts of that."""
    count, worst = 0, 0.0
    for one, other in pairs:
        known = ~(np.isnan(one) & np.isnan(other))
        apart = np.abs(one - other)[known] / np.maximum(np.abs(other[known]), 1e-6)
        count += int(known.sum())
        worst = max(worst, float(apart.max(initial=0.0)))
    return (ours, theirs, str(outputs)), count, worst, -1, note, ALLOWED.get(ours, 1e-9)


def _cori() -> Iterable[Compared]:
    kinds = (
        ("cori", "estimate_R, SI known", "parametric_si", ""),
        ("cori, uncertain interval", "estimate_R, uncertain SI", "uncertain_si", DRAWN),
        ("cori, sample of intervals", "estimate_R, SI from sample", "si_from_sample", DRAWN),
    )
    for ours, theirs, kind, note in kinds:
        cases = [case for case in test_reproduction.REAL if kind in case[1]]
        pairs = []
        for case in cases:
            answer, rows = test_reproduction.question(*case)
            pairs += [
                (answer.mean[0], numbers(rows["mean"])),
                (answer.sd[0], numbers(rows["std"])),
                (answer.quantiles[0], test_reproduction.quantiles(rows)),
            ]
        yield _row(ours, f"EpiEstim: {theirs}", len(cases), pairs, note)


def _intervals() -> Compared:
    rows = columns(RT / "discr_si.csv")
    pairs = []
    for mean, sd in sorted({*zip(numbers(rows["mean"]), numbers(rows["sd"]), strict=True)}):
        of_r = numbers(rows["w"])[(numbers(rows["mean"]) == mean) & (numbers(rows["sd"]) == sd)]
        pairs.append((discrete_interval(mean, sd, len(of_r)), of_r))
    return _row("discrete_interval", "EpiEstim: discr_si", len(pairs), pairs)


def _cohorts() -> Iterable[Compared]:
    means, spreads = [], []
    for name in ("Flu2009__np_w7", "SARS2003__par", "Measles1861__np_nosim"):
        series = name.split("__", maxsplit=1)[0]
        counts = numbers(columns(RT / f"incidence_{series}.csv")["incidence"])[np.newaxis]
        rows = columns(RT / f"WT_{name}.csv")
        by_gamma = name.endswith("par")
        interval = (
            discrete_interval(8.4, 3.8, counts.shape[1])
            if by_gamma
            else numbers(columns(RT / f"si_{series}.csv")["si"])
        )
        answer = wallinga_teunis(counts, interval, windows=test_reproduction.days(rows))
        means.append((answer.mean[0], numbers(rows["mean"])))
        if not name.endswith("nosim"):
            spreads.append((answer.sd[0], numbers(rows["std"])))
    yield _row("wallinga_teunis, mean", "EpiEstim: wallinga_teunis", len(means), means)
    yield _row("wallinga_teunis, sd", "EpiEstim: wallinga_teunis", len(spreads), spreads, DRAWN)


def _growth() -> Iterable[Compared]:
    rows = columns(RT / "growth.csv")
    models = {"l": "loglinear", "p": "poisson", "q": "quasipoisson", "n": "negbin"}
    names = {"l": "lm", "p": "glm, Poisson", "q": "glm, quasi-Poisson", "n": "MASS: glm.nb"}
    for letter, model in models.items():
        rates, intervals = [], []
        for i, method in enumerate(rows["method"]):
            if not method.startswith(letter):
                continue
            counts = numbers(columns(RT / f"incidence_{rows['series'][i]}.csv")["incidence"])
            part = counts[np.newaxis, int(rows["t_from"][i]) - 1 : int(rows["t_to"][i])]
            answer = growth_rate(part, model=model)
            rates.append((answer.rate[0], numbers([rows["r"][i]])))
            intervals += [
                (answer.low[0], numbers([rows["lo"][i]])),
                (answer.high[0], numbers([rows["hi"][i]])),
            ]
        note = "" if letter == "l" else STOPS
        yield _row(f"growth_rate, {model}", names[letter], len(rates), [*rates, *intervals], note)


def _nowcasts() -> Iterable[Compared]:
    kinds = (
        ('lawless, compat="R"', "lawless", ("lawless_0601_D15_m14", "lawless_0601_D15_m20"), ""),
        ("dirichlet, flat prior", "bayes.notrunc.bnb", ("bnb_0601_D15_m20",), "to 300 cases"),
        ("dirichlet", "bayes.notrunc", ("notrunc_0601_D15",), f"{DRAWN}, to 300 cases"),
        ("generalised_dirichlet", "bayes.trunc", ("trunc_0601_D15_m20",),
         f"{DRAWN}, to 300 cases"),
    )  # fmt: skip
    for ours, theirs, cases, note in kinds:
        pairs, most = [], 0.0
        for name in cases:
            rows = columns(test_nowcast.NOW / f"nowcast_hus__{name}.csv")
            answer = test_nowcast.NOWCASTS[name](test_nowcast.hus())
            # Of the last day most of R's answer lies beyond the 300 cases that it looks at.
            some = slice(None, None if name.startswith("lawless") else -1)
            most = max(most, float(np.abs(test_nowcast.misses(answer, rows)[some]).max()))
            delays = columns(test_nowcast.NOW / f"delay_hus__{name}.csv")
            pairs.append((answer.share[0, -16:][::-1], numbers(delays["delayCDF"])))
        counts = f"median and 95 % limits: at most {most:.0f} cases apart"
        yield _row(
            f"{ours}: shares", f"surveillance: nowcast, {theirs}", len(cases), pairs,
            f"{counts}; {note}" if note else counts,
        )  # fmt: skip
    rows = columns(test_nowcast.NOW / "lawlessdef_hus__lawless_0601_D15_m20.csv")
    answer = lawless(test_nowcast.hus(), window=20)
    pairs = [
        (answer.mean[0], numbers(rows["Nhat"])), (answer.sd[0] ** 2, numbers(rows["var_total"])),
    ]  # fmt: skip
    yield _row("lawless", "its definition in base R", 1, pairs)
    own = columns(test_nowcast.OURS / "nowcast_flat.csv")
    flat = dirichlet(test_nowcast.outbreak(), window=25).mean[0, -10:]
    yield _row(
        "dirichlet, flat prior: mean", "surveillance: nowcast, bayes.notrunc.bnb", 1,
        [(flat, numbers(own["mean"]))],
    )  # fmt: skip
    own = columns(test_nowcast.OURS / "nowcast_corrected.csv")
    corrected = generalised_dirichlet(test_nowcast.outbreak(), window=25, prior=(15, 0.75))
    yield _row(
        "generalised_dirichlet: mean", "surveillance: nowcast, bayes.trunc", 1,
        [(corrected.mean[0, -10:], numbers(own["mean"]))], DRAWN,
    )  # fmt: skip


def _projected() -> Compared:
    rows, incubation = (
        columns(test_nowcast.NOW / f"backproj_{name}.csv") for name in ("hus", "incubation")
    )
    answer = back_project(numbers(rows["observed"])[np.newaxis], numbers(incubation["pmf"]))
    pairs = [(answer.infections[0], numbers(rows["lambda"]))]
    return _row("back_project", "surveillance: backprojNP", 1, pairs)


def _scores() -> Iterable[Compared]:
    rows = test_scores.table("count_scores")
    y, mean, size = rows["y"], rows["mu"], rows["size"]
    for name, column, score in (
        ("log_score", "logs", log_score), ("rps", "rps", rps),
        ("dawid_sebastiani", "dss",
         lambda y, m, n: dawid_sebastiani(y, m, np.sqrt(m + m**2 / n))),
    ):  # fmt: skip
        pairs = [
            (score(y, mean, of), rows[f"{kind}_{column}"])
            for kind, of in (("pois", np.full_like(size, np.inf)), ("nb", size))
        ]
        yield _row(name, "surveillance: scores", 2, pairs)
    rows, quantiles = test_scores.table("wis"), test_scores.grouped("wis_quantiles", "q")
    pairs = [(wis(rows["y"], quantiles).total, rows["wis"])]
    yield _row("wis", "its definition in base R", 1, pairs)
    rows, samples = test_scores.table("crps"), test_scores.grouped("crps_samples", "x")
    pairs = [
        (crps_sample(rows["y"], samples), rows["crps_sample_edf"]),
        (crps_sample(rows["y"], samples, fair=True), rows["crps_sample_fair"]),
        (crps_normal(rows["y"], rows["norm_mean"], rows["norm_sd"]), rows["crps_normal"]),
    ]
    yield _row("crps_sample, crps_normal", "their definitions in base R", 3, pairs)


def on_purpose() -> list[tuple[str, ...]]:
    """Where our default differs from R's nowcasts."""
    r, ours = (lawless(test_nowcast.hus(), window=20, compat=mode) for mode in ("R", None))
    day = -3
    flat = dirichlet(test_nowcast.hus(), window=20, levels=[0.025, 0.5, 0.975])
    return [
        (
            "nowcast, lawless: variance",
            "the main term of the variance is lost, and chances do not add up to 1",
            f"HUS, two days before the last: {r.mean[0, day]:.1f} cases, sd {r.sd[0, day]:.1f}",
            f"{ours.mean[0, day]:.1f}, sd {ours.sd[0, day]:.1f}",
        ),
        (
            "nowcast, bayes.notrunc.bnb: last day",
            "looks no further than 300 cases, which hold 72 % of its answer: upper limit 0",
            "HUS, last day: median 139, limits 4 to 0",
            f"median {flat.quantiles[0, -1, 1]:.0f}, limits {flat.quantiles[0, -1, 0]:.0f} to"
            f" {flat.quantiles[0, -1, 2]:,.0f}",
        ),
    ]
