"""Emergency access opens one person, for two hours, for reading, and the auditor sees it."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from fangkong.accounts.emergency import actions, queries, types
from fangkong.accounts.emergency.models import EmergencyAccess
from fangkong.accounts.models import User
from fangkong.accounts.tests import factories
from fangkong.core import clock, permissions
from fangkong.core.audit.models import AuditLine
from fangkong.core.permissions import NotYours, Permission
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.places.tests.factories import world

AT = factories.AT
WHY = "the patient is unconscious and alone"
KEY = uuid4()
READ = Permission("t.t.read", "Read", frozenset({Role.HOSPITAL}), personal=True, reading=True)
WRITE = Permission("t.t.write", "Write", frozenset({Role.HOSPITAL}), personal=True)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    found = types.Finder("card", "Card", lambda number, at: KEY if number == "7" else None, str)
    monkeypatch.setitem(types._finders, "card", found)


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def doctor(areas):
    return factories.staff(Role.HOSPITAL, area=areas["513326"])


def open_(by, **more):
    said = {"kind": "card", "number": "7", "reason": WHY, "at": AT, **more}
    return actions.open_(by=by, **said)


def reaches(user, permission, at):
    return KEY in User.objects.get(pk=user.pk).scope(permission, at).person_keys


def test_it_opens_one_person_for_reading_and_ends_by_itself(doctor, areas):
    assert not reaches(doctor, READ, AT)
    open_(doctor)

    assert reaches(doctor, READ, AT)
    assert reaches(doctor, READ, AT + types.HOLDS - timedelta(seconds=1))
    assert not reaches(doctor, READ, AT + types.HOLDS)
    assert not reaches(doctor, WRITE, AT)
    assert not reaches(factories.staff(Role.HOSPITAL, area=areas["513328"]), READ, AT)
    assert AuditLine.objects.get(action="accounts.emergency.open").by_id == doctor.pk


def test_a_list_never_widens(doctor):
    open_(doctor)
    scope = User.objects.get(pk=doctor.pk).scope(READ, AT)

    assert "person" not in str(scope.q(county="county_id"))
    assert KEY in dict(scope.q(county="county_id", person="public_id").children)["public_id__in"]


def test_it_is_refused_without_reason_without_such_a_person_and_to_other_roles(doctor, areas):
    with pytest.raises(actions.ReasonMissing):
        open_(doctor, reason="urgent")
    with pytest.raises(actions.ReasonMissing):
        open_(doctor, reason="\u200b" * 40)
    assert open_(doctor, number="8") is None
    with pytest.raises(NotYours):
        open_(factories.staff(Role.EDITOR, area=areas["513300"]))
    assert not reaches(doctor, READ, AT)


def misses():
    return [(one.by_id, one.detail) for one in AuditLine.objects.filter(action=types.MISS)]


@pytest.mark.both_databases
def test_a_search_that_finds_nobody_leaves_a_line_and_one_that_finds_leaves_none_of_it(doctor):
    open_(doctor)
    assert misses() == []

    assert open_(doctor, number="8") is None
    assert open_(doctor, kind="no such kind") is None

    assert misses() == [(doctor.pk, {"by": "card"}), (doctor.pk, {"by": ""})]


@pytest.mark.both_databases
def test_nobody_tries_numbers_through(doctor, areas):
    for number in range(100, 100 + actions.LIMIT_PER_DAY - 1):
        open_(doctor, number=str(number))
    open_(doctor)  # the tenth may still be right

    with pytest.raises(actions.TooMany):
        open_(doctor)
    assert open_(factories.staff(Role.HOSPITAL, area=areas["513328"])) is not None
    assert open_(doctor, at=AT + timedelta(days=1, seconds=1)) is not None


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_twelve_tries_at_the_same_moment_ten_are_looked_up():
    one = factories.staff(Role.HOSPITAL, area=world()["513326"])

    results = at_once(lambda n: open_(one, number=f"1{n}"), callers=12)

    assert results.count(None) == len(misses()) == actions.LIMIT_PER_DAY
    assert sum(isinstance(result, actions.TooMany) for result in results) == 2


@pytest.fixture
def bedside(client, doctor, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    client.force_login(doctor)
    return client


def ask(bedside, whose, key="k1", **said):
    body = json.dumps({"kind": "card", "number": whose, "reason": WHY, **said})
    headers = {"Idempotency-Key": key}
    path = "/api/v1/accounts/emergency/"
    return bedside.post(path, body, "application/json", headers=headers)


@pytest.mark.both_databases
def test_a_machine_that_finds_nobody_is_told_so_and_the_line_stays(bedside):
    first, again, other = ask(bedside, "8"), ask(bedside, "8"), ask(bedside, "9", "k2")

    for answer in (first, again, other):
        assert (answer.status_code, answer.json()["title"]) == (404, "NobodyFound")
    assert len(misses()) == 2  # the same try sent again is one
    opened, repeated = ask(bedside, "7", "k3"), ask(bedside, "7", "k3")
    assert (opened.status_code, repeated.json()) == (201, opened.json())
    assert repeated.headers["Idempotency-Replayed"] == "true"


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"kind": "case"}, "/kind"),
        ({"number": "7" * 61}, "/number"),
        ({"reason": WHY + "x" * 400}, "/reason"),
        ({"reason": WHY + "\x00"}, "/reason"),
    ],
)
def test_a_slip_of_a_machine_is_told_at_its_place_and_is_no_try(bedside, said, where):
    answer = ask(bedside, "7", **said)

    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert misses() == [] and not EmergencyAccess.objects.exists()


def test_the_page_says_that_nobody_is_found_and_the_line_stays(bedside):
    said = {"kind": "card", "number": "8", "reason": WHY, "_key": "k1"}

    answer = bedside.post("/accounts/emergency/", {**said})

    assert answer.status_code == 422
    assert "number" in answer.context["form"].errors
    assert len(misses()) == 1


def test_the_auditor_sees_and_checks_it_once_and_nobody_else_does(doctor, areas):
    auditor = factories.staff(Role.AUDITOR, area=areas["513300"])
    access = open_(doctor)
    assert queries.unchecked(auditor, AT) == 1
    assert not queries.uses(doctor, AT).exists()

    with pytest.raises(NotYours):
        actions.sign_off(access=access, justified=True, finding="", by=doctor, at=AT)
    with pytest.raises(actions.ReasonMissing):
        actions.sign_off(access=access, justified=False, finding="", by=auditor, at=AT)
    with pytest.raises(actions.ReasonMissing):
        actions.sign_off(access=access, justified=False, finding="\u200b" * 20, by=auditor, at=AT)
    actions.sign_off(access=access, justified=True, finding="", by=auditor, at=AT)
    with pytest.raises(actions.AlreadyChecked):
        actions.sign_off(access=access, justified=True, finding="", by=auditor, at=AT)
    assert queries.unchecked(auditor, AT) == 0


def test_given_back_it_is_closed_at_once(doctor):
    access = open_(doctor)
    actions.close(access=access, by=doctor, at=AT + timedelta(minutes=5))

    assert not reaches(doctor, READ, AT + timedelta(minutes=5))


def test_no_permission_that_writes_is_marked_as_reading():
    for one in permissions.declared():
        if one.reading:
            assert one.name.endswith((".view", ".reveal")), one.name
