"""Traces for an OpenTelemetry collector, where OTEL_EXPORTER_OTLP_ENDPOINT names one.

One span a request with the page's name, method, status and number of statements. The usual
instrumentation is not used: it would send addresses, which name records.
"""

from __future__ import annotations

import logging
import os
from typing import Any

log = logging.getLogger(__name__)

tracer: Any = None


def start(exporter: Any = None) -> bool:
    """Begin to trace where the environment asks for it; gives whether spans are made.

    ``exporter`` takes the place of the collector in tests.
    """
    global tracer
    if exporter is None and not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return False
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

            processor: Any = BatchSpanProcessor(OTLPSpanExporter())
        else:
            processor = SimpleSpanProcessor(exporter)
    except ImportError:
        log.warning("traces need the extra: pip install fangkong[otel]")
        return False
    provider = TracerProvider(resource=Resource.create({"service.name": "fangkong"}))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("fangkong")
    return True


def stop() -> None:
    """Make no more spans."""
    global tracer
    tracer = None


def span(view: str, method: str, status: int, at: int, took: float, statements: int) -> None:
    """One request: ``at`` in nanoseconds since 1970, ``took`` in seconds."""
    one = tracer.start_span(
        view,
        start_time=at,
        attributes={
            "http.request.method": method,
            "http.response.status_code": status,
            "http.route": view,
            "db.statements": statements,
        },
    )
    one.end(end_time=at + int(took * 1e9))
