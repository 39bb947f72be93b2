"""An installation with plain numbers is sealed by its migrations, and opened by their reverse."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from fangkong.core.sealing import keys
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.people.tests.factories import NUMBER, PHONE, person

from .test_fields import ADDRESS, stored

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.long,  # every room stands on people: all migrations run back and forth
]


def go_to(name=""):
    call_command("migrate", *(["people", name] if name else []), verbosity=0)


def test_there_and_back_and_there_again_with_data():
    patient = person(address_detail=ADDRESS)
    document, phone = patient.documents.get(), patient.phones.get()
    try:
        go_to("0001_initial")
        assert stored(IdentityDocument, "number", document.pk) == NUMBER
        assert stored(Phone, "number", phone.pk) == PHONE
        assert stored(Person, "address_detail", patient.pk) == ADDRESS
    finally:
        go_to()

    assert keys.key_of(stored(Phone, "number", phone.pk)) == keys.ring().current
    again = Person.objects.get(pk=patient.pk)
    assert again.address_detail == ADDRESS
    assert again.documents.get().number == NUMBER
    assert list(IdentityDocument.with_numbers([NUMBER])) == [document]


def test_sealing_that_was_stopped_halfway_goes_on():
    patient = person(address_detail=ADDRESS)
    phone = patient.phones.get()
    try:
        go_to("0002_sealed_columns")  # all open again
        sealed = Phone._meta.get_field("number").sealed(phone, PHONE)
        with connection.cursor() as cursor:  # as if a batch had been done before the stop
            cursor.execute("UPDATE people_phone SET number = %s", [sealed])
    finally:
        go_to()

    assert stored(Phone, "number", phone.pk) == sealed
    assert [p.pk for p in Phone.with_number(PHONE)] == [phone.pk]
