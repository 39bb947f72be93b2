"""The way of a tube: what may be done when, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fangkong.core.audit.models import AuditLine
from fangkong.core.commands.actions import once
from fangkong.core.free_text import NumberInText
from fangkong.core.notices.models import Notice
from fangkong.surveillance.monitoring.tests.factories import case
from fangkong.surveillance.testing import actions, queries, rules, steps
from fangkong.surveillance.testing.models import CustodyStep, Specimen
from fangkong.surveillance.testing.types import State

from .factories import (
    AT,
    HOUR,
    MINUTE,
    collected,
    facts,
    found,
    received,
    reported,
    requested,
    shipped,
    surface,
)

pytestmark = pytest.mark.both_databases


def way(specimen: Specimen) -> list[str]:
    return [step.state for step in queries.steps_of(specimen)]


def test_a_tube_goes_its_way_from_the_request_to_the_result(world):
    specimen = received(world)

    result = actions.enter_result(
        specimen=specimen,
        facts=found("positive", ct={"N": 2150}),
        by=world.technician,
        at=AT + HOUR,
    )

    specimen.refresh_from_db()
    assert way(specimen) == [
        "requested",
        "collected",
        "shipped",
        "received",
        "tested",
        "reported",
    ]
    assert (specimen.state, specimen.outcome) == ("reported", "positive")
    assert (result.ct, result.reported_at, specimen.reported_at) == (
        {"N": 2150},
        AT + HOUR,
        AT + HOUR,
    )
    verbs = AuditLine.objects.filter(subject_type="surveillance.specimen").order_by("pk")
    assert [line.action.rpartition(".")[2] for line in verbs] == [
        "request",
        "collect",
        "ship",
        "receive",
        "enter_result",
    ]


def test_numbers_run_by_county_and_year_and_end_with_their_check_character(world):
    first, second = requested(world), surface(world)
    elsewhere = surface(world, facility=world.other_hospital)

    assert first.number[:-1] == "S51332620000001"
    # The second would end with O, which reads as a nought: it is not given out.
    assert rules.number("S", "513326", 2020, 2)[-1] == "O"
    assert second.number[:-1] == "S51332620000003"
    assert elsewhere.number[:-1] == "S51330120000001"
    assert all(rules.number_fault(one.number) == "" for one in (first, second, elsewhere))


def test_a_refused_request_uses_up_no_number(world):
    with pytest.raises(actions.NotAcceptable):
        requested(world, facts=facts(group="no-such"))

    assert requested(world).number[:-1] == "S51332620000001"


def test_the_promise_is_kept_with_pack_and_clause(world):
    specimen = requested(world)
    assert (specimen.due_at, specimen.clause) == (None, "")

    specimen = actions.collect(
        specimen=specimen, done_at=AT - timedelta(0), by=world.clinician, at=AT + HOUR
    )

    assert specimen.due_at == AT + 6 * HOUR
    assert (specimen.pack, specimen.clause) == ("cn-2020-01", "results-6-hours")


def test_a_full_tube_is_requested_and_collected_in_one_go(world):
    specimen = requested(world, collected_at=AT - HOUR)

    assert way(specimen) == ["requested", "collected"]
    assert specimen.collected_at == AT - HOUR
    assert specimen.due_at == AT + 5 * HOUR
    specimen.refresh_from_db()
    assert specimen.state == "collected"


def test_a_tube_that_brought_its_own_number_keeps_it(world):
    specimen = requested(world)

    specimen = actions.collect(specimen=specimen, number="vtm-0042", by=world.clinician, at=AT)

    assert specimen.number == "VTM-0042"
    with pytest.raises(actions.NumberTaken):
        surface(world, number="VTM-0042")


@pytest.mark.parametrize("number", ["S51332620000001", "S513326200000010", "标本一号"])
def test_a_mistyped_number_is_refused_and_nothing_happens(world, number):
    specimen = requested(world)

    with pytest.raises(actions.NumberMistyped):
        actions.collect(specimen=specimen, number=number, by=world.clinician, at=AT)

    assert way(specimen) == ["requested"]


def test_the_house_own_label_may_be_scanned_at_the_collection(world):
    specimen = requested(world)

    given = actions.collect(specimen=specimen, number=specimen.number, by=world.clinician, at=AT)

    assert given.number == specimen.number


def test_a_number_that_the_house_gives_is_no_tubes_own(world):
    first = requested(world)
    next_one = rules.number("S", "513326", 2020, 3)

    with pytest.raises(actions.NumberOfTheHouse):
        surface(world, number=next_one)
    with pytest.raises(actions.NumberOfTheHouse):
        actions.collect(specimen=first, number=next_one, by=world.clinician, at=AT)

    assert surface(world).number == next_one


@pytest.mark.parametrize("number", ["513326197001010015", "13888880001"])
def test_the_number_of_a_person_or_a_phone_is_no_number_of_a_tube(world, number):
    with pytest.raises(NumberInText):
        surface(world, number=number)
    tube, said = received(world), found(sender_number=number)
    with pytest.raises(NumberInText):
        actions.enter_result(specimen=tube, facts=said, by=world.technician, at=AT)


def test_what_another_hospital_asked_for_is_not_told_and_hinders_nobody(world):
    theirs = requested(world)

    ours = requested(world, facility=world.other_hospital, by=world.other_clinician)

    assert {ours.state, theirs.state} == {"requested"}


def test_whoever_was_quicker_is_told_of_as_if_seen_before(world, monkeypatch):
    first = requested(world)
    monkeypatch.setattr(actions, "_refuse_repeated", lambda *_: None)  # looked before it was there
    with pytest.raises(actions.AlreadyRequested) as refused:
        requested(world)
    assert refused.value.specimen == first

    surface(world, number="VTM-1")
    monkeypatch.setattr(steps, "own_number", lambda text: text)
    with pytest.raises(actions.NumberTaken):
        surface(world, number="VTM-1")


def test_the_same_specimen_is_not_asked_for_twice(world):
    first = requested(world)

    with pytest.raises(actions.AlreadyRequested) as refused:
        requested(world)

    assert refused.value.specimen == first
    assert requested(world, facts=facts(specimen_type="sputum")).state == "requested"
    actions.collect(specimen=first, by=world.clinician, at=AT)
    assert requested(world).state == "requested"


def test_the_same_request_twice_makes_one_specimen(world):
    said = {
        "facts": facts(),
        "person": world.person,
        "facility": world.hospital,
        "laboratory": world.bench,
    }

    made = [
        once("k", actions.request, **said, by=world.clinician, at=AT + n * MINUTE) for n in (0, 1)
    ]

    assert made[0] == made[1]
    assert Specimen.objects.count() == 1


def test_the_same_step_sent_again_with_its_key_changes_nothing(world):
    specimen = shipped(world)

    for n in (0, 1):
        once("k", actions.receive, specimen=specimen, by=world.technician, at=AT + n * MINUTE)

    assert way(specimen) == ["requested", "collected", "shipped", "received"]


def test_steps_have_their_order(world):
    specimen = requested(world)

    with pytest.raises(actions.WrongStep) as refused:
        actions.ship(specimen=specimen, by=world.clinician, at=AT)

    assert specimen.number in str(refused.value)
    assert way(specimen) == ["requested"]


def test_a_tube_whose_collection_nobody_noted_is_received_and_marked(world):
    specimen = requested(world)
    noted = received(world, facts=facts(specimen_type="sputum"))

    specimen = actions.receive(specimen=specimen, by=world.technician, at=AT + HOUR)

    assert way(specimen) == ["requested", "received"]
    assert (specimen.collection_noted, noted.collection_noted) == (False, True)
    assert (specimen.collected_at, specimen.due_at) == (AT + HOUR, AT + 7 * HOUR)
    with pytest.raises(actions.WrongStep):
        actions.collect(specimen=specimen, by=world.clinician, at=AT + HOUR)


def test_a_hospital_with_its_own_laboratory_hands_over_without_shipping(world):
    specimen = collected(world, laboratory=world.hospital)

    actions.receive(specimen=specimen, by=world.laboratory, at=AT)

    assert way(specimen) == ["requested", "collected", "received"]


def test_nothing_is_tested_that_was_not_received(world):
    with pytest.raises(actions.WrongStep):
        actions.enter_result(specimen=shipped(world), facts=found(), by=world.technician, at=AT)


@pytest.mark.parametrize(
    ("done_at", "told"),
    [(AT + HOUR, "尚未到来"), (AT - MINUTE, "早于上一步")],
)
def test_a_step_in_the_future_or_before_the_last_one_is_refused(world, done_at, told):
    specimen = collected(world)

    with pytest.raises(actions.WrongMoment) as refused:
        actions.ship(specimen=specimen, done_at=done_at, by=world.clinician, at=AT + MINUTE)

    assert told in str(refused.value)
    assert refused.value.field == "done_at"


def test_a_clock_that_is_a_little_ahead_does_not_hold_up_the_next_step(world):
    ahead = AT + 8 * MINUTE
    specimen = actions.collect(specimen=requested(world), done_at=ahead, by=world.clinician, at=AT)
    assert specimen.collected_at == AT
    assert actions.ship(specimen=specimen, by=world.clinician, at=AT + MINUTE).state == "shipped"


def test_a_late_entry_keeps_the_moment_of_the_act_and_of_the_entry(world):
    specimen = actions.ship(
        specimen=collected(world), done_at=AT + HOUR, by=world.clinician, at=AT + 5 * HOUR
    )

    step = queries.steps_of(specimen)[-1]
    assert (step.done_at, step.entered_at) == (AT + HOUR, AT + 5 * HOUR)


def test_a_tube_may_be_shipped_to_another_laboratory(world):
    specimen = actions.ship(
        specimen=collected(world), laboratory=world.other_bench, by=world.clinician, at=AT
    )

    assert specimen.laboratory == world.other_bench


def test_a_laboratory_refuses_with_a_reason(world):
    specimen = shipped(world)

    with pytest.raises(actions.ReasonMissing):
        actions.refuse(specimen=specimen, reason=" ", by=world.technician, at=AT)
    with pytest.raises(NumberInText):
        actions.refuse(specimen=specimen, reason="打13888880001", by=world.technician, at=AT)
    refused = actions.refuse(specimen=specimen, reason="渗漏", by=world.technician, at=AT)

    assert refused.state == "refused"
    step = queries.steps_of(refused)[-1]
    assert (step.reason, step.facility) == ("渗漏", world.bench)
    with pytest.raises(actions.WrongStep):
        actions.receive(specimen=refused, by=world.technician, at=AT)


def test_a_request_is_cancelled_until_the_tube_has_left(world):
    assert actions.cancel(
        specimen=requested(world), reason="重复", by=world.clinician, at=AT
    ).state == ("cancelled")

    with pytest.raises(actions.WrongStep):
        actions.cancel(specimen=shipped(world), reason="重复", by=world.clinician, at=AT)


def test_a_lost_tube_says_why_and_ends(world):
    lost = actions.lose(specimen=shipped(world), reason="车祸", by=world.clinician, at=AT)

    assert lost.state == "lost"
    with pytest.raises(actions.WrongStep):
        actions.lose(specimen=lost, reason="车祸", by=world.clinician, at=AT)


@pytest.mark.parametrize(("make", "place"), [(shipped, "hospital"), (received, "bench")])
def test_a_tube_is_lost_where_it_was(world, make, place):
    actions.lose(specimen=make(world), reason="打翻", by=world.technician, at=AT)

    assert queries.steps_of(Specimen.objects.get())[-1].facility == getattr(world, place)


def test_a_case_of_another_person_or_disease_is_refused(world):
    known = case(world)

    with pytest.raises(actions.NotAcceptable) as refused:
        requested(world, case=known)

    assert [field for field, _text in refused.value.faults] == ["case"]
    assert requested(world, person=known.person, case=known).case == known


def test_where_no_rules_say_how_nothing_is_tested(world):
    before = AT.replace(year=2010)

    with pytest.raises(actions.NoRules):
        requested(world, at=before)


# --- Results --------------------------------------------------------------------------------------


def test_an_invalid_test_is_repeated_on_the_same_tube(world):
    specimen = received(world)

    actions.enter_result(specimen=specimen, facts=found("invalid"), by=world.technician, at=AT)
    specimen.refresh_from_db()
    assert (specimen.state, specimen.reported_at) == ("tested", None)

    actions.enter_result(specimen=specimen, facts=found("grey"), by=world.technician, at=AT)
    specimen.refresh_from_db()
    assert (specimen.state, specimen.outcome) == ("reported", "grey")
    assert [one.outcome for one in queries.results_of(specimen)] == ["grey", "invalid"]


def test_a_reported_result_is_not_entered_again(world):
    specimen = reported(world).specimen

    with pytest.raises(actions.WrongStep):
        actions.enter_result(specimen=specimen, facts=found(), by=world.technician, at=AT)


def correct(world, specimen, replaces=1, reason="读错孔位", **changes):
    said = {"facts": found("positive"), "by": world.technician, "at": AT + HOUR}
    return actions.correct_result(
        specimen=specimen, replaces=replaces, reason=reason, **{**said, **changes}
    )


def test_a_correction_is_a_further_result_and_the_newest_counts(world):
    first = reported(world)

    second = correct(world, first.specimen)

    specimen = Specimen.objects.get()
    assert (second.sequence, second.reason) == (2, "读错孔位")
    assert (specimen.outcome, specimen.reported_at) == ("positive", first.reported_at)
    assert [one.outcome for one in queries.results_of(specimen)] == ["positive", "negative"]


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"reason": ""}, actions.ReasonMissing),
        ({"replaces": 2}, actions.NewerResult),
        ({"facts": found("negative")}, actions.NothingChanged),
        ({"facts": found("invalid")}, actions.WrongField),
        ({"facts": found("positive", tested_at=AT - HOUR)}, actions.WrongMoment),
        ({"facts": found("no-such")}, actions.WrongField),
    ],
)
def test_a_correction_says_why_what_and_of_which_result(world, said, refusal):
    specimen = reported(world).specimen

    with pytest.raises(refusal):
        correct(world, specimen, **said)

    assert len(queries.results_of(specimen)) == 1


def test_a_correction_by_a_form_that_tells_minutes_alone_changes_nothing_by_its_seconds(world):
    precise = AT + timedelta(seconds=26)
    first = actions.enter_result(
        specimen=received(world), facts=found(), by=world.technician, at=precise
    )
    with pytest.raises(actions.NothingChanged):
        correct(world, first.specimen, facts=found(tested_at=AT))

    second = correct(world, first.specimen, facts=found("positive", tested_at=AT))
    assert second.tested_at == precise


def test_the_way_tells_what_was_done_and_the_tube_how_it_stands(world):
    specimen = reported(world).specimen
    told = [step.get_state_display() for step in queries.steps_of(specimen)]
    assert told == ["已申请", "已采样", "已送检", "已接收", "已检测", "已报告"]


def test_a_result_is_not_corrected_before_it_is_reported(world):
    specimen = received(world)
    actions.enter_result(specimen=specimen, facts=found("invalid"), by=world.technician, at=AT)

    with pytest.raises(actions.WrongStep):
        correct(world, specimen)


def test_a_message_that_comes_twice_is_known_by_the_number_of_its_sender(world):
    first, second = received(world), received(world, facts=facts(specimen_type="sputum"))
    said = found(sender_number="LIS-7", channel="hl7")
    actions.enter_result(specimen=first, facts=said, by=world.technician, at=AT)

    with pytest.raises(actions.SentBefore):
        actions.enter_result(specimen=second, facts=said, by=world.technician, at=AT)


def test_a_correction_and_a_repetition_come_under_the_number_that_the_result_had(world):
    first, second = received(world), received(world, facts=facts(specimen_type="sputum"))
    for outcome in ("invalid", "negative"):  # the test had to be repeated
        said = found(outcome, sender_number="LIS-7")
        actions.enter_result(specimen=first, facts=said, by=world.technician, at=AT)

    told = actions.correct_result(
        specimen=first, replaces=2, facts=found("positive", sender_number="LIS-7"),
        reason="录入有误", by=world.technician, at=AT + HOUR,
    )  # fmt: skip

    assert (told.sequence, told.sender_number) == (3, "LIS-7")
    with pytest.raises(actions.SentBefore):  # but not the result of another tube
        actions.enter_result(
            specimen=second, facts=found(sender_number="LIS-7"), by=world.technician, at=AT
        )


def test_nothing_that_was_done_is_taken_back(world):
    step = queries.steps_of(requested(world))[0]

    with pytest.raises(Exception, match="only ever added to"):
        CustodyStep.objects.filter(pk=step.pk).update(state=State.LOST)


def test_whoever_asked_hears_that_the_tube_was_refused_or_lost(world):
    refused, lost = received(world), collected(world, facts=facts(specimen_type="sputum"))
    cancelled = requested(world, facts=facts(specimen_type="blood"))

    actions.refuse(specimen=refused, reason="渗漏", by=world.technician, at=AT)
    actions.lose(specimen=lost, reason="打碎", by=world.daofu_cdc, at=AT)
    actions.cancel(specimen=cancelled, reason="不用了", by=world.daofu_cdc, at=AT)

    told = Notice.objects.filter(kind="surveillance.testing.specimen_ended").order_by("pk")
    assert [(one.user, one.subject_public_id) for one in told] == [
        (world.clinician, refused.public_id),
        (world.clinician, lost.public_id),
    ]
