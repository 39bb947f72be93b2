"""Invented problems, what must hold of any plan, and the plain twin of the sharing."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from fangkong.supplies.allocation.reading import checked
from fangkong.supplies.allocation.rules import allocate
from fangkong.supplies.allocation.types import Plan
from fangkong.supplies.allocation.words import say_in

FIRST = date(2020, 2, 7)
SAY = say_in("en")


def plan_of(problem: dict[str, Any]) -> Plan:
    return allocate(checked(problem), SAY)


def got(plan: Plan) -> dict[tuple[str, str, str | None], int]:
    """What each place gets of each item (instead of which)."""
    return {(s.place, s.item, s.instead_of): s.quantity for s in plan.shares if s.quantity}


def day(n: int) -> str:
    return (FIRST + timedelta(days=n)).isoformat()


@st.composite
def problems(
    draw: Any, *, items: int = 3, mode: str = "by_need", lots: bool = True, swaps: bool = True,
    vehicles: bool = True, stages: bool = True, coming: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """A small problem; the switches leave parts of it out."""
    number = st.integers
    goods = [f"i{n}" for n in range(draw(number(1, items)))]
    names = [f"p{n}" for n in range(draw(number(1, 5)))]
    groups = ["g0", "g1"]
    some = st.lists(st.sampled_from(names + groups), min_size=1, max_size=3, unique=True)
    made: list[dict[str, Any]] = []
    for good in goods:
        item: dict[str, Any] = {"id": good, "pack": draw(st.sampled_from([1, 1, 2, 3, 7]))}
        item["keep_back"] = draw(st.sampled_from([0, 0, 0, 5]))
        if lots and draw(st.booleans()):
            item["lots"] = [
                {"id": f"l{n}", "quantity": draw(number(0, 60)),
                 **({"expires": day(draw(number(-1, 9)))} if draw(st.booleans()) else {}),
                 **({"only_for": draw(some)} if draw(number(0, 2)) == 0 else {}),
                 **({"owner": draw(st.sampled_from(["o0", "o1"]))} if draw(number(0, 5)) == 0
                    else {})}
                for n in range(draw(number(1, 4)))
            ]  # fmt: skip
        else:
            item["stock"] = draw(number(0, 150))
        if vehicles:
            item["pack_volume_cm3"] = draw(number(0, 5))
            item["pack_weight_g"] = draw(number(0, 5))
        made.append(item)
    places = []
    for n, name in enumerate(names):
        place: dict[str, Any] = {
            "id": name, "groups": draw(st.sampled_from([[], ["g0"], ["g1"], ["g0", "g1"]])),
            "owner": ["o0", "o1"][n % 2], "risk": draw(st.sampled_from([1, 1, 2, 3])),
            "lead_days": draw(st.sampled_from([0, 0, 1, 3])),
        }  # fmt: skip
        if stages:
            place["exposure"] = draw(number(1, 3))
            place["floor_days"] = draw(st.sampled_from([0, 0, 2]))
        daily = number(0, 9)
        wanted = st.one_of(daily, st.lists(daily, min_size=1, max_size=12))
        asked = [good for good in goods if draw(number(0, 3))]
        if mode == "by_need":
            place["need"] = {good: draw(wanted) for good in asked}
            place["stock"] = {good: draw(number(0, 30)) for good in asked if draw(st.booleans())}
        else:
            place["request"] = {good: draw(number(0, 80)) for good in asked}
            place["monthly_consumption"] = {good: draw(number(0, 50)) for good in asked}
        if coming and draw(number(0, 3)) == 0:
            place["incoming"] = [{
                "item": draw(st.sampled_from(goods)), "quantity": draw(number(0, 20)),
                "on": day(draw(number(0, 8))),
            }]  # fmt: skip
        if vehicles and draw(st.booleans()):
            place["vehicle"] = draw(st.sampled_from(["v0", "v1"]))
        places.append(place)
    # Somebody wants something, and every name that a lot may say is there.
    word = "need" if mode == "by_need" else "request"
    places.append({"id": "zz", "groups": groups, "owner": "o0", word: {goods[0]: 3}})
    places.append({"id": "zzz", "owner": "o1"})
    found: dict[str, Any] = {
        "mode": mode, "first_day": FIRST.isoformat(), "days": draw(number(1, 8)),
        "items": made, "places": places,
    }  # fmt: skip
    if swaps and len(goods) > 1:
        found["substitutions"] = [
            {"item": a, "by": b, "pieces": draw(number(1, 3)), "replaces": draw(number(1, 2)),
             "up_to_exposure": draw(number(1, 3)),
             **({"not_for": draw(some)} if draw(number(0, 3)) == 0 else {})}
            for a, b in draw(st.lists(
                st.permutations(goods).map(lambda p: tuple(p[:2])), max_size=3, unique=True
            ))
        ]  # fmt: skip
    if vehicles:
        found["vehicles"] = [
            {"id": f"v{n}", "trips_per_day": draw(number(0, 3)),
             "volume_cm3": draw(number(1, 30)), "weight_g": draw(number(1, 30))}
            for n in range(2)
        ]  # fmt: skip
    return found


def broken_rules(problem: dict[str, Any], plan: Plan) -> list[str]:
    """What a plan breaks; empty for every plan that we make."""
    faults: list[str] = []
    items = {item["id"]: item for item in problem["items"]}
    places = {place["id"]: place for place in problem["places"]}
    lots = {(i, lot["id"]): lot for i, item in items.items()
            for lot in item.get("lots") or [{"id": "", "quantity": item["stock"]}]}  # fmt: skip
    out: dict[tuple[str, str], int] = defaultdict(int)
    loads: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for share in plan.shares:
        place, item = places[share.place], items[share.item]
        if share.quantity != sum(one.quantity for one in share.lots) or share.quantity < 0:
            faults.append(f"{share} does not sum up")
        if share.quantity % item.get("pack", 1):
            faults.append(f"{share}: broken pack")
        if share.instead_of is None and share.quantity > share.wanted:
            faults.append(f"{share}: above need")
        if not share.reason:
            faults.append(f"{share}: no reason")
        if share.instead_of is not None:
            faults += _wrong_substitute(problem, share, place)
        for one in share.lots:
            lot = lots[share.item, one.lot]
            out[share.item, one.lot] += one.quantity
            names = {place["id"], *place.get("groups", [])}
            if "only_for" in lot and names.isdisjoint(lot["only_for"]):
                faults.append(f"{share}: earmark of {lot} broken")
            if "owner" in lot and lot["owner"] != place.get("owner"):
                faults.append(f"{share}: owner of {lot} passed over")
            arrives = FIRST + timedelta(days=one.day + place.get("lead_days", 0))
            if "expires" in lot and date.fromisoformat(lot["expires"]) < arrives:
                faults.append(f"{share}: {lot} arrives expired")
            if place.get("vehicle"):
                load = loads[place["vehicle"], one.day]
                load[0] += one.quantity / item["pack"] * item["pack_volume_cm3"]
                load[1] += one.quantity / item["pack"] * item["pack_weight_g"]
            elif one.day:
                faults.append(f"{share}: waits for no vehicle")
    for (i, name), sent in out.items():
        if sent > lots[i, name]["quantity"]:
            faults.append(f"lot {name} of {i} gives {sent}")
    for i, item in items.items():
        free = [lot for (of, _n), lot in lots.items()
                if of == i and "only_for" not in lot and "owner" not in lot
                and lot.get("expires", "9") >= FIRST.isoformat()]  # fmt: skip
        stays = sum(lot["quantity"] - out[i, lot["id"]] for lot in free)
        if stays < min(item.get("keep_back", 0), sum(lot["quantity"] for lot in free)):
            faults.append(f"{i}: the reserve is broken, {stays} left")
    for vehicle in problem.get("vehicles", []):
        for n in range(problem["days"]):
            volume, weight = loads[vehicle["id"], n]
            trips = vehicle.get("trips_per_day", 1)
            if volume > trips * vehicle["volume_cm3"] + 1e-6:
                faults.append(f"{vehicle} is overfull on day {n}")
            if weight > trips * vehicle["weight_g"] + 1e-6:
                faults.append(f"{vehicle} is too heavy on day {n}")
    if problem["mode"] == "by_need":
        for (p, i), found in _sent_by_lot(plan).items():
            faults += _useless(problem, places[p], i, items, lots, found)
    return faults


def _wrong_substitute(problem: dict[str, Any], share: Any, place: dict[str, Any]) -> list[str]:
    names = {place["id"], *place.get("groups", [])}
    for one in problem.get("substitutions", []):
        if (
            (one["item"], one["by"]) == (share.instead_of, share.item)
            and place.get("exposure", 1) <= one.get("up_to_exposure", 9)
            and names.isdisjoint(one.get("not_for", []))
        ):
            return []
    return [f"{share}: nothing allows it to stand in"]


def _sent_by_lot(plan: Plan) -> dict[tuple[str, str], list[tuple[str, str, int]]]:
    """By place and item needed: item, lot and pieces that came for it."""
    found: dict[tuple[str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for share in plan.shares:
        for one in share.lots:
            found[share.place, share.instead_of or share.item].append(
                (share.item, one.lot, one.quantity)
            )
    return found


def lacks(problem: dict[str, Any], place: dict[str, Any], item: str) -> list[int]:
    """What a place lacks up to each day after the arrival, of what it has and what is coming."""
    lead, days = place.get("lead_days", 0), problem["days"]
    need = place["need"][item]
    coming: dict[int, int] = defaultdict(int)
    for one in place.get("incoming", []):
        if one["item"] == item:
            coming[(date.fromisoformat(one["on"]) - FIRST).days] += one["quantity"]

    def daily(n: int) -> int:
        return need if isinstance(need, int) else need[min(n, len(need) - 1)]

    has = place.get("stock", {}).get(item, 0)
    for n in range(lead):
        has = max(has + coming[n] - daily(n), 0)
    found, worst = [0], 0
    for n in range(lead, lead + days):
        has += coming[n] - daily(n)
        worst = max(worst, -has)
        found.append(worst)
    return found


def uses(problem: dict[str, Any], place: dict[str, Any], item: str) -> list[int]:
    """What a place uses up to each day after the arrival; what lasts is used last."""
    lead, days = place.get("lead_days", 0), problem["days"]
    need = place["need"][item]
    found = [0]
    for n in range(lead, lead + days):
        daily = need if isinstance(need, int) else need[min(n, len(need) - 1)]
        found.append(found[-1] + daily)
    return found


def _useless(
    problem: dict[str, Any], place: dict[str, Any], item: str, items: dict[str, Any],
    lots: dict[tuple[str, str], Any], sent: list[tuple[str, str, int]],
) -> list[str]:  # fmt: skip
    """What would expire at a place before it is used, beyond the last pack of its need."""
    lack, lead = lacks(problem, place, item), place.get("lead_days", 0)
    used = uses(problem, place, item)
    factor = {(one["item"], one["by"]): Fraction(one["replaces"], one["pieces"])
              for one in problem.get("substitutions", [])}  # fmt: skip
    faults = []
    for last in range(-1, 12):
        usable = used[max(min(last - lead + 1, problem["days"]), 0)]
        soon, spare = Fraction(0), Fraction(0)
        for of, name, pieces in sent:
            worth = Fraction(1) if of == item else factor[item, of]
            expires = lots[of, name].get("expires")
            if expires and (date.fromisoformat(expires) - FIRST).days <= last:
                soon += pieces * worth
                spare = max(spare, items[of].get("pack", 1) * worth)
                if of != item:  # what stands in is reckoned in whole packs of the other (0036)
                    spare = max(spare, Fraction(items[item].get("pack", 1)))
        # Only the pack with the last piece of the whole need may be more than is used.
        spare = spare if usable >= lack[-1] else Fraction(0)
        if soon > usable + max(spare, 0):
            faults.append(f"{place['id']} gets {soon} of {item} until day {last}, uses {usable}")
    return faults


def twin(problem: dict[str, Any]) -> list[float]:
    """One item, one class: the levels of the best plan, lowest first, found pack by pack.

    Always the lowest place gets the next pack; whether one more can be had is answered by trying to
    move the packs of the others to other lots. Slow and plain.
    """
    (item,) = problem["items"]
    pack, days = item.get("pack", 1), problem["days"]
    sources = item.get("lots") or [{"id": "", "quantity": item["stock"]}]
    keep = item.get("keep_back", 0)
    merged: dict[tuple[int, frozenset[str]], int] = defaultdict(int)
    for lot in sorted(sources, key=lambda one: one.get("expires", "9"), reverse=True):
        last = (date.fromisoformat(lot["expires"]) - FIRST).days if "expires" in lot else 10**6
        who = frozenset(
            p["id"] for p in problem["places"]
            if not {p["id"], *p.get("groups", [])}.isdisjoint(lot.get("only_for", [p["id"]]))
            and ("owner" not in lot or lot["owner"] == p.get("owner"))
        )  # fmt: skip
        if last < 0:
            continue
        stays = 0 if "only_for" in lot or "owner" in lot else min(keep, lot["quantity"])
        keep -= stays
        merged[last, who] += lot["quantity"] - stays
    units = [key for key, pieces in sorted(merged.items(), key=str) for _n in range(pieces // pack)]
    curves = {p["id"]: lacks(problem, p, item["id"]) for p in problem["places"]
              if item["id"] in p.get("need", {})}  # fmt: skip
    used = {name: uses(problem, p, item["id"]) for p in problem["places"]
            if (name := p["id"]) in curves}  # fmt: skip
    place_of = {p["id"]: p for p in problem["places"]}
    has = dict.fromkeys(curves, 0)
    taken: dict[int, tuple[str, int]] = {}  # unit: place, day of the last use
    stuck = {name for name, lack in curves.items() if lack[-1] == 0}

    def level(name: str, packs: int) -> Fraction:
        amount, lack = packs * pack, curves[name]
        reached = max(n for n in range(days + 1) if lack[n] <= amount)
        if reached == days:
            return Fraction(days)
        return reached + Fraction(amount - lack[reached], lack[reached + 1] - lack[reached])

    def fits(unit: int, name: str, last: int) -> bool:
        end, who = units[unit]
        return name in who and last <= end

    def place_pack(name: str, last: int, seen: set[int]) -> bool:
        for unit in range(len(units)):
            if unit in seen or not fits(unit, name, last):
                continue
            seen.add(unit)
            if unit not in taken or place_pack(*taken[unit], seen):
                taken[unit] = (name, last)
                return True
        return False

    def weighted(name: str, packs: int) -> Fraction:
        return level(name, packs) / place_of[name].get("risk", 1)

    while len(stuck) < len(curves):
        name = min(
            (n for n in curves if n not in stuck),
            key=lambda n: (weighted(n, has[n]), -weighted(n, has[n] + 1), n),
        )
        last = min((has[name] + 1) * pack, curves[name][-1])
        used_by = next(n for n in range(days + 1) if used[name][n] >= last)
        day_of_use = place_of[name].get("lead_days", 0) + used_by - 1
        if place_pack(name, day_of_use, set()):
            has[name] += 1
            if has[name] * pack >= curves[name][-1]:
                stuck.add(name)
        else:
            stuck.add(name)
    return sorted(float(weighted(name, has[name])) for name in curves)
