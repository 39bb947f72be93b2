"""kill -9 of those who move goods: no move lost or doubled, nothing ever below zero."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from tests.prove.installation import ROOT, Installation, copied
from tests.prove.moves import BUGS
from tests.prove.power_moves import APART, Ledger, cuts
from tests.prove.proof import SEED

WRONG = ("lost", "doubled", "below_zero", "apart", "half", "without_line")
CUT_WRONG = ("lost", "corrupt", "below_zero", "apart")
FINDS = {
    "acknowledged too early": "lost",
    "a new key for every try": "doubled",
    "balances apart": "apart",
    "more than there is": "below_zero",
}
CUTS = int(os.environ.get("PROVE_CUTS", "10000"))
MOVES = int(os.environ.get("PROVE_MOVES", "1000000"))
KILLS = int(os.environ.get("PROVE_KILLS", "1000"))


@pytest.mark.both_databases
def test_goods_moved_by_processes_that_are_killed_stay_what_they_are(proof, new):
    """A tenth of the full length; on PostgreSQL, which shares the machine, a fiftieth."""
    share = 50 if os.environ.get("DATABASE_URL") else 10
    bugs = ("a new key for every try", "balances apart")
    held(proof, new, moves=MOVES // share, kills=KILLS // share, bugs=bugs)


@pytest.mark.long
@pytest.mark.both_databases
def test_many_moves_by_processes_that_are_killed_lose_and_double_none(proof, new):
    full = proof.full
    held(proof, new, moves=MOVES if full else MOVES // 10, kills=KILLS if full else KILLS // 10)


def test_a_thousand_power_cuts_leave_the_ledger_whole(proof, on_sqlite, place):
    cut(proof, on_sqlite, place, CUTS // 10)


@pytest.mark.long
def test_many_power_cuts_leave_the_ledger_whole(proof, on_sqlite, place):
    cut(proof, on_sqlite, place, CUTS if proof.full else 2000)


def cut(proof, on_sqlite, place, n: int) -> None:
    told = place / "moves.pickle"
    moved(copied(on_sqlite, place / f"recorded-{n}", None), moves=3000, kills=0, record=str(told))
    ledger = Ledger(pickle.loads(told.read_bytes()))  # written above
    for planted, sign in (("NORMAL", "lost"), ("OFF", "lost")):
        dice = proof.dice(f"moves {planted}")
        bug = cuts(ledger, min(n, 200), synchronous=planted, dice=dice)
        proof.note(f"stock power cuts, planted synchronous={planted}", **bug)
        assert bug[sign] + bug["corrupt"] > 0, f"synchronous={planted} lost nothing: blind"
    dice = proof.dice("moves apart")
    bug = cuts(ledger, min(n, 200), synchronous="FULL", dice=dice, bug=APART)
    proof.note(f"stock power cuts, planted: {APART}", **bug)
    assert bug["apart"] > 0, "balances apart from their moves were not found"
    found = cuts(ledger, n, synchronous="FULL", dice=proof.dice("moves FULL"))
    proof.note("stock power cuts, WAL and synchronous=FULL", **found)
    assert {name: found[name] for name in CUT_WRONG} == dict.fromkeys(CUT_WRONG, 0)
    assert found["acknowledged"] > n


def held(proof, new, *, moves: int, kills: int, bugs: Sequence[str] = tuple(FINDS)) -> None:
    assert set(FINDS) == set(BUGS)
    for bug in bugs:
        sign = FINDS[bug]
        planted = moved(new(), moves=150, kills=15, bugs=[bug])
        proof.note(f"stock moves, planted: {bug}", **planted)
        assert planted[sign] > 0, f"{bug} was not found"
    found = moved(new(), moves=moves, kills=kills)
    proof.note("stock moves, workers killed", **found)
    assert {name: found[name] for name in WRONG} == dict.fromkeys(WRONG, 0)
    assert found["moves"] >= moves and found["kills"] >= kills
    assert found["again"] > 0, "no command was repeated: the key was not put to the test"
    assert found["refused"] > 0, "nothing was ever short: zero was not near"


def moved(here: Installation, **plan: Any) -> dict[str, int]:
    """What the program counted."""
    environment = {"DJANGO_SETTINGS_MODULE": "fangkong.config.settings", **here.environment}
    done = subprocess.run(
        [sys.executable, "-m", "tests.prove.moves", json.dumps({"seed": str(SEED), **plan})],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=4 * 3600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    if plan.get("record"):
        return {}
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return {**dict.fromkeys(("again", "refused", "kills"), 0), **found}
