"""Days as a spreadsheet counts them, where a cell does not look like a date: 43861 is 2020-01-31.

No Django.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time, timedelta

_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001  # a cell has no zone


def moment(text: str) -> datetime | None:
    """The minute that a serial stands for, without a zone; None for what is no serial."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not _SERIAL.fullmatch(plain):
        return None
    return _DAY_0 + timedelta(minutes=round(float(plain) * 1440))


def told(text: str) -> str:
    """A serial as a day, with its time where it has one; "" for what is no serial."""
    found = moment(text)
    if found is None:
        return ""
    return found.strftime("%Y-%m-%d" if found.time() == time(0) else "%Y-%m-%d %H:%M")
