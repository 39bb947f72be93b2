"""A worker that is killed in the middle of an import: nothing is doubled, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from fangkong.core.audit.models import AuditLine
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportChunk, ImportRun
from fangkong.core.imports.types import Place, State
from fangkong.core.queue import actions as queue
from fangkong.core.queue.models import Job
from fangkong.core.queue.tests.test_queue import run_worker
from fangkong.places.imports import AREAS
from fangkong.places.models import Area
from fangkong.places.tests.factories import AT, member, world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ROOT = Path(__file__).resolve().parents[4]
AREAS_IN_FILE, CHUNK = 60, 5
WORKER = [sys.executable, "-m", "fangkong.config.cli", "worker"]


def file_of() -> bytes:
    lines = ["code,level,parent,name_zh"]
    lines += [f"5133261{n:02d},township,513326,第{n}镇" for n in range(1, AREAS_IN_FILE + 1)]
    return "\n".join(lines).encode()


def environment() -> dict[str, str]:
    """What a worker needs to find the database of this test."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        address = f"sqlite:///{told['NAME']}"
    else:
        server = urlsplit(os.environ["DATABASE_URL"])
        address = urlunsplit(server._replace(path=f"/{told['NAME']}"))
    data = {"FANGKONG_DATA": str(django_settings.FANGKONG_DATA)}
    return {**os.environ, **data, "DATABASE_URL": address, "PYTHONPATH": str(ROOT)}


def killed_after(chunks: int) -> None:
    """Start a worker and kill it -9 as soon as it has entered so many chunks."""
    process = subprocess.Popen(WORKER, env=environment(), stderr=subprocess.DEVNULL)
    try:
        for _look in range(200_000):
            if ImportChunk.objects.filter(entered=True).count() >= chunks:
                break
            assert process.poll() is None, "the worker ended by itself"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()


def test_a_killed_worker_loses_and_doubles_no_row(settings, monkeypatch):
    settings.FANGKONG_AREA = "513300"
    monkeypatch.setattr(kit, "CHUNK", CHUNK)
    by = member("headquarters", where=world()["513300"])
    before = Area.objects.count()
    run = kit.upload(
        kind=AREAS.name,
        content=kit.FileContent(file_of()),
        file_name="areas.csv",
        place=Place(),
        by=by,
        at=AT,
    )
    run = kit.confirm(run=run, by=by, at=AT)

    killed_after(3)

    entered = Area.objects.count() - before
    chunks = ImportChunk.objects.filter(run=run, entered=True).count()
    assert entered == chunks * CHUNK  # rows and progress are committed together
    assert chunks >= 3
    if chunks < AREAS_IN_FILE / CHUNK:  # killed in the middle, as meant
        assert Job.objects.get(subject_id=run.pk).state == Job.State.RUNNING
        assert queue.take_up(timezone.now()) == 1
        run_worker()

    run = ImportRun.objects.get(pk=run.pk)
    assert (run.state, run.imported, run.errors) == (State.DONE, AREAS_IN_FILE, 0)
    assert Area.objects.count() == before + AREAS_IN_FILE
    lines = AuditLine.objects.filter(action="places.add_area", request_id__startswith="job:")
    assert lines.count() == AREAS_IN_FILE


def test_a_cancelled_run_stops_at_the_next_chunk_and_says_how_far_it_came(settings, monkeypatch):
    settings.FANGKONG_AREA = "513300"
    monkeypatch.setattr(kit, "CHUNK", CHUNK)
    by = member("headquarters", where=world()["513300"])
    run = kit.upload(
        kind=AREAS.name,
        content=kit.FileContent(file_of()),
        file_name="areas.csv",
        place=Place(),
        by=by,
        at=AT,
    )
    run = kit.confirm(run=run, by=by, at=AT)

    def cancel(done: int, total: int) -> None:
        if done == 2 * CHUNK:
            kit.cancel(run=run, by=by, at=AT)

    run = kit.enter(run=run, at=AT, progress=cancel)

    assert (run.state, run.imported) == (State.CANCELLED, 2 * CHUNK)
    assert Area.objects.filter(code__startswith="5133261").count() == 2 * CHUNK + 1
    assert not ImportChunk.objects.filter(run=run).exists()
