"""Large plans are reckoned by the worker."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core.queue.actions import work
from fangkong.core.queue.types import Progress

from . import actions, queries


@work(queries.JOB, title=_("Reckon a plan of allocation"), tries=2)
def solve(key: int, at: datetime, progress: Progress) -> None:
    """Reckon the plan and what sharing pro rata would give."""
    progress(0, 1)
    actions.solve(key=key)
    progress(1, 1)
