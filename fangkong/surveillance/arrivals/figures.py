"""The figures of arrivals: by day and tier, as a chart and as rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.core import pages

from . import queries, words
from .models import RiskArea


def by_day(found: queries.Figures) -> pages.Chart:
    """Arrivals by day, stacked by tier; tiers without anybody are left out."""
    days = [found.first + timedelta(days=n) for n in range((found.last - found.first).days + 1)]
    tiers: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for cell in found.cells:
        tiers[cell.pack, cell.tier][cell.day] += cell.count
    series = [
        pages.Series(words.tier(pack, tier), [counts[day] for day in days])
        for (pack, tier), counts in sorted(tiers.items())
    ]
    return pages.Chart(
        title=_("Arrivals by day and tier of origin"),
        url=f"{reverse('surveillance:arrivals:figures_chart')}?days={len(days)}",
        x=[day.isoformat() for day in days],
        series=series or [pages.Series(_("Arrivals"), [0 for _day in days])],
        kind="stacked",
        unit=_("persons"),
        x_label=_("Day"),
        as_of=found.as_of,
    )


def by_tier(found: queries.Figures) -> list[tuple[str, int]]:
    """Arrivals by tier, the most in front."""
    sums: dict[str, int] = defaultdict(int)
    for cell in found.cells:
        sums[words.tier(cell.pack, cell.tier)] += cell.count
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))


def announced_tier(row: RiskArea) -> str:
    """The tier of an announced area in words."""
    return words.tier(queries.pack_on(row.valid_from).id, row.tier)
