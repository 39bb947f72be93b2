"""The clock: days of the deployment's zone, and a demonstration that lives on another day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core import clock


@pytest.fixture(autouse=True)
def fresh_offset():
    clock._offset.cache_clear()
    yield
    clock._offset.cache_clear()


def test_without_a_demonstration_now_is_now(settings):
    settings.FANGKONG_TODAY = None

    assert abs(clock.now() - timezone.now()) < timedelta(seconds=5)


def test_a_demonstration_shows_its_day_with_the_real_time_of_day(settings):
    settings.FANGKONG_TODAY = date(2020, 2, 5)
    real, shown = timezone.now(), clock.now()

    assert clock.day_of(shown) == date(2020, 2, 5)
    assert abs((shown - real) % timedelta(days=1)) < timedelta(seconds=5)


def test_the_day_of_a_demonstration_goes_on_at_midnight(settings, monkeypatch):
    settings.FANGKONG_TODAY = date(2020, 2, 5)
    moment = datetime(2026, 11, 24, 23, 59, tzinfo=clock.zone())
    monkeypatch.setattr(timezone, "now", lambda: moment)
    assert clock.day_of(clock.now()) == date(2020, 2, 5)

    monkeypatch.setattr(timezone, "now", lambda: moment + timedelta(minutes=2))

    assert clock.day_of(clock.now()) == date(2020, 2, 6)


def test_moments_of_the_clock_are_in_utc():
    assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2020, 2, 4, 15, 59, 59, tzinfo=UTC), date(2020, 2, 4)),
        (datetime(2020, 2, 4, 16, 0, tzinfo=UTC), date(2020, 2, 5)),
        (datetime(2020, 2, 5, 15, 59, 59, tzinfo=UTC), date(2020, 2, 5)),
    ],
)
def test_a_day_begins_at_midnight_in_china_not_in_greenwich(settings, moment, day):
    settings.TIME_ZONE = "Asia/Shanghai"

    assert clock.day_of(moment) == day


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "UTC"])
@given(day=st.dates(date(1995, 1, 1), date(2040, 12, 31)))
def test_every_day_begins_with_itself_and_is_followed_by_the_next(zone, day):
    from django.test import override_settings

    with override_settings(TIME_ZONE=zone):
        midnight = clock.start_of(day)

        assert clock.day_of(midnight) == day
        assert clock.day_of(midnight.astimezone(UTC) - timedelta(seconds=1)) < day
        assert clock.next_day(midnight) == clock.start_of(day + timedelta(days=1))


def test_a_day_on_which_the_clocks_change_has_another_length(settings):
    settings.TIME_ZONE = "America/New_York"
    spring, autumn = clock.start_of(date(2020, 3, 8)), clock.start_of(date(2020, 11, 1))

    assert clock.next_day(spring).astimezone(UTC) - spring.astimezone(UTC) == timedelta(hours=23)
    assert clock.next_day(autumn).astimezone(UTC) - autumn.astimezone(UTC) == timedelta(hours=25)
