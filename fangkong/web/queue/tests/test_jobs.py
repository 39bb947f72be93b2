"""The page of background jobs: failures are seen and tried again."""

from __future__ import annotations

import pytest

from fangkong.accounts.tests.factories import AT
from fangkong.core.queue.models import Job
from fangkong.core.record import new_public_id

pytestmark = pytest.mark.django_db


def job(state: str) -> Job:
    return Job.objects.create(name="a.b.c", subject_id=1, state=state, asked_at=AT, problem="Oops")


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
