"""What the doctor looks at by itself. Rooms add their own."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ctypes.util import find_library
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.audit import queries as trail
from fangkong.core.backup import ledger
from fangkong.core.queue import queries as queue
from fangkong.core.sealing import keys
from fangkong.core.sentences import listed

from . import figures, health, jumps, remote
from .doctor import probe
from .types import WORKER, Line, bad, ok, warn

LEAST_DISK = 0.15
SOON = timedelta(days=30)
OLD_BACKUP = timedelta(hours=36)
LONG_WAIT = timedelta(minutes=15)
AHEAD = timedelta(minutes=2)
TOLD = timedelta(days=7)
SQLITE_SAFE = (3, 51, 3)


@probe(gettext_lazy("Settings"))
def _settings() -> Line:
    if settings.DEBUG:
        return bad(_("FANGKONG_DEBUG is on"), _("Take it out: errors then show no inner data."))
    if settings.FANGKONG_DEMO:
        return ok(_("a demonstration"))
    if not settings.ENVIRONMENT.secure:
        return warn(
            _("pages are served without HTTPS"),
            _("Put a proxy with TLS in front and set FANGKONG_HTTPS=1."),
        )
    return ok(_("HTTPS, no debugging"))


@probe(gettext_lazy("Secret key"))
def _secret_key() -> Line:
    path = Path(settings.FANGKONG_DATA) / "secret.key"
    if settings.ENVIRONMENT.secret_key:
        return ok(_("from the environment"))
    if len(settings.SECRET_KEY) < 32:
        return bad(
            _("shorter than 32 characters"), _("Remove the file secret.key and start again.")
        )
    return ok(str(path))


@probe(gettext_lazy("Key ring of personal data"))
def _key_ring() -> Line:
    try:
        ring = keys.ring(fresh=True)
    except keys.KeyRingProblem as problem:
        if not keys.path().exists() and health.never_migrated():
            return ok(_("made by the first migration"))
        return bad(_("not usable"), str(problem))
    return ok(
        _("%(count)d keys, %(current)s seals")
        % {
            "count": len(ring.keys),
            "current": ring.current,
        }
    )


@probe(gettext_lazy("Demonstration accounts"))
def _demonstration_accounts() -> Line | None:
    if settings.FANGKONG_DEMO:
        return None
    users: Any = get_user_model()
    count = users.objects.filter(synthetic=True, is_active=True).count()
    if count:
        return bad(
            _("%(count)d accounts of a demonstration may sign in") % {"count": count},
            _("Close them on the page of staff: their password is known."),
        )
    return ok(_("none is open"))


@probe(gettext_lazy("File modes"))
def _modes() -> Line:
    data = Path(settings.FANGKONG_DATA)
    private = [data / "secret.key", keys.path(), *data.glob("*.sqlite3")]
    open_to_others = [
        path.name
        for path in private
        if path.is_file() and path.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP)
    ]
    if open_to_others and data.stat().st_mode & stat.S_IRWXO:
        return warn(
            _("others on this machine may read %(files)s") % {"files": listed(open_to_others)},
            f"chmod 700 {data}",
        )
    return ok(_("for the owner only"))


@probe(gettext_lazy("Clock of the machine"))
def _clock() -> Line:
    mark = Path(settings.FANGKONG_DATA) / f".clock-{os.getpid()}"
    mark.touch()
    apart = abs(mark.stat().st_mtime - time.time())
    mark.unlink()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart = max(apart, abs((cursor.fetchone()[0] - timezone.now()).total_seconds()))
    todo = _("Let the machine follow a time server: timedatectl set-ntp true")
    if apart > 5:
        return bad(
            _("%(seconds)d s apart from the database or the disk") % {"seconds": apart}, todo
        )
    ahead = _future_of_the_trail()
    if ahead > AHEAD:
        return bad(
            _("the newest line of the trail is %(minutes)d minutes ahead of the clock")
            % {"minutes": ahead // timedelta(minutes=1)},
            _("The clock was wrong before, or is now.") + f" {todo}",
        )
    if jumped := [one for one in jumps.noted() if abs(timezone.now() - one.at) < TOLD]:
        return warn(
            _("it was set by %(seconds)+d s, at %(at)s by the new time")
            % {"seconds": jumped[0].seconds, "at": clock_of(jumped[0].at.isoformat())},
            _("What was written between two jumps bears wrong times.") + f" {todo}",
        )
    followed = _follows_a_time_server()
    if followed is False:
        return warn(_("the machine follows no time server"), todo)
    return ok(_("follows a time server") if followed else _("agrees with disk and database"))


def _future_of_the_trail() -> timedelta:
    """How far the newest line lies ahead of the clock; nothing where it does not.

    A demonstration lives its day again after each start: its trail says nothing of the clock.
    """
    if settings.FANGKONG_TODAY:
        return timedelta(0)
    last = trail.lines().order_by("-at", "-pk").values_list("at", flat=True).first()
    return max(timedelta(0), last - clock.now()) if last else timedelta(0)


def _follows_a_time_server() -> bool | None:
    """What the kernel says of its clock; None where it does not say."""
    try:
        room = ctypes.create_string_buffer(512)  # struct timex with modes 0: only asks
        answer = ctypes.CDLL(None).adjtimex(room)
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else answer != 5  # TIME_ERROR: not synchronised


@probe(gettext_lazy("Disk space"))
def _disk() -> Line:
    share = figures.disk_free()
    free = shutil.disk_usage(settings.FANGKONG_DATA).free // 1024**2
    said = _("%(share)d %% free, %(free)d MB") % {"share": share * 100, "free": free}
    todo = _("Free some space, or move FANGKONG_DATA to a larger disk.")
    if free * 1024**2 < health.LEAST_DISK:
        return bad(said, todo)
    return warn(said, todo) if share < LEAST_DISK else ok(said)


@probe(gettext_lazy("Database"))
def _database() -> Line:
    if connection.vendor == "sqlite":
        return _sqlite()
    wanted = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', "
            "'full_page_writes', 'data_checksums', 'server_version')"
        )
        found = dict(cursor.fetchall())
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        (superuser,) = cursor.fetchone()
    # A pool in between gives itself out for the server, with a number of its own.
    through = cast(Any, connection.connection).info.backend_pid != _server()
    wrong = [name for name, value in wanted.items() if found[name] != value]
    said = f"PostgreSQL {found['server_version']}"
    if settings.FANGKONG_POOLED:
        said = _("%(said)s, through a pool between transactions") % {"said": said}
    if wrong:
        return bad(
            f"{said}: {', '.join(wrong)} = off",
            _("Switch it on in postgresql.conf: acknowledged work may be lost."),
        )
    if found["data_checksums"] != "on":
        return warn(
            _("%(said)s without data checksums") % {"said": said},
            _("Stop the server and run pg_checksums --enable."),
        )
    if through and not settings.FANGKONG_POOLED:
        said = _("%(said)s, and a pool stands in between") % {"said": said}
        if _changes_hands(_server, _another):
            return warn(said, _("It pools by transactions: set FANGKONG_POOLED=1."))
    if superuser:
        return warn(
            _("%(said)s, and the role is a superuser") % {"said": said},
            _("Let Fangkong use a role of its own."),
        )
    return ok(said)


def _server() -> int:
    """The process of PostgreSQL that answers this connection now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@contextmanager
def _another() -> Iterator[int | None]:
    """That of a second connection within a transaction; None where there is no room for one."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            found = int(cursor.fetchone()[0])
    except DatabaseError:
        found = None
    try:
        yield found
    finally:
        if found is not None:
            other.rollback()  # a connection goes back to our own pool at rest
        other.close()


def _changes_hands(
    server: Callable[[], int], another: Callable[[], AbstractContextManager[int | None]]
) -> bool:
    """Whether a connection may lose its server when its transaction ends.

    A pool between transactions gives the server of one that rests to the next that asks, mostly;
    while many work it may be another, so it is tried some times. One by sessions never does.
    """
    for _try in range(5):
        mine = server()
        with another() as theirs:
            if theirs == mine or server() != mine:
                return True
    return False


def _sqlite() -> Line:
    import sqlite3

    with connection.cursor() as cursor:
        found = {
            name: cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    said = f"SQLite {sqlite3.sqlite_version}, {found['journal_mode']}"
    if found["synchronous"] != 2 or found["foreign_keys"] != 1:
        return bad(said, _("The pragmas are not those of Fangkong: use its own settings."))
    if sqlite3.sqlite_version_info < SQLITE_SAFE:
        return warn(
            _("%(said)s can damage a database in rare cases") % {"said": said},
            _("Install the pysqlite3 package, which brings a newer SQLite."),
        )
    return ok(said)


@probe(gettext_lazy("Migrations"))
def _migrations() -> Line:
    if health.up_to_date():
        return ok(_("all applied"))
    if health.never_migrated():
        return bad(
            _("none is applied: the database is empty. What needs its tables was not looked at."),
            _("Set it up with fangkong migrate (docs/running.md), then ask again."),
        )
    return bad(_("some are not applied"), "fangkong migrate")


@probe(WORKER)
def _worker() -> Line:
    silent = health.worker_silent_for()
    if silent > health.WORKER_LATE:
        return bad(
            _("no worker has been heard of for %(minutes)d minutes")
            % {"minutes": silent.total_seconds() // 60}
            if silent < timedelta(days=3000)
            else _("no worker has been heard of"),
            _("Start one: fangkong worker"),
        )
    return ok(_("alive"))


@probe(gettext_lazy("Background jobs"))
def _jobs() -> Line:
    oldest, failed, waiting = queue.oldest_waiting(), queue.failed_count(), queue.waiting_count()
    if failed:
        return warn(
            _("%(failed)d failed") % {"failed": failed},
            _("Open Background jobs, look why, and try them again."),
        )
    if oldest and clock.now() - oldest > LONG_WAIT:
        return warn(
            _("the oldest has waited since %(since)s") % {"since": f"{oldest:%Y-%m-%d %H:%M}Z"},
            _("Start another worker, or look what the present one does."),
        )
    return ok(_("%(waiting)d wait, none failed") % {"waiting": waiting})


@probe(gettext_lazy("Backups"))
def _backups() -> Line:
    proven, last = ledger.last_proven(), ledger.last()
    if settings.FANGKONG_BACKUP_TO is None and proven is None:
        return (ok if settings.FANGKONG_DEMO else _bad_backup)(_("none are made"))
    if last is not None and last.problem:
        return bad(last.problem, _("Put it right, then: fangkong backup"))
    if proven is None:
        return bad(_("none has been proven"), _("Run: fangkong backup"))
    age = timezone.now() - datetime.fromisoformat(proven.made_at)
    said = _("last proven restore: %(at)s, %(rows)d rows") % {
        "at": f"{clock_of(proven.proven_at)}",
        "rows": proven.rows,
    }
    if age > OLD_BACKUP:
        return warn(said, _("It is older than a day and a half. Run: fangkong backup"))
    return ok(said)


def _bad_backup(said: str) -> Line:
    return bad(said, _("Set FANGKONG_BACKUP_TO and FANGKONG_BACKUP_KEY (docs/running.md)."))


def clock_of(moment: str) -> str:
    """A stored moment as people here read it."""
    return f"{datetime.fromisoformat(moment).astimezone(clock.zone()):%Y-%m-%d %H:%M}"


@probe(gettext_lazy("Mail"))
def _mail() -> Line | None:
    host, port = settings.EMAIL_HOST, settings.EMAIL_PORT
    if host == "localhost" and port == 25:  # Django's own default: nobody has set it
        return None
    try:
        if remote.greets(host, port, tls=settings.EMAIL_USE_SSL):
            return ok(f"{host}:{port}")
    except OSError as problem:
        return bad(
            f"{host}:{port}: {type(problem).__name__}", _("Check the mail server and its address.")
        )
    return bad(f"{host}:{port}", _("Check the mail server and its address."))


@probe(gettext_lazy("Certificate"))
def _certificate() -> Line | None:
    for origin in settings.ENVIRONMENT.origins:
        parts = urlsplit(origin)
        if parts.scheme == "https" and parts.hostname:
            try:
                return judge(remote.certificate_ends(parts.hostname, parts.port or 443))
            except OSError as problem:
                return warn(
                    f"{parts.hostname}: {type(problem).__name__}",
                    _("The public address does not answer from here; look at it from outside."),
                )
    return None


def judge(ends: datetime) -> Line:
    """What the end of a certificate means today."""
    left = ends - timezone.now()
    said = _("ends on %(day)s") % {"day": f"{ends:%Y-%m-%d}"}
    todo = _("Renew it at the proxy and load it anew.")
    if left < timedelta(0):
        return bad(said, todo)
    return warn(said, todo) if left < SOON else ok(said)


@probe(gettext_lazy("Printing"))
def _printing() -> Line:
    if find_library("pango-1.0") is None:
        return warn(_("Pango is missing: no PDF"), "apt install libpango-1.0-0 libpangoft2-1.0-0")
    try:
        found = subprocess.run(
            ["fc-list", ":lang=zh", "family"], capture_output=True, timeout=4, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ok(_("Pango is there"))
    if not found:
        return warn(_("no Chinese font: PDFs would show boxes"), "apt install fonts-noto-cjk")
    return ok(_("Pango and a Chinese font are there"))


@probe(gettext_lazy("Outgoing requests"))
def _outgoing() -> Line:
    allowed = sorted(settings.FANGKONG_OUTBOUND_ALLOW)
    if not allowed:
        return ok(_("no inner host may be reached"))
    return ok(_("these inner hosts may be reached: %(hosts)s") % {"hosts": listed(allowed)})
