"""Charts and maps: drawn from JSON by the browser, with the same figures in a table beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.contrib.staticfiles import finders
from django.http import JsonResponse
from django.templatetags.static import static
from django.utils.functional import Promise

Text = str | Promise
Number = int | float | None


@dataclass(frozen=True)
class Series:
    """One line or set of bars; ``values`` has one entry per ``x``, None where there is none."""

    name: Text
    values: Sequence[Number]
    kind: Literal["bar", "line"] = "bar"
    color: str = ""


@dataclass(frozen=True)
class Mark:
    """A vertical mark with a word, such as the day of a signal."""

    x: str
    label: Text


@dataclass(frozen=True)
class Chart:
    """A figure over ``x`` (days as ISO text, or words). ``url`` is its own JSON view."""

    title: Text
    url: str
    x: Sequence[str]
    series: Sequence[Series]
    kind: Literal["bars", "stacked", "lines"] = "bars"
    unit: Text = ""
    x_label: Text = ""
    as_of: datetime | None = None
    marks: Sequence[Mark] = field(default_factory=tuple)
    note: Text = ""

    @property
    def rows(self) -> list[tuple[str, list[Number]]]:
        """The table beside the figure: one row per ``x``."""
        return [
            (label, [series.values[i] for series in self.series]) for i, label in enumerate(self.x)
        ]


@dataclass(frozen=True)
class AreaValue:
    """The figure of one area; ``label`` is what the tooltip and the table say."""

    code: str
    name: str
    value: Number
    label: Text
    url: str = ""


@dataclass(frozen=True)
class Band:
    """One class of the legend, from and to included; ``to`` None is open."""

    start: float
    end: float | None
    label: Text
    color: str = ""


@dataclass(frozen=True)
class AreaMap:
    """Areas with values. ``borders`` is the code of the area whose GeoJSON is drawn."""

    title: Text
    url: str
    values: Sequence[AreaValue]
    legend: Sequence[Band]
    borders: str
    unit: Text = ""
    as_of: datetime | None = None
    note: Text = ""

    @property
    def has_borders(self) -> bool:
        """Whether the borders were cut when the product was built; else the table stands alone."""
        return finders.find(f"places/borders/{self.borders}.geojson") is not None

    @property
    def borders_url(self) -> str:
        return static(f"places/borders/{self.borders}.geojson")


def chart_json(chart: Chart) -> JsonResponse:
    """The answer of a chart's JSON view."""
    return JsonResponse(
        {
            "kind": chart.kind,
            "x": list(chart.x),
            "series": [
                {
                    "name": str(series.name),
                    "values": list(series.values),
                    "type": series.kind,
                    **({"color": series.color} if series.color else {}),
                }
                for series in chart.series
            ],
            "unit": str(chart.unit),
            "marks": [{"x": mark.x, "label": str(mark.label)} for mark in chart.marks],
            "as_of": chart.as_of.isoformat() if chart.as_of else None,
        }
    )


def map_json(area_map: AreaMap) -> JsonResponse:
    """The answer of a map's JSON view."""
    return JsonResponse(
        {
            "areas": [
                {
                    "code": area.code,
                    "name": area.name,
                    "value": area.value,
                    "label": str(area.label),
                    "url": area.url,
                }
                for area in area_map.values
            ],
            "unit": str(area_map.unit),
            "legend": [
                {
                    "from": band.start,
                    "to": band.end,
                    "label": str(band.label),
                    **({"color": band.color} if band.color else {}),
                }
                for band in area_map.legend
            ],
            "as_of": area_map.as_of.isoformat() if area_map.as_of else None,
        }
    )
