"""Named places on a page that a room above may fill, so that the room below need not know it.

A room above registers in its ``AppConfig.ready``; the page below draws what its slot holds for
this user::

    slots.register("people.detail", case_reports_of)     # (request, person) -> html or ""
    {% slot "people.detail" person %}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

Filler = Callable[[HttpRequest, object], str]

_fillers: dict[str, list[Filler]] = defaultdict(list)


def register(slot: str, filler: Filler) -> None:
    """Fill a slot; fillers are drawn in the order in which rooms load."""
    if filler not in _fillers[slot]:
        _fillers[slot].append(filler)


def fill(slot: str, request: HttpRequest, subject: object) -> SafeString:
    """All that rooms above put here for this user and this subject, as HTML."""
    pieces = (filler(request, subject) for filler in _fillers[slot])
    drawn = "".join(piece for piece in pieces if piece)
    return mark_safe(drawn)  # noqa: S308  # fillers render templates, which escape
