"""What decides about a sign-in: codes, limits, addresses, ends of sessions."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.accounts.sign_in import rules
from fangkong.core.origin import client_address

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B
HALF_HOUR, HALF_DAY = timedelta(minutes=30), timedelta(hours=12)


@pytest.mark.parametrize(
    ("now", "code"), [(59, "94287082"), (1111111109, "07081804"), (20000000000, "65353130")]
)
def test_codes_are_those_of_the_standard(now, code):
    assert rules.totp(SECRET, now // 30, digits=8) == code


@given(st.integers(10, 2**28), st.integers(-4, 4), st.integers(0, 29))
def test_a_code_fits_one_step_around_the_present_and_no_further(present, away, second):
    codes = {step: rules.totp(SECRET, step) for step in range(present - 4, present + 5)}
    found = rules.matching_step(SECRET, codes[present + away], present * 30 + second)

    near = [codes[present + step] for step in (-1, 0, 1)]  # two steps may share a code by chance
    assert (found is not None) is (codes[present + away] in near)


def test_a_code_works_once_and_an_older_one_never_again():
    now, code = 3000, rules.totp(SECRET, 100)

    assert rules.matching_step(SECRET, code, now) == 100
    assert rules.matching_step(SECRET, code, now, after=100) is None
    assert rules.matching_step(SECRET, rules.totp(SECRET, 99), now, after=100) is None
    assert rules.matching_step(SECRET, rules.totp(SECRET, 101), now, after=100) == 101


def test_the_fifteenth_try_is_looked_at_and_the_sixteenth_is_not():
    assert not rules.locked(15, 15)
    assert rules.locked(16, 16)
    assert not rules.locked(1, 100)
    assert rules.locked(1, 101)


OURS = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("127.0.0.1"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "address"),
    [
        ("203.0.113.9", "", (), "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", (), "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", OURS, "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", OURS, "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", OURS, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.7", OURS, "198.51.100.1"),
        ("10.0.0.1", "nonsense", OURS, "10.0.0.1"),
    ],
)
def test_an_address_is_believed_from_our_own_proxies_only(remote, forwarded, proxies, address):
    assert client_address(remote, forwarded, proxies) == address


def test_only_the_network_of_an_address_is_kept():
    assert rules.network("203.0.113.77") == "203.0.113.0/24"
    assert rules.network("2001:db8:1:2::9") == "2001:db8:1::/48"
    assert rules.network("nonsense") == ""


@pytest.mark.parametrize(
    ("at", "seen", "now", "why"),
    [
        (0, 1000, 2799, ""),
        (0, 1000, 2800, "idle"),
        (0, 43199, 43199, ""),
        (0, 43199, 43200, "lifetime"),
        (5000, 5000, 4000, "lifetime"),
    ],
    ids=["still good", "half an hour idle", "just under 12 h", "12 h", "clock set back"],
)
def test_a_session_ends_when_idle_too_old_or_from_the_future(at, seen, now, why):
    marks = {"at": at, "seen": seen}

    assert rules.over(marks, now, idle=HALF_HOUR, lifetime=HALF_DAY) == why


def test_the_first_sign_in_is_not_strange_but_a_new_device_or_network_is():
    known = [("10.1.0.0/24", "Chrome · Windows")]

    assert not rules.strange("10.9.0.0/24", "Firefox · Linux", [])
    assert not rules.strange("10.1.0.0/24", "Chrome · Windows", known)
    assert rules.strange("10.9.0.0/24", "Chrome · Windows", known)
    assert rules.strange("10.1.0.0/24", "Firefox · Linux", known)
