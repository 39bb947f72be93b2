"""Who saw a person's record: one row for each person, whatever led to it."""

from __future__ import annotations

import pytest

from fangkong.accounts.tests import factories
from fangkong.core.audit import queries
from fangkong.core.audit.actions import Ids, seen
from fangkong.core.audit.models import Sight
from fangkong.core.queue.models import Job
from fangkong.people.models import IdentityDocument, Person
from fangkong.people.tests import factories as people

AT = factories.AT
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_a_view_says_who_saw_whom_when_how_where_and_why():
    person, keeper = people.person(), factories.user()

    assert seen(person, by=keeper, at=AT, how="revealed", place="people.reveal", reason="call") == 1

    sight = Sight.objects.get()
    assert (sight.by_id, sight.subject_type, sight.subject_id) == (
        keeper.pk,
        "people.person",
        person.pk,
    )
    assert (sight.at, sight.how, sight.place, sight.reason) == (
        AT,
        "revealed",
        "people.reveal",
        "call",
    )


def test_a_record_that_leads_to_a_person_counts_as_that_person():
    person = people.person()
    document = IdentityDocument.objects.get()

    assert queries.persons_of(document) == [("people.person", person.pk)]
    assert seen([document, document], by=factories.user(), at=AT, how="opened") == 1


def test_a_record_without_a_person_leaves_nothing():
    job = Job.objects.create(name="x", subject_id=1, asked_at=AT)

    assert seen(job, by=factories.user(), at=AT, how="opened") == 0
    assert not Sight.objects.exists()


def test_a_list_that_leaves_the_house_leaves_one_row_for_each_person():
    ids = [1, 2, 2, 3, None]

    assert seen(Ids(Person, ids), by=factories.user(), at=AT, how="exported") == 3
    assert seen(Ids("people.person", range(1, 1002)), by=factories.user("b"), at=AT, how="api")
    assert Sight.objects.count() == 3 + 1001


def test_only_known_ways_of_seeing_are_taken():
    with pytest.raises(ValueError, match="peeked"):
        seen(Ids(Person, [1]), by=factories.user(), at=AT, how="peeked")
