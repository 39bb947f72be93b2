"""A card becomes a case: once, numbered, clocked, counted and on record."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.surveillance.monitoring import actions, queries
from fangkong.surveillance.monitoring.models import Case, CountChange, DailyCount, ReportCard
from fangkong.surveillance.monitoring.types import Basis, _listeners, on_counts_changed

from .factories import AT, World, case, facts, person


def asked(world: World, n: int = 1, **changes: object) -> dict[str, object]:
    return {
        "person": person(n),
        "case": facts(**changes),
        "facility": world.hospital,
        "area": world.town,
        "by": world.clinician,
        "at": AT,
    }


def test_a_report_gives_a_case_its_number_clocks_and_first_card(world):
    made = case(world)

    assert made.number == "513326-2020-00001"
    assert (made.area, made.county, made.facility) == (world.town, world.daofu, world.hospital)
    assert (made.definition, made.reported_at) == ("cn-2020-01", AT)
    assert made.report_due_at == AT + timedelta(hours=1)  # diagnosed at nine, two hours
    assert made.review_due_at == AT + timedelta(hours=2)
    (card,) = made.cards.all()
    assert (card.sequence, card.kind, card.case_class) == (1, "initial", "confirmed")
    (line,) = audit.history_of(made)
    assert line.action == "surveillance.monitoring.report"
    assert "扎西" not in str(line.detail)


def test_a_report_counts_by_onset_diagnosis_and_report(world):
    case(world)
    cells = DailyCount.objects.values_list("basis", "day", "n").order_by("basis")
    assert list(cells) == [
        ("diagnosed", date(2020, 2, 5), 1),
        ("onset", date(2020, 2, 1), 1),
        ("reported", date(2020, 2, 5), 1),
    ]
    assert CountChange.objects.count() == 3


def test_a_patient_from_elsewhere_counts_where_the_hospital_stands(world):
    made = actions.report(**{**asked(world, relation="other-province"), "area": None})
    assert made.county == world.daofu


def test_a_patient_of_another_home_county_counts_there(world):
    made = actions.report(**{**asked(world, relation="same-prefecture"), "area": world.kangding})
    assert (made.county, made.number) == (world.kangding, "513301-2020-00001")


def test_a_card_that_contradicts_itself_changes_nothing_at_all(world):
    with pytest.raises(actions.NotAcceptable) as problem:
        case(world, onset_date=date(2020, 2, 6))

    assert [fault.code for fault in problem.value.faults] == ["onset_after_diagnosis"]
    assert not Case.objects.exists()
    assert case(world).number.endswith("00001")  # and no number is lost


def test_the_same_card_again_is_refused_with_its_case(world):
    first = case(world)
    with pytest.raises(actions.AlreadyReported) as problem:
        case(world)
    assert problem.value.case == first
    assert first.number in str(problem.value)


def test_another_card_about_the_same_illness_is_refused_unless_it_is_a_new_illness(world):
    case(world)
    later = AT + timedelta(days=80)
    with pytest.raises(actions.AlreadyReported):
        case(world, at=later, diagnosed_at=later, onset_date=None)

    again = actions.report(
        **{
            **asked(world, diagnosed_at=later, onset_date=None),
            "at": later,
            "new_illness": True,
        }
    )
    assert again.number == "513326-2020-00002"


WITHOUT_NUMBER = {"id_number": "", "birth_date": None, "age_years": 30, "phone": ""}


def test_two_people_of_one_name_and_age_are_two_cases_where_they_live_apart(world):
    first, second = (
        actions.report(**{**asked(world), "person": person(1, **WITHOUT_NUMBER, address=address)})
        for address in ("团结社区1号", "解放街2号")
    )
    assert first.person != second.person

    twin = person(1, **WITHOUT_NUMBER, address="解放街 2号")
    with pytest.raises(actions.AlreadyReported):
        actions.report(**{**asked(world), "person": twin})


def test_a_namesake_under_the_same_roof_is_reported_when_said_to_be_another_illness(world):
    same = {**asked(world), "person": person(1, **WITHOUT_NUMBER)}
    first = actions.report(**same)
    second = actions.report(**same, new_illness=True)
    assert first.person != second.person


def test_another_disease_of_the_same_person_is_another_case(world):
    first = case(world)
    second = case(world, condition="measles", severity="")
    assert second.person == first.person
    assert Case.objects.count() == 2


def test_a_repeated_key_reports_once(world):
    first = once("k1", actions.report, **asked(world))
    again = once("k1", actions.report, **{**asked(world), "at": AT + timedelta(minutes=1)})
    assert first == again
    assert (Case.objects.count(), ReportCard.objects.count()) == (1, 1)


def test_the_report_itself_takes_at_most_eight_statements(world):
    case(world, 1)
    with CaptureQueriesContext(connection) as taken:
        case(world, 2)
    own = [
        q["sql"]
        for q in taken.captured_queries
        if "SAVEPOINT" not in q["sql"]
        and "people_" not in q["sql"]
        and "detectionrun" not in q["sql"]
        and "people.register" not in q["sql"]
    ]
    holds = int(connection.features.has_select_for_update)  # PostgreSQL also holds the county
    assert len(own) <= 8 + holds, own


def test_a_whole_report_takes_few_statements_with_person_audit_and_key(world):
    """18 with the person (5), the warning (1), webhooks (1), audit and key; 8 is the aim."""
    once("k1", actions.report, **asked(world, 1))
    with CaptureQueriesContext(connection) as taken:
        once("k2", actions.report, **asked(world, 2))
    sent = [q["sql"] for q in taken.captured_queries if "SAVEPOINT" not in q["sql"]]
    holds = int(connection.features.has_select_for_update)  # PostgreSQL also holds the county
    assert len(sent) <= 18 + holds, "\n".join(sent)


def test_whoever_listens_learns_of_the_county_and_the_disease_within_the_transaction(world):
    heard = []

    def listener(counties, conditions, at, by):
        heard.append((set(counties), set(conditions), connection.in_atomic_block))

    on_counts_changed(listener)
    try:
        case(world)
    finally:
        _listeners.remove(listener)
    assert heard == [({world.daofu.pk}, {"covid-19"}, True)]


@pytest.mark.both_databases
@pytest.mark.parametrize("table", [ReportCard, CountChange])
def test_cards_and_changes_of_counts_cannot_be_changed(world, table):
    case(world)
    with pytest.raises(Exception, match="only ever added to"), transaction.atomic():
        table.objects.update(definition="other")
    with pytest.raises(Exception, match="only ever added to"), transaction.atomic():
        table.objects.all().delete()
    assert set(table.objects.values_list("definition", flat=True)) == {"cn-2020-01"}


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_and_no_double_when_many_report_at_once(settings):
    settings.FANGKONG_AREA = "513300"
    world = World()
    problems = together(6, lambda n: case(world, n + 1))
    assert problems == []
    numbers = sorted(Case.objects.values_list("number", flat=True))
    assert numbers == [f"513326-2020-{n:05d}" for n in range(1, 7)]
    assert queries.check_counts().right


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_card_sent_by_two_at_once_under_one_key_is_one_case(settings):
    settings.FANGKONG_AREA = "513300"
    world = World()
    problems = together(4, lambda n: once("same", actions.report, **asked(world)))
    assert problems == []
    assert (Case.objects.count(), ReportCard.objects.count()) == (1, 1)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_card_sent_by_two_at_once_under_two_keys_is_one_case_and_one_refusal(settings):
    settings.FANGKONG_AREA = "513300"
    world = World()
    problems = together(2, lambda n: once(f"key{n}", actions.report, **asked(world)))
    assert [type(problem) for problem in problems] == [actions.AlreadyReported]
    assert Case.objects.count() == 1
    assert DailyCount.objects.get(basis=Basis.REPORTED).n == 1


def together(workers: int, work) -> list[BaseException]:
    """Let several threads do the same at the same moment; the problems they met."""
    start, problems = threading.Barrier(workers), []

    def run(n: int) -> None:
        try:
            start.wait()
            work(n)
        except Exception as problem:
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems
