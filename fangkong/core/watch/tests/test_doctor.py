"""The doctor: each finding with what to do, none hangs, none hides the others."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone, translation

from fangkong.accounts.tests.factories import user
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.backup import hooks, ledger
from fangkong.core.queue.models import Tick
from fangkong.core.watch import doctor, jumps, probes
from fangkong.core.watch.types import Line, Tone, bad, ok, warn

NOW = timezone.now()


@pytest.fixture
def only(monkeypatch):
    """Let the doctor look at these things only."""

    def use(**calls):
        monkeypatch.setattr(doctor, "_probes", list(calls.items()))

    return use


def test_a_restored_place_has_heard_of_no_worker_although_the_backup_had(db):
    Tick.objects.create(schedule="core.watch.heartbeat", minute=clock.now())
    assert probes._worker().tone == Tone.OK

    hooks.restored["core.watch.heartbeat"](clock.now())

    assert probes._worker().tone == Tone.BAD


def test_lines_come_in_their_order_with_their_titles(only):
    only(first=lambda: ok("a"), gone=lambda: None, second=lambda: warn("b", "c"))

    assert doctor.examine() == [
        Line(Tone.OK, "a", "", "first"),
        Line(Tone.WARN, "b", "c", "second"),
    ]


def test_what_does_not_answer_in_time_is_a_warning_and_the_others_are_there(only):
    held = Event()
    only(hangs=held.wait, works=lambda: ok("a"))
    try:
        hangs, works = doctor.examine(seconds=0.2)
    finally:
        held.set()

    assert (hangs.tone, works.tone) == (Tone.WARN, Tone.OK)


def test_a_look_that_fails_is_bad_and_tells_no_data(only):
    def fails():
        raise ValueError("password=secret")

    only(fails=fails, works=lambda: ok("a"))
    fails_line, works = doctor.examine()

    assert fails_line.tone == Tone.BAD
    assert "secret" not in repr(fails_line)
    assert works.tone == Tone.OK


@pytest.mark.parametrize("behind", [True, False])
def test_what_fails_for_a_migration_is_told_once_and_what_fails_otherwise_is_bad(
    only, monkeypatch, behind
):
    def fails():
        raise DatabaseError("no such table")

    monkeypatch.setattr(probes.health, "up_to_date", lambda: not behind)
    monkeypatch.setattr(probes.health, "never_migrated", lambda: False)
    only(fails=fails, migrations=probes._migrations)

    assert [line.tone for line in doctor.examine()] == (
        [Tone.BAD] if behind else [Tone.BAD, Tone.OK]
    )


def test_the_worst_line_is_the_exit_code():
    lines = [ok("a"), warn("b", ""), bad("c", "")]

    assert [doctor.worst(lines[:n]) for n in range(4)] == [0, 0, 1, 2]


def test_lines_speak_the_language_of_who_asks(only):
    only(disk=probes._outgoing)
    with translation.override("zh-hans"):
        (line,) = doctor.examine()

    assert line.said == "不允许访问任何内网主机"


@pytest.mark.both_databases
@pytest.mark.django_db
@pytest.mark.parametrize("pooled", [True, False])
def test_a_pool_in_front_of_the_database_is_told(settings, pooled):
    settings.FANGKONG_POOLED = pooled
    line = probes._database()

    assert ("事务级连接池" in line.said) is (pooled and connection.vendor == "postgresql")


class Pool:
    """Two connections through a pool of some servers; the one that was used last goes out first."""

    def __init__(self, mode, busy=0):
        self.mode, self.busy, self.free, self.own = mode, busy, [14, 13, 12, 11], None

    def server(self):
        if self.mode == "session":
            self.own = self.own or self.free.pop()
            return self.own
        return self.free[-1]

    @contextmanager
    def another(self):
        if self.busy:  # somebody else has worked meanwhile
            self.busy -= 1
            self.free.reverse()
        found = self.free.pop()
        yield found
        self.free.append(found)


@pytest.mark.parametrize(
    ("pool", "does"),
    [(Pool("transaction"), True), (Pool("transaction", busy=2), True), (Pool("session"), False)],
    ids=["transaction", "busy", "session"],
)
def test_a_pool_that_changes_servers_between_transactions_is_told_from_one_that_does_not(
    pool, does
):
    assert probes._changes_hands(pool.server, pool.another) is does


@pytest.mark.both_databases
@pytest.mark.django_db
def test_a_connection_straight_to_postgresql_keeps_its_server():
    if connection.vendor != "postgresql":
        return
    with probes._another() as theirs:
        assert theirs and theirs != probes._server()
    assert not probes._changes_hands(probes._server, probes._another)


@pytest.mark.parametrize(("days", "tone"), [(31, Tone.OK), (29, Tone.WARN), (-1, Tone.BAD)])
def test_a_certificate_warns_thirty_days_before_its_end(days, tone):
    assert probes.judge(timezone.now() + timedelta(days=days)).tone == tone


@pytest.fixture
def backups(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path
    settings.FANGKONG_BACKUP_TO = tmp_path
    made = ledger.Made("a.fkb", NOW.isoformat(), rows=7, proven_at=NOW.isoformat())
    return lambda **changed: ledger.note(replace(made, **changed))


def test_a_backup_counts_when_it_is_proven_and_young(backups):
    assert probes._backups().tone == Tone.BAD
    backups(proven_at="")
    assert probes._backups().tone == Tone.BAD
    backups()
    assert probes._backups().tone == Tone.OK
    backups(made_at=(NOW - timedelta(days=2)).isoformat())
    assert probes._backups().tone == Tone.WARN


def test_a_backup_that_failed_after_a_good_one_is_bad(backups):
    backups(made_at=(NOW - timedelta(hours=1)).isoformat())
    ledger.note_problem("b.fkb", NOW, "the disk is full")

    assert (probes._backups().tone, probes._backups().said) == (Tone.BAD, "the disk is full")


def test_a_damaged_list_of_backups_is_an_empty_one(backups, tmp_path):
    (tmp_path / "backups.json").write_text('[{"file"')

    assert ledger.made() == []


def test_the_list_of_backups_does_not_grow_for_ever(backups):
    for number in range(ledger.KEPT + 5):
        backups(file=f"{number}", made_at=(NOW + timedelta(hours=number)).isoformat())

    assert len(ledger.made()) == ledger.KEPT
    assert ledger.last().file == str(ledger.KEPT + 4)


def test_a_small_rest_of_disk_is_an_alarm(monkeypatch):
    monkeypatch.setattr(probes.figures, "disk_free", lambda: 0.14)
    assert probes._disk().tone == Tone.WARN
    monkeypatch.setattr(probes.health, "LEAST_DISK", 1 << 80)
    assert probes._disk().tone == Tone.BAD


@pytest.mark.django_db
@pytest.mark.both_databases
def test_everything_is_looked_at_here_without_a_failure():
    for title, call in doctor._probes:
        line = call()
        assert line is None or isinstance(line, Line), title
        assert line is None or line.tone == Tone.OK or line.todo, title
        assert line is None or json.dumps([str(line.said), str(line.todo)])


@pytest.mark.django_db
def test_accounts_of_a_demonstration_do_not_stay_open_on_a_real_system(settings):
    settings.FANGKONG_DEMO = False
    hq = user("hq", synthetic=True)
    assert probes._demonstration_accounts().tone == Tone.BAD
    type(hq).objects.update(is_active=False)
    assert probes._demonstration_accounts().tone == Tone.OK


# --- The clock -----------------------------------------------------------------------------------


@pytest.fixture
def hands(settings, tmp_path, monkeypatch):
    """A clock that is moved by ``hands.set(seconds)`` and time that does not go."""
    settings.FANGKONG_DATA = tmp_path
    moved = [0.0]
    monkeypatch.setattr(jumps.time, "time", lambda: NOW.timestamp() + moved[0])
    monkeypatch.setattr(jumps.time, "monotonic", lambda: 5.0)
    found = jumps.Hands()
    found.set = lambda seconds: moved.__setitem__(0, moved[0] + seconds)
    return found


@pytest.mark.parametrize("seconds", [86400, -86400, 31, -31])
def test_a_jump_of_the_clock_is_noted(hands, seconds):
    hands.set(seconds)

    assert hands.look().seconds == seconds
    assert [one.seconds for one in jumps.noted()] == [seconds]
    assert hands.look() is None


def test_a_clock_that_is_put_right_by_some_seconds_is_no_jump(hands):
    hands.set(29)

    assert hands.look() is None
    assert jumps.noted() == []


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "tone"), [(0, Tone.WARN), (-6, Tone.WARN), (-8, Tone.OK)])
def test_the_doctor_tells_of_a_jump_for_a_week(settings, tmp_path, monkeypatch, days, tone):
    settings.FANGKONG_DATA = tmp_path
    monkeypatch.setattr(probes, "_follows_a_time_server", lambda: None)
    jumps.note(jumps.Jump(-86400, timezone.now() + timedelta(days=days)))

    line = probes._clock()

    assert line.tone == tone
    assert ("-86400" in line.said) is (tone == Tone.WARN)


@pytest.mark.django_db
@pytest.mark.parametrize(("minutes", "tone"), [(1, Tone.OK), (4, Tone.BAD)])
def test_the_doctor_finds_a_trail_that_is_ahead_of_the_clock(
    settings, tmp_path, monkeypatch, minutes, tone
):
    settings.FANGKONG_DATA, settings.FANGKONG_TODAY = tmp_path, None
    monkeypatch.setattr(probes, "_follows_a_time_server", lambda: None)
    somebody = user()
    at = timezone.now() + timedelta(minutes=minutes)
    audit.record("accounts.add_user", somebody, by=None, at=at)

    assert probes._clock().tone == tone
