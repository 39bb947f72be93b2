"""The ledger against a plain model of it: whatever is done in whatever order, both say the same."""

from __future__ import annotations

from collections import Counter

import hypothesis
import pytest
from django.db import transaction
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fangkong.core.refusals import Refused
from fangkong.supplies.stock import actions, queries
from fangkong.supplies.stock.models import Balance, Lot
from fangkong.supplies.stock.types import LossReason, Papers

from .factories import AT, NEXT_YEAR, World

NUMBERS = st.sampled_from(["A", "B", "C"])
QUANTITIES = st.integers(1, 40)
PLACES = st.integers(0, 2)


class Ledger(RuleBasedStateMachine):
    """``held``: what each place should hold of each lot; ``done``: entries not taken back yet."""

    @initialize()
    def begin(self) -> None:
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.world = World()
        self.places = [self.world.store, self.world.there, self.world.ward]
        self.held: Counter[tuple[int, str]] = Counter()
        self.done: list[tuple[object, Counter[tuple[int, str]]]] = []
        self.back: set[str] = set()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    def _book(self, change: Counter[tuple[int, str]], act) -> None:
        """Both do it or neither: the model says which."""
        after = Counter(self.held)
        after.update(change)
        if min(after.values(), default=0) < 0:
            with pytest.raises(Refused):
                act()
            return
        self.held = after
        self.done.append((act(), change))

    @rule(number=NUMBERS, quantity=QUANTITIES, place=PLACES)
    def receive(self, number, quantity, place):
        change = Counter({(place, number): quantity})
        label = {"number": number, "expires_on": NEXT_YEAR}
        self._book(change, lambda: self.world.bring(quantity, place=self.places[place], **label))

    @rule(number=NUMBERS, quantity=QUANTITIES, place=PLACES)
    def use_of_a_lot(self, number, quantity, place):
        lot = Lot.objects.filter(number=number).first()
        if lot is None:
            return
        change = Counter({(place, number): -quantity})
        if number in self.back:
            with pytest.raises(actions.HeldBack):
                self.world.send(quantity, source=self.places[place], lot=lot)
            return
        self._book(change, lambda: self.world.send(quantity, source=self.places[place], lot=lot))

    @rule(quantity=QUANTITIES, source=PLACES, to=PLACES)
    def move_the_earliest(self, quantity, source, to):
        if source == to:
            return
        left, change = quantity, Counter()
        for lot in Lot.objects.order_by("pk"):  # all expire on one day: the older lot first
            part = min(left, self.held[source, lot.number])
            if part and lot.number not in self.back:
                change.update({(source, lot.number): -part, (to, lot.number): part})
                left -= part

        def act():
            return self.world.send(quantity, source=self.places[source], target=self.places[to])

        if left:
            with pytest.raises(actions.NotEnough):
                act()
            return
        self._book(change, act)

    @rule(number=NUMBERS, quantity=QUANTITIES, place=PLACES)
    def lose(self, number, quantity, place):
        lot = Lot.objects.filter(number=number).first()
        if lot is None:
            return
        said = {"place": self.places[place], "lot": lot, "quantity": quantity}
        said |= {"reason": LossReason.BROKEN, "papers": Papers(note="箱子进水")}
        change = Counter({(place, number): -quantity})
        self._book(change, lambda: actions.lose(**said, by=None, at=AT))

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 50))
    def take_back(self, which):
        entry, change = self.done[which % len(self.done)]
        undone = Counter({key: -n for key, n in change.items()})
        count = len(self.done)
        self._book(undone, lambda: actions.reverse(entry=entry, reason="录错", by=None, at=AT))
        if len(self.done) > count:  # neither of the two can be taken back any more
            self.done.pop()
            self.done.remove((entry, change))

    @rule(number=NUMBERS)
    def hold_or_let_go(self, number):
        lot = Lot.objects.filter(number=number).first()
        if lot is None:
            return
        said = {"lot": lot, "reason": "存疑", "by": None, "at": AT}
        if number in self.back:
            actions.let_go(**said)
            self.back.remove(number)
        else:
            actions.hold(**said)
            self.back.add(number)

    @invariant()
    def both_say_the_same(self):
        found = {
            (self.places.index(row.place), row.lot.number): row.quantity
            for row in Balance.objects.filter(quantity__gt=0).select_related("place", "lot")
        }
        assert found == {key: n for key, n in self.held.items() if n}
        assert queries.differences() == []


@pytest.mark.usefixtures("db")
def test_the_ledger_does_what_a_plain_model_of_it_does(settings):
    settings.FANGKONG_AREA = "513300"
    chosen = hypothesis.settings(
        max_examples=12,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(Ledger, settings=chosen)
