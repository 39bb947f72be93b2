"""Alive, ready, and the figures: what strangers learn is one word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from fangkong.core import clock
from fangkong.core.queue.models import Tick
from fangkong.core.watch import health

TOKEN = "t" * 40


@pytest.fixture
def heard(db):
    """A worker that was heard of a minute ago."""
    return Tick.objects.create(
        schedule="core.watch.heartbeat", minute=clock.now() - timedelta(minutes=1)
    )


@pytest.mark.parametrize("address", ["/readyz", "/ready/"])
def test_a_server_that_can_work_is_ready(client, heard, address):
    answer = client.get(address)

    assert (answer.status_code, answer.content) == (200, b"ready\n")


def test_a_silent_worker_is_told_while_pages_go_on(client, heard):
    Tick.objects.update(minute=clock.now() - timedelta(minutes=4))
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (200, b"ready\nlate: worker\n")


def test_a_database_that_is_away_is_one_word(client, heard, monkeypatch):
    def away() -> bool:
        raise OperationalError("host=db password=secret")

    monkeypatch.setattr(health, "up_to_date", away)
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"database\n")


def test_missing_migrations_and_a_full_disk_are_named(client, heard, monkeypatch):
    monkeypatch.setattr(health, "up_to_date", lambda: False)
    monkeypatch.setattr(health, "LEAST_DISK", 1 << 80)
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"migrations\ndisk\n")


def test_alive_needs_no_database(client):
    assert client.get("/healthz").content == b"alive\n"


def figures(client, **headers: str) -> int:
    return client.get("/metrics", headers=headers).status_code


def test_figures_are_for_the_holder_of_the_token_only(client, heard, settings):
    assert figures(client) == 403
    assert figures(client, authorization="Bearer ") == 403
    settings.FANGKONG_METRICS_TOKEN = TOKEN

    assert figures(client, authorization=f"Bearer {TOKEN}") == 200
    assert figures(client, authorization=f"Bearer {TOKEN}x") == 403
    assert figures(client, authorization=f"Basic {TOKEN}") == 403
    assert figures(client) == 403


def test_this_machine_may_read_them_where_that_is_set_but_no_proxy_on_it(client, heard, settings):
    settings.FANGKONG_METRICS_LOCAL = True

    assert figures(client) == 200
    assert figures(client, x_forwarded_for="127.0.0.1") == 403
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 403


def test_the_figures_tell_of_queue_disk_and_worker(client, heard, settings):
    settings.FANGKONG_METRICS_LOCAL = True
    said = client.get("/metrics").content.decode()

    for name in ("jobs_waiting 0", "jobs_failed 0", "worker_silent_seconds", "disk_free_ratio"):
        assert f"fangkong_{name}" in said
