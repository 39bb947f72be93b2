from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from fangkong.core.audit import queries as audit
from fangkong.core.commands.models import Command
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.people import actions, queries
from fangkong.people.actions import ReasonMissing, WrongField
from fangkong.people.queries import RevealOver
from fangkong.people.types import Revealable
from fangkong.places.tests.factories import world

from .factories import AT, NAME, NUMBER, PHONE, person, staff

pytestmark = pytest.mark.django_db


def reveals(one):
    return [line for line in audit.history_of(one) if line.action == "people.reveal"]


def ask(client, one, **data):
    sent = {"_key": "k1", "fields_wanted": ["name", "phones"], "why": "tracing", "more": "", **data}
    return client.post(
        reverse("people:reveal", args=[one.public_id]), sent, headers={"HX-Request": "true"}
    )


def test_a_reason_shows_the_values_asked_for_and_no_others(client, patient, daofu):
    client.force_login(daofu)

    response = ask(client, patient)

    page = response.content.decode()
    assert response.status_code == 200
    assert NAME in page and PHONE in page and NUMBER not in page
    assert 'data-hide-after="60"' in page
    assert "no-store" in response["Cache-Control"]
    (line,) = reveals(patient)
    assert (line.by, line.detail) == (daofu, {"fields": ["name", "phones"]})
    assert line.reason


@pytest.mark.parametrize(
    "said",
    [
        {"why": ""},
        {"why": "other", "more": ""},
        {"why": "other", "more": "abc"},
        {"why": "other", "more": f"call {PHONE}"},
        {"fields_wanted": []},
        {"fields_wanted": ["password"]},
        {"_key": ""},
    ],
)
def test_without_a_good_reason_nothing_is_shown_and_nothing_noted(client, patient, daofu, said):
    client.force_login(daofu)

    response = ask(client, patient, **said)

    page = response.content.decode()
    assert response.status_code == 422
    assert NAME not in page and NUMBER not in page
    assert reveals(patient) == []


def test_a_reason_of_four_characters_is_enough(client, patient, daofu):
    client.force_login(daofu)

    assert ask(client, patient, why="other", more="流调核实").status_code == 200
    assert [line.reason for line in reveals(patient)] == ["流调核实"]


def test_the_same_request_again_is_noted_once(client, patient, daofu):
    client.force_login(daofu)

    first, again = ask(client, patient), ask(client, patient)

    assert PHONE in first.content.decode() and PHONE in again.content.decode()
    assert len(reveals(patient)) == 1


def test_another_request_is_noted_again(client, patient, daofu):
    client.force_login(daofu)
    ask(client, patient)
    ask(client, patient, _key="k2")
    assert len(reveals(patient)) == 2


def test_another_county_is_told_that_there_is_no_such_person(client, patient, kangding):
    client.force_login(kangding)
    assert ask(client, patient).status_code == 404
    assert reveals(patient) == []


def test_who_may_look_but_not_see_all_is_refused(client, patient, areas):
    client.force_login(staff(Role.LABORATORY, areas["513326"]))
    assert ask(client, patient).status_code == 403
    assert reveals(patient) == []


def test_a_stranger_is_sent_to_sign_in(client, patient):
    response = ask(client, patient)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    assert reveals(patient) == []


def test_a_browser_without_scripts_gets_the_whole_page(client, patient, daofu):
    client.force_login(daofu)
    data = {"_key": "k", "fields_wanted": ["phones"], "why": "care"}

    response = client.post(reverse("people:reveal", args=[patient.public_id]), data)

    assert "<html" in response.content.decode() and PHONE in response.content.decode()


def test_the_kept_command_holds_none_of_the_values(client, patient, daofu):
    client.force_login(daofu)
    ask(client, patient)

    (command,) = Command.objects.values()
    assert not any(word in str(command) for word in (NAME, PHONE, NUMBER))


def test_every_field_that_may_be_revealed_has_its_values(patient, daofu):
    line = actions.reveal(
        person=patient, reason="流调核实", fields=Revealable.values, by=daofu, at=AT
    )
    full = queries.in_full(line, AT)

    assert [name for name, _label, _values in full.rows] == Revealable.values
    assert full.as_json()["name"] == [NAME]
    assert full.as_json()["birth_date"] == ["1985-12-31"]


def test_a_reason_does_not_hold_for_later(patient, daofu):
    line = actions.reveal(person=patient, reason="流调核实", fields=["name"], by=daofu, at=AT)

    assert queries.in_full(line, AT + timedelta(minutes=5)).as_json() == {"name": [NAME]}
    with pytest.raises(RevealOver):
        queries.in_full(line, AT + timedelta(minutes=5, seconds=1))


def test_no_other_line_of_the_trail_opens_the_values(patient):
    with pytest.raises(RevealOver):
        queries.in_full(audit.history_of(patient)[0], AT)


@pytest.mark.parametrize("reason", ["", "   ", "\u200b" * 9, "abc", "a" * 401, f"id {NUMBER}"])
def test_the_action_itself_insists_on_a_reason(patient, daofu, reason):
    with pytest.raises(ReasonMissing):
        actions.reveal(person=patient, reason=reason, fields=["name"], by=daofu, at=AT)


@pytest.mark.parametrize("fields", [[], ["secret"], ["name", "secret"]])
def test_the_action_itself_insists_on_known_fields(patient, daofu, fields):
    with pytest.raises(WrongField):
        actions.reveal(person=patient, reason="流调核实", fields=fields, by=daofu, at=AT)


def test_beyond_the_hourly_limit_nothing_more_is_shown(client, areas, patient, daofu, monkeypatch):
    monkeypatch.setattr(actions, "REVEALS_PER_HOUR", 2)
    others = [person(areas["513326"], name=f"王{n}", documents=[], phones=[]) for n in "甲乙丙"]
    client.force_login(daofu)
    for n, one in enumerate(others[:2]):
        assert ask(client, one, _key=f"k{n}").status_code == 200

    refused = ask(client, others[2], _key="k2")

    assert refused.status_code == 422 and others[2].name not in refused.content.decode()
    assert reveals(others[2]) == []
    assert ask(client, others[0], _key="k3").status_code == 200  # known already: nobody new


def test_a_machine_beyond_the_limit_is_told_how_long_to_wait(
    client, areas, patient, daofu, monkeypatch
):
    monkeypatch.setattr(actions, "REVEALS_PER_HOUR", 2)
    others = [person(areas["513326"], name=f"王{n}", documents=[], phones=[]) for n in "甲乙丙"]
    asked = {"reason": "密接追踪", "fields": ["name"], "by": daofu}
    for minutes, one in ((50, others[0]), (20, others[1]), (10, others[0])):
        actions.reveal(person=one, at=AT - timedelta(minutes=minutes), **asked)
    client.force_login(daofu)

    answer = client.post(
        f"/api/v1/people/{others[2].public_id}/reveal/",
        json.dumps({"reason": "密接追踪", "fields": ["name"]}),
        "application/json",
        headers={"Idempotency-Key": "k"},
    )

    assert (answer.status_code, answer.json()["title"]) == (429, "TooManyRevealed")
    # 王乙 leaves the hour first; 王甲 was seen again since.
    assert answer["Retry-After"] == str(40 * 60)
    with pytest.raises(actions.TooManyRevealed):
        actions.reveal(person=others[2], at=AT + timedelta(minutes=40, seconds=-1), **asked)
    actions.reveal(person=others[2], at=AT + timedelta(minutes=40), **asked)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_do_not_pass_the_limit_together(monkeypatch, settings):
    settings.FANGKONG_AREA = "513300"
    monkeypatch.setattr(actions, "REVEALS_PER_HOUR", 1)
    areas = world()
    daofu = staff(Role.COUNTY_CDC, areas["513326"])
    others = [person(areas["513326"], name=f"王{n}", documents=[], phones=[]) for n in "甲乙丙"]
    asked = {"reason": "密接追踪", "fields": ["name"], "by": daofu, "at": AT}

    found = at_once(lambda n: actions.reveal(person=others[n], **asked), len(others))

    refused = [one for one in found if isinstance(one, actions.TooManyRevealed)]
    assert len(refused) == len(others) - 1, found
    assert sum(len(reveals(one)) for one in others) == 1


def test_an_hour_later_there_is_room_again(patient, daofu, areas, monkeypatch):
    monkeypatch.setattr(actions, "REVEALS_PER_HOUR", 1)
    other = person(areas["513326"], name="王五", documents=[], phones=[])
    asked = {"reason": "密接追踪", "fields": ["name"], "by": daofu}
    actions.reveal(person=patient, at=AT, **asked)
    with pytest.raises(actions.TooManyRevealed):
        actions.reveal(person=other, at=AT + timedelta(minutes=59), **asked)

    actions.reveal(person=other, at=AT + timedelta(minutes=61), **asked)

    assert len(reveals(other)) == 1


def test_one_user_does_not_use_up_the_limit_of_another(patient, daofu, areas, monkeypatch):
    monkeypatch.setattr(actions, "REVEALS_PER_HOUR", 1)
    other = person(areas["513326"], name="王五", documents=[], phones=[])
    colleague = staff(Role.COUNTY_CDC, areas["513326"], name="colleague")
    asked = {"reason": "密接追踪", "fields": ["name"], "at": AT}
    actions.reveal(person=patient, by=daofu, **asked)

    actions.reveal(person=other, by=colleague, **asked)

    assert len(reveals(other)) == 1
