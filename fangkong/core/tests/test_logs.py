"""Log lines: JSON with ids, never the data of people."""

from __future__ import annotations

import json
import logging

from django.conf import settings

from fangkong.core.logs import JsonLines, NoAlarm, RequestId
from fangkong.core.request_id import request_id


def line(message: str, *args: object, **facts: object) -> dict[str, object]:
    record = logging.LogRecord("fangkong.test", logging.WARNING, __file__, 1, message, args, None)
    record.__dict__.update(facts)
    RequestId().filter(record)
    return dict(json.loads(JsonLines().format(record)))


def test_a_line_is_one_json_object_with_time_level_and_message():
    found = line("queue is long: %d", 40)

    assert (found["level"], found["logger"]) == ("WARNING", "fangkong.test")
    assert found["message"] == "queue is long: 40"
    assert str(found["time"]).startswith("20")


def test_a_line_carries_the_id_of_its_request_and_none_outside_of_one():
    token = request_id.set("0190-aa")
    try:
        assert line("x")["request_id"] == "0190-aa"
    finally:
        request_id.reset(token)

    assert "request_id" not in line("x")


def test_what_stands_behind_a_question_mark_is_left_out():
    assert line("Not Found: /people/?q=扎西")["message"] == "Not Found: /people/"


def test_ids_given_with_a_line_are_kept_and_requests_are_not():
    found = line("job failed", tries=3, job="a:1", request=object())

    assert (found["tries"], found["job"]) == (3, "a:1")
    assert "request" not in found


def test_a_traceback_keeps_places_and_kinds_but_no_values():
    try:
        raise ValueError("扎西 13908360000")
    except ValueError as problem:
        facts = {"exc_info": (ValueError, problem, problem.__traceback__)}

    found = line("failed", **facts)

    assert found["error"] == "ValueError"
    assert "test_logs.py" in str(found["at"])
    assert "扎西" not in json.dumps(found, ensure_ascii=False)


def test_a_message_over_two_lines_stays_one_line():
    record = logging.LogRecord("x", logging.ERROR, "", 1, "a\nb", (), None)

    assert "\n" not in JsonLines().format(record)


def test_the_address_that_django_names_is_left_out():
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 1, "%s: %s", ("Not Found", "/people/扎西/"), None
    )

    assert json.loads(JsonLines().format(record))["message"] == "Not Found"


def test_what_a_refused_form_or_a_foreign_host_asked_for_is_left_out():
    for name, text in {
        "django.security.csrf": "Forbidden (CSRF cookie not set.): /places/扎西德吉/",
        "django.security.DisallowedHost": "Invalid HTTP_HOST header: '13800001111'.",
    }.items():
        record = logging.LogRecord(name, logging.WARNING, __file__, 1, text, (), None)
        message = json.loads(JsonLines().format(record))["message"]
        assert message == text.partition(":")[0]


def test_what_a_stranger_sends_wrong_is_a_warning_and_our_own_errors_stay_errors():
    found = {}
    for name in ("django.security.TooManyFieldsSent", "django.request"):
        record = logging.LogRecord(name, logging.ERROR, __file__, 1, "Too many: 5000", (), None)
        NoAlarm().filter(record)
        found[name] = json.loads(JsonLines().format(record))["level"]

    assert found == {"django.security.TooManyFieldsSent": "WARNING", "django.request": "ERROR"}
    assert settings.LOGGING["handlers"]["stderr"]["filters"] == ["request", "no_alarm"]


def test_a_form_of_thousands_of_fields_is_read_and_one_of_too_many_is_told_so(client, db):
    fields = {f"q-{n}": "1" for n in range(3000)}
    assert client.post("/accounts/login/", fields).status_code == 200

    answer = client.post("/accounts/login/", fields | {f"r-{n}": "1" for n in range(10_000)})

    assert answer.status_code == 413
    assert "分次" in answer.content.decode()
