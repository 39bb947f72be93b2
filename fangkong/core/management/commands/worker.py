"""``fangkong worker``: carries out jobs, and fires schedules once a minute."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands.db_worker import Worker

from fangkong.core import clock
from fangkong.core.queue import actions as queue
from fangkong.core.queue.types import OUTSIDE
from fangkong.core.watch.jumps import Hands

log = logging.getLogger(__name__)

EVERY_SECONDS = 15
SENDER_SECONDS = 0.5  # between two looks at its queue
SENDER_ENDS = 8.0  # a message takes five seconds, and its name may have to be asked for


class Command(BaseCommand):
    help = "Carry out background jobs and schedules until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        queue.take_up(timezone.now())  # what a killed worker has left
        ticker = threading.Thread(target=_tick_until, args=(stop,), name="ticker", daemon=True)
        ticker.start()
        sender = Sender()
        sender.start()
        try:
            call_command("db_worker", interval=0.2, verbosity=0)
        finally:
            stop.set()
            sender.stop()
            ticker.join(5)


class Sender(threading.Thread):
    """Does what waits for other machines, beside everything else (``queue.types.OUTSIDE``)."""

    def __init__(self) -> None:
        super().__init__(name="sender", daemon=True)
        self.over = threading.Event()
        self.worker = Worker(
            queue_names=[OUTSIDE],
            interval=SENDER_SECONDS,
            batch=False,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.worker.run()
            except DatabaseError:  # away for a moment; what was taken is taken up
                log.exception("sender failed")
                self.over.wait(EVERY_SECONDS)
            finally:
                connections.close_all()

    def stop(self) -> None:
        """Let it end what it sends at this moment; that takes some seconds at most."""
        self.over.set()
        self.worker.running = False
        self.join(SENDER_ENDS)


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
