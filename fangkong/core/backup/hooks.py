"""What rooms want to be asked when a backup is made, proven or restored.

A room registers when it loads (in its ``jobs.py``, or its ``AppConfig.ready``)::

    @hooks.mark("core.audit.head")
    def head() -> str: …                    # noted in the manifest of each backup

    @hooks.invariant("surveillance.counts")
    def counts_fit() -> list[str]: …        # what does not fit together after a restore

    @hooks.needed("core.audit.signer")
    def signed_by_us(mark) -> str: …        # why a backup with this mark must not be restored here

    @hooks.after_restore("core.privacy.retention")
    def destroy_what_is_due(at) -> None: …  # done once to each restored database, before it serves
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime


class LeftToAPerson(Exception):
    """What is done after a restore waits for a person; the text says what to do."""


Mark = Callable[[], str]
Invariant = Callable[[], list[str]]
Needed = Callable[[str], str]
AfterRestore = Callable[[datetime], None]

marks: dict[str, Mark] = {}
needs: dict[str, Needed] = {}
invariants: dict[str, Invariant] = {}
restored: dict[str, AfterRestore] = {}


def mark(name: str) -> Callable[[Mark], Mark]:
    """Note a word about the data in every manifest."""

    def register(call: Mark) -> Mark:
        marks[name] = call
        return call

    return register


def needed(name: str) -> Callable[[Needed], Needed]:
    """Look at the mark of this name before a backup is restored: what is missing here, or ""."""

    def register(call: Needed) -> Needed:
        needs[name] = call
        return call

    return register


def what_is_missing(marked: Mapping[str, str]) -> str:
    """What must be brought here before a backup with these marks is restored."""
    found = [call(marked[name]) for name, call in sorted(needs.items()) if marked.get(name)]
    return " ".join(text for text in found if text)


def invariant(name: str) -> Callable[[Invariant], Invariant]:
    """Ask after every restore, and in every proof, what does not fit together: ids only."""

    def register(call: Invariant) -> Invariant:
        invariants[name] = call
        return call

    return register


def after_restore(name: str) -> Callable[[AfterRestore], AfterRestore]:
    """Do something to every restored database before it is used again, or ``LeftToAPerson``."""

    def register(call: AfterRestore) -> AfterRestore:
        restored[name] = call
        return call

    return register


def what_is_wrong() -> list[str]:
    """Everything that does not fit together in this database, by the rooms' own rules."""
    return [f"{name}: {text}" for name, call in sorted(invariants.items()) for text in call()]
