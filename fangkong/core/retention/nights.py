"""When personal data were last destroyed; a clock that has gone far ahead since is not believed.

By a clock that is set to another year every term would be over, and one night would empty the
house. So each run notes its moment, and the next goes on by itself only some days later. Where
none is noted the trail is asked; a refusal notes what it says, before the wrong clock writes on.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from fangkong.core.audit import queries as audit

log = logging.getLogger(__name__)

FAR = timedelta(days=10)  # a house that was closed over the new year goes on by itself


class ClockInDoubt(Exception):
    """The clock is so far ahead of the last run that somebody has to say that it is right."""

    def __init__(self, last: datetime, at: datetime) -> None:
        super().__init__(
            f"nothing is destroyed: the clock says {at:%Y-%m-%d}, the last run or line of the "
            f"trail was on {last:%Y-%m-%d}. Set the clock; or, if it is right, run "
            "`fangkong retention --destroy --clock-is-right`."
        )


def place() -> Path:
    return Path(settings.FANGKONG_DATA) / "retention.txt"


def note(at: datetime) -> None:
    """A run was made at this moment; by a clock put right it may be earlier than the last."""
    new = place().with_suffix(".new")
    new.write_text(at.isoformat(), "utf-8")
    new.replace(place())


def forget() -> None:
    """What was noted is of the database that stood here before; another was restored."""
    place().unlink(missing_ok=True)


class Unreadable(Exception):
    """A run is noted, but nobody can say of when."""


def noted() -> datetime | None:
    """The run that is noted; None where none is."""
    try:
        found = datetime.fromisoformat(place().read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise Unreadable from problem
    if found.tzinfo is None:  # written by hand: of which zone?
        raise Unreadable
    return found


def last(at: datetime) -> datetime:
    """The last run; where none can be read, what the trail says, or else ``at``."""
    try:
        return noted() or _by_the_trail(at)
    except Unreadable:
        return _by_the_trail(at)


def _by_the_trail(at: datetime) -> datetime:
    """Its youngest line, unless it begins anew after a gap: then the last before the gap.

    What a wrong clock has written since it jumped says nothing for it. A trail that goes on for
    ``FAR`` without a gap does, and one that has nothing older: there all terms are young.
    """
    begins, before = audit.oldest(at - FAR, at), audit.youngest(at - FAR)
    if before and (begins is None or begins - before > FAR):
        return before
    return audit.youngest(at) or at


def require_plausible(at: datetime) -> None:
    """Refuse where the clock has gone ahead by more than days since the last run."""
    try:
        before = noted()
    except Unreadable:
        log.error("noted run of retention cannot be read", extra={"file": place().name})
        before = None
    believed = before or _by_the_trail(at)
    if at - believed > FAR:
        if before is None:
            note(believed)
        raise ClockInDoubt(believed, at)
