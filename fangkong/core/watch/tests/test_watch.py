"""What is counted, what is noted, and that neither holds anybody's data."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.backup import ledger
from fangkong.core.logs import JsonLines
from fangkong.core.watch import figures, slow, traces
from fangkong.core.watch.middleware import Meter, Watch


@pytest.fixture(autouse=True)
def _forget(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path
    slow._found.clear()
    yield
    slow._found.clear()


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (
            "SELECT * FROM a WHERE name = '扎西 ''x''' AND n = 42",
            "SELECT * FROM a WHERE name = ? AND n = ?",
        ),
        ("SELECT a1 FROM t2 WHERE id IN (%s, %s, %s)", "SELECT a1 FROM t2 WHERE id IN (…)"),
        ("SELECT 1.5 /* 13908360000 */ -- 13908360000", "SELECT ?"),
        ('SELECT "t"."c" FROM "t"\n  LIMIT 21', 'SELECT "t"."c" FROM "t" LIMIT ?'),
    ],
)
def test_a_noted_statement_has_lost_its_values(said, left):
    assert slow.normalised(said) == left


@given(st.text(alphabet="甲乙丙丁1234567890' ", min_size=1, max_size=30))
def test_no_text_value_survives(value):
    quoted = value.replace("'", "''")

    assert slow.normalised(f"SELECT x FROM t WHERE y = '{quoted}'") == "SELECT x FROM t WHERE y = ?"


def test_the_same_statement_is_one_line_with_its_worst_time():
    for took in (0.3, 0.9, 0.6):
        slow.note(f"SELECT * FROM t WHERE id = {took}", "people:index", took)

    (one,) = slow.everywhere()

    assert (one.view, one.count, one.worst_ms, one.mean_ms) == ("people:index", 3, 900, 600)


def test_the_lists_of_all_processes_are_read_together(tmp_path):
    slow.note("SELECT 1", "a", 0.4)
    other = [
        {"text": "SELECT ?", "view": "a", "count": 2, "total_ms": 700, "worst_ms": 500, "last": 1.0}
    ]
    (tmp_path / "watch").mkdir(exist_ok=True)
    (tmp_path / "watch" / "slow-1.json").write_text(json.dumps(other))
    (tmp_path / "watch" / "slow-2.json").write_text("[{")

    (one,) = slow.everywhere()

    assert (one.count, one.worst_ms) == (3, 500)


def test_a_process_remembers_a_hundred_statements_and_the_costly_ones():
    slow.note("SELECT costly", "a", 9)
    for number in range(slow.MOST + 20):
        slow.note(f"SELECT c{number}x", "a", 0.3)

    assert len(slow._found) == slow.MOST
    assert slow.everywhere()[0].text == "SELECT costly"


def test_a_quick_statement_is_counted_and_not_noted():
    meter = Meter(0.2)

    assert meter(lambda *asked: "answer", "SELECT 1", [], False, {}) == "answer"
    assert (meter.count, meter.late) == (1, [])


def test_a_statement_that_fails_is_counted_all_the_same():
    meter = Meter(0.0)

    with pytest.raises(ZeroDivisionError):
        meter(lambda *asked: 1 / 0, "SELECT 1", [], False, {})
    assert meter.count == 1 and len(meter.late) == 1


@pytest.mark.django_db
def test_a_line_of_access_holds_ids_and_numbers_only(client, settings, caplog):
    settings.FANGKONG_ACCESS_LOG = True
    with caplog.at_level(logging.INFO, "fangkong.access"):
        client.get("/people/?q=扎西")
    (record,) = [one for one in caplog.records if one.name == "fangkong.access"]

    line = json.loads(JsonLines().format(record))

    assert (line["view"], line["method"], line["status"]) == ("people:index", "GET", 302)
    assert line["id"] and line["ms"] > 0
    assert "扎西" not in json.dumps(line, ensure_ascii=False) and "/people/" not in json.dumps(line)


@pytest.mark.django_db
def test_unless_asked_for_requests_leave_no_line(client, caplog):
    with caplog.at_level(logging.INFO, "fangkong.access"):
        client.get("/alive/")

    assert [one for one in caplog.records if one.name == "fangkong.access"] == []


def test_a_forged_line_stays_within_its_own():
    record = logging.LogRecord("x", logging.INFO, "", 1, 'a\r\n{"level": "x"}', (), None)
    record.view = "b\r\nc\x85d\u2028e"
    said = JsonLines().format(record)

    assert len(said.splitlines()) == 1


@pytest.mark.django_db
def test_requests_are_counted_by_page_and_not_by_address(client):
    before = figures.requests.labels("unknown", "GET", "404")._value.get()
    for address in ("/nowhere/1/", "/nowhere/2/"):
        client.get(address)

    assert figures.requests.labels("unknown", "GET", "404")._value.get() == before + 2
    assert b"nowhere" not in figures.text()


@pytest.mark.django_db
def test_one_figure_that_cannot_be_known_does_not_hide_the_others(monkeypatch):
    def away() -> float:
        raise OSError

    monkeypatch.setitem(figures._asked, "away", ("x", away))

    assert b"fangkong_disk_free_ratio 0." in figures.text()


@pytest.mark.django_db
def test_where_no_backup_was_ever_proven_the_alarm_for_old_ones_goes_off(tmp_path, settings):
    settings.FANGKONG_DATA = tmp_path
    age = "fangkong_backup_proven_age_seconds"
    assert f"{age} +Inf\n" in figures.text().decode()

    ledger.note(ledger.Made("one.age", (timezone.now() - timedelta(hours=2)).isoformat()))
    assert f"{age} +Inf\n" in figures.text().decode(), "made is not proven"

    ledger.note_proof("one.age", timezone.now(), 3.0)
    said = next(line for line in figures.text().decode().splitlines() if line.startswith(age))
    assert 7_200 <= float(said.split()[1]) < 7_300


@pytest.mark.django_db
def test_a_span_names_the_page_and_nothing_of_the_person(client):
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    assert traces.start(kept)
    try:
        client.get("/people/?q=扎西")
    finally:
        traces.stop()
    (span,) = kept.get_finished_spans()

    assert span.name == "people:index"
    assert span.attributes["http.response.status_code"] == 302
    assert "?q" not in span.to_json() and "/people/" not in span.to_json()
    assert span.end_time > span.start_time


def test_without_an_endpoint_nothing_is_traced(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)

    assert traces.start() is False
    assert traces.tracer is None


def test_watch_gives_on_what_the_page_answers(rf):
    from django.http import HttpResponse

    answer = HttpResponse("x")

    assert Watch(lambda request: answer)(rf.get("/")) is answer
