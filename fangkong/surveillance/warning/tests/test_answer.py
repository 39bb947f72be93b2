from __future__ import annotations

from datetime import date, timedelta

import pytest

from fangkong.accounts.tests.factories import staff
from fangkong.core.audit import queries as audit
from fangkong.core.notices import actions as ways
from fangkong.core.notices import queries as told
from fangkong.core.notices.models import Message, Way
from fangkong.core.roles import Role
from fangkong.surveillance.warning import actions, queries
from fangkong.surveillance.warning.models import Signal
from fangkong.tasks import queries as tasks

from .factories import FLU, detected, moment, outbreak, raised, reported

DAY = date(2020, 2, 5)
AT = moment(DAY)
HOUR = timedelta(hours=1)
NOTE = "Five cases share a meal"


def answer(signal, by, outcome="suspected_event", note=NOTE, at=AT + HOUR):
    return actions.answer(signal=signal, outcome=outcome, note=note, by=by, at=at)


def test_the_county_verifies_and_its_task_is_accepted(daofu, daofu_cdc):
    signal = actions.verify(signal=raised(daofu), by=daofu_cdc, at=AT + HOUR)
    assert (signal.state, signal.verifying_by) == ("verifying", daofu_cdc)
    assert signal.verified_after_minutes == 60
    (task,) = tasks.for_source(signal)
    assert (task.state, task.owner) == ("accepted", daofu_cdc)


def test_nobody_verifies_twice(daofu, daofu_cdc, headquarters):
    signal = actions.verify(signal=raised(daofu), by=daofu_cdc, at=AT)
    with pytest.raises(actions.AlreadyVerifying):
        actions.verify(signal=signal, by=headquarters, at=AT)


def test_an_answer_finishes_the_task_with_its_note_as_proof(daofu, daofu_cdc):
    signal = answer(raised(daofu), daofu_cdc, "sporadic")
    assert (signal.state, signal.outcome, signal.observed_at_answer) == ("answered", "sporadic", 7)
    assert (signal.answered_after_minutes, signal.late) == (60, False)
    (task,) = tasks.for_source(signal)
    assert (task.state, task.proof, task.done_by) == ("done", NOTE, daofu_cdc)


@pytest.mark.parametrize("outcome", ["suspected_event", "confirmed_outbreak"])
def test_what_may_be_an_event_goes_to_the_headquarters_for_two_hours(
    outcome, daofu, daofu_cdc, headquarters, areas
):
    signal = answer(raised(daofu), daofu_cdc, outcome)
    assess = tasks.for_source(signal).get(kind="surveillance.warning.assess")
    assert (assess.area, assess.owner_role) == (areas["513300"], "headquarters")
    assert assess.due_at == AT + 3 * HOUR
    assert assess in tasks.mine(headquarters, AT + HOUR)


@pytest.mark.parametrize("outcome", ["data_error", "false_alarm", "sporadic", "watch"])
def test_other_outcomes_give_the_headquarters_no_task(outcome, daofu, daofu_cdc):
    signal = answer(raised(daofu), daofu_cdc, outcome)
    assert tasks.for_source(signal).count() == 1


def test_an_answer_after_its_clock_is_late(daofu, daofu_cdc):
    signal = answer(raised(daofu), daofu_cdc, at=AT + 2 * HOUR)
    assert not signal.late
    outbreak(daofu)
    reported(daofu, {DAY: 5})
    detected(DAY, at=AT + 3 * HOUR)
    second = answer(Signal.objects.latest("pk"), daofu_cdc, at=AT + 6 * HOUR)
    assert second.late
    line = audit.history_of(second)[0]
    assert (line.action, line.detail["late"]) == ("surveillance.warning.answer", True)


def test_an_answer_says_what_was_found(daofu, daofu_cdc):
    signal = raised(daofu)
    with pytest.raises(actions.NoteMissing):
        answer(signal, daofu_cdc, note="ok")
    with pytest.raises(actions.NoteMissing):
        answer(signal, daofu_cdc, note="\u3164 \u3164")
    with pytest.raises(actions.UnknownOutcome):
        answer(signal, daofu_cdc, outcome="shrug")
    assert Signal.objects.get().state == "new"


def test_another_county_and_the_auditor_do_not_answer(daofu, kangding_cdc, auditor):
    signal = raised(daofu)
    for by in (kangding_cdc, auditor):
        with pytest.raises(actions.NotYourCounty):
            answer(signal, by)
        with pytest.raises(actions.NotYourCounty):
            actions.verify(signal=signal, by=by, at=AT)


def test_the_headquarters_answers_for_a_county_and_its_task_is_done(daofu, headquarters):
    signal = answer(raised(daofu), headquarters, "false_alarm")
    assert tasks.for_source(signal).get().done_by == headquarters


def test_a_signal_is_answered_once(daofu, daofu_cdc):
    signal = answer(raised(daofu), daofu_cdc)
    with pytest.raises(actions.AlreadyClosed):
        answer(signal, daofu_cdc, "false_alarm")


def test_a_folded_signal_taken_in_hand_comes_onto_the_list(areas, daofu_cdc, daofu, kangding):
    reported(kangding, {DAY: 9}, condition=FLU)
    reported(daofu, {DAY: 4}, condition=FLU)
    detected(DAY)
    folded = Signal.objects.get(area=daofu)
    assert folded.folded

    signal = actions.verify(signal=folded, by=daofu_cdc, at=AT + HOUR)

    assert (signal.listed_at, signal.due_at) == (AT + HOUR, AT + 25 * HOUR)
    assert tasks.for_source(signal).get().owner == daofu_cdc


# --- What others ask ---


def test_the_desk_shows_open_signals_of_the_own_county_the_most_unusual_first(
    daofu, kangding, daofu_cdc, headquarters
):
    reported(kangding, {DAY: 1})
    strong = raised(daofu)
    weak = Signal.objects.get(area=kangding)
    assert queries.open_signals(headquarters, AT, 10) == [strong, weak]
    assert queries.open_signals(headquarters, AT, 1) == [strong]
    assert queries.open_signals(daofu_cdc, AT) == [strong]
    assert queries.open_count(daofu_cdc, AT) == 1

    answer(strong, daofu_cdc)

    assert queries.open_signals(daofu_cdc, AT) == []
    assert list(queries.answered_today(headquarters, AT + HOUR)) == [strong]
    assert list(queries.answered_today(headquarters, AT + 24 * HOUR)) == []


def test_metrics_tell_how_fast_and_how_well_signals_were_answered(
    daofu, kangding, daofu_cdc, headquarters
):
    reported(kangding, {DAY: 1})
    signal = raised(daofu)
    actions.verify(signal=signal, by=daofu_cdc, at=AT + HOUR)
    answer(signal, daofu_cdc, at=AT + 3 * HOUR)

    found = queries.response_metrics(headquarters, AT + 4 * HOUR, 28)

    assert (found.signals, found.answered, found.answered_share) == (2, 1, 0.5)
    assert (found.within_2h, found.within_24h, found.suspected_share) == (0.5, 0.5, 1.0)
    assert found.median_minutes == 180
    assert found.per_county_week == pytest.approx(2 / 3 / 4)
    own = queries.response_metrics(daofu_cdc, AT + 4 * HOUR, 28)
    assert (own.signals, own.within_2h) == (1, 1.0)
    assert own.per_county_week == pytest.approx(1 / 4)


def test_metrics_of_no_signals_are_empty_and_no_error(headquarters):
    found = queries.response_metrics(headquarters, AT, 28)
    assert (found.signals, found.answered_share, found.median_minutes) == (0, None, None)


# --- Ways out ---


def test_a_way_out_that_fails_is_noted_and_tried_again_and_no_signal_waits_for_it(
    daofu, daofu_cdc, headquarters, areas, settings
):
    settings.FANGKONG_OUTBOUND_ALLOW = ["127.0.0.1:9"]  # where nobody listens
    administrator = staff(Role.ADMINISTRATOR, area=areas["513300"])
    channel = ways.add_channel(
        label="duty room", way=Way.WECOM, url="http://127.0.0.1:9/robot", secret="",
        by=administrator, at=AT - HOUR,
    )  # fmt: skip
    ways.follow(
        channel=channel,
        address="",
        kinds=["surveillance.warning.listed"],
        only_urgent=False,
        by=headquarters,
        at=AT - HOUR,
    )
    signal = raised(daofu)
    message = Message.objects.get()
    assert ways.send(message_id=message.pk, at=AT).value == "waiting"
    message.refresh_from_db()
    assert (message.tries, bool(message.problem), message.due_at > AT) == (1, True, True)
    # On the desk it stands all the same, and the signal is answered as ever.
    assert told.of_user(headquarters).filter(kind="surveillance.warning.listed").count() == 1
    assert answer(signal, daofu_cdc, "sporadic").state == "answered"
