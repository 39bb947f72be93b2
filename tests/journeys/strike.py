"""Let a schedule strike now, as the worker does when its minute comes: ``strike NAME…``.

Run in a process of its own against the server's database, so that no journey waits for the clock.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    import django

    django.setup()

from fangkong.core import clock
from fangkong.core.queue import actions


def strike(names: list[str]) -> None:
    """The schedules of these names, once each."""
    for name in names:
        actions._schedules[name].call(clock.now())


if __name__ == "__main__":
    strike(sys.argv[1:])
