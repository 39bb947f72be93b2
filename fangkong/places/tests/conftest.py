import pytest
from django.core.cache import cache

from .factories import world


@pytest.fixture
def areas(db):
    """The areas around Daofu, by code."""
    cache.clear()
    return world()
