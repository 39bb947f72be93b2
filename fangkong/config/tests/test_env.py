"""The environment: a wrong value is told in one clear line, and a secret is never repeated."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.config import env
from fangkong.config.env import WrongSetting

GOOD = {
    "DATABASE_URL": ["postgresql://u:p@h:5432/n", "postgres:///n", "sqlite:////srv/f.sqlite3"],
    "REDIS_URL": ["redis://h:6379/0", "rediss://h", "unix:///run/redis.sock"],
    "FANGKONG_SECRET_KEY": ["k" * 32],
    "FANGKONG_DEBUG": ["1", "0", "True", "no", "YES"],
    "FANGKONG_HOSTS": ["fangkong.example", "a, b ,c"],
    "FANGKONG_ORIGINS": ["https://fangkong.example", "https://a.example:8443,http://b/"],
    "FANGKONG_PORT": ["1", "65535"],
    "FANGKONG_AREA": ["513300", "000000"],
    "FANGKONG_TIME_ZONE": ["Asia/Shanghai", "Asia/Urumqi", "UTC"],
    "FANGKONG_LANGUAGE": ["zh-hans", "en"],
    "FANGKONG_TODAY": ["2020-02-05"],
    "FANGKONG_PACKS": ["/"],
    "FANGKONG_HTTPS": ["1", "0"],
    "FANGKONG_POOLED": ["1", "0"],
    "FANGKONG_CLAMAV": ["clamav:3310", "[::1]:3310"],
    "FANGKONG_OUTBOUND_ALLOW": ["sms.intranet:8080", "10.1.2.3, [fd00::5]:8443,fd00::5", "gateway"],
}
WRONG = {
    "DATABASE_URL": [
        "mysql://root:geheim@h/n",
        "fangkong.sqlite3",
        "sqlite://",
        "sqlite:///",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "postgresql://u:geheim@h:port/n",
    ],
    "REDIS_URL": ["http://:geheim@h", "redis://:geheim@h:port/0", "localhost"],
    "FANGKONG_SECRET_KEY": ["geheim", "k" * 31],
    "FANGKONG_DEBUG": ["2", "on!", "wahr"],
    "FANGKONG_ORIGINS": ["fangkong.example", "ftp://a", "https://a/b", "https://a,b"],
    "FANGKONG_PORT": ["0", "65536", "-1", "http", "8000.0"],
    "FANGKONG_AREA": ["51330", "5133000", "甘孜州", "５１３３００", "51330x"],
    "FANGKONG_TIME_ZONE": ["Asia", "Asia/Ganzi", "../../etc/passwd", "GMT+8", "/etc/passwd"],
    "FANGKONG_LANGUAGE": ["zh", "zh_Hans", "bo"],
    "FANGKONG_TODAY": ["2020-02-30", "yesterday", "05.02.2020"],
    "FANGKONG_PACKS": ["/no/such/folder", "~nobody-at-all/x"],
    "FANGKONG_HTTPS": ["maybe"],
    "FANGKONG_POOLED": ["pgbouncer"],
    "FANGKONG_CLAMAV": ["clamav", ":3310", "clamav:http"],
    "FANGKONG_OUTBOUND_ALLOW": ["http://sms.intranet", "*", "10.0.0.0/8", "a b", "host:port"],
    "FANGKONG_DATA": ["~nobody-at-all/x"],
}
SECRET = ("DATABASE_URL", "REDIS_URL", "FANGKONG_SECRET_KEY")


def pairs(table):
    return [(name, value) for name, values in table.items() for value in values]


def test_an_empty_environment_is_a_working_one():
    found = env.read({})

    assert found.data == Path("var").resolve()
    assert found.database_url == f"sqlite:///{found.data / 'fangkong.sqlite3'}"
    assert (found.home_area, found.time_zone, found.language) == (
        "513300",
        "Asia/Shanghai",
        "zh-hans",
    )
    assert (found.host, found.port, found.debug, found.secure) == ("127.0.0.1", 8000, False, False)
    assert (found.today, found.packs, found.secret_key) == (None, None, "")


def test_nothing_is_open_to_other_machines_unless_somebody_says_so():
    found = env.read({})

    assert set(found.hosts) == {"localhost", "127.0.0.1", "[::1]"}
    assert found.origins == ()


@pytest.mark.parametrize(("name", "value"), pairs(GOOD))
def test_a_right_value_is_taken(name, value):
    env.read({name: value})


@pytest.mark.parametrize(("name", "value"), pairs(WRONG))
def test_a_wrong_value_is_told_in_one_line_that_names_the_variable_and_what_to_write(name, value):
    with pytest.raises(WrongSetting) as refusal:
        env.read({name: value})

    text = str(refusal.value)
    assert text.startswith(name)
    assert "\n" not in text
    assert "write" in text


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, v in pairs(WRONG) if n in SECRET])
def test_what_may_hold_a_password_is_never_repeated(name, value):
    with pytest.raises(WrongSetting) as refusal:
        env.read({name: value})

    assert "geheim" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("name", list(WRONG))
def test_an_empty_value_is_no_value(name):
    assert env.read({name: "  "}) == env.read({})


@given(name=st.sampled_from(sorted(WRONG)), value=st.text(max_size=30))
def test_any_value_is_taken_or_told(name, value):
    if "\x00" in value:
        return  # an environment cannot hold it
    told = name
    try:
        env.read({name: value})
    except WrongSetting as refusal:
        told = str(refusal)
    assert told.startswith(name)


def test_values_are_read_as_what_they_are():
    found = env.read(
        {
            "FANGKONG_TODAY": "2020-02-05",
            "FANGKONG_PORT": "8080",
            "FANGKONG_HOSTS": "a.example, b.example",
            "FANGKONG_ORIGINS": "https://a.example/",
            "FANGKONG_DEBUG": "yes",
        }
    )

    assert (found.today, found.port, found.debug) == (date(2020, 2, 5), 8080, True)
    assert found.hosts == ("a.example", "b.example")
    assert found.origins == ("https://a.example",)
