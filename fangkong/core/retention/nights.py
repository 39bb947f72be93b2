"""When personal data were last destroyed; a clock that has gone far ahead since is not believed.

By a clock that is set to another year every term would be over, and one night would empty the
house. So each run notes its moment, and the next goes on by itself only some days later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from fangkong.core.audit import queries as audit

FAR = timedelta(days=10)  # a house that was closed over the new year goes on by itself


class ClockInDoubt(Exception):
    """The clock is so far ahead of the last run that somebody has to say that it is right."""

    def __init__(self, last: datetime, at: datetime) -> None:
        super().__init__(
            f"nothing is destroyed: the clock says {at:%Y-%m-%d}, the last run or line of the "
            f"trail was on {last:%Y-%m-%d}. Set the clock; or, if it is right, run "
            "`fangkong retention --destroy --clock-is-right`."
        )
        self.last = last


def place() -> Path:
    return Path(settings.FANGKONG_DATA) / "retention.txt"


def note(at: datetime) -> None:
    """A run was made at this moment; by a clock put right it may be earlier than the last."""
    new = place().with_suffix(".new")
    new.write_text(at.isoformat(), "utf-8")
    new.replace(place())


def last(at: datetime) -> datetime:
    """The last run; in a house without any, the youngest line of the trail, or else ``at``."""
    try:
        return datetime.fromisoformat(place().read_text("utf-8"))
    except (OSError, ValueError):  # none yet, or damaged
        return audit.youngest() or at


def require_plausible(at: datetime) -> None:
    """Refuse where the clock has gone ahead by more than days since the last run."""
    before = last(at)
    if at - before > FAR:
        raise ClockInDoubt(before, at)
