from __future__ import annotations

from datetime import datetime

import pytest
from django.core.cache import cache

from fangkong.core import clock
from fangkong.places.models import Area
from fangkong.tasks.tests.conftest import (
    auditor,
    daofu,
    daofu_cdc,
    headquarters,
    kangding,
    kangding_cdc,
)
from fangkong.tasks.tests.factories import world

from .factories import DAOFU, counted_for_years, moment

__all__ = [
    "auditor",
    "daofu",
    "daofu_cdc",
    "headquarters",
    "kangding",
    "kangding_cdc",
]


@pytest.fixture
def areas(db: None) -> dict[str, Area]:
    """The prefecture, whose register has counted for so long that every method has its past."""
    cache.clear()
    found = world()
    counted_for_years(found["513301"])
    return found


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages believe that it is nine in the evening of 2020-02-05."""
    at = moment(max(DAOFU), hour=21)
    monkeypatch.setattr(clock, "now", lambda: at)
    return at
