"""A token opens the machines' door for its user, as far as it was given and no further."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client

from fangkong.accounts.models import Appointment, User
from fangkong.accounts.tests import factories
from fangkong.accounts.tests.factories import AT
from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.editions.queries import noting
from fangkong.core.roles import Role
from fangkong.core.tokens import actions, queries, rules
from fangkong.core.tokens.models import Token
from fangkong.places.models import Facility
from fangkong.places.tests.factories import facility as factories_facility
from fangkong.places.tests.factories import world

pytestmark = pytest.mark.django_db
AREAS = "/api/v1/places/areas/"
FACILITIES = "/api/v1/places/facilities/"
TOKENS = "/api/v1/core/tokens/"
NEW = {"name_zh": "八美镇卫生院", "kind": "health_centre", "area": "513326"}
READ, EDIT = "places.view", "places.edit_facilities"


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """It is 2020-02-05, ten in the morning; ``now.later(days=3)`` moves on."""
    cache.clear()

    class Now:
        at = AT

        def later(self, **much):
            self.at += timedelta(**much)

    moment = Now()
    monkeypatch.setattr(clock, "now", lambda: moment.at)
    return moment


@pytest.fixture
def areas(db):
    return world()


@pytest.fixture
def daofu(areas):
    return factories.staff(Role.COUNTY_CDC, area=areas["513326"])


def made(user, *names, may_write=True, days=30, by=None) -> Token:
    return actions.make(
        user=user,
        label="上报接口",
        permissions=list(names) or [p.name for p in queries.grantable(user, AT)],
        may_write=may_write,
        expires_at=AT + timedelta(days=days),
        by=by or user,
        at=AT,
    )


def machine(token, **headers):
    """A program without cookies that sends a token."""
    secret = token if isinstance(token, str) else token.secret
    return Client(
        enforce_csrf_checks=True,
        headers={"authorization": f"Bearer {secret}", "accept-language": "en", **headers},
    )


def send(client, data=NEW):
    return client.post(
        FACILITIES,
        json.dumps(data),
        content_type="application/json",
        headers={"idempotency-key": str(uuid4())},
    )


def test_a_token_reads_and_writes_as_its_user_without_a_cookie(daofu):
    client = machine(made(daofu))

    assert client.get(AREAS).status_code == 200
    assert send(client).status_code == 201
    line = AuditLine.objects.order_by("-pk")[0]
    assert (line.action, line.by_id) == ("places.add_facility", daofu.pk)


def test_only_a_digest_of_the_secret_is_kept(daofu):
    token = made(daofu)
    kept = Token.objects.values_list().get(pk=token.pk)

    assert len(token.secret) >= 40 and token.secret.startswith(token.prefix)
    assert token.secret not in str(kept)
    assert token.secret not in str(list(AuditLine.objects.values_list("detail")))


def test_a_user_is_found_with_the_token_in_one_statement(daofu, django_assert_num_queries):
    secret = made(daofu).secret

    with django_assert_num_queries(1):
        assert queries.holding(secret, AT).user == daofu


@pytest.mark.both_databases
def test_what_comes_along_with_the_token_is_the_users_scope_of_this_moment(
    daofu, areas, django_assert_num_queries
):
    secret = made(daofu).secret
    other = factories.staff(Role.HOSPITAL, facility=factories_facility(areas["513301"], "医院"))
    with noting():
        queries.holding(secret, AT)  # the places are in memory from now on

    with noting(), django_assert_num_queries(1):
        user = queries.holding(secret, AT).user
        assert user.reach(AT) == daofu.reach(AT)
        assert user.roles(AT) == {Role.COUNTY_CDC}
    assert daofu.pk != other.pk


@pytest.mark.both_databases
def test_whoever_is_revoked_or_removed_stands_outside_with_the_next_request(daofu, areas, now):
    """The places and receivers are kept in memory; of tokens, users and offices nothing is."""
    token = made(daofu, READ, EDIT)
    client = machine(token.secret)
    assert client.get(FACILITIES).status_code == 200

    Appointment.objects.filter(user=daofu).update(valid_to=AT.date() - timedelta(days=1))
    assert client.get(FACILITIES).status_code == 403
    Appointment.objects.filter(user=daofu).update(valid_to=None)
    assert client.get(FACILITIES).status_code == 200
    Appointment.objects.filter(user=daofu).update(role=Role.LABORATORY)
    assert send(client).status_code == 403
    Appointment.objects.filter(user=daofu).update(role=Role.COUNTY_CDC)
    Appointment.objects.filter(user=daofu).update(area=areas["513301"])
    assert send(client).status_code == 404  # another county's now

    User.objects.filter(pk=daofu.pk).update(is_active=False)
    assert client.get(FACILITIES).status_code == 401
    User.objects.filter(pk=daofu.pk).update(is_active=True)
    assert client.get(FACILITIES).status_code == 200
    Token.objects.filter(pk=token.pk).update(revoked_at=AT)
    assert client.get(FACILITIES).status_code == 401


@pytest.mark.parametrize("secret", ["", "fk_", "fk_" + "a" * 43, "Basic x", "fk_" + "密" * 43])
def test_a_made_up_token_is_refused(areas, secret):
    told = machine(secret).get(AREAS)

    assert told.status_code == 401
    assert told["WWW-Authenticate"].startswith("Bearer")
    assert told.json()["detail"] == "This token is not valid, has expired or was revoked."


def test_a_wrong_token_is_not_saved_by_a_session_beside_it(daofu):
    client = Client(headers={"authorization": "Bearer fk_" + "a" * 43})
    client.force_login(daofu)

    assert client.get(AREAS).status_code == 401


def test_an_expired_token_is_refused_to_the_second(daofu, now):
    client = machine(made(daofu, days=1))

    now.later(hours=23, minutes=59, seconds=59)
    assert client.get(AREAS).status_code == 200
    now.later(seconds=1)
    assert client.get(AREAS).status_code == 401


def test_a_revoked_token_stops_at_once_and_is_revoked_once(daofu):
    token = made(daofu)
    actions.revoke(token=token, by=daofu, at=AT)

    assert machine(token).get(AREAS).status_code == 401
    with pytest.raises(actions.AlreadyRevoked):
        actions.revoke(token=token, by=daofu, at=AT)


def test_a_closed_account_stops_its_tokens_at_once(daofu):
    token = made(daofu)
    User.objects.filter(pk=daofu.pk).update(is_active=False)

    assert machine(token).get(AREAS).status_code == 401


def test_a_token_reaches_no_further_than_its_scopes(daofu):
    client = machine(made(daofu, READ))

    assert client.get(AREAS).status_code == 200
    assert send(client).status_code == 403
    assert client.get("/api/v1/tasks/").status_code == 403
    assert not Facility.objects.exists()


def test_a_token_loses_what_its_user_loses(daofu):
    token = made(daofu)
    daofu.appointments.update(valid_to=AT.date() - timedelta(days=1))

    assert send(machine(token)).status_code == 403


def test_a_reading_token_writes_nothing_but_may_search(daofu):
    client = machine(made(daofu, may_write=False))

    told = send(client)
    assert (told.status_code, told.json()["title"]) == (403, "ReadOnly")
    assert not Facility.objects.exists()
    found = client.post(
        "/api/v1/people/search/", json.dumps({"text": "扎西"}), content_type="application/json"
    )
    assert found.status_code == 200


@pytest.mark.parametrize("names", [["accounts.edit"], ["no.such"], []])
def test_a_token_never_holds_more_than_its_user(daofu, names):
    with pytest.raises(actions.NotGrantable):
        actions.make(
            user=daofu, label="x", permissions=names, may_write=True,
            expires_at=AT + timedelta(days=1), by=daofu, at=AT,
        )  # fmt: skip
    assert not Token.objects.exists()


@pytest.mark.parametrize("label", ["", " ", "\u200b"])
def test_a_token_without_a_name_is_not_made(daofu, label):
    with pytest.raises(actions.NameMissing):
        actions.make(
            user=daofu, label=label, permissions=["people.read"], may_write=True,
            expires_at=AT + timedelta(days=1), by=daofu, at=AT,
        )  # fmt: skip


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_at_least_a_moment_and_at_most_a_year(daofu, days):
    with pytest.raises(actions.WrongTerm):
        made(daofu, days=days)


def test_nobody_makes_a_token_for_another_person(daofu, areas):
    administrator = factories.staff(Role.ADMINISTRATOR, area=areas["513300"])
    person = factories.staff(Role.COUNTY_CDC, area=areas["513326"], password="yak-butter-barley")
    robot = factories.staff(Role.COUNTY_CDC, area=areas["513326"])

    for user, by in ((person, administrator), (robot, daofu)):
        with pytest.raises(actions.NotForPeople):
            made(user, READ, by=by)
    assert made(robot, READ, by=administrator).user == robot


def test_the_use_of_a_token_is_written_once_an_hour(daofu, now):
    token = made(daofu)
    client = machine(token)
    uses = []
    for minutes in (0, 59, 2):
        now.later(minutes=minutes)
        client.get(AREAS)
        token.refresh_from_db()
        uses.append(token.last_used_at)

    assert uses == [AT, AT, AT + timedelta(minutes=61)]


def test_who_guesses_tokens_is_told_to_wait(daofu):
    guesses = machine("fk_" + "a" * 43)
    answers = [guesses.get(AREAS) for _ in range(31)]

    assert {a.status_code for a in answers[:30]} == {401}
    assert answers[30].status_code == 429
    assert answers[30]["Retry-After"] == "60"
    assert machine(made(daofu)).get(AREAS).status_code == 200


def test_a_token_makes_no_tokens(daofu):
    told = machine(made(daofu)).post(
        TOKENS,
        json.dumps({"name": "x", "permissions": [READ], "expires_at": "2020-02-06T00:00+08:00"}),
        content_type="application/json",
        headers={"idempotency-key": "k"},
    )

    assert (told.status_code, told.json()["title"]) == (403, "SignInAgain")
    assert Token.objects.count() == 1


def test_a_token_sees_and_stops_itself_but_no_other_of_its_user(daofu):
    one, other = made(daofu), made(daofu)
    client = machine(one)

    assert len(client.get(TOKENS).json()["rows"]) == 2
    for token, status in ((other, 404), (one, 200)):
        told = client.post(
            f"{TOKENS}{token.public_id}/revoke/", headers={"idempotency-key": str(uuid4())}
        )
        assert told.status_code == status
    assert client.get(TOKENS).status_code == 401


def test_nobody_sees_or_revokes_the_tokens_of_others(daofu, areas):
    theirs = made(factories.staff(Role.COUNTY_CDC, area=areas["513221"]), READ)
    client = machine(made(daofu, READ))

    assert theirs.prefix not in client.get(TOKENS).content.decode()
    told = client.post(f"{TOKENS}{theirs.public_id}/revoke/", headers={"idempotency-key": "k"})
    assert told.status_code in (403, 404)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_the_schema_is_open_to_a_token(daofu):
    assert machine(made(daofu, READ)).get("/api/v1/openapi.json").status_code == 200


def test_a_secret_has_256_bits_of_chance():
    assert len({rules.new_secret() for _ in range(100)}) == 100
    assert len(rules.new_secret()) - len(rules.START) == 43  # 32 bytes in base64


def test_a_token_that_has_expired_does_not_come_alive_when_the_clock_is_set_back(daofu, now):
    token, other = made(daofu, READ, days=1), made(daofu, READ, days=3)
    now.later(days=2)
    assert actions.end_expired(now.at) == 1
    assert actions.end_expired(now.at) == 0
    now.later(days=-2)

    assert queries.holding(token.secret, now.at) is None
    assert queries.holding(other.secret, now.at) == other
    token.refresh_from_db()
    assert token.state(now.at) == "expired"
    assert AuditLine.objects.filter(action="core.tokens.expire", subject_id=token.pk).count() == 1
