"""epistat: epidemiological statistics on plain NumPy arrays, usable without Fangkong.

Every detector takes counts of shape (series, time) and returns one :class:`Detection` of the same
shape, so that a night run over thousands of series is a handful of array operations.
"""

from epistat.charts import cusum, glr, outbreak_p
from epistat.clusters import Cluster, Scan, scan, spread, standardised
from epistat.ears import c1, c2, c3
from epistat.percentile import fixed_threshold, moving_percentile
from epistat.places import place_rule
from epistat.result import Detection, Flag
from epistat.seasonal import farrington, farrington_flexible
from epistat.windows import bayes, cdc, rki
from epistat.zones import Zones, circles

__all__ = [
    "Cluster",
    "Detection",
    "Flag",
    "Scan",
    "Zones",
    "bayes",
    "c1",
    "c2",
    "c3",
    "cdc",
    "circles",
    "cusum",
    "farrington",
    "farrington_flexible",
    "fixed_threshold",
    "glr",
    "moving_percentile",
    "outbreak_p",
    "place_rule",
    "rki",
    "scan",
    "spread",
    "standardised",
]
