"""Sources of the demonstration: gifts as printed, offers and orders that are made up.

The Daofu hospital waits for a made-up order that is late; two made-up firms offer coveralls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.supplies.sources import actions, queries
from fangkong.supplies.sources.types import (
    Channel,
    Checked,
    Fund,
    LineFacts,
    SupplyFacts,
    Verdict,
)
from fangkong.supplies.stock import rules
from fangkong.supplies.stock.types import LotFacts, Papers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fangkong.accounts.models import User
    from fangkong.supplies.models import Item, Place, Supply

DAY = timedelta(days=1)
MADE_UP = "演示用，虚构"


def gift(
    *,
    store: Place,
    items: Mapping[str, Item],
    rows: Sequence[tuple[str, str, str]],
    party: str,
    note: str,
    keeper: User,
    hq: User,
    at: datetime,
) -> Supply:
    """A gift of goods as printed: entered, taken and wholly booked in at one moment."""
    lines = [
        LineFacts(
            item=items[code],
            quantity=rules.in_smallest(quantity, unit, items[code].unit, items[code].packs),
        )
        for code, quantity, unit in rows
    ]
    facts = SupplyFacts(channel=Channel.DONATION, place=store, party=party, note=note)
    made = actions.offer(facts=facts, lines=lines, by=keeper, at=at)
    actions.accept(supply=made, by=hq, at=at)
    return _arrived(made, keeper, at)


def _arrived(made: Supply, keeper: User, at: datetime, lot: LotFacts | None = None) -> Supply:
    checked = [
        Checked(line=line, quantity=line.quantity, verdict=Verdict.FITS, lot=lot or LotFacts())
        for line in queries.lines_of(made)
    ]
    return actions.receive(supply=made, checked=checked, papers=Papers(), by=keeper, at=at)


def promised(
    *, store: Place, daofu: Place, items: Mapping[str, Item], keeper: User, hq: User, at: datetime
) -> int:
    """Made-up offers, orders and a gift, and a report to the public; gives how many sources."""
    today = clock.day_of(at)
    suit, mask = items["coverall"], items["surgical-mask"]

    def offer(
        item: Item,
        quantity: int,
        party: str,
        *,
        channel: Channel = Channel.EMERGENCY,
        place: Place = store,
        price: int | None = None,
        days: int = 3,
        standard: str = "",
        earmark: str = "",
        when: datetime = at - DAY,
    ) -> Supply:
        facts = SupplyFacts(
            channel=channel,
            place=place,
            party=party,
            fund=Fund.BUDGET if price else Fund.NONE,
            arrives_on=today + days * DAY,
            earmark=earmark,
            note=MADE_UP,
            synthetic=True,
        )
        line = LineFacts(item=item, quantity=quantity, price=price, standard=standard)
        return actions.offer(facts=facts, lines=[line], by=keeper, at=when)

    offer(suit, 500, "成都甲医疗器械公司（演示）", price=65_000_00, standard=suit.standard)
    offer(
        suit, 2000, "绵阳乙防护用品厂（演示）", price=180_000_00, days=9, standard="GB 19082-2003"
    )
    above = offer(
        suit, 300, "省应急物资储备（演示）", channel=Channel.ABOVE, days=2, standard=suit.standard
    )
    actions.accept(supply=above, by=hq, at=at - DAY)
    late = offer(
        mask,
        5000,
        "雅安丙药械公司（演示）",
        place=daofu,
        price=9_500_00,
        days=-1,
        when=at - 4 * DAY,
    )
    actions.accept(supply=late, by=hq, at=at - 4 * DAY)
    given = offer(
        mask,
        2000,
        "康定丁商会（演示）",
        channel=Channel.DONATION,
        place=daofu,
        days=-2,
        earmark="道孚县发热门诊",
        when=at - 3 * DAY,
    )
    actions.accept(supply=given, by=hq, at=at - 3 * DAY)
    _arrived(given, keeper, at - 2 * DAY, LotFacts(number="YS-G"))
    actions.publish(read=None, by=hq, at=at - DAY / 2)
    return 5
