from __future__ import annotations

import pytest
from django.core.cache import cache

from .factories import World


@pytest.fixture
def world(db, settings):
    settings.FANGKONG_AREA = "513300"
    settings.TIME_ZONE = "Asia/Shanghai"
    cache.clear()
    return World()
