from __future__ import annotations

import pytest
from django.core.cache import cache

from fangkong.accounts.tests import factories
from fangkong.core.roles import Role
from fangkong.places.tests.factories import world


@pytest.fixture
def areas(db):
    """The areas around Daofu, by code."""
    cache.clear()  # also forgets earlier wrong passwords
    return world()


@pytest.fixture
def administrator(areas):
    return factories.staff(Role.ADMINISTRATOR, area=areas["513300"], username="admin")


@pytest.fixture
def member(areas):
    """Zhaxi of Daofu county's CDC."""
    return factories.staff(
        Role.COUNTY_CDC,
        area=areas["513326"],
        username="zhaxi",
        name="扎西",
        name_en="Zhaxi",
        phone="0836-7120000",
    )
