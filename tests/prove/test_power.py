"""The power goes while SQLite commits: with our settings nothing acknowledged is lost."""

from __future__ import annotations

import pytest
from django.conf import settings

from tests.prove.power import cuts


def held(proof, n):
    for planted in ("NORMAL", "OFF"):
        bug = cuts(min(n, 200), synchronous=planted, dice=proof.dice(planted))
        assert bug["lost"] + bug["corrupt"] > 0, f"synchronous={planted} lost nothing: blind"
        proof.note(f"power cuts, planted synchronous={planted}", **bug)
    found = cuts(n, synchronous="FULL", dice=proof.dice("FULL"))
    proof.note("power cuts, WAL and synchronous=FULL", **found)
    assert (found["lost"], found["corrupt"]) == (0, 0)
    assert found["acknowledged"] > n


def test_sixty_power_cuts_lose_nothing_that_was_acknowledged(proof):
    held(proof, 60)


@pytest.mark.long
def test_three_thousand_power_cuts_lose_nothing_that_was_acknowledged(proof):
    held(proof, 3000)


def test_the_product_asks_sqlite_for_what_is_proved_here():
    options = settings.DATABASES["default"]["OPTIONS"]
    if "init_command" not in options:
        pytest.skip("PostgreSQL")
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]
