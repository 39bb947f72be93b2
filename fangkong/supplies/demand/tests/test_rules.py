"""Burn rate over days with stock, norms, spread, forecasts and cover: examples and properties."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.demand import rules
from fangkong.supplies.demand.rules import Change, Held

AMOUNTS = {"conventional": Decimal(4), "contingency": Decimal(2), "crisis": Decimal(1)}


def test_days_without_stock_say_nothing_of_the_need():
    # 50 masks came on the third of seven days, 10 a day were used, on the eighth there were none.
    changes = [Change(), Change(), Change(came=50, went=10, used=10)]
    changes += [Change(went=10, used=10)] * 4 + [Change()] * 3

    found = rules.burn(0, changes)

    assert (found.a_day, found.used, found.days, found.window) == (10, 50, 5, 10)


def test_where_nothing_ever_was_the_use_is_unknown_and_not_nothing():
    assert rules.burn(0, [Change()] * 5).a_day is None
    assert rules.burn(7, [Change()] * 5).a_day == 0


def test_goods_that_went_to_another_place_were_not_used():
    assert rules.burn(60, [Change(), Change(went=40), Change(went=20, used=20)]).a_day == 20 / 3


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=30),
    st.integers(0, 20),
)
def test_the_adjusted_rate_never_lies_below_the_plain_one_and_meets_it_without_stock_out(
    days, spare
):
    held, changes = 0, []
    for came, asked in days:
        used = min(held + came, asked)
        changes.append(Change(came=came, went=used, used=used))
        held += came - used
    found = rules.burn(held, changes)

    if found.a_day is None:
        assert found.used == 0
    else:
        assert found.a_day >= found.used / len(days)
    with_spare = rules.burn(held + spare + 1, changes)
    assert with_spare.days == len(days)
    assert with_spare.a_day == found.used / len(days)


def test_an_inpatient_uses_what_its_staff_uses():
    roles = [
        rules.Cared("nurse"),
        rules.Cared("patient", [("nurse", Decimal(16))]),
    ]
    norms = [
        rules.Norm("mask", "nurse", AMOUNTS),
        rules.Norm("mask", "patient", {key: Decimal("0.5") for key in AMOUNTS}),
        rules.Norm("gown", "nurse", {**AMOUNTS, "crisis": Decimal(0)}),
    ]

    assert rules.rates(roles, norms, "patient", "conventional") == {
        "mask": Fraction(17, 2),
        "gown": 8,
    }
    assert rules.rates(roles, norms, "patient", "crisis") == {"mask": Fraction(5, 2)}
    assert rules.rates(roles, norms, "nurse", "contingency") == {"mask": 2, "gown": 2}


@given(st.integers(0, 10**9), st.integers(1, 92))
def test_a_quantity_is_spread_evenly_and_nothing_is_lost(quantity, days):
    found = rules.spread(quantity, days)

    assert sum(found) == quantity
    assert max(found) - min(found) <= 1


def test_the_need_of_a_day_is_the_largest_of_pace_report_and_forecast():
    assert rules.projected(5, [0, 8, 8], [6], 4) == [6, 8, 8, 5]
    assert rules.projected(None, [], [], 2) == [0, 0]
    assert rules.basis(5, [0, 20], [1, 1]) == "reported"


@pytest.mark.parametrize(
    ("heads", "code"),
    [
        ({}, "empty"),
        ({0.5: []}, "empty"),
        ({1.0: [1]}, "level"),
        ({0.5: [1], 0.9: [1, 2]}, "lengths"),
        ({0.5: [-1]}, "negative"),
        ({0.5: [float("nan")]}, "negative"),
        ({0.5: [3], 0.9: [2]}, "crossing"),
        ({0.5: [1] * 93}, "long"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused(heads, code):
    with pytest.raises(rules.BadForecast) as refused:
        rules.foreseen(heads, Fraction(1))
    assert refused.value.code == code


def test_the_quantiles_of_the_need_are_those_of_the_heads():
    found = rules.foreseen({0.95: [10, 20], 0.5: [4, 6]}, Fraction(5, 2))
    assert found == {0.5: [10, 15], 0.95: [25, 50]}


def test_what_arrives_after_the_goods_ran_out_does_not_mend_the_gap():
    lots = [Held(25)]
    assert rules.cover(lots, [], [10] * 7) == 2.5
    assert rules.cover(lots, [(2, 30)], [10] * 7) == 5.5
    assert rules.cover(lots, [(3, 900)], [10] * 7) == 2.5
    assert rules.cover(lots, [(-4, 900)], [10] * 7) == 7
    assert rules.cover([], [], [0, 0]) is None


def test_what_expires_is_used_first_and_the_rest_of_it_is_lost():
    found = rules.outlook([Held(100), Held(30, until=1)], [], [10] * 4)
    assert (found.evenings, found.spoiled, found.cover) == ([120, 110, 90, 80], 10, 4)


LOTS = st.lists(st.builds(Held, st.integers(0, 60), st.none() | st.integers(0, 12)), max_size=5)
COMING = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), max_size=3)
NEED = st.lists(st.integers(0, 20), min_size=1, max_size=12)


def plain_twin(lots, coming, need):
    """Piece by piece: each day takes the pieces that expire first."""
    pieces = sorted(
        [one.until if one.until is not None else 99 for one in lots for _ in range(one.quantity)]
    )
    for day, wanted in enumerate(need):
        pieces += [99] * sum(quantity for on, quantity in coming if on == day)
        pieces = sorted(one for one in pieces if one >= day)
        if len(pieces) < wanted:
            return day + len(pieces) / wanted
        pieces = pieces[wanted:]
    return float(len(need)) if any(need) else None


@given(LOTS, COMING, NEED)
def test_cover_agrees_with_its_plain_twin(lots, coming, need):
    found, twin = rules.cover(lots, coming, need), plain_twin(lots, coming, need)
    assert (found is None) == (twin is None)
    assert found is None or found == pytest.approx(twin)


@given(LOTS, COMING, NEED, st.integers(1, 50), st.none() | st.integers(0, 12), st.integers(0, 60))
def test_more_goods_never_shorten_the_cover_and_a_split_lot_changes_nothing(
    lots, coming, need, more, until, part
):
    found = rules.cover(lots, coming, need)
    if found is None:
        return
    assert rules.cover([*lots, Held(more, until)], coming, need) >= found - 1e-9
    assert rules.cover(lots, [*coming, (0, more)], need) >= found - 1e-9
    split = [
        Held(n, one.until)
        for one in lots
        for n in (min(part, one.quantity), one.quantity - min(part, one.quantity))
    ]
    assert rules.cover(split, coming, need) == pytest.approx(found)


@given(LOTS, COMING, NEED)
def test_nothing_appears_and_nothing_is_lost_on_the_way(lots, coming, need):
    found = rules.outlook(lots, coming, need)
    came = sum(quantity for day, quantity in coming if day < len(need))
    used = sum(need) - sum(found.lacking)
    there = sum(one.quantity for one in lots) + came

    assert found.evenings[-1] + used + found.spoiled == pytest.approx(there)
    assert all(value >= 0 for value in [*found.evenings, *found.lacking])


def test_the_reserve_counts_on_beyond_what_was_looked_at():
    assert rules.to_reserve(40, [10] * 5, 10) == 60
    assert rules.to_reserve(40, [10.5] * 4, 4) == 2
    assert rules.to_reserve(400, [10] * 5, 10) == 0
    assert [rules.tone(days, 10) for days in (None, 0, 2.9, 3, 9.9, 10)] == [
        "", "bad", "bad", "warn", "warn", "good",
    ]  # fmt: skip


@given(
    held=st.integers(0, 60),
    days=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(-5, 30)),
        min_size=1,
        max_size=30,
    ),
)
def test_the_quick_pace_of_days_that_mostly_did_nothing_is_the_plain_one(held, days):
    changes = [rules.Change(*day) for day in days]
    some = {n: day for n, day in enumerate(days) if any(day)}
    assert rules.burnt(held, some, len(days)) == rules.burn(held, changes)


@given(
    lots=st.lists(
        st.builds(rules.Held, st.integers(0, 500), st.none() | st.integers(0, 40)), max_size=4
    ),
    a_day=st.floats(0, 50, allow_subnormal=False),
    days=st.integers(1, 40),
)
def test_cover_by_one_division_is_that_of_day_by_day(lots, a_day, days):
    quick = rules.steady(lots, a_day, days)
    plain = rules.outlook(lots, [], [a_day] * days).cover
    if a_day <= 1e-6:  # less than a millionth of a piece is no need by day
        return
    assert quick == pytest.approx(plain, abs=1e-6)
    assert rules.cover(lots, [], [a_day] * days) == pytest.approx(plain, abs=1e-6)
