"""The counts of the harnesses: kept in ``var/proof.json`` when ``make prove`` asks for them."""

from __future__ import annotations

import pytest

from tests.prove.proof import Proof


@pytest.fixture(scope="session")
def proof():
    found = Proof()
    yield found
    if found.full:
        found.write()
