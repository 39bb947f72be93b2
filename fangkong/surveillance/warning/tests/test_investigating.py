"""From a suspicion to its conclusion, and what is counted of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from fangkong.core.audit import queries as audit
from fangkong.core.commands.states import version
from fangkong.core.free_text import NumberInText
from fangkong.core.notices import queries as notices
from fangkong.surveillance.warning import investigating, queries, responding
from fangkong.surveillance.warning.models import Investigation, Signal
from fangkong.tasks import queries as tasks
from fangkong.tasks.tests.factories import key

from .factories import (
    answered,
    detected,
    found_on_site,
    listed,
    moment,
    outbreak,
    raised,
    reported,
)

DAY = date(2020, 2, 5)
AT = moment(DAY)
HOUR = timedelta(hours=1)
BASE = "/api/v1/surveillance/warning"


def opened(daofu, by, outcome="suspected_event"):
    found = answered(raised(daofu), by, outcome).investigation
    assert found is not None
    return found


def reported_on(found, by, at=AT + HOUR, **facts):
    said = found_on_site(**facts)
    return investigating.report_findings(investigation=found, findings=said, by=by, at=at)


def concluded(found, by, conclusion="outbreak", at=AT + 2 * HOUR):
    return investigating.conclude(
        investigation=found, conclusion=conclusion, reason="All met at one meal", by=by, at=at
    )


def kinds(found):
    return {task.kind.rsplit(".")[-1]: task for task in tasks.for_source(found)}


@pytest.mark.parametrize("outcome", ["suspected_event", "confirmed_outbreak"])
def test_a_suspicion_opens_an_investigation_with_a_day_for_the_first_findings(
    outcome, daofu, daofu_cdc
):
    found = opened(daofu, daofu_cdc, outcome)
    assert (found.phase, found.due_at) == ("ordered", AT + 24 * HOUR)
    task = kinds(found)["investigate"]
    assert (task.area, task.owner_role, task.due_at) == (daofu, "county_cdc", found.due_at)
    assert task.source_url == found.get_absolute_url()


def test_harmless_answers_open_none_but_a_team_can_be_sent_all_the_same(
    daofu, daofu_cdc, kangding_cdc, auditor
):
    signal = raised(daofu)
    with pytest.raises(investigating.NotAnswered):
        investigating.investigate(signal=signal, by=daofu_cdc, at=AT)
    signal = answered(signal, daofu_cdc, "sporadic")
    assert not Investigation.objects.exists()
    for stranger in (kangding_cdc, auditor):
        with pytest.raises(investigating.NotYours):
            investigating.investigate(signal=signal, by=stranger, at=AT)
    found = investigating.investigate(signal=signal, by=daofu_cdc, at=AT + HOUR)
    assert found.due_at == AT + 25 * HOUR
    with pytest.raises(investigating.AlreadyInvestigated):
        investigating.investigate(signal=signal, by=daofu_cdc, at=AT + HOUR)


def test_the_next_signal_of_the_event_joins_its_investigation(daofu, kangding, daofu_cdc, areas):
    first = opened(daofu, daofu_cdc)
    reported(daofu, {DAY: 5})
    detected(DAY)
    again = answered(Signal.objects.latest("pk"), daofu_cdc, at=AT + HOUR)
    assert again.investigation == first
    assert list(kinds(first)) == ["investigate"]
    assert audit.history_of(first)[0].action == "surveillance.warning.join"

    concluded(reported_on(first, daofu_cdc), daofu_cdc)
    reported(daofu, {DAY: 9})
    detected(DAY, at=AT + 3 * HOUR)
    later = answered(Signal.objects.latest("pk"), daofu_cdc, at=AT + 4 * HOUR)
    assert later.investigation not in (None, first)


@pytest.mark.both_databases
def test_the_database_itself_refuses_a_second_open_one_and_an_outbreak_without_days(
    daofu, daofu_cdc
):
    found = opened(daofu, daofu_cdc)
    found.pk, found.public_id, found._state.adding = None, "0" * 32, True
    with pytest.raises(IntegrityError), transaction.atomic():
        found.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Investigation.objects.update(conclusion="outbreak", concluded_at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Investigation.objects.update(first_onset=DAY, last_day=DAY - timedelta(days=1))


def test_the_way_from_setting_out_to_the_conclusion(daofu, daofu_cdc, headquarters):
    found = investigating.set_out(investigation=opened(daofu, daofu_cdc), by=daofu_cdc, at=AT)
    assert found.phase == "begun" and kinds(found)["investigate"].owner == daofu_cdc
    with pytest.raises(investigating.AlreadyBegun):
        investigating.set_out(investigation=found, by=daofu_cdc, at=AT)
    with pytest.raises(investigating.Impossible):
        concluded(found, daofu_cdc)

    found = reported_on(found, daofu_cdc)
    assert (found.phase, found.attack_rate) == ("reported", 9 / 120)
    assert kinds(found)["investigate"].state == "done"
    assert kinds(found)["conclude"].due_at == AT + HOUR + timedelta(hours=336)
    found = reported_on(found, daofu_cdc, at=AT + 2 * HOUR, cases_found=12)
    assert found.reported_at == AT + HOUR and len(kinds(found)) == 2
    line = audit.history_of(found)[0]
    assert line.detail == {"cases_found": [9, 12]}  # texts stay out of the trail

    found = concluded(found, daofu_cdc)
    assert (found.phase, found.concluded_by) == ("concluded", daofu_cdc)
    assert kinds(found)["conclude"].state == "done"
    (notice,) = notices.of_user(headquarters).filter(kind="surveillance.warning.outbreak")
    assert notice.subject_public_id == found.public_id
    for act in (reported_on, concluded):
        with pytest.raises(investigating.Concluded):
            act(found, daofu_cdc)


def test_a_conclusion_is_taken_back_when_something_new_is_known(daofu, daofu_cdc, kangding_cdc):
    found = concluded(reported_on(opened(daofu, daofu_cdc), daofu_cdc), daofu_cdc, "no_event")
    again = {"investigation": found, "by": daofu_cdc, "at": AT + 3 * HOUR}
    with pytest.raises(investigating.ReasonMissing):
        investigating.reopen(**again, reason="x")
    with pytest.raises(investigating.NotYours):
        investigating.reopen(**{**again, "by": kangding_cdc}, reason="two more cases")
    found = investigating.reopen(**again, reason="two more cases")
    assert (found.phase, found.reason, found.concluded_by) == ("reported", "", None)
    open_tasks = tasks.for_source(found).filter(state="open")
    assert [task.kind for task in open_tasks] == ["surveillance.warning.conclude"]
    with pytest.raises(investigating.StillOpen):
        investigating.reopen(**again, reason="two more cases")

    # Not while a newer one is open: there would be two.
    found = concluded(found, daofu_cdc, "no_event", at=AT + 4 * HOUR)
    reported(daofu, {DAY: 5})
    detected(DAY)
    answered(Signal.objects.latest("pk"), daofu_cdc, at=AT + 5 * HOUR)
    with pytest.raises(investigating.AlreadyInvestigated):
        investigating.reopen(**again, reason="two more cases")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cases_found": -1}, "cases_found"),
        ({"cases_found": 200}, "at_risk"),
        ({"deaths": 10}, "deaths"),
        ({"first_onset": DAY + timedelta(days=1)}, "first_onset"),
        ({"first_onset": date(2018, 2, 2)}, "first_onset"),
        ({"last_day": date(2020, 1, 1)}, "last_day"),
        ({"setting": "moon"}, "setting"),
        ({"measures": "ok"}, "measures"),
    ],
)
def test_findings_that_cannot_be_are_refused_beside_their_field(wrong, field, daofu, daofu_cdc):
    found = opened(daofu, daofu_cdc)
    with pytest.raises(investigating.Impossible) as refused:
        reported_on(found, daofu_cdc, **wrong)
    assert refused.value.field == field
    found.refresh_from_db()
    assert found.cases_found is None


def test_numbers_of_persons_stay_out_of_the_texts(daofu, daofu_cdc):
    found = opened(daofu, daofu_cdc)
    with pytest.raises(NumberInText):
        reported_on(found, daofu_cdc, source="call 13812345678 of the cook")
    reported_on(found, daofu_cdc)
    with pytest.raises(NumberInText):
        investigating.conclude(
            investigation=found,
            conclusion="no_event",
            reason="says 13812345678 himself",
            by=daofu_cdc,
            at=AT,
        )


def test_an_outbreak_without_its_days_is_not_concluded(daofu, daofu_cdc):
    found = reported_on(opened(daofu, daofu_cdc), daofu_cdc, last_day=None)
    with pytest.raises(investigating.Impossible):
        concluded(found, daofu_cdc)
    assert concluded(found, daofu_cdc, "no_event").conclusion == "no_event"


# --- Pages and machines ---------------------------------------------------------------------------


@pytest.fixture
def event(client, evening, daofu, daofu_cdc):
    """Signed in for the county; the investigation that waits for its team."""
    found = opened(daofu, daofu_cdc)
    client.force_login(daofu_cdc)
    return found


def url(name, record):
    return reverse(f"surveillance:warning:{name}", args=[record.public_id])


def sent(found, **fields):
    found.refresh_from_db()
    return {"_key": key(), "_seen": version(found), **fields}


FOUND = {"cases_found": "9", "deaths": "0", "setting": "school", "measures": "school is closed"}


def test_the_county_goes_the_whole_way_on_pages(client, event, headquarters):
    assert (
        event.get_absolute_url() in client.get(url("detail", event.signals.get())).content.decode()
    )
    assert url("set_out", event) in client.get(event.get_absolute_url()).content.decode()
    client.post(url("set_out", event), sent(event))
    twice = client.post(url("set_out", event), sent(event), follow=True)
    assert "已在途中" in twice.content.decode()

    form = client.get(url("findings", event))
    assert form.status_code == 200
    wrong = client.post(url("findings", event), sent(event, **{**FOUND, "deaths": "10"}))
    assert wrong.status_code == 422
    days = {"first_onset": "2020-01-30", "last_day": "2020-02-05", "at_risk": "40"}
    stale = sent(event, **FOUND, **days)
    assert client.post(url("findings", event), sent(event, **FOUND, **days)).status_code == 302
    Investigation.objects.update(changed_at=AT + 2 * HOUR)
    assert client.post(url("findings", event), stale).status_code == 412  # a colleague was first

    end = {"conclusion": "outbreak", "reason": "all ate in the canteen"}
    old = sent(event, **end)
    assert client.post(url("conclude", event), sent(event, **end)).status_code == 302
    text = client.get(event.get_absolute_url()).content.decode()
    assert "2020-01-30" in text and url("reopen", event) in text and "40人中9例" in text
    assert client.post(url("conclude", event), old).status_code in (409, 412, 422)
    assert (
        client.post(url("reopen", event), sent(event, reason="two more cases")).status_code == 302
    )
    event.refresh_from_db()
    assert event.open


@pytest.mark.parametrize("name", ["investigation", "findings", "set_out", "conclude", "reopen"])
def test_another_county_s_investigation_is_not_there(name, client, event, kangding_cdc):
    client.force_login(kangding_cdc)
    ask = client.get if name in ("investigation", "findings") else client.post
    assert ask(url(name, event), sent(event)).status_code == 404
    rows = client.get(reverse("surveillance:warning:investigations")).content.decode()
    assert event.get_absolute_url() not in rows
    assert client.get(f"{BASE}/investigations/{event.public_id}/").status_code == 404
    assert client.get(f"{BASE}/investigations/").json()["rows"] == []


def test_the_auditor_reads_an_investigation_and_reports_nothing(client, event, auditor):
    client.force_login(auditor)
    text = client.get(event.get_absolute_url()).content.decode()
    assert url("findings", event) not in text and url("set_out", event) not in text
    assert client.get(url("findings", event)).status_code == 403
    assert client.post(url("set_out", event), sent(event)).status_code == 403


def test_machines_go_the_whole_way(client, event):
    def post(path, body=None, status=200):
        answer = client.post(
            f"{BASE}/investigations/{event.public_id}/{path}/",
            body or {},
            content_type="application/json",
            headers={"Idempotency-Key": key(), "If-Match": "*"},
        )
        assert answer.status_code == status, answer.content
        return answer.json()

    (row,) = client.get(f"{BASE}/investigations/?state=open&county=513326").json()["rows"]
    assert (row["id"], row["phase"]) == (str(event.public_id), "ordered")
    assert post("set-out")["phase"] == "begun"
    assert post("set-out", status=409)["detail"]
    found = {"cases_found": 9, "measures": "school is closed", "setting": "school"}
    post("findings", {**found, "setting": "moon"}, status=422)
    post("findings", {**found, "cases_found": -1}, status=422)
    assert post("findings", found)["phase"] == "reported"
    end = {"conclusion": "outbreak", "reason": "all ate in the canteen"}
    post("conclude", end, status=422)
    days = {"first_onset": "2020-01-30", "last_day": "2020-02-05"}
    post("findings", {**found, **days})
    assert post("conclude", end)["conclusion"] == "outbreak"
    post("conclude", end, status=409)
    assert post("reopen", {"reason": "two more cases"})["phase"] == "reported"
    assert client.get(f"{BASE}/investigations/?state=concluded").json()["rows"] == []


# --- Response -------------------------------------------------------------------------------------


def figures(user, at, **narrowed):
    return responding.response(user, at, first=DAY, last=DAY, **narrowed)


def test_response_by_method_and_county_with_its_denominators(
    areas, daofu, kangding, daofu_cdc, kangding_cdc, headquarters
):
    reported(kangding, {DAY: 1})
    signal = raised(daofu)
    start = listed(signal)
    opened_one = answered(signal, daofu_cdc, at=start + HOUR).investigation
    found = figures(headquarters, start + HOUR)
    total = found.total
    assert (total.signals, total.answered, total.due_2h, total.answered_2h) == (2, 1, 1, 1)
    assert (total.decided, total.suspected) == (0, 1)  # nobody knows yet what stands behind it
    assert dict(found.methods)["fixed_count"].signals == 2
    assert dict(found.methods)["adaptive"].signals == 1

    # Kangding's has waited more than two hours: it counts against the two hours, not yet the 24.
    later = figures(headquarters, start + 3 * HOUR).total
    assert (later.due_2h, later.answered_2h, later.due_24h) == (2, 1, 1)

    concluded(reported_on(opened_one, daofu_cdc), daofu_cdc, at=start + 5 * HOUR)
    other = Signal.objects.get(area=kangding)
    answered(other, kangding_cdc, "false_alarm", at=start + 30 * HOUR)
    at = start + 31 * HOUR
    end = figures(headquarters, at)
    total = end.total
    assert (total.decided, total.events, total.outbreaks, total.ppv) == (2, 1, 1, 0.5)
    assert (total.due_24h, total.answered_24h) == (2, 1)
    assert total.delays == (8,)  # from the onset of 28 January to the alarm of 5 February
    by = {county.code: tally for county, tally in end.counties}
    assert (by["513326"].events, by["513301"].events, by["513328"].signals) == (1, 0, 0)

    # Each in its own scope, and narrowed.
    assert figures(kangding_cdc, at).total.events == 0
    assert [c.code for c, _tally in figures(kangding_cdc, at).counties] == ["513301"]
    assert figures(headquarters, at, county="513301").total.signals == 1
    assert figures(headquarters, at, condition="measles").total.signals == 0


def test_the_page_of_response_tells_small_numbers_without_a_percentage(
    client, event, headquarters, daofu
):
    at = reverse("surveillance:warning:response")
    english = {"Accept-Language": "en"}
    text = client.get(at, headers=english).content.decode()
    assert "1 of 1" in text and "100 %" not in text
    chart = client.get(reverse("surveillance:warning:response_chart")).json()
    assert [series["values"] for series in chart["series"]] == [[1], [0], [0], [0]]
    file = b"".join(client.get(f"{at}?export=csv", headers=english).streaming_content).decode()
    head, *rows = file.splitlines()
    assert head.startswith("\ufeffPart,Name,Signals,Answered,Judged at 2 h")
    assert rows[0].startswith("All,all signals,1,1,1,1,1,1,1,0.0,1,0,0,0,0,")
    assert client.get(f"{at}?export=xlsx").status_code == 200
    assert client.get(f"{at}?first=2099-01-01&last=nonsense&county=nowhere").status_code == 200
    empty = client.get(f"{at}?first=2019-01-01&last=2019-01-31", headers=english).content.decode()
    assert "No signal was put on the list" in empty

    answer = client.get(f"{BASE}/response/?first=2020-02-01&last=2020-02-05").json()
    assert answer["total"]["signals"] == 1 and answer["counties"][0]["county"] == "513326"
    for asked in (
        "first=2020-02-05&last=2020-02-01",
        "first=2000-02-05&last=2020-02-01",
        "first=2020-02-01&last=2020-02-05&county=000000",
    ):
        assert client.get(f"{BASE}/response/?{asked}").status_code == 422
    far = "first=0001-01-01&last=0001-01-02"
    assert client.get(f"{BASE}/response/?{far}").json()["total"]["signals"] == 0


def test_signals_that_nobody_saw_or_that_fell_count_for_nothing(daofu, headquarters, areas):
    outbreak(daofu, date(2020, 2, 2))
    detected(date(2020, 2, 2))
    reported(daofu, {date(2020, 2, 2): 0})
    detected(date(2020, 2, 2))
    found = responding.response(headquarters, AT, first=date(2020, 2, 1), last=date(2020, 2, 5))
    assert found.total.signals == 0
    assert queries.open_to(headquarters, AT).exists()
