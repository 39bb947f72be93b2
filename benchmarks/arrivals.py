"""What arrivals and sweeps cost among 300,000 rows, beside 10,000.

    python benchmarks/arrivals.py [sqlite] [postgresql]

As many arrivals come each day in both databases, and a sweep has as many doors: only what lies
before differs. Measured are the list, the figures and the page of one checkpoint, the look-up of a
person by number, registering somebody new, the page of a sweep, the doors of a cell and one visit
of a door: statements, and CPU of this process and of PostgreSQL, as the median of the rounds. Ends
with 1 where one of them asks a statement more among many, or costs more than half as much CPU
again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases, rows  # noqa: E402
from benchmarks.ground.databases import Bare, Size, load  # noqa: E402
from benchmarks.ground.measuring import spent  # noqa: E402

FEW, MANY = 10_000, 300_000
ROUNDS, TIMES = 5, 8  # calls in a round: the clock of CPU has steps of ten milliseconds
GROWTH = 1.5
A_DAY = 700  # arrivals
DOORS, CELLS = 40, 25  # of a cell, of a sweep
TODAY = date(2020, 2, 5)
AT = datetime(2020, 2, 5, 2, tzinfo=UTC)
DAY = timedelta(days=1)


# --- The rows -------------------------------------------------------------------------------------


def fill(size: Size) -> None:
    """Persons with a document and a phone, an arrival and a door for each, one visit a door."""
    from django.core.management import call_command
    from django.db import transaction

    from fangkong.people import name_parts
    from fangkong.people.models import IdentityDocument, NamePart, Person, Phone
    from fangkong.surveillance.arrivals.models import Answer, Arrival, Asked, Passage
    from fangkong.surveillance.sweeps.models import DoorVisit, Household, Sweep, SweepCell

    call_command("places", verbosity=0)
    rows.make_staff()
    counties = rows.county_keys()
    gates = _gates(counties)
    cells = _cells(counties, -(-size.persons // DOORS))
    people = (Person, NamePart, IdentityDocument, Phone)
    tables = (Arrival, Answer, Asked, Passage, Household, Sweep, SweepCell, DoorVisit)
    with transaction.atomic(), Bare(*people, *tables):
        rows.make_persons(size.persons, counties)
        name_parts.rebuild()
        _arrivals(size.persons, counties, gates)
        _sweeps(size.persons, cells)


def _gates(counties: list[tuple[int, str]]) -> list[tuple[int, int, int]]:
    """A checkpoint in each county: its key, that of its place, and that of the county."""
    from fangkong.core.record import stamps
    from fangkong.places.models import Facility
    from fangkong.surveillance.arrivals.models import Checkpoint

    found = []
    for county, code in counties:
        stamped = stamps(None, rows.FIRST - 30 * DAY)
        place = Facility.objects.create(
            **stamped, area_id=county, name_zh=f"检查点{code}", kind="checkpoint"
        )
        gate = Checkpoint.objects.create(**stamped, facility=place, county_id=county)
        found.append((gate.pk, place.pk, county))
    return found


def _cells(counties: list[tuple[int, str]], many: int) -> list[tuple[int, int]]:
    """Grid cells, ``CELLS`` of a sweep together in one county; the first ones in ``COUNTY``."""
    from fangkong.places import actions as places
    from fangkong.places.types import AreaFacts, Level

    order = sorted(counties, key=lambda one: one[1] != rows.COUNTY)
    found = []
    for n in range(many):
        key, code = order[n // CELLS % len(order)]
        facts = AreaFacts(
            code=f"{code}-B{n:05d}",
            level=Level.GRID.value,
            name_zh=f"第{n}网格",
            name_en=f"Cell {n}",
            parent_id=key,
            valid_from=TODAY - 900 * DAY,
            synthetic=True,
        )
        found.append((places.put_area(facts=facts, by=None, at=rows.FIRST).pk, key))
    return found


def _day_of(n: int, people: int) -> date:
    """``A_DAY`` a day, the last of them today."""
    return TODAY - (people - n) // A_DAY * DAY


def _arrivals(people: int, counties: list[tuple[int, str]], gates: list[Any]) -> None:
    from fangkong.surveillance.arrivals.models import Answer, Arrival, Passage

    def stamped(table: int, n: int) -> tuple[Any, ...]:
        moment = rows.moment(datetime.combine(_day_of(n, people), AT.time(), UTC))
        return n, rows.key(table, n), moment, moment

    def arrivals() -> Iterator[tuple[Any, ...]]:
        for n in range(1, people + 1):
            county = counties[n * 31 % len(counties)][0]
            gate, place, there = gates[n % len(gates)]
            made = stamped(11, n)
            day = _day_of(n, people).isoformat()
            where = (gate, place, there, county, county, made[2], day, day)
            tier = ("ganzi-4-key-area", "ganzi-4-elsewhere", "")[n % 3]
            said = ("[]", "湖北武汉", "[]", tier, "[]", "cn-2020-01", "", False, False, "[]", "[]")
            state = ("waiting", "received")[n % 2] if n > people - 2 * A_DAY else "received"
            yield (*made, n, "covid-19", *where, *said, state, "", True)

    columns = ["id", "public_id", "created_at", "changed_at", "person_id", "condition"]
    columns += ["checkpoint_id", "gate_id", "gate_county_id", "area_id", "county_id", "arrived_at"]
    columns += ["arrived_date", "as_of", "stays", "origin", "signs", "tier", "also", "pack"]
    columns += ["clause", "not_yet", "fetched", "tests_due", "phases", "state", "reason"]
    load(Arrival, [*columns, "synthetic"], arrivals())
    shared = ["id", "public_id", "created_at", "changed_at", "arrival_id"]
    load(
        Passage,
        [*shared, "checkpoint_id", "day", "passed_at"],
        (
            (*(made := stamped(12, n)), n, gates[n % len(gates)][0], _day_of(n, people), made[2])
            for n in range(1, people + 1)
        ),
    )
    load(  # answers are sealed: the ciphertext is left out
        Answer,
        [*shared, "person_id", "question", "value", "answered_at"],
        ((*(made := stamped(13, n)), n, n, "came-from", "", made[2]) for n in range(1, people + 1)),
    )


def _sweeps(people: int, cells: list[tuple[int, int]]) -> None:
    from fangkong.surveillance.sweeps.models import DoorVisit, Household, Sweep, SweepCell

    moment, last = rows.moment(AT - 30 * DAY), (TODAY + 5 * DAY).isoformat()
    first = (TODAY - 60 * DAY).isoformat()

    def shared(table: int, n: int) -> tuple[Any, ...]:
        return n, rows.key(table, n), moment, moment

    stamps = ["id", "public_id", "created_at", "changed_at"]
    sweeps = -(-len(cells) // CELLS)
    load(
        Sweep,
        [*stamps, "title", "county_id", "first_date", "last_date", "synthetic"],
        (
            (*shared(14, n + 1), f"排查{n}", cells[n * CELLS][1], first, last, True)
            for n in range(sweeps)
        ),
    )
    load(
        SweepCell,
        [*stamps, "sweep_id", "cell_id"],
        ((*shared(15, n + 1), n // CELLS + 1, cell) for n, (cell, _county) in enumerate(cells)),
    )
    load(  # doors are sealed: the ciphertext is left out, the index stands for another
        Household,
        [*stamps, "cell_id", "county_id", "door", "door_index", "synthetic"],
        ((*shared(16, n + 1), *cells[n // DOORS], "", f"{n:024x}", True) for n in range(people)),
    )
    load(
        DoorVisit,
        [*stamps, "sweep_id", "household_id", "day", "outcome", "note"],
        (
            (*shared(17, n + 1), n // DOORS // CELLS + 1, n + 1, TODAY - DAY, "registered", "")
            for n in range(people)
            if n % 2
        ),
    )


# --- What is measured -----------------------------------------------------------------------------


def asked(people: int) -> dict[str, Callable[[], None]]:
    """Each call by its name."""
    from django.test import Client
    from django.urls import reverse

    from fangkong.accounts.models import User
    from fangkong.surveillance.arrivals import actions as arrivals
    from fangkong.surveillance.arrivals.models import Checkpoint
    from fangkong.surveillance.arrivals.types import ArrivalFacts
    from fangkong.surveillance.sweeps import actions as sweeps
    from fangkong.surveillance.sweeps.models import Household, Sweep
    from fangkong.surveillance.sweeps.types import DoorFacts

    user = User.objects.get(username="county")
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    session: Any = client.session  # opened with a second factor
    session["sign_in"] = {**session["sign_in"], "factor": "totp"}
    session.save()
    gate = Checkpoint.objects.get(county__code=rows.COUNTY)
    sweep = Sweep.objects.get(pk=1)
    home = Household.objects.get(pk=1)
    number = count(1)

    def page(name: str, *args: object, **sent: str) -> Callable[[], None]:
        url = reverse(name, args=args)

        def call() -> None:
            answer = client.post(url, sent) if sent else client.get(url)
            if answer.status_code != 200:
                raise SystemExit(f"{url}: {answer.status_code}")
            assert answer.content

        return call

    def register() -> None:
        n = next(number)
        said = {
            "full-name": f"王小山{n}",
            "mobile": f"139{people % 10_000:04d}{n:04d}",
            "staying-at": "道孚县鲜水镇团结社区2号",
            "came-from": "湖北省武汉市",
            "left-on": "2020-02-01",
            "symptoms": "no",
        }
        facts = ArrivalFacts(answers=said, shown=tuple(said))
        arrivals.register(facts=facts, checkpoint=gate, synthetic=True, by=user, at=AT)

    def visit() -> None:
        facts = DoorFacts(outcome="registered", residents=1 + next(number) % 9)
        sweeps.visit(sweep=sweep, household=home, facts=facts, by=user, at=AT)

    return {
        "arrivals: list": page("surveillance:arrivals:index"),
        "arrivals: figures": page("surveillance:arrivals:figures"),
        "arrivals: checkpoint": page("surveillance:arrivals:checkpoint", gate.public_id),
        "arrivals: look up": page("surveillance:arrivals:find", text=rows.document_of(people // 2)),
        "arrivals: register": register,
        "sweeps: page": page("surveillance:sweeps:detail", sweep.public_id),
        "sweeps: doors": page("surveillance:sweeps:doors", sweep.public_id, home.cell.public_id),
        "sweeps: visit": visit,
    }


def one(word: str) -> int:
    """Measure on one database, and print name, statements and milliseconds of CPU."""
    kind, size = word.split(":")
    databases.TODAY = TODAY.isoformat()
    ground = databases.use(kind, Size(persons=int(size), cases=5), fill)
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS = ["*"]
    for name, call in asked(int(size)).items():
        call()
        with CaptureQueriesContext(connection) as asked_for:
            call()
        statements = len(asked_for)  # now: the next request empties the log
        for _time in range(TIMES):  # a round to warm up: the first of a database are its disk's
            call()
        _took, cpu = spent(call, ground.postmaster, rounds=ROUNDS, times=TIMES)
        print(f"{name}\t{statements}\t{cpu:.2f}", flush=True)
    return 0


def measured(kind: str, size: int) -> dict[str, tuple[int, float]]:
    command = [sys.executable, __file__, "--one", f"{kind}:{size}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    return {name: (int(statements), float(spent)) for name, statements, spent in lines}


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        return one(sys.argv[2])
    missed = False
    for kind in [kind for kind in databases.KINDS if kind in sys.argv[1:]] or databases.KINDS:
        few, many = (measured(kind, size) for size in (FEW, MANY))
        print(f"\n{kind}: statements and ms of CPU among {FEW:,} and {MANY:,} arrivals and doors")
        for name, (statements, first) in few.items():
            more, later = many[name]
            grown = more > statements or later > GROWTH * first
            missed |= grown
            print(
                f"{name:>22}{statements:>5}{more:>5}{first:>9.1f}{later:>9.1f}"
                f"{later / first:>7.2f}{'  GROWS' if grown else ''}"
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
