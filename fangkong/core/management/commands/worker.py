"""``fangkong worker``: carries out jobs, and fires schedules once a minute."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from fangkong.core import clock
from fangkong.core.queue import actions as queue
from fangkong.core.watch.jumps import Hands

log = logging.getLogger(__name__)

EVERY_SECONDS = 15


class Command(BaseCommand):
    help = "Carry out background jobs and schedules until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        queue.take_up(timezone.now())  # what a killed worker has left
        ticker = threading.Thread(target=_tick_until, args=(stop,), name="ticker", daemon=True)
        ticker.start()
        try:
            call_command("db_worker", interval=0.2, verbosity=0)
        finally:
            stop.set()
            ticker.join(5)


def _tick_until(stop: threading.Event) -> None:
    """Look at the clock several times a minute; a tick that fails is logged, the next one comes."""
    served_by = os.environ.get("FANGKONG_SERVED_BY", "")
    hands = Hands()
    while not stop.wait(EVERY_SECONDS):
        if served_by and os.getppid() != int(served_by):
            # The server that started this worker is gone; the next one starts its own.
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            hands.look()
            queue.tick(clock.now())
            queue.take_up(timezone.now())
        except Exception:  # the database may be away for a moment
            log.exception("tick failed")
        finally:
            close_old_connections()
