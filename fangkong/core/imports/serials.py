"""Days as cells hold them: as people type them, or as a spreadsheet counts: 43861 is 2020-01-31.

No Django.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_MOMENT = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[T\s]*(\d{1,2})\s*[:时点]\s*(?:(\d{1,2})\s*分?)?(?:[:]?\s*\d{1,2}(?:\.\d+)?\s*秒?)?)?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T\s]?(\d{2})[:]?(\d{2})(?:\d{2})?)?")
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


def parse_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """A moment as people type it, or None: 2020-2-5, 2020/02/05 14:30, 2020年2月5日, a serial.

    A day without a time is its midnight. Days and months whose order is open (5/2/2020) are not
    guessed.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if (counted := moment(plain)) is not None:
        return counted.replace(tzinfo=zone)
    found = _MOMENT.fullmatch(plain) or _COMPACT.fullmatch(plain)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        return None
