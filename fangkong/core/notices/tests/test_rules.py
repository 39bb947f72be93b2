"""When messages leave, and how robots are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, time, timedelta
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.notices import rules

ZONE = ZoneInfo("Asia/Shanghai")


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2020, 2, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "first", "last", "goes"),
    [
        (at(21, 59), time(22), time(7), at(21, 59)),
        (at(22), time(22), time(7), at(7, day=6)),
        (at(6, 59), time(22), time(7), at(7)),
        (at(7), time(22), time(7), at(7)),
        (at(12, 30), time(12), time(14), at(14)),
        (at(14), time(12), time(14), at(14)),
        (at(3), None, time(7), at(3)),
        (at(3), time(7), time(7), at(3)),
    ],
)
def test_quiet_hours_end_when_they_say(moment, first, last, goes):
    assert rules.goes_at(moment, ZONE, first, last) == goes


MINUTES = st.integers(0, 1439)


@given(MINUTES, MINUTES, MINUTES)
def test_a_message_leaves_within_a_day_and_never_in_quiet_hours(now, start, end):
    moment = at(0) + timedelta(minutes=now)
    first, last = time(*divmod(start, 60)), time(*divmod(end, 60))
    goes = rules.goes_at(moment, ZONE, first, last)

    assert timedelta(0) <= goes - moment <= timedelta(days=1)
    assert rules.goes_at(goes, ZONE, first, last) == goes


def test_the_signature_of_dingtalk_is_that_of_an_independent_program(monkeypatch):
    monkeypatch.setattr("apprise.plugins.dingtalk.time.time", lambda: 1580868000.0)
    theirs = NotifyDingTalk(token="a" * 20, secret="SEC" + "b" * 20).get_signature()
    theirs = [str(part) for part in theirs]

    ours = rules.dingtalk_sign("SEC" + "b" * 20, 1580868000000)
    assert quote_plus(ours) in theirs or ours in theirs


def test_the_signature_of_feishu_signs_nothing_with_time_and_secret():
    key = b"1580868000\nsecret"
    plain = base64.b64encode(hmac.new(key, digestmod=hashlib.sha256).digest()).decode()

    assert rules.feishu_sign("secret", 1580868000) == plain


def test_the_pauses_grow_and_end():
    pauses = [rules.wait_after(n) for n in range(1, rules.TRIES)]

    assert pauses == sorted(pauses)
    assert rules.wait_after(rules.TRIES) is None
