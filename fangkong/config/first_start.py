"""An installation without accounts: serve the set-up pages, then start anew as what was chosen.

The addresses of the set-up stand in a URL configuration of their own, which only this process
uses. Once it has ended they exist nowhere (decision 0021).
"""

from __future__ import annotations

import os
import sys
import time

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from fangkong.web.setup import door


def until_set_up(host: str, port: int) -> bool:
    """Serve the set-up until it is done (True), or until this process is told to stop (False)."""
    from fangkong.config import serve

    settings.ROOT_URLCONF = "fangkong.config.setup_urls"
    # Whose facilities belong here is known when the prefecture is.
    call_command("places", areas_only=True, verbosity=0)
    server = uvicorn.Server(
        uvicorn.Config(**serve.listening(host, port), timeout_graceful_shutdown=5)
    )

    def close() -> None:
        # It answers what it has begun, the page that says so among it, and ends.
        server.should_exit = True

    code = door.open_(time.time(), close)
    everywhere = ("127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104  # compared, not bound
    shown = "localhost" if host in everywhere else host
    print(
        f"\nNobody has an account yet. Set this installation up at\n\n"
        f"  http://{shown}:{port}/setup/enter/{code}/\n\n"
        f"The address works once and for an hour; `fangkong setup` does the same in a terminal.\n",
        flush=True,
    )
    server.run()
    return serve.has_users()


def start_anew() -> None:
    """Become the same command again, which reads the settings that were chosen."""
    connections.close_all()
    sys.stdout.flush()
    again = [sys.executable, "-m", "fangkong.config.cli", *sys.argv[1:]]
    os.execv(sys.executable, again)  # noqa: S606  # ourselves, with the words of our own start
