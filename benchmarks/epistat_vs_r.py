"""epistat and the R packages surveillance and EpiEstim on the same series, by turns, by CPU time.

Run as ``python benchmarks/epistat_vs_r.py`` (or ``make bench``); ``--rounds`` and ``--short`` make
it quicker. R gets a few of the series, because it is slow; each side reports the CPU seconds that
its own work took, without start and reading. Then a country: 120,000 series for one week in a
process of its own, by the clock and by its largest memory; and a scan. Exits with 1 where a promise
is missed. Without Rscript and these packages (Debian: r-base-core, r-cran-surveillance,
r-cran-epiestim) the comparison is left out with a word.
"""

import argparse
import csv
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

# BLAS would start threads of its own, whose time one series after another does not need.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without installation

import epistat
from epistat.evaluate import simulate
from epistat.result import Floats

WEEKS = 624
COUNTRY = 3_000 * 40
COUNTRY_SECONDS, COUNTRY_BYTES = 10, 2 * 1024**3
SCAN_SECONDS = 10

# What R does with a series y of 624 weeks, x as sts and d as disProg; rg are the judged weeks.
SCRIPT = """
suppressMessages({library(surveillance); has <- requireNamespace("EpiEstim", quietly = TRUE)})
arguments <- commandArgs(trailingOnly = TRUE)
table <- as.matrix(read.csv(arguments[1], header = FALSE))
work <- list(
  farrington_flexible = list(function(y, x, d) farringtonFlexible(x, control = list(
    range = 613:624, b = 5, w = 3, noPeriods = 10, pastWeeksNotIncluded = 26, alpha = 0.005,
    weightsThreshold = 2.58, pThresholdTrend = 1, thresholdMethod = "nbPlugin")), 12),
  farrington = list(function(y, x, d) farrington(x, control = list(
    range = 613:624, b = 5, w = 3, alpha = 0.01)), 12),
  c1 = list(function(y, x, d) earsC(x, control = list(range = 8:624, method = "C1")), 617),
  c2 = list(function(y, x, d) earsC(x, control = list(range = 10:624, method = "C2")), 615),
  c3 = list(function(y, x, d) earsC(x, control = list(range = 12:624, method = "C3")), 613),
  bayes1 = list(function(y, x, d) algo.bayes1(d, control = list(range = 7:624)), 618),
  bayes2 = list(function(y, x, d) algo.bayes2(d, control = list(range = 59:624)), 566),
  bayes3 = list(function(y, x, d) algo.bayes3(d, control = list(range = 109:624)), 516),
  bayes_b5_w3 = list(function(y, x, d) algo.bayes(d, control = list(
    range = 264:624, b = 5, w = 3, actY = TRUE, alpha = 0.05)), 361),
  rki3 = list(function(y, x, d) algo.rki3(d, control = list(range = 109:624)), 516),
  cdc = list(function(y, x, d) algo.cdc(d, control = list(
    range = 576:624, b = 5, m = 1, alpha = 0.01)), 49),
  cusum = list(function(y, x, d) algo.cusum(d, control = list(
    range = 313:624, k = 1.04, h = 2.26, m = NULL, trans = "rossi")), 312),
  glr = list(function(y, x, d) algo.glrpois(d, control = list(
    range = 576:624, c.ARL = 5, S = 1, beta = NULL, Mtilde = 1, M = -1)), 49),
  cori = list(function(y, x, d) EpiEstim::estimate_R(y[1:107] + 1, method = "parametric_si",
    config = EpiEstim::make_config(list(mean_si = 8.4, std_si = 3.8,
      t_start = 2:101, t_end = 8:107))), 1)
)
for (name in names(work)) {
  if (name == "cori" && !has) next
  f <- work[[name]][[1]]
  go <- function(n) for (i in seq_len(n)) {
    y <- table[(i - 1) %% nrow(table) + 1, ]
    x <- sts(y, frequency = 52, start = c(2000, 1))
    d <- create.disProg(week = seq_along(y), observed = y, state = rep(0, length(y)))
    suppressWarnings(suppressMessages(f(y, x, d)))
  }
  go(1)
  n <- 1
  repeat {
    spent <- sum(system.time(go(n))[1:2])
    if (spent > as.numeric(arguments[2])) break
    n <- n * 2
  }
  cat(name, format(n * work[[name]][[2]] / spent, digits = 10), "\\n")
}
"""


@dataclass(frozen=True)
class Method:
    """Ours, how many answers a series has, and the ratio that is promised (0: none)."""

    judge: Callable[[Floats], object]
    answers: int
    target: float = 0


def _cori(y: Floats) -> object:
    interval = epistat.discrete_interval(8.4, 3.8, 107)
    return epistat.cori(y[:, :107] + 1, interval)


METHODS = {
    "farrington_flexible": Method(lambda y: epistat.farrington_flexible(y, last=12), 12, 150),
    "farrington": Method(lambda y: epistat.farrington(y, last=12), 12),
    "c1": Method(epistat.c1, 617, 600),
    "c2": Method(epistat.c2, 615, 600),
    "c3": Method(epistat.c3, 613, 600),
    "bayes1": Method(lambda y: epistat.bayes(y, years=0), 618, 600),
    "bayes2": Method(epistat.bayes, 566, 600),
    "bayes3": Method(lambda y: epistat.bayes(y, years=2, half=4, current=False), 516, 600),
    "bayes_b5_w3": Method(lambda y: epistat.bayes(y, years=5, half=3), 361, 600),
    "rki3": Method(lambda y: epistat.rki(y, years=2, half=4, current=False), 516),
    "cdc": Method(lambda y: epistat.cdc(y, alpha=0.01, last=49), 49),
    "cusum": Method(lambda y: epistat.cusum(y, training=312), 312),
    "glr": Method(lambda y: epistat.glr(y, training=575), 49),
    "cori": Method(_cori, 1, 80),
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="R gets a twentieth of a second each")
    parser.add_argument("--country", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.country:
        return _country()
    kept = _against_r(asked.rounds, 0.05 if asked.short else 0.4)
    return 0 if all([kept, _run_country(), _scan()]) else 1


def _against_r(rounds: int, seconds: float) -> bool:
    """The table of ratios; whether the promises are kept."""
    rscript = shutil.which("Rscript")
    counts = simulate(replicates=40, seed=1).counts
    order = np.random.default_rng(1).permutation(len(counts))
    counts = np.ascontiguousarray(counts[order])
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder) / "counts.csv", Path(folder) / "work.R"
        with data.open("w", newline="") as file:
            csv.writer(file).writerows(counts[:40].astype(int).tolist())
        script.write_text(SCRIPT)
        turns: list[dict[str, tuple[float, float]]] = []
        for turn in range(rounds):
            theirs = _of_r(rscript, script, data, seconds)
            if theirs is None:
                print("R with the package surveillance is not here: nothing is compared with it"
                      " (Debian: r-base-core r-cran-surveillance r-cran-epiestim)")  # fmt: skip
                return True
            turns.append({name: (_ours(METHODS[name], counts), rate)
                          for name, rate in theirs.items()})  # fmt: skip
            print(f"round {turn + 1} of {rounds}", file=sys.stderr)
    print(f"answers a CPU second, 42 scenarios, median of {rounds} rounds by turns")
    print(f"{'':22}{'R':>12}{'epistat':>14}{'ratio':>10}{'promised':>10}")
    kept = True
    for name in turns[0]:
        ours, theirs_ = (median(turn[name][side] for turn in turns) for side in (0, 1))
        ratio = median(turn[name][0] / turn[name][1] for turn in turns)
        target = METHODS[name].target
        kept &= ratio >= target
        word = "" if not target else f"{target:.0f}x" + ("" if ratio >= target else " MISSED")
        print(f"{name:22}{theirs_:>12,.0f}{ours:>14,.0f}{ratio:>9,.0f}x {word:>9}")
    return kept


def _of_r(rscript: str | None, script: Path, data: Path, seconds: float) -> dict[str, float] | None:
    if rscript is None:
        return None
    done = subprocess.run(
        [rscript, "--vanilla", str(script), str(data), str(seconds)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    return {name: float(rate) for name, rate in map(str.split, done.stdout.splitlines())}


def _ours(method: Method, counts: Floats) -> float:
    method.judge(counts[:10])
    start, runs = process_time(), 0
    while process_time() - start < 0.5:
        method.judge(counts)
        runs += 1
    return runs * len(counts) * method.answers / (process_time() - start)


def _country() -> int:
    """One week of a country: seconds by the clock and of the processors."""
    rng = np.random.default_rng(3)
    level = 10 ** rng.uniform(-1.5, 1.5, (COUNTRY, 1)).astype(np.float32)
    counts = rng.poisson(level, (COUNTRY, 264)).astype(np.float64)
    start, cpu = perf_counter(), process_time()
    answer = epistat.farrington_flexible(counts, last=1)
    print(perf_counter() - start, process_time() - cpu, int(answer.alarm.sum()),
          resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)  # fmt: skip
    return 0


def _run_country() -> bool:
    done = subprocess.run(
        [sys.executable, __file__, "--country"], capture_output=True, text=True, check=True
    )
    seconds, cpu, alarms, memory = (float(part) for part in done.stdout.split())
    kept = seconds < COUNTRY_SECONDS and memory < COUNTRY_BYTES
    print(f"{COUNTRY:,} series, one week of farrington_flexible: {seconds:.1f} s ({cpu:.1f} s CPU),"
          f" {memory / 1024**3:.2f} GB, {alarms:,.0f} alarms;"
          f" promised {COUNTRY_SECONDS} s and 2 GB: {'kept' if kept else 'MISSED'}")  # fmt: skip
    return kept


def _scan() -> bool:
    rng = np.random.default_rng(1)
    zones = epistat.circles(rng.uniform(0, 100, (200, 2)))
    counts = rng.poisson(2, (200, 52))
    start, cpu = perf_counter(), process_time()
    epistat.scan(counts, zones, longest=8, threads=2)
    seconds, cpu = perf_counter() - start, process_time() - cpu
    kept = seconds < SCAN_SECONDS
    print(
        f"scan of 200 places x 8 weeks x 999 replicates, {len(zones):,} zones: {seconds:.1f} s"
        f" ({cpu:.1f} s CPU); promised {SCAN_SECONDS} s: {'kept' if kept else 'MISSED'}"
    )
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
