"""The stock ledger, moved by processes that are killed, and what its history says afterwards.

Run as a program in the environment of an installation, for a kill should cost milliseconds and not
the start of Django: ``python -m tests.prove.moves '{"moves": 3000, "kills": 20}'``; prints counts.
A worker gets one command at a time and answers when it is committed. Whoever is killed is followed
by another one that gets the same command with the same key.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item, Place

WORKERS = 4
LOTS, ITEMS = 3, 4
LATE = 0.02  # seconds after a command was given within which its worker is killed, at least
PATIENCE = 500  # times that a command may find the database busy, one after the other
LOSES = 0.1  # the share of answers that get lost on their way: the same command comes again


@dataclass
class Plan:
    """How much is done, with which of ``BUGS``."""

    moves: int
    kills: int
    seed: str = "2020"
    record: str = ""  # the file for ``recorded``, which then is done instead
    bugs: list[str] = field(default_factory=list)


# --- What is asked --------------------------------------------------------------------------------


def commands(dice: random.Random) -> dict[str, Any]:
    """One command: little more comes in than leaves, so that zero is always near.

    Deliveries have many small lines, what leaves few large ones.
    """
    kind = dice.choices(["receive", "issue", "move", "lose", "reverse"], [30, 30, 20, 8, 12])[0]
    places = dice.sample(range(3), 2)
    most, each = (40, 7) if kind == "receive" else (6, 40)
    lines = [
        [dice.randrange(ITEMS), dice.randrange(LOTS), dice.randrange(1, each)]
        for _line in range(dice.randrange(1, most))
    ]
    return {"kind": kind, "places": places, "lines": lines, "back": dice.randrange(1, 6)}


def carry_out(key: str, note: str, asked: dict[str, Any], early: Callable[[], None]) -> str:
    """Do a command once; "done", "again" (an earlier try had done it) or "refused"."""
    from django.db import transaction

    from fangkong.core import clock
    from fangkong.core.commands.actions import answered_on
    from fangkong.core.refusals import Refused
    from fangkong.supplies.stock import actions, queries
    from fangkong.supplies.stock.models import Entry, Lot
    from fangkong.supplies.stock.types import Arriving, Leaving, LossReason, LotFacts, Papers

    held, items = _scene()
    one, other = (held[n] for n in asked["places"])
    papers, said = Papers(note=note), {"by": None, "at": clock.now()}

    def lot(item: int, number: int) -> Lot | None:
        return queries.lot_like(items[item], LotFacts(number=f"L{number}"))

    call: Callable[..., Entry]
    given: dict[str, Any]
    try:
        with transaction.atomic():
            if asked["kind"] == "receive":
                coming = [
                    Arriving(item=items[i], quantity=q, lot=LotFacts(number=f"L{n}"))
                    for i, n, q in asked["lines"]
                ]
                call, given = actions.receive, {"place": one, "lines": coming, "papers": papers}
            elif asked["kind"] in ("issue", "move"):
                going = [
                    Leaving(item=items[i], quantity=q, lot=lot(i, n)) for i, n, q in asked["lines"]
                ]
                to = other if asked["kind"] == "move" else None
                call = actions.issue
                given = {"source": one, "target": to, "lines": going, "papers": papers}
            elif asked["kind"] == "lose":
                i, n, q = asked["lines"][0]
                if (gone := lot(i, n)) is None:
                    return "refused"
                call = actions.lose
                given = {"place": one, "lot": gone, "quantity": q, "papers": papers,
                         "reason": LossReason.BROKEN}  # fmt: skip
            else:
                last = Entry.objects.order_by("-pk")[: asked["back"]]
                if not (rows := list(last)):
                    return "refused"
                call, given = actions.reverse, {"entry": rows[-1], "reason": note}
            _entry, again = answered_on(None, key, call, **given, **said)
            early()
    except Refused:
        return "refused"
    return "again" if again else "done"


@cache
def _scene() -> tuple[list[Place], list[Item]]:
    """Where goods lie, and which: read once by each process, for neither changes."""
    from fangkong.supplies.stock.models import Item, Place

    held = Place.objects.filter(kind__in=["store", "ward"]).order_by("pk")
    return list(held), list(Item.objects.filter(code__startswith="prove-").order_by("pk"))


# --- Who does it ----------------------------------------------------------------------------------


class Worker:
    """A process that carries out commands; a fork, so that another one is there at once."""

    def __init__(self, bugs: list[str]) -> None:
        asked, self.asking = os.pipe()
        self.answers, answer = os.pipe()
        _ASKING.add(self.asking)
        self.pid = os.fork()
        if self.pid == 0:
            for end in _ASKING:  # or nobody would see it where the driver is dead
                os.close(end)
            try:
                work(asked, answer, bugs)
            except BaseException:  # told, and never goes on as a second driver
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(asked)
        os.close(answer)
        self.held: tuple[str, str, dict[str, Any]] | None = None
        self.dies_at = self.given_at = 0.0
        self.busy = 0  # times in a row

    def give(self, key: str, note: str, asked: dict[str, Any]) -> None:
        self.held, self.given_at = (key, note, asked), time.monotonic()
        os.write(self.asking, json.dumps([key, note, asked]).encode() + b"\n")

    def answer(self) -> str:
        """What came of it; "" where the process is dead."""
        return os.read(self.answers, 64).decode().strip()

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        _ASKING.remove(self.asking)
        os.close(self.asking)
        os.close(self.answers)


_ASKING: set[int] = set()  # the driver's ends of the pipes to those who live


def work(asked: int, answer: int, bugs: list[str]) -> None:
    from django.db import DatabaseError

    told = False

    def early() -> None:
        nonlocal told
        if "acknowledged too early" in bugs:
            os.write(answer, b"done\n")
            told = True
            time.sleep(5 * LATE)

    for line in os.fdopen(asked, "r"):
        key, note, what = json.loads(line)
        told = False
        try:
            said = carry_out(key, note, what, early)
        except DatabaseError:  # busy: the same again
            said = "busy"
        if not told:
            os.write(answer, said.encode() + b"\n")


def driven(plan: Plan) -> dict[str, Any]:
    """Let workers carry out commands, and kill them; what was acknowledged, by its note."""
    dice, told = random.Random(plan.seed), Counter[str]()
    acknowledged: set[str] = set()
    workers = [Worker(plan.bugs) for _n in range(WORKERS)]
    chance = plan.kills / max(1, plan.moves / 6)
    number = moved = 0
    lasts = LATE

    def again(key: str) -> str:
        return f"{key}-{dice.random()}" if "a new key for every try" in plan.bugs else key

    while moved < plan.moves or told["kills"] < plan.kills:
        for worker in workers:
            if worker.held is None:
                number += 1
                note = f"op {number}"
                worker.give(f"prove-{number}", note, commands(dice))
                if dice.random() < chance and told["kills"] < plan.kills:
                    worker.dies_at = time.monotonic() + dice.random() * lasts
        ends = {worker.answers: worker for worker in workers}
        for end in select.select(list(ends), [], [], 0.002)[0]:
            worker = ends[end]
            said = worker.answer()
            assert worker.held is not None
            key, note, asked = worker.held
            worker.busy = worker.busy + 1 if said == "busy" else 0
            assert worker.busy < PATIENCE, f"{note}: it is no lock that keeps it"
            if worker.busy:
                worker.give(key, note, asked)
                continue
            assert said in ("done", "again", "refused"), said
            lasts = max(LATE, 0.8 * lasts + 0.24 * (time.monotonic() - worker.given_at))
            if said == "done" and dice.random() < (0.5 if "a new key" in str(plan.bugs) else LOSES):
                told["answers_lost"] += 1
                worker.give(again(key), note, asked)
                continue
            if "acknowledged too early" in plan.bugs and dice.random() < 0.3:
                worker.dies_at = time.monotonic()  # just then the bug can be seen
            told[said] += 1
            worker.held = None
            if said != "refused":
                acknowledged.add(note)
                moved += len(asked["lines"]) if asked["kind"] != "lose" else 1
        for place, worker in enumerate(workers):
            if worker.dies_at and time.monotonic() >= worker.dies_at:
                held = worker.held
                worker.end()
                told["kills"] += 1
                workers[place] = Worker(plan.bugs)
                if held is not None:  # nobody knows what became of it: the same again
                    key, note, asked = held
                    workers[place].give(again(key), note, asked)
    for worker in workers:
        worker.end()
    return {**told, **judged(acknowledged)}


# --- What the database is told --------------------------------------------------------------------

WRITES = re.compile(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)


def recorded(plan: Plan) -> None:
    """Every statement that writes, command by command, and the tables before them (SQLite).

    For a disk that loses power: ``power_moves``. Without the trail's triggers, which need functions
    of the product; the lines of the trail are statements like all others.
    """
    from django.db import connection

    dice = random.Random(plan.seed)
    told: list[list[tuple[str, list[Any]]]] = []
    tables: set[str] = set()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if found := WRITES.match(sql):
            tables.add(found[1])
            plain = context["cursor"].cursor.convert_query(sql)
            told[-1].extend((plain, list(each)) for each in (params if many else [params or []]))
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = Path(connection.settings_dict["NAME"]).read_bytes()
    with connection.execute_wrapper(note):
        while sum(map(len, told)) < plan.moves:
            number = len(told)
            told.append([])
            asked = commands(dice)
            if (
                carry_out(f"prove-{number}-{dice.random()}", f"op {number}", asked, int)
                == "refused"
            ):
                told.pop()
    found = {"before": before, "tables": sorted(tables), "commands": told}
    Path(plan.record).write_bytes(pickle.dumps(found))


# --- What the database says -----------------------------------------------------------------------


def judged(acknowledged: set[str]) -> dict[str, int]:
    """The ledger read from its first line: lost, doubled, below zero at any moment, and whether it
    gives the balances."""
    from fangkong.core.audit.models import AuditLine
    from fangkong.core.walls.reach import everything
    from fangkong.supplies.stock.models import Balance, Entry, Move, Place

    with everything():
        notes = Counter(Entry.objects.filter(note__startswith="op ").values_list("note", flat=True))
        outside = Place.objects.filter(kind__in=["source", "used", "lost"])
        held = set(Place.objects.exclude(pk__in=outside).values_list("pk", flat=True))
        have: Counter[tuple[int, int]] = Counter()
        below = moves = 0
        lines = Move.objects.order_by("pk").values_list(
            "lot_id", "source_id", "target_id", "quantity"
        )
        for lot, source, target, quantity in lines.iterator(chunk_size=10_000):
            moves += 1
            if source in held:
                have[source, lot] -= quantity
                below += have[source, lot] < 0
            if target in held:
                have[target, lot] += quantity
        kept = {
            (place, lot): quantity
            for place, lot, quantity in Balance.objects.values_list(
                "place_id", "lot_id", "quantity"
            )
        }
        entries = set(Entry.objects.values_list("pk", flat=True))
        lined = set(
            AuditLine.objects.filter(subject_type="supplies.entry").values_list(
                "subject_id", flat=True
            )
        )
        full = set(Move.objects.values_list("entry_id", flat=True))
    return {
        "moves": moves,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged - set(notes)),
        "doubled": sum(n - 1 for n in notes.values()),
        "below_zero": below,
        "apart": sum(have[at] != kept.get(at, 0) for at in {*have, *kept}),
        "half": len(entries ^ full),
        "without_line": len(entries - lined),
    }


# --- The bugs that must be found ------------------------------------------------------------------


def balances_apart() -> None:
    """The balance is changed after the entry is committed, not with it."""
    from django.db import transaction

    from fangkong.core import messages
    from fangkong.supplies.stock import ledger

    plain = ledger._change

    def later(*asked: Any) -> messages.Statement:
        change = plain(*asked)

        def now() -> None:
            time.sleep(LATE / 2)
            with transaction.atomic():
                messages.send(change)

        transaction.on_commit(now)
        return messages.Statement("SELECT 1", [], "nothing")

    ledger._change = later  # type: ignore[assignment]  # the bug itself


def more_than_there_is() -> None:
    """Nobody looks whether there is enough: neither the ledger nor the table."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    from fangkong.core import messages
    from fangkong.supplies.stock import ledger

    table = ledger._BALANCE

    def unchecked(place: int, lot: int, lots: Any, change: int) -> messages.Statement:
        return messages.Statement(
            f"INSERT INTO {table} (place_id, lot_id, item_id, quantity) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (place_id, lot_id)"
            f" DO UPDATE SET quantity = {table}.quantity + excluded.quantity RETURNING quantity",
            [place, lot, lots[lot].item_id, change],
            "unchecked",
        )

    def unguarded(connection: Any, **_how: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA ignore_check_constraints = ON")

    if connection.vendor == "sqlite":
        connection_created.connect(unguarded, weak=False)
    else:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT balance_never_below_zero")
    ledger._change = unchecked


BUGS: dict[str, Callable[[], None] | None] = {
    "acknowledged too early": None,  # by the worker itself
    "a new key for every try": None,  # by the driver
    "balances apart": balances_apart,
    "more than there is": more_than_there_is,
}


def prepared() -> None:
    """A store, a ward and a team with the items that are moved."""
    from fangkong.core import clock
    from fangkong.places.models import Facility
    from fangkong.supplies.stock import actions
    from fangkong.supplies.stock.types import ItemFacts, PlaceKind

    at, here = clock.now(), Facility.objects.order_by("pk").first()
    assert here is not None
    actions.open_place(facility=here, by=None, at=at)
    for name in ("one", "two"):
        actions.open_place(facility=here, kind=PlaceKind.WARD, name=name, by=None, at=at)
    for n in range(ITEMS):
        facts = ItemFacts(code=f"prove-{n}", name_zh=f"物资{n}", kind="protection", unit="piece")
        actions.add_item(facts=facts, by=None, at=at)


def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    django.setup()
    from fangkong.config.production import leave_database
    from fangkong.core.walls.reach import everything

    with everything():
        prepared()
        for bug in plan.bugs:
            if (plant := BUGS[bug]) is not None:
                plant()
        if plan.record:
            recorded(plan)
            return
        leave_database()  # the workers are forks: none of them may share a connection or a pool
        print(json.dumps(driven(plan)))


if __name__ == "__main__":
    main()
