"""Reproduction numbers and nowcasts: how many series a second, against plain twins and R.

Run as ``python benchmarks/rt_nowcast.py`` (or ``make bench``). All are timed by turns on the same
series in one run, by CPU time, twin and R on few of them because they are slow; medians of the
rounds are printed. R is asked where Rscript with EpiEstim and surveillance is there (Debian's
r-cran-epiestim and r-cran-surveillance). Exits with 1 if a promise is missed: 80 times as many
series as R for Cori's R with 7 quantiles, or without R 80 times as many as the twin; 1,000 times as
many as R where the interval is uncertain.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without installation

from epistat import (
    Uncertain,
    UncertainInterval,
    back_project,
    cori,
    discrete_interval,
    generalised_dirichlet,
    triangle_of_matrix,
    wallinga_teunis,
)
from epistat.reproduction import LEVELS
from epistat.result import Floats
from epistat.tests import plain_nowcast, plain_reproduction

DAYS, LAGS = 107, 40
DELAYS = 15
ROUNDS = 5
TARGET = 80
INTERVAL = discrete_interval(8.4, 3.8, LAGS)
BELIEF = UncertainInterval(Uncertain(8.4, 1, 5.4, 11.4), Uncertain(3.8, 0.5, 2.3, 5.3))
INCUBATION = np.diff(1 - np.exp(-((np.arange(16) / 6) ** 2)), prepend=0.0)

# The first line of each is what R is asked; y, si, cells and incubation are given to it.
R_CORI = """suppressWarnings(suppressMessages(estimate_R(y, method = "non_parametric_si",
  config = make_config(list(si_distr = si, t_start = 2:(length(y) - 6), t_end = 8:length(y))))))"""
R_UNCERTAIN = """suppressWarnings(suppressMessages(estimate_R(y, method = "uncertain_si",
  config = make_config(list(mean_si = 8.4, std_mean_si = 1, min_mean_si = 5.4, max_mean_si = 11.4,
  std_si = 3.8, std_std_si = 0.5, min_std_si = 2.3, max_std_si = 5.3, n1 = 100, n2 = 100, seed = 1,
  t_start = 2:(length(y) - 6), t_end = 8:length(y))))))"""
R_COHORT = """suppressWarnings(suppressMessages(wallinga_teunis(y, method = "non_parametric_si",
  config = list(si_distr = si, t_start = 2:(length(y) - 6), t_end = 8:length(y), n_sim = 100))))"""
R_NOWCAST = """suppressWarnings(nowcast(now = as.Date("2020-01-01") + length(y) - 1,
  when = as.Date("2020-01-01") + length(y) - 1:15, data = lines, dEventCol = "event",
  dReportCol = "report", method = "bayes.trunc", aggregate.by = "1 day", D = 15, m = 60,
  m.interpretation = "hoehle_anderheiden2014", control = list(N.tInf.max = 300,
  N.tInf.prior = structure("poisgamma", mean.lambda = 50, var.lambda = 3000), nSamples = 1000)))"""
R_BACK = """backprojNP(sts(matrix(y)), incu.pmf = incubation, control = list(k = 2, B = 0,
  eps = rep(1e-7, 2), iter.max = rep(500, 2), eq3a.method = "C", verbose = FALSE))"""


@dataclass(frozen=True, slots=True)
class Task:
    """One method: what is timed, on so many series each."""

    name: str
    fast: Callable[[Floats], object]
    series: int
    twin: Callable[[Floats], object] | None
    in_r: str
    of_r: int
    target: float = 0  # times R


def epidemics(series: int) -> Floats:
    """Daily counts that rise and fall, from a few to some hundreds a day."""
    rng = np.random.default_rng(2020)
    level = 10 ** rng.uniform(0.5, 2, (series, 1))
    wave = np.exp(1.5 * np.sin(np.arange(DAYS) / 17 + rng.uniform(0, 6, (series, 1))))
    return rng.poisson(level * wave).astype(np.float64)


def cells_of(counts: Floats) -> Floats:
    """The same cases by day and delay of their reports; the same whatever series stand beside."""
    chances = np.exp(-np.arange(DELAYS + 1) / 4)
    cells = np.empty((*counts.shape, DELAYS + 1))
    for row, of in enumerate(counts):
        rng = np.random.default_rng(int(of.sum()))
        cells[row] = rng.multinomial(of.astype(np.int64), chances / chances.sum())
    return cells


def plain_cori(counts: Floats) -> None:
    w = INTERVAL.tolist()
    for y in counts:
        for t in range(9, DAYS):
            found = plain_reproduction.cori(y, w, t - 6, t)
            assert found is not None
            for level in LEVELS:
                plain_reproduction.mixture_quantile(found[0], [found[1]], [1.0], level)


def plain_cohorts(counts: Floats) -> None:
    for y in counts:
        for t in range(6, DAYS, 10):  # a tenth of the windows
            plain_reproduction.wallinga_teunis(y, INTERVAL.tolist(), t - 6, t)


def nowcasts(counts: Floats) -> None:
    cells = cells_of(counts)
    generalised_dirichlet(triangle_of_matrix(cells), window=60, prior=(50, 50**2 / 3000))


def plain_nowcasts(counts: Floats) -> None:
    for cells in triangle_of_matrix(cells_of(counts)).counts:
        for t in range(DAYS - DELAYS, DAYS):
            plain_nowcast.by_draws(cells, t, mean=50, size=50**2 / 3000, window=60, draws=1000)


TASKS = (
    Task("Cori, 7 quantiles", lambda y: cori(y, INTERVAL), 600, plain_cori, R_CORI, 6, TARGET),
    Task("Cori, uncertain SI", lambda y: cori(y, BELIEF), 120, None, R_UNCERTAIN, 1, 1000),
    Task("Wallinga-Teunis", lambda y: wallinga_teunis(y, INTERVAL), 200, None, R_COHORT, 2),
    Task("nowcast, corrected", nowcasts, 60, plain_nowcasts, R_NOWCAST, 1),
    Task("back-projection", lambda y: back_project(y, INCUBATION), 200, None, R_BACK, 2),
)


def seconds(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def seconds_of_r(call: str, counts: Floats) -> float:
    """CPU seconds that R takes for the call on each series, without its start."""
    with TemporaryDirectory() as folder:
        for name, values in (
            ("y", counts), ("cells", cells_of(counts).reshape(-1, DELAYS + 1)),
            ("si", INTERVAL[np.newaxis]), ("incubation", INCUBATION[np.newaxis]),
        ):  # fmt: skip
            np.savetxt(Path(folder) / f"{name}.csv", values, delimiter=",")
        script = f"""
            suppressMessages({{library(EpiEstim); library(surveillance)}})
            path <- function(name) paste0("{folder}/", name, ".csv")
            read <- function(name) as.matrix(read.csv(path(name), header = FALSE))
            all <- read("y"); cells <- read("cells")
            si <- as.vector(read("si")); incubation <- as.vector(read("incubation"))
            spent <- 0
            for (i in seq_len(nrow(all))) {{
              y <- as.vector(all[i, ])
              own <- cells[(i - 1) * length(y) + seq_along(y), ]
              at <- which(own > 0, arr.ind = TRUE)
              event <- rep(as.Date("2020-01-01") + at[, 1] - 1, own[own > 0])
              lines <- data.frame(event = event, report = event + rep(at[, 2] - 1, own[own > 0]))
              invisible(capture.output(time <- system.time({call})))
              spent <- spent + sum(time[c("user.self", "sys.self")])
            }}
            cat("spent", spent)"""
        done = subprocess.run(
            ["Rscript", "-e", script], capture_output=True, text=True, timeout=200, check=False
        )
    if done.returncode:
        raise SystemExit(f"R stopped: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.rsplit("spent", maxsplit=1)[1])


def has_r() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = "library(EpiEstim); library(surveillance)"
    return not subprocess.run(["Rscript", "-e", asked], capture_output=True, check=False).returncode


def compare(task: Task, with_r: bool) -> tuple[float, float, float]:
    """Series a CPU second: ours, the twin's, R's (NaN where it is not asked); medians."""
    counts = epidemics(task.series)
    task.fast(counts)  # once before: tables that are kept are laid out (the intervals of a belief)
    ours, twins, of_r = [], [], []
    for _ in range(ROUNDS):
        ours.append(task.series / seconds(lambda: task.fast(counts)))
        if task.twin is not None:
            twins.append(1 / seconds(partial(task.twin, counts[:1])))
        if with_r:
            of_r.append(task.of_r / seconds_of_r(task.in_r, counts[: task.of_r]))
    return median(ours), median(twins or [np.nan]), median(of_r or [np.nan])


def main() -> int:
    with_r = has_r()
    print(f"{DAYS} days, windows of a week; series per CPU second, median of {ROUNDS} rounds")
    if not with_r:
        print("R with EpiEstim and surveillance is not there: against the plain twins only")
    print(f"{'':20}{'batched':>12}{'twin':>10}{'ratio':>9}{'R':>10}{'ratio':>9}")
    met = True
    for task in TASKS:
        ours, twin, of_r = compare(task, with_r)
        reached = ours / (of_r if with_r else twin)
        word = ""
        if task.target and not np.isnan(reached):
            kept = reached >= task.target
            met &= kept
            word = f"  {task.target:,.0f}x promised" + ("" if kept else ": MISSED")
        print(
            f"{task.name:20}{ours:>12,.1f}{twin:>10,.2f}{ours / twin:>8,.0f}x"
            f"{of_r:>10,.3f}{ours / of_r:>8,.0f}x".replace("nanx", "   –").replace("nan", "  –")
            + word
        )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
