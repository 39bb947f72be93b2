"""The figures of the running system for Prometheus; several server processes share one set.

Counters live in the process, or, where ``fangkong serve`` runs several, in small files that the
client library merges. What the database knows is asked when somebody reads the figures.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY
from prometheus_client.utils import floatToGoString

log = logging.getLogger(__name__)

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

requests = Counter("fangkong_requests", "Answers by page", ["view", "method", "status"])
seconds = Histogram(
    "fangkong_request_seconds",
    "How long pages took",
    ["view"],
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
statements = Counter("fangkong_request_statements", "SQL statements by page", ["view"])
refused_sign_ins = Counter("fangkong_sign_ins_refused", "Sign-ins that failed")

Figure = Callable[[], float | None]
_asked: dict[str, tuple[str, Figure]] = {}


def figure(name: str, text: str) -> Callable[[Figure], Figure]:
    """Declare a figure that is asked for at each reading: ``@figure("open_signals", "…")``."""

    def declare(call: Figure) -> Figure:
        _asked[name] = (text, call)
        return call

    return declare


def count(view: str, method: str, status: int, took: float, queries: int) -> None:
    """One request was answered."""
    requests.labels(view, method if method in METHODS else "other", str(status)).inc()
    seconds.labels(view).observe(took)
    if queries:
        statements.labels(view).inc(queries)


def text() -> bytes:
    """All figures in Prometheus' own text."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = REGISTRY
    return generate_latest(registry) + "".join(_asked_lines()).encode()


def _asked_lines() -> list[str]:
    lines = []
    for name, (explained, call) in sorted(_asked.items()):
        try:
            value = call()
        except (DatabaseError, OSError):  # one source away must not hide the others
            log.warning("figure not known", extra={"figure": name})
            continue
        if value is not None:
            lines += [
                f"# HELP fangkong_{name} {explained}\n# TYPE fangkong_{name} gauge\n",
                f"fangkong_{name} {_written(value)}\n",
            ]
    return lines


def _written(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # as the client writes


def disk_free() -> float:
    """How much of the disk is free, 0 to 1."""
    usage = shutil.disk_usage(settings.FANGKONG_DATA)
    return round(usage.free / usage.total, 4)


figure("disk_free_ratio", "Free part of the disk of the data folder")(disk_free)
