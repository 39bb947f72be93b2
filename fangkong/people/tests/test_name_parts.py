"""What names are searched in follows the persons, and the search reads an index, not the table."""

from __future__ import annotations

import pytest
from django.db import connection

from fangkong.core.retention import actions as retention
from fangkong.core.walls.reach import reaching
from fangkong.people import name_parts, queries
from fangkong.people.models import NamePart, Person
from fangkong.people.tests.factories import AT
from fangkong.people.tests.factories import person as entered

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


EVER = {"created_at": AT, "changed_at": AT}


def called(name: str, area=None) -> Person:
    """Somebody of a name, of whom nothing else is known: no document, no birth date."""
    return entered(area, name=name, birth_date=None, documents=(), phones=())


def parts_of(one: Person) -> list[str]:
    return sorted(NamePart.objects.filter(person_id=one.pk).values_list("part", flat=True))


def test_a_name_is_kept_from_each_sign_to_its_end_with_pinyin_and_initials(db):
    one = called("扎西德吉")

    assert parts_of(one) == sorted(["扎西德吉", "西德吉", "德吉", "吉", "zhaxideji", "zxdj"])


def test_a_long_name_is_kept_whole_and_from_its_last_sign(db):
    name = "Abdurehim Tursun Ghulam"
    one = called(name)

    assert parts_of(one) == sorted(
        [*(name.lower()[n:] for n in range(len(name))), "abdurehimtursunghulam", "atg"]
    )


def test_all_whom_one_statement_enters_are_found(db):
    """Also where one statement enters some who are found and some who are not."""
    first = called("王多吉")
    rows = [Person(name=name, **EVER) for name in ("扎西", "泽仁")]
    Person.objects.bulk_create([*rows, Person(name="央金", merged_into=first, **EVER)])
    zhaxi, zeren, merged = Person.objects.exclude(pk=first.pk).order_by("pk")

    assert parts_of(zhaxi) == ["扎西", "西"]
    assert parts_of(zeren) == sorted(["泽仁", "仁"])
    assert parts_of(merged) == []


def test_another_name_takes_the_place_of_the_first_and_nothing_else_moves(db):
    one, other = called("扎西德吉"), called("王多吉")
    before = parts_of(other)
    one.rename("泽仁")
    one.save()

    assert parts_of(one) == sorted(["泽仁", "仁", "zeren", "zr"])
    assert parts_of(other) == before


def test_a_merged_person_is_found_no_more(db):
    one, other = called("扎西德吉"), called("扎西德吉")
    Person.objects.filter(pk=one.pk).update(merged_into=other)

    assert parts_of(one) == []
    assert parts_of(other) != []


def test_a_destroyed_name_leaves_no_part(db):
    one, other = called("扎西德吉"), called("王多吉")
    retention.destroy(model=Person, ids=[one.pk], by=None, at=AT)

    assert parts_of(one) == []
    assert parts_of(other) != []


def test_made_anew_the_parts_are_those_that_the_triggers_kept(db):
    for name in ("扎西德吉", "王丽丽", "John Smith", "བཀྲ་ཤིས"):
        called(name)
    kept = sorted(NamePart.objects.values_list("person_id", "county_id", "part"))
    name_parts.rebuild()

    assert sorted(NamePart.objects.values_list("person_id", "county_id", "part")) == kept


def test_who_is_called_just_so_comes_before_the_many_who_are_called_longer(
    db, areas, daofu, monkeypatch
):
    monkeypatch.setattr(queries, "MOST_NAMESAKES", 2)
    longer = [called(f"扎西{sign}", areas["513326"]) for sign in "德多吉"]
    exact = called("扎西", longer[0].area)

    found = list(queries.search(daofu, AT, "扎西"))

    assert exact in found
    assert len(found) == 2


def test_a_search_by_part_of_a_name_reads_the_index_behind_the_wall_too(areas, daofu):
    called("扎西德吉", areas["513326"])
    with reaching(lambda: (daofu.reach(AT), daofu.pk)), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # of a handful of rows it reads them all
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = queries.search(daofu, AT, "德吉").explain()

    assert "namepart_by_part" in plan
    condition = "Index Cond: ((part" if connection.vendor == "postgresql" else "(part>? AND part<?"
    assert condition in plan.replace("((part)::text", "((part")
