"""The stores of the stock's tests, with the county CDCs that report."""

from __future__ import annotations

from datetime import date, timedelta

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.supplies.daily import actions, queries, rules
from fangkong.supplies.daily.models import DailyReport
from fangkong.supplies.stock.tests import factories as stock
from fangkong.supplies.stock.types import Papers

__all__ = ["AT", "DAY", "YESTERDAY", "World", "moved"]

DAY = timedelta(days=1)
YESTERDAY = date(2020, 2, 4)


def moved(days: int = 1) -> Papers:
    """Papers of goods that moved so many days ago."""
    return Papers(moved_at=AT - days * DAY)


class World(stock.World):
    """``cdc`` reports for Daofu, ``other`` for Kangding, ``inspector`` reads everything."""

    def __init__(self) -> None:
        super().__init__()
        self.cdc = staff(Role.COUNTY_CDC, area=self.daofu)
        self.other = staff(Role.COUNTY_CDC, area=self.kangding)
        self.inspector = staff(Role.INSPECTOR, area=self.home)

    def figures(self, county=None, day: date = YESTERDAY) -> dict[str, rules.Sums]:
        """What the ledger says, by code of the item."""
        lines = queries.figures(county or self.daofu, day)
        items = queries.items_of(lines)
        return {items[one.item].code: one for one in lines}

    def filed(self, county=None, day: date = YESTERDAY, *, by=None, at=AT) -> DailyReport:
        """The figures are read and filed."""
        where = county or self.daofu
        read = rules.digest(queries.figures(where, day))
        return actions.file(county=where, day=day, read=read, by=by or self.cdc, at=at)

    def corrected(self, report: DailyReport, *, at=AT) -> DailyReport:
        read = rules.digest(queries.figures(report.county, report.day))
        return actions.correct(report=report, read=read, reason="补录", by=self.cdc, at=at)
