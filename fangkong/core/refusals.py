"""A refusal is a fact with a name. Each action defines its own beside itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import cast

from django.utils.functional import Promise, lazy


def filled(text: str | Promise, **values: object) -> Promise:
    """A translated text with values in it, in the language of whoever reads it."""
    # What a lazy text does with % itself is done at once, in the language of whoever was refused.
    return cast(Promise, _filled(text, values))


def _fill(text: str | Promise, values: Mapping[str, object]) -> str:
    return str(text) % {name: str(value) for name, value in values.items()}


_filled = lazy(_fill, str)


class Refused(Exception):
    """The action was not done, and nothing was changed. Its text tells a person what to do."""

    status = 409
    retry_after: int | None = None  # seconds, where waiting helps
    errors: Sequence[Mapping[str, str]] = ()  # for machines: what is wrong where in the body

    def __init__(self, text: str | Promise, *, wait: timedelta | None = None) -> None:
        """``wait``: how long before it may be tried again, where that helps."""
        super().__init__(text)
        self.text = text
        if wait is not None:
            self.retry_after = max(1, ceil(wait.total_seconds()))

    def __str__(self) -> str:
        return str(self.text)


class WrongFields(Refused):
    """Several values that cannot be right; ``faults``: field and words of each.

    A form tells each beside its field (``core.pages``), whatever it has no field for at its top.
    """

    status = 422

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = list(faults)
        super().__init__(" ".join(text for _field, text in self.faults))


class WrongField(Refused):
    """A value that cannot be right; ``field`` names the one to correct, "" where it is none."""

    status = 422

    def __init__(self, text: str | Promise, field: str = "") -> None:
        super().__init__(text)
        self.field = field
