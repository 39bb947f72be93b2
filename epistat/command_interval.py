"""The interval between onsets, as the commands ``rt`` and ``forecast`` are told it."""

import argparse

import numpy as np

from epistat.intervals import Uncertain, UncertainInterval, checked_interval, discrete_interval
from epistat.result import Floats
from epistat.table import BadInput

HELP = """\
interval: days from the onset of a case to that of whom it infects. Give --interval-mean and
--interval-sd (a gamma interval; with --mean-sd and --sd-sd they are not known exactly), or the
chances of 1, 2 … days: --interval 0.2,0.5,0.3."""
SPAN = 3  # standard deviations to which an uncertain number reaches


def add_interval(parser: argparse.ArgumentParser, *, uncertain: bool) -> None:
    add = parser.add_argument_group("interval").add_argument
    add("--interval-mean", type=float, default=None, metavar="DAYS", help="mean of the interval")
    add("--interval-sd", type=float, default=None, metavar="DAYS", help="its standard deviation")
    add("--interval", default=None, metavar="P1,P2,…", help="its chances of 1, 2 … days")
    if uncertain:
        add("--mean-sd", type=float, default=None, metavar="DAYS",
            help="how uncertain the mean is: a normal, cut at 3 sd and at 1 day")  # fmt: skip
        add("--sd-sd", type=float, default=None, metavar="DAYS",
            help="how uncertain the standard deviation is")  # fmt: skip


def interval_of(asked: argparse.Namespace, days: int) -> Floats | UncertainInterval:
    """What was asked for; BadInput where it is not one interval."""
    by_moments = asked.interval_mean is not None or asked.interval_sd is not None
    if (asked.interval is None) == (not by_moments):
        raise BadInput("give --interval-mean and --interval-sd, or --interval")
    if asked.interval is not None:
        return _written(asked.interval)
    if asked.interval_mean is None or asked.interval_sd is None:
        raise BadInput("--interval-mean and --interval-sd go together; give both")
    mean, sd = asked.interval_mean, asked.interval_sd
    of_mean, of_sd = getattr(asked, "mean_sd", None), getattr(asked, "sd_sd", None)
    if of_mean is None and of_sd is None:
        return discrete_interval(mean, sd, max(days, 2))
    return UncertainInterval(_about(mean, of_mean or 0.0, 1.0), _about(sd, of_sd or 0.0, 0.0))


def _about(mean: float, sd: float, least: float) -> Uncertain:
    low = max(mean - SPAN * sd, least + 1e-3 * (mean - least))
    return Uncertain(mean, sd, min(low, mean), mean + SPAN * sd)


def _written(text: str) -> Floats:
    try:
        chances = [float(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"--interval {text}: write chances as 0.2,0.5,0.3") from None
    return checked_interval(np.array([0.0, *chances]))
