"""Does the default warning score find more outbreaks, and sooner, at no more false alarms?

Run as ``python benchmarks/default_score.py`` (or ``make bench``); ``--write`` keeps the figures for
``make verification``, which puts them on the page of verification. The 42 scenarios of Noufaily
2013 with two seeds of a hundred replicates that had no part in choosing the settings (they were
chosen on two others), real series with outbreaks named by health offices, and real series with an
outbreak put in. The real series come out of the R package surveillance (Debian:
r-cran-surveillance); without it that part is left out with a word.

Exits with 1 unless the default beats Farrington flexible (Noufaily 2013, nbPlugin) at its rate of
false alarms in POD, in POD in the first week, and in delay, at both of its settings. Whether it
beats the moving percentile's POD at a tenth of its false alarms is printed beside what somebody
reaches who knows mean and dispersion of every week.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

# BLAS would start threads of its own, whose time one series after another does not need.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without installation

from epistat import adaptive
from epistat.tests import default_score as score
from epistat.tests.default_score import LABELLED, REAL, REPORTED_ON, Line

SCRIPT = """
suppressMessages(library(surveillance))
arguments <- commandArgs(trailingOnly = TRUE)
for (name in arguments[-1]) {
  data(list = name, package = "surveillance", envir = environment())
  x <- get(name)
  y <- if (inherits(x, "sts")) observed(x) else as.matrix(x$observed)
  s <- if (inherits(x, "sts")) x@state else as.matrix(x$state)
  write.csv(y, file.path(arguments[1], paste0(name, ".csv")), row.names = FALSE)
  write.csv(s * 1, file.path(arguments[1], paste0(name, "_state.csv")), row.names = FALSE)
}
"""


def exported(folder: Path) -> bool:
    """Have R write its series there; False where R or its package is missing."""
    if shutil.which("Rscript") is None:
        return False
    script = folder / "export.R"
    script.write_text(SCRIPT, encoding="utf-8")
    names = [*LABELLED, *(name for names in REAL.values() for name in names)]
    done = subprocess.run(
        ["Rscript", "--vanilla", str(script), str(folder), *names], check=False, capture_output=True
    )
    return done.returncode == 0


def missed(lines: list[Line]) -> list[str]:
    """What the default does not beat."""
    faults = []
    for theirs, ours, _ in (lines[0:3], lines[3:6]):
        better = {
            "FPR": ours.fpr <= theirs.fpr + 1e-9,
            "POD": ours.pod > theirs.pod,
            "POD in the first week": ours.pod1 > theirs.pod1,
            "delay": ours.delay < theirs.delay,
        }
        faults += [f"{theirs.method}: {what}" for what, so in better.items() if not so]
    return faults


def show(lines: list[Line]) -> None:
    print(
        f"{'':52}{'FPR':>7}{'max':>7}{'POD':>7}{'POD1':>7}{'delay':>7}{'wait':>7}{'net':>7}", end=""
    )
    print("".join(f"{f'k={k}':>6}" for k in score.SIZES))
    for one in lines:
        print(
            f"{one.method:52}{one.fpr:>7.2f}{one.fpr_max:>7.2f}{one.pod:>7.1f}{one.pod1:>7.1f}"
            f"{one.delay:>7.3f}{one.wait:>7.3f}{one.net:>7.1f}"
            + "".join(f"{value:>6.0f}" for value in one.by_size.values())
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--replicates", type=int, default=100, help="of each scenario and seed")
    parser.add_argument("--write", action="store_true", help="keep the figures for the page")
    asked = parser.parse_args()

    series = score.scenarios(REPORTED_ON, asked.replicates)
    lines = score.on_scenarios(series)
    show(lines)
    start = process_time()
    judged = adaptive(series.counts[:2000], last=4).p.size
    print(f"adaptive judges {judged / (process_time() - start):,.0f} series-weeks a CPU second")

    found, put = [], []
    with tempfile.TemporaryDirectory() as name:
        if exported(Path(name)):
            found, put = score.on_labelled(Path(name)), score.on_injected(Path(name))
            print("\n".join(map(str, [*found, *put])))
        else:
            print("real series left out: Rscript with the package surveillance is not here")
    if asked.write:
        score.store(lines, found, put)
    faults = missed(lines)
    print(f"beats nbPlugin at its rate: {f'MISSED: {faults}' if faults else 'met'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
