"""Results by FHIR and HL7: entered, corrected, matched by hand, and what is refused how."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from fangkong.accounts.tests.factories import staff
from fangkong.core import bulk, clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.roles import Role
from fangkong.core.tokens import actions as tokens
from fangkong.surveillance.exchange import actions, entering, hl7v2
from fangkong.surveillance.exchange.models import Message, SentResult
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests.factories import case
from fangkong.surveillance.testing.models import Result, Specimen
from fangkong.surveillance.testing.tests import pooling
from fangkong.surveillance.testing.tests.factories import (
    AT,
    collected,
    facts,
    received,
    requested,
    shipped,
)
from fangkong.tasks.models import Task

from .factories import bundle, oru, report

pytestmark = pytest.mark.both_databases

API = "/api/v1/surveillance/exchange/"


@pytest.fixture
def fhir(client, world):
    def send(body, who=None, kind="application/fhir+json", query=""):
        client.force_login(who or world.technician)
        return client.post(f"{API}fhir/{query}", body, kind, headers={"Accept-Language": "en"})

    return send


@pytest.fixture
def hl7(client, world):
    def send(body, who=None, kind="x-application/hl7-v2+er7"):
        client.force_login(who or world.technician)
        raw = body if isinstance(body, bytes) else body.encode()
        return client.post(f"{API}hl7/", raw, kind, headers={"Accept-Language": "en"})

    return send


def said(answer) -> str:
    return answer.json()["issue"][0]["details"]["text"]


def acked(answer) -> tuple[str, str, str]:
    """MSA: code, number of the message, text."""
    line = next(one for one in answer.content.decode().split("\r") if one.startswith("MSA"))
    _msa, code, message_id, text = line.split("|")
    return code, message_id, text


# --- What fits is entered -------------------------------------------------------------------------


def test_a_bundle_enters_its_results_with_ct_values_and_raises_the_case(fhir, world):
    ill = case(world)
    tube = received(world, person=ill.person, case=ill)
    other = shipped(world, facts=facts(specimen_type="sputum"))
    body = bundle(
        *report(tube.number.lower(), ct={"ORF1ab": 21.5, "N": 22.01}, name=ill.person.name),
        *report(other.number, "negative", n=2, sender="LIS-2"),
    )

    answer = fhir(body)

    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/fhir+json"
    assert answer.json()["issue"][0]["severity"] == "information"
    first, second = Result.objects.order_by("pk")
    assert (first.outcome, first.ct, first.channel) == (
        "positive",
        {"ORF1ab": 2150, "N": 2201},
        "fhir",
    )
    assert (second.specimen.pk, second.outcome) == (other.pk, "negative")
    other.refresh_from_db()
    assert [step.state for step in other.steps.order_by("sequence")][3:] == [
        "received", "tested", "reported",
    ]  # fmt: skip
    ill.refresh_from_db()
    assert ill.case_class == "confirmed"
    assert ill.person.name not in str(list(SentResult.objects.values()))


def test_an_oru_enters_its_result_and_is_acknowledged(hl7, world):
    tube = shipped(world)

    answer = hl7(
        oru(tube.number, ct={"N": 21.5}, name=f"{tube.person.name[0]}^{tube.person.name[1:]}")
    )

    assert acked(answer) == ("AA", "MSG1", "")
    result = Result.objects.get()
    assert (result.outcome, result.ct, result.sender_number, result.channel) == (
        "positive", {"N": 2150}, "LIS-1", "hl7",
    )  # fmt: skip
    assert result.tested_at.isoformat() == "2020-02-05T02:00:00+00:00"


def test_the_same_message_again_changes_nothing_and_is_answered_the_same(fhir, hl7, world):
    tube, other = received(world), received(world, facts=facts(specimen_type="sputum"))
    first, again = (fhir(bundle(*report(tube.number))) for _n in (1, 2))
    cache.clear()
    by_hl7 = [acked(hl7(oru(other.number, sender="LIS-2"))) for _n in (1, 2)]

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert by_hl7[0] == by_hl7[1]
    assert (Result.objects.count(), Message.objects.count()) == (2, 2)
    reused = fhir(bundle(*report(other.number)))
    assert (reused.status_code, "Send a new number" in said(reused)) == (409, True)
    assert reused.json()["issue"][0]["severity"] == "error"


def test_another_message_with_the_same_result_says_that_it_is_known(fhir, world):
    tube = received(world)
    fhir(bundle(*report(tube.number)))

    fhir(bundle(*report(tube.number), message_id="m-2"))

    assert [one.fate for one in SentResult.objects.order_by("pk")] == ["entered", "known"]
    assert Result.objects.count() == 1


@pytest.mark.parametrize("status", ["corrected", "final"])
def test_a_message_under_the_same_number_of_the_sender_corrects_the_result(fhir, world, status):
    tube = received(world)
    fhir(bundle(*report(tube.number, "negative")))

    fhir(bundle(*report(tube.number, "positive", status=status), message_id="m-2"))

    newest = Result.objects.latest("pk")
    assert (newest.sequence, newest.outcome, newest.sender_number) == (2, "positive", "LIS-1")
    assert newest.reason == "实验室报文更正。"
    assert SentResult.objects.latest("pk").fate == "corrected"


def test_a_corrected_oru_with_a_new_number_corrects_too(hl7, world):
    tube = received(world)
    hl7(oru(tube.number, "NEG"))

    hl7(oru(tube.number, "POS", message_id="MSG2", sender="LIS-9", status="C"))

    assert Result.objects.latest("pk").outcome == "positive"


# --- What fits no tube waits ----------------------------------------------------------------------


def test_a_result_of_an_unknown_tube_waits_for_a_person_who_matches_it(client, fhir, world):
    tube = received(world)
    answer = fhir(bundle(*report("VTM-0042", ct={"N": 30}, sender="LIS-7")))
    assert (answer.status_code, "waits" in said(answer)) == (200, True)
    waits = SentResult.objects.get()
    assert (waits.fate, waits.why) == ("waiting", "unknown_tube")
    (task,) = Task.objects.all()
    assert (task.facility, task.owner_role) == (world.bench, "laboratory")
    page = client.get(reverse("surveillance:exchange:index")).content.decode()
    assert "VTM-0042" in page
    url = reverse("surveillance:exchange:match", args=[waits.public_id])

    wrong = client.post(url, {"_key": "a", "number": "VTM-43"})
    assert wrong.status_code == 422
    answer = client.post(url, {"_key": "b", "number": tube.number})

    assert answer.headers["Location"] == tube.get_absolute_url()
    result = Result.objects.get()
    assert (result.specimen, result.ct, result.sender_number) == (tube, {"N": 3000}, "LIS-7")
    waits.refresh_from_db()
    task.refresh_from_db()
    assert (waits.fate, waits.specimen, task.state) == ("matched", tube, "done")
    again = client.post(url, {"_key": "c", "number": tube.number})
    assert again.status_code == 422
    assert Result.objects.count() == 1


def test_what_waits_is_narrowed_and_each_result_says_how_it_came(client, fhir, world):
    page = reverse("surveillance:exchange:index")
    fhir(
        bundle(
            *report("VTM-0042", "negative", sender="LIS-7"),
            *report("VTM-0043", n=2, sender="LIS-8"),
        )
    )

    def found(query):
        return [one.number for one in client.get(f"{page}?{query}").context["rows"]]

    assert sorted(found("")) == ["VTM-0042", "VTM-0043"]
    for query in ("number=vtm-0042", "number=0042", "number=lis-7", "outcome=negative&sort=came"):
        assert found(query) == ["VTM-0042"], query
    assert len(found(f"why=unknown_tube&laboratory={world.bench.public_id}")) == 2
    assert (
        found("why=older") == found(f"outcome=positive&number={SentResult.objects.count()}") == []
    )

    one = SentResult.objects.get(number="VTM-0042")
    line = client.get(one.get_absolute_url()).context["history"][0]
    assert (line.action, line.by) == ("surveillance.exchange.take", world.technician)
    actions.set_aside(result=one, reason="外院标本", by=world.technician, at=AT)
    shown = client.get(one.get_absolute_url()).context["history"]
    assert [line.action.rpartition(".")[2] for line in shown] == ["set_aside", "take", "begin"]
    other = SentResult.objects.get(number="VTM-0043")
    shown = client.get(other.get_absolute_url()).context["history"]
    assert [line.action.rpartition(".")[2] for line in shown] == ["take", "begin"]


def test_a_result_is_set_aside_with_a_reason(client, fhir, world):
    fhir(bundle(*report("VTM-0042")))
    waits = SentResult.objects.get()
    url = reverse("surveillance:exchange:set_aside", args=[waits.public_id])
    client.force_login(world.technician)
    assert client.post(url, {"_key": "a", "reason": ""}).status_code == 422

    client.post(url, {"_key": "b", "reason": "外院标本"})

    waits.refresh_from_db()
    assert (waits.fate, waits.reason) == ("aside", "外院标本")
    assert Task.objects.get().state == "done"


def test_another_persons_name_is_not_entered_for_this_tube(fhir, hl7, world):
    tube = received(world)

    fhir(bundle(*report(tube.number, name="央金拉姆甲")))
    hl7(oru(tube.number, name="央金^拉姆甲"))

    assert [one.why for one in SentResult.objects.all()] == ["other_name", "other_name"]
    assert not Result.objects.exists()
    assert "央金拉姆甲" not in str(
        list(SentResult.objects.values()) + list(Message.objects.values())
    )


def test_a_tube_that_has_another_result_or_was_ended_waits(fhir, world):
    tube, gone = received(world), requested(world, facts=facts(specimen_type="sputum"))
    fhir(bundle(*report(tube.number, "negative")))
    from fangkong.surveillance.testing import actions as testing

    testing.cancel(specimen=gone, reason="不用了", by=world.clinician, at=gone.created_at)

    fhir(
        bundle(
            *report(tube.number, "positive", sender="LIS-8"),
            *report(gone.number, n=2, sender="LIS-9"),
            message_id="m-2",
        )
    )

    found = SentResult.objects.filter(message__message_id="m-2").order_by("sequence")
    assert [one.why for one in found] == ["reported", "state"]


def test_messages_that_overtake_each_other_leave_the_newest_result(fhir, hl7, world):
    late, twin = received(world), received(world, facts=facts(specimen_type="sputum"))
    hl7(oru(late.number, "NEG", message_id="B", status="C", tested="20200205100500"))
    fhir(bundle(*report(twin.number, "negative", status="corrected", sender="LIS-2")))

    older = oru(late.number, "POS", message_id="A", tested="20200205100000")
    same_moment = bundle(*report(twin.number, "positive", sender="LIS-2"), message_id="m-0")
    assert acked(hl7(older))[0] == "AA"
    assert fhir(same_moment).status_code == 200

    for tube in (late, twin):
        tube.refresh_from_db()
        assert tube.outcome == "negative"
    waiting = SentResult.objects.filter(fate="waiting").order_by("pk")
    assert [one.why for one in waiting] == ["older", "older"]
    assert not Case.objects.exists()
    third = received(world, facts=facts(specimen_type="stool"))
    hl7(oru(third.number, "NEG", message_id="D", sender="LIS-3", tested="20200205100500"))
    hl7(oru(third.number, "POS", message_id="E", sender="LIS-3", status="C"))
    third.refresh_from_db()
    assert third.outcome == "positive"  # it says that it corrects, whatever its clock says
    newest = oru(late.number, "POS", message_id="C", status="C", tested="20200205100500")
    assert acked(hl7(newest))[0] == "AA"
    late.refresh_from_db()
    assert late.outcome == "positive"


def test_a_reported_result_that_is_called_invalid_waits_and_stops_no_other(hl7, world):
    tube, other = received(world), received(world, facts=facts(specimen_type="sputum"))
    hl7(oru(tube.number, "NEG", message_id="A"))
    both = oru(tube.number, "无效", message_id="B", status="C")
    both += "".join(
        line + "\r" for line in oru(other.number, "NEG", sender="LIS-2").split("\r")[2:] if line
    )

    assert acked(hl7(both))[0] == "AA"

    assert [(one.fate, one.why) for one in SentResult.objects.order_by("pk")[1:]] == [
        ("waiting", "invalid"),
        ("entered", ""),
    ]


# --- What the laboratory takes back ---------------------------------------------------------------


def test_a_report_entered_in_error_takes_its_result_back_and_stops_no_other(fhir, world):
    ill = case(world)
    tube, other = received(world, person=ill.person, case=ill), received(world)
    fhir(bundle(*report(tube.number, ct={"N": 21.5})))
    ill.refresh_from_db()
    assert ill.case_class == "confirmed"
    wrong = report(tube.number, status="entered-in-error")
    del wrong[3]["resource"]["valueCodeableConcept"]  # the sender empties what it takes back
    body = bundle(*wrong, *report(other.number, "negative", n=2, sender="LIS-2"), message_id="m-2")

    answer = fhir(body)

    assert answer.status_code == 200, answer.content
    assert "taken back" in said(answer)
    tube.refresh_from_db()
    assert (tube.state, tube.outcome, tube.reported_at) == ("tested", "invalid", None)
    first, second, third = Result.objects.order_by("pk")
    assert (first.outcome, second.outcome, second.channel) == ("positive", "invalid", "fhir")
    assert second.reason == "实验室报文撤回。"
    assert (third.specimen, third.outcome) == (other, "negative")
    assert Task.objects.get().kind == "surveillance.testing.retracted"
    same = bundle(*wrong, message_id="m-3")
    assert "known" in said(fhir(same))
    assert Result.objects.count() == 3

    right = bundle(*report(tube.number, "negative"), message_id="m-4")
    assert fhir(right).status_code == 200
    tube.refresh_from_db()
    assert (tube.state, tube.outcome) == ("reported", "negative")
    assert Result.objects.latest("pk").reason == "此前的结果已撤回。"
    late = report(tube.number, status="entered-in-error")
    for one in late:
        one["resource"].pop("issued", None)
    fhir(bundle(*late, message_id="m-5"))
    waits = SentResult.objects.latest("pk")
    assert (waits.fate, waits.why, waits.withdraws) == ("waiting", "older", True)


@pytest.mark.parametrize(
    ("status", "whole"), [("D", False), ("W", False), ("X", True)], ids=["deleted", "wrong", "off"]
)
def test_an_observation_deleted_or_posted_as_wrong_takes_its_result_back(hl7, world, status, whole):
    tube, other = received(world), received(world, facts=facts(specimen_type="sputum"))
    hl7(oru(tube.number, "NEG"))
    text = oru(tube.number, "", status="F", message_id="MSG2")
    lines = text.strip("\r").split("\r")
    if whole:
        lines[2] = lines[2][:-1] + status
    else:
        lines[3] = lines[3].replace("||||||F|", f"||||||{status}|")
    more = oru(other.number, "NEG", sender="LIS-2").strip("\r").split("\r")[2:]

    assert acked(hl7("\r".join([*lines, *more]) + "\r")) == ("AA", "MSG2", "")

    fates = SentResult.objects.order_by("pk").values_list("fate", flat=True)
    assert list(fates) == ["entered", "withdrawn", "entered"]
    tube.refresh_from_db()
    assert (tube.state, tube.outcome) == ("tested", "invalid")


def test_what_is_taken_back_before_it_came_or_is_another_one_waits(client, fhir, world):
    tube, newer = received(world), received(world, facts=facts(specimen_type="sputum"))
    gone = report(tube.number, status="entered-in-error")
    fhir(bundle(*gone))
    fhir(bundle(*report(newer.number, "negative", sender="LIS-2"), message_id="m-2"))
    other = report(newer.number, status="entered-in-error", sender="LIS-1b")
    lost = report("VTM-0042", n=2, status="cancelled", sender="LIS-3")
    fhir(bundle(*other, *lost, message_id="m-3"))
    fhir(bundle(*report(tube.number), message_id="m-4"))

    waiting = SentResult.objects.filter(fate="waiting").order_by("pk")
    whys = [one.why for one in waiting]
    assert whys == ["no_result", "other_result", "unknown_tube", "withdrawn_before"]
    assert Result.objects.count() == 1  # the one of the other tube
    client.force_login(world.technician)
    assert (
        "takes a result back"
        in client.get(
            reverse("surveillance:exchange:index"), headers={"Accept-Language": "en"}
        ).content.decode()
    )
    url = reverse("surveillance:exchange:match", args=[waiting[1].public_id])
    done = client.post(url, {"_key": "a", "number": newer.number})
    assert done.headers["Location"] == newer.get_absolute_url()
    newer.refresh_from_db()
    assert (newer.state, newer.outcome) == ("tested", "invalid")


def test_a_pool_taken_back_waits_for_the_laboratory(hl7, world, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: pooling.LATER)
    tube, _inside = pooling.at_the_bench(world)
    assert acked(hl7(oru(tube.number, "NEG", tested="")))[0] == "AA"
    text = oru(tube.number, "NEG", message_id="MSG2", tested="").replace("||||||F|", "||||||W|")
    code, _id, told = acked(hl7(text))
    assert (code, "wait" in told) == ("AA", True)
    assert SentResult.objects.latest("pk").why == "withdrawn_pool"
    tube.refresh_from_db()
    assert tube.outcome == "negative"


# --- Many results ---------------------------------------------------------------------------------


def test_a_message_of_many_is_booked_in_portions_and_goes_on_where_it_broke_off(
    fhir, world, monkeypatch
):
    monkeypatch.setattr(actions, "PORTION", 2)
    monkeypatch.setattr(bulk, "GAP_SECONDS", 0.0)
    kinds = ("oropharyngeal-swab", "sputum", "stool", "blood", "nasopharyngeal-swab")
    tubes = [received(world, facts=facts(specimen_type=one)) for one in kinds]
    entries = [
        one
        for n, tube in enumerate(tubes, start=1)
        for one in report(tube.number, "negative", n=n, sender=f"LIS-{n}")
    ]
    asked: list[str] = []

    def broken(sent, *args, **said):
        asked.append(sent.number)
        if len(asked) == 4:
            raise KeyboardInterrupt  # the server is stopped
        return entering.enter(sent, *args, **said)

    monkeypatch.setattr(actions, "enter", broken)
    with pytest.raises(KeyboardInterrupt):
        fhir(bundle(*entries))
    assert (Result.objects.count(), SentResult.objects.count()) == (2, 2)
    assert not AuditLine.objects.filter(action="surveillance.exchange.take").exists()

    answer = fhir(bundle(*entries))
    assert (answer.status_code, len(answer.json()["issue"])) == (200, 5), answer.content
    assert [one.fate for one in SentResult.objects.order_by("pk")] == ["entered"] * 5
    assert fhir(bundle(*entries)).json() == answer.json()
    assert (Result.objects.count(), Message.objects.count()) == (5, 1)
    line = AuditLine.objects.get(action="surveillance.exchange.take")
    assert line.detail == {"channel": "fhir", "entered": 5}


def test_a_code_that_is_wrong_in_the_last_result_keeps_all_of_the_message_out(fhir, world):
    tube, other = received(world), received(world, facts=facts(specimen_type="sputum"))
    wrong = report(other.number, n=2, sender="LIS-2", ct={"N": 99})
    answer = fhir(bundle(*report(tube.number), *wrong))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["DiagnosticReport[2]"]
    assert not Message.objects.exists()
    assert not Result.objects.exists()


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "structure"),
        ("{", "structure"),
        ("<Bundle xmlns='http://hl7.org/fhir'/>", "structure"),
        ('{"resourceType": "Patient"}', "structure"),
        ('{"resourceType": "Bundle", "entry": 7}', "structure"),
        ('{"resourceType": "Bundle", "entry": [7]}', "structure"),
        ('{"resourceType": "Bundle", "entry": [{"resource": []}]}', "structure"),
        ('{"resourceType": "Bundle", "entry": []}', "required"),
        ("[" * 100_000, "structure"),
        ('{"resourceType": "Bundle", "x": NaN}', "structure"),
        (b"\xff\xfe{\x00}\x00", "structure"),
        (bundle(*report("VTM-1"), *report("VTM-2")), "structure"),  # of the same names
        (bundle({**report("VTM-1")[0], "fullUrl": ["a"]}), "required"),
        (bundle(*report("VTM-1"), message_id=""), "required"),
        (bundle(*report("VTM-1", status="preliminary")), "processing"),
        (bundle(*report("VTM-1", "maybe")), "code-invalid"),
        (bundle(*report("")), "structure"),
        (bundle(report("VTM-1")[0], *report("VTM-1")[2:]), "required"),
        (bundle(*report("VTM-1", ct={"X9": 21.5})), "processing"),
        (bundle(*report("VTM-1", ct={"N": 21.555})), "processing"),
        (bundle(*report("VTM-1", ct={"N": 7})).replace(": 7,", ": 1e999999,"), "structure"),
        (bundle(*report("VTM-1", ct={"N": 7})).replace(": 7,", ": 1e300,"), "processing"),
        (bundle(*report("VTM-1", ct={"N": 7})).replace(": 7,", ': "1e5000",'), "processing"),
        (bundle({"resource": {"resourceType": "DiagnosticReport", "status": 7}}), "structure"),
        (bundle(*report("VTM-1", ct={"N": "1E999999"})), "processing"),
        (
            bundle(*report("VTM-1", ct={"N": 1})).replace(": 1,", ": 1" + "0" * 4_000 + ","),
            "processing",
        ),
        (bundle(*report("VTM\x00-1")), "structure"),
        (bundle(*report("VTM-1", sender="L\u202e1")), "structure"),
        (bundle(*report("VTM-1", issued="0001-01-01T00:00:00+08:00")), "value"),
    ],
)
def test_a_bundle_that_cannot_be_taken_is_told_why_and_leaves_nothing(fhir, body, code):
    answer = fhir(body)

    assert answer.status_code == 422, answer.content
    (issue,) = answer.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert not Message.objects.exists() and not SentResult.objects.exists()


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (2, {"name": [{"family": "央", "given": [None, "金"]}, {"family": None, "given": ["拉"]}]}),
        (2, {"name": [{"text": None, "family": None}]}),
        (0, {"subject": {"reference": None}, "conclusionCode": None}),
        (3, {"valueString": None, "valueQuantity": None, "component": None}),
    ],
)
def test_what_is_null_in_a_bundle_is_not_said(fhir, world, place, changes):
    entries = report("VTM-1")
    entries[place]["resource"].update(changes)

    assert fhir(bundle(*entries)).status_code == 200
    assert SentResult.objects.get().why == "unknown_tube"


def test_a_refusal_repeats_no_name_that_the_sender_made_up(fhir):
    entries = report("VTM-1")
    entries[0]["resource"]["13988880002"] = "x"

    answer = fhir(bundle(*entries))

    assert answer.status_code == 422
    assert "13988880002" not in answer.content.decode()


def test_a_result_that_the_rules_do_not_know_refuses_the_whole_message(fhir, world):
    good, bad = received(world), received(world, facts=facts(specimen_type="sputum"))

    answer = fhir(bundle(*report(good.number), *report(bad.number, n=2, sender="L2", ct={"N": 99})))

    assert (answer.status_code, "Ct" in said(answer)) == (422, True)
    assert not Result.objects.exists() and not Message.objects.exists()
    good.refresh_from_db()
    assert good.state == "received"


def test_a_test_to_come_and_the_number_of_a_person_are_refused(fhir, world):
    tube = received(world)
    later = fhir(bundle(*report(tube.number, issued="2020-02-06T09:00:00+08:00")))
    document = fhir(bundle(*report("513326197001010015")))

    assert (later.status_code, document.status_code) == (422, 422)
    assert "513326197001010015" not in document.content.decode()
    assert not SentResult.objects.exists()


def test_xml_and_what_is_too_big_are_refused(fhir, hl7, world, monkeypatch):
    bomb = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Bundle>&a;</Bundle>'
    assert fhir(bomb, kind="application/fhir+xml").status_code == 415
    assert "root:" not in fhir(bomb).content.decode()

    big = bundle(*report("VTM-1"), padding="x" * (2 * 1024 * 1024))
    answer = fhir(big)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-long")
    assert acked(hl7(oru("VTM-1") + "NTE|1||" + "x" * (2 * 1024 * 1024)))[0] == "AE"
    assert acked(hl7(b"x" * (11 * 1024 * 1024)))[0] == "AE"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "AE"),
        ("hello", "AE"),
        ("MSH", "AE"),
        ("MSH|^~\\&|", "AE"),
        ("MSH|^~\\&|LIS|LAB|F|5|20200205||ORU^R01|M|P|2.5\r", "AE"),
        (oru("VTM-1", kind="ADT^A01"), "AR"),
        (oru("VTM-1", processing="T"), "AR"),
        (oru("VTM-1", message_id=""), "AE"),
        (oru("VTM-1", charset="8859/1"), "AE"),
        (oru("VTM-1", status="P"), "AE"),
        (oru("VTM-1", "MAYBE"), "AE"),
        (oru("", "POS"), "AE"),
        (oru("VTM-1", ct={"X9": 20}), "AE"),
        (oru("VTM-1", ct={"N": 20}).replace("|20|", "|1e999999|"), "AE"),
        (oru("VTM-1").replace("|^~\\&|", "|^\n~\\&|", 1), "AE"),
        (oru("VTM-1", name="央金").encode("gb18030"), "AE"),
        (oru("VTM-1") + "OBX|9|CWE|94500-6||NEG||||||F\r", "AE"),
        (b"MSH|^~\\&|\x00\x00|LAB|F|5|2||ORU^R01|M|P|2.5\rOBR|1|V-123|L\r", "AE"),
        ("FHS|^~\\&|\r" + oru("VTM-1"), "AE"),
        (oru("VTM-1", ct={"N": "1E999999"}), "AE"),
        (oru("VTM-1", ct={"N": "1E99999"}), "AE"),
        (oru("VTM-1", tested="20200231100000"), "AE"),
        (oru("VTM-1", tested="gestern"), "AE"),
        (oru("VTM-1").replace("|^~", "|^\\~"), "AE"),
        (oru("VTM\x01-1"), "AE"),
        (oru("VTM-1") + "OBX|" + "^" * 300_000 + "\r", "AE"),
    ],
)
def test_an_oru_that_cannot_be_taken_is_answered_by_what_is_wrong(hl7, body, code):
    answer = hl7(body)

    assert (answer.status_code, acked(answer)[0]) == (200, code)
    assert acked(answer)[2]
    assert not Message.objects.exists() and not SentResult.objects.exists()


def test_gb18030_is_read_where_it_is_named(hl7, world):
    tube = received(world)
    body = oru(tube.number, "阳性", name=tube.person.name, charset="GB 18030-2000")

    assert acked(hl7(body.encode("gb18030")))[0] == "AA"
    assert Result.objects.get().outcome == "positive"


def test_an_answer_carries_no_line_and_no_field_of_the_sender(world):
    to = hl7v2.Head(message_id="M|1", sender=("A", "B"))
    told = hl7v2.answer(to, "AE", "a|b\rMSA|AA|x", world.person.created_at)

    assert told.decode().count("\rMSA|") == 1


# --- Who may --------------------------------------------------------------------------------------


def test_only_the_laboratory_of_a_tube_enters_its_result(client, fhir, hl7, world):
    tube = received(world)
    for who in (world.clinician, world.daofu_cdc, world.headquarters):
        assert fhir(bundle(*report(tube.number)), who).status_code == 403
        assert hl7(oru(tube.number), who).status_code == 403

    fhir(bundle(*report(tube.number)), world.other_technician)

    assert SentResult.objects.get().why == "unknown_tube"
    assert not Result.objects.exists()
    row = SentResult.objects.get()
    for name in ("detail", "match", "set_aside"):
        url = reverse(f"surveillance:exchange:{name}", args=[row.public_id])
        client.force_login(world.technician)
        assert (client.get(url) if name == "detail" else client.post(url)).status_code == 404
    client.logout()
    assert client.post(f"{API}fhir/", "{}", "application/json").status_code == 401


def test_a_program_that_may_only_send_results_sends_for_its_own_laboratory(client, world):
    tube = received(world)
    made = tokens.make(
        user=world.technician, label="LIS", permissions=["surveillance.testing.test"],
        may_write=True, expires_at=AT + timedelta(days=1), by=world.technician, at=AT,
    )  # fmt: skip

    answer = client.post(
        f"{API}hl7/", oru(tube.number).encode(), "text/plain",
        headers={"Authorization": f"Bearer {made.secret}"},
    )  # fmt: skip

    assert acked(answer)[0] == "AA" and Result.objects.count() == 1


def test_whoever_works_for_two_laboratories_says_for_which(fhir, world):
    tube = received(world)
    both = staff(Role.LABORATORY, facility=world.bench)
    from fangkong.accounts.tests.factories import appointment

    appointment(both, Role.LABORATORY, facility=world.other_bench)

    answer = fhir(bundle(*report(tube.number)), both)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (422, "required")
    answer = fhir(bundle(*report(tube.number)), both, query=f"?laboratory={world.bench.public_id}")
    assert answer.status_code == 200
    assert (Result.objects.count(), Specimen.objects.count(), Case.objects.count()) == (1, 1, 0)
    assert actions.MATCHED_WITHIN.total_seconds() == 12 * 3600
    assert collected(world, facts=facts(specimen_type="sputum")).state == "collected"
