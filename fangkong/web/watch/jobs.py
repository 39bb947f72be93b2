"""What the rooms' own rules say of a restored database."""

from __future__ import annotations

from fangkong.core.backup import hooks
from fangkong.surveillance.monitoring import queries as monitoring


@hooks.invariant("surveillance.monitoring.counts")
def counts_fit() -> list[str]:
    """The daily counts must be those of the cases."""
    return [] if monitoring.check_counts().right else ["daily counts differ from the cases"]
