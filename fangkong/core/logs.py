"""Log lines as JSON with ids only: no request bodies, no names, no query strings."""

from __future__ import annotations

import json
import logging

from fangkong.core.request_id import request_id

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_DROPPED = frozenset({"request", "args", "request_id"})


class RequestId(logging.Filter):
    """Give every line the id of its request or job."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class NoAlarm(logging.Filter):
    """What strangers send is refused and no error of ours: Django calls it one (a form with too
    many fields, another host's name), and whoever watches for errors would be woken by it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security.") and record.levelno == logging.ERROR:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line; a traceback keeps places and error kinds, not values."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        if request := getattr(record, "request_id", ""):
            line["request_id"] = request
        for name, value in record.__dict__.items():
            if name not in _STANDARD and name not in _DROPPED:
                line[name] = value if isinstance(value, (int, float, bool)) else str(value)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = _places(record)
        return json.dumps(line)  # ASCII: U+0085 and U+2028 end a line for some readers


def _message(record: logging.LogRecord) -> str:
    """The text of a line. Django names what a bad request asked for, which may hold anything."""
    if record.name.startswith(("django.request", "django.security")):
        return record.getMessage().partition(":")[0]  # "Not Found: /…", "Forbidden (…): /…"
    return record.getMessage().split("?")[0]


def _places(record: logging.LogRecord) -> list[str]:
    trace = record.exc_info[2] if record.exc_info else None
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]
