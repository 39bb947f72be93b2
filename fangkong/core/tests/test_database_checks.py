from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks
from django.db import connection

from fangkong.config import env, settings
from fangkong.core import database_checks


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def ids(deploy: bool = False) -> set[str]:
    found = run_checks(databases=["default"], include_deployment_checks=deploy)
    return {one.id for one in found if one.id.startswith("fangkong.")}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_our_own_settings_pass():
    # The tests' own PostgreSQL runs without fsync, to be fast.
    assert ids() <= {"fangkong.W001", *(["fangkong.E005"] if is_postgresql() else [])}


@pytest.mark.both_databases
@pytest.mark.django_db
def test_the_questions_that_are_asked_of_postgresql_are_answered():
    if not is_postgresql():
        assert not database_checks.is_fit_for_production(None, databases=["default"])
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert "fangkong.W002" in ids(deploy=True)
    assert "fangkong.E005" in ids()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("PRAGMA busy_timeout=10", "fangkong.E003"),
    ],
)
def test_a_weaker_sqlite_is_told(statement, wrong):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite only")
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        assert wrong in ids()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=20000")


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"PRAGMA journal_mode": "delete"}, "fangkong.E001"),
        ({"PRAGMA synchronous": 1}, "fangkong.E001"),
        ({"PRAGMA foreign_keys": 0}, "fangkong.E001"),
        ({"SELECT sqlite_version()": "3.40.1"}, "fangkong.W001"),
        ({"SHOW synchronous_commit": "off"}, "fangkong.E005"),
        ({"SHOW full_page_writes": "off"}, "fangkong.E005"),
        ({"SHOW server_encoding": "SQL_ASCII"}, "fangkong.E006"),
        ({"SHOW lock_timeout": "0"}, "fangkong.W002"),
        ({"SHOW data_checksums": "off"}, "fangkong.W005"),
        ({"SELECT rolsuper": True}, "fangkong.W004"),
        ({}, ""),
    ],
)
def test_each_weakness_is_told_by_its_number(monkeypatch, answers, wrong):
    good = {
        "PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2, "PRAGMA foreign_keys": 1,
        "PRAGMA busy_timeout": 20000, "SELECT sqlite_version()": "3.53.4",
        "SHOW synchronous_commit": "on", "SHOW full_page_writes": "on", "SHOW fsync": "on",
        "SHOW server_encoding": "UTF8", "SHOW client_encoding": "UTF8",
        "SHOW data_checksums": "on", "SELECT rolsuper": False,
    }  # fmt: skip

    def ask(connection, question):
        known = {**good, **answers}
        return next((known[key] for key in known if question.startswith(key)), "1min")

    monkeypatch.setattr(database_checks, "_ask", ask)

    class Here:
        settings_dict = {
            "OPTIONS": {"transaction_mode": "IMMEDIATE"},
            "CONN_HEALTH_CHECKS": True,
        }

    found = [
        *database_checks._sqlite(Here()),
        *database_checks._postgresql(Here()),
        *database_checks._postgresql_in_production(Here()),
    ]
    assert {one.id for one in found} == ({wrong} if wrong else set())


@pytest.mark.parametrize("pooled", [True, False])
def test_behind_a_pool_a_connection_keeps_nothing_and_is_told_nothing(monkeypatch, pooled):
    address = {"DATABASE_URL": "postgresql://f@h/n", "FANGKONG_POOLED": str(int(pooled))}
    monkeypatch.setattr(settings, "ENVIRONMENT", env.read(address))
    database = settings._database()

    assert database["DISABLE_SERVER_SIDE_CURSORS"] is pooled
    assert ("options" in database["OPTIONS"]) is not pooled


def test_the_production_settings_pass_the_deployment_check(tmp_path):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("FANGKONG_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
        env={
            **clean,
            "FANGKONG_DATA": str(tmp_path),
            "FANGKONG_HTTPS": "1",
            "FANGKONG_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
