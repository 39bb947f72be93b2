"""The world of monitoring, as its own tests have it."""

from fangkong.surveillance.monitoring.tests.conftest import today, world

__all__ = ["today", "world"]
