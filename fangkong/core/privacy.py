"""What a table says about the personal data it holds (``pii`` on every model)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["identity", "contact", "whereabouts", "health", "staff"]
Destroy = Literal["erase", "pseudonymise", "keep"]


@dataclass(frozen=True)
class Personal:
    """One personal field: what it tells of a person, and what happens to it when its term is over.

    ``erase`` empties the field, ``pseudonymise`` replaces it by a random value, ``keep`` leaves it
    (only for staff acting in office, whose name belongs to the record).
    """

    kind: Kind
    destroy: Destroy
