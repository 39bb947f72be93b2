"""Files with pseudonyms: one sign for a person within a purpose, and no way from one to another."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse
from python_calamine import CalamineWorkbook

from fangkong.core.audit.models import AuditLine, Sight

from .factories import AT, case, id_number, person

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PERSONS, CASES = "people:index", "surveillance:monitoring:index"


@pytest.fixture
def desk(client, world):
    client.force_login(world.daofu_cdc)
    client.cookies["django_language"] = "en"
    return client


def taken(desk, name, purpose: str | None, **asked):
    given = {} if purpose is None else {"pseudonyms_for": purpose}
    return desk.get(reverse(name), {"export": "csv", **given, **asked})


def table(answer) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return [
        row for row in csv.DictReader(io.StringIO(text)) if len([*filter(None, row.values())]) > 1
    ]


def signs(desk, name, purpose) -> dict[str, int]:
    rows = table(taken(desk, name, purpose))
    return {row["Pseudonym"]: n for n, row in enumerate(rows)}


def test_a_person_has_one_sign_within_a_purpose_in_every_list_and_another_in_the_next(desk, world):
    for n in (1, 2, 3):
        case(world, n)

    study, again = (signs(desk, CASES, text) for text in ("Vaccine study", " vaccine  STUDY "))
    other = signs(desk, CASES, "School register")

    assert study == again and len(study) == 3
    assert set(signs(desk, PERSONS, "Vaccine study")) == set(study)
    assert not set(study) & set(other)


def test_nothing_in_the_file_leads_to_the_person_or_to_the_record(desk, world):
    made = case(world)
    (row,) = table(taken(desk, CASES, "Vaccine study"))
    (plain,) = table(taken(desk, CASES, None))

    text = " ".join([*row, *row.values()])
    told = [made.number, made.person.masked_name, person().name, id_number(1), "Patient", "Number"]
    told += [str(one) for one in (made.public_id, made.person.public_id)]
    assert [one for one in told if one in text] == []
    assert (row["Reported"], row["Diagnosed"]) == (str(AT.date()), str(AT.date()))
    assert plain["Number"] == made.number and "Pseudonym" not in plain  # as without it


def test_the_trail_says_for_what_and_who_was_in_it(desk, world):
    made = case(world)
    taken(desk, PERSONS, "Vaccine study").getvalue()

    line = AuditLine.objects.get(action="core.pages.export")
    assert line.detail == {
        "list": "people", "kind": "csv", "rows": 1, "pseudonyms_for": "vaccine study",
    }  # fmt: skip
    assert Sight.objects.filter(subject_id=made.person_id, how="exported").count() == 1


@pytest.mark.parametrize("purpose", ["", " ", "x", "=cmd|x", "x" * 61])
def test_a_file_for_no_purpose_is_refused_and_leaves_nothing(desk, world, purpose):
    case(world)

    assert taken(desk, PERSONS, purpose).status_code == 422
    assert not AuditLine.objects.filter(action="core.pages.export").exists()
    assert not Sight.objects.filter(how="exported").exists()


def test_the_list_offers_it_where_its_rows_are_persons_and_nowhere_else(desk, world):
    case(world)

    assert "pseudonyms_for" in desk.get(reverse(PERSONS)).content.decode()
    assert "pseudonyms_for" in desk.get(reverse(CASES)).content.decode()
    assert "pseudonyms_for" not in desk.get(reverse("places:facilities")).content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [(PERSONS, "pdf"), (CASES, "pdf"), ("places:facilities", "csv"), ("places:facilities", "xlsx")],
)
def test_a_file_that_holds_no_pseudonyms_is_refused_where_they_are_asked_for(
    desk, world, name, kind
):
    case(world)

    answer = taken(desk, name, "Vaccine study", export=kind)

    assert answer.status_code == 422
    assert "only CSV and Excel files of lists of persons" in answer.content.decode()
    assert not AuditLine.objects.filter(action="core.pages.export").exists()
    assert not Sight.objects.exists()
    assert taken(desk, name, None, export=kind).status_code == 200


def test_a_person_has_the_same_sign_in_a_csv_and_in_an_excel_file(desk, world):
    for n in range(1, 13):
        case(world, n)

    excel = b"".join(taken(desk, CASES, "Vaccine study", export="xlsx").streaming_content)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(excel)).get_sheet_by_index(0).to_python()

    assert {row[0] for row in rows[1:]} == set(signs(desk, CASES, "Vaccine study"))
    assert len(rows) == 13
