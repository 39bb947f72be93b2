"""Before serving: a free port, enough disk, the right database; and the demonstration's day."""

from __future__ import annotations

import errno
import shutil
import socket
import sys
from datetime import date
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from fangkong.accounts.tests import factories
from fangkong.config import cli, demo_day, production, serve, sqlite
from fangkong.config.problems import CannotGoOn
from fangkong.core import clock

MB = 1024 * 1024


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path / "data"
    settings.FANGKONG_TODAY = None
    settings.FANGKONG_DEMO = False
    return settings.FANGKONG_DATA


def free(monkeypatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=size))


def test_a_busy_port_is_told_with_another_to_try():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(CannotGoOn, match=rf"port {port} on 127.0.0.1.*FANGKONG_PORT"):
            serve.require_free_port("127.0.0.1", port)

    serve.require_free_port("127.0.0.1", port)


def test_after_the_last_port_another_is_named(monkeypatch):
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", 65535))
        except OSError:
            pass  # somebody has it already, which is as good
        else:
            other.listen()
        with pytest.raises(CannotGoOn, match=r"FANGKONG_PORT=8000 "):
            serve.require_free_port("127.0.0.1", 65535)


@pytest.mark.parametrize("host", ["a" * 70, "a..b"])
def test_a_host_that_cannot_be_one_is_told(host):
    with pytest.raises(CannotGoOn):
        serve.require_free_port(host, 18998)


def test_too_little_disk_is_told_in_megabytes_before_anything_is_written(monkeypatch):
    free(monkeypatch, 37 * MB)

    with pytest.raises(CannotGoOn, match=r"only 37 MB are free .* at least 200 MB"):
        serve.prepare_database()


def test_enough_disk_is_no_matter(monkeypatch, own_folder):
    free(monkeypatch, 200 * MB)

    serve.require_disk()

    assert own_folder.is_dir()


def test_a_folder_that_cannot_be_made_is_told(settings, tmp_path):
    (tmp_path / "file").write_text("x")
    settings.FANGKONG_DATA = tmp_path / "file" / "data"

    with pytest.raises(CannotGoOn, match="FANGKONG_DATA"):
        serve.require_disk()


@pytest.mark.django_db
def test_the_demonstration_is_not_poured_over_real_staff(own_folder):
    factories.user()

    with pytest.raises(CannotGoOn, match="already holds staff"):
        serve.load_demo(date(2020, 2, 5))

    assert not (own_folder / "demo.json").exists()


@pytest.mark.django_db
def test_a_demonstration_that_fails_leaves_no_day_behind(monkeypatch, settings, own_folder):
    def fail(*_args, **_options):
        raise CommandError("broken")

    monkeypatch.setattr(serve, "call_command", fail)

    with pytest.raises(CommandError):
        serve.load_demo(date(2020, 2, 5))

    assert demo_day.stored_day(own_folder) is None
    assert (settings.FANGKONG_TODAY, settings.FANGKONG_DEMO) == (None, False)


@pytest.mark.django_db
def test_a_screening_needs_a_demonstration_and_leaves_its_day_where_it_fails(
    monkeypatch, own_folder
):
    with pytest.raises(CannotGoOn, match="no demonstration here"):
        serve.screen_in_demo()
    assert not (own_folder / "demo.json").exists()

    asked = []

    def fail(name, **options):
        if name == "demo":
            asked.append(demo_day.stored_day(own_folder))
            raise CommandError("broken")

    demo_day.begin(own_folder, date(2020, 2, 5))
    monkeypatch.setattr(serve, "call_command", fail)
    monkeypatch.setattr(serve.sealing, "enrol", lambda *, at: None)
    with pytest.raises(CommandError):
        serve.screen_in_demo()
    assert asked == [date(2022, 2, 5)]
    assert demo_day.stored_day(own_folder) == date(2020, 2, 5)


@pytest.mark.django_db
def test_the_trail_of_a_demonstration_begins_on_its_day(monkeypatch, own_folder):
    begun = []
    monkeypatch.setattr(serve.sealing, "enrol", lambda *, at: begun.append(clock.day_of(at)))
    own_folder.mkdir()

    serve.prepare_database(demo=date(2020, 2, 5))
    demo_day.end(own_folder)
    factories.user()
    serve.prepare_database(demo=date(2020, 2, 5))
    serve.prepare_database()

    assert begun[0] == date(2020, 2, 5)
    assert begun[1:] == [clock.day_of(timezone.now())] * 2


def test_a_demonstration_remembers_its_day(settings, own_folder):
    assert demo_day.stored_day(own_folder) is None

    demo_day.begin(own_folder, date(2020, 2, 5))

    assert demo_day.stored_day(own_folder) == date(2020, 2, 5)
    assert (date(2020, 2, 5), True) == (settings.FANGKONG_TODAY, settings.FANGKONG_DEMO)
    demo_day.end(own_folder)
    demo_day.end(own_folder)
    assert demo_day.stored_day(own_folder) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "7", '{"day": 5}', '{"day": "x"}', '{"d": 1}', "\udcff"]
)
def test_a_damaged_note_of_the_day_is_no_crash(own_folder, content):
    own_folder.mkdir()
    (own_folder / "demo.json").write_bytes(content.encode("utf-8", "surrogateescape"))

    assert demo_day.stored_day(own_folder) is None


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (OperationalError("database or disk is full"), "disk is full"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (OperationalError("unable to open database file"), "cannot be opened"),
        (OperationalError("connection refused\nis it running?"), "does not answer"),
        (DatabaseError("file is not a database"), "not a SQLite database"),
        (CommandError("first\nsecond"), "first second"),
    ],
)
def test_what_goes_wrong_outside_is_one_clear_line(monkeypatch, capsys, problem, said):
    def fail(_options):
        raise problem

    monkeypatch.setattr(cli, "_check", fail)

    assert cli.main(["check"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_defect_of_ours_is_not_hidden(monkeypatch):
    def fail(_options):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_check", fail)

    with pytest.raises(ZeroDivisionError):
        cli.main(["check"])


def test_an_old_python_is_told_before_anything_is_tried(monkeypatch, capsys):
    monkeypatch.setattr(cli, "NEEDED_PYTHON", (99, 0))

    assert cli.main(["check"]) == 2
    assert "too old" in capsys.readouterr().err


def test_stopping_by_hand_is_no_error_message(monkeypatch, capsys):
    def stop(_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_check", stop)

    assert cli.main(["check"]) == 130
    assert capsys.readouterr().err == ""


def test_the_settings_keep_every_acknowledged_write(settings, django_db_setup, django_db_blocker):
    if connection.vendor != "sqlite":
        pytest.skip("about the pragmas of SQLite")
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert cursor.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        found = run_checks(tags=["database"], databases=["default"])
    assert [problem.id for problem in found if problem.id != "fangkong.W001"] == []


def test_sqlite_is_free_of_the_wal_reset_bug_where_a_wheel_brings_one():
    if sys.modules.get("pysqlite3") is None:
        pytest.skip("no pysqlite3 here; `fangkong check` warns")
    assert sqlite.is_safe()


@pytest.mark.django_db(transaction=True)
def test_the_check_complains_about_a_careless_sqlite():
    if connection.vendor != "sqlite":
        pytest.skip("about the pragmas of SQLite")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = NORMAL")
        try:
            found = run_checks(tags=["database"], databases=["default"])
        finally:
            cursor.execute("PRAGMA synchronous = FULL")

    assert "synchronous=1, not 2" in str([problem.msg for problem in found])


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_the_processes_of_production_inherit_no_connection(db):
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        parent = connection.pool

    production.leave_database()

    assert connection.connection is None
    if connection.vendor == "postgresql":
        assert parent.closed
        assert connection.pool is not parent  # a new one is made on demand, with its own threads
