"""What hospitals of the demonstration ask for, and a plan that waits for approval. All invented.

The prefecture hospital had 13 coveralls and 60 respirators left; for how many people it asks is
made up, as are the needs of the counties.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.supplies.allocation import actions as plans
from fangkong.supplies.allocation import queries as allocation
from fangkong.supplies.allocation.queries import Offered, PlanFacts
from fangkong.supplies.demand import actions
from fangkong.supplies.demand.types import Span, Wanted
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.types import PlaceKind

if TYPE_CHECKING:
    from fangkong.accounts.models import User

DAY = timedelta(days=1)
MADE_UP = "演示用，虚构"
# Each with what: an item with its quantity for a week, or with heads of a role a day.
NEEDS: Sequence[tuple[str, Sequence[tuple[str, int, str]], str]] = (
    (
        "甘孜州人民医院",
        (
            ("coverall", 24, "ward-staff"),
            ("coverall", 4, "sampler"),
            ("medical-respirator", 24, "ward-staff"),
            ("medical-respirator", 4, "sampler"),
        ),
        "隔离病区和发热门诊",
    ),
    (
        "道孚县人民医院",
        (
            ("coverall", 8, "ward-staff"),
            ("coverall", 6, "sampler"),
            ("medical-respirator", 6, "sampler"),
            ("surgical-mask", 980, ""),
        ),
        "聚集性疫情救治和采样",
    ),
    ("康定市人民医院", (("surgical-mask", 1400, ""), ("coverall", 42, "")), "发热门诊一周用量"),
)


def asked(by: User, at: datetime) -> int:
    """Needs of the coming week; gives how many."""
    today = clock.day_of(at)
    items = {one.code: one for one in stock.items()}
    stores = {
        one.facility.name_zh: one
        for one in stock.targets_to_choose()
        if one.facility is not None and one.kind == PlaceKind.STORE
    }
    made = 0
    for name, wants, why in NEEDS:
        if name not in stores:
            continue
        lines = [
            Wanted(item=items[code], who=who, heads=n)
            if who
            else Wanted(item=items[code], quantity=n)
            for code, n, who in wants
        ]
        actions.ask(
            place=stores[name],
            lines=lines,
            span=Span(first_day=today, last_day=today + 6 * DAY, reason=f"{why}（{MADE_UP}）"),
            synthetic=True,
            by=by,
            at=at - timedelta(hours=3),
        )
        made += 1
    return made


def planned(depot: str, at: datetime) -> int:
    """A plan out of the depot, prepared by nobody of the demonstration; gives how many lines."""
    day = clock.day_of(at)
    store = next(
        one for one in allocation.stores() if one.facility and one.facility.name_zh == depot
    )
    there = allocation.in_store(store, day)
    facts = PlanFacts(
        mode="by_need",
        first_day=day,
        days=14,
        items=[
            Offered(item=one, keep_back=there[one.pk] // 10)
            for one in stock.items()
            if one.pk in there
        ],
        places=allocation.receivers(store, at),
        substitutes=True,
    )
    plan = plans.prepare(store=store, facts=facts, synthetic=True, by=None, at=at)
    return allocation.shares_of(plan).count()
