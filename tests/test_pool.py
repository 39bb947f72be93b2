"""Behind PgBouncer, which pools by transactions: writes, lists and walls as without it.

Only where PgBouncer is installed, and with PostgreSQL.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs, urlsplit

import pytest

PGBOUNCER = shutil.which("pgbouncer")
pytestmark = [
    pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed"),
    pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="for PostgreSQL"),
]

# Two counties write and read at once over fewer connections of the server than there are threads.
WORK = """
import json, threading, uuid
import django; django.setup()
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from fangkong.accounts.tests import factories
from fangkong.core.roles import Role
from fangkong.core.walls.reach import everything
from fangkong.core.watch.probes import _database
from fangkong.places.models import Area, Facility
settings.ALLOWED_HOSTS = ["*"]
call_command("places", areas_only=True, verbosity=0)
counties = ["513326", "513301"]
places = {code: Area.objects.get(code=code) for code in counties}
staff = {code: factories.staff(Role.COUNTY_CDC, area=place) for code, place in places.items()}
wrong = []

def passed(sender, request, **more):
    request.session["sign_in"] = {**request.session["sign_in"], "factor": "totp"}

user_logged_in.connect(passed, weak=False)

def work(code, n):
    client = Client()
    client.force_login(staff[code])
    for m in range(5):
        body = {"name_zh": f"第{n}-{m}卫生院", "kind": "health_centre", "area": code}
        made = client.post("/api/v1/places/facilities/", json.dumps(body), "application/json",
                           headers={"Idempotency-Key": str(uuid.uuid4())})
        seen = client.get("/api/v1/people/")
        if (made.status_code, seen.status_code) != (201, 200):
            wrong.append([made.status_code, seen.status_code, made.content.decode()[:200]])
    connection.close()

threads = [threading.Thread(target=work, args=(counties[n % 2], n)) for n in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
with everything():
    made = Facility.objects.count()
print(json.dumps({"wrong": wrong, "made": made, "doctor": _database().said}))
"""


@pytest.fixture
def direct(new_database: Callable[[], str]) -> str:
    address = new_database()
    ran = _run("-m", "fangkong.config.cli", "migrate", DATABASE_URL=address)
    assert ran.returncode == 0, ran.stderr
    return address


@pytest.fixture
def pooled(direct: str, tmp_path: Path) -> Iterator[str]:
    """The same database through two connections of a pool."""
    told = urlsplit(direct)
    host = parse_qs(told.query).get("host", [told.hostname or "127.0.0.1"])[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = told.username or "postgres"
    settings = tmp_path / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={host} port={told.port or 5432} user={user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
        "unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = 2\n",
        "utf-8",
    )
    assert PGBOUNCER is not None
    command = [PGBOUNCER, str(settings)]
    if os.geteuid() == 0:  # as which it does not run
        owner = pwd.getpwuid(Path(host).stat().st_uid).pw_name if host.startswith("/") else "nobody"
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        command[1:1] = ["-u", owner]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = monotonic() + 10
        while monotonic() < until and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        assert process.poll() is None, "PgBouncer does not start"
        yield f"postgresql://{user}@127.0.0.1:{port}{told.path}"
    finally:
        process.terminate()
        process.wait()


def _run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "fangkong.config.settings", **more}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
    )


def test_two_counties_write_and_read_through_a_pool_between_transactions(pooled: str) -> None:
    ran = _run("-c", WORK, DATABASE_URL=pooled, FANGKONG_POOLED="1")

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["wrong"] == []
    assert said["made"] == 40
    assert "事务级连接池" in said["doctor"]


def test_a_pool_that_the_settings_do_not_know_of_is_not_reached(pooled: str) -> None:
    """It takes no time limits with the connection, so nothing is half right in silence."""
    ran = _run("-c", WORK, DATABASE_URL=pooled, FANGKONG_POOLED="0")

    assert ran.returncode != 0
    assert "get a connection" in ran.stderr
