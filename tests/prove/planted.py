"""Bugs that a harness must find. ``PLANTED`` names those that a server is started with."""

from __future__ import annotations

import asyncio
import contextvars
import os
import secrets
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Thread
from typing import IO, Any

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse

WINDOW = 0.03  # seconds in which the bug can be seen


class Planted(AppConfig):
    name = "tests.prove.planted"
    label = "planted"

    def ready(self) -> None:
        for bug in os.environ["PLANTED"].split(","):
            BUGS[bug]()


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

    monitoring.card_print = lambda *_args: secrets.token_hex(32)


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


BUGS: dict[str, Callable[[], None]] = {
    "audit after commit": audit_after_commit,
    "acknowledged too early": acknowledged_too_early,
    "no card known again": no_card_known_again,
    "thread before body": thread_before_body,
    "acknowledged but dropped": acknowledged_but_dropped,
    "nothing is shed": nothing_is_shed,
    "redis is needed": redis_is_needed,
}
