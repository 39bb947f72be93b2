"""How long the list of 300,000 cases takes over HTTP, against a bare Django view, in one run.

Run as ``python benchmarks/first_page.py`` (or ``make bench``). The database is built once and kept
under ``var/bench``; delete that folder to have it built anew. Two servers then run side by side on
it: Fangkong, and a view that shows the same 50 rows by the same index from a plain template, with
no permission, no page kit and no translation. One client with a connection to each asks both by
turns: first pages, pages after a random row deep in, filters, as the headquarters and as a county.
Exits with 1 if the 95th percentile of all pages, or the median of any kind of page, is 300 ms or
more: the median, because forty times on a busy machine make no percentile to judge by.
"""

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from socket import socket
from statistics import median, quantiles
from time import monotonic, perf_counter, sleep
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

VERSION = 1  # of the data: a new number has them built anew
FOLDER = ROOT / "var" / "bench" / f"first_page-{VERSION}"
DATABASE = FOLDER / "fangkong.sqlite3"
DONE = FOLDER / "built"
SERVER_SETTINGS = {
    "FANGKONG_DATA": str(FOLDER),
    "FANGKONG_TODAY": "2022-12-31",
    "FANGKONG_LANGUAGE": "zh-hans",
    "DJANGO_SETTINGS_MODULE": "fangkong.config.settings",
}

CASES = 300_000
FIRST, DAYS = datetime(2020, 2, 1, tzinfo=UTC), 1_060  # almost three years
CHUNK = 5_000
COUNTY, CONDITION = "513326", "influenza"

ROUNDS = 40  # of every kind of page for both users
WARM_UP = 3
BOUND = 120  # seconds of measuring; the median of fewer rounds is shown when it ends earlier
TARGET = 300  # ms


# --- The database ---------------------------------------------------------------------------------


def use_settings() -> None:
    """Let this process see the benchmark's database, whatever its caller has set."""
    for name in [*os.environ]:
        if name.startswith("FANGKONG_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    os.environ.update(SERVER_SETTINGS)
    import django

    django.setup()


def build() -> None:
    """Areas, two members of staff, 300,000 persons with a case each; kept for the next run."""
    if not DONE.is_file():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
    use_settings()
    from django.core.management import call_command
    from django.db import connection, transaction

    begin = perf_counter()
    call_command("migrate", verbosity=0)  # new indexes reach a database that was kept, too
    if DONE.is_file():
        return
    print(f"building {CASES:,} cases once …", flush=True)
    call_command("places", verbosity=0)
    with transaction.atomic():
        make_staff()
        make_cases()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    DONE.touch()
    print(f"built in {perf_counter() - begin:.0f} s", flush=True)


def make_staff() -> None:
    from fangkong.accounts.models import Appointment, User
    from fangkong.core.record import stamps
    from fangkong.places.models import Area

    for name, role, code in (
        ("headquarters", "headquarters", "513300"),
        ("county", "county_cdc", COUNTY),
    ):
        user = User.objects.create(username=name, name=name, created_at=FIRST)
        area = Area.objects.filter(code=code).latest("valid_from")
        Appointment.objects.create(
            user=user, role=role, area=area, valid_from=date(2019, 1, 1), **stamps(None, FIRST)
        )


def make_cases() -> None:
    from fangkong.people.models import Person
    from fangkong.places import queries as places
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

    dice = random.Random(2020)
    counties = places.counties_of_home(date(2022, 12, 31))
    facility = Facility.objects.create(
        area=counties[0], name_zh="州人民医院", kind="hospital", created_at=FIRST, changed_at=FIRST
    )
    step = timedelta(days=DAYS) / CASES
    for start in range(0, CASES, CHUNK):
        ids = range(start + 1, start + CHUNK + 1)
        people = [_person(Person, n, dice) for n in ids]
        Person.objects.bulk_create(people)
        # Cases come in the order of their reports, as they do in life.
        cases = [
            _case(Case, n, FIRST + n * step, dice.choice(counties), facility, dice) for n in ids
        ]
        for case, person in zip(cases, people, strict=True):
            case.person_id = person.pk
        Case.objects.bulk_create(cases)


def _person(model: Any, n: int, dice: random.Random) -> Any:
    name = "".join(dice.choices("扎西德吉卓玛次仁多吉央金白玛曲珍丹增", k=4))
    born = date(1930, 1, 1) + timedelta(days=dice.randrange(32_000))
    stamp = {"created_at": FIRST, "changed_at": FIRST}
    return model(name=name, sex=str(1 + n % 2), birth_date=born, synthetic=True, **stamp)


def _case(
    model: Any, n: int, reported: datetime, county: Any, facility: Any, dice: random.Random
) -> Any:
    condition, hours = dice.choice([("covid-19", 2), (CONDITION, 24), ("measles", 24)])
    late = n % 10 == 0
    diagnosed = reported - timedelta(hours=hours * (1.5 if late else 0.5))
    new = n > CASES - CASES // 100  # the newest are not reviewed yet
    return model(
        created_at=reported,
        changed_at=reported,
        number=f"{county.code}-{reported.year}-{n:05d}",
        area=county,
        county=county,
        facility=facility,
        condition=condition,
        definition="cn-2020-01",
        case_class=dice.choice(["confirmed", "suspected"]),
        onset_date=(diagnosed - timedelta(days=dice.randrange(1, 9))).date(),
        diagnosed_at=diagnosed,
        reported_at=reported,
        report_due_at=diagnosed + timedelta(hours=hours),
        review_state="waiting" if new else "accepted",
        review_due_at=reported + timedelta(hours=hours),
        reviewed_at=None if new else reported + timedelta(hours=1),
        card_print=f"{n:064d}",
        synthetic=True,
    )


# --- The bare view --------------------------------------------------------------------------------

PLAIN = """<!doctype html><title>Cases</title><table>{% for c in cases %}<tr><td>{{ c.number }}</td>
<td>{{ c.condition }}</td><td>{{ c.case_class }}</td><td>{{ c.person.name }}</td>
<td>{{ c.county.short_zh }}</td><td>{{ c.onset_date|date:"Y-m-d" }}</td>
<td>{{ c.diagnosed_at|date:"Y-m-d H:i" }}</td><td>{{ c.reported_at|date:"Y-m-d H:i" }}</td>
<td>{{ c.report_due_at|date:"Y-m-d H:i" }}</td></tr>{% endfor %}</table>"""


urlpatterns: list[Any] = []  # of the bare server


def serve_bare(port: int) -> None:
    """What Django takes at least: these rows, this template, nothing else."""
    import django
    import uvicorn
    from django.conf import settings

    from fangkong.config import sqlite

    sqlite.use_newest()
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY="of-no-use-here",
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        TIME_ZONE="Asia/Shanghai",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATABASE)}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        LOGGING_CONFIG=None,
    )
    # The same settings of the connection as the product's, or the two would not be comparable.
    settings.DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA foreign_keys=ON; PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000;",
    }
    django.setup()
    urlpatterns.append(_bare_path())
    from django.core.asgi import get_asgi_application

    uvicorn.run(
        get_asgi_application(), host="127.0.0.1", port=port, log_level="warning", lifespan="off"
    )


def _bare_path() -> Any:
    from django.db import models
    from django.http import HttpRequest, HttpResponse
    from django.template import engines
    from django.urls import path

    class Place(models.Model):  # noqa: DJ008  # never shown by itself
        code = models.CharField()
        short_zh = models.CharField()

        class Meta:
            app_label, managed, db_table = "bare", False, "places_area"

    class Patient(models.Model):  # noqa: DJ008  # never shown by itself
        name = models.CharField()

        class Meta:
            app_label, managed, db_table = "bare", False, "people_person"

    class Row(models.Model):  # noqa: DJ008  # never shown by itself
        number = models.CharField()
        condition = models.CharField()
        case_class = models.CharField()
        onset_date = models.DateField()
        diagnosed_at = models.DateTimeField()
        reported_at = models.DateTimeField()
        report_due_at = models.DateTimeField()
        person = models.ForeignKey(Patient, models.PROTECT)
        county = models.ForeignKey(Place, models.PROTECT)

        class Meta:
            app_label, managed, db_table = "bare", False, "surveillance_case"

    template = engines["django"].from_string(PLAIN)
    counties = {place.code: place.pk for place in Place._default_manager.order_by("pk")}

    def view(request: HttpRequest) -> HttpResponse:
        asked = request.GET
        rows = Row._default_manager.select_related("person", "county")
        if "county" in asked:
            rows = rows.filter(county_id=counties[asked["county"]])
        if "condition" in asked:
            rows = rows.filter(condition=asked["condition"])
        if "clock" in asked:
            rows = rows.filter(reported_at__gt=models.F("report_due_at"))
        if "at" in asked:
            moment = datetime.fromisoformat(asked["at"])
            same = models.Q(reported_at__lt=moment) | models.Q(pk__lt=int(asked["pk"]))
            rows = rows.filter(same, reported_at__lte=moment)
        return HttpResponse(
            template.render({"cases": rows.order_by("-reported_at", "-pk")[:50]}, request)
        )

    return path("cases/", view)


# --- Two servers and a client ---------------------------------------------------------------------


@contextmanager
def running(command: list[str], port: int) -> Iterator[HTTPConnection]:
    """A server of our own, and a kept-alive connection to it once it answers."""
    server = subprocess.Popen(command, cwd=ROOT)
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        for _ in range(300):
            if server.poll() is not None:
                raise SystemExit(f"{command[1]} ended with {server.returncode}")
            try:
                connection.connect()
                break
            except OSError:
                sleep(0.1)
        yield connection
    finally:
        connection.close()
        server.terminate()
        server.wait(20)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(connection: HTTPConnection, url: str, cookie: str = "") -> tuple[float, bytes]:
    """Milliseconds until the whole page is here, and the page."""
    start = perf_counter()
    headers = {"Cookie": cookie} if cookie else {}
    connection.request("GET", url, headers=headers)
    response = connection.getresponse()
    body = response.read()
    taken = (perf_counter() - start) * 1000
    if response.status != 200:
        raise SystemExit(f"{url} answered {response.status}: nothing was measured")
    return taken, body


def signed_in(username: str) -> str:
    """The cookie of a session; signing in is not what is measured."""
    from django.conf import settings
    from django.test import Client

    from fangkong.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(username=username))
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


# --- What is asked --------------------------------------------------------------------------------


@dataclass
class Kind:
    """A kind of page as one user asks for it, with the times of both servers."""

    name: str
    user: str
    filters: dict[str, str]
    deep: bool = False
    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def urls(self, dice: random.Random) -> tuple[str, str]:
        """The page of the product, and the same rows of the bare view."""
        ours, bare = dict(self.filters), dict(self.filters)
        if self.user == "county":
            bare.setdefault("county", COUNTY)
        if self.deep:
            row = _row(dice.randrange(1000, CASES))
            ours["after"] = _cursor(row.reported_at, row.pk)
            bare |= {"at": row.reported_at.isoformat(), "pk": str(row.pk)}
        return f"/surveillance/monitoring/?{urlencode(ours)}", f"/cases/?{urlencode(bare)}"


def _row(pk: int) -> Any:
    from fangkong.surveillance.monitoring.models import Case

    return Case.objects.only("reported_at").get(pk=pk)


def _cursor(reported_at: datetime, pk: int) -> str:
    """The cursor that a page ending with this row would link to."""
    from fangkong.core.pages import keyset

    return keyset._encode(False, SimpleNamespace(_order=reported_at, pk=pk))  # type: ignore[arg-type]  # it reads these two


def kinds() -> list[Kind]:
    every = [
        ("first page", {}, False),
        ("a page deep in", {}, True),
        ("by disease", {"condition": CONDITION}, False),
        ("by disease, deep in", {"condition": CONDITION}, True),
        ("reported late", {"clock": "late"}, False),
    ]
    found = [Kind(n, user, f, deep) for user in ("headquarters", "county") for n, f, deep in every]
    county = {"county": COUNTY}
    found.insert(3, Kind("by county", "headquarters", county))
    found.insert(4, Kind("by county, deep in", "headquarters", county, True))
    return found


def numbers(body: bytes) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\b\d{6}-\d{4}-\d{5,6}\b", body.decode())))


def measure(asked: list[Kind], ours: HTTPConnection, bare: HTTPConnection) -> bytes:
    """Ask both servers by turns in a random order; gives the first page of the headquarters."""
    cookies = {name: signed_in(name) for name in ("headquarters", "county")}
    dice, first, until = random.Random(1), b"", monotonic() + BOUND
    for turn in range(WARM_UP + ROUNDS):
        for kind in dice.sample(asked, len(asked)):
            if monotonic() > until:
                return first
            our_url, bare_url = kind.urls(dice)
            our_time, page = get(ours, our_url, cookies[kind.user])
            bare_time, plain = get(bare, bare_url)
            if numbers(page) != numbers(plain) or len(numbers(page)) != 50:
                raise SystemExit(f"{our_url} and {bare_url} do not show the same 50 cases")
            first = page if kind is asked[0] else first
            if turn >= WARM_UP:
                kind.ours.append(our_time)
                kind.bare.append(bare_time)
    return first


def p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


def tell(asked: list[Kind], first: bytes) -> bool:
    """Print the table; whether the target is met."""
    rounds = min(len(kind.ours) for kind in asked)
    print(f"list of {CASES:,} cases, {rounds} rounds, ms over HTTP until the page is whole")
    print(f"{'':38}{'list':>16}{'bare Django':>18}{'ratio':>8}")
    print(f"{'':38}{'p50':>8}{'p95':>8}{'p50':>10}{'p95':>8}{'p50':>8}")
    for kind in asked:
        _line(f"{kind.user}: {kind.name}", kind.ours, kind.bare)
    _line("all", [t for k in asked for t in k.ours], [t for k in asked for t in k.bare])
    print(f"the first page: {len(gzip.compress(first)):,} bytes gzipped, {len(first):,} plain")
    overall = p95([t for kind in asked for t in kind.ours])
    slowest = max(asked, key=lambda kind: median(kind.ours))
    met = overall < TARGET and median(slowest.ours) < TARGET
    print(
        f"target: p95 of the list below {TARGET} ms: {overall:.0f} ms; slowest kind "
        f"({slowest.user}: {slowest.name}) {median(slowest.ours):.0f} ms: "
        f"{'met' if met else 'MISSED'}"
    )
    return met


def _line(name: str, ours: list[float], bare: list[float]) -> None:
    ratio = median(ours) / median(bare)
    print(
        f"{name:38}{median(ours):>8.1f}{p95(ours):>8.1f}{median(bare):>10.1f}{p95(bare):>8.1f}"
        f"{ratio:>7.1f}x"
    )


def main() -> int:
    if sys.argv[1:2] == ["--bare"]:
        serve_bare(int(sys.argv[2]))
        return 0
    build()
    port, bare_port = free_port(), free_port()
    server = [sys.executable, "-m", "uvicorn", "fangkong.config.asgi:application"]
    server += ["--port", str(port), "--log-level", "warning", "--lifespan", "off"]
    bare_server = [sys.executable, __file__, "--bare", str(bare_port)]
    asked = kinds()
    with running(server, port) as ours, running(bare_server, bare_port) as bare:
        first = measure(asked, ours, bare)
    if min(len(kind.ours) for kind in asked) < 5:
        print(f"after {BOUND} s there are fewer than 5 rounds: MISSED")
        return 1
    return 0 if tell(asked, first) else 1


if __name__ == "__main__":
    sys.exit(main())
