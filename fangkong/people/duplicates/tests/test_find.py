"""The register is searched in another process; pairs come, go and are not asked for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from fangkong.core import clock
from fangkong.core.audit.models import AuditLine, RowChange
from fangkong.core.queue import actions as queue
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.people import actions as people
from fangkong.people.duplicates import actions, finding, jobs, linkage, queries
from fangkong.people.duplicates.models import Pair, Run
from fangkong.people.duplicates.tests import factories as two
from fangkong.people.models import Person
from fangkong.people.tests.factories import AT, resident_id, staff
from fangkong.people.tests.factories import person as entered
from fangkong.people.types import Document, PhoneNumber
from fangkong.places.tests.factories import world as places

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LATER = AT + timedelta(hours=1)
BORN = date(1985, 3, 9)


@pytest.fixture(autouse=True)
def house(settings, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"


@pytest.fixture
def areas(db):
    return places()


def herder(area, name="泽仁拥忠", **facts):
    said = {"birth_date": BORN, "sex": "2", "documents": [], "phones": [], **facts}
    return entered(area, name=name, **said)


def twice(town):
    """One herder, entered by two clerks who wrote the name as they heard it."""
    return (
        herder(town, phones=[two.phone(1)]),
        herder(town, "泽仁拥中", phones=[two.phone(1)]),
    )


def searched(at=AT, **options):
    run = actions.request_run(trigger="on_demand", by=None, at=at)
    return actions.find(run=run, by=None, at=at, options=linkage.Options(**options))


def found():
    return {(pair.one_id, pair.other_id): pair for pair in Pair.objects.order_by("pk")}


def test_a_search_finds_whom_the_register_holds_twice_and_says_what_agrees(areas):
    town, kangding = areas["513326100"], areas["513301"]
    one = herder(town, documents=[Document("passport", "E12345678")], phones=[two.phone(1)])
    sound = herder(town, "泽仁拥中", phones=[two.phone(1)])  # another character of the same sound
    swapped = herder(town, birth_date=date(1985, 9, 3), phones=[two.phone(1)])
    moved = herder(kangding, phones=[two.phone(1)])
    other = herder(town, "格桑曲珍", birth_date=date(1950, 1, 1), phones=[two.phone(2)])
    erased = herder(town, "泽仁拥忠", birth_date=date(1985, 3, 8), phones=[two.phone(1)])
    Person.objects.filter(pk=erased.pk).update(restricted_at=AT)

    run = searched()

    pairs = found()
    assert {one.pk, sound.pk, swapped.pk, moved.pk} == {key for pair in pairs for key in pair}
    assert other.pk not in {key for pair in pairs for key in pair}
    said = pairs[one.pk, sound.pk]
    assert said.agreed == {
        "name": "sound", "born": "same", "phone": "same", "sex": "same", "place": "town",
    }  # fmt: skip
    assert pairs[one.pk, swapped.pk].agreed["born"] == "swapped"
    assert said.county == areas["513326"] and pairs[one.pk, moved.pk].county is None
    assert (run.person_count, run.pair_count, run.new_count) == (5, len(pairs), len(pairs))
    assert (run.weights_from, run.stage) == ("delivered", "done")
    assert AuditLine.objects.filter(action="people.duplicates.find").get().by is None


def test_after_a_search_the_database_knows_how_many_pairs_there_are(areas):
    town = areas["513326100"]
    twice(town)
    searched()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'people_pair'")
            assert cursor.fetchone() == (1,)
    assert len(found()) == 1


def test_a_search_again_changes_nothing_and_what_is_found_no_more_goes(areas):
    town = areas["513326100"]
    one, other = twice(town)
    searched()
    assert len(found()) == 1
    before, rows = found(), RowChange.objects.filter(table_name="people_pair").count()

    assert searched(LATER).new_count == 0

    assert found()[one.pk, other.pk].changed_at == before[one.pk, other.pk].changed_at
    assert RowChange.objects.filter(table_name="people_pair").count() == rows
    people.correct(
        person=other,
        changes={"name": "格桑曲珍", "birth_date": date(1950, 1, 1)},
        by=None,
        at=LATER,
    )
    searched(LATER)
    assert found() == {}


def test_two_persons_are_not_asked_for_again_unless_a_number_changes(areas):
    town, by = areas["513326100"], staff(Role.COUNTY_CDC, areas["513326"])
    one, _other = twice(town)
    searched()
    two.apart(Pair.objects.get(), by, AT)

    searched(LATER)
    assert Pair.objects.get().judged_at == AT and not queries.open_to(by, LATER).exists()

    people.add_phone(person=one, number="13800000003", by=None, at=LATER)
    searched(LATER)
    pair = Pair.objects.get()
    assert (pair.judged_at, pair.numbers_digest) == (None, "") and queries.open_to(by, LATER)

    two.apart(pair, by, LATER)
    third = herder(town, "泽仁拥忠", birth_date=date(1985, 9, 3), phones=[two.phone(1)])
    searched(LATER)
    joined = two.merge(found()[one.pk, third.pk], third, by, LATER)
    searched(LATER)
    # ``one`` is ``third`` by now, and ``one`` and ``other`` were judged two persons.
    assert [key for key, pair in found().items() if pair in queries.open_to(by, LATER)] == []
    two.undo(joined, by, LATER)
    assert (one.pk, third.pk) in {(p.one_id, p.other_id) for p in queries.open_to(by, LATER)}


def test_two_citizens_numbers_are_no_pair(areas):
    town = areas["513326100"]
    entered(town, phones=[two.phone(1)])
    entered(town, documents=[resident_id(born=date(1985, 12, 31), order=7)], phones=[two.phone(1)])

    assert searched().pair_count == 0


def test_a_killed_search_starts_again_and_keeps_nothing_of_the_first(areas, monkeypatch):
    """The other process dies in the middle: the job fails, is tried again, and finds the same."""
    town = areas["513326100"]
    herder(town, phones=[two.phone(1)])
    herder(town, "泽仁拥中", phones=[two.phone(1)])
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def killed(*args, **kwargs):
        process = popen(*args, **kwargs)
        started.append(process)
        os.kill(process.pid, signal.SIGKILL)
        return process

    run = actions.request_run(trigger="on_demand", by=None, at=AT)
    job = Job.objects.get(name=queries.JOB, subject_id=run.pk)
    monkeypatch.setattr(
        finding, "subprocess", SimpleNamespace(**vars(subprocess) | {"Popen": killed})
    )
    queue.run_job.func(job.pk)
    job.refresh_from_db()
    assert (job.state, job.tries, Pair.objects.count()) == ("waiting", 1, 0)
    assert job.problem.startswith("SearchFailed") and started[0].poll() is not None
    assert Run.objects.get(pk=run.pk).ended_at is None

    monkeypatch.setattr(finding, "subprocess", subprocess)
    queue.run_job.func(job.pk)
    job.refresh_from_db()
    assert (job.state, job.percent, Pair.objects.count()) == ("done", 100, 1)
    assert (job.done, job.total) == (finding.PARTS - 1, finding.PARTS)
    actions.find(run=run, by=None, at=LATER)  # once more changes nothing
    assert Run.objects.get(pk=run.pk).ended_at == AT


def test_whoever_asks_while_a_search_waits_gets_that_one(db, monkeypatch):
    first = actions.request_run(trigger="on_demand", by=None, at=AT)
    jobs.nightly(LATER)

    assert Run.objects.get() == first and Job.objects.filter(name=queries.JOB).count() == 1
    monkeypatch.setattr(finding, "find_spec", lambda name: None)
    with pytest.raises(actions.NotInstalled, match="linkage"):
        actions.request_run(trigger="on_demand", by=None, at=LATER)
    Run.objects.all().delete()
    jobs.nightly(LATER)
    assert not Run.objects.exists()


def test_the_other_process_tells_only_the_kind_of_its_fault():
    process = subprocess.run(
        [sys.executable, "-m", "fangkong.people.duplicates.linkage"],
        input=b'{"bound": 1.0}\nno arrow, and \xe6\x89\x8e\xe8\xa5\xbf',
        capture_output=True,
        timeout=60,
    )

    assert process.returncode == 1
    assert process.stdout.startswith(b'{"fault":') and b"\xe6" not in process.stdout


def test_the_other_process_ends_with_whoever_started_it():
    """Its input ends in the middle of the work: it is gone, whatever it does."""
    read, write = os.pipe()
    gone: list[int] = []
    with os.fdopen(read, "rb") as source, pytest.MonkeyPatch.context() as patch:
        patch.setattr(linkage.os, "_exit", lambda code: gone.append(code))
        linkage._ends_with(source)
        assert threading.active_count() > 1 and gone == []
        os.close(write)
        for thread in threading.enumerate():
            if thread is not threading.main_thread() and thread.daemon:
                thread.join(5)
    assert gone == [1]


def test_the_server_never_loads_what_compares():
    code = (
        "import django, sys; django.setup(); from django.urls import get_resolver;"
        "get_resolver().url_patterns; import fangkong.people.duplicates.jobs;"
        "print([name for name in ('splink', 'duckdb', 'sqlglot') if name in sys.modules])"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "fangkong.config.settings"}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60
    )

    assert said.stdout.strip() == "[]", said.stderr


def test_trained_shares_that_speak_against_one_person_are_not_used():
    trained: dict[str, dict[str, tuple[float | None, float | None]]] = {
        name: dict(levels) for name, levels in linkage.DELIVERED.items()
    }
    assert linkage.sound(trained) is not None
    trained["born"]["same"] = (0.004, 0.00008)  # what is learned where nobody was entered twice

    assert linkage.sound(trained) is None

    trained["born"]["same"] = (None, float("nan"))  # too few reached it
    gaps = linkage.sound(trained)
    assert gaps is not None
    for levels in gaps.values():
        assert sum(m for m, _u in levels.values()) == pytest.approx(1)
        assert sum(u for _m, u in levels.values()) == pytest.approx(1)


def test_a_number_that_a_village_shares_makes_nobody_a_pair(areas):
    town = areas["513326100"]
    hotline = [PhoneNumber("0836-2833123")]
    for n, name in enumerate("扎德卓央多次平旺拉尼达白洛丹格曲仁索桑益泽"):
        herder(town, f"{name}西", birth_date=date(1950 + n, 1, 1 + n), phones=hotline)

    assert searched(bound=-30.0).pair_count == 0
