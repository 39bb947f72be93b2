"""What a request asks for before it may be decided, and what may be erased."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

DAYS_TO_ANSWER = 30  # where no rule pack in force says otherwise

# Which proof fits who asks: an authority where somebody else speaks for the person.
_FITS = {
    "self": {"card"},
    "guardian": {"kinship"},
    "agent": {"authority"},
    "relative": {"kinship"},
}


def proof_fits(asker: str, proof: str) -> bool:
    """Whether an identity so checked is enough for who asks."""
    return proof in _FITS.get(asker, set())


def due_on(received_on: date, days: int | None) -> date:
    """The last day for the answer."""
    return received_on + timedelta(days=DAYS_TO_ANSWER if days is None else days)


def what_stays(
    personal: Mapping[str, Collection[str]], duties: Sequence[Mapping[str, Collection[str]]]
) -> dict[str, frozenset[str]]:
    """Of the personal fields of each table, those that some duty keeps; the others are erased."""
    return {
        table: frozenset(fields) & frozenset(name for one in duties for name in one.get(table, ()))
        for table, fields in personal.items()
    }
