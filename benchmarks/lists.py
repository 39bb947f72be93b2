"""What a page of 50 cases costs in CPU, in a small and in a large database, beside a bare Django.

    python benchmarks/lists.py [sqlite] [postgresql] [--profile]

Asked by county and date, newest first, of the production server (``fangkong serve``): the API with
a token, and the page as a browser gets it. A bare Django view with ``.values()`` on the same rows
and the same kind of server is asked by turns in the same run. CPU is user and system time of the
whole process trees of server and PostgreSQL, from /proc; medians of the rounds. Beside it: the
figures by county and day over 90 days, the desk and the command screen. Exits with 1 where

- a page of the API takes more than 6 ms of CPU, or more than 5 statements, or counts rows;
- a page of either kind costs more than a quarter and half a millisecond more in the large database;
- county by day takes more than 50 ms, or a desk or a command screen more than 200 ms of CPU.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, servers  # noqa: E402
from benchmarks.ground.databases import KINDS, PREFECTURE, VILLAGE  # noqa: E402

API = "/api/v1/surveillance/monitoring/cases/"
PAGE = "/surveillance/monitoring/"
SIZES = {"10,000": VILLAGE, "400,000": PREFECTURE}

ROUNDS, EACH, WARM_UP = 5, 40, 30
MOST_CPU, MOST_STATEMENTS = 6.0, 5
GROWTH, SLACK = 1.25, 0.5  # a page of the large database may cost so many times, and ms, more
DAYS_TARGET, SCREEN_TARGET = 50.0, 200.0


@dataclass
class Kind:
    """What is asked, of whom, and the CPU of each round in milliseconds for one page."""

    name: str
    server: servers.Server
    roots: list[int]
    headers: Mapping[str, str]
    url: Callable[[random.Random], str]
    rows: int  # that a right answer shows
    sign: bytes = b""  # that stands in the answer once for each row
    spent: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)

    def round(self, dice: random.Random, times: int) -> None:
        before, took = servers.cpu(self.roots), []
        for _ in range(times):
            ms, body = self.server.get(url := self.url(dice), self.headers)
            if body.count(self.sign) != self.rows and self.sign:
                raise SystemExit(f"{url} shows {body.count(self.sign)} rows, not {self.rows}")
            took.append(ms)
        self.spent.append((servers.cpu(self.roots) - before) / times)
        self.taken.append(median(took))


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(sys.argv[2], sys.argv[3], "--profile" in sys.argv)), flush=True)
        return 0
    kinds = [kind for kind in KINDS if kind in sys.argv[1:]] or list(KINDS)
    met = [both(kind) for kind in kinds]
    return 0 if all(met) else 1


def both(kind: str) -> bool:
    """The small and the large database of a kind; whether all promises are kept."""
    found = {}
    for size in SIZES:
        more = ["--profile"] if "--profile" in sys.argv else []
        child = subprocess.run(
            [sys.executable, __file__, "--one", kind, size, *more],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        *said, last = child.stdout.strip().splitlines()
        print("\n".join(said), flush=True)
        found[size] = json.loads(last)
    small, large = found.values()
    kept = []
    for name in ("API", "page"):
        grown = large[name] <= small[name] * GROWTH + SLACK
        kept.append(grown)
        print(
            f"{kind}: {name} {small[name]:.2f} ms at 10,000 and {large[name]:.2f} ms at 400,000: "
            f"{'no dearer' if grown else 'MISSED: it grows'}"
        )
    for what, is_kept in (
        (f"API at most {MOST_CPU:.0f} ms of CPU", large["API"] <= MOST_CPU),
        (f"at most {MOST_STATEMENTS} statements, no COUNT", all(f["few"] for f in (small, large))),
        (f"county by day at most {DAYS_TARGET:.0f} ms", large["days"] <= DAYS_TARGET),
        (
            f"desk and command screen at most {SCREEN_TARGET:.0f} ms",
            max(large["desk"], large["screen"]) <= SCREEN_TARGET,
        ),
    ):
        kept.append(is_kept)
        print(f"{kind}: {what}: {'met' if is_kept else 'MISSED'}")
    return all(kept)


def one(kind: str, size: str, profile: bool) -> dict[str, object]:
    ground = databases.use(kind, SIZES[size])
    from benchmarks.ground.rows import county_keys

    counties = [code for _pk, code in county_keys()]

    def until(dice: random.Random) -> datetime:
        return datetime(2021, 9, 1, tzinfo=UTC) + timedelta(minutes=dice.randrange(450 * 1440))

    def api(dice: random.Random) -> str:
        asked = {"county": dice.choice(counties), "until": until(dice).isoformat()}
        return f"{API}?{urlencode(asked)}"

    def page(dice: random.Random) -> str:
        asked = {"county": dice.choice(counties), "last": until(dice).date().isoformat()}
        return f"{PAGE}?{urlencode(asked)}"

    def plain(dice: random.Random) -> str:
        return api(dice).replace(API, "/api/cases/")

    cookie, token = servers.signed_in("headquarters"), servers.token_of("headquarters")
    few = statements("API", api, token) and statements("page", page, cookie)
    if profile:
        profiled(api, token)
        profiled(page, cookie)
    days = county_by_day()
    with servers.product() as ours, servers.bare(ground) as bare:
        database = [ground.postmaster] if ground.postmaster else []
        mine, theirs = [ours.pid, *database], [bare.pid, *database]
        asked = [
            Kind("API", ours, mine, token, api, 50, b'"public_id"'),
            Kind("page", ours, mine, cookie, page, 50, b"</tr>\n<tr>"),
            Kind("bare .values()", bare, theirs, {}, plain, 50, b'"public_id"'),
            Kind("desk", ours, mine, cookie, lambda dice: "/", 0),
            Kind("screen", ours, mine, cookie, lambda dice: "/command/", 0),
        ]
        asked[0].sign = b'"number"'
        asked[1].sign, asked[1].rows = b"<tr>", 51  # one of them is the head
        measure(asked)
    told = {kind.name: median(kind.spent) for kind in asked}
    print(f"{kind}, {size} cases: ms of CPU a page, of {ROUNDS} rounds of {EACH}")
    for one_kind in asked:
        ratio = median(one_kind.spent) / told["bare .values()"]
        print(
            f"  {one_kind.name:<16}{median(one_kind.spent):>8.2f} ms CPU"
            f"{median(one_kind.taken):>8.2f} ms until there{ratio:>7.1f}x"
        )
    print(f"  county by day, 90 days: {days:.1f} ms")
    return {**told, "days": days, "few": few}


def measure(asked: list[Kind]) -> None:
    dice = random.Random(50)
    for kind in asked:
        kind.round(dice, WARM_UP)
        kind.spent.clear()
        kind.taken.clear()
    for _ in range(ROUNDS):
        for kind in dice.sample(asked, len(asked)):
            kind.round(dice, EACH)


def statements(name: str, url: Callable[[random.Random], str], headers: Mapping[str, str]) -> bool:
    """Whether a page sends few statements and counts nothing; asked within this process."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    get, dice = _asking(headers), random.Random(3)
    get(url(dice))
    with CaptureQueriesContext(connection) as sent:
        get(url(dice))
    texts = [query["sql"] for query in sent]
    counted = [text for text in texts if "COUNT(" in text.upper()]
    print(f"{name}: {len(texts)} statements, {len(counted)} of them count")
    if len(texts) > MOST_STATEMENTS or counted:
        print("\n".join(f"  {text[:200]}" for text in texts))
        return False
    return True


def profiled(url: Callable[[random.Random], str], headers: Mapping[str, str]) -> None:
    """Where the time goes, in this process."""
    import cProfile
    import pstats

    get, dice = _asking(headers), random.Random(4)
    for _ in range(20):
        get(url(dice))
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(50):
        get(url(dice))
    profile.disable()
    pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(70)


def _asking(headers: Mapping[str, str]) -> Callable[[str], bytes]:
    from django.test import Client

    client = Client(headers={k: v for k, v in headers.items() if k != "Cookie"})
    if "Cookie" in headers:
        name, _equals, value = headers["Cookie"].partition("=")
        client.cookies[name] = value

    def get(url: str) -> bytes:
        response = client.get(url, HTTP_HOST="127.0.0.1")
        if response.status_code != 200:
            raise SystemExit(f"{url} answered {response.status_code}: nothing was measured")
        return response.content

    return get


def county_by_day() -> float:
    """Cases by county and day over 90 days, as the page of counts asks: median of 20, in ms."""
    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.surveillance.monitoring import queries

    at = clock.now()
    last = clock.day_of(at)
    times = []
    for _ in range(20):
        user = User.objects.get(username="headquarters")
        start = perf_counter()
        found = queries.daily_counts(
            user, at, condition="covid-19", first=last - timedelta(days=89), last=last
        )
        times.append((perf_counter() - start) * 1000)
    if not found:
        raise SystemExit("no counts: nothing was measured")
    return median(times)


if __name__ == "__main__":
    sys.exit(main())
