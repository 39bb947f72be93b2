"""The stores of the stock's tests, with somebody who decides and somebody who publishes."""

from __future__ import annotations

from datetime import timedelta

from fangkong.accounts.tests.factories import AT, staff
from fangkong.core.roles import Role
from fangkong.supplies.sources import actions, queries, reports
from fangkong.supplies.sources.models import Disclosure, Supply
from fangkong.supplies.sources.types import (
    Channel,
    Checked,
    Fund,
    LineFacts,
    SupplyFacts,
    Verdict,
)
from fangkong.supplies.stock.tests import factories as stock
from fangkong.supplies.stock.types import LotFacts, Papers

__all__ = ["AT", "DAY", "Verdict", "World"]

DAY = timedelta(days=1)


class World(stock.World):
    """``buyer`` enters offers, ``headquarters`` decide, ``editor`` publishes."""

    def __init__(self) -> None:
        super().__init__()
        self.buyer = staff(Role.STORE_KEEPER, facility=self.depot, username="buyer")
        self.editor = staff(Role.EDITOR, area=self.home)

    def offered(
        self, quantity: int = 1000, *, item=None, price=None, standard="", at=AT, **said
    ) -> Supply:
        """Masks from a firm, or whatever is said."""
        facts = {"channel": Channel.EMERGENCY, "place": self.store, "party": "成都某贸易公司"}
        if price:
            facts["fund"] = Fund.BUDGET
        facts.update(said)
        line = LineFacts(item=item or self.mask, quantity=quantity, price=price, standard=standard)
        lines = [line] if quantity else []
        return actions.offer(facts=SupplyFacts(**facts), lines=lines, by=self.buyer, at=at)

    def promised(self, quantity: int = 1000, *, at=AT, **said) -> Supply:
        supply = self.offered(quantity, at=at, **said)
        return actions.accept(supply=supply, by=self.headquarters, at=at)

    def gift(self, quantity: int = 1000, *, at=AT, **said) -> Supply:
        facts = {"channel": Channel.DONATION, "party": "州商务合作局", **said}
        return self.promised(quantity, at=at, **facts)

    def arrive(
        self,
        supply: Supply,
        quantity: int,
        *,
        verdict=Verdict.FITS,
        n=0,
        why="",
        as_item=None,
        at=AT,
        money=False,
        **label,
    ) -> Supply:
        """So much of a line comes to the door."""
        one = Checked(
            line=queries.lines_of(supply)[n],
            quantity=quantity,
            verdict=verdict,
            lot=LotFacts(**label),
            as_item=as_item,
            why=why,
        )
        return actions.receive(
            supply=supply, checked=[one], papers=Papers(), money=money, by=self.keeper, at=at
        )

    def brought(self, quantity: int = 1000, *, at=AT, **said) -> Supply:
        """A gift that has wholly come."""
        return self.arrive(self.gift(quantity, at=at, **said), quantity, at=at)

    def corrected(self, report: Disclosure, *, at=AT) -> Disclosure:
        """What a correction would tell is read and published."""
        told = reports.told(queries.report_before(report), report.as_of)
        said = {"report": report, "reason": "名称有误", "read": told.digest}
        return actions.correct_report(**said, by=self.editor, at=at)

    def paid(self, supply: Supply, *, at=AT) -> Supply:
        """The money that was given came."""
        said = {"supply": supply, "checked": [], "papers": Papers(), "money": True}
        return actions.receive(**said, by=self.keeper, at=at)

    def published(self, *, at=AT) -> Disclosure:
        """What would be told now is read and published."""
        told = reports.told(queries.last_report(), at)
        return actions.publish(read=told.digest, by=self.editor, at=at)
