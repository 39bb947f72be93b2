"""What is on its way to places. Whoever knows of it says so here; see ``provider``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from .types import Coming

Provider = Callable[[Sequence[int], date, date], Iterable[Coming]]

_providers: list[Provider] = []


def provider(call: Provider) -> Provider:
    """Declare who knows what is on its way: ``(keys of places, first day, last day)`` → ``Coming``.

    Orders and promised deliveries are told by ``supplies.sources``. One that is late already is
    told with its old day, or not at all where nobody believes in it any more.
    """
    if call not in _providers:
        _providers.append(call)
    return call


def coming(places: Sequence[int], first: date, last: date) -> list[Coming]:
    """All that anybody knows to be on its way to places, by day."""
    found = [one for call in _providers for one in call(places, first, last)]
    return sorted(found, key=lambda one: (one.day, one.place, one.item, one.what))
