"""``fangkong serve``: pages and API by several processes, behind a proxy that ends TLS."""

from __future__ import annotations

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from fangkong.config import serve

THREADS = 4  # of each process; more only wait for each other
WAITING = 64  # requests a process takes in; the proxy holds the others or answers 503
SLOW_HEADER_MS = 10_000


def run(*, host: str, port: int, workers: int) -> int:
    """Serve until stopped. The database must be up to date and a worker runs beside."""
    serve.require_database()
    serve.require_free_port(host, port)
    print(f"Fangkong serves http://{host}:{port}/ with {workers} processes", flush=True)
    Server(
        "fangkong.config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        backpressure=WAITING,
        http1_settings=HTTP1Settings(header_read_timeout=SLOW_HEADER_MS),
        websockets=False,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=30,
    ).serve()
    return 0
