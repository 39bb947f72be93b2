"""What a person asks of their own data: received by one, decided by another, carried out whole."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from uuid import uuid4

import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts.emergency import actions as emergency
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit.models import AuditLine, Sight
from fangkong.core.backup import hooks
from fangkong.core.commands.states import version
from fangkong.core.dossier import queries as dossier
from fangkong.core.files import actions as files
from fangkong.core.files.tests import samples
from fangkong.core.free_text import NumberInText
from fangkong.core.roles import Role
from fangkong.core.walls.reach import reaching
from fangkong.people import actions as people
from fangkong.people import queries as persons
from fangkong.people.models import IdentityDocument, NamePart, Person, Phone
from fangkong.people.requests import actions, erasures, queries
from fangkong.people.requests.models import DataRequest
from fangkong.people.tests import factories
from fangkong.surveillance.models import Case, DailyCount
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.monitoring.tests.factories import AT, World

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LATER = AT + timedelta(days=1)


@pytest.fixture(autouse=True)
def house(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    settings.FANGKONG_DATA = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def world(db):
    return World()


@pytest.fixture
def contact(world):
    """A contact without a case: no law keeps anything."""
    facts = {"address_detail": "鲜水镇团结街12号", "workplace": "道孚县中学", "ethnicity": "藏族"}
    return factories.person(world.daofu, **facts)


@pytest.fixture
def patient(world):
    return cards.case(world, remark="自述去过县城").person


def asked(person, by, kind="copy", at=AT, **changes):
    said = {"asker": "self", "proof": "card", "words": "", **changes}
    return actions.receive(person=person, kind=kind, by=by, at=at, **said)


def granted(person, world, kind="copy"):
    request = asked(person, world.daofu_cdc, kind)
    return actions.grant(request=request, by=world.headquarters, at=AT)


def ask_lift(request, world, **changes):
    said = {"reason": "ill again", "by": world.daofu_cdc, "at": AT, **changes}
    return actions.ask_lift(request=request, **said)


def lifted(request, world):
    return actions.lift(request=ask_lift(request, world), by=world.headquarters, at=AT)


def in_all(held) -> str:
    return json.dumps(held.as_json(), ensure_ascii=False)


# --- Receiving and deciding -----------------------------------------------------------------------


def test_whoever_receives_a_request_does_not_decide_it(world, contact):
    request = asked(contact, world.daofu_cdc)

    with pytest.raises(actions.OwnRequest):
        actions.grant(request=request, by=world.daofu_cdc, at=AT)
    done = actions.grant(request=request, by=world.headquarters, at=AT)

    assert (done.state, done.decided_by_id) == ("granted", world.headquarters.pk)
    lines = AuditLine.objects.filter(subject_type="people.datarequest").order_by("pk")
    assert [line.action for line in lines] == ["people.requests.receive", "people.requests.grant"]


def test_a_request_is_decided_once(world, contact):
    request = granted(contact, world)

    with pytest.raises(actions.AlreadyDecided):
        actions.refuse(request=request, answer="too late", by=world.headquarters, at=AT)


@pytest.mark.parametrize(
    ("asker", "proof", "fits"),
    [
        ("self", "card", True),
        ("self", "authority", False),
        ("agent", "authority", True),
        ("agent", "card", False),
        ("guardian", "kinship", True),
        ("relative", "card", False),
    ],
)
def test_the_proof_must_fit_who_asks(world, contact, asker, proof, fits):
    if fits:
        assert asked(contact, world.daofu_cdc, asker=asker, proof=proof).is_open
    else:
        with pytest.raises(actions.ProofDoesNotFit):
            asked(contact, world.daofu_cdc, asker=asker, proof=proof)
        assert not DataRequest.objects.exists()


def test_the_same_request_does_not_wait_twice(world, contact):
    asked(contact, world.daofu_cdc)

    with pytest.raises(actions.AlreadyAsked):
        asked(contact, world.daofu_cdc)
    assert asked(contact, world.daofu_cdc, "erase").is_open


def test_the_answer_is_due_when_the_rules_in_force_say(world, contact):
    assert asked(contact, world.daofu_cdc).due_on == AT.date() + timedelta(days=30)


def test_a_refusal_says_why(world, contact):
    request = asked(contact, world.daofu_cdc)

    with pytest.raises(actions.AnswerMissing):
        actions.refuse(request=request, answer=" ", by=world.headquarters, at=AT)
    with pytest.raises(actions.AnswerMissing):
        actions.refuse(request=request, answer="\u200b" * 9, by=world.headquarters, at=AT)
    done = actions.refuse(
        request=request, answer="not the person concerned", by=world.headquarters, at=AT
    )
    assert done.state == "refused"


def test_a_number_of_a_person_is_refused_in_words_and_answer(world, contact):
    with pytest.raises(NumberInText):
        asked(contact, world.daofu_cdc, words=f"call {factories.PHONE}")
    request = asked(contact, world.daofu_cdc)
    with pytest.raises(NumberInText):
        actions.refuse(
            request=request, answer=f"see {factories.NUMBER}", by=world.headquarters, at=AT
        )
    assert DataRequest.objects.get().is_open


def test_a_correction_is_granted_when_it_was_made(world, contact):
    request = asked(contact, world.daofu_cdc, "correct")

    with pytest.raises(actions.NotCorrected):
        actions.grant(request=request, by=world.headquarters, at=AT)
    people.correct(person=contact, changes={"workplace": "县医院"}, by=world.daofu_cdc, at=AT)

    assert actions.grant(request=request, by=world.headquarters, at=AT).state == "granted"


def test_a_correction_before_the_request_does_not_count(world, contact):
    people.correct(person=contact, changes={"workplace": "县医院"}, by=world.daofu_cdc, at=AT)
    request = asked(contact, world.daofu_cdc, "correct", at=LATER)

    with pytest.raises(actions.NotCorrected):
        actions.grant(request=request, by=world.headquarters, at=LATER)


# --- The copy -------------------------------------------------------------------------------------


def test_the_copy_holds_what_every_room_holds(world, patient):
    audit.seen(patient, by=world.daofu_cdc, at=AT, how="revealed", place="people.reveal",
               reason="contact tracing")  # fmt: skip
    emergency.open_(
        kind="document",
        number=cards.id_number(1),
        reason="the patient is unconscious",
        by=world.clinician,
        at=AT,
    )

    with override("zh-hans"):  # whatever a page before has left behind
        held = dossier.dossier(patient, AT)

    tables = {section.table for section in held.sections}
    assert {
        "people.Person", "people.IdentityDocument", "people.Phone", "surveillance.Case",
        "surveillance.ReportCard", "accounts.EmergencyAccess",
    } <= tables  # fmt: skip
    text = in_all(held)
    for value in (patient.name, cards.id_number(1), "13888880001", "团结社区1号", "自述去过县城"):
        assert value in text
    assert "contact tracing" in text and "the patient is unconscious" in text
    assert "新型冠状" in text  # the disease in words, not its code


def test_the_copy_holds_nothing_of_anybody_else_and_no_digest(world, patient):
    other = cards.case(world, 2, remark="别人的备注").person

    text = in_all(dossier.dossier(patient, AT))

    assert other.name not in text and "别人的备注" not in text and cards.id_number(2) not in text
    assert patient.documents.get().number_index not in text
    assert Case.objects.get(person=patient).card_print not in text


def test_the_copy_leaves_the_search_index_out(world, patient, monkeypatch):
    parts = set(NamePart.objects.filter(person=patient).values_list("part", flat=True))
    assert parts

    held = dossier.dossier(patient, AT)

    assert "people.NamePart" not in {section.table for section in held.sections}
    monkeypatch.setattr(NamePart, "about", None)  # were it not declared, it would stand there
    assert "people.NamePart" in {one.table for one in dossier.dossier(patient, AT).sections}


def test_an_erasure_takes_the_search_index_along_though_no_copy_shows_it(world, contact):
    granted(contact, world, "erase")

    left = NamePart.objects.filter(person=contact).values_list("part", flat=True)
    assert all(part.startswith("~") for part in left)


def test_the_copy_of_somebody_entered_twice_holds_both(world, contact):
    double = factories.person(
        world.daofu, name="扎西德吉甲", documents=[], phones=[], workplace="畜牧站"
    )
    Person.objects.filter(pk=double.pk).update(merged_into=contact)

    assert "畜牧站" in in_all(dossier.dossier(contact, AT))


def test_a_copy_is_handed_over_only_when_granted_and_counted(client, world, patient):
    request = asked(patient, world.daofu_cdc)
    client.force_login(world.daofu_cdc)
    address = reverse("people:requests:give", args=[request.public_id])

    assert client.post(address, {"form": "zip", "_key": "k1"}).status_code == 409
    actions.grant(request=request, by=world.headquarters, at=AT)
    answer = client.post(address, {"form": "zip", "_key": "k2"})

    assert answer.status_code == 200
    box = zipfile.ZipFile(io.BytesIO(answer.content))
    held = json.loads(box.read("copy.json"))
    assert held["held"]["people.Person"][0]["name"] == patient.name
    assert world.daofu_cdc.username in held["mark"]
    request.refresh_from_db()
    assert request.handed_over == 1
    assert Sight.objects.filter(how="exported", subject_id=patient.pk).count() == 1
    assert AuditLine.objects.filter(action="people.requests.hand_over").count() == 1


def test_each_repeat_of_a_hand_over_is_noted_as_seen_though_it_is_one_copy(client, world, patient):
    request = granted(patient, world)
    client.force_login(world.daofu_cdc)
    address = reverse("people:requests:give", args=[request.public_id])
    machine = f"/api/v1/people/requests/{request.public_id}/give/"
    for _time in range(2):
        assert client.post(address, {"form": "zip", "_key": "k"}).status_code == 200
        answer = client.post(machine, headers={"Idempotency-Key": "m"}, content_type="text/json")
        assert answer.status_code == 200

    request.refresh_from_db()
    assert request.handed_over == 2
    assert Sight.objects.filter(how="exported", subject_id=patient.pk).count() == 4


def test_the_copy_on_paper_can_be_read(client, world, patient):
    request = granted(patient, world)
    client.force_login(world.daofu_cdc)

    answer = client.post(
        reverse("people:requests:give", args=[request.public_id]), {"form": "pdf", "_key": "k"}
    )

    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    assert patient.name in text and cards.id_number(1) in text
    assert Sight.objects.filter(how="printed", subject_id=patient.pk).exists()


# --- Erasure --------------------------------------------------------------------------------------


def test_whom_no_law_keeps_is_erased_whole(world, contact):
    stored = contact.documents.get().number_index

    done = granted(contact, world, "erase")

    assert (done.state, done.kept_until) == ("granted", None)
    row = Person.objects.get(pk=contact.pk)
    assert row.name.startswith("~") and row.ethnicity == row.workplace == row.address_detail == ""
    assert row.birth_date is None and row.county_id is None
    assert IdentityDocument.objects.get().number == "" and Phone.objects.get().number == ""
    assert not IdentityDocument.objects.filter(number_index=stored).exists()
    assert not persons.search(world.headquarters, AT, factories.NAME).exists()


def test_a_report_card_is_kept_by_law_and_the_answer_says_until_when_and_why(world, patient):
    people.correct(person=patient, changes={"ethnicity": "藏族"}, by=world.daofu_cdc, at=AT)

    done = granted(patient, world, "erase")

    assert done.state == "partly"
    assert done.kept_until == AT.date() + timedelta(days=1096)
    law = queries.law_of(done, AT)
    assert "3年" in law.text.zh
    row = Person.objects.get(pk=patient.pk)
    assert row.name == patient.name  # stands on the card
    assert row.ethnicity == ""  # does not
    assert Case.objects.get().remark == "自述去过县城"


def test_what_a_law_keeps_is_not_worked_with(world, patient):
    request = granted(patient, world, "erase")
    patient.refresh_from_db()

    assert not persons.open_to(world.daofu_cdc, AT).filter(pk=patient.pk).exists()
    assert not persons.search(world.daofu_cdc, AT, cards.id_number(1)).exists()
    assert persons.one_open_to(world.daofu_cdc, AT).filter(pk=patient.pk).exists()
    with pytest.raises(people.Restricted):
        people.reveal(person=patient, reason="tracing", fields=["name"], by=world.daofu_cdc, at=AT)
    with pytest.raises(people.Restricted):
        people.add_phone(person=patient, number="13800000001", by=world.daofu_cdc, at=AT)
    with pytest.raises(people.Restricted):
        people.correct(person=patient, changes={"workplace": "县医院"}, by=world.daofu_cdc, at=AT)

    lifted(request, world)
    assert persons.open_to(world.daofu_cdc, AT).filter(pk=patient.pk).exists()


def is_restricted(person):
    return Person.objects.get(pk=person.pk).restricted_at is not None


def test_a_machine_is_told_at_once_what_its_decision_restricts(client, world, patient):
    new = {"person": str(patient.public_id), "kind": "erase", "asker": "self", "proof": "card"}
    client.force_login(world.daofu_cdc)

    def post(path, body, key):
        return client.post(
            f"/api/v1/people/requests/{path}", body, content_type="application/json",
            headers={"Idempotency-Key": key, "Accept-Language": "en"},
        )  # fmt: skip

    wrong = post("", {**new, "proof": "passport"}, "k1")
    assert "card" in wrong.json()["errors"][0]["text"]  # names what is taken
    made = post("", new, "k2").json()
    client.force_login(world.headquarters)

    told = post(f"{made['id']}/decide/", {"grant": True, "answer": "kept by law"}, "k3").json()

    assert (told["state"], told["restricts"], told["person_restricted"]) == ("partly", True, True)
    client.force_login(world.daofu_cdc)
    name, number = patient.name, Case.objects.get().number
    assert list(monitoring.found(world.daofu_cdc, AT, name)) == []  # the name finds nothing more
    assert [one.number for one in monitoring.found(world.daofu_cdc, AT, number)] == [number]


def test_a_restriction_is_lifted_by_two_and_not_by_one(world, patient):
    request = granted(patient, world, "erase")
    with pytest.raises(actions.LiftNotAsked):
        actions.lift(request=request, by=world.headquarters, at=AT)
    ask_lift(request, world)

    with pytest.raises(actions.OwnRequest):
        actions.lift(request=request, by=world.daofu_cdc, at=AT)
    assert is_restricted(patient)
    done = actions.lift(request=request, by=world.headquarters, at=AT)

    assert not is_restricted(patient)
    assert (done.lift_asked_by, done.lifted_by) == (world.daofu_cdc, world.headquarters)
    line = AuditLine.objects.get(action="people.requests.lift")
    assert (line.by, line.reason) == (world.headquarters, "ill again")


def test_the_database_refuses_the_same_one_for_both(world, patient):
    request = ask_lift(granted(patient, world, "erase"), world)
    rows = DataRequest.objects.filter(pk=request.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(lifted_at=AT, lifted_by=world.daofu_cdc)
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(lifted_at=AT, lifted_by=world.headquarters, lift_asked_by=None)
    assert rows.update(lifted_at=AT, lifted_by=world.headquarters) == 1


@pytest.mark.parametrize("kind", ["copy", "correct", "erase"])
def test_only_the_erasure_that_restricts_can_be_lifted(world, patient, contact, kind):
    granted(patient, world, "erase")
    person = patient if kind != "erase" else contact
    other = asked(person, world.daofu_cdc, kind)
    if kind == "erase":
        other = actions.grant(request=other, by=world.headquarters, at=AT)  # nothing is kept

    with pytest.raises(actions.NothingToLift):
        ask_lift(other, world)
    assert is_restricted(patient)


def test_what_was_lifted_once_is_not_lifted_again_by_the_same_request(world, patient):
    first = lifted(granted(patient, world, "erase"), world)
    second = granted(patient, world, "erase")

    with pytest.raises(actions.NothingToLift):
        ask_lift(first, world)
    assert is_restricted(patient)
    lifted(second, world)
    assert not is_restricted(patient)


def test_lifting_needs_a_reason_that_names_nobody_and_is_asked_for_once(world, patient):
    request = granted(patient, world, "erase")

    with pytest.raises(actions.ReasonMissing):
        ask_lift(request, world, reason=" \u200b" * 20)
    with pytest.raises(NumberInText):
        ask_lift(request, world, reason=f"ill again {cards.id_number(1)}")
    ask_lift(request, world)
    with pytest.raises(actions.AlreadyAsked):
        ask_lift(request, world, by=world.headquarters)
    assert queries.waiting_count(world.headquarters, AT) == 1


def test_who_asked_takes_it_back_and_another_may_leave_it_restricted(world, patient):
    request = granted(patient, world, "erase")
    for one in (world.daofu_cdc, world.headquarters):
        ask_lift(request, world)
        kept = actions.keep_restricted(request=request, by=one, at=AT)
        assert (kept.lift_reason, kept.lift_waits) == ("", False)
    assert is_restricted(patient) and queries.waiting_count(world.headquarters, AT) == 0


def test_the_list_says_what_is_restricted_and_where_lifting_is_asked_for(client, world, patient):
    english = {"Accept-Language": "en"}
    client.force_login(world.headquarters)
    request = granted(patient, world, "erase")
    for said in ("restricted", "lifting asked for"):
        for page in (reverse("people:requests:index"), request.get_absolute_url()):
            assert f">{said}</span>" in client.get(page, headers=english).content.decode()
        request.refresh_from_db()
        if not request.lift_waits:
            ask_lift(request, world)

    actions.lift(request=request, by=world.headquarters, at=AT)

    text = client.get(reverse("people:requests:index"), headers=english).content.decode()
    assert ">restricted</span>" not in text and ">lifting asked for</span>" not in text


def test_no_button_that_is_not_there_wipes_what_the_first_one_asked(client, world, patient):
    request = ask_lift(granted(patient, world, "erase"), world)
    page = reverse("people:requests:lift", args=[request.public_id])
    client.force_login(world.headquarters)

    for sent in ({}, {"decision": ""}, {"decision": "LIFT"}, {"reason": "病例再次发病"}):
        answer = client.post(page, {**sent, "_key": "k1"}, headers={"Accept-Language": "en"})
        assert answer.status_code == 422
        assert "Decide with one of the buttons" in answer.content.decode()
    request.refresh_from_db()
    assert request.lift_waits and request.lift_reason == "ill again" and is_restricted(patient)

    sent = {"decision": "keep", "_key": "k2", "_seen": version(request)}
    assert client.post(page, sent).status_code == 302
    request.refresh_from_db()
    assert not request.lift_waits and is_restricted(patient)


def test_no_button_that_is_not_there_refuses_a_request(client, world, contact):
    request = asked(contact, world.daofu_cdc)
    page = reverse("people:requests:decide", args=[request.public_id])
    client.force_login(world.headquarters)

    for sent in ({}, {"decision": "granted"}):
        assert client.post(page, {**sent, "answer": "as asked", "_key": "k1"}).status_code == 422
    request.refresh_from_db()
    assert request.is_open

    said = {"decision": "refuse", "answer": "as asked", "_key": "k2"}
    assert client.post(page, said).status_code == 302


def test_a_restriction_ends_with_the_last_erasure_that_asks_for_it(world, patient):
    first, second = granted(patient, world, "erase"), granted(patient, world, "erase")
    ask_lift(first, world)
    ask_lift(second, world, reason="a contact again")
    assert queries.waiting_count(world.headquarters, AT) == 2

    actions.lift(request=first, by=world.headquarters, at=AT)

    assert is_restricted(patient) and queries.waiting_count(world.headquarters, AT) == 1
    assert set(queries.restricting(patient)) == {second}
    with pytest.raises(people.Restricted):
        people.add_phone(person=patient, number="13800000001", by=world.daofu_cdc, at=AT)

    actions.lift(request=second, by=world.headquarters, at=AT)

    assert not is_restricted(patient) and queries.waiting_count(world.headquarters, AT) == 0
    assert not queries.restricting(patient).exists()


def test_lifting_one_persons_restriction_leaves_the_next_ones(world, patient):
    other = cards.case(world, 2).person
    first, second = granted(patient, world, "erase"), granted(other, world, "erase")

    lifted(first, world)

    assert not is_restricted(patient) and is_restricted(other)
    assert set(queries.restricting(other)) == {second}


def test_the_page_says_that_another_erasure_still_restricts(client, world, patient):
    first, second = granted(patient, world, "erase"), granted(patient, world, "erase")
    english = {"Accept-Language": "en"}
    client.force_login(world.headquarters)
    for one, still in ((first, True), (second, False)):
        ask_lift(one, world)
        page = reverse("people:requests:lift", args=[one.public_id])
        text = client.get(page, headers=english).content.decode()
        assert ("another erasure" in text) is still
        one.refresh_from_db()
        sent = {"decision": "lift", "_key": f"k{one.pk}", "_seen": version(one)}
        done = client.post(page, sent, headers=english, follow=True).content.decode()
        assert ("another erasure of the person still does" in done) is still
        assert is_restricted(patient) is still


def test_the_page_asks_and_another_one_decides(client, world, patient):
    request = granted(patient, world, "erase")
    page = reverse("people:requests:lift", args=[request.public_id])
    client.force_login(world.daofu_cdc)
    assert page in client.get(request.get_absolute_url()).content.decode()
    assert client.post(page, {"reason": "病例再次发病", "_key": "k1"}).status_code == 302
    assert 'value="lift"' not in client.get(page).content.decode()
    request.refresh_from_db()
    sent = {"decision": "lift", "_key": "k2", "_seen": version(request)}
    assert client.post(page, sent).status_code == 422
    assert is_restricted(patient)

    client.force_login(world.headquarters)
    text = client.get(page).content.decode()
    assert "病例再次发病" in text and 'value="lift"' in text and patient.name not in text
    assert client.post(page, {**sent, "_key": "k3"}).status_code == 302
    assert not is_restricted(patient)
    client.force_login(world.kangding_cdc)
    assert client.get(page).status_code == 404


def another_reason(request, world):
    """Whoever asked takes it back and asks for something else."""
    actions.keep_restricted(request=request, by=world.daofu_cdc, at=LATER)
    again = LATER + timedelta(hours=1)
    return ask_lift(request, world, reason="wanted for a study", at=again)


@pytest.mark.parametrize("decision", ["lift", "keep"])
def test_who_decides_on_a_page_decides_by_the_reason_that_was_read(
    client, world, patient, decision
):
    request = ask_lift(granted(patient, world, "erase"), world, reason="ill again")
    page = reverse("people:requests:lift", args=[request.public_id])
    english = {"Accept-Language": "en"}
    client.force_login(world.headquarters)
    read = client.get(page, headers=english)
    sent = {"decision": decision, "_seen": read.context["form"].editing.carried}
    assert f'value="{sent["_seen"]}"' in read.content.decode()
    another_reason(request, world)

    late = client.post(page, {**sent, "_key": "k1"}, headers=english)

    assert late.status_code == 412 and is_restricted(patient)
    assert [(one.label, one.theirs) for one in late.context["form"].editing.newer] == [
        ("Which new duty makes it necessary?", "wanted for a study")
    ]
    request.refresh_from_db()
    assert request.lift_waits and request.lift_reason == "wanted for a study"
    assert client.post(page, {"decision": decision, "_key": "k2"}).status_code == 412

    sent["_seen"] = late.context["form"].editing.carried
    assert client.post(page, {**sent, "_key": "k3"}).status_code == 302
    assert is_restricted(patient) is (decision == "keep")


@pytest.mark.parametrize("elsewhere", ["kangding", None])
def test_a_county_is_told_that_an_erasure_received_elsewhere_still_restricts(
    client, world, patient, elsewhere
):
    here, there = granted(patient, world, "erase"), granted(patient, world, "erase")
    county = elsewhere and getattr(world, elsewhere)
    DataRequest.objects.filter(pk=there.pk).update(county=county)
    here = ask_lift(here, world, by=world.headquarters)
    page = reverse("people:requests:lift", args=[here.public_id])
    english = {"Accept-Language": "en"}
    client.force_login(world.daofu_cdc)

    assert "another erasure of this person" in client.get(page, headers=english).content.decode()
    sent = {"decision": "lift", "_key": "k1", "_seen": version(here)}
    done = client.post(page, sent, headers=english, follow=True).content.decode()

    assert "another erasure of the person still does" in done and is_restricted(patient)
    assert "The restriction is lifted." not in done


def test_a_county_counts_and_lists_what_it_received_though_the_person_moved(
    client, world, contact, patient
):
    asked(contact, world.daofu_cdc)
    ask_lift(granted(patient, world, "erase"), world)
    Person.objects.filter(pk__in=(contact.pk, patient.pk)).update(
        county=world.kangding, area=world.kangding
    )
    user = world.daofu_cdc

    with reaching(lambda: (user.reach(AT), user.pk)):
        assert queries.waiting_count(user, AT) == 2
        rows = queries.open_to(user, AT)
        assert sorted(one.state for one in rows) == ["partly", "waiting"]
        assert [one.lift_waits for one in rows.filter(queries.LIFT_WAITS)] == [True]
    assert queries.waiting_count(world.kangding_cdc, AT) == 0
    client.force_login(user)
    for one in DataRequest.objects.all():
        assert client.get(one.get_absolute_url()).status_code == 200


def test_the_list_finds_where_lifting_is_asked_for(client, world, contact, patient):
    waiting, request = asked(contact, world.daofu_cdc), granted(patient, world, "erase")
    page = reverse("people:requests:index")
    client.force_login(world.headquarters)
    assert request.get_absolute_url() not in client.get(page, {"state": "lifting"}).content.decode()

    ask_lift(request, world)

    text = client.get(page, {"state": "lifting", "kind": "erase"}).content.decode()
    assert request.get_absolute_url() in text and waiting.get_absolute_url() not in text
    none = client.get(page, {"state": "lifting", "kind": "copy"}).content.decode()
    assert request.get_absolute_url() not in none


def test_when_the_duty_is_over_the_card_can_be_erased_too(world, patient):
    over = AT + timedelta(days=1097)
    counts = list(DailyCount.objects.order_by("pk").values_list("n", flat=True))
    request = asked(patient, world.daofu_cdc, "erase", at=over)

    done = actions.grant(request=request, by=world.headquarters, at=over)

    assert done.state == "granted"
    assert Person.objects.get(pk=patient.pk).name.startswith("~")
    assert Case.objects.get().remark == ""
    assert list(DailyCount.objects.order_by("pk").values_list("n", flat=True)) == counts


def test_files_about_the_person_go_with_the_record(world, contact):
    from fangkong.tasks.types import PROOF

    name = "photo.pdf"
    content = SimpleUploadedFile(name, samples.PDF)
    file = files.upload(
        use=PROOF,
        content=files.look_at(use=PROOF, content=content, name=name),
        by=world.daofu_cdc,
        at=AT,
    )
    files.attach(files=[file], use=PROOF, to=contact, by=world.daofu_cdc, at=AT)
    assert [kept for kept, _path in dossier.dossier(contact, AT).files] == [name]

    granted(contact, world, "erase")

    assert not type(file).objects.exists()


def test_an_erased_person_has_nothing_left_to_ask_for(world, contact):
    granted(contact, world, "erase")

    with pytest.raises(actions.Gone):
        asked(contact, world.headquarters)


def test_after_a_restore_of_an_older_backup_the_erased_are_erased_again(world, contact, patient):
    before = [
        (row, {f.attname: row.__dict__[f.attname] for f in row._meta.concrete_fields})
        for row in (
            Person.objects.get(pk=contact.pk),
            IdentityDocument.objects.get(person=contact),
            Phone.objects.get(person=contact),
        )
    ]
    granted(contact, world, "erase")
    for row, values in before:  # as the backup has them; the table of requests is older as well
        type(row)._base_manager.filter(pk=row.pk).update(**values)
    DataRequest.objects.all().delete()
    assert Person.objects.get(pk=contact.pk).name == factories.NAME

    hooks.restored["people.requests"](LATER)

    assert Person.objects.get(pk=contact.pk).name.startswith("~")
    assert Phone.objects.get(person=contact).number == ""
    assert Person.objects.get(pk=patient.pk).name == patient.name  # who did not ask
    assert AuditLine.objects.filter(action="people.requests.erase", by=None).count() == 1

    hooks.restored["people.requests"](LATER)
    assert AuditLine.objects.filter(action="people.requests.erase", by=None).count() == 1


def test_who_was_erased_again_after_a_restore_can_be_worked_with_again_by_two(world, patient):
    first = asked(patient, world.daofu_cdc, "erase", asker="agent", proof="authority")
    actions.grant(request=first, by=world.headquarters, at=AT)
    DataRequest.objects.all().delete()  # as a backup from before has it
    Person.objects.filter(pk=patient.pk).update(restricted_at=None)

    hooks.restored["people.requests"](LATER)
    hooks.restored["people.requests"](LATER)

    again = DataRequest.objects.get()
    assert (again.public_id, again.person_id) == (first.public_id, patient.pk)
    assert (again.kind, again.state, again.asker, again.proof) == (
        "erase", "partly", "agent", "authority",
    )  # fmt: skip
    assert (again.created_at, again.decided_at, again.decided_by) == (AT, AT, None)
    assert again.county == world.daofu and again.kept_until is not None and is_restricted(patient)
    lifted(again, world)
    assert not is_restricted(patient)


def test_a_request_that_waits_in_the_backup_is_decided_as_it_was(client, world, patient):
    request = asked(patient, world.daofu_cdc, "erase", words="all of it")
    with transaction.atomic():
        actions.grant(request=request, by=world.headquarters, at=AT)
        transaction.set_rollback(True)  # the line is on the disk, the backup does not know more
    assert DataRequest.objects.get().is_open

    hooks.restored["people.requests"](LATER)

    again = DataRequest.objects.get()
    assert (again.state, again.words, again.created_by) == ("partly", "all of it", world.daofu_cdc)
    client.force_login(world.headquarters)
    page = client.get(again.get_absolute_url(), headers={"Accept-Language": "en"})
    assert "carried out again after a restore" in page.content.decode()


def test_a_line_from_before_the_house_noted_how_a_request_came_is_carried_out(world, patient):
    line = {"person": str(patient.public_id), "request": str(uuid4()), "at": AT.isoformat()}
    erasures.path().write_text(json.dumps(line) + "\n")

    hooks.restored["people.requests"](LATER)

    assert is_restricted(patient)
    assert (DataRequest.objects.get().asker, DataRequest.objects.get().proof) == ("", "")


def test_a_record_that_was_joined_is_erased_again_too_where_the_backup_is_from_before(
    world, contact, patient
):
    """In the backup the two are two persons still; the line of the file names both."""
    erasures.note(
        person=contact.public_id, request=uuid4(), asker="self", proof="card", at=AT,
        joined=[patient.public_id],
    )  # fmt: skip

    assert actions.erase_again(at=LATER) == 1

    names = [Person.objects.get(pk=one.pk).name for one in (contact, patient)]
    assert names[0].startswith("~") and Person.objects.get(pk=patient.pk).restricted_at == LATER


def test_a_record_whose_kept_one_is_younger_than_the_backup_is_erased_again_too(world, contact):
    erasures.note(
        person=uuid4(), request=uuid4(), asker="self", proof="card", at=AT,
        joined=[contact.public_id],
    )  # fmt: skip

    assert actions.erase_again(at=LATER) == 1
    assert actions.erase_again(at=LATER) == 0

    assert Person.objects.get(pk=contact.pk).name.startswith("~")
    assert DataRequest.objects.get().person_id == contact.pk


def test_what_a_law_keeps_is_restricted_in_the_records_joined_to_it_too(world, contact, patient):
    Person.objects.filter(pk=contact.pk).update(merged_into=patient)

    granted(patient, world, "erase")

    assert {one.restricted_at for one in Person.objects.all()} == {AT}


def test_nothing_is_asked_of_a_record_that_was_joined_to_another(world, contact, patient):
    waiting = asked(contact, world.daofu_cdc, "erase")
    Person.objects.filter(pk=contact.pk).update(merged_into=patient)

    with pytest.raises(actions.Joined):
        asked(contact, world.daofu_cdc, "copy")
    with pytest.raises(actions.Joined):
        actions.grant(request=waiting, by=world.headquarters, at=AT)


def test_a_grant_that_is_refused_leaves_no_line_for_the_next_restore(world, contact):
    request = asked(contact, world.daofu_cdc, "erase")

    with pytest.raises(NumberInText):
        actions.grant(request=request, answer="13812345678", by=world.headquarters, at=AT)
    actions.refuse(request=request, answer="not the person", by=world.headquarters, at=AT)
    assert not list(erasures.noted())

    # Power lost between the line and the commit, then another decision: the decision counts.
    erasures.note(
        person=contact.public_id, request=request.public_id, asker="self", proof="card", at=AT
    )
    hooks.restored["people.requests"](LATER)
    assert Person.objects.get(pk=contact.pk).name == factories.NAME


def test_what_was_entered_after_an_erasure_stays_when_a_younger_backup_is_restored(world, patient):
    lifted(granted(patient, world, "erase"), world)
    people.add_phone(person=patient, number="13800000001", by=world.daofu_cdc, at=AT)

    hooks.restored["people.requests"](LATER)

    assert persons.open_to(world.daofu_cdc, LATER).filter(pk=patient.pk).exists()
    assert Phone.with_number("13800000001").exists()


@pytest.mark.parametrize(
    "change",
    [{"person": "13"}, {"at": "2020-02-05T09:00:00"}, {"asker": "anybody"}, {"proof": 1}, None],
)
def test_a_broken_line_in_the_file_of_erasures_stops_the_restore(world, patient, change):
    line = {"person": str(patient.public_id), "request": str(uuid4()), "at": AT.isoformat()}
    erasures.path().write_text(json.dumps({} if change is None else line | change) + "\n")

    with pytest.raises(erasures.Unreadable, match="line 1"):
        hooks.restored["people.requests"](AT)


def test_the_file_of_erasures_names_nobody(world, contact):
    granted(contact, world, "erase")

    text = erasures.path().read_text("ascii")
    assert str(contact.public_id) in text and len(text.splitlines()) == 1
    assert contact.name not in text and factories.NUMBER not in text


# --- Pages and machines ---------------------------------------------------------------------------


def test_the_journey_of_a_request_through_its_pages(client, world, patient):
    client.force_login(world.daofu_cdc)
    begin = reverse("people:requests:new", args=[patient.public_id])
    assert begin in client.get(patient.get_absolute_url()).content.decode()

    wrong = client.post(begin, {"kind": "erase", "asker": "agent", "proof": "card", "_key": "k1"})
    assert wrong.status_code == 422
    sent = {"kind": "erase", "asker": "self", "proof": "card", "words": "", "_key": "k2"}
    assert client.post(begin, sent).status_code == 302
    request = DataRequest.objects.get()
    page = client.get(request.get_absolute_url()).content.decode()
    assert patient.name not in page and "2023" in page  # until when the card is kept

    decide = reverse("people:requests:decide", args=[request.public_id])
    own = client.post(decide, {"decision": "grant", "_confirmed": "yes", "_key": "k3"})
    assert own.status_code == 422 and DataRequest.objects.get().is_open
    client.force_login(world.headquarters)
    assert client.post(decide, {"decision": "grant", "_key": "k4"}).status_code == 200
    assert DataRequest.objects.get().is_open  # it asks first
    done = client.post(decide, {"decision": "grant", "_confirmed": "yes", "_key": "k5"})
    assert done.status_code == 302 and DataRequest.objects.get().state == "partly"
    assert "3年" in client.get(request.get_absolute_url()).content.decode()


def test_another_county_finds_neither_the_request_nor_the_person(client, world, patient):
    request = granted(patient, world)
    client.force_login(world.kangding_cdc)

    for name, key in (("detail", request), ("new", patient), ("give", request)):
        address = reverse(f"people:requests:{name}", args=[key.public_id])
        assert client.post(address, {"_key": "k"}).status_code in (404, 405)
        assert client.get(address).status_code in (404, 405)
    assert str(request.public_id) not in client.get("/people/requests/").content.decode()


def test_a_machine_gets_the_same_copy(client, world, patient):
    request = granted(patient, world)
    client.force_login(world.daofu_cdc)

    answer = client.post(
        f"/api/v1/people/requests/{request.public_id}/give/",
        content_type="application/json",
        headers={"Idempotency-Key": "k"},
    )

    assert answer.status_code == 200
    assert answer.json()["held"]["people.Person"][0]["name"] == patient.name
    assert Sight.objects.filter(how="exported").exists()


def send(client, request, what, body, key, on="*"):
    return client.post(
        f"/api/v1/people/requests/{request.public_id}/{what}/",
        body,
        content_type="application/json",
        headers={"Idempotency-Key": key, **({"If-Match": on} if on else {})},
    )


def test_machines_lift_a_restriction_by_two_as_the_pages_do(client, world, patient):
    request = granted(patient, world, "erase")
    client.force_login(world.daofu_cdc)
    early = send(client, request, "lift", {"lift": True}, "k1")
    assert (early.status_code, early.json()["title"]) == (409, "LiftNotAsked")
    number = send(client, request, "lift/ask", {"reason": f"see {cards.id_number(1)}"}, "k2")
    assert (number.status_code, number.json()["title"]) == (422, "NumberInText")
    told = send(client, request, "lift/ask", {"reason": "ill again"}, "k3").json()
    assert (told["restricts"], told["lift_reason"]) == (True, "ill again")
    twice = send(client, request, "lift/ask", {"reason": "ill again"}, "k4")
    assert (twice.status_code, twice.json()["title"]) == (409, "AlreadyAsked")
    own = send(client, request, "lift", {"lift": True}, "k5")
    assert (own.status_code, own.json()["title"]) == (403, "OwnRequest")
    for wrong in ({}, {"lift": "perhaps"}, {"decision": "lift"}):
        assert send(client, request, "lift", wrong, "k6").status_code == 422
    assert is_restricted(patient) and queries.waiting_count(world.headquarters, AT) == 1

    client.force_login(world.headquarters)
    told = send(client, request, "lift", {"lift": True}, "k7").json()

    assert told["restricts"] is False and told["lifted_at"] is not None
    assert told["person_restricted"] is False and not is_restricted(patient)
    repeat = send(client, request, "lift", {"lift": True}, "k7")
    assert (repeat.status_code, repeat.headers["Idempotency-Replayed"]) == (200, "true")


def test_machines_leave_a_restriction_or_take_back_what_they_asked(client, world, patient):
    request = granted(patient, world, "erase")
    for number, one in enumerate((world.daofu_cdc, world.headquarters)):
        ask_lift(request, world)
        client.force_login(one)
        told = send(client, request, "lift", {"lift": False}, f"k{number}").json()
        assert (told["restricts"], told["lift_asked_at"], told["lift_reason"]) == (True, None, "")
    assert is_restricted(patient)


def test_a_machine_is_told_that_another_erasure_still_restricts(client, world, patient):
    first, second = granted(patient, world, "erase"), granted(patient, world, "erase")
    client.force_login(world.headquarters)
    for one, still in ((first, True), (second, False)):
        ask_lift(one, world)
        told = send(client, one, "lift", {"lift": True}, f"k{one.pk}").json()
        assert (told["restricts"], told["person_restricted"]) == (False, still)
        assert is_restricted(patient) is still


def test_a_machine_lifts_for_the_reason_that_it_read_and_for_no_newer_one(client, world, patient):
    request = ask_lift(granted(patient, world, "erase"), world, reason="ill again")
    address = f"/api/v1/people/requests/{request.public_id}/"
    client.force_login(world.headquarters)
    seen = client.get(address).headers["ETag"]
    another_reason(request, world)

    unsaid = send(client, request, "lift", {"lift": True}, "k1", on="")
    assert (unsaid.status_code, unsaid.json()["title"]) == (428, "Unconditional")
    late = send(client, request, "lift", {"lift": True}, "k2", on=seen)
    assert (late.status_code, late.json()["title"]) == (412, "Stale")
    assert is_restricted(patient)

    now = client.get(address).headers["ETag"]
    assert send(client, request, "lift", {"lift": True}, "k3", on=now).status_code == 200
    assert not is_restricted(patient)


def test_a_machine_withdraws_what_waits_and_nothing_else(client, world, contact):
    request = asked(contact, world.daofu_cdc)
    client.force_login(world.daofu_cdc)

    assert send(client, request, "withdraw", None, "k1").json()["state"] == "withdrawn"
    assert send(client, request, "withdraw", None, "k2").status_code == 409


def test_the_command_writes_the_copy_for_whoever_may(world, patient, tmp_path):
    request = granted(patient, world)
    file = tmp_path / "copy.zip"

    call_command("person_data", str(request.public_id), to=file, user=world.daofu_cdc.username)

    assert patient.name in zipfile.ZipFile(file).read("copy.json").decode()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="no such request"):
        call_command("person_data", str(request.public_id), to=file, user="staff-of-nowhere")
    auditor = world.auditor.username
    with pytest.raises(CommandError, match="no such request"):
        call_command("person_data", str(request.public_id), to=tmp_path / "b.zip", user=auditor)


def test_the_role_of_the_register_may_ask_and_the_laboratory_not(world):
    from fangkong.people.requests.types import DECIDE, RECEIVE

    assert RECEIVE.roles == DECIDE.roles == {Role.HEADQUARTERS, Role.COUNTY_CDC}
