"""What a day did: by examples, and by a plain twin over random goods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.daily.rules import Sums, digest, nil, state, sums
from fangkong.supplies.stock.rules import ELSEWHERE, HERE, Flow

NOW = datetime(2020, 2, 9, 12, tzinfo=UTC)
OUTSIDE = ["source", "used", "lost", "found", ELSEWHERE]


def test_the_morning_is_the_evening_less_what_came_and_more_what_left():
    flows = [
        Flow(1, "source", HERE, later=False, quantity=100),
        Flow(1, HERE, "used", later=False, quantity=30),
        Flow(1, HERE, ELSEWHERE, later=False, quantity=20),
        Flow(1, ELSEWHERE, HERE, later=False, quantity=5),
        Flow(1, HERE, "lost", later=False, quantity=1),
        Flow(1, "found", HERE, later=False, quantity=2),
        Flow(1, HERE, "used", later=True, quantity=40),
    ]
    (line,) = sums([(1, 26)], flows)
    assert line == Sums(
        item=1, opening=10, received=100, arrived=5, used=30, sent=20, lost=1, found=2
    )
    assert line.closing == 66


def test_what_was_taken_back_counts_below_zero():
    flows = [
        Flow(1, "used", HERE, later=False, quantity=7),
        Flow(1, HERE, "source", later=False, quantity=9),
    ]
    (line,) = sums([(1, 8)], flows)
    assert (line.used, line.received, line.opening, line.closing) == (-7, -9, 10, 8)


def test_a_day_on_which_nothing_moved_is_nil_whatever_happened_later():
    flows = [Flow(1, "source", HERE, later=True, quantity=50)]
    assert sums([(1, 50)], flows) == []
    lines = sums([(1, 50), (2, 3)], flows)
    assert nil(lines)
    assert lines == [Sums(item=2, opening=3)]
    flows.append(Flow(2, HERE, "used", later=False, quantity=1))
    assert not nil(sums([(1, 50), (2, 3)], flows))


@given(
    st.lists(
        st.tuples(
            st.integers(1, 3), st.sampled_from(OUTSIDE), st.booleans(), st.integers(0, 2),
            st.integers(1, 50),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_whatever_moves_the_figures_are_those_of_a_book_that_is_read_forwards(moves):
    """Moves in any order: on the day before, on the day or after it, in or out of the county."""
    books = [{1: 0, 2: 0, 3: 0} for _day in range(3)]
    flows = []
    for item, other, came, when, n in moves:
        for book in books[when:]:
            book[item] += n if came else -n
        if when:
            ends = (other, HERE) if came else (HERE, other)
            flows.append(Flow(item, *ends, later=when == 2, quantity=n))
    found = {one.item: one for one in sums(books[2].items(), flows)}
    for item in (1, 2, 3):
        line = found.get(item, Sums(item=item))
        assert (line.opening, line.closing) == (books[0][item], books[1][item])
    assert len({digest(list(found.values())), digest(list(found.values())[::-1])}) == 1


def test_how_a_day_stands():
    def stands(**said):
        usual = {"ended": True, "filed": False, "nil": False, "late": False, "due_at": NOW}
        return state(**{**usual, "now": NOW, **said})

    later = NOW + timedelta(seconds=1)
    assert stands(ended=False) == "running"
    assert stands() == "waits"
    assert stands(now=later) == "missing"
    assert stands(now=later, due_at=None) == "waits"
    assert stands(filed=True) == "filed"
    assert stands(filed=True, nil=True) == "nil"
    assert stands(filed=True, nil=True, late=True) == "late"
