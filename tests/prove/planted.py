"""Bugs that a harness must find. ``PLANTED`` names those that a server is started with."""

from __future__ import annotations

import asyncio
import contextvars
import os
import secrets
import signal
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from types import SimpleNamespace
from typing import IO, Any, cast

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

WINDOW = 0.25  # seconds in which the bug can be seen: whoever is killed is within it


class Planted(AppConfig):
    name = "tests.prove.planted"
    label = "planted"

    def ready(self) -> None:
        for bug in os.environ["PLANTED"].split(","):
            BUGS[bug]()
        poison()
        if "quick looks" in os.environ["PLANTED"]:
            by_the_clock()


def audit_after_commit() -> None:
    """The line of the trail is written after the work is committed, not with it."""
    from fangkong.core.audit import actions as audit

    def after_commit(plain: Callable[..., Any]) -> Any:
        def record(*args: Any, **kwargs: Any) -> None:
            def later() -> None:
                Event().wait(WINDOW)
                plain(*args, **kwargs)

            transaction.on_commit(later)

        return record

    audit.record = after_commit(audit.record)
    audit.record_at_end = after_commit(audit.record_at_end)


def acknowledged_too_early() -> None:
    """The answer leaves before its transaction is committed."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.too_early"]


def too_early(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that lets the transaction of a write end after its answer."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return get_response(request)
        given: SimpleQueue[HttpResponse] = SimpleQueue()

        def work() -> None:
            try:
                with transaction.atomic():
                    given.put(get_response(request))
                    Event().wait(WINDOW)
            finally:
                connection.close()

        Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        return given.get()

    return answer


def no_card_known_again() -> None:
    """The second wall against doubles is gone; what is left is the key of the sender."""
    from fangkong.surveillance.monitoring import actions as monitoring

    monitoring.card_print = lambda *_args, **_how: secrets.token_hex(32)


def thread_before_body() -> None:
    """A thread is taken as soon as the head of a request is there, as WSGI servers do."""
    from fangkong.config import doorway

    async def wait_inside(
        self: doorway.Doorway, scope: doorway.Scope, line: doorway.Line, body: IO[bytes]
    ) -> int:
        loop, over = asyncio.get_running_loop(), Event()
        held = loop.run_in_executor(self.threads, over.wait, 60)
        try:
            return await plain(self, scope, line, body)
        finally:
            over.set()
            await held

    plain = doorway.Doorway._read
    doorway.Doorway._read = wait_inside  # type: ignore[method-assign]  # the bug itself


def memory_without_end() -> None:
    """A long answer is handed on as fast as it is made, and waits for its reader in memory."""
    from fangkong.config import doorway

    async def at_once(self: doorway.Answer, line: Any, scope: doorway.Scope) -> None:
        await self.news
        if self.done and self.kept is None:
            line.response_bytes(self.status, self.headers, b"".join(self.pieces))
            return
        stream = line.response_stream(self.status, self.headers)
        await self._stream(cast(doorway.Pipe, SimpleNamespace(send=stream.send_bytes)))

    doorway.Answer.deliver = at_once  # type: ignore[method-assign]  # the bug itself


def no_patience() -> None:
    """No bug: who reads nothing is sent away after seconds."""
    from fangkong.config import doorway

    doorway.PATIENCE = doorway.SILENT = 10.0


def two_long_answers() -> None:
    """No bug: a process sends two long answers at once, not hundreds."""
    from fangkong.config import doorway

    doorway.LONG = 2


def threads_without_end() -> None:
    """Every long answer is begun, with a thread of its own."""
    from fangkong.config import doorway

    doorway.LONG = 512


def long_answers() -> None:
    """No bug: a page of fifty megabytes, made piece by piece as exports are, and shorter ones."""
    settings.MIDDLEWARE = [f"{__name__}.exporting", *settings.MIDDLEWARE]


LONG, MIDDLE, SHORT = 50 * 1024 * 1024, 8 * 1024 * 1024, 60 * 1024


def exporting(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that answers to `/long/`, `/middle/` and `/short/`."""

    def answer(request: HttpRequest) -> Any:
        if request.path == "/long/":
            return StreamingHttpResponse(b"a" * 65_536 for _n in range(LONG // 65_536))
        if request.path == "/middle/":
            return StreamingHttpResponse(b"a" * 65_536 for _n in range(MIDDLE // 65_536))
        if request.path == "/short/":
            return HttpResponse(b"a" * SHORT)
        return get_response(request)

    return answer


def acknowledged_but_dropped() -> None:
    """Every other write is answered as done and forgotten."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.dropping"]


def dropping(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that takes its word back."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or secrets.randbelow(2):
            return get_response(request)
        with transaction.atomic():
            response = get_response(request)
            transaction.set_rollback(True)
        return response

    return answer


def full_disk_is_fine() -> None:
    """What could not be written for want of room is answered as done."""
    settings.MIDDLEWARE = [f"{__name__}.saying_yes", *settings.MIDDLEWARE]


def saying_yes(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that hears no refusal."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code in (503, 507) and request.method == "POST":
            return JsonResponse({"id": str(uuid.uuid4())}, status=201)
        return response

    return answer


def nothing_is_shed() -> None:
    """Everybody waits for as long as it takes, and the monitor with them."""
    from fangkong.config import doorway
    from fangkong.core import shedding

    doorway.WAITING = shedding.AT_ONCE = 1_000_000
    doorway.HEALTH = frozenset()


def redis_is_needed() -> None:
    """Whatever asks the cache fails with it."""
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {**settings.CACHES["default"], "BACKEND": backend}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.asking_the_cache"]


def asking_the_cache(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that counts requests in the cache, as limits on callers like to do."""

    def answer(request: HttpRequest) -> HttpResponse:
        cache.set("asked", 1)
        return get_response(request)

    return answer


def small_chunks() -> None:
    """No bug: an import lasts long enough to be killed in."""
    from fangkong.core.imports import actions as imports

    imports.CHUNK = 3


def jobs_forgotten() -> None:
    """What a killed worker has begun is nobody's business."""
    from fangkong.core.queue import actions as queue

    queue.take_up = lambda _now: 0  # type: ignore[assignment]  # the bug itself


def quick_pauses() -> None:
    """No bug: a failed job is tried again at once, not after a minute."""
    from fangkong.core.queue import rules

    rules.wait_before = lambda _next_try: timedelta(0)  # type: ignore[assignment]  # the bug itself


def tries_not_noted() -> None:
    """A try counts when it is over; one that kills its worker never is."""
    global forgets_tries
    forgets_tries = True


forgets_tries = False


def poison() -> None:
    """Jobs that do nothing, fail always, and kill their worker."""
    from fangkong.core.queue import actions as queue
    from fangkong.core.queue.models import Job

    @queue.work("prove.nothing", title="prove.nothing", tries=3)
    def nothing(_subject_id: int, _at: object, _progress: object) -> None:
        return

    @queue.work("prove.fails", title="prove.fails", tries=3)
    def fails(_subject_id: int, _at: object, _progress: object) -> None:
        raise ValueError("always")

    @queue.work("prove.kills", title="prove.kills", tries=3)
    def kills(_subject_id: int, _at: object, _progress: object) -> None:
        if forgets_tries:
            Job.objects.filter(name="prove.kills").update(tries=0)
        os.kill(os.getpid(), signal.SIGKILL)


def by_the_clock() -> None:
    """Schedules and jobs that write down, in a file of the data folder, when they were begun."""
    from fangkong.core.queue import actions as queue

    begun = Path(settings.FANGKONG_DATA) / "begun.txt"

    def note(what: str, at: datetime) -> None:
        with begun.open("a") as file:
            file.write(f"{what} {at.isoformat()}\n")

    @queue.schedule("prove.daily", "4 10 * * *")
    def daily(at: datetime) -> None:
        note("daily", at)

    @queue.schedule("prove.rhythm", "* * * * *")
    def rhythm(at: datetime) -> None:
        note("rhythm", at)

    @queue.work("prove.long", title="prove.long", tries=3)
    def long(_subject_id: int, at: datetime, _progress: object) -> None:
        note("long", at)
        while not begun.with_name("go").exists():
            Event().wait(0.05)

    @queue.work("prove.second", title="prove.second", tries=3)
    def second(_subject_id: int, at: datetime, _progress: object) -> None:
        note("second", at)
        if begun.read_text().count("second") < 2:
            raise ValueError("only the first time")


def migrations_not_atomic() -> None:
    """Each statement of a migration is kept by itself."""
    from django.db.migrations import Migration

    Migration.atomic = False


def seals_not_compared() -> None:
    """The trail is verified by its chain alone; its rows are not looked at."""
    from fangkong.core.audit import verifying

    verifying._check_rows = lambda *_args: None


def quick_looks() -> None:
    """No bug: the worker looks at the clock each half second."""
    from fangkong.core.management.commands import worker

    worker.EVERY_SECONDS = 0.5  # type: ignore[assignment]  # only here


def marks_are_kept_a_moment() -> None:
    """What comes by the day fires whenever its minute is there."""
    from fangkong.core.queue import actions as queue

    plain = queue._first
    queue._first = lambda name, minute: name == "prove.daily" or plain(name, minute)


def leases_by_the_clock() -> None:
    """A job whose worker was last heard of "yesterday" is begun once more, though it lives."""
    from fangkong.core.queue import workers

    workers.is_silent = lambda seen_at, now, _unheard: (  # type: ignore[assignment]  # the bug itself
        seen_at is None or now - seen_at >= workers.LEASE
    )


def tokens_by_the_clock() -> None:
    """A token or a session is dead when the clock says so, and alive when it says so."""
    from fangkong.accounts.sign_in import actions as sign_in
    from fangkong.core.tokens import actions as tokens

    tokens.end_expired = lambda _at: 0  # type: ignore[assignment]  # the bug itself
    sign_in.end_expired = lambda **_times: 0


def set_back_is_not_seen() -> None:
    """Whatever came each minute waits for the minutes that it has seen before."""
    from fangkong.core.queue import actions as queue

    queue._go_on_after_set_back = lambda _minute: None  # type: ignore[assignment]  # the bug itself


BUGS: dict[str, Callable[[], None]] = {
    "audit after commit": audit_after_commit,
    "acknowledged too early": acknowledged_too_early,
    "no card known again": no_card_known_again,
    "thread before body": thread_before_body,
    "memory without end": memory_without_end,
    "no patience": no_patience,
    "long answers": long_answers,
    "two long answers": two_long_answers,
    "threads without end": threads_without_end,
    "acknowledged but dropped": acknowledged_but_dropped,
    "small chunks": small_chunks,
    "jobs of killed workers are forgotten": jobs_forgotten,
    "quick pauses": quick_pauses,
    "tries are not noted before": tries_not_noted,
    "a full disk is fine": full_disk_is_fine,
    "nothing is shed": nothing_is_shed,
    "quick looks": quick_looks,
    "seals are not compared": seals_not_compared,
    "migrations are not atomic": migrations_not_atomic,
    "marks are kept a moment": marks_are_kept_a_moment,
    "leases by the clock": leases_by_the_clock,
    "tokens by the clock": tokens_by_the_clock,
    "set back is not seen": set_back_is_not_seen,
    "redis is needed": redis_is_needed,
}
