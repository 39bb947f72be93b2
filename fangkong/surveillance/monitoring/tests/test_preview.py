"""The preview of a file promises what the import then keeps: whose number it is, which illness."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangkong.core.audit import queries as audit
from fangkong.core.imports import actions as kit
from fangkong.core.imports import queries as runs
from fangkong.people.models import Person
from fangkong.surveillance.monitoring import imports

from .factories import AT, case, line, outcomes, person, table, uploaded

STRANGER = {"name": "王小明"}
OTHER_DAY = {"diagnosed_at": "2020-02-04 09:00"}
FLU = {"condition": "流行性感冒", "severity": ""}
MEASLES = {"condition": "麻疹", "severity": ""}


def codes(batch) -> list[list[str]]:
    return [[reason["code"] for reason in row.reasons] for row in runs.rows_of(batch)]


def said(batch) -> list[str]:
    row, *_more = runs.rows_of(batch)
    return kit.kind_named(batch.kind).in_words(row.reasons)


def kept(batch) -> list[str]:
    """What becomes of each row once the file is imported."""
    return outcomes(kit.enter(run=kit.confirm(run=batch, by=batch.created_by, at=AT), at=AT))


def test_two_names_for_one_number_in_a_file_are_told_with_the_line_of_the_other(world):
    batch = uploaded(world, line(1), line(2), line(1, **STRANGER, **FLU))

    assert outcomes(batch) == ["ok", "ok", "error"]
    *_good, last = runs.rows_of(batch)
    assert last.reasons == [{"code": "other_in_file", "params": {"line": 2}}]
    assert kept(batch) == ["imported", "imported", "error"]


def test_the_same_card_with_another_name_is_no_card_twice(world):
    assert codes(uploaded(world, line(1), line(1, **STRANGER))) == [[], ["other_in_file"]]
    assert codes(uploaded(world, line(1), line(1))) == [[], ["twice_in_file"]]


def test_a_name_written_with_other_blanks_is_the_same_name(world):
    name = " ".join(person(1).name)
    batch = uploaded(world, line(1), line(1, name=name, **FLU))

    assert outcomes(batch) == ["ok", "ok"]
    assert kept(batch) == ["imported", "imported"]


def test_what_one_row_leaves_out_another_fills_and_a_third_may_not_deny(world):
    passport = {"id_kind": "护照", "id_number": "E12345678"}
    batch = uploaded(
        world,
        line(1, **passport, sex="", birth_date="", age="50"),
        line(1, **passport, **FLU),
        line(1, **passport, **MEASLES, birth_date="1971-1-1"),
    )

    assert outcomes(batch) == ["ok", "ok", "error"]
    assert kept(batch) == ["imported", "imported", "error"]


def test_a_row_that_stays_out_anyway_claims_no_number(world):
    wrong = line(1, **STRANGER, case_class="也许")
    assert outcomes(uploaded(world, wrong, line(1))) == ["error", "ok"]


def test_the_number_of_somebody_registered_is_told_before_the_import(world):
    case(world, 1)
    batch = uploaded(world, line(1, **STRANGER, **OTHER_DAY), line(2))

    assert outcomes(batch) == ["error", "ok"]
    assert kept(batch) == ["error", "imported"]


def test_a_second_patient_with_number_and_moment_of_the_first_is_no_known_card(world):
    assert kept(uploaded(world, line(1))) == ["imported"]
    batch = uploaded(world, line(1, **STRANGER), line(1, name=" ".join(person(1).name)))

    assert outcomes(batch) == ["error", "known"]
    assert "扎某某" in said(batch)[0]


def test_who_has_the_number_is_named_to_those_alone_who_may_open_the_person(world):
    case(world, 1)
    theirs = uploaded(world, line(1, **STRANGER, **OTHER_DAY))
    assert "扎某某" in said(theirs)[0]

    of_kangding = imports.upload(
        content=imports.FileContent(table(line(1, **STRANGER, **OTHER_DAY)).encode()),
        file_name="cards.csv",
        facility=world.other_hospital,
        by=world.kangding_cdc,
        at=AT,
    )
    assert outcomes(of_kangding) == ["error"]
    assert "扎" not in said(of_kangding)[0]


@pytest.mark.parametrize("dates", [{}, OTHER_DAY])
def test_of_a_case_elsewhere_a_file_tells_nothing_and_the_hit_is_noted(world, dates):
    one = case(world, 1)
    seen = len(audit.sights_of(one.person))
    theirs = imports.upload(
        content=imports.FileContent(table(line(1, relation="本市其他县区", **dates)).encode()),
        file_name="cards.csv",
        facility=world.other_hospital,
        by=world.kangding_cdc,
        at=AT,
    )

    assert codes(theirs) == [["reported_elsewhere"]]
    assert one.number not in said(theirs)[0]
    newest = audit.sights_of(one.person)[0]
    assert len(audit.sights_of(one.person)) == seen + 1
    assert (newest.by, newest.how) == (world.kangding_cdc, "found")

    assert one.number in said(uploaded(world, line(1, **dates)))[0]
    assert len(audit.sights_of(one.person)) == seen + 1


def test_of_another_disease_elsewhere_a_file_tells_nothing_and_notes_no_view(world):
    one = case(world, 1)
    seen = len(audit.sights_of(one.person))
    theirs = imports.upload(
        content=imports.FileContent(table(line(1, relation="本市其他县区", **MEASLES)).encode()),
        file_name="cards.csv",
        facility=world.other_hospital,
        by=world.kangding_cdc,
        at=AT,
    )

    assert outcomes(theirs) == ["ok"]
    assert len(audit.sights_of(one.person)) == seen


def test_that_a_number_is_known_is_noted_as_a_view_of_its_person(world):
    one = case(world, 1).person
    before = len(audit.sights_of(one))
    uploaded(world, line(1, **FLU))
    assert len(audit.sights_of(one)) == before

    uploaded(world, line(1, **STRANGER, **OTHER_DAY))

    newest = audit.sights_of(one)[0]
    assert len(audit.sights_of(one)) == before + 1
    assert (newest.by, newest.how, newest.place) == (world.clinician, "found", "people.clash")


def test_another_date_of_an_illness_that_is_reported_is_told_before_the_import(world):
    number = case(world, 1).number
    batch = uploaded(world, line(1, **OTHER_DAY), line(2))

    assert codes(batch) == [["other_dates"], []]
    assert next(runs.rows_of(batch)).reasons[0]["params"] == {"number": number}
    assert outcomes(uploaded(world, line(1, **FLU))) == ["ok"]


def test_a_card_that_is_known_stays_known_although_the_name_was_corrected_since(world):
    case(world, 1)
    Person.objects.update(name="扎西措")
    assert codes(uploaded(world, line(1))) == [["known"]]


def test_a_file_of_many_such_rows_costs_no_more_statements_than_of_one(world):
    def asked(*lines) -> int:
        with CaptureQueriesContext(connection) as taken:
            uploaded(world, *lines)
        return len(taken)

    def mixed(numbers):
        return [line(n, **STRANGER, **OTHER_DAY) for n in numbers] + [
            line(n + 100, **OTHER_DAY) for n in numbers
        ]

    for n in (1, 2, 3, 101, 102, 103):
        case(world, n)
    first = asked(*mixed([1]))
    assert asked(*mixed([1, 2, 3])) <= first


def test_a_killed_check_goes_on_and_still_sees_numbers_of_two_names(world, monkeypatch):
    monkeypatch.setattr(kit, "CHUNK", 2)
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    batch = uploaded(world, line(1), line(2), line(1, **STRANGER, **OTHER_DAY))

    def killed(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kit.check(run=batch, by=world.clinician, at=AT, progress=killed)
    kit.check(run=batch, by=world.clinician, at=AT)

    assert codes(batch) == [[], [], ["other_in_file"]]
