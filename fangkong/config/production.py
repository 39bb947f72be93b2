"""``fangkong serve``: pages and API by several processes, behind a proxy that ends TLS."""

from __future__ import annotations

import gc
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import connections
from django.template.loader import get_template
from django.urls import reverse
from django.utils.translation import override
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from fangkong.config import doorway, serve
from fangkong.config.problems import CannotGoOn

CONNECTIONS = 1024  # of each process; who sends or reads slowly holds one, and no thread
SLOW_HEADER_MS = 10_000


def refuse_careless_settings(host: str) -> None:
    """What is good on a desk is refused where a prefecture works."""
    if settings.DEBUG:
        raise CannotGoOn("FANGKONG_DEBUG=1 shows strangers how the server works. Take it away.")
    if not settings.ENVIRONMENT.secure and host not in ("127.0.0.1", "::1", "localhost"):
        raise CannotGoOn(
            f"{host} can be reached from other machines, and passwords would pass in clear. Put a "
            "proxy with HTTPS in front and set FANGKONG_HTTPS=1, or listen on 127.0.0.1."
        )


def run(*, host: str, port: int, workers: int) -> int:
    """Serve until stopped. The database must be up to date and a worker runs beside."""
    refuse_careless_settings(host)
    serve.require_database()
    serve.require_free_port(host, port)
    if not serve.has_users():
        return serve.set_up_first(host, port)
    load_for_all()
    leave_database()
    print(f"Fangkong serves http://{host}:{port}/ with {workers} processes", flush=True)
    Server(
        "fangkong.config.door:application",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,  # the proxy before it speaks nothing else to it
        workers=workers,
        backpressure=CONNECTIONS,
        runtime_blocking_threads=doorway.LONG,  # they read files, which long answers alone are
        http1_settings=HTTP1Settings(header_read_timeout=SLOW_HEADER_MS),
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=30,
    ).serve()
    return 0


def load_for_all() -> None:
    """Load what every process needs while there is one: its children are forks and share it.

    Frozen, it is not walked through by the collector, which would copy page after page.
    """
    import_module("fangkong.config.door")
    for language, _name in settings.LANGUAGES:
        with override(language):
            reverse(settings.LOGIN_URL)  # all addresses with their views, and all words
    for folder in cast(list[str], settings.TEMPLATES[0]["DIRS"]):
        for page in Path(folder).rglob("*.html"):
            get_template(page.relative_to(folder).as_posix())
    gc.collect()
    gc.freeze()


def leave_database() -> None:
    """Close what this process has opened: its children are forks of it.

    They would share one connection, and a pool whose threads live in the parent only: it could
    never open another.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
        if connection.vendor == "postgresql":
            cast(Any, connection).close_pool()
