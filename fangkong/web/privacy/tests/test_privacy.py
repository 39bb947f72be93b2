"""The pages of whoever answers for personal data, and the register that is read from the code."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse

from fangkong.accounts.tests.factories import AT
from fangkong.core.purposes import actions, queries
from fangkong.core.purposes.models import Assessment
from fangkong.core.purposes.page import page
from fangkong.core.retention import actions as retention
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


def test_the_page_of_the_register_is_as_the_code_says():
    assert (ROOT / "docs" / "processing.md").read_text("utf-8") == page(), "run: make processing"


def test_the_register_names_purpose_ground_fields_and_term(look, auditor):
    shown = look(auditor, reverse("privacy")).content.decode()

    assert "Report and follow notifiable diseases" in shown
    assert "people.Person" in shown and "address_detail" in shown
    assert "60 days after changed_at" in shown


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
    with pytest.raises(actions.UnknownPurpose):
        assessed(headquarters, purpose="people.curiosity")
    assert not Assessment.objects.exists()


def test_an_auditor_reads_and_does_not_assess_and_a_county_sees_nothing(look, auditor, daofu):
    assert look(auditor, reverse("privacy_assess")).status_code == 403
    for name in ("privacy", "privacy_terms", "privacy_assess"):
        assert look(daofu, reverse(name)).status_code == 403
    assert queries.register(daofu, AT) == []
