"""epistat: epidemiological statistics on plain NumPy arrays, usable without Fangkong.

Every detector takes counts of shape (series, time) and returns one :class:`Detection` of the same
shape, so that a night run over thousands of series is a handful of array operations. The same holds
for reproduction numbers, growth, nowcasts and forecasts. :mod:`epistat.scores` tells how good a
forecast was.
"""

from epistat.backprojection import BackProjection, back_project
from epistat.charts import cusum, glr, outbreak_p
from epistat.clusters import Cluster, Scan, scan, spread, standardised
from epistat.ears import c1, c2, c3
from epistat.growth import Growth, growth_of_reproduction, growth_rate, reproduction_of_growth
from epistat.intervals import Uncertain, UncertainInterval, discrete_interval
from epistat.nowcast import Nowcast, dirichlet, draw, generalised_dirichlet, lawless
from epistat.percentile import fixed_threshold, moving_percentile
from epistat.places import place_rule
from epistat.renewal import Forecast, forecast
from epistat.reproduction import Reproduction, cori, pressure, wallinga_teunis
from epistat.result import Detection, Flag
from epistat.seasonal import farrington, farrington_flexible
from epistat.triangle import Triangle, triangle_of_dates, triangle_of_matrix
from epistat.windows import bayes, cdc, rki
from epistat.zones import Zones, circles

__all__ = [
    "BackProjection",
    "Cluster",
    "Detection",
    "Flag",
    "Forecast",
    "Growth",
    "Nowcast",
    "Reproduction",
    "Scan",
    "Triangle",
    "Uncertain",
    "UncertainInterval",
    "Zones",
    "back_project",
    "bayes",
    "c1",
    "c2",
    "c3",
    "cdc",
    "circles",
    "cori",
    "cusum",
    "dirichlet",
    "discrete_interval",
    "draw",
    "farrington",
    "farrington_flexible",
    "fixed_threshold",
    "forecast",
    "generalised_dirichlet",
    "glr",
    "growth_of_reproduction",
    "growth_rate",
    "lawless",
    "moving_percentile",
    "outbreak_p",
    "place_rule",
    "pressure",
    "reproduction_of_growth",
    "rki",
    "scan",
    "spread",
    "standardised",
    "triangle_of_dates",
    "triangle_of_matrix",
    "wallinga_teunis",
]
