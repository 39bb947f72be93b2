from __future__ import annotations

import logging
from datetime import date

import pytest
from django.db import connection

from fangkong.core.audit import queries as audit
from fangkong.core.tests.together import at_once
from fangkong.people import actions
from fangkong.people.actions import AnotherPerson, DocumentDisagrees, WrongField
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.people.rules import Age
from fangkong.people.types import Document, PhoneNumber, Registration

from .factories import AT, NAME, NUMBER, PHONE, person, resident_id

CARD = Document("resident_id", NUMBER)
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def verbs(one):
    return [line.action for line in audit.history_of(one)]


def test_a_person_is_entered_with_all_that_the_card_tells(areas):
    made = person(areas["513326100"], workplace="鲜水镇小学")

    assert (made.name, made.name_pinyin, made.name_initials) == (NAME, "zhaxideji", "zxdj")
    assert (made.sex, made.birth_date) == ("2", date(1985, 12, 31))
    assert (made.area, made.county) == (areas["513326100"], areas["513326"])
    assert [d.full_number for d in made.documents.all()] == [NUMBER]
    assert [p.full_number for p in made.phones.all()] == [PHONE]
    assert verbs(made) == ["people.register"]


def test_the_same_card_finds_the_same_person_however_it_is_written(patient):
    again = person(documents=[Document("resident_id", " ５１３３２６ 19851231 0029 ")])

    assert again == patient
    assert Person.objects.count() == 1
    assert verbs(patient) == ["people.register"]


def test_another_card_is_another_person(patient):
    other = person(documents=[resident_id()], phones=[])

    assert other != patient
    assert Person.objects.count() == 2


def test_a_known_person_gets_what_was_missing_and_keeps_the_rest(patient, areas):
    again = person(
        areas["513301"],
        workplace="道孚县小学",
        phones=[PhoneNumber("0836-7122345", "work"), PhoneNumber(PHONE)],
    )

    assert again.workplace == "道孚县小学"
    assert again.county == areas["513326"]
    assert again.phones.count() == 2
    line = audit.history_of(again)[0]
    assert (line.action, line.detail) == ("people.complete", {"fields": ["phones", "workplace"]})


def card_of_another_name(by):
    with pytest.raises(AnotherPerson) as refusal:
        actions.register(name="白玛曲珍", documents=[CARD], by=by, at=AT)
    return str(refusal.value)


def test_a_card_of_somebody_else_is_refused_with_a_masked_hint(patient, daofu):
    said = card_of_another_name(daofu)

    assert "扎某某" in said and NAME not in said
    assert Person.objects.count() == 1


def test_another_county_learns_nothing_of_whose_card_it_is(patient, kangding):
    said = card_of_another_name(kangding)

    assert not any(word in said for word in ("扎", "某", "道孚", "Daofu", NUMBER))
    assert said == card_of_another_name(None)


def test_a_file_of_another_county_learns_nothing_and_each_card_leaves_a_sight(patient, kangding):
    rows = [Registration(name="白玛曲珍", documents=(CARD,)), Registration(name="白玛曲珍")]

    refused, entered = actions.register_many(rows=rows, by=kangding, at=AT)

    assert isinstance(refused, AnotherPerson) and "扎" not in str(refused)
    assert isinstance(entered, Person)
    (sight,) = audit.sights_of(patient)
    assert (sight.by, sight.how, sight.place) == (kangding, "found", "people.clash")


def test_a_document_of_another_county_is_not_added_and_names_nobody(patient, kangding, areas):
    other = person(areas["513301"], name="白玛曲珍", documents=[resident_id()], phones=[])
    with pytest.raises(AnotherPerson) as refusal:
        actions.add_document(person=other, kind="resident_id", number=NUMBER, by=kangding, at=AT)

    assert "扎" not in str(refusal.value)


def test_two_cards_of_two_persons_are_nobodys(patient):
    passport = Document("passport", "E12345678")
    person(name="白玛曲珍", documents=[passport], phones=[])

    with pytest.raises(AnotherPerson):
        person(documents=[CARD, passport])


def test_without_a_card_name_birth_date_and_sex_find_the_person(patient, areas):
    alike = {"documents": [], "sex": "2", "birth_date": date(1985, 12, 31)}

    assert person(areas["513326"], **alike) == patient
    assert person(areas["513301"], **alike) != patient
    assert person(areas["513326"], **{**alike, "sex": "0"}) != patient


def test_of_two_alike_neither_is_meant(areas):
    for _twice in range(2):
        person(areas["513326"], documents=[resident_id(order=2 * _twice + 1)], phones=[])

    third = person(areas["513326"], documents=[], phones=[], sex="1", birth_date=date(1990, 1, 1))

    assert Person.objects.count() == 3
    assert verbs(third) == ["people.register"]


@pytest.mark.parametrize(
    ("stated", "field"),
    [({"sex": "1"}, "sex"), ({"birth_date": date(1985, 12, 30)}, "birth_date")],
)
def test_a_card_that_tells_something_else_names_the_field(areas, stated, field):
    with pytest.raises(DocumentDisagrees) as refusal:
        person(**stated)

    assert refusal.value.field == field
    assert not Person.objects.exists()


@pytest.mark.parametrize("age", [29, 30, 31, 32])
def test_an_age_beside_the_birth_date_may_be_counted_in_any_usual_way(areas, age):
    assert person(documents=[], birth_date=date(1990, 2, 5), age_years=age).age_years is None


@pytest.mark.parametrize(
    ("stated", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "扎" * 101}, "name"),
        ({"name": "？"}, "name"),
        ({"name": "扎西 13800001111"}, "name"),
        ({"guardian_name": NUMBER}, "guardian_name"),
        ({"sex": "3"}, "sex"),
        ({"documents": [Document("resident_id", NUMBER[:-1] + "8")]}, "document_number"),
        ({"documents": [resident_id(born=date(2020, 2, 6))]}, "document_number"),
        ({"documents": [Document("library_card", "1")]}, "document_kind"),
        ({"phones": [PhoneNumber("12800001111")]}, "phone"),
        ({"documents": [], "birth_date": date(2020, 2, 6)}, "birth_date"),
        ({"documents": [], "age_years": 151}, "age_years"),
        ({"documents": [], "age_years": 3, "age_on": date(2020, 2, 6)}, "age_on"),
        ({"documents": [], "birth_date": date(1990, 2, 5), "age_years": 28}, "age_years"),
        ({"documents": [], "birth_date": date(1990, 2, 5), "age_years": 33}, "age_years"),
    ],
)
def test_what_cannot_be_right_names_its_field(areas, stated, field):
    with pytest.raises(WrongField) as refusal:
        person(**stated)

    assert refusal.value.field == field
    assert not Person.objects.exists()


def test_someone_born_today_is_let_in(areas):
    born_today = person(documents=[], birth_date=date(2020, 2, 5))
    assert born_today.age(AT.date()) == Age(0, 0)


def test_an_infant_without_document_gets_a_temporary_key(areas):
    infant = person(documents=[Document("none")], age_months=7, guardian_name="卓玛", phones=[])

    (document,) = infant.documents.all()
    assert document.kind == "none" and document.masked_number == ""
    assert (infant.age(date(2020, 4, 5)), infant.age_on) == (Age(0, 9), AT.date())


def test_two_persons_without_document_are_two_persons(areas):
    one, other = (person(documents=[Document("none")], phones=[]) for _ in range(2))
    assert one != other


def test_the_same_phone_may_belong_to_a_family(patient):
    other = person(name="白玛曲珍", documents=[resident_id()])
    assert other.phones.get().full_number == patient.phones.get().full_number


def test_a_list_is_entered_in_order_and_a_wrong_row_stops_nothing(areas, patient):
    rows = [
        Registration(name="李明", documents=[resident_id()], area=areas["513326"]),
        Registration(name="王芳", documents=[Document("resident_id", NUMBER)]),
        Registration(name=NAME, documents=[CARD], workplace="道孚县小学"),
        Registration(name="王芳", documents=[Document("resident_id", "51332619851231")]),
        Registration(name="李 明", documents=[resident_id()], phones=[PhoneNumber(PHONE)]),
    ]

    one, stranger, known, wrong, again = actions.register_many(rows=rows, by=None, at=AT)

    assert isinstance(stranger, AnotherPerson) and isinstance(wrong, WrongField)
    assert known == patient and again == one and isinstance(again, Person)
    patient.refresh_from_db()
    assert patient.workplace == "道孚县小学"
    assert Phone.objects.filter(person=again).count() == 1
    assert Person.objects.count() == 2
    assert IdentityDocument.objects.count() == 2


def test_the_same_list_again_changes_nothing(areas):
    rows = [
        Registration(name=f"王{n}", documents=[resident_id(order=n)], area=areas["513326"])
        for n in range(1, 30)
    ]
    first = actions.register_many(rows=rows, by=None, at=AT)
    before = list(Person.objects.order_by("pk").values())

    assert actions.register_many(rows=rows, by=None, at=AT) == first
    assert list(Person.objects.order_by("pk").values()) == before


def test_a_long_list_takes_as_many_statements_as_a_short_one(areas, django_assert_max_num_queries):
    rows = [
        Registration(name=f"王{n}", documents=[resident_id(order=n)], phones=[PhoneNumber(PHONE)])
        for n in range(400)
    ]
    with django_assert_max_num_queries(25):
        assert len(actions.register_many(rows=rows, by=None, at=AT)) == 400


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_document_at_the_same_moment_mean_one_person():
    results = at_once(lambda _n: person(), callers=4)

    assert results == [Person.objects.get()] * 4
    assert IdentityDocument.objects.count() == Phone.objects.count() == 1


@pytest.mark.both_databases
def test_who_is_entered_by_another_process_meanwhile_is_found(patient, monkeypatch):
    from fangkong.people.ledger import Ledger

    if connection.vendor == "sqlite":  # one writer at a time: nothing comes in between there
        return
    looks = []

    def late(rows):
        looks.append(rows)
        return Ledger() if len(looks) == 1 else opened(rows)

    opened = Ledger.open
    monkeypatch.setattr(Ledger, "open", late)

    assert person() == patient
    assert len(looks) == 2 and Person.objects.count() == 1


def test_an_empty_list_gives_an_empty_list():
    assert actions.register_many(rows=[], by=None, at=AT) == []


def test_no_log_line_holds_a_name_or_number(areas, caplog):
    with caplog.at_level(logging.DEBUG, logger="fangkong"):
        made = person(areas["513326"])
        with pytest.raises(AnotherPerson):
            person(name="白玛曲珍")

    assert not any(word in caplog.text for word in (NAME, NUMBER, PHONE, "白玛曲珍"))
    assert NAME not in str(made) and NUMBER not in str(made.documents.get())


def test_a_correction_sets_the_search_words_and_the_county_too(patient, daofu, areas):
    actions.correct(
        person=patient,
        changes={"name": "白玛曲珍", "area": areas["513301"]},
        by=daofu,
        at=AT,
    )

    patient.refresh_from_db()
    assert (patient.name_pinyin, patient.county.code) == ("baimaquzhen", "513301")
    line = audit.history_of(patient)[0]
    assert line.detail == {"changes": {"area": "changed", "name": "changed"}}


def test_whoever_was_entered_under_a_sign_once_can_still_be_corrected_and_gets_documents(areas):
    old = person(documents=[])
    old.rename("？")
    old.save()
    given = {"person": old, "by": None, "at": AT}
    actions.add_document(kind="resident_id", number=NUMBER, **given)
    assert actions.correct(changes={"workplace": "道孚县中学"}, **given).name == "?"
    with pytest.raises(WrongField):
        actions.correct(changes={"name": "！"}, **given)


def test_a_correction_that_changes_nothing_leaves_no_line(patient, daofu):
    actions.correct(person=patient, changes={"name": NAME}, by=daofu, at=AT)
    assert verbs(patient) == ["people.register"]


def test_a_correction_against_the_card_is_refused(patient, daofu):
    with pytest.raises(DocumentDisagrees) as refusal:
        actions.correct(person=patient, changes={"sex": "1"}, by=daofu, at=AT)

    assert refusal.value.field == "sex"
    patient.refresh_from_db()
    assert patient.sex == "2"


def test_only_stated_facts_can_be_corrected(patient, daofu):
    with pytest.raises(WrongField):
        actions.correct(person=patient, changes={"synthetic": True}, by=daofu, at=AT)


def test_a_document_is_added_once(patient, daofu):
    one, again = (
        actions.add_document(person=patient, kind="passport", number="e12345678", by=daofu, at=AT)
        for _ in range(2)
    )

    assert one == again and one.full_number == "E12345678"
    assert verbs(patient) == ["people.add_document", "people.register"]


def test_a_card_added_later_tells_sex_and_birth_date(areas, daofu):
    made = person(documents=[])
    actions.add_document(person=made, kind="resident_id", number=NUMBER, by=daofu, at=AT)

    made.refresh_from_db()
    assert (made.sex, made.birth_date) == ("2", date(1985, 12, 31))


def test_a_document_of_somebody_else_is_not_added(patient, daofu):
    other = person(name="白玛曲珍", documents=[resident_id()], phones=[])
    with pytest.raises(AnotherPerson):
        actions.add_document(person=other, kind="resident_id", number=NUMBER, by=daofu, at=AT)


def test_a_second_card_that_tells_another_birth_date_is_not_added(patient, daofu):
    with pytest.raises(DocumentDisagrees):
        actions.add_document(
            person=patient, kind="resident_id", number=resident_id().number, by=daofu, at=AT
        )


def test_a_phone_is_added_once(patient, daofu):
    for _twice in range(2):
        actions.add_phone(person=patient, number="139 0000 2222", by=daofu, at=AT)

    assert patient.phones.count() == 2
    assert verbs(patient) == ["people.add_phone", "people.register"]
