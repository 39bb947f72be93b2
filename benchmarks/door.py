"""What the door of `fangkong serve` costs a light request: `python benchmarks/door.py`.

The same application is served twice, by one process each: behind the door that reads bodies before
it takes a thread (decision 0022), and by plain granian WSGI, which lets slow bodies stop everybody.
The same requests go to both by turns; the processor time is that of the serving process. The
promise: at most 0.3 ms of it more for each request.
A call without a token (401) and a list of 50 are asked.
"""

from __future__ import annotations

import http.client
import os
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # runs without installation

ROUNDS, CLIENTS = 7, 4
REQUESTS = {"401": 400, "list of 50": 60}
LEAVE = 0.3  # ms of processor time
TICK = 1000 / os.sysconf("SC_CLK_TCK")  # ms


def main() -> int:
    from tests.prove.client import CASES, ask, card
    from tests.prove.installation import seeded, serving

    with tempfile.TemporaryDirectory(prefix="fangkong-bench-") as folder:
        here = seeded(Path(folder), f"sqlite:///{folder}/fangkong.sqlite3")
        token = {"Authorization": f"Bearer {here.token}"}
        with serving(here, how=("serve", "--workers", "1")) as door, _plain(here) as plain:
            dice = random.Random(2020)
            for n in range(50):
                key = {**token, "Idempotency-Key": f"bench-{n}"}
                status = ask(door.port, "POST", CASES, card(str(n), here.facility, dice), key)[0]
                if status not in (200, 201):
                    raise SystemExit(f"a card was refused: {status}")
            kept = [
                compare("401", door, plain, {}),
                compare("list of 50", door, plain, token),
            ]
    return 0 if all(kept) else 1


def _plain(here: Any) -> Any:
    """The same application without the door."""
    from tests.prove import installation

    class Plain(installation.Process):
        @staticmethod
        def _command(*_words: str) -> list[str]:
            return [sys.executable, __file__, "plain"]

    return installation.serving(here, how=("plain",), process=Plain)


def serve_plain() -> int:
    """What `fangkong serve --workers 1` would be without its door."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    django.setup()
    from django.conf import settings
    from granian.constants import Interfaces
    from granian.server import Server

    from fangkong.config import doorway, production, serve

    serve.require_database()
    production.leave_database()
    Server(
        "fangkong.config.wsgi:application",
        address="127.0.0.1",
        port=settings.ENVIRONMENT.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=doorway.THREADS,
        websockets=False,
        log_access=False,
    ).serve()
    return 0


def compare(name: str, door: Any, plain: Any, headers: dict[str, str]) -> bool:
    """Ask both by turns and print the processor time of one request."""
    times: dict[str, list[float]] = {"door": [], "plain": []}
    both = {"door": door, "plain": plain}
    status = 401 if name == "401" else 200
    for turn in range(ROUNDS + 1):
        for which in ("door", "plain") if turn % 2 else ("plain", "door"):
            run, number = both[which], REQUESTS[name]
            before = spent(run.server.everyone())
            with ThreadPoolExecutor(CLIENTS) as pool:
                work = [
                    pool.submit(send, run.port, headers, status, number // CLIENTS)
                    for _client in range(CLIENTS)
                ]
                for one in work:
                    one.result()
            if turn:  # the first only warms up
                times[which].append((spent(run.server.everyone()) - before) / number)
    with_door, without = median(times["door"]), median(times["plain"])
    more = median(a - b for a, b in zip(times["door"], times["plain"], strict=True))
    kept = more <= LEAVE
    print(
        f"{name}: {with_door:.2f} ms of processor time behind the door, {without:.2f} ms without, "
        f"ratio {with_door / without:.2f}; {more:+.2f} ms each (median of {ROUNDS} pairs; "
        f"allowed {LEAVE}): {'kept' if kept else 'MISSED'}",
        flush=True,
    )
    return kept


def send(port: int, headers: dict[str, str], status: int, number: int) -> None:
    from tests.prove.client import CASES

    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _request in range(number):
        link.request("GET", CASES, headers=headers)
        answer = link.getresponse()
        answer.read()
        if answer.status != status:
            raise SystemExit(f"{answer.status} instead of {status}")
    link.close()


def spent(processes: list[int]) -> float:
    """Processor time of these processes so far, in ms."""
    total = 0
    for pid in processes:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(words[11]) + int(words[12])
    return total * TICK


if __name__ == "__main__":
    sys.exit(serve_plain() if sys.argv[1:] == ["plain"] else main())
