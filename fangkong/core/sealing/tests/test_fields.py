"""Numbers, phones and addresses lie encrypted in the database, each bound to its row."""

from __future__ import annotations

import copy
import json
import pickle
import time

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.record import stamps
from fangkong.core.sealing import keys
from fangkong.core.sealing.ciphers import NotAuthentic
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.people.tests.factories import AT, NUMBER, PHONE, person
from fangkong.people.types import Document, PhoneNumber

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

ADDRESS = "鲜水镇团结街12号"


@pytest.fixture
def patient(db):
    return person(address_detail=ADDRESS)


def stored(model, name, pk):
    """What really lies in the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM {model._meta.db_table} WHERE id = %s", [pk])
        return cursor.fetchone()[0]


def put(model, name, pk, value):
    """Write past the model, as somebody with the database in hands."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE id = %s", [value, pk])


def test_no_table_holds_a_number_or_address_in_plain_text(patient):
    document, phone = patient.documents.get(), patient.phones.get()

    for model, name, pk, plain in (
        (IdentityDocument, "number", document.pk, NUMBER),
        (Phone, "number", phone.pk, PHONE),
        (Person, "address_detail", patient.pk, ADDRESS),
    ):
        assert plain not in stored(model, name, pk)
        assert keys.key_of(stored(model, name, pk)) == keys.ring().current

    fresh = Person.objects.get(pk=patient.pk)
    assert (document.number, phone.number, fresh.address_detail) == (NUMBER, PHONE, ADDRESS)


def test_a_number_moved_to_another_row_does_not_open(patient):
    other = person(name="王多吉", documents=[Document("passport", "E12345678")], phones=[])
    mine, theirs = patient.documents.get(), other.documents.get()
    put(IdentityDocument, "number", theirs.pk, stored(IdentityDocument, "number", mine.pk))

    with pytest.raises(NotAuthentic):
        _ = other.documents.get().number
    assert patient.documents.get().number == NUMBER


def test_a_number_moved_to_another_column_does_not_open(patient):
    put(Person, "name", patient.pk, "x")
    phone = patient.phones.get()
    with connection.cursor() as cursor:  # the same row id and public id, another table
        cursor.execute(
            "UPDATE people_phone SET public_id = (SELECT public_id FROM people_person"
            " WHERE id = %s) WHERE id = %s",
            [patient.pk, phone.pk],
        )
    put(Phone, "number", phone.pk, stored(Person, "address_detail", patient.pk))

    with pytest.raises(NotAuthentic):
        _ = Phone.objects.get(pk=phone.pk).number


def test_a_changed_letter_does_not_open(patient):
    phone = patient.phones.get()
    sealed = stored(Phone, "number", phone.pk)
    put(Phone, "number", phone.pk, sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:])

    with pytest.raises(NotAuthentic):
        _ = Phone.objects.get(pk=phone.pk).number


def test_a_plain_number_written_past_the_model_is_not_taken_for_a_sealed_one(patient):
    phone = patient.phones.get()
    put(Phone, "number", phone.pk, PHONE)

    with pytest.raises(NotAuthentic):
        _ = Phone.objects.get(pk=phone.pk).number


def test_equal_values_look_different_but_share_their_index_within_a_column(db):
    one = person(phones=[PhoneNumber(PHONE)])
    other = person(
        name="王多吉", documents=[Document("passport", "E12345678")], phones=[PhoneNumber(PHONE)]
    )
    mine, theirs = one.phones.get(), other.phones.get()

    assert stored(Phone, "number", mine.pk) != stored(Phone, "number", theirs.pk)
    assert mine.number_index == theirs.number_index != ""
    assert len(mine.number_index) == 24  # 18 bytes
    assert keys.blind(PHONE, b"people_phone\0number") == mine.number_index
    assert keys.blind(PHONE, b"people_identitydocument\0number") != mine.number_index


def test_a_number_is_found_exactly_and_never_by_its_plain_column(patient):
    assert [d.person_id for d in IdentityDocument.with_numbers([NUMBER])] == [patient.pk]
    assert list(IdentityDocument.with_numbers([NUMBER[:-1]])) == []
    for asked in ({"number": NUMBER}, {"number__contains": NUMBER[:6]}, {"number__in": [NUMBER]}):
        with pytest.raises(TypeError, match="blind index"):
            list(IdentityDocument.objects.filter(**asked))
    with pytest.raises(TypeError, match="blind index"):
        Phone.objects.update(number=PHONE)


def test_one_document_still_belongs_to_one_person(patient):
    other = person(name="王多吉", documents=[], phones=[])
    again = IdentityDocument.new(other, Document("resident_id", NUMBER), None, AT)

    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()


def test_rows_written_and_changed_in_bulk_are_sealed_too(patient):
    made = Phone.objects.bulk_create(
        [Phone.new(patient, PhoneNumber(f"1390000000{n}"), None, AT) for n in range(3)]
    )
    for phone in made:
        assert Phone.objects.get(pk=phone.pk).number == phone.number

    rows = list(Phone.objects.filter(pk__in=[phone.pk for phone in made]).order_by("pk"))
    unchanged = stored(Phone, "number", rows[1].pk)
    rows[0].number = "13711112222"
    Phone.objects.bulk_update(rows, ["number", "number_index"])

    assert stored(Phone, "number", rows[0].pk).startswith(keys.ring().current)
    assert Phone.objects.get(pk=rows[0].pk).number == "13711112222"
    assert [phone.pk for phone in Phone.with_number("13711112222")] == [rows[0].pk]
    assert stored(Phone, "number", rows[1].pk) == unchanged  # nothing new, nothing sealed anew


def test_a_value_carried_from_one_row_to_another_is_sealed_for_that_row(patient):
    other = Person(**stamps(None, AT))
    other.rename("王多吉")
    other.address_detail = Person.objects.get(pk=patient.pk).address_detail
    other.save()

    assert Person.objects.get(pk=other.pk).address_detail == ADDRESS


def test_saving_an_untouched_row_leaves_its_ciphertext(patient):
    before = stored(Person, "address_detail", patient.pk)
    row = Person.objects.get(pk=patient.pk)
    _ = row.address_detail
    row.save()

    assert stored(Person, "address_detail", patient.pk) == before


def test_deferred_and_refreshed_rows_read_the_same(patient):
    assert Person.objects.defer("address_detail").get(pk=patient.pk).address_detail == ADDRESS
    assert Person.objects.only("address_detail").get(pk=patient.pk).address_detail == ADDRESS
    patient.refresh_from_db()
    assert patient.address_detail == ADDRESS


def test_an_empty_address_stays_empty(db):
    row = person(address_detail="")

    assert stored(Person, "address_detail", row.pk) == ""
    assert Person.objects.filter(address_detail="").get().address_detail == ""


def test_a_copied_value_is_a_plain_text_without_its_row(patient):
    value = Person.objects.get(pk=patient.pk).address_detail

    assert type(copy.deepcopy(value)) is type(pickle.loads(pickle.dumps(value))) is str
    assert json.dumps(value, ensure_ascii=False) == f'"{ADDRESS}"'


def test_rows_written_out_as_they_are_keep_their_ciphertext(patient):
    text = serializers.serialize("json", [patient.phones.get(), patient.documents.get()])

    assert PHONE not in text and NUMBER not in text


@given(st.text(max_size=300).filter(lambda text: "\0" not in text))
def test_whatever_is_sealed_opens_again_for_its_own_row_only(text):
    sealed = keys.seal(text, b"row 1")

    assert keys.unseal(sealed, b"row 1") == text
    with pytest.raises(NotAuthentic):
        keys.unseal(sealed, b"row 2")


def test_sealing_a_field_is_cheap(db):
    keys.seal("warm", b"x")
    best = 1.0
    for _try in range(5):
        start = time.perf_counter()
        for _n in range(500):
            keys.unseal(
                keys.seal(NUMBER, b"people_phone\0number\0row"), b"people_phone\0number\0row"
            )
        best = min(best, (time.perf_counter() - start) / 1000)

    assert best < 60e-6  # seconds, sealed or opened once; far below a query's cost
