"""The id of the request or job at hand; audit lines and log lines carry it."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
