"""A document or phone that is another person's is taken from the record again."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.people import actions
from fangkong.people.models import IdentityDocument, Phone
from fangkong.people.types import Document

from .factories import AT, NUMBER, PHONE, person

pytestmark = pytest.mark.both_databases
WHY = "录入了家属的证件"


def remove(one, number, by=None, reason=WHY):
    return actions.remove_number(person=one, number=number.public_id, reason=reason, by=by, at=AT)


def test_a_wrong_document_is_destroyed_and_its_owner_can_be_registered(patient, daofu, areas):
    wrong, phone = patient.documents.get(), patient.phones.get()

    remove(patient, wrong, daofu)
    remove(patient, phone, daofu, "号码是邻居的")

    assert not IdentityDocument.objects.exists() and not Phone.objects.exists()
    lines = list(AuditLine.objects.filter(action__startswith="people.remove").order_by("pk"))
    assert [(line.action, line.reason, line.detail) for line in lines] == [
        ("people.remove_document", WHY, {"kind": "resident_id"}),
        ("people.remove_phone", "号码是邻居的", {"kind": "own"}),
    ]
    assert NUMBER not in str(list(AuditLine.objects.values()))
    owner = person(areas["513326"], name="央金拉姆")
    assert owner.pk != patient.pk and owner.documents.get().number == NUMBER


def test_what_is_no_number_of_the_person_or_has_no_reason_stays(patient, daofu, areas):
    mine = patient.documents.get()
    other = person(areas["513326"], name="央金拉姆", documents=[Document("none")], phones=[])
    for one, number in ((patient, other.documents.get()), (other, other.documents.get())):
        with pytest.raises(actions.NotThere):
            remove(one, number, daofu)
    for reason in ("", "错", f"是{PHONE}的"):
        with pytest.raises(actions.ReasonMissing):
            remove(patient, mine, daofu, reason)
    remove(patient, mine, daofu)
    with pytest.raises(actions.NotThere):
        remove(patient, mine, daofu)
    assert IdentityDocument.objects.count() == 1


def test_the_county_removes_it_on_a_page_and_nobody_else(client, patient, daofu, kangding, areas):
    wrong = patient.documents.get()
    page = reverse("people:remove_number", args=[patient.public_id, wrong.public_id])
    client.force_login(kangding)
    assert client.post(page, {"_key": "k", "reason": WHY}).status_code == 404
    client.force_login(daofu)
    assert page in client.get(patient.get_absolute_url()).content.decode()
    shown = client.get(page).content.decode()
    assert wrong.masked_number in shown and NUMBER not in shown
    assert client.post(page, {"_key": "k", "reason": ""}).status_code == 422

    done = [client.post(page, {"_key": "k2", "reason": WHY}) for _twice in (1, 2)]

    assert [one.status_code for one in done] == [302, 302]
    assert not IdentityDocument.objects.exists()
    assert client.get(page).status_code == 404
    assert client.post(page, {"_key": "k3", "reason": WHY}).status_code == 422


def test_a_machine_removes_it_by_its_id(client, patient, daofu):
    client.force_login(daofu)
    own = f"/api/v1/people/{patient.public_id}/"
    (wrong,) = client.get(own).json()["documents"]
    body = json.dumps({"number": wrong["id"], "reason": WHY})

    answers = [
        client.post(
            f"{own}numbers/remove/", body, "application/json", headers={"Idempotency-Key": key}
        )
        for key in ("k1", "k1", "k2")
    ]

    assert [one.status_code for one in answers] == [200, 200, 409]
    assert answers[0].json()["documents"] == []
