"""Database away, disk full, Redis away, too many at once: each is told, and none is a plain 500."""

from __future__ import annotations

import errno

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from fangkong.core.cache import PatientRedis
from fangkong.core.shedding import AT_ONCE, Shed
from fangkong.web import errors


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (OperationalError("database or disk is full"), 507),
        (OperationalError('could not extend file "base/1": No space left on device'), 507),
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (OperationalError("database is locked"), 503),
        (OperationalError("server closed the connection unexpectedly"), 503),
        (OSError(errno.EACCES, "Permission denied"), 500),
        (ValueError("database or disk is full"), 500),
    ],
)
@pytest.mark.parametrize("path", ["/tasks/", "/api/v1/tasks/"])
def test_what_is_out_of_service_is_named(rf: RequestFactory, path: str, fact, status):
    try:
        raise fact
    except Exception:
        answer = errors.server_error(rf.post(path))
    assert answer.status_code == status
    assert answer.has_header("Retry-After") == (status != 500)
    assert answer["Content-Type"].startswith("application/problem+json") == ("/api/" in path)
    assert str(fact) not in answer.content.decode()


def test_requests_beyond_the_places_are_told_to_come_again_and_health_is_always_answered(rf):
    shed = Shed(lambda request: HttpResponse())
    for _place in range(AT_ONCE):
        shed.places.acquire()
    refused = shed(rf.get("/tasks/"))
    assert (refused.status_code, refused["Retry-After"]) == (503, "2")
    assert shed(rf.get("/api/v1/tasks/")).status_code == 503
    assert shed(rf.get("/ready/")).status_code == 200
    shed.places.release()
    assert shed(rf.get("/tasks/")).status_code == 200
    assert shed(rf.get("/tasks/")).status_code == 200  # the place was given back


@pytest.fixture
def lost_redis(monkeypatch):
    """Our cache before a port where nobody listens."""
    monkeypatch.setattr(PatientRedis, "_away_until", 0.0)
    return PatientRedis("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})


def test_without_redis_the_cache_is_empty_and_takes_nothing(lost_redis):
    assert lost_redis.get("a", "none") == "none"
    lost_redis.set("a", 1)
    assert lost_redis.add("a", 1) is True
    assert lost_redis.delete("a") is False
    assert lost_redis.get_many(["a"]) == {}
    with pytest.raises(ValueError, match="cache"):
        lost_redis.incr("a")


def test_redis_is_left_alone_for_a_while_after_it_failed_and_then_asked_again(
    lost_redis, monkeypatch
):
    asked = []

    def get(*args):
        asked.append(args)
        return _gone()

    monkeypatch.setattr(type(lost_redis).__mro__[1], "get", get)
    lost_redis.get("a")
    lost_redis.get("a")
    assert len(asked) == 1
    monkeypatch.setattr(PatientRedis, "_away_until", 0.0)
    lost_redis.get("a")
    assert len(asked) == 2


def _gone():
    raise ConnectionError
