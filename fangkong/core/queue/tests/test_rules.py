"""When a failed job is tried again, and when a schedule fires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.queue import rules

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("next_try", "seconds"), [(1, 10), (2, 10), (3, 60), (4, 360), (5, 2160), (6, 3600), (60, 3600)]
)
def test_pauses_grow_sixfold_up_to_an_hour(next_try, seconds):
    assert rules.wait_before(next_try) == timedelta(seconds=seconds)


@given(st.integers(min_value=2, max_value=300))
def test_a_later_try_never_waits_shorter(next_try):
    assert rules.wait_before(next_try) <= rules.wait_before(next_try + 1)


def test_a_schedule_fires_in_its_minute_of_the_deployment_and_in_no_other():
    half_past_one = datetime(2020, 2, 5, 1, 30, tzinfo=CHINA)

    assert rules.fires("30 1 * * *", half_past_one, CHINA)
    assert not rules.fires("30 1 * * *", half_past_one - timedelta(minutes=1), CHINA)
    assert not rules.fires("30 1 * * *", half_past_one + timedelta(minutes=1), CHINA)


def test_a_schedule_is_read_in_the_zone_of_the_deployment_not_in_utc():
    half_past_one = datetime(2020, 2, 5, 1, 30, tzinfo=CHINA)

    assert rules.fires("30 1 * * *", half_past_one.astimezone(UTC), CHINA)
    assert not rules.fires("30 1 * * *", datetime(2020, 2, 5, 1, 30, tzinfo=UTC), CHINA)


def test_a_nightly_schedule_fires_once_a_day():
    start = datetime(2020, 2, 5, tzinfo=CHINA)
    minutes = [start + timedelta(minutes=n) for n in range(1440)]

    assert sum(rules.fires("30 1 * * *", minute, CHINA) for minute in minutes) == 1
