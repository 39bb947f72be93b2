"""How long the list of 400,000 cases takes over HTTP, against a bare Django view, in one run.

Run as ``python benchmarks/first_page.py`` (or ``make bench``). The database is the large one that
the benchmarks share (``benchmarks/ground``), on SQLite. Two servers run side by side on it, both by
granian: Fangkong as in production, and a view that shows the same 50 rows by the same index from a
plain template, with no permission, no page kit and no translation. One client with a connection to
each asks both by turns: first pages, pages after a random row deep in, filters, as the headquarters
and as a county. Exits with 1 if the 95th percentile of all pages, or the median of any kind of
page, is 300 ms or more: the median, because forty times on a busy machine make no percentile to
judge by.
"""

from __future__ import annotations

import gzip
import random
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from time import monotonic
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, servers  # noqa: E402
from benchmarks.ground.databases import PREFECTURE  # noqa: E402
from benchmarks.ground.rows import CONDITION, COUNTY  # noqa: E402

CASES = PREFECTURE.cases
ROUNDS = 40  # of every kind of page for both users
WARM_UP = 3
BOUND = 120  # seconds of measuring; the median of fewer rounds is shown when it ends earlier
TARGET = 300  # ms


# --- What is asked --------------------------------------------------------------------------------


@dataclass
class Kind:
    """A kind of page as one user asks for it, with the times of both servers."""

    name: str
    user: str
    filters: dict[str, str]
    deep: bool = False
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def urls(self, dice: random.Random) -> tuple[str, str]:
        """The page of the product, and the same rows of the bare view."""
        ours, bare = dict(self.filters), dict(self.filters)
        if self.user == "county":
            bare.setdefault("county", COUNTY)
        if self.deep:
            row = _row(dice.randrange(1000, CASES))
            ours["after"] = _cursor(row.reported_at, row.pk)
            bare |= {"at": row.reported_at.isoformat(), "pk": str(row.pk)}
        return f"/surveillance/monitoring/?{urlencode(ours)}", f"/cases/?{urlencode(bare)}"


def _row(pk: int) -> Any:
    from fangkong.surveillance.monitoring.models import Case

    return Case.objects.only("reported_at").get(pk=pk)


def _cursor(reported_at: datetime, pk: int) -> str:
    """The cursor that a page ending with this row would link to."""
    from fangkong.core.pages import keyset

    return keyset._encode(False, reported_at, pk)


def kinds() -> list[Kind]:
    every = [
        ("first page", {}, False),
        ("a page deep in", {}, True),
        ("by disease", {"condition": CONDITION}, False),
        ("by disease, deep in", {"condition": CONDITION}, True),
        ("reported late", {"clock": "late"}, False),
    ]
    found = [Kind(n, user, f, deep) for user in ("headquarters", "county") for n, f, deep in every]
    county = {"county": COUNTY}
    found.insert(3, Kind("by county", "headquarters", county))
    found.insert(4, Kind("by county, deep in", "headquarters", county, True))
    return found


def numbers(body: bytes) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\b\d{6}-\d{4}-\d{5,7}\b", body.decode())))


def measure(asked: list[Kind], ours: servers.Server, bare: servers.Server) -> bytes:
    """Ask both servers by turns in a random order; gives the first page of the headquarters."""
    cookies = {name: servers.signed_in(name) for name in ("headquarters", "county")}
    dice, first, until = random.Random(1), b"", monotonic() + BOUND
    for turn in range(WARM_UP + ROUNDS):
        for kind in dice.sample(asked, len(asked)):
            if monotonic() > until:
                return first
            our_url, bare_url = kind.urls(dice)
            our_time, page = ours.get(our_url, cookies[kind.user])
            bare_time, plain = bare.get(bare_url, {})
            if numbers(page) != numbers(plain) or len(numbers(page)) != 50:
                raise SystemExit(f"{our_url} and {bare_url} do not show the same 50 cases")
            first = page if kind is asked[0] else first
            if turn >= WARM_UP:
                kind.ours.append(our_time)
                kind.bare.append(bare_time)
    return first


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def tell(asked: list[Kind], first: bytes) -> bool:
    """Print the table; whether the target is met."""
    rounds = min(len(kind.ours) for kind in asked)
    print(f"list of {CASES:,} cases, {rounds} rounds, ms over HTTP until the page is whole")
    print(f"{'':38}{'list':>16}{'bare Django':>18}{'ratio':>8}")
    print(f"{'':38}{'p50':>8}{'p95':>8}{'p50':>10}{'p95':>8}{'p50':>8}")
    for kind in asked:
        _line(f"{kind.user}: {kind.name}", kind.ours, kind.bare)
    _line("all", [t for k in asked for t in k.ours], [t for k in asked for t in k.bare])
    print(f"the first page: {len(gzip.compress(first)):,} bytes gzipped, {len(first):,} plain")
    overall = p95([t for kind in asked for t in kind.ours])
    slowest = max(asked, key=lambda kind: median(kind.ours))
    met = overall < TARGET and median(slowest.ours) < TARGET
    print(
        f"target: p95 of the list below {TARGET} ms: {overall:.0f} ms; slowest kind "
        f"({slowest.user}: {slowest.name}) {median(slowest.ours):.0f} ms: "
        f"{'met' if met else 'MISSED'}"
    )
    return met


def _line(name: str, ours: list[float], bare: list[float]) -> None:
    ratio = median(ours) / median(bare)
    print(
        f"{name:38}{median(ours):>8.1f}{p95(ours):>8.1f}{median(bare):>10.1f}{p95(bare):>8.1f}"
        f"{ratio:>7.1f}x"
    )


def main() -> int:
    ground = databases.use("sqlite", PREFECTURE)
    asked = kinds()
    with servers.product() as ours, servers.bare(ground) as bare:
        first = measure(asked, ours, bare)
    if min(len(kind.ours) for kind in asked) < 5:
        print(f"after {BOUND} s there are fewer than 5 rounds: MISSED")
        return 1
    return 0 if tell(asked, first) else 1


if __name__ == "__main__":
    sys.exit(main())
