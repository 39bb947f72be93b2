"""No hidden number of a public table can be reckoned out of what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.disclosure.rules import SMALLEST, Node, Shown, suppressed


def leaf(n: int) -> Node:
    return Node(n)


def whole(**parts: int) -> Node:
    return Node(sum(parts.values()), {name: leaf(n) for name, n in parts.items()})


def numbers(shown: Shown) -> dict[str, int | None]:
    return {name: part.n for name, part in shown.parts.items()}


def test_a_number_under_five_is_hidden_and_five_is_not():
    assert numbers(suppressed(whole(a=4, b=50, c=60, d=5))) == {
        "a": None,
        "b": 50,
        "c": 60,
        "d": None,
    }
    assert numbers(suppressed(whole(a=5, b=50))) == {"a": 5, "b": 50}


def test_one_hidden_number_alone_hides_a_second_one():
    """23 less 20 would give the 3 away."""
    assert numbers(suppressed(whole(a=3, b=20, c=40))) == {"a": None, "b": None, "c": 40}


def test_two_small_numbers_whose_sum_is_small_take_a_third_along():
    assert numbers(suppressed(whole(a=1, b=2, c=30, d=40))) == {
        "a": None,
        "b": None,
        "c": None,
        "d": 40,
    }


def test_a_nought_stands():
    assert numbers(suppressed(whole(a=0, b=7))) == {"a": 0, "b": 7}


def test_a_small_whole_is_hidden_with_all_its_parts():
    shown = suppressed(Node(3, {"a": leaf(3), "b": leaf(0)}))

    assert shown.n is None and set(numbers(shown).values()) == {None}


def test_a_hidden_county_hides_its_townships():
    """Their numbers would add up to the county's."""
    county = whole(x=1, y=2)
    shown = suppressed(Node(43, {"daofu": county, "kangding": leaf(40)}))

    assert shown.n == 43
    assert set(numbers(shown.parts["daofu"]).values()) == {None}


def test_parts_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="add up"):
        Node(5, {"a": leaf(2)})
    with pytest.raises(ValueError, match="negative"):
        leaf(-1)


# --- Whatever the table ---------------------------------------------------------------------------

counts = st.integers(0, 60)
trees = st.recursive(
    counts.map(leaf),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=4).map(
        lambda parts: Node(sum(part.n for part in parts.values()), parts)
    ),
    max_leaves=12,
)


def both(node: Node, shown: Shown) -> Iterator[tuple[Node, Shown]]:
    yield node, shown
    for name, part in node.parts.items():
        yield from both(part, shown.parts[name])


@given(trees)
def test_no_small_number_is_shown_at_any_level(table):
    for node, shown in both(table, suppressed(table)):
        assert shown.n is None or shown.n == node.n
        assert shown.n is None or not 0 < shown.n < SMALLEST


def reckoned(shown: Shown, known: int | None) -> dict[str, int]:
    """What whoever reads the table can say of parts that are hidden: known less the shown ones.

    Also from below: a hidden part whose own parts are all shown is their sum.
    """
    if not shown.parts:
        return {}
    values = {
        name: part.n
        if part.n is not None
        else (
            sum(inner.n for inner in part.parts.values())
            if part.parts and all(inner.n is not None for inner in part.parts.values())
            else None
        )
        for name, part in shown.parts.items()
    }
    found = {
        name: value
        for name, value in values.items()
        if value is not None and shown.parts[name].n is None
    }
    hidden = [name for name, value in values.items() if value is None]
    if known is not None and len(hidden) == 1:
        found[hidden[0]] = known - sum(value for value in values.values() if value is not None)
    return found


@given(trees)
def test_nothing_hidden_is_reckoned_out_by_differencing_between_levels(table):
    for _node, shown in both(table, suppressed(table)):
        leaks = {n for n in reckoned(shown, shown.n).values() if 0 < n < SMALLEST}
        if len(shown.parts) > 1:  # of a single part the whole is the part, and is shown itself
            assert leaks == set()


@given(st.lists(st.integers(0, 12), min_size=2, max_size=4))
def test_every_hidden_number_could_be_another_one(parts):
    """For each hidden part another table shows the same: all that fit are tried."""
    table = whole(**{f"p{i}": n for i, n in enumerate(parts)})
    shown = suppressed(table)
    hidden = [name for name, part in shown.parts.items() if part.n is None]
    if shown.n is None or not hidden:
        return
    rest = shown.n - sum(part.n for part in shown.parts.values() if part.n is not None)
    fits = [
        values for values in product(range(rest + 1), repeat=len(hidden)) if sum(values) == rest
    ]
    for place in range(len(hidden)):
        assert len({values[place] for values in fits}) > 1


@given(trees)
def test_the_same_table_gives_the_same_answer(table):
    assert suppressed(table) == suppressed(table)
