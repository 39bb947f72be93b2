"""Public ids, and who made and changed a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest import mock
from uuid import UUID

import pytest
from django.utils.functional import lazy

from fangkong.accounts.models import Appointment
from fangkong.accounts.tests import factories
from fangkong.core.audit import actions as audit
from fangkong.core.queue.models import Job
from fangkong.core.record import Record, new_public_id, stamps

AT = factories.AT


def test_public_ids_are_uuids_of_version_seven():
    assert isinstance(new_public_id(), UUID)
    assert new_public_id().version == 7


def test_public_ids_sort_by_the_time_they_were_made():
    made = [new_public_id() for _ in range(200)]

    assert made == sorted(made)
    assert len(set(made)) == 200


def test_public_ids_of_two_rows_do_not_tell_how_many_lie_between():
    first, second = new_public_id(), new_public_id()

    assert second.int - first.int != 1


@pytest.mark.django_db
def test_stamps_name_the_same_person_and_moment_twice():
    keeper = factories.user()

    assert stamps(keeper, AT) == {
        "created_by": keeper,
        "created_at": AT,
        "changed_by": keeper,
        "changed_at": AT,
    }


def test_stamps_of_the_system_name_nobody():
    assert stamps(None, AT)["created_by"] is None


@pytest.mark.django_db
def test_touching_notes_the_change_and_leaves_the_making():
    keeper, later = factories.user(), AT + timedelta(hours=1)
    note = Appointment(**stamps(None, AT))

    note.touch(keeper, later)

    assert (note.changed_by_id, note.changed_at) == (keeper.pk, later)
    assert (note.created_by_id, note.created_at) == (None, AT)


@pytest.mark.django_db
def test_two_rows_never_get_the_same_public_id():
    one, other = (Job.objects.create(name="x", subject_id=1, asked_at=AT) for _ in range(2))

    assert one.public_id != other.public_id


@pytest.mark.django_db
def test_an_audit_line_keeps_the_public_id_so_that_it_outlives_the_row():
    job = Job.objects.create(name="x", subject_id=1, asked_at=AT)

    line = audit.record("core.queue.repeat", job, by=None, at=AT)

    assert line.subject_public_id == job.public_id
    assert isinstance(line.at, datetime)


def test_a_choice_is_told_in_words_and_the_others_are_not_looked_up():
    looked_up = []

    def told(name):
        looked_up.append(name)
        return name.upper()

    job = Job(state="parked")
    field = Job._meta.get_field("state")
    for value, words in (("parked", "PARKED"), ("unheard of", "unheard of"), (None, None)):
        setattr(job, field.attname, value)
        looked_up.clear()
        found = [(name, lazy(told, str)(name)) for name in ("parked", "done")]
        with mock.patch.object(type(field), "flatchoices", found):
            assert Record._get_FIELD_display(job, field) == words
        assert looked_up == (["parked"] if value == "parked" else [])
