"""A positive result raises its person's case by the rules, or asks the county."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.audit import queries as audit
from fangkong.core.roles import Role
from fangkong.packs import queries as packs
from fangkong.surveillance.monitoring import actions as reporting
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as monitoring
from fangkong.surveillance.testing import actions, queries, rules
from fangkong.tasks import queries as tasks

from .factories import AT, HOUR, facts, found, received, reported, surface

pytestmark = pytest.mark.both_databases


def suspected(world, **changes):
    said = {"case_class": "suspected", **changes}
    return monitoring.case(world, at=AT, **said)


def result_of(world, case, outcome="positive", **changes):
    return reported(world, outcome, person=case.person, **changes)


def asked(specimen) -> list[str]:
    return [task.kind.rsplit(".", 1)[1] for task in tasks.for_source(specimen)]


def test_a_positive_result_confirms_the_suspected_case_with_a_card_that_names_the_tube(world):
    case = suspected(world)

    result = result_of(world, case)

    case.refresh_from_db()
    card = case.cards.order_by("-sequence").first()
    assert (case.case_class, card.case_class, card.kind) == ("confirmed", "confirmed", "revised")
    assert result.specimen.number in card.reason and "核酸" in card.reason
    assert card.by == world.technician
    assert audit.history_of(case)[0].action == "surveillance.monitoring.revise"
    assert asked(result.specimen) == []
    assert case.onset_date == date(2020, 2, 1)


def test_whoever_has_no_symptoms_is_asymptomatic_and_is_raised_once_there_are_some(world):
    case = suspected(world, onset_date=None, severity="")
    result_of(world, case)
    case.refresh_from_db()
    assert case.case_class == "asymptomatic"

    result_of(world, case, facts=facts(specimen_type="sputum", onset_date=date(2020, 2, 4)))

    case.refresh_from_db()
    assert (case.case_class, case.onset_date) == ("confirmed", date(2020, 2, 4))


def test_a_confirmed_case_is_left_alone_and_never_lowered(world):
    case = suspected(world, case_class="confirmed")
    result_of(world, case)
    assert case.cards.count() == 1

    other = suspected(world, n=2, case_class="confirmed", onset_date=None)
    result_of(world, other)
    other.refresh_from_db()
    assert (other.case_class, other.cards.count()) == ("confirmed", 1)


@pytest.mark.parametrize("outcome", ["negative", "grey", "invalid"])
def test_what_is_not_positive_raises_nobody(world, outcome):
    case = suspected(world)
    specimen = received(world, person=case.person)

    actions.enter_result(specimen=specimen, facts=found(outcome), by=world.technician, at=AT)

    case.refresh_from_db()
    assert (case.case_class, asked(specimen)) == ("suspected", [])


def test_without_a_report_card_the_county_of_the_person_is_asked_and_the_result_is_kept(world):
    result = reported(world, "positive")

    (task,) = tasks.for_source(result.specimen)
    assert (task.kind, task.owner_role) == ("surveillance.testing.positive", Role.COUNTY_CDC)
    assert task.area == world.daofu
    assert task.due_at == AT + 2 * HOUR  # as the report of a confirmed case
    assert result.specimen.number in str(task.title)
    assert not Case.objects.exists()
    assert result.outcome == "positive"


def test_a_card_that_would_be_refused_is_left_to_the_county_with_the_reason(world):
    case = suspected(world)
    Case.objects.filter(pk=case.pk).update(onset_date=date(2020, 3, 1))  # after its diagnosis

    result = result_of(world, case)

    case.refresh_from_db()
    assert (case.case_class, case.cards.count()) == ("suspected", 1)
    (task,) = tasks.for_source(result.specimen)
    assert case.number in task.note


def test_a_case_that_somebody_discarded_is_judged_by_a_person(world):
    case = suspected(world, case_class="discarded")
    result = result_of(world, case)
    case.refresh_from_db()
    assert (case.case_class, asked(result.specimen)) == ("discarded", ["positive"])


def test_what_the_county_writes_while_a_result_comes_in_is_judged_and_not_written_over(
    world, monkeypatch
):
    case = suspected(world)
    found_before = queries.case_of

    def and_then_the_county_discards_it(*which):
        one = found_before(*which)
        said = monitoring.facts(case_class="discarded", remark="另有诊断")
        reporting.revise(
            case=Case.objects.get(pk=one.pk), facts=said, reason="排除", by=world.daofu_cdc, at=AT
        )
        return one  # as it was read

    monkeypatch.setattr(queries, "case_of", and_then_the_county_discards_it)

    with translation.override("en"):
        result = result_of(world, case)

    case.refresh_from_db()
    assert (case.case_class, case.remark, case.cards.count()) == ("discarded", "另有诊断", 2)
    assert asked(result.specimen) == ["positive"]
    (task,) = tasks.for_source(result.specimen)
    assert "排除" in task.note


def test_a_positive_result_that_is_corrected_asks_for_a_look_at_the_case(world):
    case = suspected(world)
    result = result_of(world, case)

    actions.correct_result(
        specimen=result.specimen, replaces=1, facts=found("negative"), reason="读错孔位",
        by=world.technician, at=AT + HOUR,
    )  # fmt: skip

    case.refresh_from_db()
    assert (case.case_class, asked(result.specimen)) == ("confirmed", ["retracted"])


def test_a_surface_and_a_disease_without_such_a_rule_concern_no_case(world):
    door = actions.receive(
        specimen=actions.ship(
            specimen=actions.collect(specimen=surface(world), by=world.clinician, at=AT),
            by=world.clinician, at=AT,
        ),
        by=world.technician, at=AT,
    )  # fmt: skip
    actions.enter_result(specimen=door, facts=found("positive"), by=world.technician, at=AT)
    assert asked(door) == []

    measles = reported(world, "positive", facts=facts(condition="measles"))
    assert asked(measles.specimen) == []


def test_a_case_of_long_ago_is_another_illness(world):
    old = monitoring.case(
        world,
        case_class="suspected",
        diagnosed_at=datetime(2020, 2, 5, 9, tzinfo=monitoring.ZONE),
    )
    later = AT.replace(month=8)
    result = reported(world, "positive", person=old.person, at=later)
    old.refresh_from_db()
    assert (old.case_class, asked(result.specimen)) == ("suspected", ["positive"])


CLASSES = ["suspected", "clinical", "confirmed", "asymptomatic", "discarded", "probable"]


@given(st.sampled_from(CLASSES), st.booleans())
def test_nobody_is_lowered_and_nothing_is_said_twice(case_class, has_symptoms):
    pack = packs.in_force("513300", AT.date())
    judged = rules.judgement(pack, "covid-19", "rt-pcr", AT.date())

    new = rules.becomes(judged, case_class, has_symptoms=has_symptoms)

    assert new != case_class
    assert not (case_class == "confirmed" and new)
    assert rules.becomes(judged, new or case_class, has_symptoms=has_symptoms) == ""
