"""epistat: epidemiological statistics on plain NumPy arrays, usable without Fangkong.

Every detector takes counts of shape (series, time) and returns one :class:`Detection` of the same
shape, so that a night run over thousands of series is a handful of array operations. The same holds
for reproduction numbers, growth, nowcasts and forecasts. :mod:`epistat.scores` tells how good a
forecast was, :mod:`epistat.evaluate` how good a detector.

A name is loaded when it is first used (PEP 562): one detector alone does not load all of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from epistat import evaluate, scores
    from epistat.backprojection import BackProjection, back_project
    from epistat.charts import cusum, glr, outbreak_p
    from epistat.clusters import Cluster, Scan, scan, spread, standardised
    from epistat.ears import c1, c2, c3
    from epistat.evaluate import as_table, inject, labelled, measure, simulate
    from epistat.growth import Growth, growth_of_reproduction, growth_rate, reproduction_of_growth
    from epistat.intervals import Uncertain, UncertainInterval, discrete_interval
    from epistat.nowcast import Nowcast, dirichlet, draw, generalised_dirichlet, lawless
    from epistat.percentile import fixed_threshold, moving_percentile
    from epistat.places import place_rule
    from epistat.regression import adaptive
    from epistat.renewal import Forecast, forecast
    from epistat.reproduction import Reproduction, cori, pressure, wallinga_teunis
    from epistat.result import Detection, Flag
    from epistat.seasonal import PRESETS, farrington, farrington_flexible
    from epistat.triangle import Triangle, triangle_of_dates, triangle_of_matrix
    from epistat.windows import bayes, cdc, rki
    from epistat.zones import Zones, circles

# Where each name lives; tests hold that it is the same as above.
_HOMES = {
    "backprojection": ("BackProjection", "back_project"),
    "charts": ("cusum", "glr", "outbreak_p"),
    "clusters": ("Cluster", "Scan", "scan", "spread", "standardised"),
    "ears": ("c1", "c2", "c3"),
    "evaluate": ("as_table", "inject", "labelled", "measure", "simulate"),
    "growth": ("Growth", "growth_of_reproduction", "growth_rate", "reproduction_of_growth"),
    "intervals": ("Uncertain", "UncertainInterval", "discrete_interval"),
    "nowcast": ("Nowcast", "dirichlet", "draw", "generalised_dirichlet", "lawless"),
    "percentile": ("fixed_threshold", "moving_percentile"),
    "places": ("place_rule",),
    "regression": ("adaptive",),
    "renewal": ("Forecast", "forecast"),
    "reproduction": ("Reproduction", "cori", "pressure", "wallinga_teunis"),
    "result": ("Detection", "Flag"),
    "scores": (),
    "seasonal": ("PRESETS", "farrington", "farrington_flexible"),
    "triangle": ("Triangle", "triangle_of_dates", "triangle_of_matrix"),
    "windows": ("bayes", "cdc", "rki"),
    "zones": ("Zones", "circles"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PRESETS",
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
    "adaptive",
    "as_table",
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
    "evaluate",
    "farrington",
    "farrington_flexible",
    "fixed_threshold",
    "forecast",
    "generalised_dirichlet",
    "glr",
    "growth_of_reproduction",
    "growth_rate",
    "inject",
    "labelled",
    "lawless",
    "measure",
    "moving_percentile",
    "outbreak_p",
    "place_rule",
    "pressure",
    "reproduction_of_growth",
    "rki",
    "scan",
    "scores",
    "simulate",
    "spread",
    "standardised",
    "triangle_of_dates",
    "triangle_of_matrix",
    "wallinga_teunis",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return import_module(f"epistat.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'epistat' has no attribute {name!r}")
    found = getattr(import_module(f"epistat.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
