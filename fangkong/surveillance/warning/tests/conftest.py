from __future__ import annotations

from datetime import datetime

import pytest

from fangkong.core import clock
from fangkong.tasks.tests.conftest import (
    areas,
    auditor,
    daofu,
    daofu_cdc,
    headquarters,
    kangding,
    kangding_cdc,
)

from .factories import DAOFU, moment

__all__ = [
    "areas",
    "auditor",
    "daofu",
    "daofu_cdc",
    "headquarters",
    "kangding",
    "kangding_cdc",
]


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages believe that it is nine in the evening of 2020-02-05."""
    at = moment(max(DAOFU), hour=21)
    monkeypatch.setattr(clock, "now", lambda: at)
    return at
