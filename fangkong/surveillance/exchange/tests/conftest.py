from __future__ import annotations

import pytest
from django.core.cache import cache
from django.utils import translation

from fangkong.core import clock
from fangkong.surveillance.testing.tests.factories import AT, World


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """It is 2020-02-05, ten in the morning."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    with translation.override("en"):
        yield


@pytest.fixture
def world(db, settings):
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    return World()
