"""How long a plan takes, and what it does for the worst-off beside sharing pro rata.

Run as ``python benchmarks/allocation.py`` (or ``make bench``). Two sizes: a prefecture of 18
counties with 60 facilities each and 200 items, and 3,000 facilities with 50 items, both for 14
days. Each twice: *plain*, every item one lot for everybody and one class of places; and *all*, with
exposure classes, risks and floors, lots that expire, earmarks, substitutes, packs, and a vehicle
for each county. Each problem is solved in a process of its own; times are medians. The problems are
made up, from a seed: few places use much and many use little, two items in five are scarce.

Beside the plain plan stands sharing pro rata: every item in proportion to the daily need, never
more than 14 days of it. What is compared is the cover of the worst-off line, and of the worst-off
of each item, by the median over the scarce items.

Exits with 1 if a plan takes longer than promised (10 s and 60 s, from the problem to the plan with
its reasons), or if the worst-off of an item has less than pro rata gives.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
SIZES = {"18 x 60 x 200 x 14": (18, 60, 200, 10.0), "3,000 x 50 x 14": (18, 0, 50, 60.0)}


def problem(counties: int, each: int, items: int, *, everything: bool) -> dict[str, Any]:
    """A made-up problem of that size."""
    dice = random.Random(20200207)
    names = [f"C{c:02}-F{f:04}" for c in range(counties) for f in range(each)]
    if not each:
        names = [f"C{n % counties:02}-F{n:04}" for n in range(3000)]
    size = {name: max(1, round(dice.lognormvariate(1.5, 1.0))) for name in names}
    goods = [f"I{n:03}" for n in range(items)]
    places: list[dict[str, Any]] = []
    total = dict.fromkeys(goods, 0)
    for name in names:
        need = {}
        for good in goods:
            daily = max(1, round(size[name] * dice.uniform(0.2, 2.0)))
            need[good] = daily
            total[good] += daily
        places.append({
            "id": name,
            "groups": [name[:3]],
            "exposure": dice.choice([1, 1, 1, 2, 2, 3]) if everything else 1,
            "risk": dice.choice([1, 1, 1, 2]) if everything else 1,
            "lead_days": dice.choice([0, 0, 1, 2, 3]),
            "floor_days": dice.choice([0, 0, 0, 3]) if everything else 0,
            "need": need,
            "stock": {g: n * dice.randint(0, 6) for g, n in need.items() if dice.random() < 0.7},
        })  # fmt: skip
    made: list[dict[str, Any]] = []
    for n, good in enumerate(goods):
        part = dice.uniform(0.1, 0.7) if n % 5 < 2 else dice.uniform(1.0, 1.5)
        stock = round(total[good] * 14 * part)
        pack = dice.choice([1, 5, 10, 50]) if everything else 1
        one: dict[str, Any] = {"id": good, "keep_back": stock // 20, "pack": pack}
        if everything:
            one |= {"pack_volume_cm3": 100 * pack, "pack_weight_g": 10 * pack}
            one["lots"] = [
                {"id": "old", "quantity": stock // 5, "expires": "2020-02-12"},
                {"id": "next", "quantity": stock // 5, "expires": "2020-02-17"},
                {"id": "new", "quantity": stock // 2, "expires": "2021-08-01"},
            ]
            if n % 4 == 0:
                for _donation in range(3):
                    some = sorted(dice.sample(range(counties), 3))
                    one["lots"].append({"id": f"gift-{len(one['lots'])}", "quantity": stock // 30,
                                        "only_for": [f"C{c:02}" for c in some]})  # fmt: skip
        else:
            one["stock"] = stock
        made.append(one)
    found: dict[str, Any] = {
        "mode": "by_need", "first_day": "2020-02-07", "days": 14, "items": made, "places": places,
    }  # fmt: skip
    if everything:
        found["substitutions"] = [
            {"item": goods[n], "by": goods[n + 2], "pieces": 1 + n % 2, "up_to_exposure": 2}
            for n in range(0, items - 2, 10)
        ]
        volume = sum(size.values()) * items * 100 * 14 // counties
        found["vehicles"] = [
            {"id": f"C{c:02}", "trips_per_day": 2, "volume_cm3": volume // (8 if c % 3 else 40)}
            for c in range(counties)
        ]
        for place in places:
            place["vehicle"] = place["groups"][0]
    return found


def worst(plan: Any) -> dict[str, float]:
    """Days of cover of the worst-off place, by item."""
    found: dict[str, float] = {}
    for share in plan.shares:
        if share.cover_after is not None:
            found[share.item] = min(found.get(share.item, 99.0), share.cover_after)
    return found


def once(size: str, column: str) -> None:
    """Solve one problem in this process and print what it took, as JSON."""
    counties, each, items, _seconds = SIZES[size]
    made = problem(counties, each, items, everything=column == "all")
    from fangkong.supplies.allocation import reading, words
    from fangkong.supplies.allocation.rules import allocate

    text = json.dumps(made).encode()
    began, used = time.perf_counter(), time.process_time()
    asked = reading.read(text)
    read = time.perf_counter()
    plan = allocate(asked, words.say_in("en"))
    done = time.perf_counter()
    print(json.dumps({
        "read": read - began, "plan": done - read, "cpu": time.process_time() - used,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "worst": worst(plan), "lines": len(plan.shares),
    }))  # fmt: skip


def pro_rata(size: str) -> dict[str, float]:
    """The worst-off place's days of cover by item where the plain problem is shared by need."""
    counties, each, items, _seconds = SIZES[size]
    made = problem(counties, each, items, everything=False)
    total: dict[str, int] = {}
    for place in made["places"]:
        for good, daily in place["need"].items():
            total[good] = total.get(good, 0) + daily
    found: dict[str, float] = {}
    for item in made["items"]:
        good, stock = item["id"], item["stock"] - item["keep_back"]
        for place in made["places"]:
            daily, has = place["need"][good], place["stock"].get(good, 0)
            share = min(stock * daily // total[good], 14 * daily)
            cover = min((max(has - place["lead_days"] * daily, 0) + share) / daily, 14.0)
            found[good] = min(found.get(good, 99.0), cover)
    return found


def main() -> int:
    failed = False
    for size, (*_made, promised) in SIZES.items():
        for column in ("plain", "all"):
            runs = []
            for _round in range(ROUNDS):
                words = [sys.executable, __file__, size, column]
                env = {**os.environ, "PYTHONPATH": str(ROOT)}
                told = subprocess.run(words, env=env, check=True, capture_output=True, text=True)
                runs.append(json.loads(told.stdout))
            seconds = median(run["plan"] for run in runs)
            cpu = median(run["cpu"] for run in runs)
            print(f"{size:20} {column:6} plan {seconds:6.2f} s (processor {cpu:6.2f} s; promised "
                  f"{promised:.0f} s)  read {median(run['read'] for run in runs):5.2f} s  "
                  f"{max(run['megabytes'] for run in runs):5.0f} MB  "
                  f"{runs[0]['lines']} lines")  # fmt: skip
            failed = failed or seconds > promised
            if column == "plain":
                ours, flat = runs[0]["worst"], pro_rata(size)
                scarce = [good for good in flat if flat[good] < 14]
                print(f"    worst-off line {min(ours.values()):.2f} days, pro rata "
                      f"{min(flat.values()):.2f}; worst-off of a scarce item, median "
                      f"{median(ours[g] for g in scarce):.2f} and "
                      f"{median(flat[g] for g in scarce):.2f} days, ratio "
                      f"{median(ours[g] / max(flat[g], 0.01) for g in scarce):.2f}")  # fmt: skip
                failed = failed or any(ours[good] < flat[good] - 0.01 for good in flat)
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        once(*sys.argv[1:])
        sys.exit()
    sys.exit(main())
