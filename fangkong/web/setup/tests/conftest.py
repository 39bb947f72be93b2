from __future__ import annotations

import time

import pytest

from fangkong.places.tests.factories import world
from fangkong.web.setup import door


@pytest.fixture
def closes():
    """What the set-up calls when it is done."""
    return []


@pytest.fixture
def code(settings, tmp_path, db, closes):
    """The code of a fresh round, with the addresses of an empty installation."""
    settings.ROOT_URLCONF = "fangkong.config.setup_urls"
    settings.FANGKONG_DATA = tmp_path
    world()
    yield door.open_(time.time(), lambda: closes.append("closed"))
    door.shut()


@pytest.fixture
def inside(client, code):
    """A browser that came with the code."""
    client.cookies["django_language"] = "en"
    client.get(f"/setup/enter/{code}/")
    return client
