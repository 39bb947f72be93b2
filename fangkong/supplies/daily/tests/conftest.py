from __future__ import annotations

import pytest
from django.core.cache import cache

from fangkong.supplies.stock.tests.conftest import today as today

from .factories import World


@pytest.fixture
def world(db, settings):
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    return World()
