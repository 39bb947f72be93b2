"""Lots for a line that was changed by hand: the hard limits hold."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.allocation.picks import Line, LotThere, NotThere, assign

TODAY = date(2020, 2, 5)
DAY = timedelta(days=1)


def test_a_line_takes_its_own_earmark_first_and_then_what_expires_first():
    lots = [
        LotThere("late", 50, TODAY + 90 * DAY),
        LotThere("soon", 20, TODAY + 5 * DAY),
        LotThere("mine", 10, only_for=frozenset({"A"})),
        LotThere("other", 99, only_for=frozenset({"B"})),
        LotThere("spoils", 99, TODAY),
    ]
    found = assign(lots, 0, [Line("a", "A", 40, TODAY + DAY)], "a")
    assert found == {"a": [("mine", 10), ("soon", 20), ("late", 10)]}


def test_what_others_have_and_the_reserve_are_left_alone():
    lots = [LotThere("x", 100)]
    lines = [Line("a", "A", 41, TODAY, [("x", 10)]), Line("b", "B", 30, TODAY, [("x", 30)])]
    with pytest.raises(NotThere) as refused:
        assign(lots, 30, lines, "a")
    assert refused.value.most == 40


PLACES = st.sampled_from("ABC")
LOTS = st.lists(
    st.builds(
        LotThere,
        st.uuids().map(str),
        st.integers(0, 40),
        st.none() | st.integers(0, 9).map(lambda n: TODAY + n * DAY),
        st.none() | st.frozensets(PLACES, min_size=1),
    ),
    max_size=6,
)


@given(LOTS, st.integers(0, 30), st.lists(st.tuples(PLACES, st.integers(0, 60)), max_size=6))
def test_no_lot_is_overdrawn_no_earmark_broken_and_the_reserve_stays(lots, keep_back, changes):
    lines = {name: Line(name, name, 0, TODAY + 2 * DAY) for name in "ABC"}
    beyond: list[bool] = []
    for name, quantity in changes:
        wanted = {**lines, name: Line(name, name, quantity, TODAY + 2 * DAY, lines[name].had)}
        try:
            found = assign(lots, keep_back, list(wanted.values()), name)
        except NotThere as refused:
            beyond.append(0 <= refused.most < quantity)
            continue
        lines = {
            key: Line(key, key, one.quantity, one.arrives, found[key])
            for key, one in wanted.items()
        }
    assert all(beyond)
    known = {one.id: one for one in lots}
    taken: dict[str, int] = {}
    for line in lines.values():
        assert sum(n for _lot, n in line.had) == line.quantity
        for lot, n in line.had:
            taken[lot] = taken.get(lot, 0) + n
            assert known[lot].may_go_to(line.place, line.arrives)
    assert all(n <= known[lot].quantity for lot, n in taken.items())
    free = [one for one in lots if one.only_for is None]
    used = sum(taken.get(one.id, 0) for one in free)
    assert used == 0 or sum(one.quantity for one in free) - used >= keep_back
