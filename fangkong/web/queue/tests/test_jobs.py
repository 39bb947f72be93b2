"""The page of background jobs: failures are seen and tried again."""

from __future__ import annotations

import pytest

from fangkong.accounts.tests.factories import AT
from fangkong.core.queue import queries
from fangkong.core.queue.models import Job
from fangkong.core.record import new_public_id

pytestmark = pytest.mark.django_db


def job(state: str, name: str = "a.b.c") -> Job:
    return Job.objects.create(name=name, subject_id=1, state=state, asked_at=AT, problem="Oops")


def repeat(client, user, which: Job):
    client.force_login(user)
    return client.post(f"/jobs/{which.public_id}/repeat/", {"_key": str(new_public_id())})


def test_a_failed_job_is_seen_with_its_problem(look, administrator):
    failed = job("failed")

    assert "Oops" in look(administrator, "/jobs/?state=failed").content.decode()
    assert "Try again" in look(administrator, f"/jobs/{failed.public_id}/").content.decode()


def test_a_failed_job_is_put_back_into_the_queue(client, administrator):
    failed = job("failed")

    assert repeat(client, administrator, failed).status_code == 302
    failed.refresh_from_db()
    assert failed.state == Job.State.WAITING


def test_a_finished_job_is_not_repeated(client, administrator):
    done = job("done")

    assert repeat(client, administrator, done).status_code == 409
    done.refresh_from_db()
    assert done.state == Job.State.DONE


def test_a_county_neither_sees_nor_repeats_jobs(client, look, daofu):
    failed = job("failed")

    assert look(daofu, "/jobs/").status_code == 403
    assert repeat(client, daofu, failed).status_code == 403


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Search the counts for signals"), ("zh-hans", "在计数中查找预警信号")],
)
def test_a_job_is_called_by_its_work_and_its_page_tells_the_name_in_the_log(
    client, administrator, language, words
):
    detection, unknown = job("done", "surveillance.warning.detect"), job("done")
    client.force_login(administrator)
    client.cookies["django_language"] = language

    listed = client.get("/jobs/").content.decode()
    page = client.get(f"/jobs/{detection.public_id}/").content.decode()

    assert f">{words}</a>" in listed and ">surveillance.warning.detect</a>" not in listed
    assert f"<title>{words}" in page and "<code>surveillance.warning.detect</code>" in page
    assert "a.b.c" in client.get(f"/jobs/{unknown.public_id}/").content.decode()


def test_jobs_are_found_by_their_kind(look, administrator):
    detection, backup = job("done", "surveillance.warning.detect"), job("done", "core.backup.make")

    listed = look(administrator, "/jobs/?name=core.backup.make").content.decode()

    assert str(backup.public_id) in listed and str(detection.public_id) not in listed


def test_every_kind_of_job_has_its_words():
    assert len(queries.titles()) >= 6
    assert [name for name, title in queries.titles().items() if title == name] == []
