"""The figures of a day are what a plain replay of the ledger says, whatever was booked."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from fangkong.core import clock
from fangkong.core.refusals import Refused
from fangkong.places.tests.factories import facility
from fangkong.supplies.daily import rules
from fangkong.supplies.stock import actions, counting, releasing, shipping
from fangkong.supplies.stock import queries as stock
from fangkong.supplies.stock.models import Entry, Move
from fangkong.supplies.stock.types import (
    Arrived,
    Counted,
    EntryKind,
    Leaving,
    LossReason,
    Papers,
    Settled,
    Way,
)

from .factories import AT, DAY

pytestmark = pytest.mark.both_databases


def replayed(county, day):
    """The plain twin: every move of the ledger by its moment, summed from the first one on."""
    begins, ends = clock.start_of(day), clock.start_of(day + DAY)
    names = {"source": "received", "used": "used", "lost": "lost", "found": "found"}
    lines = {}
    for move in Move.objects.select_related("entry", "source", "target", "item"):
        moment = move.entry.moved_at
        for place, other, sign in ((move.target, move.source, 1), (move.source, move.target, -1)):
            if place.county_id != county.pk or other.county_id == county.pk or moment >= ends:
                continue
            line = lines.setdefault(move.item.code, Counter())
            line["closing"] += sign * move.quantity
            if moment < begins:
                line["opening"] += sign * move.quantity
            elif other.held:
                line["arrived" if sign > 0 else "sent"] += move.quantity
            else:
                name = names[other.kind]
                line[name] += move.quantity * (sign if name in ("received", "found") else -sign)
    return {
        code: {name: n for name, n in line.items() if n}
        for code, line in lines.items()
        if any(line.values())
    }


class Month:
    """Random work of some days in two counties and the prefecture's own store."""

    def __init__(self, world, seed):
        self.world, self.dice = world, random.Random(seed)  # no secret
        world.own = world.place(facility(world.home, "甘孜州疾控中心", kind="emergency_store"))
        self.places = [world.store, world.there, world.ward, world.own]
        self.now = AT - 12 * DAY
        for place in self.places:
            world.bring(400, place=place, number="A", at=self.now)

    def day(self):
        work = [self.bring, self.use, self.lose, self.send, self.come, self.undo, self.count]
        for _n in range(self.dice.randint(9, 14)):
            self.now += timedelta(minutes=self.dice.randint(1, 110))
            try:
                self.dice.choice([*work, self.call, self.settle, self.come])()
            except Refused:
                continue
        self.now = clock.start_of(clock.day_of(self.now) + DAY)

    def papers(self):
        late = self.dice.choice([0, 0, 1, 26, 49, 75])  # hours: most are told at once
        moment = self.now - timedelta(hours=late)
        if self.dice.random() < 0.2:  # the last and the first minute of a day
            edge = clock.start_of(clock.day_of(moment))
            moment = edge - timedelta(minutes=1) if self.dice.random() < 0.5 else edge
        return Papers(moved_at=moment, note="试")

    def bring(self):
        place, item = (
            self.dice.choice(self.places),
            self.dice.choice([self.world.mask, self.world.suit]),
        )
        said = {"place": place, "item": item, "papers": self.papers(), "at": self.now}
        self.world.bring(self.dice.randint(1, 90), number=self.dice.choice("AB"), **said)

    def use(self):
        place = self.dice.choice([*self.places, self.world.there])
        target = self.world.ward if place == self.world.there and self.dice.random() < 0.5 else None
        said = {"source": place, "target": target, "papers": self.papers(), "at": self.now}
        self.world.send(self.dice.randint(1, 40), **said)

    def lose(self):
        row = self.dice.choice(
            list(self.dice.choice(self.places).balances.filter(quantity__gt=0)) or [None]
        )
        if row is not None:
            said = {"reason": LossReason.BROKEN, "papers": self.papers(), "at": self.now}
            actions.lose(place=row.place, lot=row.lot, quantity=1, by=self.world.keeper, **said)

    def send(self):
        source, target = self.dice.sample([self.world.store, self.world.there, self.world.own], 2)
        line = Leaving(item=self.world.mask, quantity=self.dice.randint(1, 30))
        said = {"source": source, "target": target, "lines": [line], "way": Way()}
        made = shipping.prepare(**said, by=self.world.keeper, at=self.now)
        shipping.dispatch(shipment=made, by=self.world.keeper, at=self.now)

    def call(self):
        source, target = self.dice.sample(self.places, 2)
        said = {"source": source, "called_by": "指挥部", "to": "防疫组"}
        said |= {"target": self.dice.choice([target, None])}
        said |= {"item": self.world.mask, "quantity": self.dice.randint(1, 9)}
        releasing.release(**said, by=None, at=self.now)

    def shipment(self, state):
        found = list(stock._shipments().filter(state=state).order_by("pk"))
        return self.dice.choice(found) if found else None

    def come(self):
        if (one := self.shipment("sent")) is None:
            return
        if self.dice.random() < 0.2:
            shipping.bring_back(shipment=one, reason="退回", by=None, at=self.now)
            return
        told = []
        for line in stock.shipment_lines(one):
            good = max(0, line.sent + self.dice.choice([0, 0, -3, 2]))
            broken = self.dice.randint(0, max(0, min(2, line.sent - good)))
            told.append(Arrived(line=line, good=good, broken=broken))
        shipping.arrive(shipment=one, told=told, by=self.world.matron, at=self.now)

    def settle(self):
        if (one := self.shipment("disputed")) is None:
            return
        lines = [line for line in stock.shipment_lines(one) if line.outstanding]
        told = [Settled(line=line, back=1, lost=line.outstanding - 1) for line in lines]
        shipping.settle(shipment=one, told=told, reason="查明", by=None, at=self.now)

    def undo(self):
        rows = Entry.objects.exclude(kind__in=["reversal", "count"]).order_by("pk")
        entry = self.dice.choice(list(rows) or [None])
        if entry is not None:
            actions.reverse(entry=entry, reason="记错", by=None, at=self.now)

    def count(self):
        place = self.dice.choice(self.places)
        made = counting.open_count(place=place, items=[], by=self.world.keeper, at=self.now)
        told = []
        for one in stock.lines_of(made):
            there = max(0, (one.book or 0) + self.dice.choice([0, 2, -1]))
            told.append(Counted(line=one.line, quantity=there, reason="清点"))
        said = {"mark": stock.mark_of(place), "by": self.world.keeper, "at": self.now}
        counting.enter(count=made, told=told, **said)
        counting.submit(count=made, by=self.world.keeper, at=self.now)
        counting.approve(count=made, by=self.world.headquarters, at=self.now + timedelta(minutes=3))


@pytest.mark.parametrize("seed", [0, 2])
def test_the_figures_of_each_day_are_a_replay_of_the_ledger(world, seed):
    month = Month(world, seed)
    for _day in range(11):
        month.day()
    kinds = set(Entry.objects.values_list("kind", flat=True))
    assert kinds == set(EntryKind.values)
    for county in (world.kangding, world.daofu):
        for n in range(16):
            day = clock.day_of(AT - n * DAY)
            said = {}
            for code, line in world.figures(county, day).items():
                parts = {name: getattr(line, name) for name in (*rules.PARTS, "closing")}
                said[code] = {name: value for name, value in parts.items() if value}
            assert said == replayed(county, day), (county, day)
