"""What the stock costs with 500 items in 50 stores, over 400,000 moves beside 30,000.

    python benchmarks/stock.py [sqlite] [postgresql]

Both databases hold the same 25,000 balances; only the ledger behind them is longer. Measured are
the board of 500 items, one issue of a lot as an action with its key and its line in the trail, and
all balances in one answer: milliseconds and CPU of this process and of PostgreSQL, medians of the
rounds. All balances are compared with adding up the whole ledger, in time and in every figure.

Ends with 1 where a page takes 200 ms, an issue 5 ms of CPU, all balances 0.3 s, or where a figure
differs or an issue costs half as much again over the longer ledger.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, goods  # noqa: E402
from benchmarks.ground.databases import Size  # noqa: E402
from benchmarks.ground.measuring import spent  # noqa: E402
from benchmarks.ground.servers import signed_in  # noqa: E402

ITEMS, STORES = 500, 50
FEW, MANY = 30_000, 400_000
ROUNDS, TIMES = 7, 10  # calls in a round: the clock of CPU has steps of ten milliseconds
TODAY = date(2020, 2, 5)
AT = datetime(2020, 2, 5, 2, tzinfo=UTC)
PAGE_MS, ISSUE_MS, ALL_MS, GROWTH = 200.0, 5.0, 300.0, 1.5


def fill(size: Size) -> None:
    """A receipt of each item into each store, then one piece after the other is used up."""
    made = goods.make(ITEMS, STORES, AT)
    pairs = [(place, n) for place in made.places for n in range(ITEMS)]

    def steps() -> Iterator[goods.Step]:
        for n in range(size.persons):
            first = n < len(pairs)
            yield goods.Step(*pairs[n % len(pairs)], first, AT, 1000 if first else 1)

    goods.write(made, steps)


def asked() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    from django.test import Client
    from django.urls import reverse

    from fangkong.accounts.models import User
    from fangkong.core.commands.actions import once
    from fangkong.supplies.models import Balance
    from fangkong.supplies.stock import actions, queries
    from fangkong.supplies.stock.types import Leaving, Papers

    user = User.objects.get(username="headquarters")
    client, cookie = Client(), signed_in("headquarters")
    # The fullest, since earlier runs issued from this database too.
    fullest = Balance.objects.filter(place__kind="store").order_by("-quantity", "pk")
    row = fullest.select_related("lot__item", "place").first()
    assert row is not None
    lot, source = row.lot, row.place

    def board() -> None:
        answer = client.get(reverse("supplies:stock:index"), headers=cookie)
        assert answer.status_code == 200, answer.status_code

    def issue() -> None:
        said = {"source": source, "lines": [Leaving(item=lot.item, quantity=1)]}
        once(str(uuid4()), actions.issue, **said, papers=Papers(), by=user, at=AT)  # type: ignore[arg-type]

    def all_balances() -> None:
        assert len(queries.balances(user, AT)) == ITEMS * STORES

    def whole_ledger() -> None:
        assert queries.differences() == []

    return {
        "board of 500 items": board,
        "issue of a lot": issue,
        "all balances": all_balances,
        "the ledger added up": whole_ledger,
    }


def one(word: str) -> int:
    """Measure on one database; print name, milliseconds, CPU."""
    kind, size = word.split(":")
    databases.TODAY = TODAY.isoformat()
    ground = databases.use(kind, Size(persons=int(size), cases=31), fill)
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    for name, call in asked().items():
        call()
        times = TIMES if "ledger" not in name else 1
        took, cpu = spent(call, ground.postmaster, rounds=ROUNDS, times=times)
        print(f"{name}\t{took:.2f}\t{cpu:.2f}", flush=True)
    return 0


def measured(kind: str, size: int) -> dict[str, tuple[float, float]]:
    command = [sys.executable, __file__, "--one", f"{kind}:{size}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {name: (float(took), float(spent)) for name, took, spent in lines}


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        return one(sys.argv[2])
    missed = False
    for kind in [kind for kind in databases.KINDS if kind in sys.argv[1:]] or databases.KINDS:
        few, many = (measured(kind, size) for size in (FEW, MANY))
        print(f"\n{kind}: ms and ms of CPU over {FEW:,} and {MANY:,} moves")
        for name in few:
            (a, b), (c, d) = few[name], many[name]
            print(f"{name:>22}{a:>9.1f}{c:>9.1f}{b:>9.1f}{d:>9.1f}{d / b if b else 0:>7.2f}")
        times = many["the ledger added up"][0] / many["all balances"][0]
        print(f"all balances are {times:.0f} times as quick as adding up the ledger, and equal")
        missed |= many["board of 500 items"][0] > PAGE_MS
        missed |= many["all balances"][0] > ALL_MS
        cost, before = many["issue of a lot"][1], few["issue of a lot"][1]
        missed |= cost > ISSUE_MS or cost > GROWTH * before
    print("promise: " + ("MISSED" if missed else "kept"))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
