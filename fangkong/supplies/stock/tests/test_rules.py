"""Units are exact or refused; the earliest expiry leaves first; nothing is shared out twice."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.stock import rules

TODAY = date(2020, 2, 5)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("quantity", "unit", "smallest", "packs", "found"),
    [
        ("4200.0", "只", "piece", {}, 4200),
        ("8600", "个", "piece", {}, 8600),  # 只 and 个 count the same things
        ("200", "套", "set", {}, 200),
        ("13", "件", "set", {}, 13),
        ("1,000", "双", "pair", {}, 1000),
        ("200000.0", "毫升", "ml", {}, 200_000),
        ("10.0", "桶(10升)", "ml", {}, 100_000),
        ("15", "桶（10 升）", "ml", {}, 150_000),
        ("3.8", "吨", "g", {}, 3_800_000),
        ("2.5", "L", "ml", {}, 2500),
        ("0.5", "箱", "piece", {"箱": 50}, 25),
        ("3", "", "piece", {}, 3),
        ("3", "盒（50 只）", "piece", {}, 150),
    ],
)
def test_quantities_as_people_write_them(quantity, unit, smallest, packs, found):
    assert rules.in_smallest(quantity, unit, smallest, packs) == found


@pytest.mark.parametrize(
    ("quantity", "unit", "smallest", "packs", "why"),
    [
        ("0.5", "只", "piece", {}, "fraction"),
        ("0.25", "箱", "piece", {"箱": 50}, "fraction"),
        ("3", "箱", "piece", {}, "unknown_unit"),  # nobody said how many are in a case
        ("3", "箱(20双)", "piece", {}, "unknown_unit"),
        ("1", "盒(1.5只)", "piece", {}, "fraction"),
        ("1", "盒(0只)", "piece", {}, "not_positive"),
        ("20", "吨", "ml", {}, "unknown_unit"),  # nor how heavy a millilitre is
        ("20", "双", "piece", {}, "unknown_unit"),
        ("20", "元", "piece", {}, "unknown_unit"),
        ("-3", "只", "piece", {}, "not_positive"),
        ("0", "只", "piece", {}, "not_positive"),
        ("", "只", "piece", {}, "no_number"),
        ("80多", "只", "piece", {}, "no_number"),
        ("1e9", "只", "piece", {}, "no_number"),
        ("=1+1", "只", "piece", {}, "no_number"),
        ("1,00", "只", "piece", {}, "no_number"),
        ("NaN", "只", "piece", {}, "no_number"),
        ("٣", "只", "piece", {}, "no_number"),
        ("9999999999999", "只", "piece", {}, "too_much"),
        ("9" * 400, "只", "piece", {}, "no_number"),
    ],
)
def test_what_is_no_whole_number_of_the_smallest_unit_is_refused(
    quantity, unit, smallest, packs, why
):
    with pytest.raises(rules.NotExact) as refused:
        rules.in_smallest(quantity, unit, smallest, packs)

    assert refused.value.code == why


@given(
    st.integers(1, 10**9),
    st.dictionaries(st.sampled_from(["箱", "盒", "托"]), st.integers(2, 5000), max_size=3),
)
def test_packs_add_up_to_the_quantity_again(quantity, packs):
    told = rules.in_packs(quantity, packs)

    assert sum(n * packs.get(name, 1) for n, name in told) == quantity
    assert all(n > 0 for n, _name in told)


holdings = st.lists(
    st.builds(
        rules.Holding,
        lot=st.integers(1, 10**6),
        quantity=st.integers(0, 100),
        expires_on=st.none() | st.integers(-5, 20).map(lambda n: TODAY + n * DAY),
        held_back=st.booleans(),
        earmarked=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.lot,
)


@given(holdings, st.integers(1, 400), st.randoms())
def test_picking_takes_what_is_good_by_earliest_expiry_in_whatever_order_it_is_told(
    held, quantity, dice
):
    by_lot = {one.lot: one for one in held}
    free = [one for one in held if one.good_on(TODAY) and not one.earmarked]

    picked = rules.pick(held, quantity, TODAY)
    shuffled = list(held)
    dice.shuffle(shuffled)

    assert rules.pick(shuffled, quantity, TODAY) == picked
    if sum(one.quantity for one in free) < quantity:
        assert picked is None
        return
    assert sum(part for _lot, part in picked) == quantity
    assert all(0 < part <= by_lot[lot].quantity for lot, part in picked)
    assert all(by_lot[lot] in free for lot, _part in picked)
    last = by_lot[picked[-1][0]].expires_on or date.max
    taken = dict(picked)
    for one in free:  # whatever expires before the last lot taken is taken whole
        if (one.expires_on or date.max) < last:
            assert taken.get(one.lot, 0) == one.quantity


def _wasted_day_by_day(held, a_day, today):
    """The plain twin: let day after day pass."""
    left = {one.lot: Fraction(one.quantity) for one in held if one.good_on(today)}
    rows = [one for one in rules.first_out(held) if one.lot in left]
    spoiled = {}
    for day in (today + n * DAY for n in range(30)):
        for one in rows:
            if one.expires_on is not None and one.expires_on < day and left[one.lot]:
                spoiled[one.lot] = left.pop(one.lot)
                left[one.lot] = Fraction(0)
        use = Fraction(a_day)
        for one in rows:
            part = min(use, left[one.lot])
            left[one.lot] -= part
            use -= part
    return spoiled


@given(holdings, st.integers(0, 30))
def test_what_will_spoil_is_what_spoils_when_the_days_pass(held, a_day):
    told = {one.lot: one.quantity for one in rules.wasting(held, a_day, TODAY)}

    assert told == _wasted_day_by_day(held, a_day, TODAY)


def test_a_lot_counts_on_its_last_good_day_and_no_longer():
    one = rules.Holding(1, 10, TODAY)

    assert rules.pick([one], 10, TODAY) == [(1, 10)]
    assert rules.pick([one], 10, TODAY + DAY) is None


def test_a_lot_cannot_expire_before_it_is_made_nor_be_made_tomorrow():
    def faults(made, expires):
        return list(rules.lot_faults(made, expires, TODAY))

    assert faults(TODAY, TODAY + DAY) == []
    assert faults(TODAY, TODAY) == [("expires_on", "expired_before_made")]
    assert faults(TODAY + DAY, None) == [("made_on", "made_later")]
    assert faults(date(1, 1, 1), date(9999, 12, 31)) == [
        ("made_on", "impossible_year"),
        ("expires_on", "impossible_year"),
    ]
    assert faults(None, TODAY - DAY) == []  # spoiled goods come in too


lines = st.lists(
    st.builds(
        rules.Line,
        lot=st.integers(1, 3),
        source=st.integers(1, 5),
        target=st.integers(1, 5),
        quantity=st.integers(1, 50),
    ),
    max_size=10,
)


@given(lines)
def test_what_leaves_one_held_place_arrives_at_another(moved):
    held = frozenset({1, 2, 3, 4, 5})

    assert sum(rules.changes(moved, held).values()) == 0
    assert list(rules.changes(moved, held)) == sorted(rules.changes(moved, held))
