from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.cache import cache

from .factories import World

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper


@pytest.fixture
def world(db: None, settings: SettingsWrapper) -> World:
    settings.FANGKONG_AREA = "513300"
    settings.TIME_ZONE = "Asia/Shanghai"
    cache.clear()
    return World()
