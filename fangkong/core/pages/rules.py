"""What may be kept of a list's address. Pure functions, no Django."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Not part of a view: where in the list one is, a file of it, or which view it was.
PASSING = frozenset({"after", "export", "view"})
QUERY_LIMIT = 1000  # characters


def kept(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parts of a query that a saved view keeps: filters, order and columns that are set."""
    return [(name, value) for name, value in pairs if value and name not in PASSING]


def looks_like_a_persons_number(text: str) -> bool:
    """Whether a text holds what may be an identity, passport or phone number of a person.

    Wider than the exact rules on purpose, and blind to blanks and dashes, so that a mistyped number
    is caught too. Days, moments and codes of areas pass.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    plain = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.+]*)?", " ", plain)
    plain = re.sub(r"(?<=[0-9A-Z])[\s\-_.]+(?=[0-9A-Z])", "", plain)
    return bool(
        re.search(r"[0-9]{14,}", plain)  # identity card, old or new, with or without its last sign
        or re.search(r"1[3-9][0-9]{9}", plain)  # mobile
        or re.search(r"(?<![0-9])0[0-9]{9,11}(?![0-9])", plain)  # landline with its area code
        or re.search(r"(?<![0-9A-Z])[A-Z]{1,2}[0-9]{7,9}(?![0-9A-Z])", plain)  # passports, permits
    )


def looks_personal(text: str) -> bool:
    """The same, leaving out ids of our own records, which hold no number of a person."""
    uuid = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
    return looks_like_a_persons_number(re.sub(uuid, " ", text))
