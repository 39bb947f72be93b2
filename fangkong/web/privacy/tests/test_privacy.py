"""The pages of whoever answers for personal data, and the register that is read from the code."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts.tests.factories import AT
from fangkong.core.purposes import actions, queries
from fangkong.core.purposes.models import Assessment
from fangkong.core.purposes.page import FILES, page
from fangkong.core.retention import actions as retention
from fangkong.core.retention import queries as retention_queries
from fangkong.people.models import Person
from fangkong.people.tests import factories as people

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[4]
SAID = {
    "need": "Contacts are reached by name and phone.",
    "risk": "A neighbour learns of an illness.",
    "measures": "Masks, reasons, the trail, terms.",
}


def assessed(by, *, at=AT, fit=True, purpose="people.register", **changes):
    return actions.assess(purpose=purpose, fit=fit, by=by, at=at, **{**SAID, **changes})


@pytest.mark.parametrize("language", FILES)
def test_the_page_of_the_register_is_as_the_code_says(language):
    file, _link = FILES[language]
    assert (ROOT / "docs" / file).read_text("utf-8") == page(language), "run: make processing"


def test_the_chinese_register_says_everything_in_chinese_and_as_much_as_the_english_one():
    chinese, english = (page(language).splitlines() for language in ("zh-hans", "en"))

    assert len(chinese) == len(english)
    han = re.compile("[一-鿿]")
    rows = [line.split(" | ") for line in chinese if line.startswith("| ")]
    assert [row for row in rows if not all(han.search(cell) for cell in row[1:])] == []
    assert [line for line in chinese if line.startswith("#") and not han.search(line)] == []


def test_the_register_names_purpose_ground_fields_and_term(look, auditor):
    shown = look(auditor, reverse("privacy")).content.decode()

    assert "Report and follow notifiable diseases" in shown
    assert "people.Person" in shown and "address_detail" in shown
    assert "60 days after the last change" in shown and "Search index of names" in shown
    assert "changed_at" not in shown


def test_names_of_tables_terms_and_grounds_stand_in_the_readers_language(look, auditor, client):
    client.cookies["django_language"] = "zh-hans"
    register = look(auditor, reverse("privacy")).context["entries"]
    rows = look(auditor, reverse("privacy_terms")).context["rows"]
    shown = look(auditor, reverse("privacy_terms")).content.decode()

    with override("zh-hans"):
        told = [(str(one.name), str(one.kept), str(one.ground or "无")) for one in rows]
        grounds = [str(entry.purpose.ground) for entry in register]
    assert {"人员", "姓名检索索引"} <= {one.name for entry in register for one in entry.tables}
    han = re.compile("[一-鿿]")
    assert [texts for texts in told if not all(map(han.search, texts))] == []
    assert [text for text in grounds if not han.search(text)] == []
    assert "最后一次更改后 60 天" in shown and "changed_at" not in shown


def test_every_term_has_words_for_the_moment_it_runs_from():
    for model, term in retention_queries.classes():
        assert retention_queries.in_words(model, term)


def test_terms_show_what_is_due_and_what_was_destroyed_and_change_nothing(
    look, auditor, areas, monkeypatch
):
    person = people.person(areas["513326"])
    before = look(auditor, reverse("privacy_terms")).context["rows"]
    row = next(one for one in before if one.label == "people.Person")
    assert (row.rows_due, row.destroyed) == (0, 0)
    assert row.next_on == AT.date() + timedelta(days=60)

    retention.destroy_due(at=AT + timedelta(days=61))

    after = look(auditor, reverse("privacy_terms")).context["rows"]
    row = next(one for one in after if one.label == "people.Person")
    assert (row.rows_due, row.destroyed, row.next_on) == (0, 1, None)
    assert Person.objects.get(pk=person.pk).name.startswith("~")


def test_a_dry_run_counts_what_is_due_and_leaves_it(areas):
    from fangkong.core.retention.queries import standing

    person = people.person(areas["513326"])

    found = {one.label: one.rows_due for one in standing(AT + timedelta(days=61))}

    assert found["people.Person"] == 1 and Person.objects.get().name == person.name


def test_an_assessment_stands_beside_its_purpose_and_is_never_changed(look, client, headquarters):
    client.force_login(headquarters)
    sent = {"purpose": "people.register", **SAID, "fit": "on", "_key": "k"}

    assert client.post(reverse("privacy_assess"), sent).status_code == 302

    shown = look(headquarters, reverse("privacy")).content.decode()
    assert "A neighbour learns of an illness." in shown
    with pytest.raises(Exception, match="only ever added to"):
        Assessment.objects.update(fit=False)


@pytest.mark.parametrize(
    ("made", "stale"),
    [
        ({}, False),
        ({"fit": False}, True),
        ({"at": AT - timedelta(days=366)}, True),
        ({"purpose": "tasks.work"}, True),
    ],
)
def test_a_purpose_waits_for_an_assessment_that_is_young_and_enough(headquarters, made, stale):
    assessed(headquarters, **made)

    entry = next(
        one for one in queries.register(headquarters, AT) if one.purpose.name == "people.register"
    )
    assert entry.stale is stale


def test_a_word_is_no_assessment_and_a_made_up_purpose_none(headquarters):
    with pytest.raises(actions.TooShort):
        assessed(headquarters, risk="none")
    with pytest.raises(actions.TooShort):
        assessed(headquarters, need="\u200b" * 20)
    with pytest.raises(actions.UnknownPurpose):
        assessed(headquarters, purpose="people.curiosity")
    assert not Assessment.objects.exists()


def test_an_auditor_reads_and_does_not_assess_and_a_county_sees_nothing(look, auditor, daofu):
    assert look(auditor, reverse("privacy_assess")).status_code == 403
    for name in ("privacy", "privacy_terms", "privacy_assess"):
        assert look(daofu, reverse(name)).status_code == 403
    assert queries.register(daofu, AT) == []
