"""How long somebody else waits while a laboratory sends five hundred results.

    python benchmarks/messages.py [sqlite] [postgresql]

A message (HL7) and a file of 500 results of as many persons are entered by this process. Beside it
another one writes one small row after the other, as a colleague would, and notes how long each
took. Printed: the time of message and file, and the median, 99th percentile and longest of the
other's writes; then the same with all in one transaction, which is how it was.

Exits with 1 where one of the other's writes took a second or more.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

from benchmarks.ground import databases  # noqa: E402

RESULTS = 500
LONGEST = 1.0  # seconds that another writer may wait
METHODS = ("94500-6", "rt-pcr")


def one(kind: str) -> int:
    """Measure on one kind of database; 1 where somebody waited too long."""
    databases.use(kind, databases.VILLAGE)
    from fangkong.core import clock

    at = clock.now()
    user, laboratory, facility = places(at)
    print(f"\n{kind}: {RESULTS} results")
    good = True
    for label, send, portion in (
        ("message", message, 0),
        ("file", table, 0),
        ("message, one transaction", message, RESULTS),
    ):
        numbers = tubes(facility, laboratory, user, at)
        seconds, waits = beside(lambda send=send, numbers=numbers, portion=portion: send(
            numbers, laboratory, user, at + timedelta(minutes=1), portion
        ))  # fmt: skip
        waits.sort()
        late = waits[int(len(waits) * 0.99)]
        print(
            f"{label:<26}{seconds:6.1f} s, {RESULTS / seconds:4.0f} a second; another wrote"
            f" {len(waits)} rows: median {waits[len(waits) // 2] * 1e3:.0f} ms,"
            f" 99 of 100 in {late * 1e3:.0f} ms, longest {waits[-1] * 1e3:.0f} ms",
            flush=True,
        )
        good &= portion > 0 or waits[-1] < LONGEST
    return 0 if good else 1


def places(at: Any) -> tuple[Any, Any, Any]:
    """Who enters, for which laboratory, and where the tubes were filled."""
    from fangkong.accounts.models import Appointment, User
    from fangkong.core import clock
    from fangkong.core.roles import Role
    from fangkong.places.models import Facility

    rows = Facility.objects.select_related("area__county").order_by("pk")
    facility = rows.filter(area__county__isnull=False).first()
    assert facility is not None
    user, _new = User.objects.get_or_create(
        username="bench-technician", defaults={"name": "bench", "synthetic": True, "created_at": at}
    )
    Appointment.objects.get_or_create(
        user=user, role=Role.LABORATORY, facility=facility,
        defaults={"valid_from": clock.day_of(at), "created_at": at, "changed_at": at},
    )  # fmt: skip
    return user, facility, facility


def tubes(facility: Any, laboratory: Any, user: Any, at: Any) -> list[str]:
    """The numbers of new tubes that are on their way, each of another person."""
    from fangkong.people import actions as people
    from fangkong.surveillance.testing import actions
    from fangkong.surveillance.testing.types import RequestFacts

    facts = RequestFacts(
        condition="covid-19", group="fever-clinic", specimen_type="oropharyngeal-swab"
    )
    made = []
    for n in range(RESULTS):
        person = people.register(name=f"测试{n}", area=facility.area, by=user, at=at)
        tube = actions.request(
            facts=facts, person=person, facility=facility, laboratory=laboratory,
            collected_at=at, synthetic=True, by=user, at=at,
        )  # fmt: skip
        made.append(tube.number)
    return made


def message(numbers: list[str], laboratory: Any, user: Any, at: Any, portion: int) -> None:
    """All of them in one ORU^R01."""
    from fangkong.core import clock
    from fangkong.surveillance.exchange import actions, hl7v2, queries, rules

    vars(actions)["PORTION"] = portion or rules.PORTION
    lines = [f"MSH|^~\\&|LIS|LAB|FK|BENCH|20221231||ORU^R01|{numbers[0]}|P|2.5.1||||||UTF-8"]
    for number in numbers:
        lines.append(f"OBR|1|{number}|L-{number}|94500-6" + "|" * 21 + "F")
        lines.append("OBX|1|CWE|94500-6||NEG||||||F")
    _id, results = hl7v2.read("\r".join(lines).encode(), queries.methods(at), clock.zone())
    said = {"channel": "hl7", "message_id": numbers[0], "digest": numbers[0]}
    taken = actions.take(**said, results=results, laboratory=laboratory, by=user, at=at)
    assert taken.results.filter(fate="entered").count() == len(numbers)


def table(numbers: list[str], laboratory: Any, user: Any, at: Any, portion: int) -> None:
    """All of them in one file, from the upload to the last row."""
    from fangkong.core.imports import actions as kit
    from fangkong.core.imports.types import Place
    from fangkong.surveillance.exchange.imports import RESULTS as RESULT_FILES

    text = "采样管编号,检测结果\n" + "".join(f"{number},阴性\n" for number in numbers)
    place = Place(laboratory.area.county_id, laboratory.area_id, laboratory.pk, "bench")
    run = kit.upload(
        kind=RESULT_FILES.name, content=kit.FileContent(text.encode()), file_name="results.csv",
        place=place, synthetic=True, by=user, at=at,
    )  # fmt: skip
    if run.state != "ready":
        kit.check(run=run, by=user, at=at)
        run.refresh_from_db()
    run = kit.enter(run=kit.confirm(run=run, by=user, at=at), at=at)
    assert run.imported == len(numbers), (run.imported, run.errors)


def beside(work: Any) -> tuple[float, list[float]]:
    """How long some work takes, and how long each write of another process took meanwhile."""
    command = [sys.executable, __file__, "--colleague"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        other.stdout.readline()  # it has written its first row
        began = perf_counter()
        work()
        seconds = perf_counter() - began
        other.stdin.close()
        waits = [float(line) for line in other.stdout]
    return seconds, waits


def colleague() -> None:
    """Write one small row after the other until nobody listens, and tell how long each took."""
    import select

    import django

    django.setup()
    from django.db import transaction

    from fangkong.accounts.models import User
    from fangkong.core import clock
    from fangkong.core.audit import actions as audit

    subject = User.objects.get(username="headquarters")

    def write() -> float:
        began = perf_counter()
        with transaction.atomic():
            audit.record("bench.messages.write", subject, by=None, at=clock.now())
        return perf_counter() - began

    write()
    print("ready", flush=True)
    waits = []
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        waits.append(write())
    print("\n".join(map(str, waits)), flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--colleague"]:
        colleague()
        raise SystemExit(0)
    raise SystemExit(databases.on_each(one))
