from __future__ import annotations

import pytest
from django.core.cache import cache

from fangkong.core import clock
from fangkong.core.roles import Role
from fangkong.places.tests.factories import world

from .factories import AT, person, staff


@pytest.fixture(autouse=True)
def today(monkeypatch):
    """It is 2020-02-05, ten in the morning."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def areas(db):
    """The areas around Daofu, by code."""
    cache.clear()
    return world()


@pytest.fixture
def patient(areas):
    """扎西德吉 from Daofu."""
    return person(areas["513326"])


@pytest.fixture
def daofu(areas):
    """The county CDC of Daofu."""
    return staff(Role.COUNTY_CDC, areas["513326"])


@pytest.fixture
def kangding(areas):
    """The county CDC of Kangding."""
    return staff(Role.COUNTY_CDC, areas["513301"])
