"""What the pages of demand and allocation cost with 500 items in 50 stores.

    python benchmarks/supply_pages.py [sqlite] [postgresql]

Each store holds a lot of each item; a hundred items were used in every store on four of the last
days, over a ledger of 45,000 moves. One plan shares out all 500 items among 49 stores: 24,500 lines
with their sentences. Measured are the board of cover, the cover of one place, the plan as whoever
prepared it and as whoever may approve it sees it, and the list of plans: milliseconds and CPU of
this process and of PostgreSQL, medians of the rounds.

Ends with 1 where a page takes 200 ms.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, goods, rows  # noqa: E402
from benchmarks.ground.databases import Size  # noqa: E402
from benchmarks.ground.measuring import spent  # noqa: E402
from benchmarks.ground.servers import signed_in  # noqa: E402

ITEMS, STORES, USED, DAYS = 500, 50, 100, 4
ROUNDS, TIMES = 5, 2
TODAY = date(2020, 2, 5)
AT = datetime(2020, 2, 5, 2, tzinfo=UTC)
PAGE_MS = 200.0
CELLS = ITEMS * STORES
# ``persons`` names the database: moves of the ledger; ``cases`` keeps it apart from others.
SIZE = Size(persons=CELLS + USED * STORES * DAYS, cases=37)


def fill(size: Size) -> None:
    """Goods in every store, use of the last days, one plan that waits for approval."""
    from fangkong.supplies.models import Share

    made = goods.make(ITEMS, STORES, AT)
    places, items = made.places, made.items
    came, went = AT - timedelta(days=60), [AT - timedelta(days=3 * n) for n in range(DAYS)]

    def steps() -> Iterator[goods.Step]:
        for place in places:
            for k in range(ITEMS):
                yield goods.Step(place, k, True, came, 1000)
        for moment in went:
            for n, place in enumerate(places):
                for k in range(USED):
                    yield goods.Step(place, k, False, moment, 10 + (n + k) % 40)

    goods.write(made, steps)
    plan = make_plan(places, items)
    store, *others = places
    facts = {"quantity": 20, "wanted": 10_000, "cover": 6.5, "there": 1_000, "asked": 490_000}
    facts |= {"class": 1, "risk": 1.0, "level": 6.5}
    Share.objects.bulk_create(
        (
            Share(
                plan=plan,
                place=place,
                item=item,
                wanted=10_000,
                proposed=20,
                quantity=20,
                pro_rata=20,
                cover_before=5.5,
                cover_after=6.5,
                code="share",
                bound_by="stock",
                facts=facts,
                lots=[],
            )
            for item in items
            for place in others
        ),
        batch_size=2_000,
    )
    assert store.pk == plan.store_id


def make_plan(places: list[Any], items: list[Any]) -> Any:
    """A plan with the problem that it keeps: a need a day of each item at each place."""
    from fangkong.accounts.models import User
    from fangkong.core.record import stamps
    from fangkong.supplies.models import Plan

    store, *others = places
    day = TODAY + timedelta(days=1)
    problem = {
        "mode": "by_need",
        "first_day": day.isoformat(),
        "days": 14,
        "items": [{"id": one.code, "stock": 1_000} for one in items],
        "places": [
            {
                "id": place.mark,
                "groups": [rows.COUNTY],
                "lead_days": 1,
                "need": {one.code: [40] * 14 for one in items},
            }
            for place in others
        ],
    }
    why = [["all_sent", {"sent": 980}], ["kept", {"kept": 1_000}]]
    told = {
        "unread": [],
        "worst": 6.5,
        "worst_flat": 6.0,
        "items": [
            {"item": one.code, "stock": 1_000, "usable": 1_000, "kept_back": 20, "why": why}
            for one in items
        ],
    }
    by = User.objects.get(username="headquarters")
    return Plan.objects.create(
        **stamps(by, AT),
        number=f"{store.mark}-DP-2020-0001",
        store=store,
        mode="by_need",
        first_day=day,
        days=14,
        state="ready",
        problem=problem,
        told=told,
    )


def second() -> None:
    """Somebody else who may approve, where there is none yet."""
    from fangkong.accounts.models import Appointment, User
    from fangkong.core.record import stamps
    from fangkong.places.models import Area

    if User.objects.filter(username="deputy").exists():
        return
    user = User.objects.create(username="deputy", name="deputy", created_at=rows.FIRST)
    Appointment.objects.create(
        user=user,
        role="headquarters",
        area=Area.objects.filter(code="513300").latest("valid_from"),
        valid_from=date(2019, 1, 1),
        **stamps(None, rows.FIRST),
    )


def asked() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    from django.test import Client
    from django.urls import reverse

    from fangkong.supplies.models import Place, Plan

    second()
    client = Client()
    cookies = {name: signed_in(name) for name in ("headquarters", "deputy")}
    plan = Plan.objects.get()
    place = Place.objects.filter(kind="store").order_by("pk").first()
    assert place is not None

    def page(user: str, name: str, *args: object) -> Callable[[], object]:
        def look() -> None:
            answer = client.get(reverse(f"supplies:{name}", args=args), headers=cookies[user])
            assert answer.status_code == 200, answer.status_code

        return look

    return {
        "board of cover": page("headquarters", "demand:index"),
        "cover of a place": page("headquarters", "demand:place", place.public_id),
        "plan, prepared": page("headquarters", "allocation:detail", plan.public_id),
        "plan, to approve": page("deputy", "allocation:detail", plan.public_id),
        "list of plans": page("headquarters", "allocation:index"),
    }


def one(kind: str) -> int:
    """Measure on one database."""
    databases.TODAY = TODAY.isoformat()
    ground = databases.use(kind, SIZE, fill)
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    missed = False
    print(f"\n{kind}: {ITEMS} items, {STORES} stores, ms and ms of CPU")
    for name, call in asked().items():
        call()
        took, cpu = spent(call, ground.postmaster, rounds=ROUNDS, times=TIMES)
        missed |= took > PAGE_MS
        print(f"{name:>22}{took:>9.1f}{cpu:>9.1f}", flush=True)
    print("promise: " + ("MISSED" if missed else "kept"))
    return int(missed)


if __name__ == "__main__":
    sys.exit(databases.on_each(one))
