from __future__ import annotations

import json
from datetime import date

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import override

from fangkong.core.commands.states import version
from fangkong.core.queue import actions as queue
from fangkong.core.queue.models import Job
from fangkong.surveillance.monitoring.models import DailyCount
from fangkong.surveillance.warning.models import DetectionRun, Signal
from fangkong.tasks.tests.factories import key

from .factories import FLU, detected, raised, reported

DAY = date(2020, 2, 5)
INDEX = "surveillance:warning:index"
ANSWER = {"outcome": "suspected_event", "note": "Five cases share a meal"}


def answered(signal):
    """What the form of a signal sends, opened just now."""
    signal.refresh_from_db()
    return {**ANSWER, "_key": key(), "_seen": version(signal)}


pytestmark = pytest.mark.usefixtures("evening")


def url(name, record):
    return reverse(f"surveillance:warning:{name}", args=[record.public_id])


def test_the_list_shows_reason_curve_and_metrics(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    text = client.get(reverse(INDEX), headers={"Accept-Language": "en"}).content.decode()
    with override("en"):
        assert signal.reason in text
    assert "<svg" in text and signal.get_absolute_url() in text


def test_a_list_of_three_costs_as_many_queries_as_a_list_of_one(
    client, areas, headquarters, django_assert_max_num_queries
):
    client.force_login(headquarters)
    reported(areas["513326"], {DAY: 1})
    detected(DAY)
    client.get(reverse(INDEX))
    with django_assert_max_num_queries(40) as one:
        client.get(reverse(INDEX))
    for code in ("513301", "513328"):
        reported(areas[code], {DAY: 1})
    detected(DAY)
    with django_assert_max_num_queries(len(one)):
        assert client.get(reverse(INDEX)).status_code == 200


def test_answered_signals_leave_the_list_and_are_found_by_the_filter(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    client.post(url("answer", signal), answered(signal))
    link = signal.get_absolute_url()
    assert link not in client.get(reverse(INDEX)).content.decode()
    assert link in client.get(reverse(INDEX) + "?state=answered").content.decode()
    assert link not in client.get(reverse(INDEX) + "?state=new").content.decode()


def test_filters_narrow_by_county_and_disease(client, areas, headquarters):
    reported(areas["513301"], {DAY: 1})
    raised(areas["513326"])
    kangding = Signal.objects.get(area=areas["513301"]).get_absolute_url()
    client.force_login(headquarters)
    found = client.get(reverse(INDEX) + "?county=513326&condition=covid-19").content.decode()
    assert kangding not in found
    assert Signal.objects.get(area=areas["513326"]).get_absolute_url() in found


def test_signals_beyond_the_load_stand_folded_below_the_list(client, areas, headquarters):
    reported(areas["513301"], {DAY: 9}, condition=FLU)
    reported(areas["513326"], {DAY: 4}, condition=FLU)
    detected(DAY)
    client.force_login(headquarters)
    listed, below = client.get(reverse(INDEX)).content.decode().split('<details class="card mt-3">')
    folded = Signal.objects.get(area=areas["513326"]).get_absolute_url()
    assert folded in below and folded not in listed


def test_the_list_of_a_young_register_says_until_when_no_season_is_known(
    client, areas, headquarters, evening
):
    client.force_login(headquarters)
    assert "2016-01-04" not in client.get(reverse(INDEX)).content.decode()
    DailyCount.objects.all().delete()
    cache.clear()
    assert "counted here since" not in client.get(reverse(INDEX)).content.decode()
    cache.clear()
    reported(areas["513326"], {DAY: 1})
    text = client.get(reverse(INDEX)).content.decode()
    assert "2020-02-05" in text and "2020-08-18" in text


def test_the_page_of_a_signal_shows_curve_methods_and_the_form(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    text = client.get(url("detail", signal)).content.decode()
    assert url("answer", signal) in text and url("verify", signal) in text
    assert f'data-chart="{url("curve", signal)}"' in text
    assert "county=513326" in text and "first=2020-01-30" in text


def test_the_curve_counts_days_and_weeks_and_marks_the_alarms(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    curve = client.get(url("curve", signal)).json()
    days, weeks, threshold = (series["values"] for series in curve["series"])
    assert curve["x"][-1] == "2020-02-05" and len(curve["x"]) == 60
    assert days[-4:] == [1, 2, 2, 2]
    assert weeks[-4:] == [1, 3, 5, 7]
    assert threshold[-1] == 0
    assert [mark["x"] for mark in curve["marks"]] == ["2020-02-05"]


@pytest.mark.parametrize("name", ["detail", "curve", "verify", "answer"])
def test_another_county_s_signal_is_not_there(name, client, daofu, kangding_cdc):
    signal = raised(daofu)
    client.force_login(kangding_cdc)
    ask = client.get if name in ("detail", "curve") else client.post
    assert ask(url(name, signal), answered(signal)).status_code == 404
    assert signal.get_absolute_url() not in client.get(reverse(INDEX)).content.decode()


def test_the_auditor_reads_but_does_not_answer(client, daofu, auditor):
    signal = raised(daofu)
    client.force_login(auditor)
    page = client.get(url("detail", signal))
    assert page.status_code == 200
    assert url("answer", signal) not in page.content.decode()
    assert client.post(url("answer", signal), answered(signal)).status_code == 403
    assert client.post(reverse("surveillance:warning:new_run"), {"day": DAY}).status_code == 403


def test_a_form_sent_twice_answers_once(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    sent = answered(signal)
    assert client.post(url("answer", signal), sent).status_code == 302
    assert client.post(url("answer", signal), sent).status_code == 302
    signal.refresh_from_db()
    assert (signal.state, signal.outcome) == ("answered", "suspected_event")


def test_an_answer_without_a_note_comes_back_with_the_form(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    response = client.post(url("answer", signal), {**answered(signal), "note": ""})
    assert response.status_code == 422
    assert Signal.objects.get().state == "new"


def test_verify_starts_and_a_second_click_says_so(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    client.post(url("verify", signal), {"_key": key()})
    assert Signal.objects.get().state == "verifying"
    again = client.post(url("verify", signal), {"_key": key()}, follow=True)
    assert again.status_code == 200
    assert url("verify", signal) not in again.content.decode()


def test_a_run_on_demand_is_asked_for_followed_and_shows_what_it_raised(client, daofu, daofu_cdc):
    reported(daofu, {DAY: 1})
    client.force_login(daofu_cdc)
    assert client.get(reverse("surveillance:warning:runs")).status_code == 200

    asked = client.post(reverse("surveillance:warning:new_run"), {"day": DAY, "_key": key()})
    run = DetectionRun.objects.get()
    assert asked.status_code == 302
    waiting = client.get(url("progress", run)).content.decode()
    assert "every 2s" in waiting

    queue.run_job.func(Job.objects.get().pk)

    done = client.get(url("run", run)).content.decode()
    assert "every 2s" not in done
    assert Signal.objects.get().get_absolute_url() in done


def test_a_run_shows_a_county_only_its_own_signals(client, daofu, kangding_cdc):
    signal = raised(daofu)
    client.force_login(kangding_cdc)
    text = client.get(url("run", signal.raised_by)).content.decode()
    assert signal.get_absolute_url() not in text
    (row,) = client.get("/api/v1/surveillance/warning/runs/").json()["rows"]
    assert row["signal_count"] == 0


def test_a_run_of_tomorrow_is_refused_beside_the_form(client, daofu_cdc):
    client.force_login(daofu_cdc)
    form = {"day": "2020-02-06", "_key": key()}
    assert client.post(reverse("surveillance:warning:new_run"), form).status_code == 422
    assert not DetectionRun.objects.exists()


def test_machines_list_verify_and_answer(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    base = "/api/v1/surveillance/warning"
    (row,) = client.get(f"{base}/signals/").json()["rows"]
    assert (row["county"], row["observed"], row["state"]) == ("513326", 7, "new")
    detail = client.get(f"{base}/signals/{signal.public_id}/").json()
    assert {alarm["method"] for alarm in detail["alarms"]} >= {"adaptive", "c2"}

    def post(path, body=None):
        return client.post(
            f"{base}/{path}",
            body or {},
            content_type="application/json",
            headers={"Idempotency-Key": key()},
        )

    assert post(f"signals/{signal.public_id}/verify/").json()["state"] == "verifying"
    done = post(f"signals/{signal.public_id}/answer/", ANSWER).json()
    assert (done["state"], done["outcome"], done["late"]) == ("answered", "suspected_event", False)
    assert post(f"signals/{signal.public_id}/answer/", ANSWER).status_code == 409
    assert post("runs/", {"day": "2020-02-05"}).json()["state"] == "waiting"
    assert post("runs/", {"day": "2020-02-06"}).status_code == 422


def test_machines_of_another_county_get_404(client, daofu, kangding_cdc):
    signal = raised(daofu)
    client.force_login(kangding_cdc)
    base = f"/api/v1/surveillance/warning/signals/{signal.public_id}"
    assert client.get(f"{base}/").status_code == 404
    answered = client.post(
        f"{base}/answer/",
        ANSWER,
        content_type="application/json",
        headers={"Idempotency-Key": key()},
    )
    assert answered.status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "1900-01-01"])
def test_a_day_before_any_rules_is_refused_at_once_and_leaves_no_job_to_fail(
    client, daofu, daofu_cdc, day
):
    client.force_login(daofu_cdc)
    headers = {"Idempotency-Key": key()}

    page = client.post(reverse("surveillance:warning:new_run"), {"day": day, "_key": key()})
    told = client.post(
        "/api/v1/surveillance/warning/runs/", {"day": day}, "application/json", headers=headers
    )

    assert (page.status_code, told.status_code) == (422, 422)
    assert not DetectionRun.objects.exists() and not Job.objects.exists()


@pytest.mark.parametrize("note", ["looked at it \ud800", "looked at it \x00", "seen it " * 300])
def test_a_note_that_the_page_would_refuse_is_refused_to_machines(client, daofu, daofu_cdc, note):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    response = client.post(
        f"/api/v1/surveillance/warning/signals/{signal.public_id}/answer/",
        json.dumps({"outcome": "sporadic", "note": note}),
        "application/json",
        headers={"Idempotency-Key": key()},
    )
    assert response.status_code == 422
    assert Signal.objects.get(pk=signal.pk).state == "new"


def test_who_answers_after_a_colleague_reads_that_the_signal_is_closed(client, daofu, daofu_cdc):
    signal = raised(daofu)
    client.force_login(daofu_cdc)
    client.post(url("answer", signal), answered(signal))

    late = client.post(url("answer", signal), answered(signal), headers={"Accept-Language": "en"})

    assert late.status_code == 422
    assert "This signal is already closed" in late.content.decode()
