"""One TOML table, read strictly: each complaint names the file, the table, the key, the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from fangkong.packs.types import PackError, Text

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Raw = dict[str, Any]
Choice = TypeVar("Choice", bound=str)


class Table:
    """One TOML table that knows its place and must be read to the last key."""

    def __init__(self, file: str, place: str, raw: object) -> None:
        self.file, self.place = file, place
        if not isinstance(raw, dict):
            raise PackError(f"{file}, {place}: this must be a table; write [{place}]")
        self.raw: Raw = raw
        self._unread = set(raw)

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Stop with the file, the table and the key."""
        raise PackError(f'{self.file}, {self.place}, key "{key}": {problem}')

    def has(self, key: str) -> bool:
        return key in self.raw

    def _take(self, key: str, kind: type | tuple[type, ...], wanted: str) -> Any:
        self._unread.discard(key)
        if key not in self.raw:
            self.refuse(key, f"missing; add {wanted}")
        value = self.raw[key]
        # bool is an int and datetime is a date in Python, but neither is meant here.
        confused = isinstance(value, datetime) or (kind is not bool and isinstance(value, bool))
        if not isinstance(value, kind) or confused:
            self.refuse(key, f"{value!r} is not {wanted}")
        return value

    def words(self, key: str, default: str | None = None) -> str:
        """A text that is not empty, or the default where the key is absent."""
        if default is not None and key not in self.raw:
            return default
        value: str = self._take(key, str, "a text in quotation marks")
        if not value.strip():
            self.refuse(key, "is empty; write the text or leave the key out")
        return value

    def code(self, key: str = "code") -> str:
        value = self.words(key)
        if not _CODE.fullmatch(value):
            self.refuse(key, f"{value!r} is not a code; use a-z, 0-9 and single hyphens")
        return value

    def text(self, key: str) -> Text:
        """``key_zh`` and ``key_en`` as one text."""
        return Text(zh=self.words(f"{key}_zh"), en=self.words(f"{key}_en"))

    def day(self, key: str) -> date:
        value: date = self._take(key, date, "a day without quotation marks, such as 2020-01-20")
        return value

    def day_or_none(self, key: str) -> date | None:
        return self.day(key) if self.has(key) else None

    def days(self, key: str) -> tuple[date, ...]:
        """A list of days; empty where the key is absent."""
        wanted = "a list of days without quotation marks, such as [2020-01-19]"
        values = self._take(key, list, wanted) if self.has(key) else []
        if not all(type(value) is date for value in values):
            self.refuse(key, f"{values!r} is not {wanted}")
        return tuple(values)

    def flag(self, key: str, default: bool = False) -> bool:
        return bool(self._take(key, bool, "true or false")) if self.has(key) else default

    def number(self, key: str, least: int, most: int | None = None) -> int:
        wanted = f"a whole number of at least {least}" + (f" and at most {most}" if most else "")
        value: int = self._take(key, int, wanted)
        if value < least or (most is not None and value > most):
            self.refuse(key, f"{value} is not {wanted}")
        return value

    def numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        """A list of rising whole numbers; empty where the key is absent."""
        wanted = f"a list of rising whole numbers from {least} to {most}, such as [{least}]"
        values: list[int] = self._take(key, list, wanted) if self.has(key) else []
        if not all(type(value) is int and least <= value <= most for value in values):
            self.refuse(key, f"{values!r} is not {wanted}")
        if values != sorted(set(values)):
            self.refuse(key, f"{values!r} does not rise; write each once, the smallest first")
        return tuple(values)

    def positive(self, key: str) -> float:
        value: int | float = self._take(key, (int, float), "a number above 0")
        if value <= 0:
            self.refuse(key, f"{value} is not a number above 0")
        return float(value)

    def decimal(self, key: str, least: Decimal, most: Decimal) -> Decimal:
        """A number as it is written, exactly: 0.033 is 33 thousandths."""
        wanted = f"a number from {least} to {most}"
        value = Decimal(str(self._take(key, (int, float), wanted)))
        if not least <= value <= most:
            self.refuse(key, f"{value} is not {wanted}")
        return value

    def choice(self, key: str, choices: Sequence[Choice], default: Choice | None = None) -> Choice:
        if default is not None and not self.has(key):
            return default
        value = self.words(key)
        found = next((candidate for candidate in choices if candidate == value), None)
        if found is None:
            self.refuse(key, f"unknown {value!r}; use one of {', '.join(choices)}")
        return found

    def many(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where the key is absent."""
        if not self.has(key):
            return ()
        values = self._take(key, list, 'a list of texts, such as ["A00"]')
        if not all(isinstance(value, str) and value.strip() for value in values):
            self.refuse(key, f'{values!r} is not a list of texts, such as ["A00"]')
        if len(set(values)) < len(values):
            self.refuse(key, "says one thing twice; remove the second")
        return tuple(values)

    def tables(self, key: str) -> list[Table]:
        """The inner tables ``[[…key]]``; empty where there are none."""
        if not self.has(key):
            return []
        rows = self._take(key, list, f"a list of tables; write [[{self.place}.{key}]]")
        return [Table(self.file, f"{self.place}.{key}[{n}]", row) for n, row in enumerate(rows, 1)]

    def span(self) -> tuple[date | None, date | None]:
        """``valid_from`` and ``valid_to``, the first not after the last."""
        first, last = self.day_or_none("valid_from"), self.day_or_none("valid_to")
        if first and last and last < first:
            self.refuse("valid_to", f"{last} is before valid_from {first}; swap or correct them")
        return first, last

    def skip(self, keys: Iterable[str]) -> None:
        """Leave these keys to another reader."""
        self._unread.difference_update(keys)

    def end(self) -> None:
        """Refuse keys that nobody read: a misspelt key must not be ignored silently."""
        for key in sorted(self._unread):
            known = ", ".join(sorted(set(self.raw) - self._unread))
            self.refuse(key, f"unknown; correct the spelling or remove it (understood: {known})")


def rows(file: str, section: str, raw: Raw) -> list[Table]:
    """The tables ``[[section]]`` of a file; empty where there are none."""
    found = raw.get(section, [])
    if not isinstance(found, list):
        raise PackError(f"{file}, {section}: this must be a list; write [[{section}]]")
    return [Table(file, _place(section, n, row), row) for n, row in enumerate(found, 1)]


def _place(section: str, n: int, row: object) -> str:
    code = row.get("code") if isinstance(row, dict) else None
    return f"{section}[{n}]" + (f" ({code})" if code else "")
