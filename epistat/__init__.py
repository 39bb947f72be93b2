"""epistat: epidemiological statistics on plain NumPy arrays, usable without Fangkong.

Every detector takes counts of shape (series, time) and returns one :class:`Detection` of the same
shape, so that a night run over thousands of series is a handful of array operations. The same holds
for reproduction numbers and growth. :mod:`epistat.scores` tells how good a forecast was.
"""

from epistat.charts import cusum, glr, outbreak_p
from epistat.clusters import Cluster, Scan, scan, spread, standardised
from epistat.ears import c1, c2, c3
from epistat.growth import Growth, growth_of_reproduction, growth_rate, reproduction_of_growth
from epistat.intervals import Uncertain, UncertainInterval, discrete_interval
from epistat.percentile import fixed_threshold, moving_percentile
from epistat.places import place_rule
from epistat.reproduction import Reproduction, cori, pressure, wallinga_teunis
from epistat.result import Detection, Flag
from epistat.seasonal import farrington, farrington_flexible
from epistat.windows import bayes, cdc, rki
from epistat.zones import Zones, circles

__all__ = [
    "Cluster",
    "Detection",
    "Flag",
    "Growth",
    "Reproduction",
    "Scan",
    "Uncertain",
    "UncertainInterval",
    "Zones",
    "bayes",
    "c1",
    "c2",
    "c3",
    "cdc",
    "circles",
    "cori",
    "cusum",
    "discrete_interval",
    "farrington",
    "farrington_flexible",
    "fixed_threshold",
    "glr",
    "growth_of_reproduction",
    "growth_rate",
    "moving_percentile",
    "outbreak_p",
    "place_rule",
    "pressure",
    "reproduction_of_growth",
    "rki",
    "scan",
    "spread",
    "standardised",
    "wallinga_teunis",
]
