from __future__ import annotations

import pytest
from django.core.cache import cache

from fangkong.accounts.models import User
from fangkong.core import clock
from fangkong.core.roles import Role
from fangkong.places.models import Area

from .factories import AT, staff, world


@pytest.fixture
def areas(db: None) -> dict[str, Area]:
    cache.clear()
    return world()


@pytest.fixture
def daofu(areas: dict[str, Area]) -> Area:
    return areas["513326"]


@pytest.fixture
def kangding(areas: dict[str, Area]) -> Area:
    return areas["513301"]


@pytest.fixture
def daofu_cdc(daofu: Area) -> User:
    return staff("daofu-cdc", Role.COUNTY_CDC, daofu)


@pytest.fixture
def kangding_cdc(kangding: Area) -> User:
    return staff("kangding-cdc", Role.COUNTY_CDC, kangding)


@pytest.fixture
def headquarters(areas: dict[str, Area]) -> User:
    return staff("headquarters", Role.HEADQUARTERS, areas["513300"])


@pytest.fixture
def auditor(areas: dict[str, Area]) -> User:
    return staff("auditor", Role.AUDITOR, areas["513300"])


@pytest.fixture
def at_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages believe that it is ten o'clock on 2020-02-05."""
    monkeypatch.setattr(clock, "now", lambda: AT)
