"""How long `fangkong serve` takes to its first answer and how much memory it holds, in one run.

Run as ``python benchmarks/start.py`` (or ``make bench``). A bare Django page under the same server
with as many processes starts beside it by turns. Exits with 1 if the processor time until the first
answer, spread over the cores, is more than 5 s, or the four processes hold more than 250 MB (PSS:
shared pages are counted once). The time of the clock stands beside it: on a busy machine it says
more about the neighbours.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
WORKERS, ROUNDS = 4, 3
SECONDS, MEGABYTES = 5.0, 250.0
BARE = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])
urlpatterns = [path("accounts/login/", lambda request: HttpResponse("hello"))]
application = get_wsgi_application()
"""
BARE_SERVER = """
import sys
from granian.constants import Interfaces
from granian.server import Server
if __name__ == "__main__":
    Server("bare:application", address="127.0.0.1", port=int(sys.argv[1]),
           interface=Interfaces.WSGI, workers=int(sys.argv[2]), blocking_threads=4,
           websockets=False).serve()
"""


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bare.py").write_text(BARE)
        (folder / "server.py").write_text(BARE_SERVER)
        own = {k: v for k, v in os.environ.items()
               if not k.startswith(("FANGKONG_", "DATABASE_URL", "REDIS_URL"))}  # fmt: skip
        env = {**own, "FANGKONG_DATA": str(folder / "data"), "PYTHONPATH": f"{ROOT}:{folder}"}
        ours = [sys.executable, "-m", "fangkong.config.cli"]
        made = {"env": env, "check": True, "stdout": subprocess.DEVNULL}
        subprocess.run([*ours, "migrate"], **made)  # type: ignore[call-overload]  # plain keywords
        subprocess.run([*ours, "places"], **made)  # type: ignore[call-overload]  # plain keywords
        subprocess.run([*ours, "admin", "zhou", "--name", "周宁"], input="Zx8-wolke-brunnen\n",
                       text=True, **made)  # type: ignore[call-overload]  # fmt: skip
        found: dict[str, list[tuple[float, float, float]]] = {"fangkong": [], "bare Django": []}
        for _round in range(ROUNDS):
            port = free_port()
            words = [*ours, "serve", "--port", str(port), "--workers", str(WORKERS)]
            found["fangkong"].append(measured(words, port, env))
            port = free_port()
            words = [sys.executable, str(folder / "server.py"), str(port), str(WORKERS)]
            found["bare Django"].append(measured(words, port, env))
    told = {}
    for name, runs in found.items():
        clock, cpu, memory = (median(column) for column in zip(*runs, strict=True))
        told[name] = (cpu, memory)
        print(
            f"{name:12} first answer {clock:5.2f} s (processor {cpu:5.2f} s)  PSS {memory:6.1f} MB"
        )
    cpu, memory = told["fangkong"]
    print(f"{WORKERS} processes, median of {ROUNDS}; promised: {SECONDS} s, {MEGABYTES:.0f} MB")
    return 0 if cpu / min(WORKERS, os.cpu_count() or 1) <= SECONDS and memory <= MEGABYTES else 1


def measured(words: list[str], port: int, env: dict[str, str]) -> tuple[float, float, float]:
    """Seconds to the first answer, processor seconds of all processes until then, and MB."""
    began = time.monotonic()
    server = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(port):
            if server.poll() is not None or time.monotonic() - began > 120:
                raise SystemExit(f"{' '.join(words)} did not start")
            time.sleep(0.02)
        clock, cpu = time.monotonic() - began, sum(map(seconds_of, family(server.pid)))
        for _page in range(WORKERS * 5):  # every process has drawn a page before it is weighed
            answers(port)
        return clock, cpu, sum(map(megabytes_of, family(server.pid)))
    finally:
        end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """Politely first: a bare server whose processes are busy starting may not hear it."""
    all_of_it = family(server.pid)
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        for pid in all_of_it:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait(30)


def answers(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request("GET", "/accounts/login/")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def family(pid: int) -> list[int]:
    """A process with all that it started."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in below for one in family(int(child)))]


def seconds_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
