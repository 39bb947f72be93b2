from __future__ import annotations

import pytest
from django.core.cache import cache

from fangkong.core import clock

from .factories import AT, World


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """It is 2020-02-05, ten in the morning."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def world(db, settings):
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    return World()
