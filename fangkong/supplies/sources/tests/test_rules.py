"""Standards on labels, what an offer relieves, what became of gifts, money."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.sources import rules
from fangkong.supplies.sources.rules import Flow

TODAY = date(2020, 2, 5)


@pytest.mark.parametrize(
    ("label", "wanted", "said"),
    [
        ("GB 19083-2010", "GB 19083-2010", "fits"),
        ("gb19083-2010", "GB 19083-2010", "fits"),
        ("GB 19082-2003", "GB 19082-2009", "edition"),
        ("GB 2626-2006", "GB 19083-2010", "other"),
        ("", "GB 19083-2010", "unnamed"),
        ("EN 149", "", "free"),
    ],
)
def test_a_label_stands_so_to_the_standard_that_is_asked_for(label, wanted, said):
    assert rules.conformity(label, wanted) == said


def test_an_offer_that_comes_after_the_stock_ran_out_leaves_days_without():
    late = rules.relief(
        here=50, a_day=10, quantity=100, arrives_on=TODAY + timedelta(days=8), today=TODAY
    )
    assert (late.runs_out, late.days, late.gap) == (TODAY + timedelta(days=4), 10, 3)
    # The fifth day after today is the first that 50 pieces at 10 a day do not cover.
    just = rules.relief(
        here=50, a_day=10, quantity=100, arrives_on=TODAY + timedelta(days=5), today=TODAY
    )
    assert just.gap == 0


def test_where_nothing_is_used_nothing_runs_out():
    assert rules.relief(here=0, a_day=0, quantity=5, arrives_on=None, today=TODAY) == rules.Relief(
        None, None, 0
    )


ENDS = st.one_of(st.integers(1, 3), st.sampled_from(["source", "used", "lost"]))
FLOWS = st.lists(
    st.builds(
        Flow,
        gift=st.integers(1, 2),
        item=st.integers(1, 2),
        source=ENDS,
        target=ENDS,
        quantity=st.integers(1, 1000),
    ),
    max_size=30,
)


@given(FLOWS)
def test_what_came_is_what_is_left_used_and_lost(flows):
    flows = [one for one in flows if not (isinstance(one.source, str) and one.source == one.target)]
    for fate in rules.fates(flows).values():
        assert fate.came - fate.used - fate.lost == fate.held


@given(FLOWS)
def test_what_is_given_on_is_given_by_somebody(flows):
    for fate in rules.fates(flows).values():
        assert sum(fate.given.values()) == 0


@given(FLOWS)
def test_taking_everything_back_leaves_nothing(flows):
    back = [Flow(f.gift, f.item, f.target, f.source, f.quantity) for f in flows]
    for fate in rules.fates([*flows, *back]).values():
        assert not fate.moved
        assert not fate.left


@given(FLOWS, FLOWS)
def test_what_is_told_report_by_report_is_what_happened(first, second):
    whole, told = rules.fates([*first, *second]), rules.fates(first)
    for key, fate in whole.items():
        before = told.get(key, rules.Fate())
        later = fate.since(before)
        assert later.came + before.came == fate.came
        assert later.used + before.used == fate.used
        for place in {*later.given, *before.given, *fate.given}:
            sums = later.given.get(place, 0) + before.given.get(place, 0)
            assert sums == fate.given.get(place, 0)
        assert later.left == fate.left


def test_the_public_must_be_told_when_the_days_are_over():
    assert not rules.overdue(first_untold=TODAY - timedelta(days=4), today=TODAY, within=5)
    assert rules.overdue(first_untold=TODAY - timedelta(days=5), today=TODAY, within=5)


@pytest.mark.parametrize(
    ("text", "fen"),
    [("600000", 60_000_000), ("1,365,921.5", 136_592_150), ("0.05", 5), (" 12.50 ", 1250)],
)
def test_money_is_read_in_whole_fen(text, fen):
    assert rules.fen(text) == fen


@pytest.mark.parametrize("text", ["", "-1", "1.005", "1,00", "十万", "1e5", "٣"])
def test_what_is_no_money_is_refused(text):
    with pytest.raises(rules.NotMoney):
        rules.fen(text)


@given(st.integers(0, 10**12))
def test_money_that_is_written_is_read_again(fen):
    assert rules.fen(rules.yuan(fen)) == fen


@given(st.lists(st.integers(0, len(rules.LETTERS) - 1), min_size=10, max_size=10))
def test_a_code_is_read_however_it_is_typed(numbers):
    code = rules.code_of(numbers)
    assert rules.read_code(rules.shown_code(code).lower().replace("-", " ")) == code
