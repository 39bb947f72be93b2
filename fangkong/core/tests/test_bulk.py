"""Rows inserted by the thousand are the rows that one by one would have been."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from fangkong.core import bulk
from fangkong.core.audit.context import acting
from fangkong.core.audit.models import AuditLine, RowChange
from fangkong.core.audit.queries import history_of
from fangkong.core.record import new_public_id, stamps
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.people.types import PhoneNumber
from fangkong.places.tests.factories import member, world

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

AT = datetime(2020, 2, 5, 2, 30, 15, 123456, tzinfo=UTC)
HOSTILE = [
    r"back\slash",
    r"\N",
    r"\.",
    r"\x01 and \t as letters",
    "tab\tline\nreturn\r\nend",
    "\x01",
    "a\x01b",
    "'quoted' \"twice\" %s %% ? {}",
    "扎西德吉 བཀྲ་ཤིས། 𠮷𡈽 👩‍⚕️",
    " blank at both ends　",
    "",
    "--; DROP TABLE people_person",
]


def stamps_by_key() -> dict[str, object]:
    return {"created_at": AT, "changed_at": AT}


def persons(texts, **values):
    return [
        bulk.fresh(Person, name=f"name {n}", workplace=text, **stamps(None, AT), **values)
        for n, text in enumerate(texts)
    ]


def test_every_text_comes_back_as_it_was():
    rows = persons(HOSTILE)

    bulk.insert(rows)

    assert [Person.objects.get(pk=row.pk).workplace for row in rows] == HOSTILE


@pytest.mark.parametrize("count", [1, 2, 3_000])
def test_each_row_has_the_key_it_lies_under(count):
    rows = persons([f"place {n}" for n in range(count)])

    bulk.insert(rows)

    kept = dict(Person.objects.values_list("workplace", "pk"))
    assert {row.workplace: row.pk for row in rows} == kept
    assert not any(row._state.adding for row in rows)
    one_more = Person.objects.create(name="after", **stamps(None, AT))  # no key is given twice
    assert one_more.pk > max(kept.values())


def test_a_fresh_row_is_what_the_constructor_makes():
    area = world()["513326"]
    by = member("headquarters", where=area)
    said = {"name": "扎西", "birth_date": date(1985, 12, 31), "area": area, **stamps(by, AT)}

    fresh, usual = bulk.fresh(Person, **said), Person(**said)

    values = {**fresh.__dict__}, {**usual.__dict__}
    for each in values:
        del each["_state"], each["public_id"]
    assert values[0] == values[1]
    assert fresh.public_id != usual.public_id
    assert fresh.area is area
    assert fresh._state.adding


def test_both_ways_leave_the_same_values():
    area = world()["513326"]
    said = {
        "name": "扎西",
        "sex": "1",
        "birth_date": date(1985, 12, 31),
        "age_years": 34,
        "age_on": date(2020, 2, 5),
        "area": area,
        "county": None,
        "address_detail": "团结社区 7 号",
        "synthetic": True,
        **stamps(None, AT),
    }
    one = Person(**said)
    one.save()
    other = bulk.fresh(Person, **said)
    bulk.insert([other])

    def kept(pk):
        row = Person.objects.get(pk=pk)
        return {
            field.attname: str(getattr(row, field.attname)) if field.name == "address_detail"
            else getattr(row, field.attname)
            for field in Person._meta.concrete_fields
            if field.name not in ("id", "public_id")
        }  # fmt: skip

    assert kept(other.pk) == kept(one.pk)


def test_a_sealed_number_is_found_and_opened():
    person = bulk.fresh(Person, name="扎西", **stamps(None, AT))
    document = bulk.fresh(
        IdentityDocument,
        person=person,
        kind="passport",
        number="E12345678",
        **stamps(None, AT),
    )
    bulk.insert([person])
    bulk.insert([document])  # the person has its key since

    (found,) = IdentityDocument.with_numbers(["E12345678"])

    assert (found.person_id, found.full_number) == (person.pk, "E12345678")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM people_identitydocument")
        assert "E12345678" not in cursor.fetchone()[0]


def test_what_the_database_forbids_is_refused_as_ever():
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([bulk.fresh(Person, name="", **stamps(None, AT))])
    bulk.insert(persons(["after"]))

    assert Person.objects.count() == 1


def test_each_row_leaves_its_line_with_who_acts_and_when():
    by = member("headquarters", where=world()["513300"])
    at = AT + timedelta(days=1)
    rows = persons(["one", "two"])

    with acting(by_id=by.pk, at=at):
        bulk.insert(rows)

    lines = RowChange.objects.filter(table_name="people_person").order_by("id")
    seen = [(line.verb, line.row_id, line.by_id, line.at, line.role) for line in lines]
    assert seen == [("insert", row.pk, by.pk, at, "") for row in rows]


def test_shared_and_single_values_make_rows_of_columns():
    detail = {"text": 'a "quote", a \\ and a\nline', "n": 1}
    bulk.insert_columns(
        AuditLine,
        3,
        {
            "action": "core.test.do",
            "at": AT,
            "subject_type": "people.person",
            "subject_id": [3, 1, 2],
            "detail": detail,
        },
    )
    bulk.insert_columns(AuditLine, 0, {"at": AT})

    lines = AuditLine.objects.order_by("id")
    assert [line.subject_id for line in lines] == [3, 1, 2]
    assert {(line.action, line.at, line.by_id, line.reason) for line in lines} == {
        ("core.test.do", AT, None, "")
    }
    assert all(line.detail == detail for line in lines)
    assert history_of(bulk.fresh(Person, id=1, name="x", **stamps(None, AT)))[0].detail == detail


def test_keys_are_found_by_any_of_several_columns():
    rows = persons(["here", "there", "elsewhere"])
    bulk.insert(rows)

    found = bulk.keys_where(Person, workplace=["here", "no, 'here"], id=[rows[2].pk, rows[2].pk])

    assert sorted(found) == [rows[0].pk, rows[2].pk]
    assert bulk.keys_where(Person, workplace=[]) == []


def test_rows_of_several_models_point_to_each_other():
    person = bulk.fresh(Person, name="扎西", **stamps(None, AT))
    phone = Phone.new(person, PhoneNumber("13800000001"), None, AT)

    bulk.insert_each([person], [], [phone])

    assert Phone.objects.get().person_id == person.pk


# --- Room for pages ------------------------------------------------------------------------------


def test_room_for_pages_is_given_back():
    def said() -> list[int]:
        with connection.cursor() as cursor:
            return [bulk._pragma(cursor, name) for name in bulk._ROOMY]

    if connection.vendor != "sqlite":
        with bulk.roomy():
            return
    before = said()
    with bulk.roomy():
        within = said()
    assert within == [*bulk._ROOMY.values()] != before
    assert said() == before


def test_prepared_rows_go_in_by_their_places_with_the_keys_given_to_them():
    names = ["one", "two", "three"]
    ids = [new_public_id() for _name in names]
    rows = bulk.ready(Person, 3, {**stamps_by_key(), "public_id": ids, "name": names})
    some = rows.of([2, 0])
    keys = bulk.reserve(Person, 2)
    bulk.insert_ready(Person, some, id=keys)

    assert [Person.objects.get(pk=key).name for key in keys] == ["three", "one"]
    assert bulk.among(Person, "name", ["one", "two"]) == {"one"}


def test_plain_text_never_goes_into_a_sealed_column():
    with pytest.raises(TypeError):
        bulk.ready(
            Person,
            1,
            {**stamps_by_key(), "public_id": [new_public_id()], "address_detail": ["here"]},
        )
