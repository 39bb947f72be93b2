from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from fangkong.accounts.models import User
from fangkong.accounts.tests.factories import AT, staff
from fangkong.core import clock
from fangkong.core.roles import Role
from fangkong.places.models import Area
from fangkong.places.tests.factories import world


@pytest.fixture(autouse=True)
def morning(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The pages believe that it is ten in the morning of 2020-02-05."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    return AT


@pytest.fixture
def areas(db: None) -> dict[str, Area]:
    return world()


@pytest.fixture
def headquarters(areas: dict[str, Area]) -> User:
    return staff(Role.HEADQUARTERS, area=areas["513300"], username="headquarters")


@pytest.fixture
def daofu(areas: dict[str, Area]) -> User:
    return staff(Role.COUNTY_CDC, area=areas["513326"], username="daofu-cdc")


@pytest.fixture
def auditor(areas: dict[str, Area]) -> User:
    return staff(Role.AUDITOR, area=areas["513300"], username="the-auditor")


@pytest.fixture
def administrator(areas: dict[str, Area]) -> User:
    return staff(Role.ADMINISTRATOR, area=areas["513300"], username="the-administrator")


@pytest.fixture
def look(client: Client):
    """``look(user, "/command/")``: the answer as this user gets it, in English."""

    def get(user: User | None, address: str, **headers: str):
        if user is not None:
            client.force_login(user)
        return client.get(address, headers={"accept-language": "en", **headers})

    return get
